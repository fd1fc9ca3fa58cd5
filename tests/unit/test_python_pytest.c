/* pytest's own reports in a made-up process of every version: which test ran when, and when that can't be told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "python_made.h"

enum { BASE_S = 1700000000, NOW = 1000 }; /* all moments below are ms behind BASE_S */

/** A report; a time below 0: it has none. */
struct row {
	const char *list, *id, *when;
	int start, stop;
};

struct scene {
	struct made *m;
	uint64_t float_type, report_type, plain_type, frame;
	bool parts; /* ids as from pytest 9.2 on */
};

static int64_t ns_of(int ms)
{
	return BASE_S * NS_PER_S + ms * NS_PER_MS;
}

static uint64_t number(struct scene *s, int ms)
{
	uint64_t obj = made_object(s->m, s->float_type, 32);
	double seconds = BASE_S + ms / 1000.0;

	made_put(s->m, obj + 16, &seconds, sizeof seconds);
	return obj;
}

static uint64_t with_attributes(struct scene *s, uint64_t type, const char *const *keys, const uint64_t *values, size_t n)
{
	uint64_t obj = made_object(s->m, type, 64);

	made_u64(s->m, obj + 32, made_dict(s->m, keys, values, n, false, false));
	return obj;
}

static uint64_t with_one(struct scene *s, const char *key, uint64_t value)
{
	return with_attributes(s, s->plain_type, &key, &value, 1);
}

/** "a.py::test" as its path and one name. */
static uint64_t id_object(struct scene *s, const char *id)
{
	static const char *const keys[] = {"path", "names", "params", "_str_cache"};
	const char *sep = strstr(id, "::");
	uint64_t none = made_object(s->m, made_type(s->m, "NoneType", 0), 16);
	uint64_t name = made_ascii(s->m, sep + 2);
	uint64_t path = made_ascii(s->m, arena_strndup(s->m->arena, id, (size_t)(sep - id)));
	uint64_t values[] = {path, made_tuple(s->m, &name, 1), none, none};

	return with_attributes(s, s->plain_type, keys, values, ARRAY_SIZE(keys));
}

static uint64_t report(struct scene *s, const struct row *r)
{
	const char *keys[] = {s->parts ? "_id" : "nodeid", "when", "start", "stop"};
	uint64_t values[] = {s->parts ? id_object(s, r->id) : made_ascii(s->m, r->id), made_ascii(s->m, r->when), 0, 0};

	if (r->start < 0)
		return with_attributes(s, s->report_type, keys, values, 2);
	values[2] = number(s, r->start);
	values[3] = number(s, r->stop);
	return with_attributes(s, s->report_type, keys, values, 4);
}

static uint64_t stats(struct scene *s, const struct row *rows, size_t n)
{
	const char *names[8];
	uint64_t lists[8], reports[32];
	size_t nlists = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0, nreports = 0;

		while (k < nlists && strcmp(names[k], rows[i].list) != 0)
			k++;
		if (k < nlists)
			continue;
		names[nlists] = rows[i].list;
		for (k = i; k < n; k++)
			if (strcmp(rows[k].list, rows[i].list) == 0)
				reports[nreports++] = report(s, &rows[k]);
		lists[nlists++] = made_list(s->m, reports, nreports);
	}
	return made_dict(s->m, names, lists, nlists, false, false);
}

/** A frame of the loop, called by BACK, that is at the item RUNNING. */
static uint64_t loop(struct scene *s, uint64_t back, const struct row *rows, size_t n, const char *running)
{
	static const char *const vars[] = {"session", "item"};
	static const struct made_code code = {.name = "pytest_runtestloop", .qualname = "pytest_runtestloop",
					      .file = "/v/site-packages/_pytest/main.py", .vars = vars, .nvars = 2};
	const char *reporter = "terminalreporter";
	uint64_t it = with_one(s, "stats", stats(s, rows, n)), frame = made_frame(s->m, made_code(s->m, &code), back, 0, 4);
	uint64_t manager = with_one(s, "_name2plugin", made_dict(s->m, &reporter, &it, 1, false, false));

	made_u64(s->m, made_locals(s->m, frame), with_one(s, "config", with_one(s, "pluginmanager", manager)));
	if (running)
		made_u64(s->m, made_locals(s->m, frame) + 8,
			 with_one(s, s->parts ? "_id" : "_nodeid", s->parts ? id_object(s, running) : made_ascii(s->m, running)));
	return frame;
}

static uint64_t other_frame(struct scene *s, uint64_t back)
{
	static const struct made_code code = {.name = "test", .qualname = "test", .file = "/w/a.py"};

	return made_frame(s->m, made_code(s->m, &code), back, 0, 4);
}

static struct scene scene_new(int minor, bool parts)
{
	struct scene s = {.m = made_new(minor), .parts = parts};

	s.float_type = made_type(s.m, "float", 0);
	s.report_type = made_type(s.m, "TestReport", 0);
	s.plain_type = made_type(s.m, "Plain", 0);
	made_u64(s.m, s.report_type + (uint64_t)s.m->o.tp_dictoffset, 32);
	made_u64(s.m, s.plain_type + (uint64_t)s.m->o.tp_dictoffset, 32);
	return s;
}

static bool ask(struct scene *s, const struct python_thread *threads, size_t n, int from, int to, const char **test)
{
	struct python_moment at = {.from_ns = ns_of(from), .to_ns = ns_of(to)};
	bool known = python_pytest_tests(&s->m->py, threads, n, ns_of(NOW), &at, 1);

	*test = at.test;
	return known;
}

/** In every version, with both kinds of ids: the test from FROM to TO is WANT. */
static void want(const struct row *rows, size_t n, const char *running, int from, int to, const char *wanted)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = scene_new(minor, minor % 2 == 0);
		struct python_thread thread = {.frame = other_frame(&s, loop(&s, other_frame(&s, 0), rows, n, running))};
		const char *test;

		assert_true(ask(&s, &thread, 1, from, to, &test));
		if (wanted)
			assert_string_equal(test ? test : "none", wanted);
		else
			assert_null(test);
		made_free(s.m);
	}
}
#define WANT(rows, running, from, to, wanted) want(rows, ARRAY_SIZE(rows), running, from, to, wanted)

/* a from 10 to 40, b from 50 to 80, c since 90 */
static const struct row plain[] = {
	{"", "f.py::a", "setup", 10, 20},    {"passed", "f.py::a", "call", 21, 29}, {"", "f.py::a", "teardown", 30, 40},
	{"", "f.py::b", "setup", 50, 60},    {"failed", "f.py::b", "call", 61, 69}, {"", "f.py::b", "teardown", 70, 80},
	{"", "f.py::c", "setup", 90, 100},
};

static void tells_all_phases(void **state)
{
	(void)state;
	WANT(plain, "f.py::c", 11, 12, "f.py::a");
	WANT(plain, "f.py::c", 22, 28, "f.py::a");
	WANT(plain, "f.py::c", 32, 38, "f.py::a");
	WANT(plain, "f.py::c", 10, 39, "f.py::a");
	WANT(plain, "f.py::c", 66, 66, "f.py::b");
	WANT(plain, "f.py::c", 79, 79, "f.py::b");
}

static void says_nothing_between_tests(void **state)
{
	(void)state;
	WANT(plain, "f.py::c", 1, 2, NULL);   /* the collection */
	WANT(plain, "f.py::c", 9, 11, NULL);  /* from it into a */
	WANT(plain, "f.py::c", 44, 46, NULL);
	WANT(plain, "f.py::c", 39, 41, NULL);
	WANT(plain, "f.py::c", 38, 52, NULL); /* from a into b */
	WANT(plain, "f.py::c", 22, 45, NULL);
	WANT(plain, "f.py::c", 79, 92, NULL);
	WANT(plain, "f.py::c", 85, 86, NULL);
}

static void tells_what_runs(void **state)
{
	(void)state;
	WANT(plain, "f.py::c", 95, 95, "f.py::c");
	WANT(plain, "f.py::c", 200, 900, "f.py::c");
	WANT(plain, "f.py::b", 200, 900, NULL);
	WANT(plain, NULL, 200, 900, NULL);
	WANT(plain, "f.py::c", 900, NOW + 1, NULL); /* not over yet */
}

static void finds_phases_that_failed(void **state)
{
	static const struct row rows[] = {
		{"error", "x.py::X", "collect", -1, -1}, {"skipped", "y.py::Y", "collect", -1, -1},
		{"deselected", "z.py::z", "no", -1, -1},
		{"error", "f.py::a", "setup", 10, 20}, {"", "f.py::a", "teardown", 30, 40},
		{"", "f.py::b", "setup", 50, 60}, {"error", "f.py::b", "teardown", 70, 80},
		{"skipped", "f.py::c", "setup", 90, 91}, {"", "f.py::c", "teardown", 92, 93},
	};

	(void)state;
	WANT(rows, "f.py::c", 15, 35, "f.py::a");
	WANT(rows, "f.py::c", 51, 79, "f.py::b");
	WANT(rows, "f.py::c", 92, 92, "f.py::c");
	WANT(rows, "f.py::c", 45, 45, NULL);
	WANT(rows, "f.py::c", 95, 95, NULL);
}

static void takes_a_test_that_is_run_again(void **state)
{
	static const struct row rows[] = {
		{"", "f.py::a", "setup", 10, 20}, {"rerun", "f.py::a", "call", 21, 29}, {"", "f.py::a", "setup", 50, 60},
		{"", "f.py::a", "teardown", 70, 80},
	};
	static const struct row torn[] = {
		{"", "f.py::a", "setup", 10, 20}, {"", "f.py::b", "setup", 50, 60}, {"", "f.py::b", "teardown", 70, 80},
	};

	(void)state;
	WANT(rows, "f.py::a", 25, 25, "f.py::a");
	WANT(rows, "f.py::a", 65, 65, "f.py::a");
	WANT(rows, "f.py::a", 85, 85, NULL);
	WANT(torn, "f.py::b", 25, 25, NULL); /* nobody knows when a ended */
	WANT(torn, "f.py::b", 65, 65, "f.py::b");
}

static void doubts_a_clock_that_goes_back(void **state)
{
	static const struct row side_by_side[] = {
		{"", "f.py::a", "setup", 10, 20}, {"", "f.py::b", "setup", 15, 25}, {"", "f.py::a", "teardown", 30, 40},
		{"", "f.py::b", "teardown", 50, 60},
	};
	static const struct row over[] = {
		{"", "f.py::a", "setup", 10, 20}, {"", "f.py::a", "teardown", 30, 40}, {"", "f.py::b", "setup", 35, 45},
	};
	static const struct row twice[] = {
		{"", "f.py::a", "setup", 10, 20}, {"", "f.py::a", "teardown", 30, 40}, {"", "f.py::a", "teardown", 50, 60},
	};
	static const struct row ahead[] = {{"", "f.py::a", "setup", 10, 20}, {"", "f.py::a", "teardown", 30, NOW + 1}};
	static const struct row back[] = {{"", "f.py::a", "setup", 10, 20}, {"", "f.py::a", "teardown", 40, 30}};

	(void)state;
	for (int at = 10; at < 60; at += 4)
		WANT(side_by_side, "f.py::b", at, at, NULL);
	WANT(over, "f.py::b", 32, 32, NULL);
	WANT(twice, "f.py::a", 55, 55, NULL);
	WANT(ahead, "f.py::a", 15, 15, NULL);
	WANT(back, "f.py::a", 15, 15, NULL);
}

static void knows_no_times_of_old(void **state)
{
	static const struct row rows[] = {{"", "f.py::a", "setup", -1, -1}, {"", "f.py::a", "teardown", -1, -1}};

	(void)state;
	WANT(rows, "f.py::a", 15, 15, NULL);
}

static void takes_the_outermost_loop(void **state)
{
	static const struct row inner[] = {{"", "g.py::x", "setup", 60, 62}, {"", "g.py::x", "teardown", 64, 66}};

	(void)state;
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = scene_new(minor, false);
		uint64_t outer = other_frame(&s, loop(&s, 0, plain, ARRAY_SIZE(plain), "f.py::c"));
		struct python_thread one = {.frame = other_frame(&s, loop(&s, outer, inner, ARRAY_SIZE(inner), "g.py::x"))};
		struct python_thread two[] = {one, {.frame = loop(&s, 0, inner, ARRAY_SIZE(inner), "g.py::x")}};
		struct python_thread none = {.frame = other_frame(&s, 0)};
		struct python_thread torn = {.frame = other_frame(&s, loop(&s, 16, plain, 1, NULL))};
		struct python_thread elsewhere = {.frame = one.frame, .interpreter_id = 1};
		const char *test;

		assert_true(ask(&s, &one, 1, 65, 65, &test));
		assert_string_equal(test, "f.py::b");
		assert_false(ask(&s, two, 2, 65, 65, &test)); /* which of the two? */
		assert_null(test);
		assert_false(ask(&s, &none, 1, 65, 65, &test));
		assert_false(ask(&s, &torn, 1, 65, 65, &test)); /* there may be another one below */
		assert_false(ask(&s, &elsewhere, 1, 65, 65, &test));
		made_free(s.m);
	}
}

static void survives_torn_lists(void **state)
{
	(void)state;
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = scene_new(minor, false);
		struct python_thread thread = {.frame = loop(&s, 0, plain, ARRAY_SIZE(plain), "f.py::c")};
		const char *test;

		/* each list as long as can be, its items nowhere */
		for (uint64_t at = MADE_BASE; at < MADE_BASE + s.m->used; at += 8) {
			uint64_t type;

			memcpy(&type, s.m->bytes + (at - MADE_BASE) + s.m->o.ob_type, sizeof type);
			if (type != s.m->list)
				continue;
			made_u64(s.m, at + 16, UINT64_MAX);
			made_u64(s.m, at + 24, MADE_BASE + MADE_SIZE - 8);
		}
		assert_true(ask(&s, &thread, 1, 65, 65, &test));
		assert_null(test);
		made_free(s.m);
	}
}

static void finds_one_among_many(void **state)
{
	struct row rows[30];
	char ids[15][16];

	(void)state;
	for (int i = 0; i < 15; i++) {
		snprintf(ids[i], sizeof ids[i], "f.py::t%d", i);
		rows[2 * i] = (struct row){"", ids[i], "setup", i * 20, i * 20 + 4};
		rows[2 * i + 1] = (struct row){"", ids[i], "teardown", i * 20 + 6, i * 20 + 10};
	}
	for (int i = 0; i < 15; i += 7) {
		WANT(rows, NULL, i * 20 + 1, i * 20 + 9, ids[i]);
		WANT(rows, NULL, i * 20 + 12, i * 20 + 13, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_all_phases),
		cmocka_unit_test(says_nothing_between_tests),
		cmocka_unit_test(tells_what_runs),
		cmocka_unit_test(finds_phases_that_failed),
		cmocka_unit_test(takes_a_test_that_is_run_again),
		cmocka_unit_test(doubts_a_clock_that_goes_back),
		cmocka_unit_test(knows_no_times_of_old),
		cmocka_unit_test(takes_the_outermost_loop),
		cmocka_unit_test(survives_torn_lists),
		cmocka_unit_test(finds_one_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
