/* SPDX-License-Identifier: GPL-2.0-only */
/* The same through io_uring. */
#include "lab.h"

int main(int argc, char **argv)
{
	return lab_main(argc, argv, me_traffic_uring);
}
