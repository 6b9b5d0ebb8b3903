/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_SELFTEST_SIGHT_H
#define MEWATCH_SELFTEST_SIGHT_H

/*
 * From what was measured of a path to a cell of the table, and whether that is as declared. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mewatch/types.h"
#include "selftest/paths.h"

/* A path as it is declared. */
struct me_path {
	const char *name, *run, *text; /* run NULL: a trick, of that name */
	int families;                  /* 4, 6 or 46 */
	enum me_where where;
	uint16_t port;
	unsigned int times;
	enum me_sight sight[ME_VANTAGE_KERNEL_COUNT];
};
extern const struct me_path me_paths[ME_PATH_COUNT];

const char *me_sight_label(enum me_sight sight);
const char *me_sight_help(enum me_sight sight);

/* One run of a path to one destination, as measured. */
struct me_run {
	enum me_vantage vantage; /* from which it is to be seen */
	bool listed;             /* whether the policy allows the destination */
	bool enforced;           /* whether violations were denied; then it is not listed */
	bool found;              /* by a sweep */
	unsigned long attempts;  /* that were made */
	unsigned long accepted;  /* connections that the destination opened */
	int error;               /* the last errno that the path had, or 0 */
	uint64_t arrived;        /* packets at the far end */
	/* What was counted meanwhile, by vantage. */
	uint64_t counted[ME_VANTAGE_KERNEL_COUNT]; /* attempts */
	uint64_t allowed, violations, denied;      /* of those from `vantage` */
	/* Flows to the destination from `vantage`, and those with the right verdict and direction. */
	uint64_t flows, right;
	uint64_t inbound; /* of those, opened from there */
};

/* A cell. */
struct me_seen {
	enum me_sight sight;
	char why[160]; /* where it is ABSENT or OTHER */
};

/* Whether what was found is what was declared. */
bool me_sight_holds(enum me_sight declared, enum me_sight found);

/* What one run shows. */
void me_run_seen(const struct me_run *run, struct me_seen *ret_seen);
/*
 * What a path shows all in all, when `more` is added to what is known by then: each run has to show the
 * same, but for those that the kernel does not have. At first the sight of `so_far` is ME_SIGHT_COUNT.
 */
void me_seen_add(struct me_seen *so_far, const struct me_seen *more);

/* What a verdict makes of a trick. ME_SIGHT_OTHER: none that is expected of any. */
enum me_sight me_sight_of(enum me_verdict verdict, enum me_reason reason,
			  enum me_evidence evidence);

/* What a path shows when violations are told, and then denied. */
void me_seen_deny(struct me_seen *seen, const struct me_seen *denied);

/* A row of the table. */
struct me_path_row {
	const struct me_path *path;
	struct me_seen seen[ME_VANTAGE_KERNEL_COUNT];
};

/* Whether a cell is as declared. What the kernel does not have is nowhere otherwise. */
bool me_cell_holds(const struct me_path_row *row, enum me_vantage vantage);

struct me_path_sums {
	size_t cells[ME_SIGHT_COUNT]; /* of what was measured, by sight */
	size_t rows, absent, wrong;   /* rows; not on this kernel; not as declared */
};
struct me_path_sums me_paths_sum(const struct me_path_row *rows, size_t n);

#endif
