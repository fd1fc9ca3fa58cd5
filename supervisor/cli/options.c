/* The command line: one table says what there is, --help and the environment variables come from it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/values.h"


enum option_id {
	OPT_MODE = 256, OPT_ON_HANG, OPT_RESCUE, OPT_TIMEOUT, OPT_STALL, OPT_ON_STALL, OPT_TEST_TIMEOUT, OPT_ASSUME, OPT_HORIZON, OPT_GRACE, OPT_REPORT, OPT_REPORT_JSON, OPT_SAVE_SNAPSHOT, OPT_KEEP_SIGINT, OPT_REAPER, OPT_WORKER,
	OPT_COLOR, OPT_LEAKS, OPT_PORTS, OPT_EVENTS, OPT_JSON, OPT_JUNIT, OPT_ANNOTATE, OPT_MASK, OPT_QUIET = 'q', OPT_VERBOSE = 'v', OPT_HELP = 'h', OPT_VERSION = 'V',
};

static const struct row {
	const char *name, *value; /* VALUE: NULL, the option takes none */
	enum option_id id;
	const char *help;
} rows[] = {
	{"on-hang", "kill|report|stop|rescue", OPT_ON_HANG, "what a proven hang leads to: the tree is ended and the exit code is 124 (kill), it is only told (report), it is told and kept stopped for a debugger (stop), or a full pipe is given room and the run goes on (rescue; else as kill). Default: kill"},
	{"rescue", NULL, OPT_RESCUE, "the same as --on-hang rescue"},
	{"timeout", "D", OPT_TIMEOUT, "bound of the whole run; when it is over: a post-mortem, clean-up, exit code 124. Default: 0, none"},
	{"stall", "D", OPT_STALL, "so long without progress (a test, a process or thread that begins or ends, output; where only the same command lines come and go, five times as long) is told, once, with what is known of the reason. Default: 60s; 0: never"},
	{"on-stall", "report|kill", OPT_ON_STALL, "what that leads to: it is only told, or the run is ended as for a hang, exit code 124. Default: report; kill where CI is set"},
	{"test-timeout", "D", OPT_TEST_TIMEOUT, "bound of one test, its fixtures included; when it is over the run ends as for --timeout. Default: 0, none"},
	{"assume", "NAME=D|never[,...]", OPT_ASSUME, "what a proof may take for granted, and how long the hang must then have lasted: signals, connect, horizon, alarms, fifo, shm, service, random, heard, idle, hidden, listener. Default: alarms, fifo, shm, service, hidden and listener never"},
	{"horizon", "D", OPT_HORIZON, "a wait with a timeout longer than this counts as endless. Default: 1h, or the time of --timeout where that is longer"},
	{"grace", "D", OPT_GRACE, "time between SIGINT and SIGKILL when a tree is ended. Default: 3s"},
	{"leaks", "warn|fail|ignore", OPT_LEAKS, "what is left behind is told (warn), makes the exit code 122 of a run that ended with 0 (fail), or is only ended (ignore). Default: warn"},
	{"ports", "ADDRESS[,ADDRESS...]", OPT_PORTS, "TCP addresses that the run needs; a number is a port of 127.0.0.1. Default: 127.0.0.1:1616"},
	{"report", "DIR", OPT_REPORT, "folder of the run's files. Default: .tracewrap, made when there is something to report"},
	{"report-json", "FILE", OPT_REPORT_JSON, "write the JSON report there as well"},
	{"junit", "FILE", OPT_JUNIT, "write JUnit XML there: pytest's own file (--junitxml, which may be the same) completed by the hung test, by tests that never ran and by what was left behind; written whole where pytest could write none"},
	{"mask", "REGEX", OPT_MASK, "what matches this extended regular expression in a command line is replaced by *** wherever it would be written"},
	{"annotate", "auto|github|none", OPT_ANNOTATE, "annotations and a job summary for GitHub Actions. Default: auto, where GITHUB_ACTIONS is set"},
	{"save-snapshot", "FILE", OPT_SAVE_SNAPSHOT, "write what a verdict stands on there as well; `explain` reads it"},
	{"snapshot", "FILE", OPT_SAVE_SNAPSHOT, "the same, shorter: for `why`"},
	{"events", "FILE|fd:N", OPT_EVENTS, "write each event there while the run goes on, as a JSON line"},
	{"mode", "auto|proc|preload|ptrace|notify", OPT_MODE, "what to hear beside /proc: nothing (proc), a library in each program (preload), a tracer (ptrace), a filter of system calls (notify). Default: auto, which is preload where the command can load it, else proc"},
	{"reaper", "on|off", OPT_REAPER, "off: orphans of the tree become init's children, as without tracewrap, and are followed as far as they are known. Default: on"},
	{"worker", NULL, OPT_WORKER, "this run is one end of a pipe protocol (a worker of xdist): reports are named by host and process, and `last` is left alone unless something was found"},
	{"keep-sigint", NULL, OPT_KEEP_SIGINT, "leave SIGINT ignored in the command when it came ignored"},
	{"color", "auto|always|never", OPT_COLOR, "Default: auto"},
	{"json", NULL, OPT_JSON, "why, explain: print the JSON report, not the screen. test, doctor, last, config: one JSON object on standard output"},
	{"quiet", NULL, OPT_QUIET, "speak only of proven hangs"},
	{"verbose", NULL, OPT_VERBOSE, "say what is watched and how; twice: each event as it happens"},
	{"help", NULL, OPT_HELP, "print this and end"},
	{"version", NULL, OPT_VERSION, "print the version and end"},
};

static const struct {
	enum option_id id;
	const char *text;
} usual[] = {
	{OPT_ON_HANG, "kill"}, {OPT_TIMEOUT, "0"}, {OPT_GRACE, "3s"}, {OPT_LEAKS, "warn"}, {OPT_PORTS, "127.0.0.1:1616"},
	{OPT_REPORT, ".tracewrap"}, {OPT_MODE, "auto"}, {OPT_REAPER, "on"}, {OPT_COLOR, "auto"}, {OPT_STALL, "60s"}, {OPT_ON_STALL, "report"},
	{OPT_TEST_TIMEOUT, "0"}, {OPT_HORIZON, "1h"}, {OPT_ANNOTATE, "auto"}, {OPT_ASSUME, "alarms, fifo, shm, service, hidden and listener never"},
};

/** Opened last: what is no run leaves the file alone. */
static int open_events(struct options *o, struct err *err)
{
	struct err why = {0};
	int fd = watch_open_events(o->events, &why);

	if (fd < 0)
		return err_set(err, -EINVAL, "--events %s", why.text);
	o->watch.events_fd = fd;
	return 0;
}

/* ---- one option ---- */

static const struct row *row_of(int id)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((int)rows[i].id == id)
			return &rows[i];
	return NULL;
}

static int set_word(struct options *o, const struct row *row, const char *where, const char *value, struct err *err)
{
	int choice = value_word(where, value, row->value, err);

	if (choice < 0)
		return choice;
	if (row->id == OPT_ON_HANG)
		o->watch.on_hang = (enum on_hang)choice;
	else if (row->id == OPT_ON_STALL)
		o->watch.on_stall = (enum on_stall)choice;
	else if (row->id == OPT_LEAKS)
		o->watch.leaks = (enum leaks_choice)choice;
	else if (row->id == OPT_COLOR)
		o->watch.color = screen_color(choice);
	else if (row->id == OPT_REAPER)
		o->watch.no_reaper = choice == 1;
	else if (row->id == OPT_ANNOTATE)
		o->watch.github = choice == 1 || (choice == 0 && around_github());
	else if (row->id == OPT_MODE)
		o->mode = (enum mode_choice)choice;
	return 0;
}

static int64_t *duration_of(struct watch_options *w, enum option_id id)
{
	return id == OPT_TIMEOUT ? &w->timeout_ns :
	       id == OPT_STALL ? &w->stall_ns :
	       id == OPT_TEST_TIMEOUT ? &w->test_timeout_ns :
	       id == OPT_HORIZON ? &w->horizon_ns : &w->grace_ns;
}

/** Set one option. WHERE names it as the user wrote it ("--grace", "TRACEWRAP_GRACE"). */
static int set_option(struct options *o, const struct row *row, const char *where, const char *value, struct err *err)
{
	switch (row->id) {
	case OPT_MODE:
	case OPT_ON_HANG:
	case OPT_ON_STALL:
	case OPT_REAPER:
	case OPT_COLOR:
	case OPT_LEAKS:
	case OPT_ANNOTATE:
		return set_word(o, row, where, value, err);
	case OPT_PORTS:
		return value_ports(where, value, &o->watch, err);
	case OPT_TIMEOUT:
	case OPT_STALL:
	case OPT_TEST_TIMEOUT:
	case OPT_HORIZON:
	case OPT_GRACE:
		return value_duration(where, value, duration_of(&o->watch, row->id), err);
	case OPT_ASSUME:
		return assume_parse(where, value, &o->assume, err);
	case OPT_REPORT:
		return value_report_dir(where, value, &o->watch, err);
	case OPT_REPORT_JSON:
		return value_file(where, value, &o->watch.report_json, err);
	case OPT_MASK:
		return value_mask(where, value, o, err);
	case OPT_JUNIT:
		return value_file(where, value, &o->watch.junit, err);
	case OPT_EVENTS:
		o->events = value;
		return *value ? 0 : err_set(err, -EINVAL, "%s: an empty name", where);
	case OPT_SAVE_SNAPSHOT:
		return value_file(where, value, &o->watch.save_snapshot, err);
	case OPT_RESCUE:
		o->watch.on_hang = ON_HANG_RESCUE;
		return 0;
	case OPT_KEEP_SIGINT:
		o->keep_sigint = true;
		return 0;
	case OPT_WORKER:
		o->watch.worker = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_QUIET:
		o->watch.verbosity = SAY_HANGS;
		return 0;
	case OPT_VERBOSE:
		o->watch.verbosity = o->watch.verbosity >= SAY_MORE ? SAY_EVENTS : SAY_MORE;
		return 0;
	case OPT_HELP:
		o->sub = SUB_HELP;
		return 0;
	case OPT_VERSION:
		o->sub = SUB_VERSION;
		return 0;
	}
	return 0;
}

/** Set it, and note who has. */
static int set_from(struct options *o, const struct row *row, struct origin origin, const char *where, struct err *err)
{
	int rc = set_option(o, row, where, origin.value, err);

	if (!rc)
		o->origin[row - rows] = origin;
	return rc;
}

/* ---- the table, for others ---- */

_Static_assert(ARRAY_SIZE(rows) <= OPTIONS_MOST, "an origin for each option");

size_t options_count(void)
{
	return ARRAY_SIZE(rows);
}

struct option_words options_row(size_t i)
{
	struct option_words words = {.name = rows[i].name, .value = rows[i].value, .help = rows[i].help, .usual = ""};

	words.letter = rows[i].id < OPT_MODE ? (char)rows[i].id : '\0';
	for (size_t k = 0; k < ARRAY_SIZE(usual); k++)
		if (usual[k].id == rows[i].id)
			words.usual = usual[k].text;
	return words;
}

size_t options_keys(struct config_option keys[OPTIONS_MOST])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].id != OPT_HELP && rows[i].id != OPT_VERSION)
			keys[n++] = (struct config_option){rows[i].name, rows[i].value != NULL};
	return n;
}

static const struct row *row_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

enum intent_arity options_arity(const char *name)
{
	const struct row *row = row_named(name);

	return !row ? ARITY_NOT_OURS : row->value ? ARITY_VALUE : ARITY_SWITCH;
}

int options_set(struct options *o, const char *name, const char *value, struct err *err)
{
	const struct row *row = row_named(name);
	char where[64];

	snprintf(where, sizeof where, "--%s", name);
	return set_from(o, row, (struct origin){.how = FROM_LINE, .value = value}, where, err);
}

/* ---- the environment: TRACEWRAP_ON_HANG=report is --on-hang report ---- */

static void variable_name(const struct row *row, char name[64])
{
	size_t n = (size_t)snprintf(name, 64, "TRACEWRAP_");

	for (const char *c = row->name; *c && n < 63; c++)
		name[n++] = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	name[n] = '\0';
}

static int read_environment(struct options *o, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[64];
		int rc;

		if (rows[i].id == OPT_HELP || rows[i].id == OPT_VERSION)
			continue;
		variable_name(&rows[i], name);

		const char *value = getenv(name);

		if (!value || !*value)
			continue;
		if (!rows[i].value && strcmp(value, "0") == 0)
			continue;
		if (!rows[i].value && strcmp(value, "1") != 0)
			return err_set(err, -EINVAL, "%s: \"%s\" is neither 1 nor 0", name, value);
		if ((rc = set_from(o, &rows[i], (struct origin){.how = FROM_ENVIRONMENT, .value = value}, name, err)) < 0)
			return rc;
	}
	return 0;
}

/* ---- a file of settings ---- */

/** The words of a list, as the command line has them. */
static const char *joined(const struct config *c, const struct config_entry *e)
{
	OWNED_TEXT all = {0};

	for (size_t i = 0; i < e->n; i++)
		text_addf(&all, "%s%s", i ? "," : "", e->items[i]);
	return arena_strdup(c->arena, text_str(&all));
}

static int settle(struct options *o, struct err *err);

int options_configure(struct options *o, const struct config *c, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_entry *e = config_find(c, rows[i].name);
		struct origin origin = {.how = FROM_FILE};
		char where[160];
		int rc;

		if (!e || o->origin[i].how != FROM_DEFAULT || (!rows[i].value && strcmp(e->items[0], "1") != 0))
			continue;
		origin.value = rows[i].value ? joined(c, e) : NULL;
		origin.file = e->file;
		origin.line = e->line;
		snprintf(where, sizeof where, "%.90s:%u: %s", e->file, e->line, rows[i].name);
		if ((rc = set_from(o, &rows[i], origin, where, err)) < 0)
			return rc;
	}
	return settle(o, err);
}

/* ---- the line ---- */

static int complain(char **argv, const struct option *longs, int c, struct err *err)
{
	const char *word = argv[optind - 1];

	if (c == ':')
		return err_set(err, -EINVAL, "option \"%s\" needs a value; see tracewrap --help", word);
	for (const struct option *l = longs; optopt && l->name; l++)
		if (l->val == optopt)
			return err_set(err, -EINVAL, "option \"--%s\" takes no value", l->name);
	if (optopt)
		return err_set(err, -EINVAL, "unknown option \"-%c\"; see tracewrap --help", optopt);
	return err_set(err, -EINVAL, "unknown or ambiguous option \"%s\"; see tracewrap --help", word);
}

static int parse_options(struct options *o, int argc, char **argv, struct err *err)
{
	struct option longs[ARRAY_SIZE(rows) + 1] = {0};
	int c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		longs[i] = (struct option){rows[i].name, rows[i].value ? required_argument : no_argument, NULL, (int)rows[i].id};
	opterr = 0;
	/* "+": options end at the first word that is none, which is the command; ":": a missing value is told apart */
	while ((c = getopt_long(argc, argv, "+:qvhV", longs, NULL)) != -1) {
		char where[64];
		const struct row *row = row_of(c);
		int rc;

		if (!row)
			return complain(argv, longs, c, err);
		snprintf(where, sizeof where, "--%s", row->name);
		if ((rc = set_from(o, row, (struct origin){.how = FROM_LINE, .value = optarg}, where, err)) < 0)
			return rc;
	}
	return 0;
}

/** Those that read their words themselves, when they know the project; SUB_RUN: it is none of them. */
static enum subcommand command_of(const char *word)
{
	for (enum subcommand sub = SUB_REPORT; word && sub <= SUB_COMPLETION; sub++)
		if (strcmp(word, command_name(sub)) == 0)
			return sub;
	return SUB_RUN;
}

/** Options may stand behind the subcommand, too: "+" has ended getopt_long(3) at the word, and lets it go on behind it.
 *  Behind "--" every word is a command. */
static int take_subcommand(struct options *o, int argc, char **argv, struct err *err)
{
	const char *word = o->sub == SUB_RUN && strcmp(argv[optind - 1], "--") != 0 ? argv[optind] : NULL;
	bool explain = word && strcmp(word, "explain") == 0, why = word && strcmp(word, "why") == 0;
	int rc;

	if (command_of(word) != SUB_RUN) {
		o->sub = command_of(word);
		o->command = argv + optind + 1;
		return 0;
	}
	if (explain || why || (word && strcmp(word, "run") == 0)) {
		optind++;
		if ((rc = parse_options(o, argc, argv, err)) < 0)
			return rc;
	}
	o->command = argv + optind;
	if (o->sub != SUB_RUN)
		return 0;
	if (explain) {
		o->sub = SUB_EXPLAIN;
		if (!o->command[0] || o->command[1])
			return err_set(err, -EINVAL, "explain takes one file: tracewrap explain FILE");
		return 0;
	}
	if (why) {
		o->sub = SUB_WHY;
		if (!o->command[0] || o->command[1])
			return err_set(err, -EINVAL, "why takes one process: tracewrap why PID");
		return 0;
	}
	if (!*o->command)
		return err_set(err, -EINVAL, "no command to run: tracewrap [OPTION...] COMMAND [ARG...]; see tracewrap --help");
	return 0;
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
	int rc;

	*out = (struct options){
		.watch = {.grace_ns = 3 * NS_PER_S, .stall_ns = 60 * NS_PER_S, .on_stall = around_ci() ? ON_STALL_KILL : ON_STALL_REPORT,
			  .report_dir = ".tracewrap", .color = screen_color(0), .width = screen_width(), .github = around_github(),
			  .ports = {"127.0.0.1:1616"}},
		.assume = *assumptions_default(),
	};
	if ((rc = read_environment(out, err)) < 0 || (rc = parse_options(out, argc, argv, err)) < 0 ||
	    (rc = take_subcommand(out, argc, argv, err)) < 0)
		return rc;
	return settle(out, err);
}

/** What follows from several of them. */
static int settle(struct options *out, struct err *err)
{
	/* A run that may take longer gives its waits as long, too; one that may not ends by its own clock, and needs no proof for that. */
	if (out->origin[row_of(OPT_HORIZON) - rows].how == FROM_DEFAULT && out->sub != SUB_EXPLAIN)
		out->watch.horizon_ns = out->watch.timeout_ns > DEFAULT_HORIZON_NS ? out->watch.timeout_ns : DEFAULT_HORIZON_NS;
	out->watch.argv = out->command;
	out->watch.assume = &out->assume;
	around_job(&out->watch);
	return out->events && out->sub == SUB_RUN && !out->watch.events_fd ? open_events(out, err) : 0;
}
