/* Reads a saved snapshot. Strict and without trust: a file that is not one gets a line that says where and what is wrong.
 *
 * The first failure sticks to the reader (reader.rc); after it every getter returns its fallback and does nothing, so that the
 * code below reads like the format.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "model/words.h"

struct reader {
	struct snapshot *s;
	struct strmap *names; /* of objects -> index */
	VEC(struct object) objects;
	struct err *err;
	int rc;
};

/** A JSON object and the way to it. */
struct at {
	const struct at *up;
	const char *key;
	const cJSON *json;
};

static void add_path(struct text *t, const struct at *at)
{
	if (at->up)
		add_path(t, at->up);
	if (at->key)
		text_addf(t, "%.64s.", at->key);
}

PRINTF_LIKE(4, 5)
static void fail(struct reader *r, const struct at *at, const char *key, const char *fmt, ...)
{
	OWNED_TEXT t = {0};
	va_list ap;

	if (r->rc)
		return;
	add_path(&t, at);
	text_addf(&t, "%.64s: ", key);
	va_start(ap, fmt);
	text_addv(&t, fmt, ap);
	va_end(ap);
	text_clean(t.at, t.n);
	r->rc = err_set(r->err, -EINVAL, "%s", text_str(&t));
}

static bool is_missing(const cJSON *json)
{
	return !json || cJSON_IsNull(json);
}

/** A member that may be missing or null: NULL then. */
static const cJSON *optional(struct reader *r, const struct at *at, const char *key)
{
	const cJSON *json = r->rc ? NULL : cJSON_GetObjectItemCaseSensitive(at->json, key);

	return is_missing(json) ? NULL : json;
}

static const cJSON *required(struct reader *r, const struct at *at, const char *key)
{
	const cJSON *json = optional(r, at, key);

	if (!json)
		fail(r, at, key, "is missing");
	return json;
}

/* ---- values ---- */

static int64_t to_int(struct reader *r, const struct at *at, const char *key, const cJSON *json, int64_t least, int64_t most)
{
	double d = json ? json->valuedouble : 0;

	if (r->rc || !json)
		return 0;
	if (!cJSON_IsNumber(json)) {
		fail(r, at, key, "is no number");
	} else if (!(d >= (double)least && d <= (double)most)) {
		fail(r, at, key, "%g is out of range", d);
	} else if ((double)(int64_t)d != d) {
		fail(r, at, key, "%g is no whole number", d);
	} else {
		return (int64_t)d;
	}
	return 0;
}

static pid_t get_pid(struct reader *r, const struct at *at, const char *key, int64_t least)
{
	return (pid_t)to_int(r, at, key, optional(r, at, key), least, INT32_MAX);
}

static bool to_bool(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	if (json && !cJSON_IsBool(json))
		fail(r, at, key, "is neither true nor false");
	return cJSON_IsTrue(json);
}

static bool get_bool(struct reader *r, const struct at *at, const char *key, bool fallback)
{
	const cJSON *json = optional(r, at, key);

	return json ? to_bool(r, at, key, json) : fallback;
}

static bool need_bool(struct reader *r, const struct at *at, const char *key)
{
	return to_bool(r, at, key, required(r, at, key));
}

static char *clean_copy(struct reader *r, const char *text)
{
	char *copy = arena_strdup(r->s->arena, text);

	text_clean(copy, strlen(copy));
	return copy;
}

static char *to_str(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	if (r->rc || !json)
		return NULL;
	if (!cJSON_IsString(json)) {
		fail(r, at, key, "is no string");
		return NULL;
	}
	return clean_copy(r, json->valuestring);
}

static char *get_str(struct reader *r, const struct at *at, const char *key)
{
	return to_str(r, at, key, optional(r, at, key));
}

static const char *need_str(struct reader *r, const struct at *at, const char *key)
{
	const char *s = to_str(r, at, key, required(r, at, key));

	return s ? s : "";
}

static int64_t to_ns(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	double d = json ? json->valuedouble : 0;

	if (r->rc || !json)
		return 0;
	if (!cJSON_IsNumber(json))
		fail(r, at, key, "is no number of seconds");
	else if (!(d >= 0 && d <= (double)SECONDS_MOST))
		fail(r, at, key, "%g s is out of range", d);
	else
		return (int64_t)(d * 1e6 + 0.5) * 1000;
	return 0;
}

static int64_t get_ns(struct reader *r, const struct at *at, const char *key, int64_t fallback)
{
	const cJSON *json = optional(r, at, key);

	return json ? to_ns(r, at, key, json) : fallback;
}

/** Digits of BASE and nothing else. */
static bool parse_u64(const char *text, int base, uint64_t *value)
{
	char *end;

	if (!*text || strspn(text, "0123456789abcdef") != strlen(text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, base);
	return *end == '\0' && errno == 0;
}

/** A count: a number, or a string of digits where a double could not hold it. */
static uint64_t get_count(struct reader *r, const struct at *at, const char *key)
{
	const cJSON *json = optional(r, at, key);
	uint64_t value = 0;

	if (!json || !cJSON_IsString(json))
		return (uint64_t)to_int(r, at, key, json, 0, EXACT_MOST);
	if (!parse_u64(json->valuestring, 10, &value))
		fail(r, at, key, "is no count");
	return value;
}

/** The ends that a string of the letters r and w names. */
static unsigned to_ends(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	const char *word = cJSON_IsString(json) ? json->valuestring : "?";
	unsigned ends = 0;

	if (r->rc)
		return 0;
	for (; *word; word++) {
		if (*word != 'r' && *word != 'w') {
			fail(r, at, key, "the ends must be \"r\", \"w\" or \"rw\"");
			return 0;
		}
		ends |= *word == 'r' ? END_READ : END_WRITE;
	}
	return ends;
}

static pid_t key_to_id(struct reader *r, const struct at *at, const char *key, int64_t least)
{
	uint64_t value;

	if (!parse_u64(key, 10, &value) || value < (uint64_t)least || value > INT32_MAX) {
		fail(r, at, key, "is no number of a process, task or descriptor");
		return 0;
	}
	return (pid_t)value;
}

/* ---- lists ---- */

/** The array under KEY, NULL when it is missing. N: its length. */
static const cJSON *get_list(struct reader *r, const struct at *at, const char *key, size_t *n)
{
	const cJSON *json = optional(r, at, key);

	*n = 0;
	if (!json)
		return NULL;
	if (!cJSON_IsArray(json)) {
		fail(r, at, key, "is no list");
		return NULL;
	}
	*n = (size_t)cJSON_GetArraySize(json);
	return json;
}

static struct at get_object(struct reader *r, const struct at *up, const char *key)
{
	const cJSON *json = required(r, up, key);

	if (json && !cJSON_IsObject(json)) {
		fail(r, up, key, "is no object");
		json = NULL;
	}
	return (struct at){up, key, json};
}

/** The member that an iteration over AT stands on, as an object. */
static struct at step_into(struct reader *r, const struct at *at, const cJSON *json)
{
	if (!cJSON_IsObject(json))
		fail(r, at, json->string, "is no object");
	return (struct at){at, json->string, json};
}

static pid_t *get_ids(struct reader *r, const struct at *at, const char *key, int64_t least, size_t *n)
{
	const cJSON *list = get_list(r, at, key, n), *item;
	pid_t *pids = arena_array(r->s->arena, *n, sizeof *pids);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
		pids[i++] = (pid_t)to_int(r, at, key, item, least, INT32_MAX);
	return pids;
}

static pid_t *get_pids(struct reader *r, const struct at *at, const char *key, size_t *n)
{
	return get_ids(r, at, key, 1, n);
}

/** Strings, with a NULL behind the last. */
static char **get_strings(struct reader *r, const struct at *at, const char *key, size_t *n)
{
	const cJSON *list = get_list(r, at, key, n), *item;
	char **words = arena_array(r->s->arena, *n + 1, sizeof *words);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
	{
		char *word = to_str(r, at, key, item);

		words[i++] = word ? word : arena_strdup(r->s->arena, "");
	}
	return words;
}

/** Keys of files and mappings; the same words under another type. */
static const char **get_keys(struct reader *r, const struct at *at, const char *key, size_t *n)
{
	char **words = get_strings(r, at, key, n);
	const char **keys = arena_array(r->s->arena, *n, sizeof *keys);

	for (size_t i = 0; i < *n; i++)
		keys[i] = words[i];
	return keys;
}

/* ---- objects ---- */

/** The index of an object by its name, a new one when nobody named it before. */
static int intern(struct reader *r, const char *raw)
{
	char *name = clean_copy(r, raw);
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
		fail(r, at, key, "is no name of an object");
		return -1;
	}
	return intern(r, json->valuestring);
}

static int get_peer(struct reader *r, const struct at *at)
{
	const cJSON *json = optional(r, at, "peer");

	if (!json)
		return PEER_NONE;
	if (cJSON_IsString(json) && strcmp(json->valuestring, SNAPSHOT_GONE) == 0)
		return PEER_GONE;
	return to_object(r, at, "peer", json);
}

static void read_watch(struct reader *r, const struct at *at, struct object *o)
{
	const cJSON *list = get_list(r, at, "watch", &o->nwatch), *item;
	size_t i = 0;

	o->watch = arena_array(r->s->arena, o->nwatch, sizeof *o->watch);
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsArray(item))
			fail(r, at, "watch", "is no list of [object, ends]");
		o->watch[i].object = to_object(r, at, "watch", cJSON_GetArrayItem(item, 0));
		o->watch[i++].way = to_ends(r, at, "watch", cJSON_GetArrayItem(item, 1));
	}
}

/** Where a flag that speaks for life is missing, it is taken to be set. */
static void read_object(struct reader *r, const struct at *at, int index)
{
	struct object o = r->objects.at[index];

	o.type = need_str(r, at, "type");
	o.kind = object_kind_of_word(o.type);
	o.outside = to_ends(r, at, "outside", required(r, at, "outside"));
	o.peer = get_peer(r, at);
	o.listener = get_bool(r, at, "listener", false);
	o.named = get_bool(r, at, "named", false);
	o.transit = get_bool(r, at, "transit", false);
	o.armed = get_bool(r, at, "armed", o.kind == OBJECT_TIMERFD);
	o.takes_alarm = get_bool(r, at, "alrm", o.kind == OBJECT_SIGNALFD);
	o.read_timer = get_bool(r, at, "vtime", false);
	o.pid = (pid_t)to_int(r, at, "pid", optional(r, at, "pid"), -1, INT32_MAX);
	read_watch(r, at, &o);
	r->objects.at[index] = o;
}

static void read_objects(struct reader *r, const struct at *top)
{
	struct at objs = get_object(r, top, "objs");
	const cJSON *item;
	int index = 0;

	cJSON_ArrayForEach(item, objs.json)
		if (intern(r, item->string) != index++)
			fail(r, &objs, item->string, "comes twice");
	index = 0;
	cJSON_ArrayForEach(item, objs.json)
	{
		struct at at = step_into(r, &objs, item);

		if (r->rc)
			return;
		read_object(r, &at, index++);
	}
}

/* ---- processes ---- */

static void read_fds(struct reader *r, const struct at *up, struct process *p)
{
	struct at at = get_object(r, up, "fds");
	const cJSON *item;

	p->nfds = (size_t)cJSON_GetArraySize(at.json);
	p->fds = arena_array(r->s->arena, p->nfds, sizeof *p->fds);
	p->nfds = 0;
	cJSON_ArrayForEach(item, at.json)
	{
		struct held_fd *f = &p->fds[p->nfds++];

		if (!cJSON_IsArray(item))
			fail(r, &at, item->string, "is no [object, ends]");
		f->fd = key_to_id(r, &at, item->string, 0);
		f->object = to_object(r, &at, item->string, cJSON_GetArrayItem(item, 0));
		f->ends = to_ends(r, &at, item->string, cJSON_GetArrayItem(item, 1));
		if (r->rc)
			return;
	}
}

static void read_signals(struct reader *r, const struct at *at, struct process *p)
{
	const char *use = need_str(r, at, "alrm");

	if (!r->rc && !alarm_use_of_word(use, &p->alarm_use))
		fail(r, at, "alrm", "\"%.40s\" is no use of an alarm", use);
	p->catches_chld = need_bool(r, at, "chld");
	p->posix_timers = need_bool(r, at, "timer");
	p->alarm_ns = NEVER_NS;
}

static void read_process(struct reader *r, const struct at *at, struct process *p)
{
	size_t nargs;

	p->pid = key_to_id(r, at->up, at->key, 1);
	p->ppid = get_pid(r, at, "ppid", 0);
	p->pgrp = get_pid(r, at, "pgrp", 0);
	p->tpgid = get_pid(r, at, "tpgid", -1);
	p->tracer = get_pid(r, at, "tracer", 0);
	p->tty = (int)to_int(r, at, "tty", optional(r, at, "tty"), INT32_MIN, INT32_MAX);
	p->comm = get_str(r, at, "comm");
	p->comm = p->comm ? p->comm : "";
	p->argv = get_strings(r, at, "cmdline", &nargs);
	p->test = get_str(r, at, "test");
	p->phase = get_str(r, at, "phase");
	p->kids = get_pids(r, at, "kids", &p->nkids);
	p->readable = need_bool(r, at, "readable");
	p->vm = get_pid(r, at, "vm", 0);
	p->vm = p->vm ? p->vm : p->pid;
	p->forked = get_bool(r, at, "forked", false);
	p->shm = get_keys(r, at, "shm", &p->nshm);
	p->locks = get_keys(r, at, "locks", &p->nlocks);
	p->start_ticks = get_count(r, at, "start");
	read_signals(r, at, p);
	read_fds(r, at, p);
}

static void read_processes(struct reader *r, const struct at *top)
{
	struct at procs = get_object(r, top, "procs");
	const cJSON *item;

	r->s->procs = arena_array(r->s->arena, (size_t)cJSON_GetArraySize(procs.json), sizeof *r->s->procs);
	cJSON_ArrayForEach(item, procs.json)
	{
		struct at at = step_into(r, &procs, item);

		if (r->rc)
			return;
		read_process(r, &at, &r->s->procs[r->s->nprocs++]);
	}
}

/* ---- tasks ---- */

static void read_targets(struct reader *r, const struct at *at, struct wait *w)
{
	const cJSON *list = get_list(r, at, "on", &w->non), *item;
	size_t i = 0;

	if (!list)
		required(r, at, "on");
	w->on = arena_array(r->s->arena, w->non, sizeof *w->on);
	cJSON_ArrayForEach(item, list)
	{
		struct wait_target *on = &w->on[i++];

		if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 3)
			fail(r, at, "on", "is no list of [object, ends, descriptor]");
		const cJSON *object = cJSON_GetArrayItem(item, 0);

		on->object = cJSON_IsNull(object) ? -1 : to_object(r, at, "on", object);
		on->way = to_ends(r, at, "on", cJSON_GetArrayItem(item, 1));
		on->fd = (int)to_int(r, at, "on", cJSON_GetArrayItem(item, 2), INT32_MIN, INT32_MAX);
		if (r->rc)
			return;
	}
}

static void read_wait_details(struct reader *r, const struct at *at, struct wait *w)
{
	if (w->op == WAIT_FDS)
		read_targets(r, at, w);
	if (w->op == WAIT_CHILD)
		required(r, at, "pids");
	w->pids = get_pids(r, at, "pids", &w->npids);
	w->any = get_bool(r, at, "any", false);
	w->key = get_str(r, at, w->op == WAIT_FLOCK ? "key" : "shm");
	if (w->op == WAIT_FLOCK && !w->key)
		fail(r, at, "key", "is missing");
	w->named = get_bool(r, at, "named", false);
	w->outside = get_bool(r, at, "outside", false);
	w->owner = get_pid(r, at, "owner", 0);
	w->owner_word = get_pid(r, at, "owner_word", 0);
	w->join = get_pid(r, at, "join", 0);
	w->takes_alarm = get_bool(r, at, "alrm", w->op == WAIT_SIGNAL);
	w->tty = get_bool(r, at, "tty", false);
	w->tracer = get_pid(r, at, "by", 0);
}

static void read_wait(struct reader *r, const struct at *up, struct wait *w)
{
	struct at at = get_object(r, up, "wait");
	const char *op = need_str(r, &at, "op");

	if (r->rc)
		return;
	if (!wait_op_of_word(op, &w->op)) {
		fail(r, &at, "op", "\"%.40s\" is no kind of wait", op);
		return;
	}
	w->why = get_str(r, &at, "why");
	w->timeout_ns = get_ns(r, &at, "timeout", NEVER_NS);
	read_wait_details(r, &at, w);
}

static void read_args(struct reader *r, const struct at *at, struct task *t)
{
	size_t n, i = 0;
	const cJSON *list = get_list(r, at, "args", &n), *item;

	if (n > ARRAY_SIZE(t->args)) {
		fail(r, at, "args", "are more than six");
		return;
	}
	cJSON_ArrayForEach(item, list)
		if (!cJSON_IsString(item) || !parse_u64(item->valuestring, 16, &t->args[i++]))
			fail(r, at, "args", "are no hexadecimal strings");
}

static void read_task(struct reader *r, const struct at *at, struct task *t)
{
	const char *state = get_str(r, at, "state");

	t->tid = key_to_id(r, at->up, at->key, 1);
	t->pid = (pid_t)to_int(r, at, "pid", required(r, at, "pid"), 1, INT32_MAX);
	t->comm = get_str(r, at, "comm");
	t->comm = t->comm ? t->comm : "";
	t->call = get_str(r, at, "call");
	t->call = t->call ? t->call : "";
	if (state && strlen(state) != 1)
		fail(r, at, "state", "is no single letter");
	t->state = state ? state[0] : '?';
	t->runs = get_count(r, at, "runs");
	t->moved_ns = get_ns(r, at, "moved", 0);
	read_args(r, at, t);
	read_wait(r, at, &t->wait);
}

static void read_tasks(struct reader *r, const struct at *top)
{
	struct at tasks = get_object(r, top, "tasks");
	const cJSON *item;

	r->s->tasks = arena_array(r->s->arena, (size_t)cJSON_GetArraySize(tasks.json), sizeof *r->s->tasks);
	cJSON_ArrayForEach(item, tasks.json)
	{
		struct at at = step_into(r, &tasks, item);

		if (r->rc)
			return;
		read_task(r, &at, &r->s->tasks[r->s->ntasks++]);
	}
}

/** `tids` of a process says again what the tasks say. A file in which the two differ lost tasks: nothing may be proved of it. */
static void check_tids(struct reader *r, const struct at *top)
{
	struct at procs = get_object(r, top, "procs");
	const cJSON *item;

	cJSON_ArrayForEach(item, procs.json)
	{
		struct at at = {&procs, item->string, item};
		const struct process *p = snapshot_process(r->s, key_to_id(r, &procs, item->string, 1));
		size_t n;
		const pid_t *tids = get_pids(r, &at, "tids", &n);

		for (size_t i = 0; i < n && !r->rc; i++) {
			const struct task *t = snapshot_task(r->s, tids[i]);

			if (!t || t->pid != p->pid)
				fail(r, &at, "tids", "%d is no task of this process", tids[i]);
		}
		if (optional(r, &at, "tids") && n != p->ntasks)
			fail(r, &at, "tids", "%zu are listed, but %zu are there", n, p->ntasks);
		if (r->rc)
			return;
	}
}

/* ---- the rest ---- */

static void read_alarms(struct reader *r, const struct at *top)
{
	if (!optional(r, top, "alarms"))
		return;

	struct at alarms = get_object(r, top, "alarms");
	const cJSON *item;

	r->s->alarms_known = true;
	cJSON_ArrayForEach(item, alarms.json)
	{
		struct process *p = snapshot_process(r->s, key_to_id(r, &alarms, item->string, 1));
		int64_t ns = to_ns(r, &alarms, item->string, item);

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

	if (!optional(r, top, "locks"))
		return;
	struct at locks = get_object(r, top, "locks");

	cJSON_ArrayForEach(item, locks.json)
	{
		size_t n;
		const char *key = clean_copy(r, item->string);
		const pid_t *pids = get_ids(r, &locks, item->string, -1, &n); /* -1: nobody in particular, see proc_locks(5) */

		for (size_t i = 0; i < n; i++)
			vec_push(&holders, (struct lock_holder){key, pids[i]});
	}
	r->s->locks = arena_memdup(r->s->arena, holders.at, holders.n * sizeof *holders.at);
	r->s->nlocks = holders.n;
	vec_free(&holders);
}

static void read_inflight(struct reader *r, const struct at *top)
{
	const cJSON *list = get_list(r, top, "inflight", &r->s->ninflight), *item;
	size_t i = 0;

	r->s->inflight = arena_array(r->s->arena, r->s->ninflight, sizeof *r->s->inflight);
	cJSON_ArrayForEach(item, list)
		r->s->inflight[i++] = to_object(r, top, "inflight", item);
}

static void check_schema(struct reader *r, const struct at *top)
{
	static const char *const keys[] = {"tasks", "procs", "objs", "root", "t"};
	const char *schema = get_str(r, top, "schema");

	if (!r->rc && schema && strcmp(schema, SNAPSHOT_SCHEMA) != 0)
		fail(r, top, "schema", "\"%.40s\", but this program reads \"%s\"", schema, SNAPSHOT_SCHEMA);
	for (size_t i = 0; i < ARRAY_SIZE(keys) && !r->rc; i++)
		if (!optional(r, top, keys[i]))
			r->rc = err_set(r->err, -EINVAL, "not a tracewrap snapshot: no key \"%s\"", keys[i]);
}

static int read_top(struct reader *r, const struct at *top)
{
	if (!cJSON_IsObject(top->json))
		return err_set(r->err, -EINVAL, "not a tracewrap snapshot: no JSON object");
	check_schema(r, top);
	r->s->taken_ns = get_ns(r, top, "t", 0);
	r->s->root = get_pid(r, top, "root", 1);
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

/** The whole text as one JSON value, NULL with an error otherwise. cJSON limits the depth to 1000. */
static cJSON *parse_json(const char *text, size_t len, struct err *err)
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
	cJSON *json = parse_json(text, len, err);

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
