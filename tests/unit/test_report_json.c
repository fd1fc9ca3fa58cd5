/* report.json against the contract, read back with cJSON. Run from the top folder. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "report_make.h"

#define SCENE                                                                                                                  \
	"100 wait4(101) 11=r:pipe:[7] argv=python,-m,pytest test=t.py::test_b moved=1.25\n"                                    \
	"101 write(pipe:[7]) 1=w:pipe:[7] argv=python,convert.py parent=100\n"

static cJSON *written(const struct run_report *r)
{
	OWNED_TEXT json = {0};

	report_json(r, &json);
	assert_int_equal(json.at[json.n - 1], '\n');
	assert_int_equal(strlen(json.at), json.n);
	for (size_t i = 0; i < json.n; i++) /* cJSON escapes what JSON forbids, and text_clean() leaves nothing to escape */
		assert_true((unsigned char)json.at[i] >= 0x20 || json.at[i] == '\n' || json.at[i] == '\t');

	cJSON *root = cJSON_ParseWithLength(json.at, json.n);

	assert_non_null(root);
	return root;
}

static cJSON *key(cJSON *object, const char *name)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!item)
		fail_msg("no key \"%s\"", name);
	return item;
}

static const char *string_of(cJSON *object, const char *name)
{
	assert_true(cJSON_IsString(key(object, name)));
	return key(object, name)->valuestring;
}

static double number_of(cJSON *object, const char *name)
{
	assert_true(cJSON_IsNumber(key(object, name)));
	return key(object, name)->valuedouble;
}

static void run_keys(void **state)
{
	static const char *const blind[] = {"Alarms can't be read.", NULL};
	struct run_report r = make_run(NULL);

	(void)state;
	r.nfindings = 0;
	r.wall_start_s = 1769860800 + 3 * 86400 + 59; /* 2026-02-03T12:00:59Z */
	r.start_ns = 5023114400000;
	r.end_ns = r.start_ns + 3209600000;
	r.blind_spots = blind;

	cJSON *root = written(&r);

	assert_string_equal(string_of(root, "schema"), "tracewrap-report/1");
	assert_int_equal(cJSON_GetArraySize(key(root, "command")), 2);
	assert_string_equal(cJSON_GetArrayItem(key(root, "command"), 0)->valuestring, "pytest");
	assert_string_equal(string_of(root, "outcome"), "hang");
	assert_true(number_of(root, "exit_code") == 124);
	assert_string_equal(string_of(root, "started"), "2026-02-03T12:00:59Z");
	assert_true(number_of(root, "started_monotonic_s") == 5023.114);
	assert_true(number_of(root, "duration_s") == 3.21);
	assert_string_equal(string_of(root, "mode"), "proc");
	assert_string_equal(string_of(root, "version"), "1.2.3");
	assert_true(cJSON_IsFalse(key(root, "complete")));
	assert_int_equal(cJSON_GetArraySize(key(root, "blind_spots")), 1);
	assert_int_equal(cJSON_GetArraySize(key(root, "findings")), 0);
	assert_int_equal(cJSON_GetArraySize(key(root, "processes")), 0);
	assert_int_equal(cJSON_GetArraySize(key(key(root, "cleanup"), "signalled")), 0);
	assert_int_equal(cJSON_GetArraySize(key(key(root, "cleanup"), "survivors")), 0);
	cJSON_Delete(root);
}

static void dates(void **state)
{
	static const struct {
		int64_t wall_s;
		const char *utc;
	} rows[] = {
		{0, "1970-01-01T00:00:00Z"},         {951782400, "2000-02-29T00:00:00Z"},  {951868799, "2000-02-29T23:59:59Z"},
		{951868800, "2000-03-01T00:00:00Z"}, {1735689599, "2024-12-31T23:59:59Z"}, {4107542400, "2100-03-01T00:00:00Z"},
		{-1, "1969-12-31T23:59:59Z"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run_report r = make_run(NULL);

		r.nfindings = 0;
		r.wall_start_s = rows[i].wall_s;

		cJSON *root = written(&r);

		assert_string_equal(string_of(root, "started"), rows[i].utc);
		cJSON_Delete(root);
	}
}

static void check_blocked(cJSON *row)
{
	assert_true(number_of(row, "pid") == 101 && number_of(row, "tid") == 101);
	assert_true(cJSON_IsString(key(row, "comm")));
	assert_string_equal(string_of(row, "syscall"), "write");
	assert_true(number_of(row, "fd") == 1);
	assert_string_equal(string_of(row, "object"), "pipe:[7]");
	assert_int_equal(cJSON_GetArrayItem(key(row, "waits_for"), 0)->valueint, 100);
	assert_string_equal(string_of(row, "label"), "convert.py");
	assert_string_equal(string_of(row, "role"), "full");
	assert_true(cJSON_IsTrue(key(row, "cause")) && cJSON_IsTrue(key(row, "culprit")));
	assert_true(cJSON_IsNull(key(row, "timeout_s")));
	assert_int_equal(cJSON_GetArraySize(key(row, "args")), 6);
	assert_string_equal(cJSON_GetArrayItem(key(row, "args"), 1)->valuestring, "0xfffffffffffffff0");
}

static void check_object(cJSON *object)
{
	cJSON *holder = cJSON_GetArrayItem(key(object, "holders"), 0);

	assert_string_equal(string_of(object, "name"), "pipe:[7]");
	assert_string_equal(string_of(object, "type"), "pipe");
	assert_string_equal(string_of(object, "outside"), "");
	assert_int_equal(cJSON_GetArraySize(key(object, "holders")), 2);
	assert_true(number_of(holder, "pid") == 100 && number_of(holder, "fd") == 11);
	assert_string_equal(string_of(holder, "ends"), "read");
	assert_string_equal(string_of(holder, "label"), "pytest");
}

static void finding_keys(void **state)
{
	struct finding *f = make_finding(snap(SCENE));
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);

	(void)state;
	f->phase = "call";
	f->blocked[1].args[1] = 0xfffffffffffffff0;
	f->assumptions = ASSUME_NO_OUTSIDE_SIGNAL | ASSUME_SERVICE_THREADS;
	r.start_ns = 500 * NS_PER_MS;

	cJSON *root = written(&r), *row = cJSON_GetArrayItem(key(root, "findings"), 0);

	assert_string_equal(string_of(row, "kind"), "pipe-full");
	assert_string_equal(string_of(row, "certainty"), "proven");
	assert_string_equal(string_of(row, "test"), "t.py::test_b");
	assert_string_equal(string_of(row, "phase"), "call");
	assert_true(number_of(row, "onset_s") == 0.5 && number_of(row, "detected_s") == 1.1);
	assert_int_equal(cJSON_GetArraySize(key(row, "culprits")), 1);
	assert_int_equal(cJSON_GetArrayItem(key(row, "culprits"), 0)->valueint, 101);
	assert_non_null(strstr(string_of(row, "summary"), "convert.py[101]"));
	assert_non_null(strstr(string_of(row, "advice"), "communicate"));
	assert_int_equal(cJSON_GetArraySize(key(row, "assumptions")), 2);
	assert_int_equal(cJSON_GetArraySize(key(row, "live")), 0);
	assert_int_equal(cJSON_GetArraySize(key(row, "blocked")), 2);
	assert_true(number_of(cJSON_GetArrayItem(key(row, "blocked"), 0), "still_since_s") == 0.75);
	check_blocked(cJSON_GetArrayItem(key(row, "blocked"), 1));
	assert_int_equal(cJSON_GetArraySize(key(row, "objects")), 1);
	check_object(cJSON_GetArrayItem(key(row, "objects"), 0));
	cJSON_Delete(root);
	finding_free(f);
}

static void what_is_not_known_is_null(void **state)
{
	struct finding *f = make_finding(snap("100 futex\n"));
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);

	(void)state;
	f->blocked[0].label = f->blocked[0].comm = f->blocked[0].call = NULL;

	cJSON *root = written(&r), *row = cJSON_GetArrayItem(key(root, "findings"), 0);
	cJSON *blocked = cJSON_GetArrayItem(key(row, "blocked"), 0);

	assert_true(cJSON_IsNull(key(row, "test")) && cJSON_IsNull(key(row, "phase")));
	assert_true(cJSON_IsNull(key(blocked, "fd")) && cJSON_IsNull(key(blocked, "object")));
	assert_true(cJSON_IsNull(key(blocked, "still_since_s")));
	assert_string_equal(string_of(blocked, "syscall"), "");
	cJSON_Delete(root);
	finding_free(f);
}

/* ---- processes ---- */

static struct process_row *add_process(struct history *h, pid_t pid, const char *cmdline, size_t len)
{
	bool is_new;
	struct process_row *p = history_row(h, pid, (uint64_t)pid, 0, 0, &is_new);

	assert_true(is_new);
	p->cmdline = mem_alloc(len + 1);
	memcpy(p->cmdline, cmdline, len);
	p->cmdline_len = len;
	p->ppid = 1;
	p->started_ns = NS_PER_S;
	p->ended_ns = NEVER_NS;
	return p;
}

static void process_keys(void **state)
{
	static const char line[] = "python\0\0a\033b\xff\xc3\xa9";
	struct history *h = history_new(10);
	struct run_report r = make_run(NULL);

	(void)state;
	add_process(h, 7, line, sizeof line - 1)->test = strdup("t.py::x\n");
	add_process(h, 8, "sh\0-c\0true\0", 11);
	history_exited(h, 8, 1500 * NS_PER_MS, EXIT_CODE, 3, FROM_SAMPLER);
	add_process(h, 9, "", 0);
	history_exited(h, 9, 2 * NS_PER_S, EXIT_SIGNAL, 9, FROM_SAMPLER);
	r.nfindings = 0;
	r.history = h;
	r.every_process = true;

	cJSON *root = written(&r), *list = key(root, "processes"), *row = cJSON_GetArrayItem(list, 0),
	      *words = key(row, "cmdline");

	assert_int_equal(cJSON_GetArraySize(list), 3);
	assert_true(number_of(root, "processes_dropped") == 0 && cJSON_IsTrue(key(root, "processes_complete")));
	assert_true(number_of(row, "pid") == 7 && number_of(row, "ppid") == 1 && number_of(row, "started_s") == 1);
	assert_int_equal(cJSON_GetArraySize(words), 3);
	assert_string_equal(cJSON_GetArrayItem(words, 1)->valuestring, "");
	assert_string_equal(cJSON_GetArrayItem(words, 2)->valuestring, "a?b?\xc3\xa9");
	assert_string_equal(string_of(row, "test"), "t.py::x?");
	assert_true(cJSON_IsNull(key(row, "ended_s")) && cJSON_IsNull(key(row, "exit")) && cJSON_IsNull(key(row, "heard")));
	assert_memory_equal(history_at(h, 0)->cmdline, line, sizeof line - 1); /* cleaned on a copy */
	row = cJSON_GetArrayItem(list, 1);
	assert_int_equal(cJSON_GetArraySize(key(row, "cmdline")), 3);
	assert_true(number_of(row, "ended_s") == 1.5 && number_of(key(row, "exit"), "code") == 3);
	assert_true(cJSON_IsNull(key(row, "test")));
	row = cJSON_GetArrayItem(list, 2);
	assert_int_equal(cJSON_GetArraySize(key(row, "cmdline")), 0);
	assert_string_equal(string_of(key(row, "exit"), "signal"), "SIGKILL");
	cJSON_Delete(root);
	history_free(h);
}

static void cleanup_keys(void **state)
{
	static const struct signalled signalled[] = {{7, "SIGINT", 0}};
	static const struct survivor survivors[] = {{9, 'D', "nfs\001d", NULL}};
	struct run_report r = make_run(NULL);

	(void)state;
	r.nfindings = 0;
	r.complete = true;
	r.signalled = signalled;
	r.nsignalled = 1;
	r.survivors = survivors;
	r.nsurvivors = 1;

	cJSON *root = written(&r), *row = cJSON_GetArrayItem(key(key(root, "cleanup"), "signalled"), 0);

	assert_true(number_of(row, "pid") == 7);
	assert_string_equal(string_of(row, "signal"), "SIGINT");
	row = cJSON_GetArrayItem(key(key(root, "cleanup"), "survivors"), 0);
	assert_true(number_of(row, "pid") == 9);
	assert_string_equal(string_of(row, "state"), "D");
	assert_string_equal(string_of(row, "comm"), "nfs?d");
	assert_true(cJSON_IsTrue(key(root, "complete")));
	cJSON_Delete(root);
}

static void hostile_text_is_made_fit(void **state)
{
	static const char bad[] = "\033[2J\xff\xfe\n\"\\\xed\xa0\x80";
	static char argument[] = "a\x80\nb";
	char *argv[] = {argument, NULL};
	struct finding *f = make_finding(snap(SCENE));
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);

	(void)state;
	r.argv = argv;
	f->test = f->phase = bad;
	f->objects[0].name = f->objects[0].type = f->objects[0].holders[0].label = bad;
	f->blocked[0].label = f->blocked[0].comm = f->blocked[0].call = bad;

	cJSON *root = written(&r), *row = cJSON_GetArrayItem(key(root, "findings"), 0);

	assert_string_equal(string_of(row, "test"), "?[2J???\"\\???");
	assert_string_equal(cJSON_GetArrayItem(key(root, "command"), 0)->valuestring, "a??b");
	assert_string_equal(argument, "a\x80\nb");
	cJSON_Delete(root);
	finding_free(f);
}

static void thousands_of_edges_are_counted(void **state)
{
	struct finding *f = make_finding(snap(SCENE));
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);
	pid_t *many = arena_array(f->arena, FINDING_EDGES, sizeof *many);

	(void)state;
	for (int i = 0; i < FINDING_EDGES; i++)
		many[i] = i + 1;
	f->blocked[0].waits_for = many;
	f->blocked[0].nwaits_for = FINDING_EDGES;
	f->blocked[0].nwaits_for_all = 5000;

	cJSON *root = written(&r), *row = cJSON_GetArrayItem(key(cJSON_GetArrayItem(key(root, "findings"), 0), "blocked"), 0);

	assert_int_equal(cJSON_GetArraySize(key(row, "waits_for")), FINDING_EDGES);
	assert_true(number_of(row, "waits_for_count") == 5000);
	cJSON_Delete(root);
	finding_free(f);
}

static void names_of_outcomes(void **state)
{
	static const char *const names[] = {"pass", "fail", "hang", "stall", "interrupted", "error"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(outcome_name((enum outcome)i), names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_keys),
		cmocka_unit_test(dates),
		cmocka_unit_test(finding_keys),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(process_keys),
		cmocka_unit_test(cleanup_keys),
		cmocka_unit_test(hostile_text_is_made_fit),
		cmocka_unit_test(thousands_of_edges_are_counted),
		cmocka_unit_test(names_of_outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
