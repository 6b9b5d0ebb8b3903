/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include "base/clock.h"
#include "metop/api.h"
#include "metop/draw.h"
#include "metop/keys.h"
#include "metop/live.h"
#include "metop/model.h"
#include "metop/retry.h"
#include "metop/setup.h"

#define TICK_MS 1000 /* the age of the data moves on at least so often */
#define HOST_LEN 256
#define BODY_MAX (32u << 20) /* bytes of an answer: more would keep the keys waiting */

struct live {
	const struct me_options *options;
	struct me_model model;
	struct me_screen *screen;
	struct me_api *api;
	int signals;
	char host[HOST_LEN];
	unsigned int failures; /* rounds in a row without an answer */
	struct me_setup setup;
	char *notice; /* what came of it, or NULL */
};

static void close_live(struct live *live)
{
	me_screen_free(&live->screen);
	me_api_free(&live->api);
	me_model_free(&live->model);
	me_setup_free(&live->setup);
	free(live->notice);
	me_closep(&live->signals);
}

/* What is watched: this machine, or the one in the URL. */
static void name_host(struct live *live)
{
	const char *url = live->options->source.url;
	const char *start = url ? strstr(url, "://") : NULL;

	if (start)
		snprintf(live->host, sizeof(live->host), "%.*s", (int)strcspn(start + 3, "/"),
			 start + 3);
	else if (gethostname(live->host, sizeof(live->host) - 1) < 0)
		snprintf(live->host, sizeof(live->host), "?");
}

static int open_signals(struct live *live)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	live->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return live->signals < 0 ? -errno : 0;
}

static void read_signals(struct live *live)
{
	struct signalfd_siginfo info;

	while (read(live->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			me_screen_resize(live->screen);
		else
			live->model.quit = true;
	}
}

static int read_keys(struct live *live)
{
	int key, r = 0;

	while (!r && !live->model.quit && (key = me_screen_key(live->screen)) != ME_KEY_NONE)
		r = me_model_key(&live->model, key);
	/* Ready and yet nothing to read: the terminal is gone. */
	if (!isatty(STDIN_FILENO))
		live->model.quit = true;
	return r;
}

static int ask_list(struct live *live)
{
	_cleanup_strbuf_ struct me_strbuf path = {0};
	struct me_query query;

	live->model.want = false;
	me_model_query(&live->model, &query);
	if (!me_views[query.view].latest) { /* its rows come with the health */
		me_api_cancel(live->api, ME_API_LIST);
		return 0;
	}
	me_query_path(&query, &path);
	if (path.err)
		return path.err;
	live->model.asked = query;
	return me_api_start(live->api, ME_API_LIST, path.data);
}

/* Asks for the names of the row whose detail is open. `due`: also for those that are known. */
static int ask_names(struct live *live, bool due)
{
	const struct me_row *row = live->model.detail ? me_model_selected(&live->model) : NULL;
	_cleanup_strbuf_ struct me_strbuf path = {0};
	struct me_known *known = &live->model.known;
	const char *address = me_known_address(row);
	bool same = !strcmp(address, known->address);

	if (!*address) {
		me_api_cancel(live->api, ME_API_NAMES);
		me_known_clear(known);
		return 0;
	}
	if (same && (!due || me_api_busy(live->api, ME_API_NAMES)))
		return 0;
	me_known_ask(known, address, &path);
	return path.err ? path.err : me_api_start(live->api, ME_API_NAMES, path.data);
}

/* Asks for the story of the row whose detail is open; `due` as above. */
static int ask_story(struct live *live, bool due)
{
	const struct me_view *view = &me_views[live->model.view];
	const struct me_row *row = live->model.detail ? me_model_selected(&live->model) : NULL;
	_cleanup_strbuf_ struct me_strbuf path = {0};
	struct me_story *story = &live->model.story;
	bool same;
	int r;

	me_story_path(view, row, &path);
	if (path.err)
		return path.err;
	if (!path.len) {
		me_api_cancel(live->api, ME_API_STORY);
		me_story_clear(story);
		return 0;
	}
	same = story->path && !strcmp(story->path, path.data);
	if (same && (!due || me_api_busy(live->api, ME_API_STORY)))
		return 0;
	r = me_story_ask(story, path.data);
	return r < 0 ? r : me_api_start(live->api, ME_API_STORY, path.data);
}

/* What the open detail shows besides its row. */
static int ask_besides(struct live *live, bool due)
{
	int r = ask_names(live, due);

	return r < 0 ? r : ask_story(live, due);
}

static int ask_news(struct live *live)
{
	_cleanup_strbuf_ struct me_strbuf path = {0};

	me_news_path(&live->model.news, &path);
	return path.err ? path.err : me_api_start(live->api, ME_API_NEWS, path.data);
}

/* Asks for what the user waits for, and when it is time for all that is not under way yet. */
static int ask(struct live *live, uint64_t now_ns)
{
	int r = ask_besides(live, false);

	if (!r && live->model.want)
		r = ask_list(live);
	if (r < 0 || now_ns < live->model.due_ns || (live->model.frozen && live->model.fresh_ns))
		return r;
	live->model.due_ns = now_ns + live->model.settings.interval_ns;
	if (!me_api_busy(live->api, ME_API_HEALTH))
		r = me_api_start(live->api, ME_API_HEALTH, "/v1/health");
	if (!r && !me_api_busy(live->api, ME_API_LIST))
		r = ask_list(live);
	if (!r && !me_api_busy(live->api, ME_API_NEWS))
		r = ask_news(live);
	return r < 0 ? r : ask_besides(live, true);
}

/* When to ask again: the health is asked for in every round. */
static void plan(struct live *live, bool answered)
{
	uint64_t wait_ns, now_ns = me_clock_now(CLOCK_MONOTONIC);
	uint32_t random = 0;

	live->failures = answered ? 0 : live->failures + 1;
	if (answered)
		return;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	wait_ns = me_retry_wait(live->failures, live->model.settings.interval_ns,
				live->options->source.url, random);
	live->model.due_ns = now_ns + wait_ns;
}

static int take_replies(struct live *live, bool *ret_news)
{
	struct me_reply reply;
	int r = 0;

	while (!r && me_api_next(live->api, &reply)) {
		*ret_news = true;
		if (reply.kind == ME_API_HEALTH)
			plan(live, reply.status);
		r = me_model_take(&live->model, &reply, me_clock_now(CLOCK_MONOTONIC));
		me_reply_free(&reply);
	}
	return r;
}

static int wait_ms(const struct live *live, uint64_t now_ns)
{
	uint64_t ms = TICK_MS;

	if (!live->model.frozen && live->model.due_ns > now_ns &&
	    live->model.due_ns - now_ns < TICK_MS * ME_NS_PER_MS)
		ms = (live->model.due_ns - now_ns + ME_NS_PER_MS - 1) / ME_NS_PER_MS;
	return (int)ms;
}

/* Writes the setup; what comes of it is told on the screen. */
static int keep_setup(struct live *live)
{
	const char *path = live->setup.path;
	char *notice = NULL;
	int r = me_setup_write(&live->setup, &live->model.settings, true);

	live->model.keep = false;
	if (r == -ENOMEM)
		return r;
	if (asprintf(&notice,
		     r < 0                        ? "the setup cannot be kept in %s: %s"
		     : r                          ? "the setup is kept in %s"
		     : path && live->setup.closed ? "%s is left as it is"
						  : "the setup is kept already",
		     path ? path : "", r < 0 ? strerror(-r) : "") < 0)
		return -ENOMEM;
	free(live->notice);
	live->model.notice = live->notice = notice;
	return 0;
}

static int run(struct live *live)
{
	const int fds[] = {STDIN_FILENO, live->signals};
	uint64_t drawn_ns = 0;
	bool news = true;

	while (!live->model.quit) {
		uint64_t now_ns = me_clock_now(CLOCK_MONOTONIC);
		bool ready[ME_ARRAY_SIZE(fds)] = {false};
		int r = ask(live, now_ns);

		/* The library wakes us for each piece of an answer: that alone is no news. */
		if (!r && (news || now_ns - drawn_ns >= TICK_MS * ME_NS_PER_MS)) {
			live->model.waiting = me_api_busy(live->api, ME_API_HEALTH);
			r = me_draw(&live->model, live->screen, live->host, now_ns);
			me_screen_show(live->screen, live->model.redraw);
			if (live->model.redraw) /* and does not wait for its time */
				live->model.due_ns = 0;
			live->model.redraw = false;
			drawn_ns = now_ns;
		}
		if (!r)
			r = me_api_wait(live->api, fds, ready, ME_ARRAY_SIZE(fds),
					wait_ms(live, now_ns));
		news = ready[0] || ready[1];
		if (!r)
			r = take_replies(live, &news);
		read_signals(live);
		if (!r)
			r = read_keys(live);
		if (!r && live->model.keep)
			r = keep_setup(live);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What was kept, and before it what the command line says. */
static int set_up(struct live *live, struct me_settings *ret_settings)
{
	_cleanup_strbuf_ struct me_strbuf problem = {0};
	char *path = live->options->no_rc ? NULL : me_setup_path();
	int r = me_setup_read(&live->setup, path, &problem);

	if (r < 0)
		return r;
	*ret_settings = live->setup.read;
	me_options_apply(live->options, ret_settings);
	live->setup.start = *ret_settings;
	me_model_init(&live->model, &live->options->source, ret_settings);
	live->model.notice = live->notice = me_steal_ptr(&problem.data);
	if (ret_settings->ascii)
		setlocale(LC_CTYPE, "C");
	return 0;
}

/* At the end there is no screen any more to tell it on. */
static void keep_at_end(struct live *live)
{
	int r = me_setup_write(&live->setup, &live->model.settings, false);

	me_screen_free(&live->screen);
	if (r < 0)
		fprintf(stderr, "metop: the setup cannot be kept in %s: %s\n", live->setup.path,
			strerror(-r));
}

int me_live(const struct me_options *options, struct me_screen_restore *restore)
{
	_cleanup_(close_live) struct live live = {.options = options, .signals = -1};
	struct me_settings settings;
	int r = set_up(&live, &settings);

	if (r < 0)
		return r;
	snprintf(live.model.filter, sizeof(live.model.filter), "%s", options->filter);
	name_host(&live);
	r = me_api_new(&options->source, &live.api);
	if (!r)
		r = open_signals(&live);
	if (!r)
		r = me_screen_new(settings.colours, restore, &live.screen);
	if (r < 0)
		return r;
	me_api_limit(live.api, BODY_MAX);
	r = run(&live);
	if (!r)
		keep_at_end(&live);
	return r;
}
