/* From the words behind `test` to the command, and from what pytest told to what is said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "intent/intent.h"

static const char *const files[] = {
	"conftest.py", "pkg/__init__.py", "pkg/_context.py", "pkg/ipc/_chan.py", "tests/conftest.py", "tests/devx/test_debugger.py", "tests/devx/test_same.py",
	"tests/discovery/test_registrar.py", "tests/ipc/test_chan.py", "tests/ipc/test_same.py", "tests/test_local.py", "tests/test_spawning.py",
};
static const char *const paths[] = {"tests"};

struct scene {
	struct config *config;
	struct arena *arena;
	struct intent_place place;
};

static void open_scene(struct scene *s)
{
	static const char json[] = "{\"test\": {\"sets\": {\"core\": [\"test_local.py\", \"test_spawning\"], \"self\": [\"@self\"], \"gone\": [\"test_gone.py\"]}},"
				   "\"flaky\": [{\"test\": \"test_local.py::test_slow\", \"error\": \"TooSlow\", \"note\": \"race\"}, {\"test\": \"test_no.py::test_no\"}],"
				   "\"affected\": {\"pkg/ipc/**\": [\"tests/ipc/\", \"test_local\"], \"pkg/{_context,_x}.py\": [\"test_spawning.py\"], \"nowhere/*\": [\"tests/\"]}}";
	struct config_source from = {.file = "t.json", .text = json, .whole = true, .json = json, .len = sizeof json - 1};
	struct err err = {0};

	*s = (struct scene){.config = config_new(), .arena = arena_new()};
	assert_int_equal(config_add(s->config, &from, NULL, 0, &err), 0);
	s->place = (struct intent_place){files, ARRAY_SIZE(files), paths, 1, "", s->config};
}

static void close_scene(struct scene *s)
{
	config_free(s->config);
	arena_free(s->arena);
}

static const char *joined(struct scene *s, const words_vec *words)
{
	OWNED_TEXT t = {0};

	for (size_t i = 0; i < words->n; i++)
		text_addf(&t, "%s%s", i ? " " : "", words->at[i]);
	return arena_strdup(s->arena, text_str(&t));
}

static void targets(void **state)
{
	static const struct {
		const char *word, *below, *right; /* RIGHT, or what is told */
	} rows[] = {
		{"test_local.py", "", "tests/test_local.py"},
		{"test_local", "", "tests/test_local.py"},
		{"tests/test_local.py", "", "tests/test_local.py"},
		{"./tests/test_local.py", "", "tests/test_local.py"},
		{"test_registrar", "", "tests/discovery/test_registrar.py"},
		{"discovery/test_registrar.py", "", "tests/discovery/test_registrar.py"},
		{"ipc/", "", "tests/ipc/"},
		{"ipc", "", "tests/ipc/"},
		{"tests/ipc/", "", "tests/ipc/"},
		{"tests", "", "tests/"},
		{".", "", "."},
		{"test_local.py::test_x[a-b]", "", "tests/test_local.py::test_x[a-b]"},
		{"test_registrar::test_x", "", "tests/discovery/test_registrar.py::test_x"},
		{"test_*spawn*", "", "tests/test_spawning.py"},
		{"tests/**/test_*ch*.py", "", "tests/ipc/test_chan.py"},
		{"**/test_same.py", "", "tests/devx/test_same.py tests/ipc/test_same.py"},
		{"test_same.py", "tests/ipc/", "tests/ipc/test_same.py"},
		{"@core", "", "tests/test_local.py tests/test_spawning.py"},
		{"test_same.py", "", "\"test_same.py\" may be tests/devx/test_same.py, tests/ipc/test_same.py; name one of them"},
		{"test_lokal.py", "", "\"test_lokal.py\" names no test; the nearest: tests/test_local.py"},
		{"registrar", "", "the nearest: tests/discovery/test_registrar.py"},
		{"test_nothing_like_it_anywhere", "", "names no test below tests"},
		{"test_*none*", "", "names no test"},
		{"::test_x", "", "is no target"},
		{"@quick", "", "there is no set \"@quick\"; known: @core"},
		{"@self", "", "holds itself"},
		{"@gone", "", "t.json:1: @gone: test: \"test_gone.py\" names no test"},
		{"core", "", "did you mean @core?"},
	};
	struct scene s;

	(void)state;
	open_scene(&s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		words_vec found = {0};
		struct err err = {0};
		int rc;

		s.place.below = rows[i].below;
		rc = intent_resolve(&s.place, rows[i].word, s.arena, &found, &err);
		if (rc == 0 ? strcmp(joined(&s, &found), rows[i].right) != 0 : !strstr(err.text, rows[i].right))
			fail_msg("%s: %s", rows[i].word, rc ? err.text : joined(&s, &found));
		vec_free(&found);
	}
	close_scene(&s);
}

/* ---- words ---- */

struct heard {
	struct scene *scene;
	struct text options;
};

static enum intent_arity arity(void *data, const char *name)
{
	(void)data;
	return strcmp(name, "grace") == 0 ? ARITY_VALUE : strcmp(name, "json") == 0 ? ARITY_SWITCH : strcmp(name, "changed") == 0 ? ARITY_OPTIONAL : ARITY_NOT_OURS;
}

static int option(void *data, const char *name, const char *value, struct err *err)
{
	struct heard *h = data;

	(void)err;
	text_addf(&h->options, "%s%s%s;", name, value ? "=" : "", value ? value : "");
	return 0;
}

static bool is_target(void *data, const char *word)
{
	struct heard *h = data;
	words_vec found = {0};
	bool is = intent_resolve(&h->scene->place, word, h->scene->arena, &found, NULL) == 0;

	vec_free(&found);
	return is;
}

static void words(void **state)
{
	static const struct {
		const char *in[10];
		const char *options, *targets, *pytest; /* PYTEST, or what is told, with OPTIONS NULL */
	} rows[] = {
		{{"test_local.py"}, "", "test_local.py", ""},
		{{"test_registrar", "-v"}, "", "test_registrar", "-v"},
		{{"-v", "test_registrar"}, "", "test_registrar", "-v"},
		{{"-k", "cancel"}, "", "", "-k cancel"},
		{{"-kcancel", "ipc"}, "", "ipc", "-kcancel"},
		{{"-xvs", "ipc"}, "", "ipc", "-xvs"},
		{{"tests/ipc/", "--tpt-proto", "uds"}, "", "tests/ipc/", "--tpt-proto uds"},
		{{"--ll", "debug", "--tpdb", "-s", "ipc"}, "", "ipc", "--ll debug --tpdb -s"},
		{{"--spawn-backend=mp_spawn", "ipc"}, "", "ipc", "--spawn-backend=mp_spawn"},
		{{"--of-a-plugin", "value", "ipc"}, "", "ipc", "--of-a-plugin value"},
		{{"--of-a-plugin", "test_local.py"}, NULL, "", "is \"test_local.py\" the value of --of-a-plugin, or a target?"},
		{{"--grace", "2s", "ipc", "--json"}, "grace=2s;json;", "ipc", ""},
		{{"--grace=2s"}, "grace=2s;", "", ""},
		{{"--changed"}, "changed;", "", ""},
		{{"--changed", "main"}, "changed=main;", "", ""},
		{{"--changed", "ipc"}, "changed;", "ipc", ""},
		{{"--changed=main", "@core"}, "changed=main;", "@core", ""},
		{{"ipc", "--", "--json", "test_local.py"}, "json-not;", "ipc", "--json test_local.py"},
		{{"--grace"}, NULL, "", "option \"--grace\" needs a value"},
		{{"--json=1"}, NULL, "", "option \"--json\" takes no value"},
		{{"-h"}, "help;", "", ""},
	};
	struct scene s;

	(void)state;
	open_scene(&s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct heard h = {.scene = &s};
		struct intent_reader reader = {&h, arity, option, is_target};
		struct intent_words out = {0};
		struct err err = {0};
		int rc = intent_read((char **)(uintptr_t)rows[i].in, &reader, &out, &err);
		const char *right = rows[i].options && strcmp(rows[i].options, "json-not;") == 0 ? "" : rows[i].options;

		if (!right) {
			assert_int_equal(rc, -EINVAL);
			if (!strstr(err.text, rows[i].pytest))
				fail_msg("%s", err.text);
		} else {
			assert_int_equal(rc, 0);
			assert_string_equal(text_str(&h.options), right);
			assert_string_equal(joined(&s, &out.targets), rows[i].targets);
			assert_string_equal(joined(&s, &out.pytest), rows[i].pytest);
		}
		text_free(&h.options);
		intent_words_free(&out);
	}
	close_scene(&s);
}

/* ---- the command ---- */

static void commands(void **state)
{
	static const struct {
		const char *targets[3], *pytest[4], *right;
		bool whole, interactive;
	} rows[] = {
		{{NULL}, {NULL}, "py -m pytest tests -x --tb=short --no-header", true, false},
		{{"tests/"}, {NULL}, "py -m pytest tests/ -x --tb=short --no-header", true, false},
		{{"tests/a.py"}, {"-k", "a and not b"}, "py -m pytest tests/a.py -x --tb=short --no-header -k 'a and not b'", false, false},
		{{NULL}, {"--lf"}, "py -m pytest -x --tb=short --no-header --lf", true, false},
		{{NULL}, {"--tb=long", "--maxfail=3"}, "py -m pytest tests --no-header --tb=long --maxfail=3", true, false},
		{{NULL}, {"--tb", "long"}, "py -m pytest tests -x --no-header --tb long", true, false},
		{{"tests/a.py"}, {"-xvs"}, "py -m pytest tests/a.py --tb=short --no-header -xvs", false, true},
		{{"tests/a.py"}, {"--tpdb"}, "py -m pytest tests/a.py -x --tb=short --no-header --tpdb", false, true},
		{{"tests/a.py"}, {"--capture=no"}, "py -m pytest tests/a.py -x --tb=short --no-header --capture=no", false, true},
		{{"tests/a.py"}, {"-n", "4"}, "py -m pytest tests/a.py -x --tb=short --no-header -n 4", false, false},
	};
	static const char *const python[] = {"py", NULL};
	struct scene s;

	(void)state;
	open_scene(&s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		words_vec in = {0}, more = {0}, out = {0};
		OWNED_TEXT quoted = {0};

		for (size_t k = 0; rows[i].targets[k]; k++)
			vec_push(&in, rows[i].targets[k]);
		for (size_t k = 0; k < 4 && rows[i].pytest[k]; k++)
			vec_push(&more, rows[i].pytest[k]);
		intent_command(&s.place, python, &in, &more, &out);
		intent_quote(out.at, out.n, &quoted);
		assert_string_equal(text_str(&quoted), rows[i].right);
		assert_int_equal(intent_is_whole(&s.place, &in), rows[i].whole);
		assert_int_equal(intent_is_interactive(&more), rows[i].interactive);
		vec_free(&in);
		vec_free(&more);
		vec_free(&out);
	}
	close_scene(&s);
}

static void quoting(void **state)
{
	static const char *const in[] = {"a b", "it's", "", "$HOME", "test_x.py::t[a-b]", "plain"};
	OWNED_TEXT out = {0};

	(void)state;
	intent_quote(in, ARRAY_SIZE(in), &out);
	assert_string_equal(text_str(&out), "'a b' 'it'\\''s' '' '$HOME' 'test_x.py::t[a-b]' plain");
}

static void affected(void **state)
{
	static const char *const changed[] = {"pkg/ipc/_chan.py", "pkg/_context.py", "tests/ipc/test_chan.py", "tests/test_gone.py", "pkg/other.py", "README.md"};
	static const char *const all[] = {"tests/conftest.py"};
	words_vec found = {0}, unmatched = {0};
	struct err err = {0};
	struct scene s;

	(void)state;
	open_scene(&s);
	assert_int_equal(intent_affected(&s.place, changed, ARRAY_SIZE(changed), s.arena, &found, &unmatched, &err), 0);
	assert_string_equal(joined(&s, &found), "tests/ipc/ tests/test_local.py tests/test_spawning.py");
	assert_string_equal(joined(&s, &unmatched), "pkg/other.py");
	found.n = 0;
	assert_int_equal(intent_affected(&s.place, all, 1, s.arena, &found, &unmatched, &err), 0);
	assert_string_equal(joined(&s, &found), "tests/");
	vec_free(&found);
	vec_free(&unmatched);
	close_scene(&s);
}

static const char *source(void *data, const char *path)
{
	(void)data;
	return strcmp(path, "tests/test_local.py") == 0 ? "import x\ndef test_slow(a):\n" : "";
}

static void rot(void **state)
{
	words_vec found = {0};
	struct scene s;

	(void)state;
	open_scene(&s);
	intent_rot(&s.place, s.arena, source, NULL, &found);
	assert_int_equal(found.n, 4);
	assert_non_null(strstr(found.at[0], "set @self"));
	assert_non_null(strstr(found.at[1], "set @gone: \"test_gone.py\" names no test"));
	assert_string_equal(found.at[2], "t.json:1: flaky: there is no test \"test_no.py::test_no\"");
	assert_string_equal(found.at[3], "t.json:1: affected: \"nowhere/*\" matches no file");
	vec_free(&found);
	close_scene(&s);
}

/* ---- outcomes ---- */

#define REPORT(id, when, outcome) "{\"event\": \"report\", \"id\": \"" id "\", \"when\": \"" when "\", \"outcome\": \"" outcome "\", \"seconds\": 0.5, \"xfail\": false"
static const char told[] =
	"{\"event\": \"begin\"}\n{\"event\": \"collected\", \"n\": 9}\n"
	"{\"event\": \"start\", \"id\": \"tests/a.py::ok\"}\n" REPORT("tests/a.py::ok", "setup", "passed") "}\n" REPORT("tests/a.py::ok", "call", "passed") "}\n"
	REPORT("tests/a.py::ok", "teardown", "passed") "}\n"
	REPORT("tests/a.py::bad", "call", "failed") ", \"file\": \"tests/a.py\", \"line\": 7, \"message\": \"assert 1 == 2\", \"text\": \"E  assert\"}\n"
	REPORT("tests/test_local.py::test_slow", "call", "failed") ", \"file\": \"x\", \"line\": 1, \"message\": \"TooSlowError\", \"text\": \"E  TooSlowError\"}\n"
	REPORT("tests/a.py::fix", "call", "passed") "}\n" REPORT("tests/a.py::fix", "teardown", "failed") ", \"message\": \"in teardown\"}\n"
	REPORT("tests/a.py::skip", "setup", "skipped") "}\n"
	"{\"event\": \"start\", \"id\": \"tests/a.py::hangs\"}\n"
	"{\"event\": \"report\", \"id\": \"cut of";

static void outcomes(void **state)
{
	static const char report[] = "{\"schema\": \"tracewrap-report/1\", \"outcome\": \"hang\", \"findings\": [{\"kind\": \"pipe-full\", \"certainty\": \"proven\","
				     "\"test\": \"tests/a.py::hangs\", \"phase\": \"call\", \"summary\": \"s\", \"advice\": \"a\"},"
				     "{\"kind\": \"leaked-process\", \"certainty\": \"proven\", \"test\": \"tests/a.py::ok\"}]}";
	struct outcomes *o = outcomes_new();
	struct outcome_end end = {.code = 124, .report = "r.json", .command = "c"};
	struct outcome_counts n;
	OWNED_TEXT next = {0};
	OWNED_TEXT json = {0};
	OWNED_TEXT screen = {0};
	struct scene s;

	(void)state;
	open_scene(&s);
	outcomes_read(o, told, sizeof told - 1, s.config);
	assert_true(o->begun);
	assert_false(o->ended);
	assert_true(outcomes_read_report(o, report, sizeof report - 1, s.config));
	outcomes_count(o, &n);
	assert_int_equal(n.passed, 1);
	assert_int_equal(n.failed, 2);
	assert_int_equal(n.errors, 1);
	assert_int_equal(n.skipped, 1);
	assert_int_equal(n.hung, 1);
	assert_int_equal(n.not_run, 3);
	outcomes_next(o, &end, &next);
	assert_string_equal(text_str(&next), "see in r.json why tests/a.py::hangs hangs (pipe-full), change that, then: tracewrap test --lf");
	outcomes_json(o, &end, &json);
	assert_int_equal(strncmp(text_str(&json), "{\n\t\"next\":", 10), 0);
	outcomes_screen(o, &end, &screen);
	assert_non_null(strstr(text_str(&screen), "2 failed, 1 error, 1 hung, 1 passed, 1 skipped, 3 not run"));
	assert_non_null(strstr(text_str(&screen), "flaky    tests/test_local.py::test_slow\n"));
	assert_non_null(strstr(text_str(&screen), "known to come and go (t.json:1): race"));
	assert_non_null(strstr(text_str(&screen), "hung     tests/a.py::hangs (call): pipe-full, proven"));
	assert_non_null(strstr(text_str(&screen), "tests/a.py:7: assert 1 == 2"));
	outcomes_free(o);
	close_scene(&s);
}

static void next_words(void **state)
{
	static const struct {
		const char *lines;
		struct outcome_end end;
		const char *right;
	} rows[] = {
		{"", {.code = 0}, "nothing to do"},
		{"", {.code = 5}, "no test was selected: name other targets, or another -k"},
		{"", {.code = 4, .log = "l"}, "pytest did not accept its command line, or found no such test: see l"},
		{"", {.code = 3}, "the command ended with 3, without a failing test: see its output above"},
		{"", {.code = 2, .interrupted = true}, "the run was interrupted: start it again"},
		{"", {.code = 124, .time_over = true, .timeout_s = 120, .report = "r"},
		 "see in r what it did when the 120 s were over, or give it more: --timeout"},
		{REPORT("t.py::a", "call", "failed") ", \"file\": \"t.py\", \"line\": 3, \"message\": \"assert 0\\nmore\"}\n", {.code = 1},
		 "fix t.py:3 (assert 0), then: tracewrap test --lf"},
		{REPORT("tests/test_local.py::test_slow", "call", "failed") ", \"message\": \"TooSlow\"}\n", {.code = 1},
		 "nothing to fix: the only failure is known to come and go; once more: tracewrap test --lf"},
		{"{\"event\": \"collect\", \"id\": \"t.py\", \"file\": \"t.py\", \"line\": 1, \"message\": \"no module\"}\n", {.code = 2},
		 "fix t.py:1, which can't be collected (no module), then: tracewrap test"},
	};
	struct scene s;

	(void)state;
	open_scene(&s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outcomes *o = outcomes_new();
		OWNED_TEXT next = {0};

		outcomes_read(o, rows[i].lines, strlen(rows[i].lines), s.config);
		outcomes_next(o, &rows[i].end, &next);
		assert_string_equal(text_str(&next), rows[i].right);
		outcomes_free(o);
	}
	close_scene(&s);
}

static bool exists(void *data, const char *path)
{
	(void)data;
	return strcmp(path, "tests/gone.py") != 0;
}

static void last(void **state)
{
	static const char json[] = "{\"tests/b.py::t[a::b]\": true, \"tests/a.py\": true, \"tests/gone.py::t\": true, \"/usr/lib/x.py::t\": true, \"../x.py::t\": true,"
				   "\"\": true, \"tests/test_local.py::test_slow\": true}";
	last_vec all = {0};
	struct err err = {0};
	struct scene s;

	(void)state;
	open_scene(&s);
	assert_int_equal(last_read(json, sizeof json - 1, s.config, exists, NULL, s.arena, &all, &err), 0);
	assert_int_equal(all.n, 3);
	assert_string_equal(all.at[0].id, "tests/a.py");
	assert_string_equal(all.at[1].id, "tests/b.py::t[a::b]");
	assert_non_null(all.at[2].flaky);
	last_add_hung("tests/a.py", s.config, s.arena, &all);
	last_add_hung("tests/c.py::t", s.config, s.arena, &all);
	assert_int_equal(all.n, 4);
	assert_true(all.at[0].hung && all.at[3].hung);
	assert_int_equal(last_read(json, 30, s.config, exists, NULL, s.arena, &all, &err), -EINVAL);
	vec_free(&all);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),  cmocka_unit_test(words), cmocka_unit_test(commands),   cmocka_unit_test(quoting), cmocka_unit_test(affected),
		cmocka_unit_test(rot),      cmocka_unit_test(outcomes), cmocka_unit_test(next_words), cmocka_unit_test(last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
