/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_TEST_KERNEL_FTP_CASE_H
#define MEWATCH_TEST_KERNEL_FTP_CASE_H

/* What the test program reads of a segment of FTP behind an Ethernet header. */
#include "mewatch/ftp.h"

#define FTP_HEADER 14

struct ftp_case {
	struct me_ftp ftp;
	__u32 length;
	__u32 sent; /* in */
};

#endif
