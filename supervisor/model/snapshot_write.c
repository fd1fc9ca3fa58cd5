/* Writes a snapshot in its saved form. What is read back and written again is the same text. */
#include <stdio.h>
#include <string.h>

#include "model/words.h"
#include "model/writer.h"

static const char *ends_word(unsigned ends)
{
	static const char *const words[] = {"", "r", "w", "rw"};

	return words[ends & END_BOTH];
}

/** Names of the objects as keys: each once, even if the snapshot has two of the same. */
static const char **object_keys(const struct snapshot *s, struct arena *a)
{
	struct strmap *seen = strmap_new();
	const char **keys = arena_array(a, s->nobjects, sizeof *keys);

	for (size_t i = 0; i < s->nobjects; i++) {
		const char *name = s->objects[i].name ? s->objects[i].name : "object";

		keys[i] = name;
		while (strmap_get(seen, keys[i], NULL) || strcmp(keys[i], SNAPSHOT_GONE) == 0 || strcmp(keys[i], SNAPSHOT_OUTSIDE) == 0)
			keys[i] = arena_printf(a, "%s #%zu", keys[i], i);
		strmap_put(seen, keys[i], i);
	}
	strmap_free(seen);
	return keys;
}

static void put_object_name(struct text *t, const struct snapshot *s, const char *const *names, int object)
{
	if (object >= 0 && (size_t)object < s->nobjects)
		put_str(t, names[object]);
	else
		text_add(t, "null");
}

static void put_pair(struct text *t, const struct snapshot *s, const char *const *names, int object, unsigned ends)
{
	text_add(t, "[");
	put_object_name(t, s, names, object);
	text_addf(t, ",\"%s\"", ends_word(ends));
}

static void put_wait(struct text *t, const struct snapshot *s, const char *const *names, const struct wait *w)
{
	put_key(t, "wait");
	text_add(t, "{");
	put_text(t, "op", wait_op_word(w->op));
	put_text(t, "why", w->why);
	put_ns(t, "timeout", w->timeout_ns);
	if (w->idle)
		put_text(t, "idle", w->idle);
	if (w->has_kids)
		put_bool(t, "has_kids", true);
	if (w->serves)
		put_text(t, "serves", w->serves);
	if (w->op == WAIT_FDS) {
		put_key(t, "on");
		text_add(t, "[");
		for (size_t i = 0; i < w->non; i++) {
			put_comma(t);
			put_pair(t, s, names, w->on[i].object, w->on[i].way);
			text_addf(t, ",%d]", w->on[i].fd);
		}
		text_add(t, "]");
	} else if (w->op == WAIT_CHILD) {
		put_pids(t, "pids", w->pids, w->npids);
		put_bool(t, "any", w->any);
	} else if (w->op == WAIT_FUTEX) {
		put_text(t, "shm", w->key);
		put_bool(t, "named", w->named);
		put_bool(t, "random", w->random);
		put_bool(t, "outside", w->outside);
		put_int(t, "owner", w->owner);
		put_int(t, "owner_word", w->owner_word);
		put_int(t, "join", w->join);
		put_bool(t, "gil", w->gil);
	} else if (w->op == WAIT_FLOCK) {
		put_text(t, "key", w->key ? w->key : "");
		put_bool(t, "outside", w->outside);
	} else if (w->op == WAIT_SIGNAL) {
		put_bool(t, "alrm", w->takes_alarm);
	} else if (w->op == WAIT_STOPPED) {
		put_bool(t, "tty", w->tty);
	} else if (w->op == WAIT_TRACED) {
		put_int(t, "by", w->tracer);
	}
	text_add(t, "}");
}

static void put_task(struct text *t, const struct snapshot *s, const char *const *names, const struct task *task)
{
	char state[2] = {task->state > ' ' && task->state < 0x7f ? task->state : '?', '\0'};

	put_id(t, task->tid);
	text_add(t, "{");
	put_int(t, "pid", task->pid);
	put_text(t, "comm", task->comm);
	put_text(t, "state", state);
	put_text(t, "call", task->call);
	put_key(t, "args");
	text_add(t, "[");
	for (size_t i = 0; i < ARRAY_SIZE(task->args); i++)
		text_addf(t, "%s\"%llx\"", i ? "," : "", (unsigned long long)task->args[i]);
	text_add(t, "]");
	put_count(t, "runs", task->runs);
	put_ns(t, "moved", task->moved_ns);
	put_wait(t, s, names, &task->wait);
	text_add(t, "}");
}

static void put_process_ids(struct text *t, const struct snapshot *s, const struct process *p)
{
	put_int(t, "ppid", p->ppid);
	put_int(t, "pgrp", p->pgrp);
	put_int(t, "tty", p->tty);
	put_int(t, "tpgid", p->tpgid);
	put_int(t, "tracer", p->tracer);
	put_int(t, "vm", p->vm);
	put_count(t, "start", p->start_ticks);
	put_key(t, "tids");
	text_add(t, "[");
	for (size_t i = 0; i < p->ntasks; i++)
		text_addf(t, "%s%d", i ? "," : "", s->tasks[p->first_task + i].tid);
	text_add(t, "]");
	put_pids(t, "kids", p->kids, p->nkids);
}

static void put_process(struct text *t, const struct snapshot *s, const char *const *names, const struct process *p)
{
	size_t nargs = 0;

	while (p->argv && p->argv[nargs])
		nargs++;
	put_id(t, p->pid);
	text_add(t, "{");
	put_text(t, "comm", p->comm);
	put_keys(t, "cmdline", (const char *const *)p->argv, nargs);
	put_text(t, "test", p->test);
	put_text(t, "phase", p->phase);
	put_process_ids(t, s, p);
	put_bool(t, "readable", p->readable);
	put_bool(t, "forked", p->forked);
	put_bool(t, "chld", p->catches_chld);
	put_text(t, "alrm", alarm_use_word(p->alarm_use));
	put_bool(t, "timer", p->posix_timers);
	put_bool(t, "file_signals", p->file_signals);
	put_bool(t, "mourns", p->mourns);
	if (p->deaths_heard)
		put_bool(t, "deaths_heard", true);
	put_bool(t, "heard", p->alarm_heard);
	if (p->alarm_heard && p->alarm_ns != NEVER_NS) {
		put_key(t, "alarm");
		put_seconds(t, p->alarm_ns);
	}
	put_keys(t, "shm", p->shm, p->nshm);
	put_keys(t, "locks", p->locks, p->nlocks);
	put_key(t, "fds");
	text_add(t, "{");
	for (size_t i = 0; i < p->nfds; i++) {
		if (p->fds[i].object < 0)
			continue;
		put_id(t, p->fds[i].fd);
		put_pair(t, s, names, p->fds[i].object, p->fds[i].ends);
		text_add(t, "]");
	}
	text_add(t, "}");
	if (p->stacks) {
		put_key(t, "stacks");
		stacks_write(t, p->pid, p->stacks);
	}
	text_add(t, "}");
}

static void put_object(struct text *t, const struct snapshot *s, const char *const *names, size_t index)
{
	const struct object *o = &s->objects[index];
	bool own_word = o->type && object_kind_of_word(o->type) == o->kind;

	put_key(t, names[index]);
	text_add(t, "{");
	put_text(t, "type", own_word ? o->type : object_kind_name(o->kind));
	put_text(t, "outside", ends_word(o->outside));
	if (o->peer != PEER_NONE) {
		put_key(t, "peer");
		if (o->peer == PEER_GONE)
			put_str(t, SNAPSHOT_GONE);
		else
			put_object_name(t, s, names, o->peer);
	}
	put_bool(t, "listener", o->listener);
	put_bool(t, "datagram", o->datagram);
	put_bool(t, "private", o->private);
	put_bool(t, "named", o->named);
	put_bool(t, "transit", o->transit);
	put_bool(t, "scatters", o->scatters);
	put_bool(t, "armed", o->armed);
	put_bool(t, "alrm", o->takes_alarm);
	put_bool(t, "vtime", o->read_timer);
	put_int(t, "pid", o->pid);
	put_key(t, "watch");
	text_add(t, "[");
	for (size_t i = 0; i < o->nwatch; i++) {
		if (o->watch[i].object < 0)
			continue;
		put_comma(t);
		put_pair(t, s, names, o->watch[i].object, o->watch[i].way);
		text_add(t, "]");
	}
	text_add(t, "]}");
}

static void put_locks(struct text *t, const struct snapshot *s)
{
	struct strmap *done = strmap_new();

	put_key(t, "locks");
	text_add(t, "{");
	for (size_t i = 0; i < s->nlocks; i++) {
		const char *key = s->locks[i].key;

		if (strmap_get(done, key, NULL))
			continue;
		strmap_put(done, key, i);
		put_key(t, key);
		text_add(t, "[");
		for (size_t k = i; k < s->nlocks; k++)
			if (strcmp(s->locks[k].key, key) == 0)
				text_addf(t, "%s%d", t->at[t->n - 1] == '[' ? "" : ",", s->locks[k].pid);
		text_add(t, "]");
	}
	text_add(t, "}");
	strmap_free(done);
}

static void put_alarms(struct text *t, const struct snapshot *s)
{
	put_key(t, "alarms");
	if (!s->alarms_known) {
		text_add(t, "null");
		return;
	}
	text_add(t, "{");
	for (size_t i = 0; i < s->nprocs; i++) {
		if (s->procs[i].alarm_ns == NEVER_NS)
			continue;
		put_id(t, s->procs[i].pid);
		put_seconds(t, s->procs[i].alarm_ns);
	}
	text_add(t, "}");
}

static void put_inflight(struct text *t, const struct snapshot *s, const char *const *names)
{
	put_key(t, "inflight");
	text_add(t, "[");
	for (size_t i = 0; i < s->ninflight; i++) {
		put_comma(t);
		if (s->inflight[i] < 0)
			put_str(t, SNAPSHOT_OUTSIDE);
		else
			put_object_name(t, s, names, s->inflight[i]);
	}
	text_add(t, "]");
}

void snapshot_write(const struct snapshot *s, struct text *out)
{
	struct arena *a = arena_new();
	const char **names = object_keys(s, a);

	text_add(out, "{");
	put_text(out, "schema", SNAPSHOT_SCHEMA);
	put_ns(out, "t", s->taken_ns);
	if (s->told_ns) {
		put_ns(out, "started", s->started_ns);
		put_ns(out, "told", s->told_ns);
		put_ns(out, "horizon", s->horizon_ns);
	}
	put_int(out, "root", s->root);
	if (s->begun_by_others)
		put_bool(out, "begun_by_others", true);
	if (s->hidden_holders)
		put_bool(out, "hidden_holders", true);
	put_key(out, "tasks");
	text_add(out, "{");
	for (size_t i = 0; i < s->ntasks; i++)
		put_task(out, s, names, &s->tasks[i]);
	text_add(out, "}");
	put_key(out, "procs");
	text_add(out, "{");
	for (size_t i = 0; i < s->nprocs; i++)
		put_process(out, s, names, &s->procs[i]);
	text_add(out, "}");
	put_key(out, "objs");
	text_add(out, "{");
	for (size_t i = 0; i < s->nobjects; i++)
		put_object(out, s, names, i);
	text_add(out, "}");
	put_inflight(out, s, names);
	put_locks(out, s);
	put_alarms(out, s);
	text_add(out, "}\n");
	arena_free(a);
}
