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
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native_target.h"
#include "sys/sys.h"

/* ---- plain C ---- */

static void plain(void **state)
{
	const struct target_room *r = *state;

	if (!r->has_cc)
		skip(); /* no C compiler here */
	assert_true(target_build(r, "cc", TARGET_C, "plain", "-fomit-frame-pointer"));
	target_expect_exact(r, "plain", "read", "", SYS_read);
	target_expect_exact(r, "plain", "write", "", SYS_write);
	target_expect_exact(r, "plain", "epoll", "", SYS_epoll_wait);
	target_expect_exact(r, "plain", "futex", "", SYS_futex);
	target_expect_exact(r, "plain", "own", "", SYS_read);
	target_expect_exact(r, "plain", "read", "sort", SYS_read);
	target_expect_exact(r, "plain", "read", "thread", SYS_read);
	target_expect_exact(r, "plain", "read", "jump", SYS_read);
}

static void names_of_plain(void **state)
{
	const struct target_room *r = *state;
	static const char *const chain[] = {"write", "block_write", "block", "middle", "middle", "middle", "main", NULL};
	static const char *const threads[] = {"read", "block_read", "block", "middle", "middle", "middle", "thread", NULL};

	if (!r->has_cc)
		skip(); /* no C compiler here */

	struct target t = target_start(r, "plain", "write", "");

	target_look(r, &t, SYS_write);
	target_expect_names(&t, chain);
	assert_true(native_scene_find(t.scene, "_start", 0) == (int)t.scene->n - 1);
	for (size_t i = 0; i < t.scene->n; i++)
		assert_non_null(t.scene->named[i].file);
	target_end(&t);
	t = target_start(r, "plain", "read", "thread");
	assert_int_not_equal(t.tid, t.pid);
	target_look(r, &t, SYS_read);
	target_expect_names(&t, threads);
	target_end(&t);
}

static void write_goes_on(void **state)
{
	const struct target_room *r = *state;
	char path[64], before[256], after[256];

	if (!r->has_cc)
		skip(); /* no C compiler here */

	struct target t = target_start(r, "plain", "write", "");
	uint64_t sp, pc;
	int fd;

	native_scene_wait(t.pid, t.tid, SYS_write, &sp, &pc);
	snprintf(path, sizeof path, "/proc/%d/schedstat", t.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(sys_pread_text(fd, before, sizeof before) > 0);
	target_look(r, &t, SYS_write);
	assert_true(sys_pread_text(fd, after, sizeof after) > 0);
	assert_string_equal(before, after);
	native_scene_wait(t.pid, t.tid, SYS_write, &sp, &pc);
	close(fd);
	target_end(&t);
}

/** Across a signal's frame each register is known again. */
static void signals(void **state)
{
	const struct target_room *r = *state;
	static const char *const ways[] = {"signal", "altstack"};

	if (!r->has_cc)
		skip(); /* no C compiler here */
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct target t = target_start(r, "plain", "read", ways[i]);

		target_look(r, &t, SYS_read);
		target_expect_returns(&t);
		target_expect_whole(&t);

		int at = native_scene_find(t.scene, "handler", 0);

		assert_true(at > 0);
		assert_true(native_scene_find(t.scene, "raise", (size_t)at) > at);
		assert_true(native_scene_find(t.scene, "by_signal", (size_t)at) > at);
		target_end(&t);
	}
}

/* ---- frame pointers ---- */

/** The way to the caller can't be proven: that is said, and what is shown is right, or nothing is. */
static void expect_doubtful(const struct target_room *r, const char *way)
{
	struct target t = target_start(r, "pointers", way, "");

	target_look(r, &t, SYS_read);
	assert_true(t.scene->n >= 1);
	assert_non_null(t.scene->why);
	if (t.scene->whole)
		target_expect_returns(&t);
	else if (t.scene->n > 1)
		assert_int_equal(t.scene->frames[1].pc, t.expected[0]);
	target_end(&t);
}

static void with_frame_pointers(const struct target_room *r, const char *compiler, const char *flags)
{
	assert_true(target_build(r, compiler, TARGET_C, "pointers", flags));
	target_expect_exact(r, "pointers", "read", "", SYS_read);
	target_expect_exact(r, "pointers", "futex", "", SYS_futex);
	target_expect_exact(r, "pointers", "own", "", SYS_read);
	target_expect_exact(r, "pointers", "own", "sort", SYS_read);
	target_expect_exact(r, "pointers", "own", "signal", SYS_read);
	target_expect_exact(r, "pointers", "own", "thread", SYS_read);
	target_expect_exact(r, "pointers", "own", "jump", SYS_read);
	target_expect_exact(r, "pointers", "own-wide", "", SYS_read);
	expect_doubtful(r, "own-alloca");
	expect_doubtful(r, "own-stale");
}

static void frame_pointers(void **state)
{
	const struct target_room *r = *state;

	if (!r->has_cc)
		skip(); /* no C compiler here */
	with_frame_pointers(r, "cc", "-fno-omit-frame-pointer");
	with_frame_pointers(r, "cc", "-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -static");
	with_frame_pointers(r, "cc", "-fno-omit-frame-pointer -O1 -fno-plt");
	with_frame_pointers(r, "cc", "-fno-omit-frame-pointer -O3 -fcf-protection=full -fstack-protector-all");
	with_frame_pointers(r, "cc", "-fno-omit-frame-pointer -Os -no-pie -s");
	with_frame_pointers(r, "cc", "-O0");
	if (system("clang --version >/dev/null 2>&1") == 0) {
		with_frame_pointers(r, "clang", "-fno-omit-frame-pointer");
		with_frame_pointers(r, "clang", "-fno-omit-frame-pointer -O3 -no-pie");
		with_frame_pointers(r, "clang", "-O0");
	}
	/* Two frames that fit: no choice is made. */
	assert_true(target_build(r, "cc", TARGET_C, "pointers", "-fno-omit-frame-pointer"));

	struct target t = target_start(r, "pointers", "own-stale", "");

	target_look(r, &t, SYS_read);
	assert_false(t.scene->whole);
	assert_int_equal(t.scene->n, 1);
	assert_non_null(strstr(t.scene->why, "several places"));
	target_end(&t);
	t = target_start(r, "pointers", "own-alloca", "");
	target_look(r, &t, SYS_read);
	if (!t.scene->whole)
		native_scene_print(t.scene);
	assert_true(t.scene->whole);
	assert_non_null(strstr(t.scene->why, "no proof"));
	target_expect_returns(&t);
	target_end(&t);
}

/* ---- files in other shapes ---- */

static void other_files(void **state)
{
	const struct target_room *r = *state;

	if (!r->has_cc)
		skip(); /* no C compiler here */
	assert_true(target_build(r, "cc", TARGET_C, "stripped", "-s"));
	target_expect_exact(r, "stripped", "write", "", SYS_write);
	target_expect_exact(r, "stripped", "read", "thread", SYS_read);
	assert_true(target_build(r, "cc", TARGET_C, "static", "-static"));
	target_expect_exact(r, "static", "write", "", SYS_write);
	target_expect_exact(r, "static", "read", "signal", SYS_read);
	assert_true(target_build(r, "cc", TARGET_C, "static-pie", "-static-pie -s"));
	target_expect_exact(r, "static-pie", "read", "sort", SYS_read);
	assert_true(target_build(r, "cc", TARGET_C, "fixed", "-no-pie"));
	target_expect_exact(r, "fixed", "futex", "", SYS_futex);
}

/** Its name is gone: only root can open it still. */
static void deleted(void **state)
{
	const struct target_room *r = *state;
	char path[128];

	if (!r->has_cc)
		skip(); /* no C compiler here */
	assert_true(target_build(r, "cc", TARGET_C, "deleted", ""));

	struct target t = target_start(r, "deleted", "read", "");

	snprintf(path, sizeof path, "%s/deleted", r->dir);
	assert_int_equal(unlink(path), 0);
	target_look(r, &t, SYS_read);
	if (geteuid() == 0) {
		target_expect_returns(&t);
		target_expect_whole(&t);
	} else {
		assert_false(t.scene->whole);
		assert_non_null(t.scene->why);
	}
	target_end(&t);
}

/** Without unwind entries there is an end, a reason, and no guess. */
static void no_entries(void **state)
{
	const struct target_room *r = *state;

	if (!r->has_cc)
		skip(); /* no C compiler here */
	assert_true(target_build(r, "cc", TARGET_C, "bare", "-fno-asynchronous-unwind-tables -fno-unwind-tables"));

	struct target t = target_start(r, "bare", "read", "");

	target_look(r, &t, SYS_read);
	assert_false(t.scene->whole);
	assert_non_null(strstr(t.scene->why, "no unwind entry"));
	assert_true(t.scene->n >= 2);
	assert_string_equal(t.scene->named[t.scene->n - 1].function, "block_read");
	target_end(&t);
}

static void cpp(void **state)
{
	const struct target_room *r = *state;
	static const char *const chain[] = {"(anonymous namespace)::hidden", "room::Worker<int>::run", NULL};

	if (!r->has_cpp)
		skip(); /* no C++ compiler here */
	assert_true(target_build(r, "c++", TARGET_CPP, "cpp", ""));

	struct target t = target_start(r, "cpp", "", "");

	target_look(r, &t, SYS_read);
	target_expect_whole(&t);
	target_expect_names(&t, chain);
	target_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),       cmocka_unit_test(names_of_plain), cmocka_unit_test(write_goes_on),
		cmocka_unit_test(signals),     cmocka_unit_test(frame_pointers), cmocka_unit_test(other_files),
		cmocka_unit_test(deleted),     cmocka_unit_test(no_entries),     cmocka_unit_test(cpp),
	};

	return cmocka_run_group_tests_name("native stacks", tests, target_setup, target_teardown);
}
