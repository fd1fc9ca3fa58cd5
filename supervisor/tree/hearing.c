/* Was all heard that could arm an alarm? ITIMER_REAL shows in no file of the process, survives exec, and is not inherited by
 * fork (setitimer(2), execve(2)), so a process is heard when each of its images since its fork was listened to. An image that
 * was not may stand between two that were: a static program passes the environment on. Each exec of an image that is listened to
 * is therefore announced, and the image that begins with that token must be the very file, and the first with it. */
#include <string.h>

#include "tree/state.h"

enum { ANNOUNCEMENTS_MOST = 8192 };
/* What has just expired may not have been acted upon yet. */
#define JUST_NOW_NS (100 * NS_PER_MS)

/** FNV-1a of what stands behind the last slash: exec of a name that PATH finds begins as the file's path. */
static uint64_t name_hash(const char *file)
{
	const char *slash = strrchr(file, '/');
	uint64_t hash = UINT64_C(14695981039346656037);

	for (const char *c = slash ? slash + 1 : file; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
	return hash;
}

/* ---- announcements ---- */

static struct announcement *find_announcement(struct tree *t, uint64_t id)
{
	for (size_t i = t->announcements.n; id != NO_TOKEN && i-- > 0;)
		if (t->announcements.at[i].id == id)
			return &t->announcements.at[i];
	return NULL;
}

static void announce(struct tree *t, const struct announcement *a)
{
	if (t->announcements.n < ANNOUNCEMENTS_MOST) {
		vec_push(&t->announcements, *a);
		return;
	}
	t->announcements.at[t->announcement_next] = *a;
	t->announcement_next = (t->announcement_next + 1) % ANNOUNCEMENTS_MOST;
}

void hearing_announce(struct tree *t, const struct event *ev, bool spawn)
{
	pid_t pid = ev->pid ? ev->pid : t->root;

	announce(t, &(struct announcement){.id = ev->id, .pid = pid, .spawn = spawn, .name = name_hash(ev->text)});
	if (spawn)
		return;

	struct hearing *h = &member_need(t, pid)->hearing;

	h->announced = true;
	h->exec_id = ev->id;
}

void hearing_exec_failed(struct tree *t, const struct event *ev)
{
	struct member *m = member_find(t, ev->pid);

	if (m && m->hearing.announced && m->hearing.exec_id == ev->token)
		m->hearing.announced = false;
}

/* ---- images ---- */

/** The connector tells who made whom, and nothing of alarms: whoever else tells of the fork, before or after, is not disturbed. */
static void kernel_fork(struct tree *t, const struct event *ev)
{
	struct member *m = member_find(t, ev->child);

	if (!m || m->ended || m->told_by_kernel) {
		m = member_begin(t, ev->child, ev->pid);
		m->unspoken = true;
	}
	if (!m->ppid)
		m->ppid = ev->pid;
	m->told_by_kernel = true;
}

/** A fork copies the image, so that the child is heard as its parent is; the alarms are not copied. */
void hearing_fork(struct tree *t, const struct event *ev)
{
	if (ev->source == FROM_CONNECTOR) {
		kernel_fork(t, ev);
		return;
	}

	struct member *m = member_find(t, ev->child);
	bool by_itself = ev->source == FROM_SHIM && ev->tid == ev->child;
	bool told = m && !m->ended && (by_itself ? !m->told_by_itself && m->told_by_parent : !m->told_by_parent && m->told_by_itself);

	if (!told) {
		struct hearing parent = ev->source == FROM_SAMPLER ? (struct hearing){0} : member_need(t, ev->pid)->hearing;

		m = member_find(t, ev->child); /* the parent may be new */
		if (m && !m->ended && (!m->ppid || m->told_by_kernel) && !m->told_by_parent && !m->told_by_itself)
			m->ppid = ev->pid; /* it spoke before its fork was told, or the kernel did */
		else
			m = member_begin(t, ev->child, ev->pid);
		if (ev->source == FROM_SHIM && !m->hearing.image_known) {
			/* whoever tells of the fork is listened to, whatever it was before */
			m->hearing.heard = true;
			m->hearing.image = parent.image;
			m->hearing.image_known = parent.image_known;
		}
	}
	m->unspoken = false;
	if (by_itself)
		m->told_by_itself = true;
	else
		m->told_by_parent = true;
}

/** A tracer or the connector says that an exec has happened. */
void hearing_exec_done(struct tree *t, const struct event *ev)
{
	if (ev->source == FROM_TRACER)
		member_need(t, ev->pid);
}

void hearing_start(struct tree *t, const struct event *ev)
{
	struct announcement *a = find_announcement(t, ev->token);
	struct member *m = member_find(t, ev->pid);
	bool as_said = a && !a->used && a->name == name_hash(ev->text) && (a->spawn || a->pid == ev->pid);

	if (as_said && a->spawn && (!m || m->ended || m->unspoken || m->hearing.image_known))
		m = member_begin(t, ev->pid, a->pid); /* a child of posix_spawn has run nothing of its own before */
	else if (!m || m->ended)
		m = member_begin(t, ev->pid, 0);

	bool heard_before = a && (a->spawn || (m->hearing.heard && m->hearing.announced && m->hearing.exec_id == a->id));

	m->unspoken = false;
	m->hearing.heard = as_said && heard_before;
	m->hearing.announced = false;
	m->hearing.image = ev->image;
	m->hearing.image_known = ev->image != 0;
	if (a)
		a->used = true;
}

/* ---- alarms ---- */

void hearing_alarm(struct tree *t, const struct event *ev)
{
	struct hearing *h = &member_need(t, ev->pid)->hearing;

	h->expires_ns = ev->value_ns > 0 ? ev->at_ns + ev->value_ns : NEVER_NS;
	h->interval_ns = ev->value_ns > 0 ? ev->interval_ns : 0;
}

static int64_t next_expiry_ns(const struct hearing *h, int64_t now_ns)
{
	int64_t over_ns = now_ns - h->expires_ns;

	if (h->expires_ns == NEVER_NS || over_ns < 0)
		return h->expires_ns;
	if (h->interval_ns > 0)
		return now_ns + h->interval_ns - over_ns % h->interval_ns;
	return over_ns < JUST_NOW_NS ? now_ns : NEVER_NS;
}

bool tree_alarm(const struct tree *t, pid_t pid, uint64_t start_stack, int64_t now_ns, int64_t *until_ns)
{
	const struct member *m = member_find(t, pid);
	const struct hearing *h = m && !m->ended ? &m->hearing : NULL;

	*until_ns = NEVER_NS;
	if (!t->hears_all && (!h || !h->heard || h->announced || !h->image_known || h->image != start_stack))
		return false;
	if (h)
		*until_ns = next_expiry_ns(h, now_ns);
	return true;
}

void tree_hears_all(struct tree *t)
{
	t->hears_all = true;
}

void tree_lost(struct tree *t)
{
	t->lost = true;
	for (size_t i = 0; i < t->members.n; i++)
		t->members.at[i].hearing.heard = false;
}
