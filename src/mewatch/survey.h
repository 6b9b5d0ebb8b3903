/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_MEWATCH_SURVEY_H
#define MEWATCH_MEWATCH_SURVEY_H

/*
 * Which cgroups were watched when the flows that were open before were looked for: after a restart
 * the hooks have seen everything, after a reload only what was watched already.
 */
struct me_daemon;
struct me_netns;
struct me_survey;

/* Before anything is attached: takes over what an earlier daemon attached. 0 or a negative errno. */
int me_survey_new(struct me_daemon *daemon, struct me_survey **ret_survey);
void me_survey_free(struct me_survey **survey);

/*
 * After an attachment, and now and then: finds the flows that were open before it in cgroups that are
 * watched now and were not before. Next to nothing where they are the same. Problems are logged.
 */
void me_survey_run(struct me_survey *survey, const struct me_netns *netns);

#endif
