/* The ladder is walked in microseconds; the deeds are done to real processes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "act/act.h"

#define S  NS_PER_S
#define T0 (100 * S)

/* ---- the ladder ---- */

static void gentle_wait_kill_done(void **state)
{
	struct ladder l;

	(void)state;
	ladder_begin(&l, T0, 3 * S);
	assert_int_equal(ladder_next(&l, T0, 4, false), LADDER_GENTLE);
	assert_int_equal(ladder_next(&l, T0 + 1, 4, false), LADDER_WAIT);
	assert_int_equal(ladder_next(&l, T0 + 3 * S - 1, 4, false), LADDER_WAIT);
	assert_int_equal(ladder_next(&l, T0 + 3 * S, 4, false), LADDER_KILL);
	assert_int_equal(ladder_next(&l, T0 + 3 * S + 1, 2, false), LADDER_KILL);
	assert_int_equal(ladder_next(&l, T0 + 3 * S + 2, 0, false), LADDER_END);
	assert_int_equal(ladder_next(&l, T0 + 3 * S + 3, 0, false), LADDER_END);
}

static void all_gone_ends_at_once(void **state)
{
	struct ladder l;

	(void)state;
	ladder_begin(&l, T0, 3 * S);
	assert_int_equal(ladder_next(&l, T0, 4, false), LADDER_GENTLE);
	assert_int_equal(ladder_next(&l, T0 + 1, 0, false), LADDER_END);

	ladder_begin(&l, T0, 3 * S);
	assert_int_equal(ladder_next(&l, T0, 0, false), LADDER_END); /* nobody was there: no signal */
}

static void hopeless_ends_the_wait(void **state)
{
	struct ladder l;

	(void)state;
	ladder_begin(&l, T0, 3 * S);
	assert_int_equal(ladder_next(&l, T0, 4, true), LADDER_GENTLE); /* a stuck process may still obey a signal */
	assert_int_equal(ladder_next(&l, T0 + 1, 4, false), LADDER_WAIT);
	assert_int_equal(ladder_next(&l, T0 + 2, 4, true), LADDER_KILL);
}

static void stretched_while_it_falls(void **state)
{
	struct ladder l;

	(void)state;
	ladder_begin(&l, T0, 1 * S);
	ladder_next(&l, T0, 9, false);
	assert_int_equal(ladder_next(&l, T0 + S * 9 / 10, 8, false), LADDER_WAIT);
	assert_int_equal(ladder_next(&l, T0 + S * 18 / 10, 7, false), LADDER_WAIT);
	assert_int_equal(ladder_next(&l, T0 + S * 27 / 10, 6, false), LADDER_WAIT);
	assert_int_equal(ladder_next(&l, T0 + S * 30 / 10, 5, false), LADDER_KILL); /* three times grace is the most */

	ladder_begin(&l, T0, 1 * S); /* the near-miss: what grows and stays stretches nothing */
	ladder_next(&l, T0, 4, false);
	assert_int_equal(ladder_next(&l, T0 + S / 2, 5, false), LADDER_WAIT);
	assert_int_equal(ladder_next(&l, T0 + S * 9 / 10, 5, false), LADDER_WAIT);
	assert_int_equal(ladder_next(&l, T0 + S, 5, false), LADDER_KILL);
}

static void no_grace(void **state)
{
	struct ladder l;

	(void)state;
	ladder_begin(&l, T0, 0);
	assert_int_equal(ladder_next(&l, T0, 1, false), LADDER_GENTLE);
	assert_int_equal(ladder_next(&l, T0, 1, false), LADDER_KILL);
}

static void uninterruptible_is_given_up(void **state)
{
	struct ladder l;

	(void)state;
	ladder_begin(&l, T0, S);
	ladder_next(&l, T0, 1, false);
	assert_int_equal(ladder_next(&l, T0 + S, 1, false), LADDER_KILL);
	assert_int_equal(ladder_next(&l, T0 + 6 * S - 1, 1, false), LADDER_KILL);
	assert_int_equal(ladder_next(&l, T0 + 6 * S, 1, false), LADDER_GIVE_UP);
	assert_int_equal(ladder_next(&l, T0 + 7 * S, 1, false), LADDER_GIVE_UP);
	assert_int_equal(ladder_next(&l, T0 + 8 * S, 0, false), LADDER_END); /* it went after all */
}

static void hurry(void **state)
{
	struct ladder l;

	(void)state;
	ladder_begin(&l, T0, 60 * S);
	ladder_next(&l, T0, 1, false);
	ladder_hurry(&l, T0 + S);
	assert_int_equal(ladder_next(&l, T0 + S, 1, false), LADDER_KILL);
	ladder_hurry(&l, T0 + 5 * S); /* a second time it prolongs nothing */
	assert_int_equal(ladder_next(&l, T0 + 6 * S, 1, false), LADDER_GIVE_UP);
}

static void pauses_grow(void **state)
{
	struct ladder l;
	int64_t last_ns = 0;

	(void)state;
	ladder_begin(&l, T0, 0);
	ladder_hurry(&l, T0);
	for (int round = 0; round < 1000; round++) {
		int64_t pause_ns = ladder_pause_ns(&l);

		assert_in_range(pause_ns, last_ns ? last_ns : NS_PER_S / 5000, NS_PER_S / 200);
		last_ns = pause_ns;
		assert_int_equal(ladder_next(&l, T0 + round, 1, false), LADDER_KILL);
	}
	assert_int_equal(last_ns, NS_PER_S / 200);
}

/* ---- the deeds ---- */

/** A child that runs PREY, once that has said that it is ready. */
static pid_t child(void (*prey)(int ready_fd))
{
	int pair[2];
	char byte;

	assert_int_equal(pipe(pair), 0);

	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		close(pair[0]);
		prey(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], &byte, 1), 1);
	close(pair[0]);
	return pid;
}

static void say_ready_and_sleep(int fd)
{
	if (write(fd, "r", 1) != 1)
		_exit(9);
	for (;;)
		pause();
}

static void obeys(int fd)
{
	signal(SIGINT, SIG_DFL);
	say_ready_and_sleep(fd);
}

static void ignores_sigint(int fd)
{
	signal(SIGINT, SIG_IGN);
	say_ready_and_sleep(fd);
}

static process_vec tree_of_one(pid_t pid)
{
	process_vec tree = {0};
	sys_process p = {.pid = pid, .parent = getpid()};

	p.start_ticks = sys_process_start(pid, &p.state);
	vec_push(&tree, p);
	return tree;
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void gentle_chooses_the_signal(void **state)
{
	static const struct {
		void (*prey)(int);
		int sig;
	} rows[] = {{obeys, SIGINT}, {ignores_sigint, SIGTERM}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pid_t pid = child(rows[i].prey);
		process_vec tree = tree_of_one(pid);
		struct act_log log = {0};

		act_gentle(&tree, &log);
		assert_int_equal(end_of(pid), rows[i].sig);
		assert_int_equal(log.signalled.n, 1);
		assert_int_equal(log.signalled.at[0].pid, pid);
		assert_int_equal(log.signalled.at[0].sig, rows[i].sig);
		act_log_free(&log);
		vec_free(&tree);
	}
}

static void gentle_wakes_the_stopped(void **state)
{
	pid_t pid = child(obeys);
	struct act_log log = {0};
	int status;

	(void)state;
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);

	process_vec tree = tree_of_one(pid);

	act_gentle(&tree, &log);
	assert_int_equal(end_of(pid), SIGINT);
	assert_int_equal(log.signalled.n, 2);
	assert_int_equal(log.signalled.at[1].sig, SIGCONT);
	act_log_free(&log);
	vec_free(&tree);
}

static void another_process_of_the_same_pid_is_spared(void **state)
{
	pid_t pid = child(obeys);
	process_vec tree = tree_of_one(pid);
	struct act_log log = {0};

	(void)state;
	tree.at[0].start_ticks++;
	act_gentle(&tree, &log);
	act_kill(&tree, &log);
	assert_int_equal(log.signalled.n, 0);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	tree.at[0].start_ticks--;
	act_kill(&tree, &log);
	act_kill(&tree, &log);
	assert_int_equal(log.signalled.n, 1); /* twice, but noted once */
	assert_int_equal(end_of(pid), SIGKILL);
	act_log_free(&log);
	vec_free(&tree);
}

static void we_and_our_parent_are_spared(void **state)
{
	const pid_t spared[] = {getpid(), getppid(), 1};
	struct act_log log = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spared); i++) {
		process_vec tree = tree_of_one(spared[i]);

		act_gentle(&tree, &log);
		act_kill(&tree, &log);
		vec_free(&tree);
	}
	assert_int_equal(log.signalled.n, 0);
}

static void survivors_are_described(void **state)
{
	pid_t pid = child(obeys);
	process_vec tree = tree_of_one(pid);
	struct act_log log = {0};

	(void)state;
	act_survivors(&tree, &log);
	assert_int_equal(log.survivors.n, 1);
	assert_int_equal(log.survivors.at[0].pid, pid);
	assert_true(log.survivors.at[0].comm[0]);
	assert_non_null(strchr("SRD", log.survivors.at[0].state));
	kill(pid, SIGKILL);
	end_of(pid);
	act_survivors(&tree, &log);
	assert_int_equal(log.survivors.n, 1); /* it is gone: nothing to add */
	act_log_free(&log);
	vec_free(&tree);
}

/** A child in a session of its own, and a grandchild without a parent that ignores what it can. */
static void family(int fd)
{
	if (!fork()) {
		setsid();
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		if (fork())
			_exit(0);
		say_ready_and_sleep(fd);
	}
	for (;;)
		pause();
}

/** Its successor is another process each time. */
static void hopper(int fd)
{
	if (write(fd, "r", 1) != 1)
		_exit(9);
	for (int hop = 0; hop < 100000; hop++)
		if (fork())
			_exit(0);
}

static void stopped(int fd)
{
	if (!fork()) {
		if (write(fd, "r", 1) != 1)
			_exit(9);
		raise(SIGSTOP);
		_exit(0);
	}
	for (;;)
		pause();
}

static void *sleep_on(void *fd)
{
	say_ready_and_sleep(*(int *)fd);
	return NULL;
}

/** The first thread has ended, and looks like a zombie; another one runs on. */
static void headless(int fd)
{
	static int kept;
	pthread_t thread;

	kept = fd;
	if (!pthread_create(&thread, NULL, sleep_on, &kept))
		pthread_exit(NULL);
	_exit(9);
}

static void whole_trees_end(void **state)
{
	static void (*const preys[])(int) = {obeys, family, hopper, stopped, headless};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(preys); i++) {
		struct act_log log = {0};

		child(preys[i]);
		assert_int_equal(act_end_tree(NULL, 0, 20 * S, &log), 0);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		assert_int_equal(errno, ECHILD); /* a subreaper without children has no descendants */
		assert_int_equal(log.survivors.n, 0);
		act_log_free(&log);
	}
}

static void who_is_skipped_lives(void **state)
{
	pid_t kept = child(family), other = child(family);
	process_vec left = {0};

	(void)state;
	assert_true(other > 0);
	/* what the kept one has lost to us is not below it any more */
	act_end_tree(&kept, 1, 20 * S, NULL);
	assert_int_equal(sys_descendants(getpid(), NULL, 0, &left, NULL), 0);
	assert_int_equal(left.n ? left.at[0].pid : 0, kept);
	vec_free(&left);
	assert_int_equal(act_end_tree(NULL, 0, 20 * S, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gentle_wait_kill_done),
		cmocka_unit_test(all_gone_ends_at_once),
		cmocka_unit_test(hopeless_ends_the_wait),
		cmocka_unit_test(stretched_while_it_falls),
		cmocka_unit_test(no_grace),
		cmocka_unit_test(uninterruptible_is_given_up),
		cmocka_unit_test(hurry),
		cmocka_unit_test(pauses_grow),
		cmocka_unit_test(gentle_chooses_the_signal),
		cmocka_unit_test(gentle_wakes_the_stopped),
		cmocka_unit_test(another_process_of_the_same_pid_is_spared),
		cmocka_unit_test(we_and_our_parent_are_spared),
		cmocka_unit_test(survivors_are_described),
		cmocka_unit_test(whole_trees_end),
		cmocka_unit_test(who_is_skipped_lives),
	};

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return cmocka_run_group_tests_name("ladder and deeds", tests, NULL, NULL);
}
