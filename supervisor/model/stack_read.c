/* Stacks out of a saved snapshot: strict, as all of it. */
#include <string.h>

#include "model/reader.h"

static struct frame read_frame(struct reader *r, const struct at *at)
{
	const char *kind = reader_get_str(r, at, "kind"), *owner = reader_get_str(r, at, "owner");
	struct frame f = {
		.kind = kind && strcmp(kind, "native") == 0 ? FRAME_NATIVE : FRAME_PYTHON,
		.owner = FRAME_LIBRARY,
		.function = reader_get_str(r, at, "function"),
		.file = reader_get_str(r, at, "file"),
		.line = (int)reader_to_int(r, at, "line", reader_optional(r, at, "line"), 0, INT32_MAX),
		.source = reader_get_str(r, at, "source"),
		.address = reader_get_address(r, at, "address"),
	};

	for (enum frame_owner o = FRAME_OWN; o <= FRAME_GLUE; o++)
		if (owner && strcmp(owner, frame_owner_name(o)) == 0)
			f.owner = o;
	return f;
}

static struct frame *read_frames(struct reader *r, const struct at *up, const char *key, size_t *n)
{
	const cJSON *list = reader_get_list(r, up, key, n), *item;
	struct frame *frames = arena_array(r->s->arena, *n, sizeof *frames), *next = frames;

	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			break;
		*next++ = read_frame(r, &at);
	}
	*n = (size_t)(next - frames);
	return frames;
}

static struct lock_owner read_owner(struct reader *r, const struct at *at)
{
	struct lock_owner o = {
		.pid = reader_need_pid(r, at, "pid", 1),
		.tid = reader_need_pid(r, at, "tid", 1),
		.exact = reader_get_bool(r, at, "exact", false),
	};

	if (reader_optional(r, at, "at")) {
		struct at place = reader_get_object(r, at, "at");
		struct frame f = read_frame(r, &place);

		o.at = arena_memdup(r->s->arena, &f, sizeof f);
	}
	return o;
}

static void read_lock(struct reader *r, const struct at *up, struct lock_wait *l)
{
	const cJSON *list, *item;

	if (!reader_optional(r, up, "lock"))
		return;

	struct at at = reader_get_object(r, up, "lock");
	const char *kind = reader_need_str(r, &at, "kind");

	for (enum lock_kind k = LOCK_LOCK; kind && k <= LOCK_PARKED; k++)
		if (strcmp(kind, lock_kind_name(k)) == 0)
			l->kind = k;
	if (!r->rc && l->kind == LOCK_NONE)
		reader_fail(r, &at, "kind", "is no kind of lock");
	l->type = reader_get_str(r, &at, "type");
	l->address = reader_get_address(r, &at, "address");
	l->shared = reader_get_str(r, &at, "shared");
	l->signal = reader_get_bool(r, &at, "signal", false);
	l->only_owners = reader_get_bool(r, &at, "only_owners", false);
	l->owner_gone = reader_get_bool(r, &at, "owner_gone", false);
	list = reader_get_list(r, &at, "owners", &l->nowners);
	l->owners = arena_array(r->s->arena, l->nowners, sizeof *l->owners);
	l->nowners = 0;
	cJSON_ArrayForEach(item, list)
	{
		struct at owner = reader_step_into(r, &at, item);

		if (r->rc)
			return;
		l->owners[l->nowners++] = read_owner(r, &owner);
	}
}

static void read_thread(struct reader *r, const struct at *at, struct stack *s)
{
	const char *quality = reader_need_str(r, at, "quality");

	for (enum stack_quality q = STACK_NONE; quality && q <= STACK_PARTIAL; q++)
		if (strcmp(quality, stack_quality_name(q)) == 0)
			s->quality = q;
	s->tid = reader_need_pid(r, at, "tid", 1);
	s->runs = reader_get_count(r, at, "runs");
	s->why = reader_get_str(r, at, "why");
	s->frames = read_frames(r, at, "frames", &s->nframes);
	s->native = read_frames(r, at, "native", &s->nnative);
	read_lock(r, at, &s->lock);
	s->service = reader_get_str(r, at, "service");
	s->service_fd = reader_optional(r, at, "service_fd") ? reader_get_pid(r, at, "service_fd", 0) : -1;
}

static void read_waits(struct reader *r, const struct at *at, struct async_task *t)
{
	const cJSON *list = reader_get_list(r, at, "waits_for", &t->nwaits_for), *item;
	size_t i = 0;

	t->waits_for = arena_array(r->s->arena, t->nwaits_for, sizeof *t->waits_for);
	cJSON_ArrayForEach(item, list)
		t->waits_for[i++] = reader_to_address(r, at, "waits_for", item);
}

static void read_async(struct reader *r, const struct at *at, struct async_task *t)
{
	const char *state = reader_need_str(r, at, "state");

	t->library = reader_need_str(r, at, "library");
	t->name = reader_need_str(r, at, "name");
	t->id = reader_get_address(r, at, "id");
	t->parent = reader_get_address(r, at, "parent");
	t->state = !state || strcmp(state, "suspended") == 0 ? ASYNC_SUSPENDED : strcmp(state, "running") == 0 ? ASYNC_RUNNING : ASYNC_CREATED;
	t->frames = read_frames(r, at, "frames", &t->nframes);
	t->awaits = reader_get_str(r, at, "awaits");
	read_waits(r, at, t);
	t->fd = reader_optional(r, at, "fd") ? reader_get_pid(r, at, "fd", 0) : -1;
	t->fd_writes = reader_get_bool(r, at, "fd_writes", false);
	t->child = reader_optional(r, at, "child") ? reader_get_pid(r, at, "child", 1) : 0;
}

static void read_threads(struct reader *r, const struct at *at, struct process_stacks *p)
{
	const cJSON *list = reader_get_list(r, at, "threads", &p->nthreads), *item;

	p->threads = arena_array(r->s->arena, p->nthreads, sizeof *p->threads);
	p->nthreads = 0;
	cJSON_ArrayForEach(item, list)
	{
		struct at thread = reader_step_into(r, at, item);

		if (r->rc)
			return;
		read_thread(r, &thread, &p->threads[p->nthreads++]);
	}
}

static void read_tasks(struct reader *r, const struct at *at, struct process_stacks *p)
{
	const cJSON *list = reader_get_list(r, at, "tasks", &p->ntasks), *item;

	p->tasks = arena_array(r->s->arena, p->ntasks, sizeof *p->tasks);
	p->ntasks = 0;
	cJSON_ArrayForEach(item, list)
	{
		struct at task = reader_step_into(r, at, item);

		if (r->rc)
			return;
		read_async(r, &task, &p->tasks[p->ntasks++]);
	}
}

struct process_stacks *reader_stacks_of(struct reader *r, const struct at *at)
{
	struct process_stacks *p = arena_alloc(r->s->arena, sizeof *p);

	p->python = reader_get_str(r, at, "python");
	p->why = reader_get_str(r, at, "why");
	p->actor = reader_get_str(r, at, "actor");
	p->gil_holder = reader_optional(r, at, "gil") ? reader_get_pid(r, at, "gil", 1) : 0;
	p->free_threaded = reader_get_bool(r, at, "free_threaded", false);
	read_threads(r, at, p);
	read_tasks(r, at, p);
	p->tasks_cut = reader_get_str(r, at, "tasks_cut");
	return p;
}

struct process_stacks *reader_get_stacks(struct reader *r, const struct at *up)
{
	if (!reader_optional(r, up, "stacks"))
		return NULL;

	struct at at = reader_get_object(r, up, "stacks");

	return reader_stacks_of(r, &at);
}
