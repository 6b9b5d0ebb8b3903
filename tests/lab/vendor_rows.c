/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The rows of vendor_rows.h, a line for each port, profile and vantage, its words separated by tabs:
 *
 *	PROFILE DOCUMENT TO PORT PROTO host|transit|own SERVICE WHAT
 */
#include <stdio.h>
#include <string.h>
#include "../vendor_rows.h"

#define SIZE(array) (sizeof(array) / sizeof(*(array)))

static const char *expectation(const struct row *row, unsigned int profile)
{
	for (size_t i = 0; i < SIZE(row->is); i++)
		if (row->is[i].profiles & profile)
			return row->is[i].what;
	return "none none";
}

static void print(const struct row *row, size_t profile)
{
	static const char *const vantages[] = {"host", "transit", "own"};
	const char *what = expectation(row, profiles[profile].bit);
	const char *space = strchr(what, ' ');

	for (const char *port = row->ports; *port; port += strspn(port, " ")) {
		int length = (int)strcspn(port, "/ ");
		int whole = (int)strcspn(port, " ");

		for (size_t i = 0; i < SIZE(vantages); i++)
			if (row->where & 1u << i)
				printf("%s\t%s\t%s\t%.*s\t%.*s\t%s\t%.*s\t%s\n",
				       profiles[profile].name, row->document, row->to, length, port,
				       whole - length - 1, port + length + 1, vantages[i],
				       (int)(space - what), what, space + 1);
		port += whole;
	}
}

int main(void)
{
	for (size_t profile = 0; profile < SIZE(profiles); profile++)
		for (size_t i = 0; i < SIZE(rows); i++)
			print(&rows[i], profile);
	return 0;
}
