/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel = host for FTP: segments of control channels, whole and damaged, are read by the programs and by
 * the same header compiled here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "ftp_case.h"
#include "../seed.h"
#include "tests/kernel/ftp_case.skel.h"

#define CASES 20000
#define SEGMENT_MAX (ME_FTP_SEGMENT_MAX + 200u) /* longer than what is read */

struct fixture {
	struct ftp_case_bpf *bpf;
	uint64_t random;
	uint8_t packet[FTP_HEADER + SEGMENT_MAX];
	uint32_t length; /* of the segment */
};

static const char *const lines[] = {
	"220 ready\r\n",
	"230-Welcome\r\n 227 (1,2,3,4,5,6)\r\n230 logged in\r\n",
	"227 Entering Passive Mode (203,0,113,10,195,149).\r\n",
	"227 =10,0,0,1,0,99\n",
	"229 Entering Extended Passive Mode (|||6446|)\r\n",
	"234 AUTH TLS successful\r\n",
	"PORT 10,0,0,1,4,0\r\n",
	"eprt |2|2001:db8::1|5282|\r\n",
	"EPRT |1|192.0.2.1|1025|\r\n",
	"RETR version.txt\r\n",
	"150 Here comes the directory listing, of which nobody wants to know anything at all.\r\n",
};

static uint32_t below(struct fixture *f, uint32_t bound)
{
	return me_seed_next(&f->random) % bound;
}

static void random_segment(struct fixture *f)
{
	static const uint8_t likely[] = "0123456789,|() \r\n";
	uint8_t *segment = f->packet + FTP_HEADER;

	f->length = 0;
	for (uint32_t n = 1 + below(f, below(f, 16) ? 4 : 40); n; n--) {
		const char *line = lines[below(f, ME_ARRAY_SIZE(lines))];
		size_t length = strlen(line);

		if (f->length + length > SEGMENT_MAX)
			break;
		memcpy(segment + f->length, line, length);
		f->length += length;
	}
	if (below(f, 2))
		return;
	for (uint32_t n = below(f, 4); n; n--)
		segment[below(f, f->length)] =
			below(f, 3) ? likely[below(f, sizeof(likely) - 1)] : (uint8_t)below(f, 256);
	if (below(f, 3) == 0)
		f->length = 1 + below(f, f->length);
}

static void in_kernel(struct fixture *f, struct ftp_case *c)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->packet,
		    .data_size_in = FTP_HEADER + f->length);
	int map = bpf_map__fd(f->bpf->maps.ftp_cases);
	uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(map, &zero, c, BPF_ANY), 0);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(f->bpf->progs.ftp_case), &opts), 0);
	assert_int_equal(opts.retval, 0);
	assert_int_equal(bpf_map_lookup_elem(map, &zero, c), 0);
}

static void same_as_on_the_host(void **state)
{
	struct fixture *f = *state;
	uint32_t said = 0;

	f->random = me_seed();
	for (int i = 0; i < CASES; i++) {
		struct ftp_case c = {.sent = below(f, 2)};
		struct me_ftp ftp;

		random_segment(f);
		in_kernel(f, &c);
		me_ftp_read(f->packet + FTP_HEADER, f->length, c.sent, &ftp);
		assert_int_equal(c.length,
				 f->length < ME_FTP_SEGMENT_MAX ? f->length : ME_FTP_SEGMENT_MAX);
		assert_memory_equal(&c.ftp, &ftp, sizeof(ftp));
		said += ftp.says != 0;
	}
	printf("%u of %u segments said something\n", said, CASES);
	assert_true(said > CASES / 8);
}

static int setup(void **state)
{
	static struct fixture f;

	f.bpf = ftp_case_bpf__open_and_load();
	assert_non_null(f.bpf);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ftp_case_bpf__destroy(f->bpf);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_on_the_host)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
