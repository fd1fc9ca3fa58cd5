/* Findings out of a saved report. What a reader of the file can't check by its form alone is checked here: indices into the lists beside. */
#include <string.h>

#include "model/reader.h"

enum { ASSUMPTIONS_ALL = (1 << 16) - 1 };

int64_t reader_get_moment(struct reader *r, const struct at *at, const char *key, int64_t start_ns, int64_t fallback)
{
	const cJSON *json = reader_optional(r, at, key);
	double d = json ? json->valuedouble : 0;

	if (!json)
		return fallback;
	if (!cJSON_IsNumber(json))
		reader_fail(r, at, key, "is no number of seconds");
	else if (!(d >= -(double)SECONDS_MOST && d <= (double)SECONDS_MOST))
		reader_fail(r, at, key, "%g s is out of range", d);
	else
		return start_ns + (int64_t)(d * 1e3 + (d < 0 ? -0.5 : 0.5)) * NS_PER_MS;
	return fallback;
}

static size_t read_size(struct reader *r, const struct at *at, const char *key, size_t fallback)
{
	const cJSON *json = reader_optional(r, at, key);

	return json ? (size_t)reader_to_int(r, at, key, json, 0, INT32_MAX) : fallback;
}

/** An index that is null when there is none; checked against the list's length once that is known. */
static int read_index(struct reader *r, const struct at *at, const char *key)
{
	const cJSON *json = reader_optional(r, at, key);

	return json ? (int)reader_to_int(r, at, key, json, 0, INT32_MAX) : -1;
}

/* ---- blocked ---- */

static void read_args(struct reader *r, const struct at *at, struct blocked *b)
{
	size_t n, i = 0;
	const cJSON *list = reader_get_list(r, at, "args", &n), *item;

	cJSON_ArrayForEach(item, list) if (i < ARRAY_SIZE(b->args)) b->args[i++] = reader_to_address(r, at, "args", item);
}

static void read_blocked(struct reader *r, const struct at *at, struct blocked *b, int64_t start_ns)
{
	const char *role = reader_need_str(r, at, "role");

	b->pid = reader_need_pid(r, at, "pid", 1);
	b->tid = reader_need_pid(r, at, "tid", 1);
	b->comm = reader_need_str(r, at, "comm");
	b->label = reader_need_str(r, at, "label");
	b->call = reader_need_str(r, at, "syscall");
	read_args(r, at, b);
	b->fd = reader_optional(r, at, "fd") ? reader_get_pid(r, at, "fd", 0) : -1;
	b->object = read_index(r, at, "object_index");
	b->waits_for = reader_get_pids(r, at, "waits_for", &b->nwaits_for);
	b->nwaits_for_all = read_size(r, at, "waits_for_count", b->nwaits_for);
	b->waits_for_pids = reader_get_pids(r, at, "waits_for_pids", &b->nwaits_for_pids);
	if (!r->rc && !role_of_word(role, &b->role))
		reader_fail(r, at, "role", "\"%.40s\" is no role", role);
	b->cause = reader_get_bool(r, at, "cause", false);
	b->culprit = reader_get_bool(r, at, "culprit", false);
	b->timeout_ns = reader_get_ns(r, at, "timeout_s", NEVER_NS);
	b->moved_ns = reader_get_moment(r, at, "still_since_s", start_ns, 0);
}

static void read_all_blocked(struct reader *r, const struct at *up, struct finding *f, int64_t start_ns)
{
	const cJSON *list = reader_get_list(r, up, "blocked", &f->nblocked), *item;
	size_t i = 0;

	f->blocked = arena_array(r->s->arena, f->nblocked, sizeof *f->blocked);
	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			return;
		read_blocked(r, &at, &f->blocked[i++], start_ns);
	}
}

/* ---- objects ---- */

static unsigned read_ends(struct reader *r, const struct at *at, const char *key)
{
	static const char *const names[] = {"", "read", "write", "both"};
	const char *word = reader_need_str(r, at, key);

	for (unsigned ends = 0; ends < ARRAY_SIZE(names); ends++)
		if (strcmp(word, names[ends]) == 0)
			return ends;
	if (!r->rc)
		reader_fail(r, at, key, "\"%.20s\" names no ends", word);
	return 0;
}

static void read_holders(struct reader *r, const struct at *up, struct finding_object *o)
{
	const cJSON *list = reader_get_list(r, up, "holders", &o->nholders), *item;
	size_t i = 0;

	o->holders = arena_array(r->s->arena, o->nholders, sizeof *o->holders);
	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			return;
		o->holders[i++] = (struct object_holder){
			.pid = reader_need_pid(r, &at, "pid", 1),
			.fd = reader_need_pid(r, &at, "fd", 0),
			.ends = read_ends(r, &at, "ends"),
			.label = reader_need_str(r, &at, "label"),
		};
	}
}

static void read_object(struct reader *r, const struct at *at, struct finding_object *o)
{
	const char *kind = reader_get_str(r, at, "kind");

	o->name = reader_need_str(r, at, "name");
	o->type = reader_need_str(r, at, "type");
	o->kind = object_kind_of_word(kind ? kind : o->type);
	o->named = reader_get_bool(r, at, "named", false);
	o->listener = reader_get_bool(r, at, "listener", false);
	o->outside = read_ends(r, at, "outside");
	o->peer = read_index(r, at, "peer_index");
	if (reader_get_bool(r, at, "peer_gone", false))
		o->peer = PEER_GONE;
	read_holders(r, at, o);
}

static void read_objects(struct reader *r, const struct at *up, struct finding *f)
{
	const cJSON *list = reader_get_list(r, up, "objects", &f->nobjects), *item;
	size_t i = 0;

	f->objects = arena_array(r->s->arena, f->nobjects, sizeof *f->objects);
	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			return;
		read_object(r, &at, &f->objects[i++]);
	}
	for (i = 0; i < f->nobjects && !r->rc; i++)
		if (f->objects[i].peer >= 0 && (size_t)f->objects[i].peer >= f->nobjects)
			reader_fail(r, up, "objects", "a peer_index %d, but there are %zu", f->objects[i].peer, f->nobjects);
	for (i = 0; i < f->nblocked && !r->rc; i++)
		if (f->blocked[i].object >= 0 && (size_t)f->blocked[i].object >= f->nobjects)
			reader_fail(r, up, "blocked", "an object_index %d, but there are %zu", f->blocked[i].object,
				    f->nobjects);
}

/* ---- the rest of it ---- */

static void read_stacks(struct reader *r, const struct at *up, struct finding *f)
{
	const cJSON *list = reader_get_list(r, up, "stacks", &f->nstacks), *item;
	size_t i = 0;

	f->stacks = arena_array(r->s->arena, f->nstacks, sizeof *f->stacks);
	f->nstacks = 0;
	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, up, item);

		if (r->rc)
			return;
		f->stacks[i++] = (struct finding_stacks){reader_need_pid(r, &at, "pid", 1), reader_stacks_of(r, &at)};
		f->nstacks = i;
	}
}

static struct leak_process read_leak_process(struct reader *r, const struct at *at, int64_t start_ns)
{
	return (struct leak_process){
		.pid = reader_need_pid(r, at, "pid", 1),
		.label = reader_need_str(r, at, "label"),
		.command = reader_need_str(r, at, "command"),
		.started_ns = reader_get_moment(r, at, "started_s", start_ns, 0),
	};
}

static void read_leak_lists(struct reader *r, const struct at *leak, struct leak *l, int64_t start_ns)
{
	const cJSON *list = reader_get_list(r, leak, "things", &l->nthings), *item;
	size_t i = 0;

	l->things = arena_array(r->s->arena, l->nthings, sizeof *l->things);
	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, leak, item);

		if (r->rc)
			return;
		l->things[i++] = (struct leak_thing){reader_need_str(r, &at, "protocol"), reader_need_str(r, &at, "name")};
	}
	list = reader_get_list(r, leak, "processes", &l->nwho);
	l->who = arena_array(r->s->arena, l->nwho, sizeof *l->who);
	i = 0;
	cJSON_ArrayForEach(item, list)
	{
		struct at at = reader_step_into(r, leak, item);

		if (r->rc)
			return;
		l->who[i++] = read_leak_process(r, &at, start_ns);
	}
}

static void read_leak(struct reader *r, const struct at *up, struct finding *f, int64_t start_ns)
{
	struct at leak = reader_get_object(r, up, "leak");
	const char *whose = reader_need_str(r, &leak, "whose");

	read_leak_lists(r, &leak, &f->leak, start_ns);
	if (reader_optional(r, &leak, "parent")) {
		struct at parent = reader_get_object(r, &leak, "parent");

		f->leak.parent = read_leak_process(r, &parent, start_ns);
	}
	if (!r->rc && !leak_owner_of_word(whose, &f->leak.owner))
		reader_fail(r, &leak, "whose", "\"%.20s\" is none of run, earlier, other", whose);
	f->leak.before = reader_get_bool(r, &leak, "before", false);
	f->leak.done = reader_get_str(r, &leak, "done");
}

static void read_verdict(struct reader *r, const struct at *at, struct finding *f, int64_t start_ns)
{
	const char *kind = reader_need_str(r, at, "kind"), *certainty = reader_need_str(r, at, "certainty");

	if (!r->rc && !finding_kind_of_word(kind, &f->kind))
		reader_fail(r, at, "kind", "\"%.40s\" is no kind of finding that this version knows", kind);
	if (!r->rc && strcmp(certainty, "proven") != 0 && strcmp(certainty, "suspected") != 0)
		reader_fail(r, at, "certainty", "is neither \"proven\" nor \"suspected\"");
	f->certainty = strcmp(certainty, "proven") == 0 ? PROVEN : SUSPECTED;
	f->rescue = reader_get_str(r, at, "rescue");
	f->churns = reader_get_bool(r, at, "churns", false);
	f->quiet_ns = reader_get_ns(r, at, "quiet_s", 0) / NS_PER_MS * NS_PER_MS;
	f->test_late = reader_get_bool(r, at, "test_late", false);
	f->prompt_or_stdin = reader_get_bool(r, at, "prompt_or_stdin", false);
	f->test = reader_get_str(r, at, "test");
	f->phase = reader_get_str(r, at, "phase");
	f->onset_ns = reader_get_moment(r, at, "onset_s", start_ns, start_ns);
	f->detected_ns = reader_get_moment(r, at, "detected_s", start_ns, start_ns);
	f->root = reader_get_pid(r, at, "root", 0);
	f->nstuck = read_size(r, at, "stuck", 0);
	f->ntasks = read_size(r, at, "tasks", 0);
	f->horizon_ns = reader_get_ns(r, at, "horizon_s", NEVER_NS);
	f->assumptions = (unsigned)reader_to_int(r, at, "assumption_bits", reader_optional(r, at, "assumption_bits"), 0,
						 ASSUMPTIONS_ALL);
}

struct finding *reader_finding_of(struct reader *r, const struct at *at, int64_t start_ns)
{
	struct finding *f = arena_alloc(r->s->arena, sizeof *f);

	read_verdict(r, at, f, start_ns);
	f->culprits = reader_get_pids(r, at, "culprits", &f->nculprits);
	f->live = reader_get_keys(r, at, "live", &f->nlive);
	read_all_blocked(r, at, f, start_ns);
	read_objects(r, at, f);
	read_stacks(r, at, f);
	if (!r->rc && finding_is_leak(f))
		read_leak(r, at, f, start_ns);
	return f;
}
