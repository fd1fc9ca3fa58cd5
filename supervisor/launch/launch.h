/* launch: which processes there are, who waits for whom, what each does with a signal (docs/launch.md).
 *
 *   outer      the pid that users and CI know; in the command's group and session; waits, passes signals in and the end out
 *    + witness in the group too; all signals blocked, never runs: its pending mask tells a signal to the group from one to us
 *    + inner   the supervisor; a session of its own; subreaper, parent of the command
 *       + command
 */
#ifndef TRACEWRAP_LAUNCH_H
#define TRACEWRAP_LAUNCH_H

#include "act/act.h"
#include "model/model.h"

enum launch_trace { LAUNCH_UNTRACED, LAUNCH_PTRACE, LAUNCH_NOTIFY };

struct launch_options {
	char **argv;      /* the command, NULL-terminated */
	char **env;       /* its environment; NULL: our own */
	bool keep_sigint; /* leave an ignored SIGINT ignored */
	enum launch_trace trace;
	bool no_reaper; /* --reaper off: orphans of the tree become init's, not ours */
	int keep[2]; /* descriptors, ascending, that the outer process keeps open to its end, for others to open by /proc; 0: none */
	int keep_ours[2]; /* that the supervisor keeps; 0: none */
};

struct launch; /* of the inner process */

/** The first thing in main(): puts copies in place of ARGV's strings. The supervisor shows a name of its own instead of the
 *  command line, so that a signal by name finds the outer process alone, and overwrites the memory of the original strings for
 *  it. Without this call it changes its comm only. */
void launch_copy_args(char **argv);

/** Fork the witness and the inner process, start the command. Returns in the inner process alone; the outer one stays inside,
 *  passes the end on, and exits. To be called before there is any thread.
 *  @return 0; -errno in the calling process when nothing could be started (nothing is left then). */
int launch_start(const struct launch_options *opt, struct launch **out, struct err *err);

pid_t launch_command(const struct launch *l);
int64_t launch_started_ns(const struct launch *l);
/** What the run inherited, by the names of its descriptors ("pipe:[1]", "/dev/pts/3"): held outside, for all that we know. */
const char *const *launch_inherited(const struct launch *l, size_t *n);

enum launch_event_kind {
	LAUNCH_TICK,        /* UNTIL has come */
	LAUNCH_ENDED,       /* the command ended: `status` is a wait status */
	LAUNCH_EXEC_FAILED, /* it never began: `value` is errno; LAUNCH_ENDED follows */
	LAUNCH_STOPPED,     /* the command was stopped; clocks stand still until LAUNCH_CONTINUED */
	LAUNCH_CONTINUED,
	LAUNCH_ORPHAN,     /* another descendant ended and was reaped: `pid`, `status` */
	LAUNCH_SIGNAL,     /* a signal to tracewrap, not yet passed on: `value` */
	LAUNCH_OUTER_GONE, /* the outer process was killed: report, and end the tree */
};

struct launch_event {
	enum launch_event_kind kind;
	pid_t pid;
	int status, value;
};

/** Wait for the next event, at most until UNTIL_NS (CLOCK_MONOTONIC; in the past: only what is there). Stops are passed to the
 *  outer process here. */
int launch_next(struct launch *l, int64_t until_ns, struct launch_event *ev, struct err *err);

/** A descriptor that sends this signal (F_SETSIG, fcntl(2)) ends a wait of launch_next() early, with LAUNCH_TICK. */
int launch_wake_signal(void);

/** The next thing that a tracer or the listener of the filter has heard; its text is good until the next call. Never waits.
 *  @return false: none now. */
bool launch_heard(struct launch *l, struct event *out);

/** The thread that traces (--mode=ptrace): its tid, which the tree shows as TracerPid; 0: nobody traces. */
pid_t launch_tracer(const struct launch *l);
/** Is TID stopped as by SIGSTOP, though it shows `t` since it is traced? */
bool launch_holds_stopped(const struct launch *l, pid_t tid);

/** Pass SIG to the command itself, once. */
void launch_forward(struct launch *l, int sig);

/** From now on a death of the inner process means: end the tree, exit with CODE (a verdict was given). */
void launch_verdict(struct launch *l, int code);

/** HOLD: the command is about to be stopped by tracewrap itself: the outer process does not stop as well, what the keyboard sends is
 *  told as LAUNCH_SIGNAL, and a death of the inner process ends the tree with CODE. Over once LAUNCH_CONTINUED was told, which is to be
 *  answered by HOLD false, unless the tree is ended. */
void launch_hold(struct launch *l, bool hold, int code);

/** The end: the outer process ends the same way as the wait status says, or with the exit code. Both leave; never returns. */
_Noreturn void launch_finish_status(struct launch *l, int status);
_Noreturn void launch_finish_code(struct launch *l, int code);

#endif
