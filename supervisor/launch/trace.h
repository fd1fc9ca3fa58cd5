/* trace: what --mode=ptrace and --mode=notify add to the launch. Both load the same seccomp filter into the command before its
 * exec; a trapped call then stops for the tracer (tracer.c) or waits for the listener's answer (listener.c). Both are threads of the
 * inner process, and hand what they hear to its main thread through a queue (heard.c).
 */
#ifndef TRACEWRAP_LAUNCH_TRACE_H
#define TRACEWRAP_LAUNCH_TRACE_H

#include <pthread.h>

#include "launch/guard.h"

/* ---- filter.c: in the command, before exec ---- */

/** Trap bind, listen, setitimer(ITIMER_REAL), alarm, prctl(PR_SET_PDEATHSIG); nothing else, and nothing of foreign architectures.
 *  LISTENER gets the descriptor that answers (LAUNCH_NOTIFY). @return 0 or -errno. */
int filter_load(enum launch_trace kind, int *listener);

/* ---- trapped.c: a trapped call, read before it happens ---- */

enum { TRAPPED_TEXT = 4352 }; /* a folder and a name in it */

struct trapped {
	enum event_kind kind;
	int fd, status;
	int64_t value_ns, interval_ns;
	char text[TRAPPED_TEXT];
};

/** @return false: it is no event of ours, or it is bound to fail before it does anything. */
bool trapped_read(pid_t tid, int number, const uint64_t args[6], struct trapped *out);
/** Ask the socket itself for its type and, when NAMED, for its address: the port that the kernel has chosen. */
void trapped_ask_socket(pid_t pid, pid_t tid, struct trapped *t, bool named, int *socket_type);
/** Did it take effect, by its result (negative: -errno)? */
bool trapped_done(const struct trapped *t, int64_t result);
struct event trapped_event(const struct trapped *t, pid_t pid, pid_t tid);

/* ---- heard.c: from the threads to the main thread ---- */

enum change_kind { CHANGE_ENDED, CHANGE_STOPPED, CHANGE_CONTINUED, CHANGE_ORPHAN };
struct change { /* of a child, in place of what waitid(2) would tell */
	enum change_kind kind;
	pid_t pid;
	int status; /* of wait(2) */
};

struct heard;
/** MAIN is woken by GUARD_HEARD when there is a change. */
struct heard *heard_new(pthread_t main);
void heard_change(struct heard *h, struct change change);
void heard_event(struct heard *h, struct event ev); /* text and words are copied; `id` is given here */
/** Has something been told, since the last time, that is better taken in at once? */
bool heard_urgent(struct heard *h);
bool heard_next_change(struct heard *h, struct change *out);
/** Text and words are good until the next call. */
bool heard_next_event(struct heard *h, struct event *out);
/** Tasks that PTRACE_LISTEN keeps in their stop. */
void heard_listens(struct heard *h, pid_t tid, bool listens);
bool heard_is_listening(struct heard *h, pid_t tid);

/* ---- decode.c: pure ---- */

enum trace_what {
	TRACE_ENDED,      /* nothing to resume */
	TRACE_STOPPED,    /* a group stop by `signal`: it stays stopped */
	TRACE_TRAP,       /* a new task's first stop, or the end of a group stop */
	TRACE_FORKED,     /* fork, vfork, clone: the message is the new task */
	TRACE_EXECED,     /* the message is the tid that called exec */
	TRACE_CALLS,      /* a trapped call begins */
	TRACE_RETURNED,   /* ... and has its result */
	TRACE_SIGNAL,     /* `signal` is on its way to it */
	TRACE_OTHER,
};
struct trace_step {
	enum trace_what what;
	int signal; /* TRACE_SIGNAL: to be passed on */
};
/** What a status of waitid(2) for a seized task means (ptrace(2), "Stopped states"). */
struct trace_step trace_decode(int status);

/* ---- tracer.c, tracee.c ---- */

struct tracee {
	pid_t tid, pid; /* pid: of its process */
	pid_t parent;   /* of a process, when it began */
	bool by_stop;   /* it was found by its first stop, the event of its parent is still to come */
	bool listens;
	struct trapped *call; /* the trapped call that it is in */
};
struct tracees; /* by tid */
struct tracees *tracees_new(void);
struct tracee *tracees_find(struct tracees *all, pid_t tid); /* NULL: unknown. Good until one is added or taken out */
struct tracee *tracees_add(struct tracees *all, struct tracee t);
void tracees_drop(struct tracees *all, pid_t tid);
/** Did TID come by its first stop, and end before its parent's event? Said once. */
bool tracees_was_early(struct tracees *all, pid_t tid);

/** Seize COMMAND and own every wait of this process from now on. @return 0 or -errno of PTRACE_SEIZE (nothing is left then). */
int tracer_start(pid_t command, struct guard_page *page, struct heard *heard, pid_t *tid);

/* ---- listener.c ---- */

/** Answer each call by "go on", and tell what it was. Takes LISTENER. */
int listener_start(int listener, struct guard_page *page, struct heard *heard);
/** In the outer process, once the inner one is dead: answer what it owes, and all that comes. Takes LISTENER. */
void listener_adopt(int listener, struct guard_page *page);

/* ---- prepare.c: the talk between the command before its exec and the inner process ---- */

/** A socket pair, above the standard descriptors. @return 0 or -errno. */
int talk_open(int talk[2]);
/** In the command: loads the filter when it is told to. Returns when the exec may follow; otherwise the process has left. */
void talk_command(const struct guard *g, const int talk[2]);
/** In the inner process: sees the command to its exec. When that can't be, it tells the page why, and leaves. */
void talk_inner(const struct guard *g, pid_t command, int talk, struct heard *heard, pid_t *tracer);
/** Why it could not be, in words. @return the (negative) error. */
int talk_reason(const struct guard *g, int error, struct err *err);
/** The copy of the listener that the inner process has left; to be called once it is dead. -1: there is none. */
int talk_take_listener(const struct guard *g);

#endif
