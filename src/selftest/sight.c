/* SPDX-License-Identifier: GPL-2.0-only */
#include "selftest/sight.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATH(name, run, families, where, port, times, host, transit, text)                         \
	{name,                                                                                     \
	 run,                                                                                      \
	 text,                                                                                     \
	 families,                                                                                 \
	 ME_WHERE_##where,                                                                         \
	 port,                                                                                     \
	 times,                                                                                    \
	 {[ME_HOST] = ME_SIGHT_##host, [ME_TRANSIT] = ME_SIGHT_##transit}},
#define TRICK(name, host, transit, text) PATH(name, NULL, 4, IN, 0, 1, host, transit, text)
const struct me_path me_paths[ME_PATH_COUNT] = {ME_PATH_LIST(PATH) ME_TRICK_LIST(TRICK)};

#define LABEL(constant, label, help) label,
#define HELP(constant, label, help) help,
static const char *const labels[] = {ME_SIGHT_LIST(LABEL)}, *const helps[] = {ME_SIGHT_LIST(HELP)};

const char *me_sight_label(enum me_sight sight)
{
	return sight < ME_SIGHT_COUNT ? labels[sight] : "?";
}

const char *me_sight_help(enum me_sight sight)
{
	return sight < ME_SIGHT_COUNT ? helps[sight] : "?";
}

enum me_sight me_sight_of(enum me_verdict verdict, enum me_reason reason, enum me_evidence evidence)
{
	static const enum me_sight allowed[ME_EVIDENCE_COUNT] = {
		[ME_EVIDENCE_LEARNED] = ME_SIGHT_LEARNED,
		[ME_EVIDENCE_VERIFIED] = ME_SIGHT_VERIFIED,
		[ME_EVIDENCE_CLAIMED] = ME_SIGHT_CLAIMED,
		[ME_EVIDENCE_LISTED] = ME_SIGHT_LISTED,
		[ME_EVIDENCE_ANNOUNCED] = ME_SIGHT_ANNOUNCED,
		[ME_EVIDENCE_CONTROL_ONLY] = ME_SIGHT_CONTROL_ONLY,
		[ME_EVIDENCE_DOCUMENTED] = ME_SIGHT_DOCUMENTED,
	};
	static const enum me_sight violation[ME_REASON_COUNT] = {
		[ME_REASON_UNLISTED_DESTINATION] = ME_SIGHT_NOT_BELIEVED,
		[ME_REASON_NAME_MISMATCH] = ME_SIGHT_NAME_MISMATCH,
		[ME_REASON_WRONG_RESOLVER] = ME_SIGHT_WRONG_RESOLVER,
		[ME_REASON_ENCRYPTED_DNS] = ME_SIGHT_ENCRYPTED_DNS,
		[ME_REASON_QUIC] = ME_SIGHT_QUIC,
		[ME_REASON_FTP_UNANNOUNCED] = ME_SIGHT_FTP_UNANNOUNCED,
		[ME_REASON_UNLISTED_PORT] = ME_SIGHT_UNLISTED_PORT,
	};
	enum me_sight sight =
		verdict == ME_ALLOWED && evidence < ME_EVIDENCE_COUNT ? allowed[evidence]
		: verdict == ME_VIOLATION && reason < ME_REASON_COUNT ? violation[reason]
								      : 0;

	return sight ? sight : ME_SIGHT_OTHER;
}

static enum me_vantage other(enum me_vantage vantage)
{
	return vantage == ME_HOST ? ME_TRANSIT : ME_HOST;
}

/* Each attempt counted once, judged as the policy says, and a flow. */
static bool is_judged(const struct me_run *run)
{
	return run->attempts && run->arrived && run->counted[run->vantage] == run->attempts &&
	       (run->listed ? run->allowed : run->violations) == run->attempts &&
	       run->flows == run->attempts && run->right == run->attempts &&
	       !run->counted[other(run->vantage)];
}

/* All that was counted was denied. In transit the process may be about to try once more. */
static bool is_denied(const struct me_run *run)
{
	uint64_t counted = run->counted[run->vantage];

	return run->enforced && counted && run->violations == counted && run->denied == counted &&
	       run->flows == counted && run->right == counted &&
	       !run->counted[other(run->vantage)] &&
	       (run->vantage != ME_HOST || counted == run->attempts);
}

static bool is_unseen(const struct me_run *run)
{
	return !run->counted[run->vantage] && !run->flows;
}

/* Nothing is sent, or only over connections that the other side opened. */
static bool is_nothing(const struct me_run *run)
{
	if (!run->accepted)
		return is_unseen(run) && !run->attempts && !run->arrived;
	return !run->attempts && run->arrived && !run->counted[ME_HOST] &&
	       !run->counted[ME_TRANSIT] && run->flows == run->inbound &&
	       run->flows == (run->vantage == ME_TRANSIT ? run->accepted : 0);
}

/* What the host does not see is seen in transit; what transit does not, nobody has to. */
static bool is_left_to_other(const struct me_run *run)
{
	return run->vantage != ME_HOST || run->counted[ME_TRANSIT] == run->attempts;
}

void me_run_seen(const struct me_run *run, struct me_seen *ret_seen)
{
	struct me_seen seen = {.sight = ME_SIGHT_OTHER};

	if (is_denied(run) && !run->arrived)
		seen.sight = run->vantage == ME_HOST && run->error != EPERM ? ME_SIGHT_DROPPED
									    : ME_SIGHT_DENIABLE;
	else if (is_judged(run) && !run->denied)
		seen.sight = ME_SIGHT_JUDGED;
	else if (is_nothing(run))
		seen.sight = ME_SIGHT_NOTHING;
	else if (is_unseen(run) && run->attempts && run->arrived && is_left_to_other(run))
		seen.sight = run->found ? ME_SIGHT_FOUND : ME_SIGHT_BLIND;
	else
		snprintf(
			seen.why, sizeof(seen.why),
			"%s: attempts %lu, counted %llu (%s %llu), allowed %llu, violations %llu, denied "
			"%llu, flows %llu (right %llu), arrived %llu%s%s",
			run->listed     ? "listed"
			: run->enforced ? "to be denied"
					: "not listed",
			run->attempts, (unsigned long long)run->counted[run->vantage],
			me_vantage_label(other(run->vantage)),
			(unsigned long long)run->counted[other(run->vantage)],
			(unsigned long long)run->allowed, (unsigned long long)run->violations,
			(unsigned long long)run->denied, (unsigned long long)run->flows,
			(unsigned long long)run->right, (unsigned long long)run->arrived,
			run->error ? ", " : "", run->error ? strerror(run->error) : "");
	*ret_seen = seen;
}

static bool is_denying(enum me_sight sight)
{
	return sight == ME_SIGHT_DENIABLE || sight == ME_SIGHT_DROPPED || sight == ME_SIGHT_DENIED;
}

bool me_sight_holds(enum me_sight declared, enum me_sight found)
{
	return found == declared || (declared == ME_SIGHT_DENIED && is_denying(found));
}

void me_seen_add(struct me_seen *so_far, const struct me_seen *more)
{
	if (so_far->sight == ME_SIGHT_COUNT || so_far->sight == ME_SIGHT_ABSENT) {
		*so_far = *more;
	} else if (so_far->sight != more->sight && is_denying(so_far->sight) &&
		   is_denying(more->sight)) {
		so_far->sight = ME_SIGHT_DENIED;
	} else if (more->sight != ME_SIGHT_ABSENT && so_far->sight != more->sight &&
		   so_far->sight != ME_SIGHT_OTHER) {
		if (more->sight == ME_SIGHT_OTHER)
			memcpy(so_far->why, more->why, sizeof(so_far->why));
		else
			snprintf(so_far->why, sizeof(so_far->why), "%s one time, %s another",
				 me_sight_label(so_far->sight), me_sight_label(more->sight));
		so_far->sight = ME_SIGHT_OTHER;
	}
}

void me_seen_deny(struct me_seen *seen, const struct me_seen *denied)
{
	if (seen->sight == ME_SIGHT_JUDGED && denied->sight != ME_SIGHT_COUNT)
		*seen = *denied;
}

bool me_cell_holds(const struct me_path_row *row, enum me_vantage vantage)
{
	enum me_sight found = row->seen[vantage].sight;

	return found == ME_SIGHT_ABSENT || me_sight_holds(row->path->sight[vantage], found);
}

struct me_path_sums me_paths_sum(const struct me_path_row *rows, size_t n)
{
	struct me_path_sums sums = {.rows = n};

	for (size_t i = 0; i < n; i++) {
		bool absent = true, wrong = false;

		for (int v = 0; v < ME_VANTAGE_KERNEL_COUNT; v++) {
			enum me_sight sight = rows[i].seen[v].sight;

			if (sight < ME_SIGHT_COUNT)
				sums.cells[sight]++;
			absent &= sight == ME_SIGHT_ABSENT;
			wrong |= !me_cell_holds(&rows[i], v);
		}
		sums.absent += absent;
		sums.wrong += wrong;
	}
	return sums;
}
