/* What outer, witness and inner process share: the page, their own signals, and how each makes itself small.
 *
 * The page is a shared anonymous mapping. It survives the death of any of them, so nothing that it says is ever lost.
 */
#ifndef TRACEWRAP_LAUNCH_GUARD_H
#define TRACEWRAP_LAUNCH_GUARD_H

#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>

#include "launch/launch.h"

/* Our own words between the processes; told from the same numbers sent by others by their sender and SI_QUEUE. */
#define GUARD_PASS   (SIGRTMIN + 1) /* outer -> inner: the value is a signal to tracewrap */
#define GUARD_STOPS  (SIGRTMIN + 2) /* inner -> outer: the command stopped; value: guard_stop_value() */
#define GUARD_ORPHAN (SIGRTMIN + 3) /* kernel -> inner: the outer process is dead (PR_SET_PDEATHSIG) */

#define GUARD_WAKE   (SIGRTMIN + 5) /* kernel -> inner: see launch_wake_signal() */
#define GUARD_HEARD  (SIGRTMIN + 4) /* inner, from a thread of its own: there is a change */

#define GUARD_EXIT_FAILED      125
#define GUARD_EXIT_CANNOT_EXEC 126
#define GUARD_EXIT_NOT_FOUND   127

#define GUARD_TICK_NS       (50 * NS_PER_MS)
#define GUARD_KILL_LIMIT_NS (5 * NS_PER_S)

enum guard_stage {
	STAGE_STARTING,    /* there is no command yet */
	STAGE_FAILED,      /* there never will be one; value: errno, `failed_at`: of what */
	STAGE_RUNNING,     /* the command exists; if the inner process dies now, the outer one adopts it */
	STAGE_ENDED,       /* value: its wait status */
	STAGE_VERDICT,     /* value: exit code; if the inner process dies now, the outer one ends the tree */
	STAGE_DONE_STATUS, /* value: wait status to end with; the inner process is leaving */
	STAGE_DONE_CODE,   /* value: exit code */
};

enum guard_failure { FAILED_FORK, FAILED_SEIZE, FAILED_FILTER, FAILED_TALK };

struct guard_page {
	_Atomic uint64_t stage; /* stage << 32 | value, in one word: a death never leaves half of it */
	_Atomic pid_t command;
	_Atomic uint64_t command_start; /* its start time (stat field 22); 0: not known */
	_Atomic int exec_errno;
	_Atomic unsigned continued; /* how many SIGCONTs came from outside: an older stop is stale */
	_Atomic uint64_t handed;    /* signals given to the inner process, which has not taken them; bit N - 1 is signal N */
	_Atomic bool held;          /* we have stopped the command ourselves (launch_hold) */
	_Atomic bool outer_follows; /* the outer process stopped itself because the command was stopped */
	_Atomic int failed_at;
	_Atomic pid_t failed_by;     /* who traces the command already; 0: nobody */
	_Atomic bool group_stopped;  /* --mode=ptrace: the command is stopped, which shows as `t` then */
	union {                      /* --mode=notify: the call that is being answered */
		struct seccomp_notif call;
		char room[256]; /* a newer kernel may write more */
	} owed;
};

/** What is known before the forks. */
struct guard {
	pid_t outer;
	struct guard_page *page;
	const struct launch_options *opt;
	sigset_t all;        /* what the guards block and wait for */
	sigset_t start_mask; /* the command gets these back */
	struct sigaction start_chld;
	char *args; /* where the kernel looks for our argv; NULL when not known */
	size_t args_size;
	int handover[2]; /* outer, inner: --mode=notify; else -1 */
};

enum guard_stage guard_stage(const struct guard_page *page, int *value);
void guard_stage_set(struct guard_page *page, enum guard_stage stage, int value);
/** From STARTING to RUNNING, by the command itself and its parent, whoever is first. */
void guard_stage_running(struct guard_page *page, pid_t command);

/** The value of GUARD_STOPS, and what is in it. */
static inline int guard_stop_value(int sig, unsigned continued)
{
	return (int)((continued & 0xffffff) << 7) | sig;
}
static inline int guard_stop_signal(int value)
{
	return value & 0x7f;
}
static inline bool guard_stop_stale(int value, unsigned continued)
{
	return (unsigned)value >> 7 != (continued & 0xffffff);
}

/** When this returns, a signal to our group that has reached us has reached all of the group. */
void guard_barrier(void);
/** Let go of all that was inherited but standard error and the N descriptors of KEEP; numbers below 3 there mean nothing. */
void guard_let_go(const int *keep, size_t n);
/** Show NAME instead of our command line and comm. The memory of main()'s argv is overwritten. */
void guard_rename(const struct guard *g, const char *name);
/** The raw wait status of what waitid(2) reported. */
int guard_wait_status(const siginfo_t *info);
/** Wait for any signal at most WAIT_NS, for ever when negative. @return its number, 0 for none. */
int guard_signal_wait(const sigset_t *set, siginfo_t *info, int64_t wait_ns);

/* ---- witness.c ---- */

struct witness {
	pid_t pid; /* 0: there is none; each signal then counts as one to us */
};
int witness_start(struct witness *w, const struct guard *g);
void witness_end(struct witness *w);
/** Has the group got SIG, too? */
bool witness_saw(const struct witness *w, int sig);
/** The signals that it saw, and a new witness that has seen none; what of them is pending here is taken away. */
uint64_t witness_renew(struct witness *w, const struct guard *g);

/* ---- outer.c, command.c, inner.c ---- */

/** The outer process. Returns only when the command could not be forked: -errno, nothing is left. */
int outer_run(const struct guard *g, struct witness *w, pid_t inner, const int *before, size_t nbefore, struct err *err);
/** TALK: see trace.h; read only where the command is to be traced. */
_Noreturn void command_exec(const struct guard *g, const int talk[2]);
/** The exit code for an exec that failed, as env(1). */
int command_exec_code(int error);
/** The start of the inner process: it forks the command, and makes itself small. When there can be no command it leaves, and
 *  the outer process tells why. */
int inner_start(const struct guard *g, struct launch **out);

#endif
