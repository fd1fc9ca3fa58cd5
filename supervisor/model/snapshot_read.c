/* Reads a saved snapshot. Strict and without trust: a file that is not one gets a line that says where and what is wrong. */
#include <errno.h>
#include <string.h>

#include "model/reader.h"

/* ---- objects ---- */

/** The index of an object by its name, a new one when nobody named it before. */
static int intern(struct reader *r, const char *raw)
{
	char *name = reader_clean_copy(r, raw);
	size_t i;

	if (strmap_get(r->names, name, &i))
		return (int)i;
	strmap_put(r->names, name, r->objects.n);
	vec_push(&r->objects, (struct object){.name = name, .type = object_kind_name(OBJECT_UNKNOWN), .peer = PEER_NONE});
	return (int)r->objects.n - 1;
}

static int to_object(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	if (r->rc)
		return -1;
	if (!cJSON_IsString(json)) {
		reader_fail(r, at, key, "is no name of an object");
		return -1;
	}
	return intern(r, json->valuestring);
}

static int get_peer(struct reader *r, const struct at *at)
{
	const cJSON *json = reader_optional(r, at, "peer");

	if (!json)
		return PEER_NONE;
	if (cJSON_IsString(json) && strcmp(json->valuestring, SNAPSHOT_GONE) == 0)
		return PEER_GONE;
	return to_object(r, at, "peer", json);
}

static void read_watch(struct reader *r, const struct at *at, struct object *o)
{
	const cJSON *list = reader_get_list(r, at, "watch", &o->nwatch), *item;
	size_t i = 0;

	o->watch = arena_array(r->s->arena, o->nwatch, sizeof *o->watch);
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsArray(item))
			reader_fail(r, at, "watch", "is no list of [object, ends]");
		o->watch[i].object = to_object(r, at, "watch", cJSON_GetArrayItem(item, 0));
		o->watch[i++].way = reader_to_ends(r, at, "watch", cJSON_GetArrayItem(item, 1));
	}
}

/** Where a flag that speaks for life is missing, it is taken to be set. */
static void read_object(struct reader *r, const struct at *at, int index)
{
	struct object o = r->objects.at[index];

	o.type = reader_need_str(r, at, "type");
	o.kind = object_kind_of_word(o.type);
	o.outside = reader_to_ends(r, at, "outside", reader_required(r, at, "outside"));
	o.peer = get_peer(r, at);
	o.listener = reader_get_bool(r, at, "listener", false);
	o.datagram = reader_get_bool(r, at, "datagram", false);
	o.private = reader_get_bool(r, at, "private", false);
	o.named = reader_get_bool(r, at, "named", false);
	o.transit = reader_get_bool(r, at, "transit", false);
	o.scatters = reader_get_bool(r, at, "scatters", false);
	o.armed = reader_get_bool(r, at, "armed", o.kind == OBJECT_TIMERFD);
	o.takes_alarm = reader_get_bool(r, at, "alrm", o.kind == OBJECT_SIGNALFD);
	o.read_timer = reader_get_bool(r, at, "vtime", false);
	o.pid = (pid_t)reader_to_int(r, at, "pid", reader_optional(r, at, "pid"), -1, INT32_MAX);
	read_watch(r, at, &o);
	r->objects.at[index] = o;
}

static void read_objects(struct reader *r, const struct at *top)
{
	struct at objs = reader_get_object(r, top, "objs");
	const cJSON *item;
	int index = 0;

	cJSON_ArrayForEach(item, objs.json)
		if (intern(r, item->string) != index++)
			reader_fail(r, &objs, item->string, "comes twice");
	index = 0;
	cJSON_ArrayForEach(item, objs.json)
	{
		struct at at = reader_step_into(r, &objs, item);

		if (r->rc)
			return;
		read_object(r, &at, index++);
	}
}

/* ---- processes ---- */

static void read_fds(struct reader *r, const struct at *up, struct process *p)
{
	struct at at = reader_get_object(r, up, "fds");
	const cJSON *item;

	p->nfds = (size_t)cJSON_GetArraySize(at.json);
	p->fds = arena_array(r->s->arena, p->nfds, sizeof *p->fds);
	p->nfds = 0;
	cJSON_ArrayForEach(item, at.json)
	{
		struct held_fd *f = &p->fds[p->nfds++];

		if (!cJSON_IsArray(item))
			reader_fail(r, &at, item->string, "is no [object, ends]");
		f->fd = reader_key_to_id(r, &at, item->string, 0);
		f->object = to_object(r, &at, item->string, cJSON_GetArrayItem(item, 0));
		f->ends = reader_to_ends(r, &at, item->string, cJSON_GetArrayItem(item, 1));
		if (r->rc)
			return;
	}
}

static void read_signals(struct reader *r, const struct at *at, struct process *p)
{
	const char *use = reader_need_str(r, at, "alrm");

	if (!r->rc && !alarm_use_of_word(use, &p->alarm_use))
		reader_fail(r, at, "alrm", "\"%.40s\" is no use of an alarm", use);
	p->catches_chld = reader_need_bool(r, at, "chld");
	p->posix_timers = reader_need_bool(r, at, "timer");
	p->file_signals = reader_get_bool(r, at, "file_signals", false);
	p->mourns = reader_get_bool(r, at, "mourns", false);
	p->deaths_heard = reader_get_bool(r, at, "deaths_heard", false);
	p->alarm_heard = reader_get_bool(r, at, "heard", false);
	p->alarm_ns = reader_get_ns(r, at, "alarm", NEVER_NS);
}

static void read_process(struct reader *r, const struct at *at, struct process *p)
{
	size_t nargs;

	p->pid = reader_key_to_id(r, at->up, at->key, 1);
	p->ppid = reader_get_pid(r, at, "ppid", 0);
	p->pgrp = reader_get_pid(r, at, "pgrp", 0);
	p->tpgid = reader_get_pid(r, at, "tpgid", -1);
	p->tracer = reader_get_pid(r, at, "tracer", 0);
	p->tty = (int)reader_to_int(r, at, "tty", reader_optional(r, at, "tty"), INT32_MIN, INT32_MAX);
	p->comm = reader_get_str(r, at, "comm");
	p->comm = p->comm ? p->comm : "";
	p->argv = reader_get_strings(r, at, "cmdline", &nargs);
	p->test = reader_get_str(r, at, "test");
	p->phase = reader_get_str(r, at, "phase");
	p->kids = reader_get_pids(r, at, "kids", &p->nkids);
	p->readable = reader_need_bool(r, at, "readable");
	p->vm = reader_get_pid(r, at, "vm", 0);
	p->vm = p->vm ? p->vm : p->pid;
	p->forked = reader_get_bool(r, at, "forked", false);
	p->shm = reader_get_keys(r, at, "shm", &p->nshm);
	p->locks = reader_get_keys(r, at, "locks", &p->nlocks);
	p->start_ticks = reader_get_count(r, at, "start");
	read_signals(r, at, p);
	read_fds(r, at, p);
	p->stacks = reader_get_stacks(r, at);
}

static void read_processes(struct reader *r, const struct at *top)
{
	struct at procs = reader_get_object(r, top, "procs");
	const cJSON *item;

	r->s->procs = arena_array(r->s->arena, (size_t)cJSON_GetArraySize(procs.json), sizeof *r->s->procs);
	cJSON_ArrayForEach(item, procs.json)
	{
		struct at at = reader_step_into(r, &procs, item);

		if (r->rc)
			return;
		read_process(r, &at, &r->s->procs[r->s->nprocs++]);
	}
}

/* ---- tasks ---- */

static void read_targets(struct reader *r, const struct at *at, struct wait *w)
{
	const cJSON *list = reader_get_list(r, at, "on", &w->non), *item;
	size_t i = 0;

	if (!list)
		reader_required(r, at, "on");
	w->on = arena_array(r->s->arena, w->non, sizeof *w->on);
	cJSON_ArrayForEach(item, list)
	{
		struct wait_target *on = &w->on[i++];

		if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 3)
			reader_fail(r, at, "on", "is no list of [object, ends, descriptor]");
		const cJSON *object = cJSON_GetArrayItem(item, 0);

		on->object = cJSON_IsNull(object) ? -1 : to_object(r, at, "on", object);
		on->way = reader_to_ends(r, at, "on", cJSON_GetArrayItem(item, 1));
		on->fd = (int)reader_to_int(r, at, "on", cJSON_GetArrayItem(item, 2), INT32_MIN, INT32_MAX);
		if (r->rc)
			return;
	}
}

static void read_wait_details(struct reader *r, const struct at *at, struct wait *w)
{
	if (w->op == WAIT_FDS)
		read_targets(r, at, w);
	if (w->op == WAIT_CHILD)
		reader_required(r, at, "pids");
	w->pids = reader_get_pids(r, at, "pids", &w->npids);
	w->any = reader_get_bool(r, at, "any", false);
	w->key = reader_get_str(r, at, w->op == WAIT_FLOCK ? "key" : "shm");
	if (w->op == WAIT_FLOCK && !w->key)
		reader_fail(r, at, "key", "is missing");
	w->named = reader_get_bool(r, at, "named", false);
	w->random = reader_get_bool(r, at, "random", false);
	w->outside = reader_get_bool(r, at, "outside", false);
	w->owner = reader_get_pid(r, at, "owner", 0);
	w->owner_word = reader_get_pid(r, at, "owner_word", 0);
	w->join = reader_get_pid(r, at, "join", 0);
	w->gil = reader_get_bool(r, at, "gil", false);
	w->idle = reader_get_str(r, at, "idle");
	w->has_kids = reader_get_bool(r, at, "has_kids", false);
	w->serves = reader_get_str(r, at, "serves");
	w->takes_alarm = reader_get_bool(r, at, "alrm", w->op == WAIT_SIGNAL);
	w->tty = reader_get_bool(r, at, "tty", false);
	w->tracer = reader_get_pid(r, at, "by", 0);
}

static void read_wait(struct reader *r, const struct at *up, struct wait *w)
{
	struct at at = reader_get_object(r, up, "wait");
	const char *op = reader_need_str(r, &at, "op");

	if (r->rc)
		return;
	if (!wait_op_of_word(op, &w->op)) {
		reader_fail(r, &at, "op", "\"%.40s\" is no kind of wait", op);
		return;
	}
	w->why = reader_get_str(r, &at, "why");
	w->timeout_ns = reader_get_ns(r, &at, "timeout", NEVER_NS);
	read_wait_details(r, &at, w);
}

static void read_args(struct reader *r, const struct at *at, struct task *t)
{
	size_t n, i = 0;
	const cJSON *list = reader_get_list(r, at, "args", &n), *item;

	if (n > ARRAY_SIZE(t->args)) {
		reader_fail(r, at, "args", "are more than six");
		return;
	}
	cJSON_ArrayForEach(item, list)
		if (!cJSON_IsString(item) || !reader_parse_u64(item->valuestring, 16, &t->args[i++]))
			reader_fail(r, at, "args", "are no hexadecimal strings");
}

static void read_task(struct reader *r, const struct at *at, struct task *t)
{
	const char *state = reader_get_str(r, at, "state");

	t->tid = reader_key_to_id(r, at->up, at->key, 1);
	t->pid = (pid_t)reader_to_int(r, at, "pid", reader_required(r, at, "pid"), 1, INT32_MAX);
	t->comm = reader_get_str(r, at, "comm");
	t->comm = t->comm ? t->comm : "";
	t->call = reader_get_str(r, at, "call");
	t->call = t->call ? t->call : "";
	if (state && strlen(state) != 1)
		reader_fail(r, at, "state", "is no single letter");
	t->state = state ? state[0] : '?';
	t->runs = reader_get_count(r, at, "runs");
	t->moved_ns = reader_get_ns(r, at, "moved", 0);
	read_args(r, at, t);
	read_wait(r, at, &t->wait);
}

static void read_tasks(struct reader *r, const struct at *top)
{
	struct at tasks = reader_get_object(r, top, "tasks");
	const cJSON *item;

	r->s->tasks = arena_array(r->s->arena, (size_t)cJSON_GetArraySize(tasks.json), sizeof *r->s->tasks);
	cJSON_ArrayForEach(item, tasks.json)
	{
		struct at at = reader_step_into(r, &tasks, item);

		if (r->rc)
			return;
		read_task(r, &at, &r->s->tasks[r->s->ntasks++]);
	}
}

/** `tids` of a process says again what the tasks say. A file in which the two differ lost tasks: it proves nothing. */
static void check_tids(struct reader *r, const struct at *top)
{
	struct at procs = reader_get_object(r, top, "procs");
	const cJSON *item;

	cJSON_ArrayForEach(item, procs.json)
	{
		struct at at = {&procs, item->string, item};
		const struct process *p = snapshot_process(r->s, reader_key_to_id(r, &procs, item->string, 1));
		size_t n;
		const pid_t *tids = reader_get_pids(r, &at, "tids", &n);

		for (size_t i = 0; i < n && !r->rc; i++) {
			const struct task *t = snapshot_task(r->s, tids[i]);

			if (!t || t->pid != p->pid)
				reader_fail(r, &at, "tids", "%d is no task of this process", tids[i]);
		}
		if (reader_optional(r, &at, "tids") && n != p->ntasks)
			reader_fail(r, &at, "tids", "%zu are listed, but %zu are there", n, p->ntasks);
		if (r->rc)
			return;
	}
}

/* ---- the rest ---- */

static void read_alarms(struct reader *r, const struct at *top)
{
	r->s->begun_by_others = reader_get_bool(r, top, "begun_by_others", false);
	r->s->hidden_holders = reader_get_bool(r, top, "hidden_holders", false);
	if (!reader_optional(r, top, "alarms"))
		return;

	struct at alarms = reader_get_object(r, top, "alarms");
	const cJSON *item;

	r->s->alarms_known = true;
	cJSON_ArrayForEach(item, alarms.json)
	{
		struct process *p = snapshot_process(r->s, reader_key_to_id(r, &alarms, item->string, 1));
		int64_t ns = reader_to_ns(r, &alarms, item->string, item);

		if (r->rc)
			return;
		if (p)
			p->alarm_ns = ns;
	}
}

static void read_locks(struct reader *r, const struct at *top)
{
	VEC(struct lock_holder) holders = {0};
	const cJSON *item;

	if (!reader_optional(r, top, "locks"))
		return;
	struct at locks = reader_get_object(r, top, "locks");

	cJSON_ArrayForEach(item, locks.json)
	{
		size_t n;
		const char *key = reader_clean_copy(r, item->string);
		const pid_t *pids = reader_get_ids(r, &locks, item->string, -1, &n); /* -1: nobody in particular, see proc_locks(5) */

		for (size_t i = 0; i < n; i++)
			vec_push(&holders, (struct lock_holder){key, pids[i]});
	}
	r->s->locks = arena_memdup(r->s->arena, holders.at, holders.n * sizeof *holders.at);
	r->s->nlocks = holders.n;
	vec_free(&holders);
}

static void read_inflight(struct reader *r, const struct at *top)
{
	const cJSON *list = reader_get_list(r, top, "inflight", &r->s->ninflight), *item;
	size_t i = 0;

	r->s->inflight = arena_array(r->s->arena, r->s->ninflight, sizeof *r->s->inflight);
	cJSON_ArrayForEach(item, list)
	{
		bool outside = cJSON_IsString(item) && strcmp(item->valuestring, SNAPSHOT_OUTSIDE) == 0;

		r->s->inflight[i++] = outside ? -1 : to_object(r, top, "inflight", item);
	}
}

static void check_schema(struct reader *r, const struct at *top)
{
	static const char *const keys[] = {"tasks", "procs", "objs", "root", "t"};
	const char *schema = reader_get_str(r, top, "schema");

	if (!r->rc && schema && strcmp(schema, SNAPSHOT_SCHEMA) != 0)
		reader_fail(r, top, "schema", "\"%.40s\", but this program reads \"%s\"", schema, SNAPSHOT_SCHEMA);
	for (size_t i = 0; i < ARRAY_SIZE(keys) && !r->rc; i++)
		if (!reader_optional(r, top, keys[i]))
			r->rc = err_set(r->err, -EINVAL, "not a tracewrap snapshot: no key \"%s\"", keys[i]);
}

static int read_top(struct reader *r, const struct at *top)
{
	if (!cJSON_IsObject(top->json))
		return err_set(r->err, -EINVAL, "not a tracewrap snapshot: no JSON object");
	check_schema(r, top);
	r->s->taken_ns = reader_get_ns(r, top, "t", 0);
	r->s->started_ns = reader_get_ns(r, top, "started", 0);
	r->s->told_ns = reader_get_ns(r, top, "told", 0);
	r->s->horizon_ns = reader_get_ns(r, top, "horizon", 0);
	r->s->root = reader_get_pid(r, top, "root", 1);
	read_objects(r, top);
	read_processes(r, top);
	read_tasks(r, top);
	read_inflight(r, top);
	read_locks(r, top);
	if (r->rc == 0)
		r->rc = snapshot_index(r->s, r->err);
	if (r->rc == 0) {
		check_tids(r, top);
		read_alarms(r, top);
	}
	r->s->objects = arena_memdup(r->s->arena, r->objects.at, r->objects.n * sizeof *r->objects.at);
	r->s->nobjects = r->objects.n;
	return r->rc;
}

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
		at++;
	return at;
}

cJSON *reader_parse(const char *text, size_t len, struct err *err)
{
	const char *end = NULL;
	cJSON *json;

	if (len == 0 || skip_space(text, text + len) == text + len) {
		err_set(err, -EINVAL, "the file is empty");
		return NULL;
	}
	json = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (json)
		end = skip_space(end, text + len);
	if (json && end == text + len)
		return json;
	cJSON_Delete(json);
	err_set(err, -EINVAL, "not JSON, or cut off, near byte %zu", end ? (size_t)(end - text) : 0);
	return NULL;
}

int snapshot_read(const char *text, size_t len, struct snapshot **out, struct err *err)
{
	cJSON *json = reader_parse(text, len, err);

	*out = NULL;
	if (!json)
		return -EINVAL;

	struct reader r = {.s = snapshot_new(), .names = strmap_new(), .err = err};
	struct at top = {NULL, NULL, json};
	int rc = read_top(&r, &top);

	cJSON_Delete(json);
	strmap_free(r.names);
	vec_free(&r.objects);
	if (rc)
		snapshot_free(r.s);
	else
		*out = r.s;
	return rc;
}
