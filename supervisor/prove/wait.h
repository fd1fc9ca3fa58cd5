/* Kinds of waits and of objects as rows: who could end the wait of a task. Private to prove/.
 *
 * Each row reports to a struct look. When unsure it reports more: a missing waker invents a hang, a superfluous one only
 * delays a verdict, and look_live() is always allowed.
 */
#ifndef TRACEWRAP_PROVE_WAIT_H
#define TRACEWRAP_PROVE_WAIT_H

#include "prove/world.h"

/** What is found out about one task. */
struct look {
	struct graph *g;
	const struct snapshot *s;
	size_t task; /* index */
	const struct task *t;
	const struct process *p;
	const char *live; /* the first reason to count as live, or NULL */
	int64_t timeout_ns;
	unsigned assume;
	unsigned char *seen; /* of an object: the ENDs that were looked at for this task; look_new() */
	VEC(int) touched;    /* where `seen` is not 0 */
	int64_t *idle_ns;    /* of a process: when the first idle helper thread of its memory map ends; NEVER_NS: there is none */
	int64_t *bereft_ns;  /* of a process: when the first idle helper thread ends that made children of it; NEVER_NS */
	bool *all_idle;      /* of a process: when they end, it does */
};

struct wait_class {
	const char *name;
	bool (*matches)(const struct wait *w);
	/** Report all that could end the wait W of the task. */
	void (*wakers)(struct look *l, const struct wait *w);
};

struct object_class {
	enum object_kind kind;
	/** Report all that could make WAY (END bits, not 0) of OBJECT ready. */
	void (*wakers)(struct look *l, int object, unsigned way);
};

/** The row for W; the last one, of unknown waits, matches everything. */
const struct wait_class *wait_class_of(const struct wait *w);
/** The row for KIND, NULL when nothing is known about who makes such an object ready. */
const struct object_class *object_class_of(enum object_kind kind);

/* ---- looking at a task ---- */

/** To be called once, and look_close() at the end. */
void look_open(struct look *l, struct graph *g);
void look_close(struct look *l);
/** Find out about task number TASK: fills live, timeout_ns and assume, and adds its edges to the graph. */
void look_at(struct look *l, size_t task);

/* ---- what rows say ---- */

/** The task may move at any moment, because of what FMT says. */
void look_live(struct look *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** It ends by itself after NS. */
void look_timeout(struct look *l, int64_t ns);
void look_assume(struct look *l, enum assumption bit);
/** The tasks of NODE may end the wait; by the object itself, or (weak) by what anybody can do. */
void look_strong(struct look *l, enum node_kind kind, size_t number);
void look_weak(struct look *l, enum node_kind kind, size_t number);
void look_process(struct look *l, const struct process *p);
/** The holders of ENDS of OBJECT, who could do what a wait for WAY needs. */
void look_holders(struct look *l, int object, unsigned ends, unsigned way);
/** Does an idle helper thread, as `wait.idle` names it, end when its time is over? Others wait again. owners.c */
bool idle_ends(const char *idle);
/** The end of a thread TID of the task's memory map, 0: of any, would wake it, as a join: an idle one ends when its time is over. */
void look_end_of_idle(struct look *l, pid_t tid);
/** Is a file that the tree has under way to somebody outside? Then L's task is live: which one it is, nothing tells. */
bool look_leak(struct look *l);
/** All that could make WAY of OBJECT ready; each object is looked at once. */
void look_object(struct look *l, int object, unsigned way);
/** The part of WAY that was not looked at before for this task. */
unsigned look_new(struct look *l, int object, unsigned way);
/** The name of an object for a reason. */
const char *look_name(const struct look *l, int object);

/* ---- the rows ---- */

extern const struct wait_class wait_run, wait_dead, wait_sleep, wait_unknown; /* wait_plain.c */
extern const struct wait_class wait_fds;				      /* wait_fds.c */
extern const struct wait_class wait_child, wait_vfork, wait_traced;	      /* wait_child.c */
extern const struct wait_class wait_futex, wait_flock;			      /* wait_lock.c */
extern const struct wait_class wait_signal, wait_stopped;		      /* wait_signal.c */

extern const struct object_class object_pipe;							/* wait_pipe.c */
extern const struct object_class object_unix, object_tcp, object_udp;				/* wait_socket.c */
extern const struct object_class object_pty;							/* wait_pty.c */
extern const struct object_class object_eventfd, object_timerfd, object_signalfd, object_pidfd; /* wait_event.c */
extern const struct object_class object_epoll;							/* wait_fds.c */

#endif
