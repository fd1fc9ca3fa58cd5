/* Starting mkwait, and looking until it stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "observe_scene.h"

enum { PATIENCE_S = 20 };

/** build/tests/unit/test_x -> build/tests/helpers/mkwait */
static void helper_path(char path[512])
{
	ssize_t n = readlink("/proc/self/exe", path, 400);

	assert_true(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 2; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/helpers/mkwait");
}

static pid_t start(char *const argv[], int stdin_fd, int *out)
{
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(stdin_fd, 0) < 0 || dup2(fd[1], 1) < 0)
			_exit(125);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fd[1]);
	*out = fd[0];
	return pid;
}

/** The line "ready PID PID", or a skip. The pipe is kept open: nothing more comes through it. */
static void read_ready(struct scene *sc, int fd)
{
	char line[256] = "";
	size_t n = 0;

	while (n < sizeof line - 1 && !strchr(line, '\n') && read(fd, line + n, 1) == 1)
		n++;
	if (strncmp(line, "skip ", 5) == 0) {
		print_message("%s", line);
		close(fd);
		skip();
	}
	assert_int_equal(sscanf(line, "ready %d %d", &sc->pid, &sc->other), 2);
	close(fd);
}

struct scene scene_start(const char *name, const struct scene_options *opt)
{
	char path[512], *copy = strdup(name);
	char *argv[] = {path, copy, NULL};

	assert_non_null(copy);
	helper_path(path);

	struct scene sc = scene_start_command(argv, opt);

	free(copy);
	return sc;
}

struct scene scene_start_command(char *const argv[], const struct scene_options *opt)
{
	struct observe_options o = {.supervisor = getpid()};
	struct scene sc = {0};
	struct err err = {0};
	OWNED_TEXT timers = {0};
	int out, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (opt) {
		o.skip[0] = opt->skip;
		o.inherited = opt->inherited;
		o.ninherited = opt->ninherited;
	}
	if (sys_read_file(AT_FDCWD, "/proc/timer_list", &timers, NULL) == 0)
		o.timers_before = text_str(&timers);
	o.root = start(argv, opt && opt->stdin_fd ? opt->stdin_fd : null, &out);
	close(null);
	assert_int_equal(observe_open(&o, &sc.ob, &err), 0);
	read_ready(&sc, out);
	return sc;
}

enum wait_op scene_look(struct scene *sc)
{
	struct observe_pass pass;
	struct err err = {0};
	int rc;

	snapshot_free(sc->s);
	sc->s = NULL;
	sc->task = NULL;
	assert_int_equal(observe_pass(sc->ob, sys_monotonic_ns(), NULL, &pass, &err), 0);
	rc = observe_snapshot(sc->ob, sys_monotonic_ns(), &sc->s, &err);
	assert_true(rc == 0 || rc == OBSERVE_MOVED);
	if (rc)
		return WAIT_RUN;
	sc->task = snapshot_task(sc->s, sc->pid);
	assert_non_null(sc->task);
	return sc->task->wait.op;
}

/** All but the task itself stand still as well, or live for a reason that stays. */
static bool settled(const struct scene *sc)
{
	if (!sc->s)
		return false;
	for (size_t i = 0; i < sc->s->ntasks; i++) {
		const struct wait *w = &sc->s->tasks[i].wait;

		if (&sc->s->tasks[i] != sc->task && w->op == WAIT_RUN &&
		    (strstr(w->why, "moved") || strcmp(w->why, "runs") == 0))
			return false;
	}
	return true;
}

/** Waits in OP as the row has it. */
static bool waits_so(struct scene *sc, enum wait_op op, const char *why)
{
	return scene_look(sc) == op && sc->task && (!why || strstr(sc->task->wait.why, why));
}

struct scene scene_open(const char *name, enum wait_op op, const char *why, const struct scene_options *opt)
{
	struct scene sc = scene_start(name, opt);
	int64_t until_ns = sys_monotonic_ns() + PATIENCE_S * NS_PER_S;

	while (!waits_so(&sc, op, why) || !settled(&sc)) {
		if (sys_monotonic_ns() > until_ns)
			fail_msg("%s waits in %d: %s", name, sc.task ? (int)sc.task->wait.op : -1,
				 sc.task && sc.task->wait.why ? sc.task->wait.why : "");
		usleep(2000);
	}
	/* Once more, from what was kept: it must say the same. */
	assert_int_equal(scene_look(&sc), op);
	return sc;
}

void scene_until(struct scene *sc, bool (*check)(struct scene *sc))
{
	int64_t until_ns = sys_monotonic_ns() + PATIENCE_S * NS_PER_S;

	while (scene_look(sc), !sc->s || !check(sc)) {
		if (sys_monotonic_ns() > until_ns)
			fail_msg("it never came");
		usleep(2000);
	}
}

int64_t scene_seed_until(struct scene *sc)
{
	int64_t until_ns;
	char words[160];

	/* Later than any move that was noted, so that only the looks speak. */
	if (!observe_seed(sc->ob, sys_monotonic_ns(), 600 * NS_PER_S, &until_ns, words, sizeof words))
		return -1;
	return until_ns;
}

void scene_close(struct scene *sc)
{
	snapshot_free(sc->s);
	observe_close(sc->ob);
	sc->s = NULL;
	sc->ob = NULL;
}

int scene_kill_all(void **state)
{
	process_vec tree = {0};

	(void)state;
	do {
		if (sys_descendants(getpid(), NULL, 0, &tree, NULL) < 0)
			return 1;
		for (size_t i = 0; i < tree.n; i++)
			kill(tree.at[i].pid, SIGKILL);
	} while (waitpid(-1, NULL, 0) > 0 || errno != ECHILD);
	vec_free(&tree);
	return 0;
}
