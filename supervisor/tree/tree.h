/* tree: what the events of a run add up to. Pure: events come in with their times, questions are answered.
 *
 * Which test was running when, which process came from whom in which test, what each has bound, and whether all that could arm an
 * alarm in a process was heard. Sampling tells a part of it (tree_test_seen, tree_process_seen), the preload library, a tracer or a
 * seccomp listener tell it exactly.
 */
#ifndef TRACEWRAP_TREE_H
#define TRACEWRAP_TREE_H

#include "model/model.h"

struct tree;

struct tree *tree_new(pid_t root, struct history *history); /* keeps HISTORY, and fills it */
void tree_free(struct tree *t);

/** Take one event. */
void tree_event(struct tree *t, const struct event *ev);
/** Events were lost: nothing that was heard of alarms holds any longer. Processes that begin from now on are heard again. */
void tree_lost(struct tree *t);

/** PID has ended, as the sampler saw it. Its number may be used again from now on. */
void tree_gone(struct tree *t, pid_t pid, int64_t now_ns);
/** A filter that all of the tree is under tells of each alarm (ptrace, notify): who was not heard of has armed none. */
void tree_hears_all(struct tree *t);

/* ---- tests ---- */

/** PID's test as a look has seen it (the node id, without a phase); NULL: it has none. Of the topmost process of a line alone: forked
 *  children carry stale copies. */
void tree_test_seen(struct tree *t, pid_t pid, const char *test, int64_t now_ns);
/** The test that PID, or the nearest of its ancestors that runs tests, was in at AT_NS; NULL: none, or not known. Good until the
 *  next event. */
const char *tree_test_at(const struct tree *t, pid_t pid, int64_t at_ns);
/** When PID began, or was first heard of. @return false: it never was. */
bool tree_made_at(const struct tree *t, pid_t pid, int64_t *at_ns);
/** The test that was running anywhere in the tree at AT_NS, when there was just one. */
const char *tree_test_anywhere(const struct tree *t, int64_t at_ns);
/** Is a test running now, anywhere? */
bool tree_test_running(const struct tree *t);

/** All that are remembered, in the order in which they began. The text is good until the next event. */
struct tree_test {
	pid_t pid;
	const char *id;
	int64_t from_ns, to_ns;               /* NEVER_NS: it runs */
	int64_t setup_ns, call_ns, teardown_ns; /* when that phase began; 0: not heard */
};
size_t tree_tests(const struct tree *t);
struct tree_test tree_test_nth(const struct tree *t, size_t i);

/* ---- alarms ---- */

/** Was all heard that the C library armed in PID, whose image has its stack at START_STACK (stat field 28)? Then *UNTIL_NS is the
 *  moment at which its ITIMER_REAL expires, NEVER_NS: none is armed. */
bool tree_alarm(const struct tree *t, pid_t pid, uint64_t start_stack, int64_t now_ns, int64_t *until_ns);

/* ---- binds ---- */

struct tree_bind {
	pid_t pid;
	int fd, error; /* 0: it has it; else errno */
	int64_t at_ns;
	const char *address; /* "127.0.0.1:1616", "[::1]:80", "/run/x.sock", "@name" */
	int socket_type;     /* SOCK_STREAM ..., 0: not known */
	const char *test;    /* NULL: none */
};
size_t tree_binds(const struct tree *t);
const struct tree_bind *tree_bind_at(const struct tree *t, size_t i);

#endif
