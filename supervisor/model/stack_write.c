/* Stacks as JSON: the same text in saved snapshots and in reports. */
#include <inttypes.h>
#include <stdio.h>

#include "model/stack.h"
#include "model/writer.h"

static void put_text_or_null(struct text *t, const char *key, const char *value)
{
	put_key(t, key);
	if (value)
		put_str(t, value);
	else
		text_add(t, "null");
}

/** Addresses are strings: a double can't hold them. */
static void put_address(struct text *t, uint64_t address)
{
	text_addf(t, "\"0x%" PRIx64 "\"", address);
}

static void put_address_or_null(struct text *t, const char *key, uint64_t address)
{
	put_key(t, key);
	if (address)
		put_address(t, address);
	else
		text_add(t, "null");
}

static void put_id_or_null(struct text *t, const char *key, int64_t id, int64_t none)
{
	put_key(t, key);
	if (id == none)
		text_add(t, "null");
	else
		text_addf(t, "%" PRId64, id);
}

static void put_place(struct text *t, const struct frame *f)
{
	put_text_or_null(t, "function", f->function);
	put_text_or_null(t, "file", f->file);
	put_int(t, "line", f->line);
	put_text(t, "source", f->source);
}

static void put_frame(struct text *t, const struct frame *f)
{
	put_comma(t);
	text_add(t, "{");
	put_text(t, "kind", f->kind == FRAME_PYTHON ? "python" : "native");
	put_text(t, "owner", frame_owner_name(f->owner));
	put_place(t, f);
	if (f->address)
		put_address_or_null(t, "address", f->address);
	text_add(t, "}");
}

static void put_frames(struct text *t, const char *key, const struct frame *frames, size_t n)
{
	put_key(t, key);
	text_add(t, "[");
	for (size_t i = 0; i < n; i++)
		put_frame(t, &frames[i]);
	text_add(t, "]");
}

static void put_owner(struct text *t, const struct lock_owner *o)
{
	put_comma(t);
	text_add(t, "{");
	put_int(t, "pid", o->pid);
	put_int(t, "tid", o->tid);
	put_bool(t, "exact", o->exact);
	put_key(t, "at");
	if (o->at) {
		text_add(t, "{");
		put_place(t, o->at);
		text_add(t, "}");
	} else {
		text_add(t, "null");
	}
	text_add(t, "}");
}

static void put_lock(struct text *t, const struct lock_wait *l)
{
	put_key(t, "lock");
	if (l->kind == LOCK_NONE) {
		text_add(t, "null");
		return;
	}
	text_add(t, "{");
	put_text(t, "kind", lock_kind_name(l->kind));
	put_text_or_null(t, "type", l->type);
	put_address_or_null(t, "address", l->address);
	put_text_or_null(t, "shared", l->shared);
	put_key(t, "owners");
	text_add(t, "[");
	for (size_t i = 0; i < l->nowners; i++)
		put_owner(t, &l->owners[i]);
	text_add(t, "]");
	put_bool(t, "signal", l->signal);
	put_bool(t, "only_owners", l->only_owners);
	put_bool(t, "owner_gone", l->owner_gone);
	text_add(t, "}");
}

static void put_thread(struct text *t, const struct stack *s)
{
	put_comma(t);
	text_add(t, "{");
	put_int(t, "tid", s->tid);
	put_count(t, "runs", s->runs);
	put_text(t, "quality", stack_quality_name(s->quality));
	put_text_or_null(t, "why", s->why);
	put_frames(t, "frames", s->frames, s->nframes);
	put_frames(t, "native", s->native, s->nnative);
	put_lock(t, &s->lock);
	put_id_or_null(t, "service_fd", s->service ? s->service_fd : -1, -1);
	put_text_or_null(t, "service", s->service);
	text_add(t, "}");
}

static const char *const async_states[] = {"suspended", "running", "created"};

static void put_async(struct text *t, const struct async_task *task)
{
	put_comma(t);
	text_add(t, "{");
	put_text(t, "library", task->library ? task->library : "");
	put_text(t, "name", task->name ? task->name : "");
	put_address_or_null(t, "id", task->id);
	put_address_or_null(t, "parent", task->parent);
	put_text(t, "state", async_states[task->state]);
	put_frames(t, "frames", task->frames, task->nframes);
	put_text_or_null(t, "awaits", task->awaits);
	put_key(t, "waits_for");
	text_add(t, "[");
	for (size_t i = 0; i < task->nwaits_for; i++) {
		put_comma(t);
		put_address(t, task->waits_for[i]);
	}
	text_add(t, "]");
	put_id_or_null(t, "fd", task->fd, -1);
	put_bool(t, "fd_writes", task->fd_writes);
	put_id_or_null(t, "child", task->child, 0);
	text_add(t, "}");
}

void stacks_write(struct text *t, pid_t pid, const struct process_stacks *p)
{
	text_add(t, "{");
	put_int(t, "pid", pid);
	put_text_or_null(t, "python", p->python);
	put_text_or_null(t, "why", p->why);
	put_text_or_null(t, "actor", p->actor);
	put_id_or_null(t, "gil", p->gil_holder, 0);
	put_bool(t, "free_threaded", p->free_threaded);
	put_key(t, "threads");
	text_add(t, "[");
	for (size_t i = 0; i < p->nthreads; i++)
		put_thread(t, &p->threads[i]);
	text_add(t, "]");
	put_key(t, "tasks");
	text_add(t, "[");
	for (size_t i = 0; i < p->ntasks; i++)
		put_async(t, &p->tasks[i]);
	text_add(t, "]");
	put_text_or_null(t, "tasks_cut", p->tasks_cut);
	text_add(t, "}");
}
