/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways a UDP or UDP-Lite datagram is sent. */
#include "lab.h"

int main(int argc, char **argv)
{
	return lab_main(argc, argv, me_traffic_udp);
}
