/* Native stacks: places that are odd, entries that are broken, and a debugger beside it. */
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

/* ---- code that the kernel maps ---- */

/** A process that stands in the vdso: single steps lead it there, and a traced task that is stopped has the line as well. */
static void in_vdso(void **state)
{
	const struct target_room *r = *state;
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
	const struct target_room *r = *state;
	uint64_t sp, pc;

	if (!r->has_cc)
		skip(); /* no C compiler here */

	assert_true(target_build(r, "cc", TARGET_C, "plain", ""));

	struct target t = target_start(r, "plain", "read", "");

	target_look(r, &t, SYS_read);
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
	target_end(&t);
}

static uint32_t next_random(uint32_t *seed)
{
	return *seed = *seed * 1664525 + 1013904223;
}

/** Unwind entries with wrong bytes, of a file that somebody built by hand: an end, a reason, no crash, no loop. */
static void broken_entries(void **state)
{
	const struct target_room *r = *state;
	uint64_t sp, pc, address, size;
	size_t available;
	uint32_t seed = 7;

	if (!r->has_cc)
		skip(); /* no C compiler here */

	assert_true(target_build(r, "cc", TARGET_C, "stripped", "-s"));

	struct target t = target_start(r, "stripped", "read", "signal");

	target_look(r, &t, SYS_read);
	target_expect_whole(&t);
	native_scene_wait(t.pid, t.tid, SYS_read, &sp, &pc);
	for (size_t i = 0; i < t.scene->files.n; i++) {
		struct elf *e = t.scene->files.at[i].elf;

		if (!e || !elf_section(e, ".eh_frame", &address, &size))
			continue;

		uint8_t *table = (uint8_t *)(uintptr_t)elf_bytes_at(e, address, &available), *saved = malloc(size);

		memcpy(saved, table, size);
		for (int k = 0; k < 400; k++) {
			for (size_t wrong = size / 50 + 1; wrong > 0; wrong--)
				table[next_random(&seed) % size] = (uint8_t)(next_random(&seed) >> 24);
			native_scene_read(t.scene, r->u, sp, pc);
			assert_true(t.scene->whole || *t.scene->why);
			memcpy(table, saved, size);
		}
		free(saved);
	}
	native_scene_read(t.scene, r->u, sp, pc);
	target_expect_whole(&t);
	target_end(&t);
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
static size_t ask_gdb(const struct target_room *r, pid_t pid, uint64_t *out, size_t most)
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
	const struct target_room *r = *state;
	static const struct {
		const char *name, *how;
	} cases[] = {{"plain", ""}, {"plain", "sort"}, {"plain", "signal"}, {"pointers", ""}, {"stripped", "altstack"}};

	if (!r->has_cc || system("gdb -nx -batch -ex 'python print(1)' >/dev/null 2>&1") != 0)
		skip(); /* no gdb with Python here */
	assert_true(target_build(r, "cc", TARGET_C, "plain", ""));
	assert_true(target_build(r, "cc", TARGET_C, "stripped", "-s"));
	assert_true(target_build(r, "cc", TARGET_C, "pointers", "-fno-omit-frame-pointer"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = target_start(r, cases[i].name, "futex", cases[i].how);
		uint64_t theirs[SCENE_FRAMES];

		target_look(r, &t, SYS_futex);

		size_t n = ask_gdb(r, t.pid, theirs, SCENE_FRAMES);

		for (size_t k = 0; k < n || k < t.scene->n; k++)
			if (k >= n || k >= t.scene->n || theirs[k] != t.scene->frames[k].pc) {
				fprintf(stderr, "%s %s: gdb has %#lx as frame %zu of %zu:\n", cases[i].name, cases[i].how,
					k < n ? (unsigned long)theirs[k] : 0, k, n);
				native_scene_print(t.scene);
				fail();
			}
		target_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_vdso),
		cmocka_unit_test(anywhere),
		cmocka_unit_test(broken_entries),
		cmocka_unit_test(as_gdb_has_it),
	};

	return cmocka_run_group_tests_name("native stacks, odd and beside gdb", tests, target_setup, target_teardown);
}
