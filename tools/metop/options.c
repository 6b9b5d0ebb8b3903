/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include "base/clock.h"
#include "base/text.h"
#include "metop/keys.h"
#include "metop/model.h"
#include "metop/options.h"
#include "metop/query.h"

/* clang-format off: a table */
static const struct {
	struct option option;
	const char *argument;
	const char *help;
} table[] = {
	{{"socket", required_argument, NULL, 's'},
	 "PATH",
	 "the daemon's Unix socket (" ME_SOURCE_SOCKET ")"},
	{{"url", required_argument, NULL, 'u'},
	 "URL",
	 "the daemon's --api-listen, instead of a socket"},
	{{"view", required_argument, NULL, 'v'},
	 "V",
	 "endpoints, flows, violations, dns or health"},
	{{"filter", required_argument, NULL, 'f'},
	 "F",
	 "rows to show, as in 'port:443 -proc:curl'"},
	{{"sort", required_argument, NULL, 'o'},
	 "COL",
	 "column or field to sort by; COL:asc, COL:desc"},
	{{"color", required_argument, NULL, 'c'}, "WHEN", "auto, always, never, 8 or 256 (auto)"},
	{{"ascii", no_argument, NULL, 'a'}, NULL, "no character beyond ASCII"},
	{{"no-rc", no_argument, NULL, 'n'}, NULL, "neither read the setup nor keep it"},
	{{"interval", required_argument, NULL, 'i'}, "TIME", "between two looks, 100ms to 1h (1s)"},
	{{"once", no_argument, NULL, '1'}, NULL, "print the view as a plain table and end"},
	{{"json", no_argument, NULL, 'j'}, NULL, "print the view as JSON and end"},
	{{"limit", required_argument, NULL, 'l'}, "N", "rows of --once and --json (1000)"},
	{{"help", no_argument, NULL, 'h'}, NULL, "this text"},
	{{"version", no_argument, NULL, 'V'}, NULL, "the version"},
};
/* clang-format on */

static int parse_view(const char *text, struct me_options *options, struct me_strbuf *problem)
{
	options->view = me_view_by_name(text);
	options->views = true;
	if (options->view != ME_VIEWS)
		return 0;
	me_strbuf_addf(problem, "no view '%s'; there are:", text);
	for (size_t i = 0; i < ME_VIEWS; i++)
		me_strbuf_addf(problem, " %s", me_views[i].name);
	return -EINVAL;
}

static int parse_interval(const char *text, struct me_options *options, struct me_strbuf *problem)
{
	if (!me_clock_parse_duration(text, &options->interval_ns) &&
	    options->interval_ns >= ME_INTERVAL_MIN_NS &&
	    options->interval_ns <= ME_INTERVAL_MAX_NS)
		return 0;
	me_strbuf_addf(problem, "--interval '%s': a time from 100ms to 1h was expected", text);
	return -EINVAL;
}

static int parse_color(const char *text, struct me_options *options, struct me_strbuf *problem)
{
	for (unsigned int i = 0; i < ME_COLOURS_COUNT; i++) {
		if (strcmp(text, me_colours_label(i)))
			continue;
		options->colours = i;
		options->colours_given = true;
		return 0;
	}
	me_strbuf_addf(problem, "--color '%s': auto, always, never, 8 or 256 was expected", text);
	return -EINVAL;
}

static int parse_limit(const char *text, struct me_options *options, struct me_strbuf *problem)
{
	uint64_t limit;

	if (!me_text_parse_u64(text, 1, ME_QUERY_LIMIT_MAX, &limit)) {
		me_strbuf_addf(problem, "--limit '%s': a number from 1 to %u was expected", text,
			       ME_QUERY_LIMIT_MAX);
		return -EINVAL;
	}
	options->limit = (uint32_t)limit;
	return 0;
}

/* "COL", "COL:asc" or "COL:desc". Needs the view. */
static int parse_sort(const char *text, struct me_options *options, struct me_strbuf *problem)
{
	const struct me_view *view = &me_views[options->view];
	_cleanup_free_ char *name = strdup(text);
	char *order = name ? strchr(name, ':') : NULL;
	const struct me_column *column;

	if (order)
		*order++ = '\0';
	if (view->read) {
		me_strbuf_addf(problem, "--sort '%s': %s has an order of its own", text,
			       view->name);
		return -EINVAL;
	}
	options->order.column = name ? me_view_column(view, name) : view->n_columns;
	column = &view->columns[options->order.column];
	if (options->order.column == view->n_columns ||
	    (!column->sort && options->mode != ME_MODE_LIVE) ||
	    (order && strcmp(order, "asc") && strcmp(order, "desc"))) {
		me_strbuf_addf(problem, "--sort '%s': %s can be sorted by", text, view->name);
		for (size_t i = 0; i < view->n_columns; i++) {
			if (view->columns[i].sort)
				me_strbuf_addf(problem, " %s", view->columns[i].sort);
		}
		me_strbuf_adds(problem, ", with :asc or :desc");
		return -EINVAL;
	}
	options->sorts = true;
	options->order.desc = order ? !strcmp(order, "desc") : me_column_starts_desc(column);
	return 0;
}

static int take(int option, struct me_options *options, const char **sort,
		struct me_strbuf *problem)
{
	switch (option) {
	case 's':
		options->source.socket = optarg;
		return 0;
	case 'u':
		options->source.url = optarg;
		return 0;
	case 'v':
		return parse_view(optarg, options, problem);
	case 'f':
		options->filter = optarg;
		return 0;
	case 'o':
		*sort = optarg;
		return 0;
	case 'i':
		return parse_interval(optarg, options, problem);
	case 'c':
		return parse_color(optarg, options, problem);
	case 'a':
		options->ascii = true;
		return 0;
	case 'n':
		options->no_rc = true;
		return 0;
	case 'l':
		return parse_limit(optarg, options, problem);
	case '1':
		if (options->mode != ME_MODE_JSON)
			options->mode = ME_MODE_ONCE;
		return 0;
	case 'j':
		options->mode = ME_MODE_JSON;
		return 0;
	case 'h':
		options->mode = ME_MODE_HELP;
		return 0;
	case 'V':
		options->mode = ME_MODE_VERSION;
		return 0;
	default:
		return -EINVAL;
	}
}

/* What getopt did not understand, and what it may have been meant to be. */
static void explain_unknown(const char *word, struct me_strbuf *problem)
{
	const char *names[ME_ARRAY_SIZE(table)], *near;
	const char *name = word + strspn(word, "-");
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < ME_ARRAY_SIZE(table); i++) {
		names[i] = table[i].option.name;
		if (strlen(names[i]) == len && !strncmp(name, names[i], len)) {
			me_strbuf_addf(problem, "'%s' %s", word,
				       table[i].argument ? "needs a value" : "takes no value");
			return;
		}
	}
	near = me_text_nearest(name, names, ME_ARRAY_SIZE(names));
	me_strbuf_addf(problem, "unknown option '%s'%s%s%s", word, near ? "; is it '--" : "",
		       near ? near : "", near ? "'?" : "");
}

static int check(struct me_options *options, const char *sort, struct me_strbuf *problem)
{
	int r = 0;

	if (options->source.socket && options->source.url) {
		me_strbuf_adds(problem, "--socket and --url: one of both");
		return -EINVAL;
	}
	if (!options->source.socket && !options->source.url)
		options->source.socket = ME_SOURCE_SOCKET;
	if (strlen(options->filter) > ME_FILTER_MAX) {
		me_strbuf_addf(problem, "--filter: at most %d bytes", ME_FILTER_MAX);
		return -EINVAL;
	}
	/* The first screen is not what --once prints: scripts count on that one. */
	if (options->mode == ME_MODE_LIVE && !options->views)
		options->view = ME_VIEW_ENDPOINTS;
	if (sort)
		r = parse_sort(sort, options, problem);
	return r;
}

int me_options_parse(int argc, char **argv, struct me_options *ret_options,
		     struct me_strbuf *ret_problem)
{
	struct me_options options = {.view = ME_VIEW_FLOWS, .filter = "", .limit = ME_QUERY_LIMIT};
	struct option known[ME_ARRAY_SIZE(table) + 1] = {0};
	const char *sort = NULL;
	int option, r = 0;

	for (size_t i = 0; i < ME_ARRAY_SIZE(table); i++)
		known[i] = table[i].option;
	optind = 0; /* GNU: from the beginning, also the second time */
	opterr = 0;
	while (!r && (option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		r = take(option, &options, &sort, ret_problem);
		if (option == '?')
			explain_unknown(argv[optind - 1], ret_problem);
	}
	if (!r && optind < argc) {
		me_strbuf_addf(ret_problem, "'%s': only options were expected", argv[optind]);
		r = -EINVAL;
	}
	if (!r)
		r = check(&options, sort, ret_problem);
	if (!r)
		*ret_options = options;
	return r;
}

void me_options_apply(const struct me_options *options, struct me_settings *settings)
{
	/* A column is one of a view. */
	if (options->views || options->sorts)
		settings->view = options->view;
	if (options->sorts)
		settings->order[options->view][me_views[options->view].asked] = options->order;
	if (options->interval_ns)
		settings->interval_ns = options->interval_ns;
	if (options->colours_given)
		settings->colours = options->colours;
	settings->ascii |= options->ascii;
}

static void help_columns(FILE *out, const char *view, const char *part,
			 const struct me_column *columns, size_t n)
{
	fprintf(out, "\ncolumns of %s%s%s:\n", view, *part ? " " : "", part);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %-12s %-14s %s\n", columns[i].title,
			columns[i].sort ? columns[i].sort : "", columns[i].help);
}

static void help_keys(FILE *out, const char *title, const struct me_binding *bindings, size_t n)
{
	fprintf(out, "\n%s:\n", title);
	for (size_t i = 0; i < n; i++) {
		char names[ME_KEYS_OF_ACTION * ME_KEY_NAME_LEN];

		me_binding_names(&bindings[i], names);
		fprintf(out, "  %-14s %s\n", names, bindings[i].what);
	}
}

void me_options_help(FILE *out)
{
	fputs("metop: what mewatch sees, live\n\nusage: metop [options]\n\n", out);
	for (size_t i = 0; i < ME_ARRAY_SIZE(table); i++)
		fprintf(out, "  --%-9s %-5s %s\n", table[i].option.name,
			table[i].argument ? table[i].argument : "", table[i].help);
	for (size_t v = 0; v < ME_VIEWS; v++) {
		const struct me_view *view = &me_views[v];

		if (!view->parts)
			help_columns(out, view->name, "", view->columns, view->n_columns);
		for (size_t i = 0; i < view->n_parts; i++)
			help_columns(out, view->name, view->parts[i].name, view->parts[i].columns,
				     view->parts[i].n_columns);
	}
	help_keys(out, "keys", me_bindings, me_n_bindings);
	help_keys(out, "keys of the filter", me_prompt_bindings, me_n_prompt_bindings);
	fputs("\nexit: 0 done, 1 the daemon cannot be reached, 2 usage\n", out);
}
