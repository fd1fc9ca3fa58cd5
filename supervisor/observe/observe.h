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
	bool from_outside; /* the tree is ROOT and its descendants, begun by others; SUPERVISOR is not of it */
	pid_t tracer; /* a thread of the supervisor's that traces the tree, shown there as TracerPid; 0: none. It counts as nobody */
	/** Is TID, which is traced by it and shows `t`, stopped as by SIGSTOP, and not for a moment only? NULL: never. */
	bool (*holds_stopped)(const void *who, pid_t tid);
	const void *who;
	const char *const *inherited; /* see launch_inherited(); kept by reference */
	size_t ninherited;
	bool no_reaper;    /* orphans are not handed to us: who was seen is followed all the same */
	bool alarms_heard; /* of programs that load our library, at least: the caller fills them in */
	bool all_alarms_heard; /* of all */
	const char *timers_before; /* text of /proc/timer_list read before the command was started: what it shows are strangers'
	                              alarms. NULL: it is read when observing begins, and what is armed by then counts as such */
	const struct idmap *closed_before; /* observe_closed_connections(), asked before the command was started. NULL: none was there */
};

/** Inode of a unix listener -> how many connections wait at it whose makers have closed their ends; idmap_free() it. Those from before a run
 *  are of some daemon that never accepts, and bring nothing of the run's. */
struct idmap *observe_closed_connections(void);

/** @return 0, or -errno when /proc can't be used at all (not mounted). Raises RLIMIT_NOFILE of this process to its hard
 *  limit. */
int observe_open(const struct observe_options *opt, struct observe **out, struct err *err);
void observe_close(struct observe *ob);

/* A main thread that has waited for so long, while others move, is worth a slow look. */
#define FOCUS_STILL_NS (NS_PER_S * 3 / 2)

struct observe_pass {
	size_t ntasks, nprocs;
	size_t moved;         /* tasks that ran since the last pass, or are new */
	bool changed;         /* the set of tasks changed */
	int64_t still_since_ns; /* the last moment at which any task was seen to move */
	int64_t focus_still_since_ns; /* of the main threads of the command and of Pythons that have stood still for FOCUS_STILL_NS: when the
	                                 last of them to do so began; NEVER_NS: there is none */
	int64_t alarms_ns;    /* of its time, for the machine's timers, which are paid for apart */
	/* Threads that are known to want an interpreter's lock which nobody lets go of do not count as moving. */
	size_t restless;             /* tasks that every pass sees move */
	int64_t rest_still_since_ns; /* the last moment at which any other was seen to */
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

struct task_id {
	pid_t pid, tid;
};
typedef VEC(struct task_id) task_id_vec;
/** The tasks whose stacks could tell that nobody of the tree moves by himself: those that wake again and again from a wait for a lock, and
 *  those that wait for one with a timeout. Empty where there are none, or others move as well. Behind a pass of the same moment. */
void observe_unclear(struct observe *ob, int64_t now_ns, int64_t horizon_ns, task_id_vec *out);
/** As a stack that was read since the last pass tells: TID waits for the interpreter's lock, and HOLDER has it. Good until HOLDER runs. */
void observe_know_gil(struct observe *ob, pid_t pid, pid_t tid, pid_t holder);
/** As a stack tells that was read when the task's counter stood at RUNS: an idle helper thread, whose timeout only ends it, or (AGAIN) lets it
 *  wait anew. IDLE is kept by reference. Good until it runs. */
void observe_know_idle(struct observe *ob, pid_t pid, pid_t tid, uint64_t runs, const char *idle, bool again);
/** Its stack tells neither, or is not to be had: not to be asked again before the task has run. */
void observe_know_nothing(struct observe *ob, pid_t pid, pid_t tid);

/** Is there anybody to be suspected: the command, or a process that may be running a test (by its name, a Python), whose main thread
 *  waits without an end of its own? Else a snapshot tells nothing more. As cheap as observe_seed(). */
bool observe_any_focus(struct observe *ob, int64_t now_ns, int64_t horizon_ns);

/** A snapshot. Tasks that moved while it was taken are WAIT_RUN in it. snapshot_free() it.
 *  @return 0, OBSERVE_MOVED (the set of tasks changed: thrown away), or -errno. */
int observe_snapshot(struct observe *ob, int64_t now_ns, struct snapshot **out, struct err *err);

/** Fill `test` and `phase` of the processes of S from their live environments (pytest's PYTEST_CURRENT_TEST). */
void observe_tests(struct observe *ob, struct snapshot *s);

/** PID is of the tree, as somebody who knows tells, and had begun at BORN_NS: follow it, too, unless its number is another's by now. Only with
 *  no_reaper can it be one that no walk finds. */
void observe_add(struct observe *ob, pid_t pid, int64_t born_ns);

/** How often TID of PID has been put on a CPU by now. @return false: it has ended, or is not known. */
bool observe_runs(struct observe *ob, pid_t pid, pid_t tid, uint64_t *runs);
/** Bytes that processes have written so far whose standard output or error is one that the run came with. */
uint64_t observe_output(struct observe *ob);
/** Time that the tasks of the tree have spent on a processor or waiting for one, all together; BY_PID gets the share of each process. */
uint64_t observe_wanted_ns(struct observe *ob, struct idmap *by_pid);

/** Who of outside holds an end of an object of the tree, at the last snapshot of a tree that others have begun. *PIDS is good until the next. */
size_t observe_strangers(const struct observe *ob, const pid_t **pids);

/** The living descendants, for the ladder: a fresh walk. With no_reaper also those that were seen before they were orphaned. */
int observe_tree(struct observe *ob, process_vec *out, struct err *err);

/* ---- what is left behind, and who holds what ---- */

/** A socket that takes what comes. */
struct listener {
	const char *protocol; /* "tcp", "udp", "unix"; static */
	char address[128];    /* as parse_address() has it; a path as it was bound, so perhaps relative */
	uint32_t inode;
	uint32_t file_inode, file_device; /* of a unix socket's file; 0: none, or not known */
	pid_t pid;                        /* the process of the tree that holds it; 0: none */
};
typedef VEC(struct listener) listener_vec;

/** Those that a process of the tree holds, one row for each holder; in other network namespaces of the tree, too. */
void observe_listeners(struct observe *ob, listener_vec *out);

/** What ties a process to the checkout that observe_checkout() names. A checkout that lies in another one is none of it. */
enum process_tie { TIE_FOLDER = 1, TIE_PROGRAM = 2, TIE_VENV = 4 };

/** What a reader wants to know of a process. */
struct process_facts {
	pid_t pid, parent;
	uint64_t start_ticks;
	int64_t started_ns;
	char state;
	char label[48], command[256];
	char test[512]; /* PYTEST_CURRENT_TEST as it was started with, without the phase; "" */
	unsigned ties;    /* of enum process_tie */
	bool in_checkout; /* there are any */
	bool python;      /* its program's name begins so */
	bool orphan;      /* its parent is init, or who stands in for it */
};
typedef VEC(struct process_facts) facts_vec;
bool observe_facts(pid_t pid, struct process_facts *out); /* false: gone */
/** The top folder of the checkout that we stand in: where .git is, else the working folder. */
const char *observe_checkout(char *buf, size_t size);

/** Who holds ADDRESS ("127.0.0.1:1616"), or a wildcard that takes it as well: any process of the machine that we may read.
 *  Ports of PROTOCOL "tcp" or "udp"; "unix" for a path or "@name". */
void observe_holders(const char *protocol, const char *address, facts_vec *out);
/** "127.0.0.1:1616", "[::1]:80", "1616" (of 127.0.0.1) -> the same in full. False: no address. */
bool observe_address(const char *text, char *out, size_t size);

/** Socket files that the tree is bound to, with an absolute path; not those of other network or mount namespaces. Each is told at the
 *  first few calls only. */
struct socket_file {
	char path[128];
	uint64_t inode, device; /* as stat(2) has them */
	pid_t pid;
};
typedef VEC(struct socket_file) socket_file_vec;
void observe_socket_files(struct observe *ob, socket_file_vec *out);
/** Is a socket of our network namespace bound to that file? */
bool observe_socket_in_use(uint64_t inode, uint64_t device);

/** Objects directly in /dev/shm. */
struct shm_file {
	char name[256];
	uint64_t inode, device;
};
typedef VEC(struct shm_file) shm_vec;
void observe_shm_list(shm_vec *out);
/** The process of the tree that has it open or mapped; 0: none is seen. */
pid_t observe_shm_user(struct observe *ob, const struct shm_file *f);
/** Does any process that we may read have it open or mapped? */
bool observe_shm_in_use(const struct shm_file *f);

/** Processes that have ended and are not waited for; their parents live and are of the tree. */
struct zombie_row {
	pid_t pid, parent;
	uint64_t start_ticks;
	int64_t started_ns;
};
typedef VEC(struct zombie_row) zombie_vec;
/** Looks at those that have stood still since they were last asked. Behind a pass. */
void observe_zombies(struct observe *ob, int64_t now_ns, zombie_vec *out);

/** The test that PID is in now, by its live environment, without the phase. False: none, or it can't be read. */
bool observe_current_test(struct observe *ob, pid_t pid, char *buf, size_t size);
/** Tell SEEN (of each process that may run tests and has moved since it was asked) what it runs now; TEST NULL: nothing. Costs about
 *  20 us a process; spends at most one part in two hundred of a core. */
void observe_running_tests(struct observe *ob, int64_t now_ns, void (*seen)(void *data, pid_t pid, const char *test), void *data);

/** What this machine does not let us see, one sentence each, for the report; NULL-terminated, static. */
const char *const *observe_blind_spots(const struct observe *ob);

#endif
