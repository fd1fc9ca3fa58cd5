/* What is there -> findings. Things of one kind, made by one test, by the same program, are one finding. */
#include <string.h>

#include "leaks/leaks.h"

/* ---- findings ---- */

static const char *copy(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

static struct leak_process copy_process(struct arena *a, const struct leak_process *p)
{
	return (struct leak_process){
		.pid = p->pid,
		.label = copy(a, p->label ? p->label : "?"),
		.command = copy(a, p->command ? p->command : ""),
		.started_ns = p->started_ns,
	};
}

static struct finding *begin(const struct leaks_input *in, enum finding_kind kind, const char *test, finding_vec *out)
{
	struct arena *a = arena_new();
	struct finding *f = arena_alloc(a, sizeof *f);

	*f = (struct finding){.arena = a, .kind = kind, .certainty = PROVEN, .root = in->root, .horizon_ns = NEVER_NS};
	f->test = copy(a, test);
	f->onset_ns = f->detected_ns = in->now_ns;
	vec_push(out, f);
	return f;
}

/* Findings are few and small: an array that grows by one is copied in the arena. */
static void *grow(struct arena *a, const void *old, size_t n, size_t size)
{
	char *bigger = arena_array(a, n + 1, size);

	if (n)
		memcpy(bigger, old, n * size);
	return bigger;
}

static void add_culprit(struct finding *f, pid_t pid)
{
	for (size_t i = 0; i < f->nculprits; i++)
		if (f->culprits[i] == pid)
			return;
	f->culprits = grow(f->arena, f->culprits, f->nculprits, sizeof *f->culprits);
	f->culprits[f->nculprits++] = pid;
}

static void add_who(struct finding *f, const struct leak_process *p)
{
	for (size_t i = 0; i < f->leak.nwho; i++)
		if (f->leak.who[i].pid == p->pid)
			return;
	f->leak.who = grow(f->arena, f->leak.who, f->leak.nwho, sizeof *f->leak.who);
	f->leak.who[f->leak.nwho++] = copy_process(f->arena, p);
	add_culprit(f, p->pid);
	if (p->started_ns && p->started_ns < f->onset_ns)
		f->onset_ns = p->started_ns;
}

static void add_thing(struct finding *f, const struct leak_thing *t)
{
	for (size_t i = 0; i < f->leak.nthings; i++)
		if (strcmp(f->leak.things[i].name, t->name) == 0 && strcmp(f->leak.things[i].protocol, t->protocol) == 0)
			return;
	f->leak.things = grow(f->arena, f->leak.things, f->leak.nthings, sizeof *f->leak.things);
	f->leak.things[f->leak.nthings++] =
		(struct leak_thing){copy(f->arena, t->protocol), copy(f->arena, t->name)};
}

static bool same_test(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* ---- processes and their listeners ---- */

static bool living(const struct left_process *p)
{
	return p->state != 'Z' && p->state != 'X';
}

static const struct left_process *process_of(const struct leaks_input *in, pid_t pid)
{
	for (size_t i = 0; i < in->nprocesses; i++)
		if (in->processes[i].is.pid == pid)
			return &in->processes[i];
	return NULL;
}

/** The topmost living process of those that were left: the others are its work. */
static const struct left_process *top_of(const struct leaks_input *in, const struct left_process *p)
{
	for (size_t depth = 0; depth < in->nprocesses; depth++) {
		const struct left_process *up = process_of(in, p->parent);

		if (!up || !living(up))
			break;
		p = up;
	}
	return p;
}

static bool is_held_inside(const struct leaks_input *in, const struct leak_thing *t)
{
	for (size_t i = 0; i < in->nheld; i++)
		if (in->failed && in->held[i].owner == OWNER_RUN && in->held[i].nwho && strcmp(in->held[i].is.name, t->name) == 0 &&
		    strcmp(in->held[i].is.protocol, t->protocol) == 0 && (in->held[i].bind_failed || !in->binds_heard))
			return true;
	return false;
}

/** Those of the tree that hold an address which the run needed: the port is the finding, not the process. */
static bool holds_needed(const struct leaks_input *in, const struct left_process *top)
{
	for (size_t i = 0; i < in->nlisteners; i++) {
		const struct left_process *p = process_of(in, in->listeners[i].pid);

		if (p && top_of(in, p) == top && is_held_inside(in, &in->listeners[i].is))
			return true;
	}
	return false;
}

static bool listens(const struct leaks_input *in, const struct left_process *top)
{
	for (size_t i = 0; i < in->nlisteners; i++) {
		const struct left_process *p = process_of(in, in->listeners[i].pid);

		if (p && !in->listeners[i].inherited && top_of(in, p) == top)
			return true;
	}
	return false;
}

static void add_family(const struct leaks_input *in, const struct left_process *top, struct finding *f)
{
	add_who(f, &top->is);
	for (size_t i = 0; i < in->nprocesses; i++)
		if (living(&in->processes[i]) && top_of(in, &in->processes[i]) == top)
			add_who(f, &in->processes[i].is);
}

static void add_listeners(const struct leaks_input *in, const struct left_process *top, struct finding *f)
{
	for (size_t i = 0; i < in->nlisteners; i++) {
		const struct left_process *p = process_of(in, in->listeners[i].pid);

		if (p && !in->listeners[i].inherited && top_of(in, p) == top)
			add_thing(f, &in->listeners[i].is);
	}
}

/** A process with others below it names no test where one of those does: they were all made by it, or after it. */
static struct finding *find_alike(finding_vec *out, size_t from, enum finding_kind kind, const struct left_process *top)
{
	for (size_t i = from; i < out->n; i++) {
		struct finding *f = out->at[i];

		if (f->kind == kind && same_test(f->test, top->test) && f->leak.nwho && strcmp(f->leak.who[0].label, top->is.label) == 0)
			return f;
	}
	return NULL;
}

static void find_processes(const struct leaks_input *in, finding_vec *out)
{
	size_t from = out->n;

	for (size_t i = 0; i < in->nprocesses; i++) {
		const struct left_process *p = &in->processes[i];

		if (!living(p) || top_of(in, p) != p || holds_needed(in, p))
			continue;

		enum finding_kind kind = listens(in, p) ? FINDING_LEAKED_LISTENER : FINDING_LEAKED_PROCESS;
		struct finding *f = find_alike(out, from, kind, p);

		if (!f)
			f = begin(in, kind, p->test, out);
		add_family(in, p, f);
		add_listeners(in, p, f);
	}
}

/* ---- zombies ---- */

static void find_zombies(const struct leaks_input *in, finding_vec *out)
{
	size_t from = out->n;

	for (size_t i = 0; i < in->nzombies; i++) {
		const struct left_zombie *z = &in->zombies[i];
		struct finding *f = NULL;

		if (z->waited || z->until_ns - z->since_ns < ZOMBIE_NS)
			continue;
		for (size_t k = from; k < out->n && !f; k++)
			if (out->at[k]->leak.parent.pid == z->parent.pid && same_test(out->at[k]->test, z->test))
				f = out->at[k];
		if (!f) {
			f = begin(in, FINDING_ZOMBIE, z->test, out);
			f->leak.parent = copy_process(f->arena, &z->parent);
		}
		add_who(f, &z->is);
		if (z->since_ns < f->onset_ns)
			f->onset_ns = z->since_ns;
	}
}

/* ---- files ---- */

static void find_files(const struct leaks_input *in, const struct left_file *files, size_t n, enum finding_kind kind, finding_vec *out)
{
	size_t from = out->n;

	for (size_t i = 0; i < n; i++) {
		const struct left_file *file = &files[i];
		struct finding *f = NULL;

		if (!file->there || !file->made || file->in_use || file->by_ended || file->kept)
			continue;
		for (size_t k = from; k < out->n && !f; k++)
			if (same_test(out->at[k]->test, file->test))
				f = out->at[k];
		if (!f)
			f = begin(in, kind, file->test, out);
		add_thing(f, &(struct leak_thing){kind == FINDING_STALE_SOCKET ? "socket" : "shm", file->name});
		if (file->maker)
			add_culprit(f, file->maker);
	}
}

/* ---- addresses ---- */

static void find_held(const struct leaks_input *in, finding_vec *out)
{
	for (size_t i = 0; i < in->nheld; i++) {
		const struct held_address *h = &in->held[i];

		/* A test that checks what happens then is healthy: only a run that failed has an address to complain of. */
		if (!in->failed || !h->nwho || (!h->bind_failed && in->binds_heard))
			continue;

		struct finding *f = begin(in, FINDING_PORT_HELD, h->test, out);

		f->certainty = h->bind_failed ? PROVEN : SUSPECTED;
		f->leak.owner = h->owner;
		f->leak.before = h->before;
		for (size_t k = 0; k < h->nwho; k++)
			add_who(f, &h->who[k]);
		add_thing(f, &h->is);
		f->onset_ns = h->seen_ns;
	}
}

void leaks_find(const struct leaks_input *in, finding_vec *out)
{
	find_held(in, out);
	find_processes(in, out);
	find_zombies(in, out);
	find_files(in, in->sockets, in->nsockets, FINDING_STALE_SOCKET, out);
	find_files(in, in->shm, in->nshm, FINDING_LEAKED_SHM, out);
}
