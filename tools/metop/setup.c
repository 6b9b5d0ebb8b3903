/* SPDX-License-Identifier: GPL-2.0-only */
#include "metop/setup.h"
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#define VALUE_MAX 128 /* bytes of a value that is shown or written */
#define KEY_MAX 64

/* One setting: its value as text, both ways. `which` tells those of one kind apart. */
struct setting {
	const char *key;
	void (*show)(const struct me_settings *settings, size_t which, char out[VALUE_MAX]);
	bool (*take)(struct me_settings *settings, size_t which, const char *value);
	const char *expected;
};

static void show_view(const struct me_settings *settings, size_t which, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "%s", me_views[settings->view].name);
}

static bool take_view(struct me_settings *settings, size_t which, const char *value)
{
	for (size_t i = 0; i < ME_VIEWS; i++) {
		if (strcmp(me_views[i].name, value))
			continue;
		settings->view = (enum me_view_id)i;
		return true;
	}
	return false;
}

static void show_tree(const struct me_settings *settings, size_t which, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "%s", me_tree_label(settings->tree));
}

static bool take_tree(struct me_settings *settings, size_t which, const char *value)
{
	for (unsigned int i = 0; i < ME_TREE_COUNT; i++) {
		if (strcmp(me_tree_label(i), value))
			continue;
		settings->tree = i;
		return true;
	}
	return false;
}

static void show_colours(const struct me_settings *settings, size_t which, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "%s", me_colours_label(settings->colours));
}

static bool take_colours(struct me_settings *settings, size_t which, const char *value)
{
	for (unsigned int i = 0; i < ME_COLOURS_COUNT; i++) {
		if (strcmp(me_colours_label(i), value))
			continue;
		settings->colours = i;
		return true;
	}
	return false;
}

/* The switches, in the order of the table below. */
static bool *flag_of(struct me_settings *settings, size_t which)
{
	bool *const flags[] = {&settings->addresses, &settings->closed, &settings->ascii};

	return flags[which];
}

static void show_flag(const struct me_settings *settings, size_t which, char out[VALUE_MAX])
{
	struct me_settings copy = *settings;

	snprintf(out, VALUE_MAX, "%s", *flag_of(&copy, which) ? "yes" : "no");
}

static bool take_flag(struct me_settings *settings, size_t which, const char *value)
{
	bool yes = !strcmp(value, "yes");

	if (!yes && strcmp(value, "no"))
		return false;
	*flag_of(settings, which) = yes;
	return true;
}

static void show_interval(const struct me_settings *settings, size_t which, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "%llums",
		 (unsigned long long)(settings->interval_ns / ME_NS_PER_MS));
}

static bool take_interval(struct me_settings *settings, size_t which, const char *value)
{
	uint64_t interval_ns;

	if (me_clock_parse_duration(value, &interval_ns) || interval_ns < ME_INTERVAL_MIN_NS ||
	    interval_ns > ME_INTERVAL_MAX_NS)
		return false;
	settings->interval_ns = interval_ns;
	return true;
}

/* `which` counts the parts of all views. */
static struct me_order *order_of(struct me_settings *settings, size_t which,
				 struct me_view *ret_view)
{
	*ret_view = me_view_part(&me_views[which / ME_PARTS_MAX], which % ME_PARTS_MAX);
	return &settings->order[which / ME_PARTS_MAX][which % ME_PARTS_MAX];
}

static void show_order(const struct me_settings *settings, size_t which, char out[VALUE_MAX])
{
	struct me_settings copy = *settings;
	struct me_view view;
	const struct me_order *order = order_of(&copy, which, &view);

	snprintf(out, VALUE_MAX, "%s:%s", view.columns[order->column].title,
		 order->desc ? "desc" : "asc");
}

static bool take_order(struct me_settings *settings, size_t which, const char *value)
{
	struct me_view view;
	struct me_order *order = order_of(settings, which, &view);
	const char *colon = strrchr(value, ':');
	char title[VALUE_MAX];
	size_t column;

	if (!colon || (strcmp(colon, ":asc") && strcmp(colon, ":desc")))
		return false;
	snprintf(title, sizeof(title), "%.*s", (int)(colon - value), value);
	column = me_view_column(&view, title);
	if (column == view.n_columns)
		return false;
	*order = (struct me_order){.column = column, .desc = !strcmp(colon, ":desc")};
	return true;
}

/* The `i`th setting; *ret_which of its kind, its key in `key`. False: there are no more. */
static bool setting_at(size_t i, struct setting *ret_setting, size_t *ret_which, char key[KEY_MAX])
{
	static const struct setting table[] = {
		{"view", show_view, take_view, "the name of a view"},
		{"tree", show_tree, take_tree, "off, origin or endpoint"},
		{"color", show_colours, take_colours, "auto, always, never, 8 or 256"},
		{"interval", show_interval, take_interval, "a time from 100ms to 1h"},
		{"addresses", show_flag, take_flag, "yes or no"},
		{"closed", show_flag, take_flag, "yes or no"},
		{"ascii", show_flag, take_flag, "yes or no"},
	};
	static const struct setting order = {"sort", show_order, take_order,
					     "a column of it, with :asc or :desc"};
	size_t first_flag = ME_ARRAY_SIZE(table) - 3;

	if (i < ME_ARRAY_SIZE(table)) {
		*ret_setting = table[i];
		*ret_which = i >= first_flag ? i - first_flag : 0;
		snprintf(key, KEY_MAX, "%s", table[i].key);
		return true;
	}
	i -= ME_ARRAY_SIZE(table);
	if (i >= (size_t)ME_VIEWS * ME_PARTS_MAX)
		return false;
	*ret_setting = order;
	*ret_which = i;
	*key = '\0';
	if (!(i % ME_PARTS_MAX) && !me_views[i / ME_PARTS_MAX].n_parts)
		snprintf(key, KEY_MAX, "sort.%s", me_views[i / ME_PARTS_MAX].name);
	else if (i % ME_PARTS_MAX < me_views[i / ME_PARTS_MAX].n_parts)
		snprintf(key, KEY_MAX, "sort.%s.%s", me_views[i / ME_PARTS_MAX].name,
			 me_views[i / ME_PARTS_MAX].parts[i % ME_PARTS_MAX].name);
	return true; /* without a key: there is no such part */
}

char *me_setup_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int r = -1;

	/* The specification: a path that is not absolute is none. */
	if (config && *config == '/')
		r = asprintf(&path, "%s/mewatch/metoprc", config);
	else if (home && *home == '/')
		r = asprintf(&path, "%s/.config/mewatch/metoprc", home);
	return r < 0 ? NULL : path;
}

void me_setup_free(struct me_setup *setup)
{
	free(setup->path);
	me_strbuf_free(&setup->unknown);
	*setup = (struct me_setup){0};
}

/* Only the first problem is told: the screen has a line for it. */
static void complain(const struct me_setup *setup, struct me_strbuf *problem, size_t line,
		     const char *what, const char *expected)
{
	if (!problem->len)
		me_strbuf_addf(problem, "%s:%zu: '%.60s', %s was expected", setup->path, line, what,
			       expected);
}

static void take_setting(struct me_setup *setup, const char *text, size_t line,
			 struct me_strbuf *problem)
{
	const char *equals = strchr(text, '=');
	struct setting setting;
	char key[KEY_MAX];
	size_t which;

	for (size_t i = 0; equals && setting_at(i, &setting, &which, key); i++) {
		if (!*key || strlen(key) != (size_t)(equals - text) ||
		    strncmp(key, text, strlen(key)))
			continue;
		if (!setting.take(&setup->read, which, equals + 1))
			complain(setup, problem, line, text, setting.expected);
		return;
	}
	if (!equals && *text && *text != '#')
		complain(setup, problem, line, text, "KEY=VALUE");
	me_strbuf_addf(&setup->unknown, "%s\n", text);
}

static void take_line(struct me_setup *setup, char *text, size_t line, struct me_strbuf *problem)
{
	size_t len = strlen(text);

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r'))
		text[--len] = '\0';
	text += strspn(text, " \t");
	if (strncmp(text, "version=", 8)) {
		take_setting(setup, text, line, problem);
	} else if (strcmp(text + 8, ME_SETUP_VERSION)) {
		/* A later one may mean other things by the same words. */
		complain(setup, problem, line, text, "version=" ME_SETUP_VERSION);
		setup->closed = true;
	}
}

int me_setup_read(struct me_setup *setup, char *path, struct me_strbuf *problem)
{
	_cleanup_free_ char *data = NULL;
	size_t len, line = 0;
	char *rest;
	int r;

	*setup = (struct me_setup){.path = path};
	me_settings_default(&setup->read);
	setup->start = setup->read;
	if (!path)
		return 0;
	r = me_file_read(path, ME_SETUP_MAX, &data, &len);
	if (r == -ENOENT || r == -ENOTDIR || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	if (r < 0) {
		me_strbuf_addf(problem, "%s: %s", path, strerror(-r));
		setup->closed = true;
		return problem->err;
	}
	if (strlen(data) != len) {
		complain(setup, problem, 1, "a NUL", "text");
		setup->closed = true;
		return problem->err;
	}
	rest = data;
	for (char *text; !setup->closed && (text = strsep(&rest, "\n")) && (rest || *text);)
		take_line(setup, text, ++line, problem);
	if (setup->closed)
		me_settings_default(&setup->read);
	return problem->err ? problem->err : setup->unknown.err;
}

/* The folders of the path that are not there yet, closed to others. */
static int make_folders(const char *path)
{
	_cleanup_free_ char *folder = strdup(path);

	if (!folder)
		return -ENOMEM;
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* Takes what is another than in `since` into what the file said. Whether there was anything. */
static bool merge(struct me_setup *setup, const struct me_settings *now,
		  const struct me_settings *since)
{
	char before[VALUE_MAX], after[VALUE_MAX], key[KEY_MAX];
	struct setting setting;
	bool changed = false;
	size_t which;

	for (size_t i = 0; setting_at(i, &setting, &which, key); i++) {
		if (!*key)
			continue;
		setting.show(since, which, before);
		setting.show(now, which, after);
		if (!strcmp(before, after))
			continue;
		setting.take(&setup->read, which, after);
		setting.take(&setup->start, which, after);
		changed = true;
	}
	return changed;
}

int me_setup_write(struct me_setup *setup, const struct me_settings *now, bool all)
{
	struct me_setup merged = *setup;
	_cleanup_strbuf_ struct me_strbuf text = {0};
	_cleanup_free_ char *target = NULL;
	char value[VALUE_MAX], key[KEY_MAX];
	struct setting setting;
	size_t which;
	int r;

	if (!setup->path || setup->closed ||
	    !merge(&merged, now, all ? &setup->read : &setup->start))
		return 0;
	me_strbuf_adds(&text, "version=" ME_SETUP_VERSION "\n");
	for (size_t i = 0; setting_at(i, &setting, &which, key); i++) {
		if (!*key)
			continue;
		setting.show(&merged.read, which, value);
		me_strbuf_addf(&text, "%s=%s\n", key, value);
	}
	me_strbuf_add(&text, setup->unknown.data, setup->unknown.len);
	r = text.err ? text.err : make_folders(setup->path);
	if (r < 0)
		return r;
	/* A link stays one: what it points to is replaced. */
	target = realpath(setup->path, NULL);
	r = me_file_write_atomic(target ? target : setup->path, text.data, text.len, 0600);
	if (r < 0)
		return r;
	*setup = merged;
	return 1;
}
