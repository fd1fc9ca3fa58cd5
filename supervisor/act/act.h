/* act: ending a tree. The ladder is a pure function of the clock; the deeds are thin and signal only proven descendants.
 */
#ifndef TRACEWRAP_ACT_H
#define TRACEWRAP_ACT_H

#include "sys/sys.h"

/* ---- the ladder (pure) ---- */

enum rung { RUNG_GENTLE, RUNG_KILL, RUNG_GIVEN_UP, RUNG_DONE };

struct ladder {
	enum rung rung;
	int64_t grace_ns;
	int64_t begun_ns, until_ns; /* of the present rung */
	size_t left;                /* how many were left at the last step: the wait is stretched while this falls */
	unsigned steps;             /* of the present rung */
};

enum ladder_step { LADDER_WAIT, LADDER_GENTLE, LADDER_KILL, LADDER_GIVE_UP, LADDER_END };

void ladder_begin(struct ladder *l, int64_t now_ns, int64_t grace_ns);
/** What to do now. LEFT: descendants that are not zombies. HOPELESS: none of them can ever go by itself (proven).
 *  LADDER_GENTLE comes once, LADDER_KILL in rounds until nobody is left or KILL_LIMIT has passed (uninterruptible tasks): then
 *  LADDER_GIVE_UP. Between calls the caller may sleep for ladder_pause_ns(). */
enum ladder_step ladder_next(struct ladder *l, int64_t now_ns, size_t left, bool hopeless);
int64_t ladder_pause_ns(const struct ladder *l);
/** Skip the waiting (a third SIGINT, a second SIGTERM). */
void ladder_hurry(struct ladder *l, int64_t now_ns);

/* ---- the deeds ---- */

struct act_signalled {
	pid_t pid;
	int sig;
	int64_t at_ns;
};
struct act_survivor {
	pid_t pid;
	char state;
	char comm[32], wchan[48];
};
struct act_log {
	VEC(struct act_signalled) signalled; /* each (pid, signal) once */
	VEC(struct act_survivor) survivors;
};
void act_log_free(struct act_log *log);

/** SIGINT to each of TREE, SIGTERM to who ignores SIGINT (status SigIgn; a thread's mask does not matter), SIGCONT behind it for
 *  who is stopped. */
void act_gentle(const process_vec *tree, struct act_log *log);
/** SIGKILL to each of TREE that is not a zombie. */
void act_kill(const process_vec *tree, struct act_log *log);
/** SIGSTOP to each of TREE that is not stopped yet, LAST at the end; STOPPED gets those that it reached. */
void act_stop(const process_vec *tree, pid_t last, process_vec *stopped, struct act_log *log);
/** SIGCONT to each of STOPPED. */
void act_continue(const process_vec *stopped, struct act_log *log);
/** Note who is still there, with state and wchan. */
void act_survivors(const process_vec *tree, struct act_log *log);

/* ---- room in a full pipe ---- */

/** Make the pipe that FD of PID refers to as large as may be. @return 0: *AFTER > *BEFORE bytes now; -errno. */
int act_grow_pipe(pid_t pid, int fd, int *before, int *after, struct err *err);

/** What a writer writes is taken out of its pipe until it has ended, and given back in order. */
struct act_spool {
	int read_fd, write_fd, writer; /* duplicates of both ends; pidfd of the writer */
	struct text data;
	size_t given, most, room;
};
int act_spool_open(struct act_spool *s, pid_t writer, int write_fd, pid_t reader, int read_fd, size_t most, struct err *err);
/** Take out what there is, or comes within LIMIT_MS. @return 0: go on; 1: the writer has ended and the pipe is empty; -ENOSPC: it is more than
 *  MOST; -errno. */
int act_spool_take(struct act_spool *s, int limit_ms);
/** Give back a part. @return 0: go on; 1: all is given; -EPIPE: nobody reads any more; -errno. */
int act_spool_give(struct act_spool *s, int limit_ms);
void act_spool_close(struct act_spool *s);

/** The short way, for the outer guard and for a supervisor whose outer guard was killed: SIGKILL rounds until this process has no
 *  descendants but SKIP, reaping as it goes; bounded by LIMIT_NS. LOG may be NULL. @return how many are left. */
size_t act_end_tree(const pid_t *skip, size_t nskip, int64_t limit_ns, struct act_log *log);

#endif
