/* SPDX-License-Identifier: GPL-2.0-only */
#include "mewatch/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "export/api.h"
#include "export/http.h"
#include "export/ndjson.h"
#include "export/prometheus.h"
#include "gen/version.h"
#include "kernel/cgroup.h"
#include "kernel/links.h"
#include "mewatch/command.h"
#include "mewatch/daemon.h"
#include "mewatch/daemon_mode.h"
#include "mewatch/interfaces.h"
#include "mewatch/memory.h"
#include "mewatch/recording.h"
#include "mewatch/troubles.h"
#include "policy/policy.h"
#include "store/history.h"

struct me_outputs {
	struct me_ndjson *ndjson;
	struct me_event_sink sink;
	struct me_http *http;
	struct me_api api;
	struct me_status status;
	struct me_attached *attached;
	size_t room; /* of `attached` */
	struct me_map_fill maps[ME_MAP_LEVELS];
	uint64_t started_epoch_ns;
	struct me_troubles *troubles;
	int textfile_err, reopen_err; /* 0 or a negative errno of the last time */
};

/* --- The status --------------------------------------------------------------------------------- */

static int add_row(struct me_outputs *o, const char *hook, const char *target, bool ok)
{
	struct me_attached *row;

	if (o->status.n_attached == o->room) {
		size_t room = o->room ? 2 * o->room : 32;
		struct me_attached *grown = realloc(o->attached, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		o->attached = grown;
		o->room = room;
	}
	row = &o->attached[o->status.n_attached];
	row->hook = strdup(hook);
	row->target = strdup(target);
	row->ok = ok;
	o->status.n_attached++;
	return row->hook && row->target ? 0 : -ENOMEM;
}

static int add_attached(const struct me_attachment *attachment, void *userdata)
{
	struct me_daemon *daemon = userdata;
	struct me_interface_state state;
	char name[IF_NAMESIZE];
	size_t cursor = 0;

	if (!attachment->interface)
		return add_row(daemon->outputs, attachment->hook,
			       me_cgroup_path(daemon->cgroups, attachment->id), attachment->alive);
	while (me_interfaces_next(daemon->interfaces, &cursor, &state))
		if (state.index == attachment->id)
			return add_row(daemon->outputs, attachment->hook, state.name,
				       attachment->alive && state.up);
	return add_row(daemon->outputs, attachment->hook, me_link_name(attachment->id, name),
		       attachment->alive);
}

/* Interfaces of the policy that are waited for. */
static void add_missing(struct me_daemon *daemon)
{
	struct me_interface_state state;
	size_t cursor = 0;

	while (me_interfaces_next(daemon->interfaces, &cursor, &state)) {
		if (state.index && !state.refused)
			continue;
		add_row(daemon->outputs, "tc_ingress", state.name, false);
		add_row(daemon->outputs, "tc_egress", state.name, false);
	}
}

static void forget_attached(struct me_outputs *o)
{
	for (size_t i = 0; i < o->status.n_attached; i++) {
		free((char *)o->attached[i].hook);
		free((char *)o->attached[i].target);
	}
	o->status.n_attached = 0;
}

const struct me_status *me_outputs_status(struct me_daemon *daemon)
{
	struct me_outputs *o = daemon->outputs;
	struct me_status *s = &o->status;

	forget_attached(o);
	me_attachments_each(daemon->options.pins, add_attached, daemon);
	add_missing(daemon);
	s->attached = o->attached;
	s->n_maps = 0;
	for (size_t i = 0; i < ME_MAP_LEVELS; i++)
		if (daemon->levels[i].capacity) /* others are not in use */
			o->maps[s->n_maps++] = (struct me_map_fill){daemon->levels[i].map,
								    daemon->levels[i].entries,
								    daemon->levels[i].capacity};
	s->maps = o->maps;
	s->memory_most = me_memory_of(daemon);
	s->memory_kernel = me_kernel_memory(daemon->kernel);
	me_troubles_read(o->troubles, daemon, o->textfile_err, o->reopen_err, me_http_cut(o->http),
			 s);
	s->version = ME_VERSION;
	s->pid = getpid();
	s->started_ns = o->started_epoch_ns;
	s->now_ns = me_clock_now(CLOCK_REALTIME);
	s->uptime_ns = me_clock_now(CLOCK_MONOTONIC) - daemon->started_ns;
	s->policy = (struct me_policy_status){
		.profile = daemon->policy->profile,
		.path = daemon->policy->path,
		.sha256 = daemon->policy->sha256,
		.generation = me_kernel_generation(daemon->kernel),
		.loaded_ns = daemon->loaded_epoch_ns,
		.last_error = *daemon->last_error ? daemon->last_error : NULL,
	};
	me_recording_status(daemon, s);
	me_daemon_mode_status(daemon, &s->mode);
	return s;
}

static const struct me_status *status_now(void *data)
{
	return me_outputs_status(data);
}

/* Counters as of now, not of the last round, before anything is answered from the ledger. */
static unsigned int answer(void *data, const struct me_http_request *request,
			   struct me_strbuf *body, const char **type)
{
	struct me_daemon *daemon = data;

	me_daemon_refresh(daemon);
	return me_api_answer(&daemon->outputs->api, request, body, type);
}

static void say(void *data, int mode, uint64_t for_ns)
{
	me_daemon_mode_say(data, mode, for_ns);
}

/* --- Opening ------------------------------------------------------------------------------------ */

static int exit_code(int err)
{
	return err == -EADDRINUSE ? ME_EXIT_STATE : ME_EXIT_USAGE;
}

/* Whether the file could be written, without touching it: a collector may read it at any time. */
static int check_textfile(const char *path)
{
	_cleanup_strbuf_ struct me_strbuf probe = {};
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return -EISDIR;
	me_strbuf_addf(&probe, "%s.XXXXXX", path);
	if (probe.err)
		return probe.err;
	fd = mkostemp(probe.data, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(probe.data);
	return 0;
}

static int open_textfile(const char *path)
{
	int err = path ? check_textfile(path) : 0;

	if (!err)
		return ME_EXIT_OK;
	me_log_error("--textfile %s: cannot be written: %s", path, strerror(-err));
	return ME_EXIT_USAGE;
}

/* The folder of the default socket is ours to make. */
static void make_folder(const char *socket)
{
	_cleanup_free_ char *copy = strdup(socket);

	if (copy && !strcmp(socket, ME_DEFAULT_SOCKET))
		mkdir(dirname(copy), 0755);
}

static int open_http(struct me_daemon *daemon)
{
	_cleanup_strbuf_ struct me_strbuf why = {};
	struct me_outputs *o = daemon->outputs;
	const struct me_daemon_options *options = &daemon->options;
	int err = me_http_new(answer, daemon, &o->http);

	if (err) {
		me_log_error("HTTP: %s", strerror(-err));
		return ME_EXIT_KERNEL;
	}
	make_folder(options->socket);
	err = me_http_listen_unix(o->http, ME_HTTP_API, options->socket, &why);
	if (!err)
		err = me_http_listen_tcp(o->http, ME_HTTP_METRICS, options->listen, &why);
	if (!err && options->api_listen)
		err = me_http_listen_tcp(o->http, ME_HTTP_API, options->api_listen, &why);
	if (!err)
		return ME_EXIT_OK;
	me_log_error("%s", why.data ? why.data : strerror(-err));
	return exit_code(err);
}

int me_outputs_open(struct me_daemon *daemon)
{
	struct me_outputs *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return ME_EXIT_KERNEL;
	daemon->outputs = o;
	o->troubles = me_troubles_new();
	if (!o->troubles)
		return ME_EXIT_KERNEL;
	o->started_epoch_ns = me_clock_now(CLOCK_REALTIME);
	o->api = (struct me_api){
		.ledger = daemon->ledger, .data = daemon, .status = status_now, .say = say};
	err = me_ndjson_open(daemon->options.events, daemon->ledger, &o->ndjson);
	if (err) {
		me_log_error("--events %s: %s", daemon->options.events, strerror(-err));
		return ME_EXIT_USAGE;
	}
	o->sink = me_ndjson_sink(o->ndjson);
	o->sink = me_history_sink(me_recording_history(daemon), &o->sink);
	err = me_events_new(daemon->ledger, &o->sink, &daemon->events);
	if (err) {
		me_log_error("events: %s", strerror(-err));
		return ME_EXIT_KERNEL;
	}
	err = open_textfile(daemon->options.textfile);
	return err ? err : open_http(daemon);
}

void me_outputs_close(struct me_daemon *daemon)
{
	struct me_outputs *o = daemon->outputs;

	if (!o)
		return;
	me_events_free(&daemon->events);
	me_http_free(&o->http);
	me_ndjson_close(&o->ndjson);
	forget_attached(o);
	free(o->attached);
	me_troubles_free(&o->troubles);
	free(o);
	daemon->outputs = NULL;
}

/* --- In the loop -------------------------------------------------------------------------------- */

int me_outputs_watch(struct me_daemon *daemon, int epoll)
{
	int fd = me_http_fd(daemon->outputs->http);
	struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int me_outputs_timeout_ms(const struct me_daemon *daemon)
{
	return me_http_timeout(daemon->outputs->http);
}

void me_outputs_dispatch(struct me_daemon *daemon)
{
	me_http_run(daemon->outputs->http, me_clock_now(CLOCK_MONOTONIC));
}

void me_outputs_round(struct me_daemon *daemon)
{
	struct me_outputs *o = daemon->outputs;
	const char *path = daemon->options.textfile;
	int err;

	if (!path)
		return;
	err = me_prometheus_textfile(daemon->ledger, me_outputs_status(daemon), path);
	if (err && !o->textfile_err)
		me_log_warning("--textfile %s: %s", path, strerror(-err));
	o->textfile_err = err;
}

void me_outputs_reopen(struct me_daemon *daemon)
{
	int err = me_ndjson_reopen(daemon->outputs->ndjson);

	daemon->outputs->reopen_err = err;
	if (err)
		me_log_warning("--events %s: cannot be opened again (%s); the old file stays",
			       daemon->options.events, strerror(-err));
}
