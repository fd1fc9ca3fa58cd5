/* report.json back into what it was written from: strict, as the reader of snapshots. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/reader.h"

/* ---- the run itself ---- */

/** Days since 1970-01-01 of a date as the Gregorian calendar has it, in years that begin in March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;

	int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t read_utc(struct reader *r, const struct at *at, const char *key)
{
	const char *text = reader_need_str(r, at, key);
	int year, month, day, hour, minute, second, end = 0;

	if (r->rc)
		return 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &year, &month, &day, &hour, &minute, &second, &end) != 6 || end != 20 ||
	    text[end] || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
	    second < 0 || second > 60) {
		reader_fail(r, at, key, "is no time like 2026-01-31T12:00:00Z");
		return 0;
	}
	return days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/** With a NULL behind the last. */
static const char *const *read_list(struct reader *r, const struct at *at, const char *key)
{
	size_t n;
	char **words = reader_get_strings(r, at, key, &n);
	const char **copy = arena_array(r->s->arena, n + 1, sizeof *copy);

	for (size_t i = 0; i < n; i++)
		copy[i] = words[i];
	return copy;
}

static void read_run(struct reader *r, const struct at *at, struct run_report *run)
{
	const char *outcome = reader_need_str(r, at, "outcome");
	size_t n;

	run->version = reader_get_str(r, at, "version");
	run->argv = reader_get_strings(r, at, "command", &n);
	if (!r->rc && !outcome_of_word(outcome, &run->outcome))
		reader_fail(r, at, "outcome", "\"%.40s\" is no outcome", outcome);
	run->exit_code = (int)reader_to_int(r, at, "exit_code", reader_required(r, at, "exit_code"), 0, 255);
	run->complete = reader_get_bool(r, at, "complete", true);
	run->wall_start_s = read_utc(r, at, "started");
	run->start_ns = reader_get_moment(r, at, "started_monotonic_s", 0, 0);
	run->end_ns = run->start_ns + reader_get_ns(r, at, "duration_s", 0);
	run->reaper = reader_get_bool(r, at, "reaper", true);
	run->mode = reader_get_str(r, at, "mode");
	run->host = reader_get_str(r, at, "host");
	run->kernel = reader_get_str(r, at, "kernel");
	run->folder = reader_get_str(r, at, "folder");

	run->blind_spots = read_list(r, at, "blind_spots");
	run->not_run = read_list(r, at, "not_run");
}

static void read_findings(struct reader *r, const struct at *up, struct run_report *run)
{
	const cJSON *list = reader_get_list(r, up, "findings", &run->nfindings), *item;
	struct finding **findings = arena_array(r->s->arena, run->nfindings, sizeof *findings);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			return;
		findings[i++] = reader_finding_of(r, &at, run->start_ns);
	}
	run->findings = findings;
}

/* ---- processes ---- */

static void read_words(struct reader *r, const struct at *at, struct process_row *row)
{
	OWNED_TEXT line = {0};
	size_t n;
	char **words = reader_get_strings(r, at, "cmdline", &n);

	for (size_t i = 0; i < n; i++)
		text_addn(&line, words[i], strlen(words[i]) + 1);
	row->cmdline = n ? arena_memdup(r->s->arena, line.at, line.n + 1) : NULL;
	row->cmdline_len = line.n;
}

/** "SIGINT" as a number: reports have names alone. */
static int signal_of(const char *name)
{
	static const char *const names[] = {
		"0",    "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
		"SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
		"TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
	};
	uint64_t number;

	if (strncmp(name, "SIG", 3) != 0)
		return -1;
	for (int i = 1; (size_t)i < ARRAY_SIZE(names); i++)
		if (strcmp(name + 3, names[i]) == 0)
			return i;
	return reader_parse_u64(name + 3, 10, &number) && number <= 64 ? (int)number : -1;
}

static void read_exit(struct reader *r, const struct at *up, struct process_row *row)
{
	if (!reader_optional(r, up, "exit"))
		return;

	struct at at = reader_get_object(r, up, "exit");
	const char *signal = reader_get_str(r, &at, "signal");

	row->exit = signal ? EXIT_SIGNAL : EXIT_CODE;
	row->exit_value = signal ? signal_of(signal)
				 : (int)reader_to_int(r, &at, "code", reader_required(r, &at, "code"), INT32_MIN, INT32_MAX);
	if (signal && row->exit_value < 0)
		reader_fail(r, &at, "signal", "\"%.20s\" is no signal", signal);
}

static void read_process(struct reader *r, const struct at *at, struct process_row *row, int64_t start_ns)
{
	row->pid = reader_need_pid(r, at, "pid", 1);
	row->ppid = reader_need_pid(r, at, "ppid", 0);
	read_words(r, at, row);
	row->started_ns = reader_get_moment(r, at, "started_s", start_ns, start_ns);
	row->ended_ns = reader_get_moment(r, at, "ended_s", start_ns, NEVER_NS);
	read_exit(r, at, row);
	row->test = reader_get_str(r, at, "test");
	row->speaks = reader_get_bool(r, at, "heard", false);
}

static void read_processes(struct reader *r, const struct at *up, struct run_report *run)
{
	const cJSON *list = reader_get_list(r, up, "processes", &run->nrows), *item;
	struct process_row *rows = arena_array(r->s->arena, run->nrows, sizeof *rows);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			return;
		run->library |= reader_optional(r, &at, "heard") != NULL;
		read_process(r, &at, &rows[i++], run->start_ns);
	}
	run->rows = rows;
	run->rows_dropped =
		(size_t)reader_to_int(r, up, "processes_dropped", reader_optional(r, up, "processes_dropped"), 0, INT32_MAX);
	run->every_process = reader_get_bool(r, up, "processes_complete", false);
}

/* ---- tests, logs, clean-up ---- */

static void read_tests(struct reader *r, const struct at *up, struct run_report *run)
{
	const cJSON *list = reader_get_list(r, up, "tests", &run->ntests), *item;
	struct run_test *tests = arena_array(r->s->arena, run->ntests, sizeof *tests);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			return;
		tests[i++] = (struct run_test){
			.test = reader_need_str(r, &at, "test"),
			.pid = reader_need_pid(r, &at, "pid", 1),
			.from_ns = reader_get_moment(r, &at, "started_s", run->start_ns, run->start_ns),
			.to_ns = reader_get_moment(r, &at, "ended_s", run->start_ns, NEVER_NS),
			.setup_ns = reader_get_moment(r, &at, "setup_s", run->start_ns, 0),
			.call_ns = reader_get_moment(r, &at, "call_s", run->start_ns, 0),
			.teardown_ns = reader_get_moment(r, &at, "teardown_s", run->start_ns, 0),
		};
	}
	run->tests = tests;
}

/** Lines stay lines. */
static const char *read_log_text(struct reader *r, const struct at *at)
{
	const cJSON *json = reader_required(r, at, "text");
	char *copy;

	if (json && !cJSON_IsString(json))
		reader_fail(r, at, "text", "is no string");
	if (r->rc)
		return "";
	copy = arena_strdup(r->s->arena, json->valuestring);
	for (char *line = copy; *line;) {
		size_t len = strcspn(line, "\n");

		text_clean(line, len);
		line += len + (line[len] != '\0');
	}
	return copy;
}

static void read_logs(struct reader *r, const struct at *up, struct run_report *run)
{
	const cJSON *list = reader_get_list(r, up, "logs", &run->nlogs), *item;
	struct run_log *logs = arena_array(r->s->arena, run->nlogs, sizeof *logs);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			return;
		logs[i++] = (struct run_log){
			.object = reader_need_str(r, &at, "object"),
			.text = read_log_text(r, &at),
			.file = reader_get_str(r, &at, "file"),
			.bytes = reader_get_count(r, &at, "bytes"),
		};
	}
	run->logs = logs;
}

static void read_signalled(struct reader *r, const struct at *cleanup, struct run_report *run)
{
	const cJSON *list = reader_get_list(r, cleanup, "signalled", &run->nsignalled), *item;
	struct signalled *signalled = arena_array(r->s->arena, run->nsignalled, sizeof *signalled);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, cleanup, item);

		if (r->rc)
			return;
		signalled[i++] = (struct signalled){
			.pid = reader_need_pid(r, &at, "pid", 1),
			.signal = reader_need_str(r, &at, "signal"),
			.at_ns = reader_get_moment(r, &at, "at_s", run->start_ns, 0),
		};
	}
	run->signalled = signalled;
}

static void read_survivors(struct reader *r, const struct at *cleanup, struct run_report *run)
{
	const cJSON *list = reader_get_list(r, cleanup, "survivors", &run->nsurvivors), *item;
	struct survivor *survivors = arena_array(r->s->arena, run->nsurvivors, sizeof *survivors);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, cleanup, item);

		if (r->rc)
			return;
		survivors[i++] = (struct survivor){
			.pid = reader_need_pid(r, &at, "pid", 1),
			.state = *reader_need_str(r, &at, "state"),
			.comm = reader_need_str(r, &at, "comm"),
			.wchan = reader_need_str(r, &at, "wchan"),
		};
	}
	run->survivors = survivors;
}

/* ---- the whole ---- */

static void check_schema(struct reader *r, const struct at *top)
{
	const char *schema = reader_get_str(r, top, "schema");

	if (r->rc)
		return;
	if (!schema || strncmp(schema, "tracewrap-report/", strlen("tracewrap-report/")) != 0)
		r->rc = err_set(r->err, -EINVAL, "not a tracewrap report: no key \"schema\" with \"%s\"", REPORT_SCHEMA);
	else if (strcmp(schema, REPORT_SCHEMA) != 0)
		reader_fail(r, top, "schema", "\"%.40s\", but this program reads \"%s\"", schema, REPORT_SCHEMA);
}

static int read_top(struct reader *r, const struct at *top, struct run_report *run)
{
	if (!cJSON_IsObject(top->json))
		return err_set(r->err, -EINVAL, "not a tracewrap report: no JSON object");
	check_schema(r, top);
	read_run(r, top, run);
	read_findings(r, top, run);
	read_processes(r, top, run);
	read_tests(r, top, run);
	read_logs(r, top, run);
	if (reader_optional(r, top, "cleanup")) {
		struct at cleanup = reader_get_object(r, top, "cleanup");

		read_signalled(r, &cleanup, run);
		read_survivors(r, &cleanup, run);
	}
	return r->rc;
}

int run_read(const char *text, size_t len, struct saved_run **out, struct err *err)
{
	cJSON *json = reader_parse(text, len, err);

	*out = NULL;
	if (!json)
		return -EINVAL;

	struct reader r = {.s = snapshot_new(), .err = err};
	struct saved_run *run = mem_alloc(sizeof *run);
	struct at top = {NULL, NULL, json};
	int rc = read_top(&r, &top, &run->r);

	run->owner = r.s;
	cJSON_Delete(json);
	if (rc)
		run_free(run);
	else
		*out = run;
	return rc;
}

void run_free(struct saved_run *run)
{
	if (run)
		snapshot_free(run->owner);
	mem_free(run);
}
