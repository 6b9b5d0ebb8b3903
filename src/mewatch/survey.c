/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/cgroup.h"
#include "mewatch/daemon.h"
#include "mewatch/preexisting.h"

struct me_survey {
	struct me_daemon *daemon;
	char **paths; /* cgroups that are done */
	size_t n;
};

ME_DEFINE_CLEANUP(struct me_survey *, me_survey_free)

static void forget(struct me_survey *survey)
{
	for (size_t i = 0; i < survey->n; i++)
		free(survey->paths[i]);
	free(survey->paths);
	survey->paths = NULL;
	survey->n = 0;
}

static int add(struct me_survey *survey, const char *path)
{
	char **grown = realloc(survey->paths, (survey->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	survey->paths = grown;
	grown[survey->n] = strdup(path);
	if (!grown[survey->n])
		return -ENOMEM;
	survey->n++;
	return 0;
}

static int add_attached(const struct me_attachment *attachment, void *userdata)
{
	struct me_survey *survey = userdata;

	if (!attachment->alive || attachment->interface)
		return 0;
	return add(survey, me_cgroup_path(survey->daemon->cgroups, attachment->id));
}

int me_survey_new(struct me_daemon *daemon, struct me_survey **ret_survey)
{
	_cleanup_(me_survey_freep) struct me_survey *survey = calloc(1, sizeof(*survey));
	int err = 0;

	if (!survey)
		return -ENOMEM;
	survey->daemon = daemon;
	if (daemon->kept->surveyed)
		err = me_attachments_each(daemon->options.pins, add_attached, survey);
	if (err)
		return err;
	survey->n = me_cgroup_reduce(survey->paths, survey->n); /* each has several hooks */
	*ret_survey = me_steal_ptr(&survey);
	return 0;
}

void me_survey_free(struct me_survey **survey)
{
	if (!*survey)
		return;
	forget(*survey);
	free(*survey);
	*survey = NULL;
}

static bool is_done(const struct me_survey *survey)
{
	const struct me_daemon *daemon = survey->daemon;
	bool same = survey->n == daemon->n_watched;

	for (size_t i = 0; same && i < survey->n; i++)
		same = !strcmp(survey->paths[i], daemon->watched[i]);
	return same;
}

void me_survey_run(struct me_survey *survey, const struct me_netns *netns)
{
	struct me_daemon *daemon = survey->daemon;
	int err;

	if (is_done(survey))
		return;
	err = me_preexisting_find(daemon, netns, survey->paths, survey->n);
	if (err)
		me_log_warning("flows that were open before the start cannot all be listed: %s",
			       strerror(-err));
	/* Also then: what is found later may have come after the hooks. */
	forget(survey);
	err = 0;
	for (size_t i = 0; i < daemon->n_watched && !err; i++)
		err = add(survey, daemon->watched[i]);
	daemon->kept->surveyed = 1;
}
