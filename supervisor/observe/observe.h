/* observe: /proc and sock_diag -> snapshot. Looks, never touches: nobody is stopped, traced, signalled or frozen.
 *
 * Two kinds of looking. A *pass* reads one counter of each task (third number of schedstat: how often it was put on a CPU)
 * through kept descriptors, and follows forks by the children of those that moved. A *snapshot* reads what the tasks wait
 * for and who holds it; it counts only for tasks whose counter did not move meanwhile, and is thrown away when the set of
 * tasks changed.
 */
#ifndef TRACEWRAP_OBSERVE_H
#define TRACEWRAP_OBSERVE_H

#include "model/model.h"
#include "sys/sys.h"

struct observe;

struct observe_options {
	pid_t supervisor; /* the tree is its descendants; also the process whose own descriptors don't count */
	pid_t skip[2];    /* our other guards: neither of the tree nor outsiders that hold anything but standard error */
	pid_t root;       /* the command */
	pid_t tracer; /* a thread of the supervisor's that traces the tree, shown there as TracerPid; 0: none. It counts as nobody */
	/** Is TID, which is traced by it and shows `t`, stopped as by SIGSTOP, and not for a moment only? NULL: never. */
	bool (*holds_stopped)(const void *who, pid_t tid);
	const void *who;
	const char *const *inherited; /* see launch_inherited(); kept by reference */
	size_t ninherited;
	const char *timers_before; /* text of /proc/timer_list read before the command was started: what it shows are strangers'
	                              alarms. NULL: it is read when observing begins, and what is armed by then counts as such */
};

/** @return 0, or -errno when /proc can't be used at all (not mounted). Raises RLIMIT_NOFILE of this process to its hard
 *  limit. */
int observe_open(const struct observe_options *opt, struct observe **out, struct err *err);
void observe_close(struct observe *ob);

struct observe_pass {
	size_t ntasks, nprocs;
	size_t moved;         /* tasks that ran since the last pass, or are new */
	bool changed;         /* the set of tasks changed */
	int64_t still_since_ns; /* the last moment at which any task was seen to move */
	int64_t root_still_since_ns; /* the same for the command's own main thread */
};

/** One pass over the counters. Short-lived processes between two passes stay unseen, by nature.
 *  New and ended processes are noted in HISTORY (NULL: not). Cheap: well under 1 us a task plus the work for those that moved.
 *  @return 0 or -errno. */
int observe_pass(struct observe *ob, int64_t now_ns, struct history *history, struct observe_pass *out, struct err *err);

enum { OBSERVE_MOVED = 1 };

/** Why nothing can be proven now, found cheaply: a task that runs, sleeps with a finite timeout, or waits in an unknown way;
 *  reads the state and call of still tasks only, each once per block.
 *  @return words in BUF (reason and until when, *UNTIL_NS; 0: not known), or NULL: only a snapshot can tell. */
const char *observe_seed(struct observe *ob, int64_t now_ns, int64_t horizon_ns, int64_t *until_ns, char *buf, size_t size);

/** Is there anybody to be suspected: the command, or a process that may be running a test (by its name, a Python), whose main thread
 *  waits without an end of its own? Else a snapshot tells nothing more. As cheap as observe_seed(). */
bool observe_any_focus(struct observe *ob, int64_t now_ns, int64_t horizon_ns);

/** A snapshot. Tasks that moved while it was taken are WAIT_RUN in it. snapshot_free() it.
 *  @return 0, OBSERVE_MOVED (the set of tasks changed: thrown away), or -errno. */
int observe_snapshot(struct observe *ob, int64_t now_ns, struct snapshot **out, struct err *err);

/** Fill `test` and `phase` of the processes of S from their live environments (pytest's PYTEST_CURRENT_TEST). */
void observe_tests(struct observe *ob, struct snapshot *s);

/** The living descendants, for the ladder: a fresh walk. */
int observe_tree(struct observe *ob, process_vec *out, struct err *err);

/** What this machine does not let us see, one sentence each, for the report; NULL-terminated, static. */
const char *const *observe_blind_spots(const struct observe *ob);

#endif
