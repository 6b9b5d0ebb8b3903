/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whatever an earlier daemon left behind, damaged: names, the use of endpoints, the spool, and the blocks
 * that are pinned. The next one goes on, tells events that are JSON, and answers whatever it is asked. The
 * input is a script of steps: what (enum what), a length (2 bytes), and so many bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/log.h"
#include "export/api.h"
#include "export/landing.h"
#include "export/ndjson.h"
#include "export/prometheus.h"
#include "mewatch/daemon.h"
#include "mewatch/daemon_uses.h"
#include "mewatch/spool.h"
#include "mewatch/uses_file.h"
#include "policy/policy.h"
#include "replay/program.h"
#include "tests/fuzz/check.h"
#include "tests/unit/export/exposition.h"

#define STEP 3u
#define NOW (1800000000ull * ME_NS_PER_S)
#define EPOCH 1800000000ull  /* of the blocks and the spool, unless they are damaged */
#define ROUNDS 34            /* until all that is done now and then was done */
#define SPOOL_HEAD 4096      /* where spots begin: the head of the file, and records */
#define SPOOL_USED (1 << 20) /* what an input can fill */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum what {
	NAMES,  /* of the file, one piece after the other */
	USES,   /* as well */
	RECORD, /* of the spool: its head, whose length and time are put right, and its bytes */
	SPOOL,  /* spots of it: where (2 bytes), what */
	KEPT,   /* of the daemon's block */
	EACH,   /* of the block of endpoints */
	WHAT_COUNT
};

static const char profile[] = "version: 1\n"
			      "allow: [{service: profile, to: 192.0.2.250, ports: tcp/9}]\n";
static const char rules[] =
	"watch: {interfaces: [lan0], hosts: [192.0.2.10]}\n"
	"resolvers: [192.0.2.53]\n"
	"dns: {ip_zones: [zen.example.org]}\n"
	"allow:\n"
	"  - {service: updates, name: site, to: [update.example.net, \"*.cdn.example.org\"],\n"
	"     ports: [tcp/443, tcp/80], expect: {every: 1h}}\n"
	"  - {service: smtp, name: mail, to: any, ports: tcp/25}\n"
	"  - {service: dns, to: resolvers, ports: [udp/53, tcp/53]}\n";

static char policy_path[64];
static char folder[] = "/dev/shm/mewatch-fuzz-XXXXXX", names[64], uses[64], spool[64];

/* A file in memory, and its path. */
static void keep(const char *text, char path[64])
{
	int fd = memfd_create("mewatch-fuzz", 0);

	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	snprintf(path, 64, "/proc/self/fd/%d", fd);
}

static void remove_folder(void)
{
	unlink(names);
	unlink(uses);
	unlink(spool);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[64], text[2048];

	me_log_set_level(ME_LOG_ERROR);
	keep(profile, path);
	snprintf(text, sizeof(text), "version: 1\nprofile: %s\n%s", path, rules);
	keep(text, policy_path);
	check(mkdtemp(folder));
	snprintf(names, sizeof(names), "%s/names", folder);
	snprintf(uses, sizeof(uses), "%s/%s", folder, ME_USES_FILE);
	snprintf(spool, sizeof(spool), "%s/spool", folder);
	atexit(remove_folder);
	return 0;
}

/* --- What is left behind ------------------------------------------------------------------------- */

static void append(const char *path, const uint8_t *bytes, size_t n)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	check(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
}

static void put_record(struct me_spool *file, const uint8_t *bytes, size_t n)
{
	struct me_payload head;

	if (n < sizeof(head))
		return;
	memcpy(&head, bytes, sizeof(head));
	head.length = (uint32_t)(n - sizeof(head));
	head.ts_ns = NOW;
	if (head.length <= ME_MESSAGE_MAX)
		me_spool_put(file, &head, bytes + sizeof(head));
}

static void put_spot(const uint8_t *bytes, size_t n)
{
	_cleanup_close_ int fd = open(spool, O_WRONLY | O_CLOEXEC);

	if (n > 2)
		check(pwrite(fd, bytes + 2, n - 2, (bytes[0] | bytes[1] << 8) % SPOOL_HEAD) > 0);
}

static void damage(void *block, size_t size, const uint8_t *bytes, size_t n)
{
	size_t at;

	if (n < 4)
		return;
	at = (bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16) % size;
	n -= 3;
	memcpy((uint8_t *)block + at, bytes + 3, n < size - at ? n : size - at);
}

static void step(struct me_daemon *daemon, struct me_spool *file, enum what what,
		 const uint8_t *bytes, size_t n)
{
	uint32_t endpoints;

	me_kernel_endpoints(daemon->kernel, &endpoints);
	if (what == NAMES)
		append(names, bytes, n);
	else if (what == USES)
		append(uses, bytes, n);
	else if (what == RECORD)
		put_record(file, bytes, n);
	else if (what == SPOOL)
		put_spot(bytes, n);
	else if (what == KEPT)
		damage(daemon->kept, sizeof(*daemon->kept), bytes, n);
	else
		damage(me_kernel_kept_each(daemon->kernel),
		       endpoints * sizeof(struct me_endpoint_kept), bytes, n);
}

/* It is made once: it has its room on the disk, which takes its time. */
static void wipe_spool(void)
{
	static const uint8_t zeros[SPOOL_USED];
	_cleanup_close_ int fd = open(spool, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	check(fd >= 0 && pwrite(fd, zeros, sizeof(zeros), 0) == sizeof(zeros));
}

static void leave(struct me_daemon *daemon, const uint8_t *data, size_t size)
{
	struct me_spool *file;

	daemon->kept->ledger.epoch = EPOCH;
	daemon->kept->fresh_ns = daemon->kept->heartbeat_ns = NOW - ME_NS_PER_S;
	unlink(names);
	unlink(uses);
	wipe_spool();
	check(!me_spool_open(spool, EPOCH, &file));
	while (size >= STEP) {
		size_t n = data[1] | (size_t)data[2] << 8;

		n = n < size - STEP ? n : size - STEP;
		step(daemon, file, data[0] % WHAT_COUNT, data + STEP, n);
		/* What is damaged is not gone on with here. */
		if (data[0] % WHAT_COUNT == SPOOL) {
			me_spool_close(&file);
			check(!me_spool_open(spool, EPOCH, &file));
		}
		data += STEP + n;
		size -= STEP + n;
	}
	me_spool_close(&file);
}

/* --- The next daemon ----------------------------------------------------------------------------- */

struct told {
	const struct me_ledger *ledger;
	uint64_t events;
};

static int tell(void *data, const struct me_event *event)
{
	_cleanup_strbuf_ struct me_strbuf line = {0};
	struct told *told = data;
	json_t *object;

	check(!me_ndjson_format(event, told->ledger, &line));
	object = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
	check(json_is_object(object));
	json_decref(object);
	told->events++;
	return 0;
}

static void mark(void *data, struct me_event_mark *ret_mark)
{
	*ret_mark = (struct me_event_mark){0};
}

/* As the file does: it looks for the id. */
static int check_mark(void *data, const struct me_event_mark *wanted, const char *id)
{
	check(strlen(id) < ME_EVENT_ID_LEN);
	return wanted->offset % 3 == 0 ? -ENOTSUP : (int)(wanted->offset % 2);
}

static const struct me_status *status(void *data)
{
	return data;
}

static void ask(const struct me_daemon *daemon)
{
	static const char *const paths[] = {"/v1/flows", "/v1/endpoints", "/v1/violations",
					    "/v1/dns",   "/v1/health",    "/metrics"};
	struct me_status now = {.version = "1.0",
				.now_ns = NOW,
				.started_ns = NOW,
				.policy = {.profile = "fuzz", .sha256 = "", .generation = 1}};
	struct me_api api = {.ledger = daemon->ledger, .data = &now, .status = status};

	for (size_t i = 0; i < ME_ARRAY_SIZE(paths); i++) {
		const struct me_http_request request = {.service = ME_HTTP_API, .path = paths[i]};
		_cleanup_strbuf_ struct me_strbuf body = {0};
		const char *type = "application/json";
		json_t *root;

		check(me_api_answer(&api, &request, &body, &type) == 200);
		if (!strcmp(type, ME_PROMETHEUS_TYPE)) {
			check(exposition_read(body.data));
			continue;
		}
		root = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
		check(json_is_object(root));
		json_decref(root);
	}
}

static void live(struct me_daemon *daemon, uint64_t *time_ns)
{
	me_daemon_uses_load(daemon);
	me_daemon_dns_replay(daemon);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		*time_ns += ME_NS_PER_S;
		me_program_time(*time_ns);
		if (i % 16 == 0)
			me_daemon_read(daemon);
		me_daemon_walk(daemon);
		if (i % 16 == 1)
			me_events_tick(daemon->events, i > 16);
		me_daemon_dns_round(daemon);
	}
	me_daemon_names_save(daemon);
	me_daemon_uses_save(daemon);
	ask(daemon);
}

static void open_daemon(struct me_daemon *daemon, const uint8_t *data, size_t size,
			struct told *told)
{
	_cleanup_(me_policy_freep) struct me_policy *policy = NULL;
	_cleanup_(me_image_freep) struct me_image *image = NULL;
	const struct me_ledger_limits limits = {.flows = 256, .groups = 256, .answers = 256};
	const struct me_event_sink sink = {
		.data = told, .write = tell, .mark = mark, .check = check_mark};
	struct me_kernel_options options = {.flows = 256,
					    .learned = 256,
					    .kept_size = sizeof(struct me_daemon_kept),
					    .each_size = sizeof(struct me_endpoint_kept)};
	struct me_why why = {};
	uint32_t n;

	daemon->registry = me_registry_new();
	check(!me_daemon_policy_read(daemon, &policy, &image));
	options.endpoints = me_registry_count(daemon->registry, ME_ID_ENDPOINT) + 8;
	check(!me_kernel_open(&options, &daemon->kernel, &why));
	daemon->kept = me_kernel_kept(daemon->kernel);
	leave(daemon, data, size);
	daemon->names = me_daemon_names;
	daemon->names.data = daemon;
	daemon->downtime_ns = daemon->started_ns - daemon->kept->heartbeat_ns;
	daemon->cells = calloc(ME_CELL_COUNT, sizeof(*daemon->cells));
	check(!me_ledger_new(&limits, &daemon->kept->ledger, &daemon->names, NOW, NOW,
			     &daemon->ledger));
	told->ledger = daemon->ledger;
	me_kernel_endpoints(daemon->kernel, &n);
	me_ledger_keep_endpoints(daemon->ledger, me_kernel_kept_each(daemon->kernel), n);
	check(!me_events_new(daemon->ledger, &sink, &daemon->events));
	check(!me_daemon_dns_open(daemon));
	check(!me_daemon_policy_use(daemon, &policy, &image));
}

static void close_daemon(struct me_daemon *daemon)
{
	me_daemon_dns_close(daemon);
	me_events_free(&daemon->events);
	me_ledger_free(&daemon->ledger);
	me_kernel_close(&daemon->kernel);
	me_image_free(&daemon->image);
	me_policy_free(&daemon->policy);
	me_registry_free(&daemon->registry);
	free(daemon->cells);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t time_ns = NOW;
	struct told told = {0};
	struct me_daemon daemon = {.options = {.policy = policy_path, .state = folder},
				   .state = -1,
				   .time = &time_ns,
				   .now_ns = NOW,
				   .started_ns = NOW};

	me_program_time(time_ns);
	open_daemon(&daemon, data, size, &told);
	live(&daemon, &time_ns);
	close_daemon(&daemon);
	return 0;
}
