/* report.json read back: what was written is what is read, byte for byte; and what is no report is refused in one line. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report_make.h"

static const char *const recorded[] = {
	"actor-tree-pidfd", "asyncio-lost-future", "eof-sibling-stdin", "lock-flock-abba", "lock-processes-abba", "mp-pool-dead-worker",
	"pipe-grandchild",  "socketpair-full",     "stopped-child",     "teardown-log-storm", "tty-breakpoint",
};

/** What a run has beside its findings, all of it set. */
static void fill(struct run_report *r)
{
	static const char *const spots[] = {"no alarms", NULL}, *const not_run[] = {"tests/test_b.py::test_c[\"]", NULL};
	static const struct signalled signalled[] = {{100, "SIGINT", 1700 * NS_PER_MS}, {101, "SIGKILL", 0}};
	static const struct survivor survivors[] = {{101, 'D', "nfsd", "rpc_wait"}};
	static const struct run_test tests[] = {
		{"tests/test_a.py::test_b", 100, NS_PER_S, NEVER_NS, NS_PER_S, 1100 * NS_PER_MS, 0},
		{"tests/test_a.py::test_a", 100, NS_PER_MS, NS_PER_S, 0, 0, 0},
	};
	static const struct run_log logs[] = {{"pipe:[1]", "one\ntwo\n\nlast", "pipe-1.log", 65472}};

	r->wall_start_s = 1790000000;
	r->start_ns = 77 * NS_PER_S;
	r->end_ns = 79500 * NS_PER_MS;
	r->reaper = true;
	r->complete = true;
	r->blind_spots = spots;
	r->not_run = not_run;
	r->signalled = signalled;
	r->nsignalled = ARRAY_SIZE(signalled);
	r->survivors = survivors;
	r->nsurvivors = ARRAY_SIZE(survivors);
	r->tests = tests;
	r->ntests = ARRAY_SIZE(tests);
	r->logs = logs;
	r->nlogs = ARRAY_SIZE(logs);
	r->host = "h\xc3\xa4st";
	r->kernel = "Linux 6.1";
	r->folder = "/home/x";
	r->every_process = true;
}

static struct process_row *row(struct history *h, pid_t pid, pid_t ppid, int64_t started_ns)
{
	static const char line[] = "python\0-m\0pytest\0\0x y";
	bool is_new;
	struct process_row *p = history_row(h, pid, (uint64_t)pid, started_ns, ppid, &is_new);

	history_read(h, p, line, sizeof line, 0, started_ns);
	return p;
}

static struct history *make_history(void)
{
	struct history *h = history_new(10);

	row(h, 100, 1, 77 * NS_PER_S);
	row(h, 101, 100, 78 * NS_PER_S);
	row(h, 102, 100, 78 * NS_PER_S);
	row(h, 103, 100, 78 * NS_PER_S);
	history_exited(h, 101, 79 * NS_PER_S, EXIT_CODE, 3, FROM_SAMPLER);
	history_exited(h, 102, 79 * NS_PER_S, EXIT_SIGNAL, 9, FROM_SAMPLER);
	history_exited(h, 103, 79 * NS_PER_S, EXIT_SIGNAL, 34, FROM_SAMPLER);
	return h;
}

static void check_again(const char *name, const struct run_report *r)
{
	OWNED_TEXT first = {0}, second = {0};
	struct saved_run *run;
	struct err err = {0};

	report_json(r, &first);
	if (run_read(text_str(&first), first.n, &run, &err))
		fail_msg("%s: %s", name, err.text);
	report_json(&run->r, &second);
	for (size_t i = 0; i < first.n; i++) /* cmocka cuts long texts before the difference */
		if (i >= second.n || first.at[i] != second.at[i])
			fail_msg("%s: byte %zu: \"%.60s\" became \"%.60s\"", name, i, first.at + (i > 30 ? i - 30 : 0),
				 second.n > i ? second.at + (i > 30 ? i - 30 : 0) : "");
	assert_int_equal(first.n, second.n);
	assert_int_equal(run->r.nfindings, r->nfindings);
	run_free(run);
}

static void what_is_written_is_read(void **state)
{
	struct history *h = make_history();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(recorded); i++) {
		struct finding *f = make_finding(read_recorded(recorded[i]));
		struct finding *const list[] = {f};
		struct run_report r = make_run(list);

		check_again(recorded[i], &r);
		fill(&r);
		r.history = h;
		r.library = i % 2;
		check_again(recorded[i], &r);
		finding_free(f);
	}
	history_free(h);
}

/** What the findings of leaks hold, for each kind. */
static void leaks_are_read(void **state)
{
	static struct leak_thing things[] = {{"tcp", "127.0.0.1:1616"}, {"unix", "@x"}};
	static struct leak_process who[] = {{7, "daemon.py", "python daemon.py", NS_PER_S}};

	(void)state;
	for (int kind = FINDING_LEAKED_PROCESS; kind <= FINDING_PORT_HELD; kind++) {
		struct finding *f = mem_alloc(sizeof *f);
		struct finding *const list[] = {f};
		struct run_report r = make_run(list);

		f->kind = (enum finding_kind)kind;
		f->leak = (struct leak){.things = things, .nthings = 2, .who = who, .nwho = 1, .owner = OWNER_EARLIER, .before = kind % 2,
					.done = kind % 2 ? NULL : "ended by SIGINT", .parent = {.pid = 6, .label = "p", .command = "p 1"}};
		check_again(finding_kind_name(f->kind), &r);
		mem_free(f);
	}
}

static void check_refused(const char *text, size_t len, const char *words)
{
	struct saved_run *run;
	struct err err = {0};

	assert_int_equal(run_read(text, len, &run, &err), -22);
	assert_null(run);
	assert_null(strchr(err.text, '\n'));
	if (!strstr(err.text, words))
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, words);
}

static void refuse(const char *text, const char *words)
{
	check_refused(text, strlen(text), words);
}

#define HEAD "{\"schema\":\"tracewrap-report/1\",\"outcome\":\"hang\",\"exit_code\":124,\"started\":\"2026-01-31T12:00:00Z\""

static void what_is_no_report_is_refused(void **state)
{
	(void)state;
	refuse("", "empty");
	refuse(" \n ", "empty");
	refuse("[]", "no JSON object");
	refuse("{}", "schema");
	refuse("{\"schema\":\"tracewrap-snapshot/1\"}", "not a tracewrap report");
	refuse("{\"schema\":\"tracewrap-report/2\"}", "this program reads");
	refuse("{\"schema\":7}", "is no string");
	refuse(HEAD, "cut off");
	refuse("{\"schema\":\"tracewrap-report/1\"}", "outcome");
	refuse("{\"schema\":\"tracewrap-report/1\",\"outcome\":\"odd\"}", "odd");
	refuse("{\"schema\":\"tracewrap-report/1\",\"outcome\":\"hang\",\"exit_code\":1,\"started\":\"yesterday\"}", "is no time");
	refuse("{\"schema\":\"tracewrap-report/1\",\"outcome\":\"hang\",\"exit_code\":1,\"started\":\"2026-13-31T12:00:00Z\"}", "is no time");
	refuse(HEAD ",\"findings\":5}", "findings: is no list");
	refuse(HEAD ",\"findings\":[5]}", "is no object");
	refuse(HEAD ",\"findings\":[{\"kind\":\"new-thing\",\"certainty\":\"proven\"}]}", "no kind of finding that this version knows");
	refuse(HEAD ",\"findings\":[{\"kind\":\"lock\",\"certainty\":\"maybe\"}]}", "neither");
	refuse(HEAD ",\"findings\":[{\"kind\":\"lock\",\"certainty\":\"proven\",\"blocked\":[{\"pid\":1,\"tid\":1,\"comm\":\"\",\"label\":\"\",\"syscall\":\"\","
		    "\"role\":\"lock\",\"object_index\":3}]}]}",
	       "object_index 3");
	refuse(HEAD ",\"findings\":[{\"kind\":\"zombie\",\"certainty\":\"proven\"}]}", "leak: is missing");
	refuse(HEAD ",\"processes\":[{\"pid\":1,\"ppid\":1,\"exit\":{\"signal\":\"SIGNOTHING\"}}]}", "no signal");
	refuse(HEAD ",\"processes\":[{\"pid\":1e99}]}", "out of range");
	refuse(HEAD ",\"tests\":[{\"test\":\"a\",\"pid\":1,\"started_s\":\"x\"}]}", "no number of seconds");
	refuse(HEAD ",\"duration_s\":1e300}", "out of range");
}

/** At each byte; not one of them is a whole report. */
static void cut_off_anywhere(void **state)
{
	struct finding *f = make_finding(read_recorded("lock-flock-abba"));
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);
	OWNED_TEXT json = {0};

	(void)state;
	fill(&r);
	report_json(&r, &json);
	for (size_t n = 0; n + 2 < json.n; n += n < 200 || n + 200 > json.n ? 1 : 37)
		check_refused(text_str(&json), n, "");
	finding_free(f);
}

/** Bytes that are no UTF-8, from whoever wrote the file. */
static void stray_bytes_are_made_fit(void **state)
{
	struct saved_run *run;
	struct err err = {0};
	static const char text[] = HEAD ",\"host\":\"a\xff\x80z\\u0007\",\"command\":[\"\xc3\"],\"logs\":[{\"object\":\"x\",\"bytes\":1,\"text\":\"a\xff\\nb\\u0001\"}]}";

	(void)state;
	assert_int_equal(run_read(text, strlen(text), &run, &err), 0);
	assert_string_equal(run->r.host, "a??z?");
	assert_string_equal(run->r.argv[0], "?");
	assert_string_equal(run->r.logs[0].text, "a?\nb?");
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),    cmocka_unit_test(leaks_are_read),
		cmocka_unit_test(what_is_no_report_is_refused), cmocka_unit_test(cut_off_anywhere),
		cmocka_unit_test(stray_bytes_are_made_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
