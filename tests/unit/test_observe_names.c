/* Names: who of outside could reach what a task waits for. Each situation is real, beside those that look like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/capability.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "observe_scene.h"

enum flags { PRIVATE = 1, LISTENER = 2, DATAGRAM = 4, NAMED = 8, PEER = 16, RANDOM = 32 };

struct row {
	const char *name;
	enum wait_op op;
	enum object_kind kind;
	unsigned flags; /* as root, among others */
	unsigned alone; /* the same in a network namespace that the tree has to itself */
	const char *why;
};

/** GUARD: a process that counts as one of ours; 0: none. */
static struct scene open_name(const char *name, pid_t guard)
{
	struct scene_options opt = {.skip = guard};
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, 400);
	char *copy = strdup(name), *argv[] = {path, copy, NULL};

	assert_true(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 2; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/helpers/mkname");

	struct scene sc = scene_start_command(argv, &opt);

	free(copy);
	return sc;
}

static void until(struct scene *sc, enum wait_op op, const char *why)
{
	for (int i = 0; i < 2000; i++) {
		if (scene_look(sc) == op && (op != WAIT_RUN || strstr(sc->task->wait.why, why)))
			return;
		sys_sleep_ns(10 * NS_PER_MS);
	}
	fail_msg("waits for %d (%s)", sc->task ? (int)sc->task->wait.op : -1, sc->task && sc->task->wait.why ? sc->task->wait.why : "");
}

static unsigned flags_of(const struct scene *sc, enum object_kind *kind)
{
	const struct wait *w = &sc->task->wait;
	const struct object *o = w->op == WAIT_FDS ? &sc->s->objects[w->on[0].object] : NULL;

	*kind = o ? o->kind : OBJECT_UNKNOWN;
	if (!o)
		return (w->named ? NAMED : 0u) | (w->random ? RANDOM : 0u);
	return (o->private ? PRIVATE : 0u) | (o->listener ? LISTENER : 0u) | (o->datagram ? DATAGRAM : 0u) | (o->named ? NAMED : 0u) |
	       (o->peer >= 0 ? PEER : 0u);
}

static void remove_files(void)
{
	glob_t g;

	if (glob("/tmp/mkname-*", 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			remove(g.gl_pathv[i]);
	globfree(&g);
	if (glob("/dev/shm/sem.mkname-*", 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			unlink(g.gl_pathv[i]);
	globfree(&g);
	if (glob("/dev/shm/sem.*-mk[0-9]*", 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			unlink(g.gl_pathv[i]);
	globfree(&g);
}

static unsigned see_beside(const struct row *row, enum object_kind *kind, pid_t guard)
{
	struct scene sc = open_name(row->name, guard);

	until(&sc, row->op, row->why);

	unsigned flags = flags_of(&sc, kind);

	scene_close(&sc);
	remove_files();
	return flags;
}

static unsigned see(const struct row *row, enum object_kind *kind)
{
	return see_beside(row, kind, 0);
}

static const struct row rows[] = {
	{"tcp-accept", WAIT_FDS, OBJECT_TCP, LISTENER, LISTENER | PRIVATE, NULL},
	{"abstract-accept", WAIT_FDS, OBJECT_UNIX, LISTENER, LISTENER | PRIVATE, NULL},
	{"path-accept", WAIT_FDS, OBJECT_UNIX, LISTENER, LISTENER, NULL},
	{"path-gone-accept", WAIT_FDS, OBJECT_UNIX, LISTENER | PRIVATE, LISTENER | PRIVATE, NULL},
	{"path-renamed-accept", WAIT_FDS, OBJECT_UNIX, LISTENER, LISTENER, NULL},
	{"dgram-path", WAIT_FDS, OBJECT_UNIX, DATAGRAM, DATAGRAM, NULL},
	{"dgram-path-gone", WAIT_FDS, OBJECT_UNIX, DATAGRAM | PRIVATE, DATAGRAM | PRIVATE, NULL},
	{"dgram-unnamed", WAIT_FDS, OBJECT_UNIX, DATAGRAM | PRIVATE, DATAGRAM | PRIVATE, NULL},
	{"dgram-pair", WAIT_FDS, OBJECT_UNIX, PEER, PEER, NULL},
	{"udp-recv", WAIT_FDS, OBJECT_UDP, DATAGRAM, DATAGRAM | PRIVATE, NULL},
	{"udp-connected", WAIT_FDS, OBJECT_UDP, DATAGRAM | PEER, DATAGRAM | PEER | PRIVATE, NULL},
	{"udp-outside", WAIT_FDS, OBJECT_UDP, 0, 0, NULL},
	{"fifo-linked", WAIT_FDS, OBJECT_PIPE, NAMED, NAMED, NULL},
	{"fifo-gone", WAIT_FDS, OBJECT_PIPE, 0, 0, NULL},
	{"sem-named", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED, NAMED, NULL},
	{"sem-gone", WAIT_FUTEX, OBJECT_UNKNOWN, 0, 0, NULL},
	{"sem-random", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED | RANDOM, NAMED | RANDOM, NULL},
	{"sem-random-opened", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED | RANDOM, NAMED | RANDOM, NULL},
	{"sem-random-loky", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED | RANDOM, NAMED | RANDOM, NULL},
	{"sem-random-for-all", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED, NAMED, NULL},
	{"sem-random-twice", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED, NAMED, NULL},
	{"sem-random-longer", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED, NAMED, NULL},
	{"map-memfd", WAIT_FUTEX, OBJECT_UNKNOWN, 0, 0, NULL},
	{"map-file", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED, NAMED, NULL},
	{"map-file-gone", WAIT_FUTEX, OBJECT_UNKNOWN, 0, 0, NULL},
	{"map-sysv", WAIT_FUTEX, OBJECT_UNKNOWN, NAMED, NAMED, NULL},
	{"sysv-message", WAIT_RUN, OBJECT_UNKNOWN, 0, 0, "whose end is not known"},
	{"fuse-read", WAIT_RUN, OBJECT_UNKNOWN, 0, 0, "the kernel holds it up in its call"},
	{"lock-odd", WAIT_RUN, OBJECT_UNKNOWN, 0, 0, "on a file system"},
	{"sysv-semaphore", WAIT_RUN, OBJECT_UNKNOWN, 0, 0, "whose end is not known"},
};

static void check_row(void **state)
{
	const struct row *row = *state;
	enum object_kind kind;

	assert_int_equal(see(row, &kind), row->flags);
	assert_int_equal(kind, row->kind);
}

/* ---- locks on files ---- */

/** Who waits for a byte of a file, of which another process of the tree has the second. OWN: whether we have the first.
 *  @return whether there is a lock that nobody of the tree shows. */
static bool locked_outside(const char *name, bool own)
{
	struct flock first = {.l_type = F_WRLCK, .l_len = 1};
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/tmp/mkname-lock-%d", getpid());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(setenv("MKNAME_LOCK", path, 1), 0);
	assert_int_equal(own ? fcntl(fd, F_SETLK, &first) : 0, 0);

	struct scene sc = open_name(name, 0);

	until(&sc, WAIT_FLOCK, NULL);
	assert_int_equal(snapshot_process(sc.s, sc.other)->nlocks, 1);

	bool outside = sc.task->wait.outside;

	scene_close(&sc);
	close(fd);
	remove_files();
	return outside;
}

static void locks_of_the_tree_are_shown(void **state)
{
	(void)state;
	assert_false(locked_outside("lock-second", false));
}

/** The lock that is in the way is ours, though the tree has one on the same file. */
static void locks_of_others_are_not(void **state)
{
	(void)state;
	assert_true(locked_outside("lock-first", true));
}

/* ---- in a network namespace of its own ---- */

static bool raise_loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

enum { SKIPPED = 77 };

/** Does RUN(DATA) in a namespace of its own. @return what it says. */
static int in_own_net(int (*run)(const void *), const void *data)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		_exit(unshare(CLONE_NEWNET) == 0 && raise_loopback() ? run(data) : SKIPPED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	return WEXITSTATUS(status);
}

static int see_alone(const void *data)
{
	enum object_kind kind;

	return (int)see(data, &kind);
}

static void alone(void **state)
{
	const struct row *row = *state;

	assert_int_equal(in_own_net(see_alone, row), row->alone);
}

_Noreturn static void stay(void)
{
	for (;;)
		pause();
}

static void *stay_as_thread(void *unused)
{
	(void)unused;
	stay();
}

/** A process that lives here, or one of whose threads does. */
static pid_t start_stranger(bool thread)
{
	int fd[2];
	pthread_t t;
	char c;
	pid_t pid = pipe(fd) < 0 ? -1 : fork();

	if (pid == 0) {
		if (thread && (pthread_create(&t, NULL, stay_as_thread, NULL) != 0 || unshare(CLONE_NEWNET) < 0))
			_exit(1);
		if (write(fd[1], "x", 1) == 1)
			stay();
		_exit(1);
	}
	close(fd[1]);
	if (pid > 0 && read(fd[0], &c, 1) != 1)
		pid = -1;
	close(fd[0]);
	return pid;
}

/** The tree is below a child of ours, so that the stranger is none of it; we are no stranger. */
static int beside(pid_t stranger)
{
	enum object_kind kind;
	pid_t supervisor = fork();
	int status;

	if (supervisor == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		_exit((int)see_beside(&rows[0], &kind, getppid()));
	}
	if (waitpid(supervisor, &status, 0) != supervisor || !WIFEXITED(status))
		return SKIPPED;
	if (stranger > 0)
		kill(stranger, SIGKILL);
	return WEXITSTATUS(status);
}

static int beside_nobody(const void *unused)
{
	(void)unused;
	return beside(0);
}

static int beside_process(const void *unused)
{
	(void)unused;
	return beside(start_stranger(false));
}

static int beside_thread(const void *unused)
{
	(void)unused;
	return beside(start_stranger(true));
}

static void beside_a_stranger(void **state)
{
	(void)state;
	assert_int_equal(in_own_net(beside_nobody, NULL), LISTENER | PRIVATE);
	assert_int_equal(in_own_net(beside_process, NULL), LISTENER);
}

static void beside_a_thread_of_a_stranger(void **state)
{
	(void)state;
	assert_int_equal(in_own_net(beside_thread, NULL), LISTENER);
}

/* ---- where not everybody is in sight ---- */

static bool own_proc(const char *options)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("proc", "/proc", "proc", 0, options) == 0;
}

static int in_proc_of_its_own(const void *unused)
{
	enum object_kind kind;

	(void)unused;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return own_proc(NULL) ? (int)see(&rows[0], &kind) : SKIPPED;
}

/** Whoever is outside of a pid namespace may be in the network namespace all the same. */
static int below_a_pid_namespace(const void *unused)
{
	int status;
	pid_t pid = unshare(CLONE_NEWPID) < 0 ? -1 : fork();

	if (pid == 0)
		_exit(in_proc_of_its_own(unused));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : SKIPPED;
}

/** As for a plain user where /proc shows everybody his own processes alone: init has rights that we lack, so that it is hidden (hidepid in
 *  proc(5)). */
static int among_the_hidden(const void *unused)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	enum object_kind kind;

	(void)unused;
	if (!own_proc("hidepid=2,gid=12345") || syscall(SYS_capget, &header, data) < 0)
		return SKIPPED;
	data[0].effective &= ~(1u << CAP_SYS_PTRACE);
	data[0].permitted &= ~(1u << CAP_SYS_PTRACE);
	data[0].inheritable &= ~(1u << CAP_SYS_PTRACE);
	if (prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0 || access("/proc/1/stat", F_OK) == 0)
		return SKIPPED;
	return (int)see(&rows[0], &kind);
}

static void all_in_sight(void **state)
{
	(void)state;
	assert_int_equal(in_own_net(in_proc_of_its_own, NULL), LISTENER | PRIVATE);
}

static void strangers_beyond_the_namespace(void **state)
{
	(void)state;
	assert_int_equal(in_own_net(below_a_pid_namespace, NULL), LISTENER);
}

static void strangers_that_are_hidden(void **state)
{
	(void)state;
	assert_int_equal(in_own_net(among_the_hidden, NULL), LISTENER);
}

/** Another interface, however it is called, may lead to somebody. */
static int with_interface(const void *data)
{
	enum object_kind kind;

	return system("ip link add two type dummy 2>/dev/null || ip link add two type veth peer name three 2>/dev/null") == 0 ?
		       (int)see(data, &kind) :
		       SKIPPED;
}

static void with_another_interface(void **state)
{
	(void)state;
	assert_int_equal(in_own_net(with_interface, &rows[0]), LISTENER);
}

#define MORE(f) cmocka_unit_test_teardown(f, scene_kill_all)

static const struct CMUnitTest more[] = {
	MORE(locks_of_the_tree_are_shown), MORE(locks_of_others_are_not), MORE(beside_a_stranger), MORE(beside_a_thread_of_a_stranger),
	MORE(all_in_sight), MORE(strangers_beyond_the_namespace), MORE(strangers_that_are_hidden), MORE(with_another_interface),
};

int main(void)
{
	enum { N = ARRAY_SIZE(rows) };
	struct CMUnitTest tests[2 * N + ARRAY_SIZE(more)];

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return 1;
	for (size_t i = 0; i < N; i++) {
		void *row = (void *)(uintptr_t)&rows[i];

		tests[i] = (struct CMUnitTest){rows[i].name, check_row, NULL, scene_kill_all, row};
		tests[N + i] = (struct CMUnitTest){rows[i].name, alone, NULL, scene_kill_all, row};
	}
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		tests[2 * N + i] = more[i];
	return cmocka_run_group_tests_name("observe_names", tests, NULL, NULL);
}
