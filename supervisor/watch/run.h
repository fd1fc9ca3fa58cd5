/* run: what the files of this room share: one run and all that is known of it. */
#ifndef TRACEWRAP_RUN_H
#define TRACEWRAP_RUN_H

#include <limits.h>

#include "observe/observe.h"
#include "prove/prove.h"
#include "report/report.h"
#include "tree/tree.h"
#include "leaks/leaks.h"
#include "watch/policy.h"
#include "watch/watch.h"

struct run {
	const struct watch_options *opt;
	struct launch *launch;
	struct observe *observe;
	struct history *history;
	struct tree *tree;
	uint64_t heard_lost; /* events that were lost so far */
	struct idmap *mourners; /* pids that have asked for a signal when their parent ends */
	bool storm;          /* very many have come since the last look */
	struct policy policy;
	struct observe_pass pass;
	int64_t started_ns;   /* CLOCK_MONOTONIC */
	int64_t wall_start_s;
	int64_t next_pass_ns, period_ns;
	int64_t paused_ns, stopped_at_ns; /* time that stops have taken; 0: not stopped now */
	struct finding *finding; /* what is told now; NULL: nothing */
	bool proven;             /* it was told as proven */
	bool shown;              /* its screen was */
	process_vec held;        /* --on-hang stop: those that we have stopped */
	bool rescue_over;        /* --on-hang rescue: nothing more can be done */
	bool was_held, holding;  /* it was done once; they are stopped now */
	bool hold_over;          /* somebody has asked for the end meanwhile */
	struct act_log log;
	struct leaks *leaks;     /* leaks.c; NULL: nothing is watched */
	bool worker_ended; /* a worker of xdist was, alone */
	finding_vec kept; /* what was ended for, while the run went on */
	finding_vec leak_findings; /* beside `finding` */
	struct events *events; /* events.c; NULL: nobody wants to hear of them */
	struct stacks *stacks; /* stacks.c; NULL: none were read yet */
	char folder[PATH_MAX]; /* that we work in, for paths on the screen; "": not known */
	bool ended;           /* the command has ended by `status` */
	int status;
	int interrupts;       /* SIGINTs and SIGTERMs addressed to us */
	bool time_over, outer_gone, interrupted;
	struct stall *stall; /* stall.c; NULL: nobody watches for stalls */
	bool stalled;        /* the run is ended for one */
	int exec_error;       /* errno of a command that could not be executed; 0: it could */
	char run_dir[512];    /* of this run's report files; "": none was made */
	bool report_failed;   /* was said once */
	bool in_run_dir, in_report_json; /* where the last report could be written */
	bool in_html;                    /* ... and report.html beside it */
	struct run_log *logs;            /* logs.c: of `finding` */
	size_t nlogs;
	struct arena *logs_arena;
};

/* watch.c */
int64_t run_clock_ns(const struct run *r, int64_t now_ns); /* since the start, stops left out */
/** Wait for and handle the next event of the launch, at most until UNTIL_NS. */
void run_step(struct run *r, int64_t until_ns);

/* look.c: passes, looks, verdicts */
void look_pass(struct run *r, int64_t now_ns);
/** What is known at this moment, for a report that can't wait: fills run.finding when something is stuck or FORCE. */
void look_now(struct run *r, bool time_over);
/** Bring the history up to date: who is new, who has ended. */
void look_history(struct run *r);
/** There was no progress, or a test has taken too long: fills run.finding, if with a suspicion. */
void look_stall(struct run *r, const struct stall_facts *how);
/** Does somebody of the tree wait for a human at a terminal? */
bool look_prompt(struct run *r);
/** What was told of is over: it is forgotten unless it is proven. */
void look_forget(struct run *r);
/** Nobody of the tree can move before UNTIL_NS. */
bool look_hopeless(struct run *r, int64_t until_ns);
/** SIGUSR1: print what everybody waits for. */
void look_print(struct run *r);

/** Is nothing seen that moves by itself, in a tree that a look of that KIND is due at? Tells the policy of seeds. */
bool look_may_be_still(struct run *r, enum look kind, int64_t now_ns);

/* stacks.c: where everybody stands */
/** Read the processes that F is about into S. @return whether there was anything to read. */
bool stacks_look(struct run *r, struct snapshot *s, const struct finding *f);
/** All of them, their threads alone. */
void stacks_look_all(struct run *r, struct snapshot *s);
/** The threads of the first processes of S that run a test beside other threads and stand still in it: does one of them only serve the runner? */
void stacks_look_tests(struct run *r, struct snapshot *s);
void stacks_close(struct run *r);

/* stall.c: no progress */
void stall_begin(struct run *r);
/** Behind each pass. */
void stall_pass(struct run *r, int64_t now_ns);
/** Something has gone on. */
void stall_progress(struct run *r);
/** PID is in TEST; NULL: in none. */
void stall_test_seen(struct run *r, pid_t pid, const char *test);
/** EV is an EVENT_TEST. */
void stall_heard(struct run *r, const struct event *ev);

/** A proof is to end the run. */
bool run_ends_by_hang(const struct run *r);

/* rescue.c */
/** run.finding is proven, by S: make room. @return true: the tree moves on, and the finding is kept for the report. */
bool rescue_try(struct run *r, const struct snapshot *s);

/* worker.c */
/** PID runs a test and is a worker of pytest-xdist: end it and what is below it, and keep run.finding for the report. @return false: it is
 *  none, or could not be ended. */
bool worker_end(struct run *r, pid_t pid);

/* known.c: stacks, to see whether a tree can move at all */
enum known {
	KNOWN_NONE, /* there was nobody to ask: others move, or can */
	KNOWN_SOME, /* a stack was not to be had, and may be the next time */
	KNOWN_ALL,
};
/** Read the stacks of those who might not move by themselves, when nobody else can. Behind a pass at NOW_NS. */
enum known known_ask(struct run *r, int64_t now_ns);

/* heard.c: what was told since the last look */
void heard_open(struct run *r);
void heard_drain(struct run *r);
/** Is every process of the tree told of, however short it lives? */
bool heard_every_process(const struct run *r);
/** With -v: who could not be heard. */
void heard_say_unheard(const struct run *r);
/** Fill in what is known of the alarms of S. */
void heard_alarms(const struct run *r, struct snapshot *s, int64_t now_ns);

/* files.c: reports on disk */
void files_write(struct run *r, enum outcome outcome, int exit_code, bool complete);
void files_save_snapshot(struct run *r, struct snapshot *s);
/** Write a file of this run's folder, which is made if need be. */
int files_put(struct run *r, const char *name, const struct text *t, struct err *err);
void files_complain(struct run *r, const struct err *err);

/* gather.c */
/** The report of the run as it stands; what it points to and is not the run's own lies in ARENA. */
struct run_report files_report(const struct run *r, struct arena *arena, enum outcome outcome, int exit_code, bool complete);

/* pages.c: reports that people look at, beside report.json */
/** report.html, and when there was a finding summary.md and trace.json. */
void pages_write(struct run *r, const struct run_report *report);
/** What is written once, at the end: JUnit, the summary of the CI job, annotations. */
void pages_finish(struct run *r, enum outcome outcome, int exit_code);

/* logs.c */
/** Copy what sits unread in the full pipes of run.finding, and write it into the run's folder. */
void logs_take(struct run *r);

/* mask.c: --mask; nothing happens without it */
/** S with what matches replaced, in ARENA; NULL for NULL. */
const char *mask_text(const struct run *r, const char *s, struct arena *arena);
/** The command lines of REPORT; the copies lie in ARENA. */
void mask_report(const struct run *r, struct run_report *report, struct arena *arena);
/** Those of S, which keeps no others. */
void mask_snapshot(const struct run *r, const struct snapshot *s);

/* pytest.c: what pytest itself leaves on disk */
/** The tests of its cache that were not seen to run, where this run has written it. The list lies in ARENA, a NULL behind its last. */
const char *const *pytest_not_run(const struct run *r, const struct run_report *report, struct arena *arena);
/** The file that the command line asks pytest to write its JUnit XML to; NULL: none. */
const char *pytest_junit(char *const *argv, struct arena *arena);

/* cleanup.c */
void cleanup_tree(struct run *r);     /* the ladder, until nobody is left */
/** SIGKILL, in rounds, to who is known of the tree and no child of ours, at most for LIMIT_NS. */
void cleanup_strangers(struct run *r, int64_t limit_ns);
void cleanup_leftovers(struct run *r); /* after the command's own end: a moment for those that end by themselves, then the ladder */

/* events.c: each event as a line, while the run goes on */
void events_begin(struct run *r);
/** What was heard itself, where no note of the history tells of it. */
void events_heard(struct run *r, const struct event *ev);
/** What is new in the history. To be called after each event and each pass. */
void events_notes(struct run *r);
/** A look has found PID in TEST; NULL: in none. */
void events_test_seen(struct run *r, pid_t pid, const char *test);
/** Write what has come together; never waits. */
void events_push(struct run *r);
/** The last words. */
void events_end(struct run *r);

/* hold.c: --on-hang stop */
/** Stop the tree, and say how to go on. */
void hold_tree(struct run *r);
/** The command was continued, or has ended (as it may, once continued, before that is seen): the rest is continued, too. */
void hold_release(struct run *r);
/** SIG came while the tree is held. @return true when it asks for the end, which follows. */
bool hold_takes(struct run *r, int sig);

/* leaks.c: what is left behind */
void leaks_begin(struct run *r);
/** Behind each pass. */
void leaks_pass(struct run *r, int64_t now_ns);
/** Something may have been made in /dev/shm: costs one system call when not. */
void leaks_wake(struct run *r);
/** PID has ended, and we have reaped it. */
void leaks_orphan(struct run *r, pid_t pid);
/** All binds of the C library's users will be heard, with their results (a seccomp listener does not know these): an address that was held matters only if a bind to it fails. */
void leaks_hear_binds(struct run *r);
/** A bind was heard. TEST: the one that it was made in; NULL: not known. */
void leaks_heard(struct run *r, const struct event *ev, const char *test);
/* leaks_end.c: what is said of it */
/** The command has ended and what could end by itself has: look at what is left, before it is ended. */
void leaks_left(struct run *r);
/** Behind the clean-up of a run that ended by itself: the findings. @return whether there are any of things left behind. */
bool leaks_find_all(struct run *r);
/** Behind the clean-up of a run that was cut short: remove what it made, and see whether the addresses are free. */
void leaks_cut(struct run *r);
void leaks_say(struct run *r, enum outcome outcome);

/* say.c: standard error, whole lines */
void say_line(const struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void say_text(const struct run *r, const struct text *t);
/** Commands for GitHub itself. */
void say_commands(const struct text *t);
/** The post-mortem of run.finding. */
void say_screen(struct run *r, enum outcome outcome);
/** What was ended, who is left, where the report lies. */
void say_closing(struct run *r, enum outcome outcome);

#endif
