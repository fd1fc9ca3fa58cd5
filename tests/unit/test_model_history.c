/* Labels of processes, the vocabulary, and the history of processes. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

static const struct {
	const char *argv[6], *label;
} labels[] = {
	{{"/usr/bin/python3", "/x/bin/pytest", "tests/"}, "pytest"},
	{{"python", "-m", "pytest", "-v"}, "pytest"},
	{{"python3.11", "-mpytest"}, "pytest"},
	{{"python3", "-Im", "pytest"}, "pytest"},
	{{"python3", "-X", "dev", "-W", "error", "convert.py"}, "convert.py"},
	{{"python3", "-Xdev", "-u", "./tools/convert.py", "-m"}, "convert.py"},
	{{"python3", "--check-hash-based-pycs", "always", "a.py"}, "a.py"},
	{{"python3", "-m", "tractor._child"}, "tractor._child"},
	{{"python3", "-c", "import time", "x.py"}, "comm"},
	{{"python3", "-uc", "import time"}, "comm"},
	{{"/usr/bin/python3", "-c", "from multiprocessing.spawn import spawn_main; spawn_main()"}, "comm"},
	{{"python3", "-", "x.py"}, "comm"},
	{{"python3"}, "comm"},
	{{"python3", "-m"}, "comm"},
	{{"python3-config", "x.py"}, "comm"},
	{{"pypy3", "a.py"}, "a.py"},
	{{"python3", "/srv/tool/__main__.py"}, "tool"},
	{{"python3", "/srv/tool/"}, "tool"},
	{{"python3", "__main__.py"}, "__main__.py"},
	{{"/bin/sh", "./run.sh", "x"}, "run.sh"},
	{{"bash", "-e", "-o", "pipefail", "ci/build"}, "build"},
	{{"bash", "--rcfile", "rc", "a.sh"}, "a.sh"},
	{{"sh", "-c", "sleep 5; x"}, "comm"},
	{{"bash", "-ec", "sleep 5"}, "comm"},
	{{"-bash"}, "comm"},
	{{"/usr/bin/cat", "a.py"}, "comm"},
	{{NULL}, "comm"},
};

static void labels_name_what_runs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		char *argv[7] = {NULL}, buf[64];
		struct process p = {.comm = "comm", .argv = argv};

		for (size_t k = 0; k < 6 && labels[i].argv[k]; k++)
			argv[k] = strdup(labels[i].argv[k]);
		process_label(&p, buf, sizeof buf);
		if (strcmp(buf, labels[i].label) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, buf, labels[i].label);
		for (size_t k = 0; k < 6; k++)
			free(argv[k]);
	}
}

static void labels_are_cut_and_never_empty(void **state)
{
	char buf[5];
	struct process p = {.comm = "a-long-name"};

	(void)state;
	process_label(&p, buf, sizeof buf);
	assert_string_equal(buf, "a-lo");
	p.comm = NULL;
	process_label(&p, buf, sizeof buf);
	assert_string_equal(buf, "?");
}

static void names_are_those_of_the_reports(void **state)
{
	(void)state;
	assert_string_equal(finding_kind_name(FINDING_PIPE_FULL), "pipe-full");
	assert_string_equal(finding_kind_name(FINDING_CHILD_WAIT), "child-wait");
	assert_string_equal(finding_kind_name(FINDING_STALL), "stall");
	assert_string_equal(role_name(ROLE_LOOP_SOCKET), "loop+socket");
	assert_string_equal(object_kind_name(OBJECT_PIPE), "pipe");
	assert_string_equal(role_name(ROLE_COUNT), "?");
	for (int i = 0; i < ROLE_COUNT; i++)
		assert_true(strlen(role_name((enum role)i)) > 1);
	for (int i = 0; i <= OBJECT_OTHER; i++)
		assert_true(strlen(object_kind_name((enum object_kind)i)) > 2);
}

static void history_keeps_rows_apart(void **state)
{
	struct history *h = history_new(10);
	struct process_row *row;
	bool is_new;

	(void)state;
	row = history_row(h, 7, 100, 0, 0, &is_new);
	assert_true(is_new);
	assert_int_equal(row->ended_ns, NEVER_NS);
	row->started_ns = 5;
	row->cmdline = mem_alloc(3);
	assert_ptr_equal(history_row(h, 7, 100, 0, 0, &is_new), row);
	assert_false(is_new);
	assert_ptr_equal(history_living(h, 7), row);

	history_exited(h, 7, 9, EXIT_SIGNAL, 15, FROM_SAMPLER);
	assert_null(history_living(h, 7));
	assert_ptr_equal(history_row(h, 7, 100, 0, 0, &is_new), row); /* the same one, even after its end */
	assert_false(is_new);
	assert_int_equal(row->exit_value, 15);
	history_exited(h, 7, 11, EXIT_CODE, 0, FROM_SAMPLER); /* ended already: nothing changes */
	assert_int_equal(row->ended_ns, 9);

	row = history_row(h, 7, 200, 0, 0, &is_new); /* the pid was used again */
	assert_true(is_new);
	assert_int_equal(history_count(h), 2);
	assert_ptr_equal(history_living(h, 7), row);
	history_row(h, 7, 300, 0, 0, &is_new); /* and again, before the end of the second was seen */
	assert_int_equal(history_count(h), 3);
	assert_int_equal(history_at(h, 1)->exit, EXIT_UNKNOWN);
	assert_int_not_equal(history_at(h, 1)->ended_ns, NEVER_NS);
	history_free(h);
	history_free(NULL);
}

static void history_drops_the_oldest_ended(void **state)
{
	struct history *h = history_new(16);
	bool is_new;

	(void)state;
	history_row(h, 1, 1, 0, 0, &is_new); /* lives on */
	for (pid_t pid = 2; pid < 2002; pid++) {
		history_row(h, pid, 5, 0, 0, &is_new);
		history_exited(h, pid, pid, EXIT_CODE, 0, FROM_SAMPLER);
		assert_true(history_count(h) <= 1 + 16);
	}
	assert_non_null(history_living(h, 1));
	assert_int_equal(history_count(h) + history_dropped(h), 2001);
	assert_true(history_count(h) >= 1 + 14);
	assert_int_equal(history_at(h, history_count(h) - 1)->pid, 2001);
	history_row(h, 2001, 5, 0, 0, &is_new);
	assert_false(is_new);
	history_row(h, 5, 5, 0, 0, &is_new);
	assert_true(is_new);
	history_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_name_what_runs),	 cmocka_unit_test(labels_are_cut_and_never_empty),
		cmocka_unit_test(names_are_those_of_the_reports), cmocka_unit_test(history_keeps_rows_apart),
		cmocka_unit_test(history_drops_the_oldest_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
