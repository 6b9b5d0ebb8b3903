/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways a connection is made: TCP, MPTCP, SCTP, DCCP. */
#include "lab.h"

int main(int argc, char **argv)
{
	return lab_main(argc, argv, me_traffic_tcp);
}
