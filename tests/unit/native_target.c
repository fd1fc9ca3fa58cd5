#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native_target.h"
#include "sys/sys.h"

bool target_build(const struct target_room *r, const char *compiler, const char *source, const char *name, const char *flags)
{
	char command[1024];

	snprintf(command, sizeof command, "%s -O2 -g0 -w -pthread %s -o %s/%s %s 2>%s/log", compiler, flags, r->dir, name,
		 source, r->dir);
	return system(command) == 0;
}

static void read_expected(struct target *t, FILE *out)
{
	char line[4096] = "", *at = line;

	assert_non_null(fgets(line, sizeof line, out));
	for (unsigned long value; t->n < TARGET_MOST_EXPECTED && (value = strtoul(at, &at, 16)) != 0;)
		t->expected[t->n++] = value;
}

/** The last task of the process: the one that was made last. */
static pid_t last_task(pid_t pid)
{
	int_vec tids = {0};
	char path[64];
	pid_t last;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	assert_int_equal(sys_list_numbers(AT_FDCWD, path, &tids, NULL), 0);
	last = tids.at[tids.n - 1];
	vec_free(&tids);
	return last;
}

struct target target_start(const struct target_room *r, const char *name, const char *way, const char *how)
{
	struct target t = {0};
	int out[2];
	char path[128];

	snprintf(path, sizeof path, "%s/%s", r->dir, name);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	t.pid = fork();
	if (t.pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves it alone */
		execl(path, path, way, how, NULL);
		_exit(127);
	}
	close(out[1]);

	FILE *from = fdopen(out[0], "r");

	read_expected(&t, from);
	fclose(from);
	t.tid = last_task(t.pid);
	return t;
}

void target_end(struct target *t)
{
	if (t->scene)
		native_scene_close(t->scene);
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
}

void target_look(const struct target_room *r, struct target *t, int number)
{
	uint64_t sp, pc;

	native_scene_wait(t->pid, t->tid, number, &sp, &pc);
	t->scene = native_scene_open(t->pid);
	native_scene_read(t->scene, r->u, sp, pc);
}

size_t target_expect_returns(const struct target *t)
{
	const struct native_scene *s = t->scene;
	size_t first = 0;

	assert_true(t->n > 0);
	while (first < s->n && s->frames[first].pc != t->expected[0])
		first++;
	for (size_t i = 0; i < t->n; i++)
		if (first + i >= s->n || s->frames[first + i].pc != t->expected[i]) {
			fprintf(stderr, "expected %#lx as frame %zu:\n", (unsigned long)t->expected[i], first + i);
			native_scene_print(s);
			fail();
		}
	return first;
}

void target_expect_whole(const struct target *t)
{
	if (!t->scene->whole)
		native_scene_print(t->scene);
	assert_true(t->scene->whole);
	assert_null(t->scene->why);
}

void target_expect_names(const struct target *t, const char *const *names)
{
	int at = native_scene_find(t->scene, names[0], 0);

	for (size_t i = 0; names[i]; i++, at++)
		if (at < 0 || (size_t)at >= t->scene->n || !t->scene->named[at].function ||
		    strcmp(t->scene->named[at].function, names[i]) != 0) {
			fprintf(stderr, "expected %s as frame %d:\n", names[i], at);
			native_scene_print(t->scene);
			fail();
		}
}

void target_expect_exact(const struct target_room *r, const char *name, const char *way, const char *how, int number)
{
	struct target t = target_start(r, name, way, how);

	target_look(r, &t, number);
	target_expect_returns(&t);
	target_expect_whole(&t);
	target_end(&t);
}

/* ---- the room ---- */

int target_setup(void **state)
{
	struct target_room *r = calloc(1, sizeof *r);
	const char *why;

	snprintf(r->dir, sizeof r->dir, "/tmp/test_native-XXXXXX");
	if (!mkdtemp(r->dir))
		return -1;
	r->u = unwinder_new(&why);
	if (!r->u) {
		fprintf(stderr, "%s\n", why);
		return -1;
	}
	r->has_cc = system("cc --version >/dev/null 2>&1") == 0;
	r->has_cpp = system("c++ --version >/dev/null 2>&1") == 0;
	*state = r;
	return 0;
}

int target_teardown(void **state)
{
	struct target_room *r = *state;
	char command[96];

	unwinder_free(r->u);
	snprintf(command, sizeof command, "rm -rf %s", r->dir);
	free(r);
	return system(command);
}
