/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets below the transport: raw, ping, packet. */
#include "lab.h"

int main(int argc, char **argv)
{
	return lab_main(argc, argv, me_traffic_raw);
}
