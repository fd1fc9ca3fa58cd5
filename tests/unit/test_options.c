/* The command line: what it accepts, and the line it answers when it does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <getopt.h>

#include <cmocka.h>

#include "cli/cli.h"

enum { MOST_WORDS = 8 };

/** getopt_long permutes and the options keep pointers into the words, so each parse gets an array that stays. */
static int parse(struct options *o, struct err *err, const char *const *words)
{
	static char *argv[MOST_WORDS + 1];
	int n = 0;

	for (; words[n] && n < MOST_WORDS; n++)
		argv[n] = (char *)(uintptr_t)words[n];
	argv[n] = NULL;
	optind = 0; /* getopt_long(3): begin anew */
	return options_parse(n, argv, o, err);
}
#define PARSE(o, err, ...) parse((o), (err), (const char *const[]){"tracewrap", __VA_ARGS__, NULL})

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {{"0", 0}, {"30", 30 * NS_PER_S}, {"500ms", 500 * NS_PER_MS}, {"1.5s", 1500 * NS_PER_MS}, {"10m", 600 * NS_PER_S},
		    {"2h", 7200 * NS_PER_S}, {"1d", 86400 * NS_PER_S}, {"0.25", 250 * NS_PER_MS}};
	static const char *const bad[] = {"", "abc", "-1", "1x", "s", "1.2345", "1..2", " 1", "1 s", "99999999999999", "9999999999d", "1e3"};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(duration_parse(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(duration_parse(bad[i], &ns), -EINVAL);
}

static void assumptions_are_changed_by_name(void **state)
{
	static const char *const wrong[] = {"fifo", "fifo=", "fifo=x", "nothing=2s", "live=2s", "=2s", "fifo=2s,shm"};
	struct options o;
	struct err err = {0};

	(void)state;
	assert_int_equal(PARSE(&o, &err, "--assume", "fifo=3s,connect=never", "--horizon", "10m", "true"), 0);
	assert_int_equal(o.watch.horizon_ns, 600 * NS_PER_S);
	assert_int_equal(prove_soft(o.watch.assume, ASSUME_NO_FIFO_OPEN | ASSUME_NO_OUTSIDE_CONNECT), ASSUME_NO_OUTSIDE_CONNECT);
	assert_int_equal(prove_patience_ns(o.watch.assume, ASSUME_NO_FIFO_OPEN), 3 * NS_PER_S);
	assert_int_equal(PARSE(&o, &err, "--assume", "listener=2s", "true"), 0);
	assert_int_equal(prove_soft(o.watch.assume, ASSUME_NOBODY_AWAITED), 0);
	assert_int_equal(prove_patience_ns(o.watch.assume, ASSUME_NOBODY_AWAITED), 2 * NS_PER_S);
	assert_int_equal(PARSE(&o, &err, "--assume", "signals=0", "true"), 0); /* two looks it takes at least */
	assert_int_equal(prove_patience_ns(o.watch.assume, ASSUME_NO_OUTSIDE_SIGNAL), 250 * NS_PER_MS);
	assert_int_equal(prove_soft(o.watch.assume, ASSUME_NO_FIFO_OPEN), ASSUME_NO_FIFO_OPEN);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(PARSE(&o, &err, "--assume", wrong[i], "true"), -EINVAL);
}

static void verbose_counts(void **state)
{
	struct options o;
	struct err err = {0};

	(void)state;
	assert_int_equal(PARSE(&o, &err, "true", "-v"), 0);
	assert_int_equal(o.watch.verbosity, SAY_NORMAL);
	assert_int_equal(PARSE(&o, &err, "-v", "true"), 0);
	assert_int_equal(o.watch.verbosity, SAY_MORE);
	assert_int_equal(PARSE(&o, &err, "-vv", "true"), 0);
	assert_int_equal(o.watch.verbosity, SAY_EVENTS);
	assert_int_equal(PARSE(&o, &err, "--verbose", "-v", "-v", "true"), 0);
	assert_int_equal(o.watch.verbosity, SAY_EVENTS);
	assert_int_equal(PARSE(&o, &err, "--events", "/no/such/folder/x", "true"), -EINVAL);
	assert_non_null(strstr(err.text, "--events"));
	assert_int_equal(PARSE(&o, &err, "--events", "/no/such/folder/x", "explain", "file"), 0); /* no run: it is not opened */
	assert_int_equal(o.watch.events_fd, 0);
}

static void options_end_at_the_command(void **state)
{
	struct options o;
	struct err err = {0};

	(void)state;
	assert_int_equal(PARSE(&o, &err, "-q", "pytest", "-v", "--timeout", "3"), 0);
	assert_int_equal(o.watch.verbosity, SAY_HANGS);
	assert_string_equal(o.command[0], "pytest");
	assert_string_equal(o.command[1], "-v");
	assert_int_equal(o.watch.timeout_ns, 0);
	assert_int_equal(PARSE(&o, &err, "--timeout=90", "--", "run"), 0);
	assert_int_equal(o.watch.timeout_ns, 90 * NS_PER_S);
	assert_int_equal(o.watch.horizon_ns, 3600 * NS_PER_S);
	assert_int_equal(PARSE(&o, &err, "--timeout=2h", "run", "explain", "x"), 0);
	assert_int_equal(o.sub, SUB_RUN);
	assert_string_equal(o.command[0], "explain");
	assert_int_equal(o.watch.horizon_ns, 7200 * NS_PER_S);
}

static void options_may_follow_a_subcommand(void **state)
{
	struct options o;
	struct err err = {0};

	(void)state;
	assert_int_equal(PARSE(&o, &err, "explain", "--json", "file"), 0);
	assert_int_equal(o.sub, SUB_EXPLAIN);
	assert_true(o.json);
	assert_string_equal(o.command[0], "file");
	assert_int_equal(PARSE(&o, &err, "-q", "run", "--timeout=90", "--", "run", "-v"), 0);
	assert_int_equal(o.sub, SUB_RUN);
	assert_int_equal(o.watch.timeout_ns, 90 * NS_PER_S);
	assert_int_equal(o.watch.verbosity, SAY_HANGS);
	assert_string_equal(o.command[0], "run");
	assert_string_equal(o.command[1], "-v");
	assert_int_equal(PARSE(&o, &err, "explain", "--help"), 0);
	assert_int_equal(o.sub, SUB_HELP);
}

static void wrong_lines_name_what_is_wrong(void **state)
{
	static const struct {
		const char *words[4], *says;
	} rows[] = {
		{{"--timeout", "abc", "true"}, "--timeout: \"abc\""},
		{{"--grace=-1", "true"}, "--grace: \"-1\""},
		{{"--on-hang", "explode", "true"}, "kill|report"},
		{{"--mode=warp", "true"}, "auto|proc"},
		{{"--nonsense", "true"}, "--nonsense"},
		{{"-Z", "true"}, "-Z"},
		{{"--timeout"}, "needs a value"},
		{{"--quiet=1", "true"}, "--quiet"},
		{{"--report-json", "/nonexistent/folder/x.json", "true"}, "/nonexistent/folder"},
		{{"--report-json", "/", "true"}, "directory"},
		{{"--report", "", "true"}, "--report"},
		{{"-v"}, "no command"},
		{{"--"}, "no command"},
		{{"run"}, "no command"},
		{{"explain"}, "explain takes one file"},
		{{"explain", "a", "b"}, "explain takes one file"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o;
		struct err err = {0};
		const char *words[6] = {"tracewrap"};

		memcpy(words + 1, rows[i].words, sizeof rows[i].words);
		assert_int_equal(parse(&o, &err, words), -EINVAL);
		if (!strstr(err.text, rows[i].says))
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, err.text, rows[i].says);
		assert_null(strchr(err.text, '\n'));
	}
}

static void the_environment_gives_defaults(void **state)
{
	struct options o;
	struct err err = {0};

	(void)state;
	setenv("TRACEWRAP_ON_HANG", "report", 1);
	setenv("TRACEWRAP_GRACE", "7s", 1);
	assert_int_equal(PARSE(&o, &err, "--grace", "1s", "true"), 0);
	assert_int_equal(o.watch.on_hang, ON_HANG_REPORT);
	assert_int_equal(o.watch.grace_ns, NS_PER_S);
	setenv("TRACEWRAP_ON_HANG", "maybe", 1);
	assert_int_equal(PARSE(&o, &err, "true"), -EINVAL);
	assert_non_null(strstr(err.text, "TRACEWRAP_ON_HANG"));
	unsetenv("TRACEWRAP_ON_HANG");
	unsetenv("TRACEWRAP_GRACE");
}

static void help_has_every_option_in_80_columns(void **state)
{
	OWNED_TEXT help = {0};
	size_t column = 0;

	(void)state;
	options_help(&help);
	for (const char *c = text_str(&help); *c; c++) {
		column = *c == '\n' ? 0 : column + 1;
		assert_true(column <= 90);
	}
	assert_non_null(strstr(text_str(&help), "--save-snapshot FILE"));
	assert_non_null(strstr(text_str(&help), "124"));
}

/** `config` shows defaults that the help tells. */
static void defaults_are_those_of_the_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < options_count(); i++) {
		struct option_words row = options_row(i);
		const char *told = strstr(row.help, "Default: ");

		if (!row.value || !told) {
			assert_string_equal(row.usual, "");
			continue;
		}
		if (!*row.usual || strncmp(told + strlen("Default: "), row.usual, strlen(row.usual)) != 0)
			fail_msg("--%s: \"%s\" and \"%s\"", row.name, row.usual, told);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(assumptions_are_changed_by_name),
		cmocka_unit_test(verbose_counts), cmocka_unit_test(options_end_at_the_command), cmocka_unit_test(options_may_follow_a_subcommand),
		cmocka_unit_test(wrong_lines_name_what_is_wrong),
		cmocka_unit_test(the_environment_gives_defaults),
		cmocka_unit_test(defaults_are_those_of_the_help), cmocka_unit_test(help_has_every_option_in_80_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
