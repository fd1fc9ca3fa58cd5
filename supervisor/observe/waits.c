/* A task's look -> what it waits for, now that the objects are there. */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "observe/build.h"

static struct wait live(const char *why)
{
	return (struct wait){.op = WAIT_RUN, .why = why, .timeout_ns = NEVER_NS};
}

static int compare_fd(const void *key, const void *element)
{
	int fd = *(const int *)key, other = ((const struct held_fd *)element)->fd;

	return (fd > other) - (fd < other);
}

/** Descriptors of a process ascend. -1: not open. */
static int object_at(const struct process *p, int fd)
{
	const struct held_fd *f = p->nfds ? bsearch(&fd, p->fds, p->nfds, sizeof *p->fds, compare_fd) : NULL;

	return f ? f->object : -1;
}

/* ---- descriptors ---- */

static bool blocks_by_itself(enum object_kind kind)
{
	return kind == OBJECT_PIPE || kind == OBJECT_UNIX || kind == OBJECT_TCP ||
	       kind == OBJECT_UDP || kind == OBJECT_PTY;
}

/** unshare(CLONE_FILES): a thread with a table of its own waits on descriptors that the process's list does not show. */
static bool has_own_table(const struct seen_process *p, const struct seen_task *t)
{
	return p->tasks.n > 1 && t->tid != p->details.lead &&
	       sys_kcmp(p->details.lead, t->tid, KCMP_FILES, 0, 0) > 0;
}

static struct wait wait_fds(struct builder *b, size_t i, const struct seen_task *t, struct wait w)
{
	const struct look *l = &t->look;
	const struct process *p = &b->procs.at[i];
	bool splices = strcmp(l->why, "splice") == 0;

	if (has_own_table(b->ob->procs.at[i], t))
		return live("has descriptors of its own");
	w.why = l->why;
	w.on = arena_array(b->arena, l->nfds, sizeof *w.on);
	for (size_t k = 0; k < l->nfds; k++) {
		int object = object_at(p, l->fds[k].fd);

		if (splices && (object < 0 || !blocks_by_itself(b->objects.at[object].kind)))
			continue;
		w.on[w.non++] = (struct wait_target){object, l->fds[k].way, l->fds[k].fd};
	}
	b->waits_fds = true;
	return splices && w.non == 0 ? live("splices between files") : w;
}

/* ---- children ---- */

struct wanted {
	bool all, group;
	pid_t id;
};

static pid_t pidfd_target(const struct builder *b, const struct process *p, int fd)
{
	int object = object_at(p, fd);

	return object >= 0 ? b->objects.at[object].pid : -1;
}

static struct wanted wanted_children(const struct builder *b, const struct process *p, const struct look *l)
{
	int id = (int)(uint32_t)l->args[l->call == SYS_wait4 ? 0 : 1];

	if (l->call == SYS_wait4) {
		if (id == -1)
			return (struct wanted){.all = true};
		if (id > 0)
			return (struct wanted){.id = id};
		return (struct wanted){.group = true, .id = id ? -id : p->pgrp};
	}
	switch ((int)l->args[0]) {
	case P_ALL:
		return (struct wanted){.all = true};
	case P_PID:
		return (struct wanted){.id = id};
	case P_PIDFD:
		return (struct wanted){.id = pidfd_target(b, p, id)};
	default:
		return (struct wanted){.group = true, .id = id ? id : p->pgrp};
	}
}

static void add_child(const struct builder *b, const struct wanted *want, pid_t pid, struct wait *w)
{
	size_t i;
	bool known = idmap_get(b->ob->by_pid, (uint64_t)pid, &i);

	if (want->group ? known && !b->ob->procs.at[i]->hidden && b->procs.at[i].pgrp != want->id :
			  !want->all && pid != want->id)
		return;
	w->pids[w->npids++] = pid;
}

static bool traced_by(const struct seen_process *p, const struct seen_process *tracer)
{
	for (size_t i = 0; i < tracer->tasks.n; i++)
		if (p->details.status.tracer == tracer->tasks.at[i].tid)
			return true;
	return false;
}

/** A tracer waits for its tracees like for children (ptrace(2)). */
static struct wait wait_child(struct builder *b, size_t i, const struct look *l, struct wait w)
{
	const struct process *p = &b->procs.at[i];
	struct wanted want = wanted_children(b, p, l);

	w.any = want.all || want.group;
	w.pids = arena_array(b->arena, p->nkids + b->procs.n, sizeof *w.pids);
	for (size_t k = 0; k < p->nkids; k++)
		add_child(b, &want, p->kids[k], &w);
	for (size_t k = 0; k < b->procs.n; k++) {
		const struct seen_process *q = b->ob->procs.at[k];

		if (q->details.status.tracer && q->stat.ppid != p->pid && traced_by(q, b->ob->procs.at[i]))
			add_child(b, &want, q->pid, &w);
	}
	return w;
}

/* ---- locks ---- */

/** The shared mapping that ADDR of the task lies in; key NULL when it is private, whatever the operation was. */
static bool find_mapping(struct builder *b, const struct seen_process *p, uint64_t addr, struct wait *w)
{
	proc_path path;
	struct mapping m;

	snprintf(path, sizeof path, "%d/task/%d/maps", p->pid, p->details.lead);
	if (sys_read_file(b->ob->proc_fd, path, &b->ob->scratch, NULL))
		return false;
	for (struct cursor c = {text_str(&b->ob->scratch), b->ob->scratch.n}; parse_next_mapping(&c, &m);) {
		if (addr < m.start || addr >= m.end)
			continue;
		if (m.shared) {
			w->key = arena_printf(b->arena, "%s:%llu", m.device, (unsigned long long)m.inode);
			w->named = names_has_mapping(b->ob, p->pid, &m);
			w->random = w->named && names_is_random(&m);
		}
		return true;
	}
	return false;
}

static void note_shared_key(struct builder *b, const char *key)
{
	for (size_t i = 0; i < b->shared_keys.n; i++)
		if (strcmp(b->shared_keys.at[i], key) == 0)
			return;
	vec_push(&b->shared_keys, key);
}

static bool is_thread_of(const struct seen_process *p, uint32_t tid)
{
	for (size_t i = 0; i < p->tasks.n; i++)
		if ((uint32_t)p->tasks.at[i].tid == tid)
			return true;
	return false;
}

static bool is_thread_of_tree(const struct builder *b, uint32_t tid)
{
	for (size_t i = 0; i < b->procs.n; i++)
		if (is_thread_of(b->ob->procs.at[i], tid))
			return true;
	return false;
}

/** What glibc leaves in the word (pthread_mutex_lock(3), pthread_join(3)): the holder's tid for PI and robust mutexes, in the
 *  word behind the next for others; the tid that a join waits for. An owner that is no thread is something else. */
static void find_owner(struct builder *b, const struct seen_process *p, const struct look *l, uint32_t word, struct wait *w)
{
	unsigned op = (unsigned)l->args[1], command = op & FUTEX_CMD_MASK;
	uint32_t value = (uint32_t)l->args[2], owner = 0;

	if (command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2)
		owner = word & FUTEX_TID_MASK;
	else if (op == (FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME) && value == word && is_thread_of(p, value))
		w->join = (pid_t)value;
	else if (command == FUTEX_WAIT && value == 2 &&
		 sys_read_memory(p->details.lead, l->args[0] + 8, &owner, sizeof owner) < 0)
		owner = 0;
	if (owner && is_thread_of_tree(b, owner))
		w->owner_word = (pid_t)owner;
	if (owner && is_thread_of(p, owner))
		w->owner = (pid_t)owner;
}

static struct wait wait_futex(struct builder *b, size_t i, const struct look *l, struct wait w)
{
	const struct seen_process *p = b->ob->procs.at[i];
	uint32_t word;

	if (sys_read_memory(p->details.lead, l->args[0], &word, sizeof word) < 0)
		return live("its memory can't be read");
	if (!(l->args[1] & FUTEX_PRIVATE_FLAG) && !find_mapping(b, p, l->args[0], &w))
		return live("the memory of its lock is not known");
	if (w.key)
		note_shared_key(b, w.key);
	find_owner(b, p, l, word, &w);
	return w;
}

/** MAJ:MIN:INODE as in /proc/locks. Where stat tells another device than the lock table (btrfs, overlays), no holder is
 *  found and the waiter counts as live. */
static struct wait wait_flock(struct builder *b, size_t i, const struct seen_task *t, struct wait w)
{
	const struct seen_process *p = b->ob->procs.at[i];
	int fd = (int)(uint32_t)t->look.args[0];
	struct statx st;
	proc_path path;

	if (has_own_table(p, t))
		return live("has descriptors of its own");
	snprintf(path, sizeof path, "%d/task/%d/fd/%d", p->pid, t->tid, fd);
	if (statx(b->ob->proc_fd, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &st) < 0)
		return live("the file of its lock can't be looked at");
	if (!names_locks_are_local(b->ob, p->details.lead, st.stx_dev_major, st.stx_dev_minor))
		return live("its lock is on a file system that others than this machine's processes may lock");
	w.key = arena_printf(b->arena, "%02x:%02x:%llu", st.stx_dev_major, st.stx_dev_minor, (unsigned long long)st.stx_ino);
	b->waits_lock = true;
	return w;
}

/* ---- the rest ---- */

static struct wait wait_stopped(const struct seen_process *p, struct wait w)
{
	w.op = WAIT_STOPPED;
	w.tracer = 0;
	w.tty = p->stat.tty && p->stat.tpgid > 0 && p->stat.tpgid != p->stat.pgrp;
	return w;
}

/** A stop that our own tracer keeps shows `t` for `T` (ptrace(2), PTRACE_LISTEN); from any other it is about to let the task go. The
 *  tracer is asked by tid: TracerPid is the process's first thread's, and all are traced by the same one. */
static struct wait wait_traced(const struct builder *b, const struct seen_process *p, const struct seen_task *t, struct wait w)
{
	const struct observe_options *opt = &b->ob->opt;

	w.tracer = p->details.status.tracer;
	if (!opt->tracer || w.tracer != opt->tracer)
		return w;
	if (opt->holds_stopped && opt->holds_stopped(opt->who, t->tid))
		return wait_stopped(p, w);
	return live("stopped for a moment by tracewrap's tracer");
}

static int64_t time_left(const struct builder *b, int64_t deadline_ns)
{
	if (deadline_ns == NEVER_NS)
		return NEVER_NS;
	return deadline_ns > b->now_ns ? deadline_ns - b->now_ns : 0;
}

static struct wait live_wait(struct builder *b, const struct look *l)
{
	if (l->why == look_unknown_call)
		return live(arena_printf(b->arena, "in system call %d, whose end is not known", l->call));
	return live(l->why ? l->why : "moved while it was looked at");
}

struct wait wait_of(struct builder *b, size_t i, const struct seen_task *t)
{
	const struct look *l = &t->look;
	const struct seen_process *p = b->ob->procs.at[i];
	struct wait w = {.op = l->op, .timeout_ns = time_left(b, l->deadline_ns), .takes_alarm = l->takes_alarm};

	if (!l->valid || l->op == WAIT_RUN)
		return live_wait(b, l);
	if (p->details.has_ring && l->op != WAIT_DEAD) /* the kernel works on behalf of it (io_uring(7)) */
		return live("its process has an io_uring");
	if (p->details.has_aio && l->op != WAIT_DEAD)
		return live("its process has kernel AIO");
	if (!idmap_get(b->ob->by_pid, (uint64_t)b->procs.at[i].vm, NULL) && l->op != WAIT_DEAD)
		return live("shares its memory with a process that is not looked at");
	switch (l->op) {
	case WAIT_FDS:
		return wait_fds(b, i, t, w);
	case WAIT_CHILD:
		return wait_child(b, i, l, w);
	case WAIT_FUTEX:
		return wait_futex(b, i, l, w);
	case WAIT_FLOCK:
		return wait_flock(b, i, t, w);
	case WAIT_SIGNAL:
		if (l->call != SYS_rt_sigtimedwait)
			w.takes_alarm = b->procs.at[i].alarm_use != ALARM_IGNORED;
		return w;
	case WAIT_STOPPED:
		return wait_stopped(p, w);
	case WAIT_TRACED:
		return wait_traced(b, p, t, w);
	case WAIT_RUN:
	case WAIT_VFORK:
	case WAIT_SLEEP:
	case WAIT_DEAD:
		return w;
	}
	return w;
}
