/* What the events add to the history of processes. */
#include <string.h>
#include <sys/wait.h>

#include "tree/state.h"

static unsigned teller(const struct event *ev)
{
	switch (ev->source) {
	case FROM_TRACER:
		return TOLD_BY_TRACER;
	case FROM_CONNECTOR:
		return TOLD_BY_CONNECTOR;
	case FROM_SHIM:
	case FROM_LISTENER:
	case FROM_SAMPLER:
		break;
	}
	if (ev->kind == EVENT_SPAWNED)
		return TOLD_BY_PARENT | TOLD_OF_SPAWN;
	return ev->kind == EVENT_FORK && ev->tid == ev->child ? TOLD_BY_CHILD : TOLD_BY_PARENT;
}

static void told_fork(struct tree *t, const struct event *ev)
{
	if (ev->child > 0)
		history_forked(t->history, ev->child, ev->pid, ev->at_ns, teller(ev), tree_test_at(t, ev->pid, ev->at_ns));
}

/** An image speaks, maybe before its fork was told. */
static void told_self(struct tree *t, pid_t pid, const struct event *ev)
{
	const struct member *m = member_find(t, pid);
	pid_t parent = m && m->ppid ? m->ppid : ev->parent; /* it may have got another one meanwhile */
	const char *test = tree_test_at(t, pid, ev->at_ns);

	history_forked(t->history, pid, parent, ev->at_ns, TOLD_BY_ITSELF, test ? test : tree_test_at(t, parent, ev->at_ns));
}

static void told_exec(struct tree *t, const struct event *ev)
{
	pid_t pid = ev->pid ? ev->pid : t->root; /* the launch announces the command before it has a pid */

	if (ev->source == FROM_SHIM) {
		told_self(t, pid, ev);
		history_announced(t->history, pid, ev->text, ev->at_ns);
	} else if (ev->words_len) {
		history_execed(t->history, pid, ev->words, ev->words_len, ev->image, ev->at_ns, teller(ev));
	} else {
		history_execed(t->history, pid, ev->text, *ev->text ? strlen(ev->text) + 1 : 0, ev->image, ev->at_ns, teller(ev));
	}
}

static void told_exit(struct tree *t, const struct event *ev)
{
	bool exited = WIFEXITED(ev->status);

	if (ev->exact)
		history_exited(t->history, ev->pid, ev->at_ns, exited ? EXIT_CODE : EXIT_SIGNAL,
			       exited ? WEXITSTATUS(ev->status) : WTERMSIG(ev->status), ev->source);
	else if (ev->status >= 0) /* else main() has returned something */
		history_exiting(t->history, ev->pid, ev->status & 0xff, ev->at_ns);
}

void told_event(struct tree *t, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_FORK:
	case EVENT_SPAWNED:
		told_fork(t, ev);
		break;
	case EVENT_START:
		told_self(t, ev->pid, ev);
		history_execed(t->history, ev->pid, ev->text, *ev->text ? strlen(ev->text) + 1 : 0, ev->image, ev->at_ns, TOLD_BY_ITSELF);
		break;
	case EVENT_EXEC:
		told_exec(t, ev);
		break;
	case EVENT_EXEC_FAILED:
		history_announced(t->history, ev->pid, NULL, ev->at_ns);
		break;
	case EVENT_EXIT:
		told_exit(t, ev);
		break;
	case EVENT_SPAWN:
	case EVENT_BIND:
	case EVENT_LISTEN:
	case EVENT_ALARM:
	case EVENT_TIMER:
	case EVENT_PDEATHSIG:
	case EVENT_TEST:
		break;
	}
}
