/* Snapshots of real situations, made by tests/helpers/mkwait on the kernel that runs the tests. */
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
#include <sys/prctl.h>
#include <sys/wait.h>

#include "observe_scene.h"

struct row {
	const char *name;
	enum wait_op op;
	const char *call;      /* NULL: any */
	enum object_kind kind; /* of the first object waited on */
	unsigned way;          /* 0: no object */
	void (*more)(struct scene *sc);
	const char *why; /* of WAIT_RUN */
};

/* ---- what a row may ask besides ---- */

static const struct object *first_object(const struct scene *sc)
{
	const struct wait *w = &sc->task->wait;

	assert_true(w->non > 0);
	assert_in_range(w->on[0].object, 0, sc->s->nobjects - 1);
	return &sc->s->objects[w->on[0].object];
}

/** Ends of the first object that PID holds. */
static unsigned held_ends(const struct scene *sc, pid_t pid)
{
	const struct process *p = snapshot_process(sc->s, pid);
	unsigned ends = 0;

	assert_non_null(p);
	for (size_t i = 0; i < p->nfds; i++)
		if (p->fds[i].object == sc->task->wait.on[0].object)
			ends |= p->fds[i].ends;
	return ends;
}

static void holds_both(struct scene *sc)
{
	assert_int_equal(held_ends(sc, sc->pid), END_BOTH);
	assert_int_equal(first_object(sc)->outside, 0);
	assert_false(first_object(sc)->named);
}

static void a_file_tells(struct scene *sc)
{
	assert_true(snapshot_process(sc->s, sc->pid)->file_signals);
}

static void no_file_tells(struct scene *sc)
{
	assert_false(snapshot_process(sc->s, sc->pid)->file_signals);
}

static void is_under_way(struct scene *sc)
{
	assert_true(first_object(sc)->transit);
}

static void other_writes(struct scene *sc)
{
	assert_int_equal(held_ends(sc, sc->pid), END_READ);
	assert_int_equal(held_ends(sc, sc->other), END_BOTH);
}

static void is_named(struct scene *sc)
{
	char path[64];

	snprintf(path, sizeof path, "/tmp/mkwait-fifo-%d", sc->pid);
	unlink(path);
	assert_true(first_object(sc)->named);
	assert_string_equal(first_object(sc)->name, path);
}

static void is_not_named(struct scene *sc)
{
	assert_false(first_object(sc)->named);
}

/** The peer is another object of the same kind, and the peer's peer is the first. */
static void has_peer(struct scene *sc)
{
	const struct object *o = first_object(sc);

	assert_in_range(o->peer, 0, sc->s->nobjects - 1);
	assert_ptr_not_equal(&sc->s->objects[o->peer], o);
	assert_int_equal(sc->s->objects[o->peer].kind, o->kind);
	assert_int_equal(sc->s->objects[o->peer].peer, o - sc->s->objects);
	assert_false(o->listener);
	assert_false(o->read_timer);
	assert_int_equal(o->outside, 0);
}

static void peer_listens(struct scene *sc)
{
	const struct object *o = first_object(sc);

	assert_in_range(o->peer, 0, sc->s->nobjects - 1);
	assert_true(sc->s->objects[o->peer].listener);
}

static void peer_gone(struct scene *sc)
{
	assert_true(first_object(sc)->peer < 0);
}

static void listens(struct scene *sc)
{
	assert_true(first_object(sc)->listener);
}

static void in_100_s(struct scene *sc)
{
	assert_in_range(sc->task->wait.timeout_ns, 1, 100 * NS_PER_S);
	assert_true(scene_seed_until(sc) > 0);
}

static void in_25_s(struct scene *sc)
{
	assert_in_range(sc->task->wait.timeout_ns, 1, 25 * NS_PER_S);
}

static void watches(struct scene *sc, enum object_kind kind)
{
	const struct object *o = first_object(sc);

	assert_int_equal(o->nwatch, 1);
	assert_int_equal(sc->s->objects[o->watch[0].object].kind, kind);
	assert_int_equal(o->watch[0].way, END_READ);
}

static void watches_pipe(struct scene *sc)
{
	watches(sc, OBJECT_PIPE);
}

static void watches_epoll(struct scene *sc)
{
	const struct object *inner;

	watches(sc, OBJECT_EPOLL);
	inner = &sc->s->objects[first_object(sc)->watch[0].object];
	assert_int_equal(inner->nwatch, 1);
	assert_int_equal(sc->s->objects[inner->watch[0].object].kind, OBJECT_PIPE);
}

static void watches_other(struct scene *sc)
{
	watches(sc, OBJECT_PIDFD);
	assert_int_equal(sc->s->objects[first_object(sc)->watch[0].object].pid, sc->other);
}

static void watches_eventfd(struct scene *sc)
{
	const char *name;
	char link[64], path[64];

	watches(sc, OBJECT_EVENTFD);
	name = sc->s->objects[first_object(sc)->watch[0].object].name;
	/* The highest descriptor is the duplicate of the one that is watched. */
	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof path, "/proc/%d/fd/%d", sc->pid, fd);
		if (sys_readlink(AT_FDCWD, path, link, sizeof link, NULL) == 0 && strstr(link, "eventfd"))
			sc->number = fd;
	}

	const struct process *p = snapshot_process(sc->s, sc->pid);

	for (size_t i = 0; i < p->nfds; i++)
		if (p->fds[i].fd == sc->number)
			assert_string_equal(sc->s->objects[p->fds[i].object].name, name);
}

static void watches_unknown(struct scene *sc)
{
	watches(sc, OBJECT_UNKNOWN);
	assert_int_equal(sc->s->ninflight, 1);
}

static void two_pipes(struct scene *sc)
{
	const struct wait *w = &sc->task->wait;

	assert_int_equal(w->non, 2);
	assert_int_equal(w->on[1].way, END_WRITE);
	assert_int_equal(sc->s->objects[w->on[1].object].kind, OBJECT_PIPE);
	assert_int_not_equal(w->on[0].object, w->on[1].object);
}

static void two_pipes_100_s(struct scene *sc)
{
	two_pipes(sc);
	in_100_s(sc);
}

static void on_fd_100(struct scene *sc)
{
	assert_int_equal(sc->task->wait.non, 1);
	assert_int_equal(sc->task->wait.on[0].fd, 100);
}

static void both_hold(struct scene *sc)
{
	assert_int_equal(held_ends(sc, sc->pid), END_BOTH);
	assert_int_equal(held_ends(sc, sc->other), END_BOTH);
}

static void is_armed(struct scene *sc)
{
	assert_true(first_object(sc)->armed);
}

static void is_not_armed(struct scene *sc)
{
	assert_false(first_object(sc)->armed);
}

static void takes_alarm(struct scene *sc)
{
	assert_true(first_object(sc)->takes_alarm);
}

static void takes_no_alarm(struct scene *sc)
{
	assert_false(first_object(sc)->takes_alarm);
}

static void is_private(struct scene *sc)
{
	assert_null(sc->task->wait.key);
	assert_int_equal(sc->task->wait.owner, 0);
	assert_int_equal(sc->task->wait.join, 0);
}

static bool maps(const struct scene *sc, pid_t pid, const char *key)
{
	const struct process *p = snapshot_process(sc->s, pid);

	for (size_t i = 0; p && i < p->nshm; i++)
		if (strcmp(p->shm[i], key) == 0)
			return true;
	return false;
}

static void is_shared(struct scene *sc)
{
	const char *key = sc->task->wait.key;

	assert_non_null(key);
	assert_false(sc->task->wait.named);
	assert_false(sc->task->wait.outside);
	assert_true(maps(sc, sc->pid, key) && maps(sc, sc->other, key));
}

static void is_shared_by_name(struct scene *sc)
{
	char path[64];

	snprintf(path, sizeof path, "/dev/shm/mkwait-%d", sc->pid);
	unlink(path);
	assert_non_null(sc->task->wait.key);
	assert_true(sc->task->wait.named);
	assert_true(maps(sc, sc->other, sc->task->wait.key));
}

static void other_owns(struct scene *sc)
{
	assert_int_equal(sc->task->wait.owner, sc->other);
	assert_int_equal(sc->task->wait.owner_word, sc->other);
	assert_int_equal(sc->task->wait.join, 0);
}

static void joins_other(struct scene *sc)
{
	assert_int_equal(sc->task->wait.join, sc->other);
	assert_int_equal(sc->task->wait.owner, 0);
}

static bool locks(const struct scene *sc, pid_t pid)
{
	const struct process *p = snapshot_process(sc->s, pid);

	for (size_t i = 0; p && i < p->nlocks; i++)
		if (strcmp(p->locks[i], sc->task->wait.key) == 0)
			return true;
	return false;
}

static void locked_by_itself(struct scene *sc)
{
	if (!locks(sc, sc->pid)) { /* stat and the lock table may name the device differently: nobody is known then */
		print_message("the lock's key differs from stat's\n");
		skip();
	}
}

static void locked_by_other(struct scene *sc)
{
	locked_by_itself(&(struct scene){.s = sc->s, .task = sc->task, .pid = sc->other});
	assert_false(locks(sc, sc->pid));
}

static void for_other(struct scene *sc)
{
	assert_int_equal(sc->task->wait.npids, 1);
	assert_int_equal(sc->task->wait.pids[0], sc->other);
}

static void for_other_alone(struct scene *sc)
{
	for_other(sc);
	assert_false(sc->task->wait.any);
	assert_int_equal(snapshot_process(sc->s, sc->pid)->nkids, 2);
}

static void for_any(struct scene *sc)
{
	for_other(sc);
	assert_true(sc->task->wait.any);
}

static void has_one_kid(struct scene *sc)
{
	assert_int_equal(snapshot_process(sc->s, sc->pid)->nkids, 1);
}

static void shares_memory(struct scene *sc)
{
	assert_int_equal(snapshot_process(sc->s, sc->other)->vm, sc->pid);
	assert_true(snapshot_process(sc->s, sc->other)->forked);
}

static void shares_no_memory(struct scene *sc)
{
	assert_int_equal(snapshot_process(sc->s, sc->other)->vm, sc->other);
	assert_true(snapshot_process(sc->s, sc->other)->forked);
}

static void runs_another_image(struct scene *sc)
{
	assert_false(snapshot_process(sc->s, sc->other)->forked);
	assert_false(snapshot_process(sc->s, sc->pid)->forked);
}

static void alarm_maybe(struct scene *sc)
{
	const struct process *p = snapshot_process(sc->s, sc->pid);

	assert_int_equal(p->alarm_use, ALARM_MAYBE);
	assert_true(sc->task->wait.takes_alarm);
	assert_false(p->posix_timers);
	assert_false(p->catches_chld);
}

static void alarm_caught(struct scene *sc)
{
	assert_int_equal(snapshot_process(sc->s, sc->pid)->alarm_use, ALARM_CAUGHT);
	assert_true(snapshot_process(sc->s, sc->pid)->catches_chld);
}

static void alarm_ignored(struct scene *sc)
{
	assert_int_equal(snapshot_process(sc->s, sc->pid)->alarm_use, ALARM_IGNORED);
	assert_false(sc->task->wait.takes_alarm);
}

static void waits_for_alarm(struct scene *sc)
{
	assert_true(sc->task->wait.takes_alarm);
	assert_int_equal(sc->task->wait.timeout_ns, NEVER_NS);
}

static void alarm_armed(struct scene *sc)
{
	const struct process *p = snapshot_process(sc->s, sc->pid);

	if (sc->s->alarms_known)
		assert_in_range(p->alarm_ns, 1, 100 * NS_PER_S);
	else
		assert_non_null(observe_blind_spots(sc->ob)[0]);
}

static void has_posix_timer(struct scene *sc)
{
	assert_true(snapshot_process(sc->s, sc->pid)->posix_timers);
}

static void other_thread_reads(struct scene *sc)
{
	const struct task *t = snapshot_task(sc->s, sc->other);
	const struct process *p = snapshot_process(sc->s, sc->pid);

	assert_non_null(t);
	assert_true(p->readable);
	assert_int_equal(t->wait.op, WAIT_FDS);
	assert_int_equal(sc->s->objects[t->wait.on[0].object].kind, OBJECT_PIPE);
}

static void one_in_flight(struct scene *sc)
{
	assert_int_equal(sc->s->ninflight, 1);
	assert_int_equal(sc->s->objects[sc->s->inflight[0]].kind, OBJECT_UNIX);
}

static void none_in_flight(struct scene *sc)
{
	has_peer(sc);
	assert_int_equal(sc->s->ninflight, 0);
}

static void other_is_live(struct scene *sc)
{
	const struct task *t = snapshot_task(sc->s, sc->other);

	assert_non_null(t);
	assert_int_equal(t->wait.op, WAIT_RUN);
}

static void refused(struct scene *sc)
{
	if (geteuid() == 0)
		return;
	assert_false(snapshot_process(sc->s, sc->pid)->readable);
	assert_int_equal(sc->task->wait.op, WAIT_RUN);
}

static void name_is_kept(struct scene *sc)
{
	assert_string_equal(sc->task->comm, "a) S 1 (?");
	assert_true(snapshot_process(sc->s, sc->pid)->ppid == getpid());
}

static void stopped_by_hand(struct scene *sc)
{
	assert_false(sc->task->wait.tty && snapshot_process(sc->s, sc->pid)->tty == 0);
}

static void runs(struct scene *sc)
{
	assert_int_equal(scene_seed_until(sc), 0);
}

static void other_can_not_be_read(struct scene *sc)
{
	const struct task *t = snapshot_task(sc->s, sc->other);

	assert_non_null(t);
	assert_int_equal(t->wait.op, WAIT_RUN);
	assert_non_null(strstr(t->wait.why, "can't be read"));
}

static const struct row rows[] = {
	{"pipe-full", WAIT_FDS, "write", OBJECT_PIPE, END_WRITE, holds_both, NULL},
	{"pipe-eof", WAIT_FDS, "read", OBJECT_PIPE, END_READ, other_writes, NULL},
	{"fifo", WAIT_FDS, "read", OBJECT_PIPE, END_READ, is_named, NULL},
	{"fifo-deleted", WAIT_FDS, "read", OBJECT_PIPE, END_READ, is_not_named, NULL},
	{"splice-full", WAIT_FDS, "splice", OBJECT_PIPE, END_READ, NULL, NULL},
	{"socketpair-full", WAIT_FDS, "write", OBJECT_UNIX, END_WRITE, has_peer, NULL},
	{"unix-recv", WAIT_FDS, "read", OBJECT_UNIX, END_READ, none_in_flight, NULL},
	{"unix-gone", WAIT_FDS, "read", OBJECT_UNIX, END_READ, peer_gone, NULL},
	{"unix-unaccepted", WAIT_FDS, "read", OBJECT_UNIX, END_READ, peer_listens, NULL},
	{"tcp-recv", WAIT_FDS, "read", OBJECT_TCP, END_READ, has_peer, NULL},
	{"tcp-full", WAIT_FDS, "write", OBJECT_TCP, END_WRITE, has_peer, NULL},
	{"tcp-unaccepted", WAIT_FDS, "read", OBJECT_TCP, END_READ, peer_listens, NULL},
	{"tcp-accept", WAIT_FDS, "accept", OBJECT_TCP, END_READ, listens, NULL},
	{"rcvtimeo", WAIT_FDS, "read", OBJECT_UNIX, END_READ, in_100_s, NULL},
	{"sndtimeo", WAIT_FDS, "write", OBJECT_UNIX, END_WRITE, in_100_s, NULL},
	{"pty-read", WAIT_FDS, "read", OBJECT_PTY, END_READ, has_peer, NULL},
	{"pty-full", WAIT_FDS, "write", OBJECT_PTY, END_WRITE, has_peer, NULL},
	{"tty-read", WAIT_FDS, "read", OBJECT_PTY, END_READ, has_peer, NULL},
	{"tty-vtime", WAIT_FDS, "read", OBJECT_PTY, END_READ, in_25_s, NULL},
	{"async", WAIT_SIGNAL, "pause", 0, 0, a_file_tells, NULL},
	{"owned", WAIT_SIGNAL, "pause", 0, 0, no_file_tells, NULL},
	{"lease", WAIT_SIGNAL, "pause", 0, 0, a_file_tells, NULL},
	{"queue-told", WAIT_SIGNAL, "pause", 0, 0, a_file_tells, NULL},
	{"queue-held", WAIT_SIGNAL, "pause", 0, 0, no_file_tells, NULL},
	{"folder-told", WAIT_SIGNAL, "pause", 0, 0, a_file_tells, NULL},
	{"folder-held", WAIT_SIGNAL, "pause", 0, 0, no_file_tells, NULL},
	{"urgent-told", WAIT_SIGNAL, "pause", 0, 0, a_file_tells, NULL},
	{"urgent-held", WAIT_SIGNAL, "pause", 0, 0, no_file_tells, NULL},
	{"aio", WAIT_RUN, "read", 0, 0, NULL, "kernel AIO"},
	{"tcp-user-timeout", WAIT_FDS, "write", OBJECT_TCP, END_WRITE, is_under_way, NULL},
	{"tcp-deferred", WAIT_FDS, "accept", OBJECT_TCP, END_READ, is_under_way, NULL},
	{"vtime", WAIT_FDS, "read", OBJECT_PTY, END_READ, in_25_s, NULL},
	{"vtime-vmin", WAIT_FDS, "read", OBJECT_PTY, END_READ, in_25_s, NULL},
	{"epoll", WAIT_FDS, "epoll_wait", OBJECT_EPOLL, END_READ, watches_pipe, NULL},
	{"epoll-timeout", WAIT_FDS, "epoll_wait", OBJECT_EPOLL, END_READ, in_100_s, NULL},
	{"epoll-nested", WAIT_FDS, "epoll_wait", OBJECT_EPOLL, END_READ, watches_epoll, NULL},
	{"epoll-pidfd", WAIT_FDS, "epoll_wait", OBJECT_EPOLL, END_READ, watches_other, NULL},
	{"epoll-eventfd", WAIT_FDS, "epoll_wait", OBJECT_EPOLL, END_READ, watches_eventfd, NULL},
	{"epoll-closed", WAIT_FDS, "epoll_wait", OBJECT_EPOLL, END_READ, watches_unknown, NULL},
	{"poll", WAIT_FDS, "poll", OBJECT_PIPE, END_READ, two_pipes, NULL},
	{"poll-timeout", WAIT_FDS, "poll", OBJECT_PIPE, END_READ, two_pipes_100_s, NULL},
	{"poll-again", WAIT_FDS, "poll", OBJECT_PIPE, END_READ, NULL, NULL},
	{"poll-again-timeout", WAIT_RUN, NULL, 0, 0, runs, "whose end is not known"},
	{"select", WAIT_FDS, NULL, OBJECT_PIPE, END_READ, on_fd_100, NULL},
	{"select-timeout", WAIT_FDS, NULL, 0, 0, in_100_s, NULL},
	{"eventfd", WAIT_FDS, "read", OBJECT_EVENTFD, END_READ, both_hold, NULL},
	{"timerfd-armed", WAIT_FDS, "read", OBJECT_TIMERFD, END_READ, is_armed, NULL},
	{"timerfd-disarmed", WAIT_FDS, "read", OBJECT_TIMERFD, END_READ, is_not_armed, NULL},
	{"signalfd-alarm", WAIT_FDS, "read", OBJECT_SIGNALFD, END_READ, takes_alarm, NULL},
	{"signalfd", WAIT_FDS, "read", OBJECT_SIGNALFD, END_READ, takes_no_alarm, NULL},
	{"inotify", WAIT_FDS, "read", OBJECT_OTHER, END_READ, NULL, NULL},
	{"futex-private", WAIT_FUTEX, "futex", 0, 0, is_private, NULL},
	{"futex-timeout", WAIT_FUTEX, "futex", 0, 0, in_100_s, NULL},
	{"futex-shared", WAIT_FUTEX, "futex", 0, 0, is_shared, NULL},
	{"futex-named", WAIT_FUTEX, "futex", 0, 0, is_shared_by_name, NULL},
	{"mutex-owner", WAIT_FUTEX, "futex", 0, 0, other_owns, NULL},
	{"mutex-pi", WAIT_FUTEX, "futex", 0, 0, other_owns, NULL},
	{"join", WAIT_FUTEX, "futex", 0, 0, joins_other, NULL},
	{"flock", WAIT_FLOCK, "flock", 0, 0, locked_by_itself, NULL},
	{"fcntl-lock", WAIT_FLOCK, "fcntl", 0, 0, locked_by_other, NULL},
	{"wait4", WAIT_CHILD, "wait4", 0, 0, for_other_alone, NULL},
	{"wait-any", WAIT_CHILD, "wait4", 0, 0, for_any, NULL},
	{"wait-group", WAIT_CHILD, "wait4", 0, 0, for_any, NULL},
	{"waitid-pidfd", WAIT_CHILD, "waitid", 0, 0, for_other_alone, NULL},
	{"vfork", WAIT_VFORK, "clone", 0, 0, has_one_kid, NULL},
	{"clone-vm", WAIT_SIGNAL, "pause", 0, 0, shares_memory, NULL},
	{"clone-files", WAIT_SIGNAL, "pause", 0, 0, shares_no_memory, NULL},
	{"exec-child", WAIT_SIGNAL, "pause", 0, 0, runs_another_image, NULL},
	{"pause", WAIT_SIGNAL, "pause", 0, 0, alarm_maybe, NULL},
	{"pause-caught", WAIT_SIGNAL, "pause", 0, 0, alarm_caught, NULL},
	{"pause-ignored", WAIT_SIGNAL, "pause", 0, 0, alarm_ignored, NULL},
	{"sigtimedwait", WAIT_SIGNAL, "rt_sigtimedwait", 0, 0, in_100_s, NULL},
	{"sigwait-alarm", WAIT_SIGNAL, "rt_sigtimedwait", 0, 0, waits_for_alarm, NULL},
	{"sleep", WAIT_SLEEP, NULL, 0, 0, in_100_s, NULL},
	{"clock-sleep", WAIT_SLEEP, "clock_nanosleep", 0, 0, in_100_s, NULL},
	{"stopped", WAIT_STOPPED, NULL, 0, 0, stopped_by_hand, NULL},
	{"alarm-pause", WAIT_SIGNAL, "pause", 0, 0, alarm_armed, NULL},
	{"posix-timer", WAIT_SIGNAL, "pause", 0, 0, has_posix_timer, NULL},
	{"spin", WAIT_RUN, NULL, 0, 0, runs, "runs"},
	{"dead-leader", WAIT_DEAD, NULL, 0, 0, other_thread_reads, NULL},
	{"scm-rights", WAIT_FDS, "read", OBJECT_PIPE, END_READ, one_in_flight, NULL},
	{"io-uring", WAIT_RUN, "read", 0, 0, NULL, "io_uring"},
	{"own-files", WAIT_SIGNAL, "pause", 0, 0, other_is_live, NULL},
	{"recvmmsg-timeout", WAIT_FDS, "recvmmsg", OBJECT_UNIX, END_READ, in_100_s, NULL},
	{"ppoll-timeout", WAIT_FDS, "ppoll", OBJECT_PIPE, END_READ, in_100_s, NULL},
	{"old-select-timeout", WAIT_FDS, "select", OBJECT_PIPE, END_READ, in_100_s, NULL},
	{"epoll2-timeout", WAIT_FDS, "epoll_pwait2", OBJECT_EPOLL, END_READ, in_100_s, NULL},
	{"futex-duration", WAIT_FUTEX, "futex", 0, 0, in_100_s, NULL},
	{"futex-requeue", WAIT_RUN, "futex", 0, 0, runs, "unknown futex operation"},
	{"raw-sleep", WAIT_SLEEP, "nanosleep", 0, 0, in_100_s, NULL},
	{"cpu-sleep", WAIT_RUN, "clock_nanosleep", 0, 0, runs, "clock that is not followed"},
	{"connect", WAIT_RUN, "connect", 0, 0, runs, "connects"},
	{"message-queue", WAIT_RUN, NULL, 0, 0, runs, "whose end is not known"},
	{"fifo-open", WAIT_RUN, NULL, 0, 0, runs, "whose end is not known"},
	{"unreadable-limit", WAIT_SIGNAL, "pause", 0, 0, other_can_not_be_read, NULL},
	{"closed-under-reader", WAIT_SIGNAL, "pause", 0, 0, other_can_not_be_read, NULL},
	{"odd-name", WAIT_SIGNAL, "pause", 0, 0, name_is_kept, NULL},
};

static void check_row(void **state)
{
	const struct row *row = *state;
	struct scene sc = scene_open(row->name, row->op, row->why, NULL);

	if (row->call)
		assert_string_equal(sc.task->call, row->call);
	if (row->way) {
		assert_int_equal(first_object(&sc)->kind, row->kind);
		assert_int_equal(sc.task->wait.on[0].way, row->way);
	}
	if (row->more)
		row->more(&sc);
	scene_close(&sc);
}

/* Not readable by a plain user, all readable by root: no row, for what it waits in depends on who looks. */
static void a_refused_process_may_hold_anything(void **state)
{
	struct scene sc = scene_open("not-dumpable", geteuid() ? WAIT_RUN : WAIT_FDS, geteuid() ? "can't be read" : NULL, NULL);

	(void)state;
	refused(&sc);
	scene_close(&sc);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){rows[i].name, check_row, NULL, scene_kill_all,
					       (void *)(uintptr_t)&rows[i]};
	tests[ARRAY_SIZE(rows)] =
		(struct CMUnitTest)cmocka_unit_test_teardown(a_refused_process_may_hold_anything, scene_kill_all);
	return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
