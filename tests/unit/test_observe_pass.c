/* Passes over the counters, history, seeds, current tests, holders outside, and what is hidden or scarce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "observe/state.h"
#include "observe_scene.h"

enum { PATIENCE_S = 20 };

static struct observe_pass pass(struct scene *sc, struct history *h)
{
	struct observe_pass p;
	struct err err = {0};

	assert_int_equal(observe_pass(sc->ob, sys_monotonic_ns(), h, &p, &err), 0);
	return p;
}

/** Passes until one says that nothing moved. */
static struct observe_pass pass_until_still(struct scene *sc, struct history *h, size_t ntasks)
{
	int64_t until_ns = sys_monotonic_ns() + PATIENCE_S * NS_PER_S;
	struct observe_pass p;

	do {
		usleep(5000);
		p = pass(sc, h);
		assert_true(sys_monotonic_ns() < until_ns);
	} while (p.moved || p.changed || p.ntasks != ntasks);
	return p;
}

/* ---- passes and history ---- */

static void forks_and_ends_are_seen(void **state)
{
	struct history *h = history_new(100);
	struct scene sc = scene_start("wait-any", NULL);
	struct observe_pass p = pass_until_still(&sc, h, 2);
	const struct process_row *row;
	bool changed = false;

	(void)state;
	assert_int_equal(p.nprocs, 2);
	assert_true(p.still_since_ns <= sys_monotonic_ns());
	assert_true(p.focus_still_since_ns == NEVER_NS || p.focus_still_since_ns <= p.still_since_ns);
	row = history_living(h, sc.other);
	assert_non_null(row);
	assert_int_equal(row->ppid, sc.pid);
	assert_true(row->cmdline_len > 9 && strcmp(row->cmdline + row->cmdline_len - 9, "wait-any") == 0);
	assert_in_range(row->started_ns, sys_monotonic_ns() - PATIENCE_S * NS_PER_S, sys_monotonic_ns());
	kill(sc.other, SIGKILL); /* which ends both */
	for (int i = 0; i < 1000 && (history_living(h, sc.other) || history_living(h, sc.pid)); i++) {
		usleep(5000);
		changed |= pass(&sc, h).changed;
		waitpid(sc.pid, NULL, WNOHANG);
	}
	assert_true(changed);
	assert_null(history_living(h, sc.other));
	assert_null(history_living(h, sc.pid));
	assert_true(history_count(h) >= 2); /* a sanitizer may start one at its end */
	history_free(h);
	scene_close(&sc);
}

static void a_move_is_seen_once(void **state)
{
	struct scene sc = scene_start("pause-caught", NULL);

	(void)state;
	pass_until_still(&sc, NULL, 1);
	kill(sc.pid, SIGSTOP);
	for (int i = 0; i < 1000 && pass(&sc, NULL).moved == 0; i++)
		usleep(2000);
	pass_until_still(&sc, NULL, 1);
	scene_close(&sc);
}

/** In a process of its own, for a limit once lowered stays so. */
static int with_few_descriptors(void)
{
	struct rlimit few = {80, 80};
	struct scene sc;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		return 2;
	sc = scene_start("many-threads", NULL);
	pass_until_still(&sc, NULL, 101);
	scene_look(&sc);

	int rc = sc.s && sc.s->ntasks == 101 && sc.task->wait.op == WAIT_SIGNAL ? 0 : 1;

	scene_close(&sc);
	scene_kill_all(NULL);
	return rc;
}

static void run_apart(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static bool reads(struct scene *sc)
{
	return scene_look(sc) == WAIT_FDS && strcmp(sc->task->wait.why, "read") == 0;
}

static bool holds(const struct scene *sc, int fd)
{
	const struct process *p = snapshot_process(sc->s, sc->pid);

	for (size_t i = 0; i < p->nfds; i++)
		if (p->fds[i].fd == fd)
			return true;
	return false;
}

/** What a process held when it blocked last is not what it holds now, though a look at the new block came between two snapshots. */
static void descriptors_are_those_of_this_block(void **state)
{
	char sh[] = "/bin/sh", c[] = "-c", script[] = "echo ready $$ $$; read a; exec 9</dev/null; read b";
	char *const argv[] = {sh, c, script, NULL};
	struct observe_pass pass;
	struct err err = {0};
	char path[64];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);

	struct scene sc = scene_start_command(argv, &(struct scene_options){.stdin_fd = ends[0]});

	scene_until(&sc, reads);
	scene_until(&sc, reads); /* the second one may use what the first has read */
	assert_false(holds(&sc, 9));
	assert_int_equal(write(ends[1], "x\n", 2), 2);
	snprintf(path, sizeof path, "/proc/%d/fd/9", sc.pid);
	do { /* until the look at its new block stands */
		assert_int_equal(observe_pass(sc.ob, sys_monotonic_ns(), NULL, &pass, &err), 0);
		scene_seed_until(&sc);
	} while (access(path, F_OK) < 0 || pass.moved);
	scene_until(&sc, reads);
	assert_true(holds(&sc, 9));
	scene_close(&sc);
	close(ends[0]);
	close(ends[1]);
}

static void few_descriptors_are_enough(void **state)
{
	(void)state;
	run_apart(with_few_descriptors);
}

/** Without schedstat the switches of status say the same. */
static void switches_serve_as_counters(void **state)
{
	struct observe_options opt = {.supervisor = getpid()};
	struct scene sc = {0};
	struct observe *plain;
	struct err err = {0};

	(void)state;
	sc = scene_start("pipe-full", NULL);
	plain = sc.ob;
	opt.root = sc.pid;
	assert_int_equal(observe_open(&opt, &sc.ob, &err), 0);
	observe_close(plain);
	/* As if the kernel had none: the table is made anew. */
	table_free(sc.ob);
	sc.ob->procs.n = 0;
	sc.ob->by_pid = idmap_new();
	sc.ob->by_status = true;
	pass_until_still(&sc, NULL, 1);
	assert_int_equal(scene_look(&sc), WAIT_FDS);
	assert_true(sc.task->runs > 0);
	spots_list(sc.ob);
	assert_non_null(strstr(observe_blind_spots(sc.ob)[0] ? observe_blind_spots(sc.ob)[sc.ob->alarms_known ? 0 : 1] : "",
			       "schedstat"));
	scene_close(&sc);
}

/** Containers may refuse kcmp: what can't be told apart is taken together. */
static void without_kcmp_nothing_is_missed(void **state)
{
	struct scene sc = scene_start("epoll-eventfd", NULL);
	const struct object *o;
	bool found = false;

	(void)state;
	sc.ob->no_kcmp = true;
	pass_until_still(&sc, NULL, 1);
	assert_int_equal(scene_look(&sc), WAIT_FDS);
	o = &sc.s->objects[sc.task->wait.on[0].object];
	assert_int_equal(o->kind, OBJECT_EPOLL);
	for (size_t i = 0; i < o->nwatch; i++)
		found |= sc.s->objects[o->watch[i].object].kind == OBJECT_EVENTFD;
	assert_true(found);
	scene_close(&sc);
}

/* ---- seeds ---- */

static void check_seed(const char *name, enum wait_op op, const char *words)
{
	struct scene sc = scene_open(name, op, NULL, NULL);
	char buf[160] = "";
	int64_t until_ns, now_ns = sys_monotonic_ns();
	const char *seed = observe_seed(sc.ob, now_ns, 600 * NS_PER_S, &until_ns, buf, sizeof buf);

	if (words) {
		assert_non_null(seed);
		assert_non_null(strstr(seed, words));
		assert_in_range(until_ns, now_ns, now_ns + 100 * NS_PER_S);
		/* Beyond the horizon it is none. */
		assert_null(observe_seed(sc.ob, now_ns, 50 * NS_PER_S, &until_ns, buf, sizeof buf));
	} else {
		assert_null(seed);
	}
	scene_close(&sc);
	scene_kill_all(NULL);
}

static void seeds_are_told(void **state)
{
	(void)state;
	check_seed("sleep", WAIT_SLEEP, "sleeps, up to");
	check_seed("epoll-timeout", WAIT_FDS, "waits for descriptors, up to");
	check_seed("rcvtimeo", WAIT_FDS, "waits for descriptors, up to");
	check_seed("futex-timeout", WAIT_FUTEX, "waits for a lock, up to");
	check_seed("pipe-full", WAIT_FDS, NULL);
	check_seed("unix-recv", WAIT_FDS, NULL);
	check_seed("wait-any", WAIT_CHILD, NULL);
}

/* ---- current tests ---- */

static void current_test_is_read(void **state)
{
	struct scene sc = scene_open("test-name", WAIT_SIGNAL, NULL, NULL);

	(void)state;
	observe_tests(sc.ob, sc.s);
	for (size_t i = 0; i < sc.s->nprocs; i++) { /* the forked child has it, too */
		assert_non_null(sc.s->procs[i].test);
		assert_string_equal(sc.s->procs[i].test, "tests/test_a.py::test_b[x (y) z]");
		assert_string_equal(sc.s->procs[i].phase, "call");
	}
	scene_close(&sc);
}

static void other_values_are_no_test(void **state)
{
	struct scene sc = scene_open("test-odd", WAIT_SIGNAL, NULL, NULL);

	(void)state;
	observe_tests(sc.ob, sc.s);
	assert_null(sc.s->procs[0].test);
	assert_null(sc.s->procs[0].phase);
	scene_close(&sc);
}

static bool has_test(struct scene *sc)
{
	observe_tests(sc->ob, sc->s);
	return snapshot_process(sc->s, sc->pid)->test != NULL;
}

static void test_of_python_is_read(void **state)
{
	char program[] = "import os, signal\n"
			 "os.environ['PYTEST_CURRENT_TEST'] = 'first'\n"
			 "for i in range(100): os.environ['V%d' % i] = 'x' * i\n"
			 "os.environ['PYTEST_CURRENT_TEST'] = 'a.py::T::t (setup)'\n"
			 "print('ready', os.getpid(), 0, flush=True)\n"
			 "signal.pause()\n";
	char *argv[] = {(char[]){"python3"}, (char[]){"-c"}, program, NULL};
	struct scene sc;

	(void)state;
	if (system("python3 -c 0 2>/dev/null") != 0)
		skip();
	sc = scene_start_command(argv, NULL);
	scene_until(&sc, has_test);
	assert_string_equal(snapshot_process(sc.s, sc.pid)->test, "a.py::T::t");
	assert_string_equal(snapshot_process(sc.s, sc.pid)->phase, "setup");
	scene_close(&sc);
}

/* ---- outside ---- */

/** A process that is not of our tree, holding the writing end of a pipe as descriptor AT. Made before we are a subreaper. */
struct outsider {
	int read_fd, control;
	pid_t pid;
};

static struct outsider start_outsider(int at)
{
	int data[2], control[2], told[2];
	struct outsider out = {0};

	if (pipe2(data, O_CLOEXEC) < 0 || pipe2(control, O_CLOEXEC) < 0 || pipe2(told, O_CLOEXEC) < 0)
		exit(1);

	pid_t pid = fork();

	if (pid == 0) {
		pid_t me;
		char c;

		if (fork() > 0)
			_exit(0);
		me = getpid();
		if (dup2(control[0], 101) < 0 || dup2(data[1], at) < 0 || write(told[1], &me, sizeof me) < 0)
			_exit(1);
		for (int fd = 3; fd < 101; fd++)
			if (fd != at)
				close(fd);
		_exit(read(101, &c, 1) > 0); /* until the test ends */
	}
	waitpid(pid, NULL, 0);
	if (read(told[0], &out.pid, sizeof out.pid) != sizeof out.pid)
		exit(1);
	close(told[0]);
	close(told[1]);
	close(data[1]);
	close(control[0]);
	out.read_fd = data[0];
	out.control = control[1];
	return out;
}

static unsigned ends_outside(const struct scene_options *opt)
{
	struct scene sc = scene_open("stdin-read", WAIT_FDS, NULL, opt);
	unsigned outside = sc.s->objects[sc.task->wait.on[0].object].outside;

	assert_int_equal(sc.s->objects[sc.task->wait.on[0].object].kind, OBJECT_PIPE);
	scene_close(&sc);
	scene_kill_all(NULL);
	return outside;
}

static void holders_outside_are_seen(void **state)
{
	const struct outsider *o = *state;

	assert_int_equal(ends_outside(&(struct scene_options){.stdin_fd = o[0].read_fd}), END_WRITE);
}

/** Of a guard only its standard error counts. */
static void guards_hold_standard_error_alone(void **state)
{
	const struct outsider *o = *state;

	assert_int_equal(ends_outside(&(struct scene_options){.stdin_fd = o[0].read_fd, .skip = o[0].pid}), 0);
	assert_int_equal(ends_outside(&(struct scene_options){.stdin_fd = o[1].read_fd, .skip = o[1].pid}), END_WRITE);
}

/** Does the process tell what its descriptors are, or has it ended? */
static bool tells_its_descriptors(const char *pid)
{
	char path[300], to[8];
	bool told = true;
	struct dirent *e;
	DIR *fds;

	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	fds = opendir(path);
	if (!fds)
		return errno != EACCES && errno != EPERM;
	while ((e = readdir(fds)))
		if (readlinkat(dirfd(fds), e->d_name, to, sizeof to) < 0 && errno == EACCES)
			told = false;
	closedir(fds);
	return told || kill(atoi(pid), 0) < 0; /* of one that has just been reaped the links are refused as well */
}

/** May the descriptors of all processes be seen here, as found without observe, and is nobody out of sight? Only who is in the
 *  first pid namespace sees all others (pid_namespaces(7)); its number is fixed (PROC_PID_INIT_INO in include/linux/proc_ns.h). */
static bool all_can_be_seen(void)
{
	bool all = true;
	struct dirent *e;
	struct stat ns;
	DIR *proc = opendir("/proc");

	assert_non_null(proc);
	assert_int_equal(stat("/proc/self/ns/pid", &ns), 0);
	while ((e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			all &= tells_its_descriptors(e->d_name);
	closedir(proc);
	return all && ns.st_ino == 0xeffffffc;
}

/** Who can't look at all processes takes what was inherited as held by others. */
static void check_inherited(unsigned expected)
{
	int fd[2];
	char name[64];
	const char *names[] = {name};
	struct stat st;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(fstat(fd[0], &st), 0);
	snprintf(name, sizeof name, "pipe:[%llu]", (unsigned long long)st.st_ino);
	assert_int_equal(ends_outside(&(struct scene_options){.stdin_fd = fd[0], .inherited = names, .ninherited = 1}), expected);
	assert_int_equal(ends_outside(&(struct scene_options){.stdin_fd = fd[0]}), 0);
	close(fd[0]);
	close(fd[1]);
}

static void inherited_counts_for_the_blind(void **state)
{
	(void)state;
	check_inherited(all_can_be_seen() ? 0 : END_BOTH);
}

/** Whoever is outside of the namespace can't be seen, with whatever rights. */
static int with_outsiders_out_of_sight(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	pid = fork();
	if (pid == 0) {
		if (mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(77);
		check_inherited(END_BOTH);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/** Root all the same, but others that may do more don't tell what their descriptors are (ptrace(2), access mode checking). */
static int without_the_right_to_look(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, caps) < 0)
		return 77;
	caps[0].effective &= ~(UINT32_C(1) << CAP_SYS_PTRACE);
	caps[0].permitted &= ~(UINT32_C(1) << CAP_SYS_PTRACE);
	if (syscall(SYS_capset, &header, caps) < 0 || prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0) < 0)
		return 77;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	check_inherited(END_BOTH);
	return 0;
}

static void inherited_counts_in_a_namespace(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	run_apart(with_outsiders_out_of_sight);
}

static void inherited_counts_without_the_right_to_look(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	run_apart(without_the_right_to_look);
}

/* ---- hidden ---- */

/** As another user below a /proc that hides what is not ours: a child of root's stays known, live, and opaque. */
static int with_hidden_child(void)
{
	struct observe_options opt = {.supervisor = getpid()};
	struct observe_pass p;
	struct snapshot *s = NULL;
	struct observe *ob;
	struct err err = {0};
	int64_t until_ns;
	char buf[160];
	int rc = 1;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, "hidepid=2") < 0)
		return 77;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	opt.root = pid;
	/* of no group either: hidepid lets the members of group 0 see (proc(5)) */
	if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 77;
	if (observe_open(&opt, &ob, &err) < 0 || observe_pass(ob, sys_monotonic_ns(), NULL, &p, &err) < 0)
		return 3;
	if (p.ntasks == 1 && observe_snapshot(ob, sys_monotonic_ns(), &s, &err) == 0 && s->nprocs == 1 &&
	    !s->procs[0].readable && s->tasks[0].wait.op == WAIT_RUN &&
	    observe_seed(ob, sys_monotonic_ns(), NS_PER_S, &until_ns, buf, sizeof buf) && strstr(buf, "hidden"))
		rc = 0;
	snapshot_free(s);
	observe_close(ob);
	return rc; /* the child ends with us */
}

static void a_hidden_child_counts_as_live(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	run_apart(with_hidden_child);
}

/* ---- alarms ---- */

static void alarms_are_of_whoever_may_have_armed_them(void **state)
{
	struct alarm_seen rows[] = {
		{{1, 900}, NEVER_NS, 500}, /* there before the run */
		{{2, 800}, 300, 500},      /* armed after 300 */
		{{3, 700}, 100, 500},
		{{4, 600}, 100, 100},      /* gone before its time */
	};
	struct observe ob = {.alarms_shown_ns = 500, .alarms_shown_before_ns = 400};

	(void)state;
	ob.alarms.at = rows;
	ob.alarms.n = ARRAY_SIZE(rows);
	assert_int_equal(alarms_until(&ob, 50, 600), NEVER_NS);
	assert_int_equal(alarms_until(&ob, 99, 600), NEVER_NS);
	assert_int_equal(alarms_until(&ob, 100, 600), 100);
	assert_int_equal(alarms_until(&ob, 1000, 600), 100);
	assert_int_equal(alarms_until(&ob, 1000, 750), 0); /* due */
	rows[2].absent_ns = NEVER_NS;
	assert_int_equal(alarms_until(&ob, 300, 600), 200);
	assert_int_equal(alarms_until(&ob, 299, 600), NEVER_NS);
}

int main(void)
{
	struct outsider outsiders[] = {start_outsider(7), start_outsider(STDERR_FILENO)};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(descriptors_are_those_of_this_block, scene_kill_all),
		cmocka_unit_test_teardown(forks_and_ends_are_seen, scene_kill_all),
		cmocka_unit_test_teardown(a_move_is_seen_once, scene_kill_all),
		cmocka_unit_test_teardown(few_descriptors_are_enough, scene_kill_all),
		cmocka_unit_test_teardown(switches_serve_as_counters, scene_kill_all),
		cmocka_unit_test_teardown(without_kcmp_nothing_is_missed, scene_kill_all),
		cmocka_unit_test_teardown(seeds_are_told, scene_kill_all),
		cmocka_unit_test_teardown(current_test_is_read, scene_kill_all),
		cmocka_unit_test_teardown(other_values_are_no_test, scene_kill_all),
		cmocka_unit_test_teardown(test_of_python_is_read, scene_kill_all),
		{"holders_outside_are_seen", holders_outside_are_seen, NULL, scene_kill_all, outsiders},
		{"guards_hold_standard_error_alone", guards_hold_standard_error_alone, NULL, scene_kill_all, outsiders},
		cmocka_unit_test_teardown(inherited_counts_for_the_blind, scene_kill_all),
		cmocka_unit_test_teardown(inherited_counts_in_a_namespace, scene_kill_all),
		cmocka_unit_test_teardown(inherited_counts_without_the_right_to_look, scene_kill_all),
		cmocka_unit_test_teardown(a_hidden_child_counts_as_live, scene_kill_all),
		cmocka_unit_test(alarms_are_of_whoever_may_have_armed_them),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return 1;
	return cmocka_run_group_tests_name("observe pass", tests, NULL, NULL);
}
