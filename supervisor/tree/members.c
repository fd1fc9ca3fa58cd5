/* Who is of the tree, and who made whom. */
#include <string.h>

#include "tree/state.h"

/* Ended processes that are remembered: their orphans still ask for the test of their parent. */
enum { ENDED_MOST = 4096 };

struct member *member_find(const struct tree *t, pid_t pid)
{
	size_t i;

	return idmap_get(t->by_pid, (uint64_t)pid, &i) ? &t->members.at[i] : NULL;
}

static struct member *add(struct tree *t, pid_t pid)
{
	struct member m = {.pid = pid, .hearing = {.expires_ns = NEVER_NS}};

	idmap_put(t->by_pid, (uint64_t)pid, t->members.n);
	vec_push(&t->members, m);
	return &t->members.at[t->members.n - 1];
}

/** The first word of a process that nobody has told of: an image that is listened to has made it (vfork, clone), for such an image
 *  begins with EVENT_START. After a loss that may have been what was lost. */
struct member *member_need(struct tree *t, pid_t pid)
{
	struct member *m = member_find(t, pid);

	if (!m) {
		m = add(t, pid);
		m->unspoken = true;
	}
	if (m->unspoken)
		m->hearing.heard = !t->lost;
	m->unspoken = false;
	return m;
}

struct member *member_begin(struct tree *t, pid_t pid, pid_t parent)
{
	struct member *m = member_find(t, pid);

	if (!m)
		m = add(t, pid);
	*m = (struct member){.pid = pid, .ppid = parent, .hearing = {.expires_ns = NEVER_NS}};
	return m;
}

static void forget(struct tree *t, pid_t pid)
{
	struct member *m = member_find(t, pid), *last = &t->members.at[t->members.n - 1];

	if (!m || !m->ended) /* its number lives again */
		return;
	idmap_del(t->by_pid, (uint64_t)pid);
	if (m != last) {
		*m = *last;
		idmap_put(t->by_pid, (uint64_t)m->pid, (size_t)(m - t->members.at));
	}
	t->members.n--;
}

void member_end(struct tree *t, pid_t pid)
{
	struct member *m = member_find(t, pid);

	if (!m || m->ended)
		return;
	m->ended = true;
	vec_push(&t->ended, pid);
	while (t->ended.n - t->ended_first > ENDED_MOST)
		forget(t, t->ended.at[t->ended_first++]);
	if (t->ended_first > ENDED_MOST) { /* give the room in front back */
		t->ended.n -= t->ended_first;
		memmove(t->ended.at, t->ended.at + t->ended_first, t->ended.n * sizeof *t->ended.at);
		t->ended_first = 0;
	}
}
