/* Native stacks of real programs that nobody stops: what is read is what they said of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native_scene.h"
#include "sys/sys.h"

#define SOURCE "tests/fixtures/native/target.c"
#define SOURCE_CPP "tests/fixtures/native/target.cpp"

enum { MOST_EXPECTED = 64 };

struct room {
	char dir[64];
	struct unwinder *u;
	bool has_cc, has_cpp;
};

/* ---- targets ---- */

struct target {
	pid_t pid, tid; /* tid: the one that blocks */
	uint64_t expected[MOST_EXPECTED];
	size_t n;
	struct native_scene *scene;
};

/** Build SOURCE_FILE as NAME in the room. @return false: that can't be built here. */
static bool build(const struct room *r, const char *compiler, const char *source, const char *name, const char *flags)
{
	char command[1024];

	snprintf(command, sizeof command, "%s -O2 -g0 -w -pthread %s -o %s/%s %s 2>%s/log", compiler, flags, r->dir, name, source, r->dir);
	return system(command) == 0;
}

static void read_expected(struct target *t, FILE *out)
{
	char line[4096] = "", *at = line;

	assert_non_null(fgets(line, sizeof line, out));
	for (unsigned long value; t->n < MOST_EXPECTED && (value = strtoul(at, &at, 16)) != 0;)
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

static struct target start(const struct room *r, const char *name, const char *way, const char *how)
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

static void end(struct target *t)
{
	if (t->scene)
		native_scene_close(t->scene);
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
}

static void look(const struct room *r, struct target *t, int number)
{
	uint64_t sp, pc;

	native_scene_wait(t->pid, t->tid, number, &sp, &pc);
	t->scene = native_scene_open(t->pid);
	native_scene_read(t->scene, r->u, sp, pc);
}

/** The frames go on at just the addresses that the target told, one after the other. @return index of the first. */
static size_t expect_returns(const struct target *t)
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

static void expect_whole(const struct target *t)
{
	if (!t->scene->whole)
		native_scene_print(t->scene);
	assert_true(t->scene->whole);
	assert_null(t->scene->why);
}

/** Functions NAMES, NULL-ended, follow each other somewhere, innermost first. */
static void expect_names(const struct target *t, const char *const *names)
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

/** One target, whole, as it said. */
static void expect_exact(const struct room *r, const char *name, const char *way, const char *how, int number)
{
	struct target t = start(r, name, way, how);

	look(r, &t, number);
	expect_returns(&t);
	expect_whole(&t);
	end(&t);
}

/* ---- plain C ---- */

static void plain(void **state)
{
	const struct room *r = *state;

	if (!r->has_cc)
		skip(); /* no C compiler here */
	assert_true(build(r, "cc", SOURCE, "plain", "-fomit-frame-pointer"));
	expect_exact(r, "plain", "read", "", SYS_read);
	expect_exact(r, "plain", "write", "", SYS_write);
	expect_exact(r, "plain", "epoll", "", SYS_epoll_wait);
	expect_exact(r, "plain", "futex", "", SYS_futex);
	expect_exact(r, "plain", "own", "", SYS_read);
	expect_exact(r, "plain", "read", "sort", SYS_read);
	expect_exact(r, "plain", "read", "thread", SYS_read);
	expect_exact(r, "plain", "read", "jump", SYS_read);
}

static void names_of_plain(void **state)
{
	const struct room *r = *state;
	static const char *const chain[] = {"write", "block_write", "block", "middle", "middle", "middle", "main", NULL};
	static const char *const threads[] = {"read", "block_read", "block", "middle", "middle", "middle", "thread", NULL};

	if (!r->has_cc)
		skip(); /* no C compiler here */

	struct target t = start(r, "plain", "write", "");

	look(r, &t, SYS_write);
	expect_names(&t, chain);
	assert_true(native_scene_find(t.scene, "_start", 0) == (int)t.scene->n - 1);
	for (size_t i = 0; i < t.scene->n; i++)
		assert_non_null(t.scene->named[i].file);
	end(&t);
	t = start(r, "plain", "read", "thread");
	assert_int_not_equal(t.tid, t.pid);
	look(r, &t, SYS_read);
	expect_names(&t, threads);
	end(&t);
}

static void write_goes_on(void **state)
{
	const struct room *r = *state;
	char path[64], before[256], after[256];

	if (!r->has_cc)
		skip(); /* no C compiler here */

	struct target t = start(r, "plain", "write", "");
	uint64_t sp, pc;
	int fd;

	native_scene_wait(t.pid, t.tid, SYS_write, &sp, &pc);
	snprintf(path, sizeof path, "/proc/%d/schedstat", t.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(sys_pread_text(fd, before, sizeof before) > 0);
	look(r, &t, SYS_write);
	assert_true(sys_pread_text(fd, after, sizeof after) > 0);
	assert_string_equal(before, after);
	native_scene_wait(t.pid, t.tid, SYS_write, &sp, &pc);
	close(fd);
	end(&t);
}

/** Across a signal's frame each register is known again. */
static void signals(void **state)
{
	const struct room *r = *state;
	static const char *const ways[] = {"signal", "altstack"};

	if (!r->has_cc)
		skip(); /* no C compiler here */
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct target t = start(r, "plain", "read", ways[i]);

		look(r, &t, SYS_read);
		expect_returns(&t);
		expect_whole(&t);

		int at = native_scene_find(t.scene, "handler", 0);

		assert_true(at > 0);
		assert_true(native_scene_find(t.scene, "raise", (size_t)at) > at);
		assert_true(native_scene_find(t.scene, "by_signal", (size_t)at) > at);
		end(&t);
	}
}

/* ---- frame pointers ---- */

static void with_frame_pointers(const struct room *r, const char *flags)
{
	assert_true(build(r, "cc", SOURCE, "pointers", flags));
	expect_exact(r, "pointers", "read", "", SYS_read);
	expect_exact(r, "pointers", "futex", "", SYS_futex);
	expect_exact(r, "pointers", "own", "", SYS_read);
	expect_exact(r, "pointers", "own", "sort", SYS_read);
	expect_exact(r, "pointers", "own", "signal", SYS_read);
	expect_exact(r, "pointers", "own", "thread", SYS_read);
	expect_exact(r, "pointers", "own", "jump", SYS_read);
	expect_exact(r, "pointers", "own-wide", "", SYS_read);
	expect_exact(r, "pointers", "own-alloca", "", SYS_read);
}

static void frame_pointers(void **state)
{
	const struct room *r = *state;

	if (!r->has_cc)
		skip(); /* no C compiler here */
	with_frame_pointers(r, "-fno-omit-frame-pointer");
	with_frame_pointers(r, "-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -static");
	with_frame_pointers(r, "-fno-omit-frame-pointer -O1 -fno-plt");
	with_frame_pointers(r, "-fno-omit-frame-pointer -O3 -fcf-protection=full -fstack-protector-all");
	with_frame_pointers(r, "-fno-omit-frame-pointer -Os -no-pie -s");
	with_frame_pointers(r, "-O0");
}

/* ---- files in other shapes ---- */

static void other_files(void **state)
{
	const struct room *r = *state;

	if (!r->has_cc)
		skip(); /* no C compiler here */
	assert_true(build(r, "cc", SOURCE, "stripped", "-s"));
	expect_exact(r, "stripped", "write", "", SYS_write);
	expect_exact(r, "stripped", "read", "thread", SYS_read);
	assert_true(build(r, "cc", SOURCE, "static", "-static"));
	expect_exact(r, "static", "write", "", SYS_write);
	expect_exact(r, "static", "read", "signal", SYS_read);
	assert_true(build(r, "cc", SOURCE, "static-pie", "-static-pie -s"));
	expect_exact(r, "static-pie", "read", "sort", SYS_read);
	assert_true(build(r, "cc", SOURCE, "fixed", "-no-pie"));
	expect_exact(r, "fixed", "futex", "", SYS_futex);
}

/** Its name is gone: only root can open it still. */
static void deleted(void **state)
{
	const struct room *r = *state;
	char path[128];

	if (!r->has_cc)
		skip(); /* no C compiler here */
	assert_true(build(r, "cc", SOURCE, "deleted", ""));

	struct target t = start(r, "deleted", "read", "");

	snprintf(path, sizeof path, "%s/deleted", r->dir);
	assert_int_equal(unlink(path), 0);
	look(r, &t, SYS_read);
	if (geteuid() == 0) {
		expect_returns(&t);
		expect_whole(&t);
	} else {
		assert_false(t.scene->whole);
		assert_non_null(t.scene->why);
	}
	end(&t);
}

/** Without unwind entries there is an end, a reason, and no guess. */
static void no_entries(void **state)
{
	const struct room *r = *state;

	if (!r->has_cc)
		skip(); /* no C compiler here */
	assert_true(build(r, "cc", SOURCE, "bare", "-fno-asynchronous-unwind-tables -fno-unwind-tables"));

	struct target t = start(r, "bare", "read", "");

	look(r, &t, SYS_read);
	assert_false(t.scene->whole);
	assert_non_null(strstr(t.scene->why, "no unwind entry"));
	assert_true(t.scene->n >= 2);
	assert_string_equal(t.scene->named[t.scene->n - 1].function, "block_read");
	end(&t);
}

static void cpp(void **state)
{
	const struct room *r = *state;
	static const char *const chain[] = {"(anonymous namespace)::hidden", "room::Worker<int>::run", NULL};

	if (!r->has_cpp)
		skip(); /* no C++ compiler here */
	assert_true(build(r, "c++", SOURCE_CPP, "cpp", ""));

	struct target t = start(r, "cpp", "", "");

	look(r, &t, SYS_read);
	expect_whole(&t);
	expect_names(&t, chain);
	end(&t);
}

/* ---- code that the kernel maps ---- */

/** A process that stands in the vdso: single steps lead it there, and a traced task that is stopped has the line as well. */
static void in_vdso(void **state)
{
	const struct room *r = *state;
	struct user_regs_struct regs;
	uint64_t sp, pc, from = 0, to = 0;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct timespec now;

		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		for (;;)
			clock_gettime(CLOCK_MONOTONIC, &now);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);

	struct native_scene *s = native_scene_open(pid);

	for (size_t i = 0; i < s->pieces.n; i++)
		if (s->pieces.at[i].path_len == 6 && memcmp(s->pieces.at[i].path, "[vdso]", 6) == 0) {
			from = s->pieces.at[i].start;
			to = s->pieces.at[i].end;
		}
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
		if (regs.rip >= from && regs.rip < to)
			break;
	}
	if (regs.rip < from || regs.rip >= to) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		native_scene_close(s);
		skip(); /* this machine's clock is read by a system call */
	}
	native_scene_wait(pid, pid, -1, &sp, &pc);
	assert_int_equal(sp, regs.rsp);
	assert_int_equal(pc, regs.rip);
	native_scene_read(s, r->u, sp, pc);
	assert_true(s->whole);
	assert_true(native_scene_find(s, "in_vdso", 1) > 0 || native_scene_find(s, "main", 1) > 0);
	assert_non_null(s->named[0].function);
	assert_non_null(strstr(s->named[0].function, "clock_gettime"));
	native_scene_close(s);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* ---- rubbish ---- */

/** Any stack pointer and program counter: an end, a reason, no crash. */
static void anywhere(void **state)
{
	const struct room *r = *state;
	uint64_t sp, pc;

	if (!r->has_cc)
		skip(); /* no C compiler here */

	struct target t = start(r, "plain", "read", "");

	look(r, &t, SYS_read);
	native_scene_wait(t.pid, t.tid, SYS_read, &sp, &pc);
	for (uint64_t i = 0; i < 3000; i++) {
		uint64_t odd_pc = t.scene->pieces.at[i % t.scene->pieces.n].start + i * 977 % 8192;

		native_scene_read(t.scene, r->u, sp + (i % 7 ? 8 * i : i), odd_pc);
		assert_true(t.scene->n <= SCENE_FRAMES);
		assert_true(t.scene->whole || *t.scene->why);
	}
	native_scene_read(t.scene, r->u, 0, pc);
	assert_false(t.scene->whole);
	native_scene_read(t.scene, r->u, sp, 0);
	native_scene_read(t.scene, r->u, UINT64_MAX - 7, UINT64_MAX);
	assert_false(t.scene->whole);
	end(&t);
}

/* ---- beside a debugger ---- */

static const char script[] =
	"import gdb\n"
	"gdb.execute('set backtrace past-main on'); gdb.execute('set backtrace past-entry on')\n"
	"f = gdb.newest_frame(); out = []\n"
	"while f is not None:\n"
	"    if f.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME): out.append('%#x' % f.pc())\n"
	"    f = f.older()\n"
	"print('STACK ' + ' '.join(out))\n";

/** What gdb(1) says once it has stopped the target, which does not mind: that call goes on. */
static size_t ask_gdb(const struct room *r, pid_t pid, uint64_t *out, size_t most)
{
	char path[128], command[512], line[8192], *at;
	size_t n = 0;

	snprintf(path, sizeof path, "%s/pcs.py", r->dir);
	assert_int_equal(sys_write_file(path, script, sizeof script - 1, NULL), 0);
	snprintf(command, sizeof command, "gdb -nx -batch -p %d -x %s 2>/dev/null </dev/null", pid, path);

	FILE *gdb = popen(command, "re");

	assert_non_null(gdb);
	while (fgets(line, sizeof line, gdb))
		if (strncmp(line, "STACK ", 6) == 0) {
			at = line + 6;
			for (unsigned long value; n < most && (value = strtoul(at, &at, 16)) != 0;)
				out[n++] = value;
		}
	pclose(gdb);
	return n;
}

static void as_gdb_has_it(void **state)
{
	const struct room *r = *state;
	static const struct {
		const char *name, *how;
	} cases[] = {{"plain", ""}, {"plain", "sort"}, {"plain", "signal"}, {"pointers", ""}, {"stripped", "altstack"}};

	if (!r->has_cc || system("gdb -nx -batch -ex 'python print(1)' >/dev/null 2>&1") != 0)
		skip(); /* no gdb with Python here */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = start(r, cases[i].name, "futex", cases[i].how);
		uint64_t theirs[SCENE_FRAMES];

		look(r, &t, SYS_futex);

		size_t n = ask_gdb(r, t.pid, theirs, SCENE_FRAMES);

		for (size_t k = 0; k < n || k < t.scene->n; k++)
			if (k >= n || k >= t.scene->n || theirs[k] != t.scene->frames[k].pc) {
				fprintf(stderr, "%s %s: gdb has %#lx as frame %zu of %zu:\n", cases[i].name, cases[i].how,
					k < n ? (unsigned long)theirs[k] : 0, k, n);
				native_scene_print(t.scene);
				fail();
			}
		end(&t);
	}
}

/* ---- the room ---- */

static int setup(void **state)
{
	struct room *r = calloc(1, sizeof *r);
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

static int teardown(void **state)
{
	struct room *r = *state;
	char command[96];

	unwinder_free(r->u);
	snprintf(command, sizeof command, "rm -rf %s", r->dir);
	free(r);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),       cmocka_unit_test(names_of_plain), cmocka_unit_test(write_goes_on),
		cmocka_unit_test(signals),     cmocka_unit_test(frame_pointers), cmocka_unit_test(other_files),
		cmocka_unit_test(deleted),     cmocka_unit_test(no_entries),     cmocka_unit_test(cpp),
		cmocka_unit_test(in_vdso),     cmocka_unit_test(anywhere),       cmocka_unit_test(as_gdb_has_it),
	};

	return cmocka_run_group_tests_name("native stacks", tests, setup, teardown);
}
