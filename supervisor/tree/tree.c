/* One event after the other. */
#include <string.h>

#include "tree/state.h"

/* A bind storm must not grow the supervisor: the oldest go. */
enum { BINDS_MOST = 4096 };

struct tree *tree_new(pid_t root, struct history *history)
{
	struct tree *t = mem_alloc(sizeof *t);

	t->root = root;
	t->history = history;
	t->by_pid = idmap_new();
	member_need(t, root);
	return t;
}

static void bind_free(struct tree_bind *b)
{
	mem_free((void *)(uintptr_t)b->address);
	mem_free((void *)(uintptr_t)b->test);
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->spans.n; i++)
		mem_free(t->spans.at[i].id);
	for (size_t i = 0; i < t->binds.n; i++)
		bind_free(&t->binds.at[i]);
	vec_free(&t->members);
	vec_free(&t->ended);
	vec_free(&t->announcements);
	vec_free(&t->spans);
	vec_free(&t->binds);
	idmap_free(t->by_pid);
	mem_free(t);
}

/* ---- binds ---- */

static char *copy(const char *s)
{
	return s ? strcpy(mem_alloc(strlen(s) + 1), s) : NULL;
}

/** listen(2) alone binds an unbound socket: the address then comes with it. */
static bool is_known(const struct tree *t, const struct event *ev)
{
	for (size_t i = t->binds.n; i-- > 0;) {
		const struct tree_bind *b = &t->binds.at[i];

		if (b->pid == ev->pid && b->fd == ev->fd)
			return !b->error && strcmp(b->address, ev->text) == 0;
	}
	return false;
}

static void note_bind(struct tree *t, const struct event *ev)
{
	if (!*ev->text || (ev->kind == EVENT_LISTEN && (ev->error || is_known(t, ev))))
		return;
	if (t->binds.n >= BINDS_MOST) {
		size_t drop = BINDS_MOST / 8;

		for (size_t i = 0; i < drop; i++)
			bind_free(&t->binds.at[i]);
		t->binds.n -= drop;
		memmove(t->binds.at, t->binds.at + drop, t->binds.n * sizeof *t->binds.at);
	}
	vec_push(&t->binds, (struct tree_bind){
				    .pid = ev->pid,
				    .fd = ev->fd,
				    .error = ev->error,
				    .at_ns = ev->at_ns,
				    .address = copy(ev->text),
				    .socket_type = ev->socket_type,
				    .test = copy(tree_test_at(t, ev->pid, ev->at_ns)),
			    });
}

size_t tree_binds(const struct tree *t)
{
	return t->binds.n;
}

const struct tree_bind *tree_bind_at(const struct tree *t, size_t i)
{
	must(i < t->binds.n);
	return &t->binds.at[i];
}

/* ---- events ---- */

void tree_gone(struct tree *t, pid_t pid, int64_t now_ns)
{
	test_ended(t, pid, now_ns);
	member_end(t, pid);
}

static void spawned(struct tree *t, const struct event *ev)
{
	if (ev->child <= 0)
		return;

	struct member *m = member_find(t, ev->child);

	if (!m || m->ended) /* the child's own words come later, or never: a program that the library can't enter */
		m = member_begin(t, ev->child, ev->pid);
	m->unspoken = false;
	if (!m->ppid)
		m->ppid = ev->pid;
}

bool tree_made_at(const struct tree *t, pid_t pid, int64_t *at_ns)
{
	const struct member *m = member_find(t, pid);

	*at_ns = m ? m->made_ns : 0;
	return *at_ns > 0;
}

/** The first word about a process comes at its fork, or, where nobody tells of that (vfork), at its exec. */
static void note_beginning(struct tree *t, const struct event *ev)
{
	bool fork = ev->kind == EVENT_FORK || ev->kind == EVENT_SPAWNED;
	struct member *m = member_find(t, fork ? ev->child : ev->pid);

	if (m && !m->ppid && m->pid != t->root && ev->parent != m->pid)
		m->ppid = ev->parent; /* a child of vfork, or of a program that is not heard */
	if (m && (!m->made_ns || (fork && ev->at_ns < m->made_ns)))
		m->made_ns = ev->at_ns;
}

/** Sources do not come in order: who tells of the number's next owner may have been heard first. */
static bool is_of_an_earlier_one(const struct tree *t, const struct event *ev)
{
	const struct member *m = member_find(t, ev->pid);

	return m && ev->at_ns < m->made_ns;
}

static void take_event(struct tree *t, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_START:
		hearing_start(t, ev);
		break;
	case EVENT_FORK:
		hearing_fork(t, ev);
		break;
	case EVENT_EXEC:
		if (ev->source == FROM_SHIM)
			hearing_announce(t, ev, false);
		else
			hearing_exec_done(t, ev);
		break;
	case EVENT_EXEC_FAILED:
		hearing_exec_failed(t, ev);
		break;
	case EVENT_SPAWN:
		hearing_announce(t, ev, true);
		break;
	case EVENT_SPAWNED:
		spawned(t, ev);
		break;
	case EVENT_EXIT:
		if (ev->exact && !is_of_an_earlier_one(t, ev))
			tree_gone(t, ev->pid, ev->at_ns);
		break;
	case EVENT_BIND:
	case EVENT_LISTEN:
		note_bind(t, ev);
		break;
	case EVENT_ALARM:
		hearing_alarm(t, ev);
		break;
	case EVENT_TEST:
		test_event(t, ev);
		break;
	case EVENT_TIMER:
	case EVENT_PDEATHSIG:
		break;
	}
}

void tree_event(struct tree *t, const struct event *ev)
{
	take_event(t, ev);
	note_beginning(t, ev);
	if (t->history)
		told_event(t, ev);
}
