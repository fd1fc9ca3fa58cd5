/* Settings: what a table may say, the line that answers when it may not, globs, and what a failure is known for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

static const struct config_option options[] = {{"grace", true}, {"timeout", true}, {"worker", false}, {"ports", true}};

static int add(struct config *c, const char *file, const char *json, struct err *err)
{
	struct config_source from = {.file = file, .text = json, .whole = true, .json = json, .len = strlen(json)};

	return config_add(c, &from, options, ARRAY_SIZE(options), err);
}

static void good(void **state)
{
	struct config *c = config_new();
	struct err err = {0};
	const struct config_entry *e;

	(void)state;
	assert_int_equal(add(c, "tracewrap.json",
			     "{\"grace\": \"2s\",\n \"timeout\": 30,\n \"worker\": true,\n \"ports\": [\"1616\", \"1617\"],\n"
			     " \"test\": {\"args\": [\"-x\"], \"paths\": \"tests\", \"timeout\": {\"file\": \"9s\"},\n  \"sets\": {\"core\": [\"a\", \"b\"]}},\n"
			     " \"flaky\": [{\"test\": \"test_x.py::test_y\", \"error\": \"TooSlow\", \"note\": \"race\"}],\n"
			     " \"affected\": {\"src/**\": [\"tests/\"]}}", &err), 0);
	assert_string_equal(config_text(c, "grace"), "2s");
	assert_string_equal(config_text(c, "timeout"), "30");
	assert_string_equal(config_text(c, "worker"), "1");
	assert_string_equal(config_text(c, "test.paths"), "tests");
	assert_string_equal(config_text(c, "test.timeout.file"), "9s");
	assert_null(config_text(c, "test.timeout.all"));
	e = config_find(c, "test.sets.core");
	assert_int_equal(e->n, 2);
	assert_string_equal(e->items[1], "b");
	assert_int_equal(config_find(c, "ports")->n, 2);
	assert_int_equal(config_find(c, "timeout")->line, 2);
	assert_int_equal(e->line, 6);
	assert_int_equal(c->flaky.n, 1);
	assert_string_equal(c->affected.at[0].targets[0], "tests/");
	config_free(c);
}

static void bad(void **state)
{
	static const struct {
		const char *json, *told;
	} rows[] = {
		{"{\n\"grase\": 1}", "t.json:2: unknown key \"grase\"; the nearest known one is \"grace\""},
		{"{\"grace\": true}", "t.json:1: \"grace\" is to be a string or a number"},
		{"{\"grace\": [1]}", "\"grace\" is to be a string or a number"},
		{"{\"worker\": \"yes\"}", "\"worker\" is to be true or false"},
		{"{\"test\": 1}", "\"test\" is to be a table"},
		{"{\"test\":\n {\"argz\": []}}", "t.json:2: unknown key \"argz\"; the nearest known one is \"args\""},
		{"{\"test\": {\"timeout\": {\"al\": 1}}}", "unknown key \"al\"; the nearest known one is \"all\""},
		{"{\"test\": {\"sets\": []}}", "\"sets\" is to be a table of lists"},
		{"{\"test\": {\"args\": [{}]}}", "\"args\" is to be a list of strings"},
		{"{\"flaky\": {}}", "\"flaky\" is to be an array of tables"},
		{"{\"flaky\": [{\"error\": \"x\"}]}", "this one has no test"},
		{"{\"flaky\": [{\"test\": 3}]}", "\"test\" is to be a string"},
		{"{\"flaky\": [{\"test\": \"a\", \"errors\": \"x\"}]}", "unknown key \"errors\"; the nearest known one is \"error\""},
		{"{\"affected\": []}", "\"affected\" is to be a table of lists"},
		{"{\"affected\": {\"a\": {}}}", "\"a\" is to be a list of strings"},
		{"{\"completely different\": 1}", "unknown key \"completely different\"; see tracewrap config"},
		{"[]", "the settings are to be a table"},
		{"{\n\n\"grace\": ", "t.json:3: this is no JSON"},
		{"", "t.json:1: this is no JSON"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config *c = config_new();
		struct err err = {0};

		assert_int_equal(add(c, "t.json", rows[i].json, &err), -EINVAL);
		if (!strstr(err.text, rows[i].told))
			fail_msg("%s: told \"%s\"", rows[i].told, err.text);
		assert_null(strchr(err.text, '\n'));
		config_free(c);
	}
}

static void two_files(void **state)
{
	struct config *c = config_new();
	struct err err = {0};

	(void)state;
	assert_int_equal(add(c, "a.json", "{\"grace\": \"2s\", \"flaky\": [{\"test\": \"a\"}]}", &err), 0);
	assert_int_equal(add(c, "b.json", "{\"grace\": \"2s\", \"timeout\": 1, \"flaky\": [{\"test\": \"b\"}]}", &err), 0);
	assert_int_equal(c->flaky.n, 2);
	assert_int_equal(add(c, "c.json", "{\n\"grace\": \"3s\"}", &err), -EINVAL);
	assert_string_equal(err.text, "c.json:2: grace = 3s, but a.json:1 has 2s; keep one of them");
	config_free(c);
}

static void lines_of_toml(void **state)
{
	static const char text[] = "[project]\nname = \"x\"\ngrace = 1\n\n[tool.tracewrap]\ngrace = \"2s\"\n"
				   "[tool.tracewrap.test]\nargs = []\ntimeout = { all = 1,\n  file = 2 }\n"
				   "[tool.tracewrap.test.sets]\ncore = []\n[[tool.tracewrap.flaky]]\ntest = \"a\"\n[[tool.tracewrap.flaky]]\ntset = \"b\"\n"
				   "[tool.tracewrap.affected]\n\"src/**\" = []\n[tool.other]\ngrace = 3\n";
	struct config_source from = {.file = "p", .text = text, .toml = true};
	static const struct {
		const char *section, *key;
		size_t nth;
		unsigned line;
	} rows[] = {{"", "grace", 0, 6}, {"test", "args", 0, 8}, {"test.timeout", "file", 0, 10}, {"test.sets", "core", 0, 12}, {"flaky", "", 0, 13},
		    {"flaky", "", 1, 15}, {"flaky", "tset", 1, 16}, {"affected", "src/**", 0, 18}, {"", "test", 0, 7}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(config_line(&from, rows[i].section, rows[i].key, rows[i].nth), rows[i].line);
}

static void globs(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool is;
	} rows[] = {
		{"a/b.py", "a/b.py", true},           {"a/*.py", "a/b.py", true},
		{"a/*.py", "a/b/c.py", false},        {"a/**", "a/b/c.py", true},
		{"a/**", "ab/c.py", false},           {"**/c.py", "c.py", true},
		{"**/c.py", "a/b/c.py", true},        {"**/c.py", "a/bc.py", false},
		{"a/**/c.py", "a/c.py", true},        {"a/**/c.py", "a/x/y/c.py", true},
		{"a/{_x,_y}.py", "a/_x.py", true},    {"a/{_x,_y}.py", "a/_y.py", true},
		{"a/{_x,_y}.py", "a/_z.py", false},   {"{a,b/{c,d}}/*", "b/d/e", true},
		{"{a,b/{c,d}}/*", "b/e/e", false},    {"{,x}a", "a", true},
		{"a/{b", "a/{b", true},               {"?.py", "a.py", true},
		{"a?b", "a/b", false},                {"[a-c].py", "b.py", true},
		{"[!a-c].py", "b.py", false},         {"[!a-c].py", "d.py", true},
		{"a[b", "a[b", true},                 {"\\*", "*", true},
		{"\\*", "a", false},                  {"*", "", true},
		{"", "", true},                       {"", "a", false},
		{"**", "a/b/c", true},
	};
	OWNED_TEXT stars = {0};
	OWNED_TEXT path = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (config_glob(rows[i].pattern, rows[i].path) != rows[i].is)
			fail_msg("%s and %s", rows[i].pattern, rows[i].path);
	for (int i = 0; i < 40; i++)
		text_add(&stars, "*a");
	text_add(&stars, "b");
	text_addc(&path, 'a', 200);
	assert_false(config_glob(text_str(&stars), text_str(&path))); /* and that it comes back */
}

static void near(void **state)
{
	static const char *const words[] = {"grace", "timeout", "leaks"};

	(void)state;
	assert_string_equal(config_nearest("gracce", words, 3), "grace");
	assert_string_equal(config_nearest("time-out", words, 3), "timeout");
	assert_null(config_nearest("report", words, 3));
	assert_int_equal(config_distance("kitten", "sitting"), 3);
	assert_int_equal(config_distance("", "abc"), 3);
}

static void flaky(void **state)
{
	struct config *c = config_new();
	struct err err = {0};

	(void)state;
	assert_int_equal(add(c, "f", "{\"flaky\": [{\"test\": \"test_x.py::test_y\", \"error\": \"TooSlow\"}, {\"test\": \"test_z[a.py]\"}]}", &err), 0);
	assert_non_null(config_flaky_of(c, "tests/test_x.py::test_y", "trio.TooSlowError"));
	assert_non_null(config_flaky_of(c, "tests/test_x.py::test_y[uds]", "trio.TooSlowError"));
	assert_non_null(config_flaky_of(c, "tests/test_x.py::test_y", NULL));
	assert_null(config_flaky_of(c, "tests/test_x.py::test_y", "AssertionError"));
	assert_null(config_flaky_of(c, "tests/ytest_x.py::test_y", "TooSlow"));
	assert_null(config_flaky_of(c, "tests/test_x.py::test_yy", "TooSlow"));
	assert_non_null(config_flaky_of(c, "tests/test_w.py::test_z[a.py]", "whatever"));
	assert_null(config_flaky_of(c, "tests/test_w.py::test_z[b.py]", "whatever"));
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(bad),  cmocka_unit_test(two_files), cmocka_unit_test(lines_of_toml),
		cmocka_unit_test(globs), cmocka_unit_test(near), cmocka_unit_test(flaky),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
