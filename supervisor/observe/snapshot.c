/* A snapshot: counters, details, counters again. A task that slept when it was looked at and whose counter did not move
 * until the end did nothing in between, so the details of all such tasks hold at one moment. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "observe/build.h"

static struct builder builder_new(struct observe *ob, int64_t now_ns)
{
	struct snapshot *s = snapshot_new();

	return (struct builder){.ob = ob, .s = s, .arena = s->arena, .now_ns = now_ns, .by_key = strmap_new()};
}

/** The snapshot itself stays. */
static void builder_free(struct builder *b)
{
	vec_free(&b->objects);
	vec_free(&b->sources);
	strmap_free(b->by_key);
	vec_free(&b->files);
	vec_free(&b->targets);
	vec_free(&b->procs);
	vec_free(&b->tasks);
	vec_free(&b->locks);
	vec_free(&b->inflight);
	vec_free(&b->shared_keys);
}

/* ---- processes ---- */

static bool has_signal(uint64_t mask, int sig)
{
	return mask >> (sig - 1) & 1;
}

static enum alarm_use alarm_use(const struct status_lines *status)
{
	if (has_signal(status->caught, SIGALRM))
		return ALARM_CAUGHT;
	return has_signal(status->ignored, SIGALRM) ? ALARM_IGNORED : ALARM_MAYBE;
}

static bool has_ended(const struct seen_process *p)
{
	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->tasks.at[i].look.op != WAIT_DEAD || !p->tasks.at[i].look.valid)
			return false;
	return !p->hidden;
}

/** The last moment at which P can have armed an alarm: it was first seen asleep then. */
static int64_t acted_ns(const struct builder *b, const struct seen_process *p)
{
	int64_t last_ns = 0;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct seen_task *t = &p->tasks.at[i];
		const struct look *l = &t->look;
		int64_t at_ns = !l->valid ? b->now_ns : known_idle(t) && t->idle_again ? t->ticks_since_ns : l->asleep_ns;

		if (at_ns > last_ns)
			last_ns = at_ns;
	}
	return last_ns;
}

static struct process process_of(struct builder *b, const struct seen_process *p)
{
	const struct details *d = &p->details;
	char *comm = arena_strdup(b->arena, p->stat.comm);

	text_clean(comm, strlen(comm));
	return (struct process){
		.pid = p->pid,
		.ppid = p->stat.ppid,
		.pgrp = p->stat.pgrp,
		.tpgid = p->stat.tpgid,
		.tty = p->stat.tty,
		.tracer = d->status.tracer == b->ob->opt.tracer ? 0 : d->status.tracer,
		.comm = comm,
		.argv = parse_cmdline(text_str(&d->cmdline), d->cmdline.n, b->arena),
		.kids = arena_memdup(b->arena, p->kids.at, p->kids.n * sizeof *p->kids.at),
		.nkids = p->kids.n,
		.readable = d->readable || has_ended(p),
		.catches_chld = has_signal(d->status.caught, SIGCHLD),
		.alarm_use = alarm_use(&d->status),
		.alarm_ns = alarms_until(b->ob, acted_ns(b, p), b->now_ns),
		.posix_timers = d->posix_timers,
		.file_signals = d->file_signals,
		.vm = p->pid,
		.start_ticks = p->start_ticks,
		.image = p->stat.start_stack,
	};
}

/* ---- tasks ---- */

static const char *call_name(struct builder *b, int call)
{
	const char *name = call < 0 ? "" : parse_call_name(call);

	return name ? name : arena_printf(b->arena, "%d", call);
}

/** It wakes again and again: its counter and its arguments say nothing. */
static void wants_gil(struct task *out, const struct seen_task *holder)
{
	memset(out->args, 0, sizeof out->args);
	out->state = 'S';
	out->call = "futex";
	out->runs = 0;
	out->moved_ns = holder->moved_ns;
	out->wait = (struct wait){.op = WAIT_FUTEX, .gil = true, .owner = holder->tid, .timeout_ns = NEVER_NS};
}

static void tell_known(struct builder *b, size_t i, const struct seen_task *t, struct task *out)
{
	struct seen_process *p = b->ob->procs.at[i];
	const struct seen_task *holder = known_holder(p, t);

	if (holder && !p->details.has_ring && strchr("SDR", out->state)) /* not one that was stopped, or has ended, on top of that */
		wants_gil(out, holder);
	else if (out->wait.op == WAIT_FUTEX && known_idle(t)) {
		out->wait.idle = known_idle(t);
		out->wait.has_kids = t->has_kids;
	}
}

static struct task task_of(struct builder *b, size_t i, const struct seen_task *t)
{
	const struct look *l = &t->look;
	struct task out = {
		.tid = t->tid,
		.pid = b->procs.at[i].pid,
		.comm = arena_strdup(b->arena, l->comm),
		.state = l->state ? l->state : '?',
		.call = call_name(b, l->call),
		.runs = t->runs,
		.moved_ns = t->moved_ns,
		.wait = wait_of(b, i, t),
	};

	memcpy(out.args, l->args, sizeof out.args);
	tell_known(b, i, t, &out);
	return out;
}

/** One whose folder /proc does not show: it lives, for it is listed as a child, and may hold and do anything. */
static struct task hidden_task(const struct seen_process *p)
{
	return (struct task){
		.tid = p->pid,
		.pid = p->pid,
		.comm = "",
		.state = '?',
		.call = "",
		.moved_ns = p->seen_ns,
		.wait = {.op = WAIT_RUN, .why = "/proc does not show it", .timeout_ns = NEVER_NS},
	};
}

/* ---- the steps ---- */

static void look_at_all(struct observe *ob)
{
	for (size_t i = 0; i < ob->procs.n; i++) {
		struct seen_process *p = ob->procs.at[i];

		for (size_t k = 0; k < p->tasks.n; k++)
			look_task(ob, p, &p->tasks.at[k]);
		/* Behind the looks: what is read now, a task that sleeps on has not changed since. */
		details_read(ob, p);
	}
}

static void add_processes(struct builder *b)
{
	struct observe *ob = b->ob;

	for (size_t i = 0; i < ob->procs.n; i++)
		vec_push(&b->procs, process_of(b, ob->procs.at[i]));
	for (size_t i = 0; i < ob->procs.n; i++)
		objects_of_process(b, i);
	objects_resolve_epolls(b);
	if (b->has_sockets) {
		sockets_resolve(b);
		names_resolve(b);
	}
	objects_pair_terminals(b);
	family_resolve(b);
}

static void add_tasks(struct builder *b)
{
	struct observe *ob = b->ob;

	for (size_t i = 0; i < ob->procs.n; i++) {
		const struct seen_process *p = ob->procs.at[i];

		for (size_t k = 0; k < p->tasks.n; k++)
			vec_push(&b->tasks, task_of(b, i, &p->tasks.at[k]));
		if (p->tasks.n == 0)
			vec_push(&b->tasks, hidden_task(p));
	}
	family_mappings(b);
	family_locks(b);
	if (b->waits_fds || b->waits_lock || b->shared_keys.n)
		outside_scan(b);
}

static void fill(struct builder *b)
{
	struct snapshot *s = b->s;

	s->taken_ns = b->now_ns;
	s->root = b->ob->opt.root;
	s->begun_by_others = b->ob->opt.from_outside;
	s->alarms_known = b->ob->alarms_known;
	s->procs = arena_memdup(b->arena, b->procs.at, b->procs.n * sizeof *b->procs.at);
	s->nprocs = b->procs.n;
	s->tasks = arena_memdup(b->arena, b->tasks.at, b->tasks.n * sizeof *b->tasks.at);
	s->ntasks = b->tasks.n;
	s->objects = arena_memdup(b->arena, b->objects.at, b->objects.n * sizeof *b->objects.at);
	s->nobjects = b->objects.n;
	s->inflight = arena_memdup(b->arena, b->inflight.at, b->inflight.n * sizeof *b->inflight.at);
	s->ninflight = b->inflight.n;
	s->locks = arena_memdup(b->arena, b->locks.at, b->locks.n * sizeof *b->locks.at);
	s->nlocks = b->locks.n;
}

static struct seen_task *find_task(struct seen_process *p, pid_t tid)
{
	for (size_t i = 0; p && i < p->tasks.n; i++)
		if (p->tasks.at[i].tid == tid)
			return &p->tasks.at[i];
	return NULL;
}

/** What ran while we looked counts as live. */
static void mark_moved(struct builder *b)
{
	for (size_t i = 0; i < b->s->ntasks; i++) {
		struct task *t = &b->s->tasks[i];
		struct seen_process *p = table_find(b->ob, t->pid);
		const struct seen_task *now = find_task(p, t->tid);

		if (p && p->hidden && p->tasks.n == 0)
			continue;
		if (t->wait.gil ? now && known_holder(p, now) : now && now->known && now->runs == t->runs)
			continue;
		if (now)
			t->moved_ns = now->moved_ns;
		t->wait = (struct wait){.op = WAIT_RUN, .why = "moved while it was looked at", .timeout_ns = NEVER_NS};
	}
}

/** All of its tasks sleep, and have not run since they were looked at. */
static bool stands_still(const struct seen_process *p)
{
	for (size_t k = 0; k < p->tasks.n; k++) {
		const struct seen_task *t = &p->tasks.at[k];

		if (!t->look.valid || !t->known || t->refused || t->look.runs != t->runs)
			return false;
	}
	return !p->hidden;
}

static void drop_stale_details(struct observe *ob)
{
	for (size_t i = 0; i < ob->procs.n; i++)
		if (!stands_still(ob->procs.at[i]))
			ob->procs.at[i]->details.valid = false;
}

/** What was read of a process behind the looks at its tasks is good for later as well if they slept until now. */
static void keep_details(struct observe *ob)
{
	for (size_t i = 0; i < ob->procs.n; i++)
		ob->procs.at[i]->details.valid = stands_still(ob->procs.at[i]);
}

/** The set of tasks and their counters, first and last. */
static int count_all(struct observe *ob, int64_t now_ns, struct err *err)
{
	int rc = table_walk(ob, now_ns, true, err);

	if (rc == 0)
		rc = table_count(ob, now_ns, err);
	table_purge(ob);
	return rc;
}

static int take(struct builder *b, struct err *err)
{
	struct observe *ob = b->ob;
	int rc = count_all(ob, b->now_ns, err);
	uint64_t generation = ob->generation;

	if (rc)
		return rc;
	drop_stale_details(ob);
	look_at_all(ob);
	/* Twice: one reading of the timers may miss an entry (alarms.c). */
	alarms_read(ob);
	alarms_read(ob);
	add_processes(b);
	add_tasks(b);
	fill(b);
	rc = count_all(ob, sys_monotonic_ns(), err);
	if (rc)
		return rc;
	keep_details(ob);
	if (ob->generation != generation)
		return OBSERVE_MOVED;
	mark_moved(b);
	return snapshot_index(b->s, err);
}

int observe_snapshot(struct observe *ob, int64_t now_ns, struct snapshot **out, struct err *err)
{
	struct builder b = builder_new(ob, now_ns);
	int rc = take(&b, err);

	builder_free(&b);
	spots_list(ob);
	if (rc)
		snapshot_free(b.s);
	*out = rc ? NULL : b.s;
	return rc;
}
