/* model: the plain data that the other rooms hand on. Snapshot, finding, the history of processes.
 *
 * A snapshot says what each task of the tree waits for, and who holds the objects it waits for (docs/glossary.md has the words).
 * It is one arena: all that is reached from it dies with it, and nothing outside keeps a pointer into it. A finding copies the
 * facts that it needs. Nothing here knows of /proc, clocks or signals; the numbers of signals and calls are Linux x86-64 values
 * as the kernel prints them (proc(5), syscall(2)).
 */
#ifndef TRACEWRAP_MODEL_H
#define TRACEWRAP_MODEL_H

#include <sys/types.h>

#include "base/base.h"
#include "model/run.h"
#include "model/stack.h"

/* ---- snapshot ---- */

/** Later than any moment: what can't happen. Durations and moments are nanoseconds; moments are of CLOCK_MONOTONIC. */
#define NEVER_NS INT64_MAX

/** The ends of an object that a descriptor gives access to, and what a wait wants of it (read: data or its end; write: room). */
enum { END_READ = 1, END_WRITE = 2, END_BOTH = 3 };

enum object_kind {
	OBJECT_UNKNOWN, /* named by somebody, never seen itself: whoever waits for it counts as live */
	OBJECT_FILE,
	OBJECT_PIPE, /* FIFOs too */
	OBJECT_UNIX,
	OBJECT_TCP,
	OBJECT_UDP,
	OBJECT_EVENTFD,
	OBJECT_TIMERFD,
	OBJECT_SIGNALFD,
	OBJECT_PIDFD,
	OBJECT_EPOLL,
	OBJECT_PTY, /* one side; `peer` is the other */
	OBJECT_DEVICE,
	OBJECT_OTHER, /* known, and nothing is known about its wakers: `type` says what it is */
};

enum { PEER_NONE = -1, PEER_GONE = -2 };

/** An object that descriptors refer to. `name` is what `ls -l /proc/PID/fd` shows where that is unique: "pipe:[4711]". */
struct object {
	const char *name;
	const char *type; /* the kind as a word, kept as it came */
	enum object_kind kind;
	unsigned outside; /* ENDs held by processes that are not of the tree */
	int peer;         /* index of the other end (sockets, ptys), PEER_NONE, or PEER_GONE: closed, so readable */
	bool listener;
	bool datagram; /* a socket that takes what anybody sends to its name, UDP or unix */
	bool private;  /* a listener or datagram socket that nobody outside the tree can reach by a name */
	bool scatters; /* unix: it waits for room that its datagrams take up in the queues of others than the peer, too */
	bool named;    /* a FIFO with a path: anyone may open it */
	bool transit;  /* TCP: data is under way to it, or will be given up */
	bool armed;    /* timerfd */
	bool takes_alarm; /* signalfd whose mask has SIGALRM */
	bool read_timer;  /* terminal with VMIN 0 and VTIME > 0 (termios(3)) */
	pid_t pid;     /* pidfd: whose; -1 when it has ended or is of another pid namespace */
	struct watch_item {
		int object;
		unsigned way;
	} *watch; /* epoll */
	size_t nwatch;
};

enum wait_op {
	WAIT_RUN,     /* runs, moved, or its wait is not known: counts as live; `why` says which */
	WAIT_FDS,     /* blocked on descriptors: read, write, poll, select, epoll */
	WAIT_CHILD,   /* wait4, waitid */
	WAIT_VFORK,   /* until the child execs or ends */
	WAIT_SLEEP,
	WAIT_FUTEX,
	WAIT_FLOCK,   /* flock, fcntl locks */
	WAIT_SIGNAL,  /* pause, sigsuspend, sigtimedwait */
	WAIT_STOPPED, /* state T */
	WAIT_TRACED,  /* state t */
	WAIT_DEAD,    /* zombie: nothing can wake it and it wakes nobody */
};

struct wait {
	enum wait_op op;
	const char *why;    /* WAIT_RUN: the reason to count as live. WAIT_FDS: "read", "write", "splice" or the call's name */
	int64_t timeout_ns; /* from the snapshot on; NEVER_NS: none */
	struct wait_target { /* WAIT_FDS */
		int object; /* index, -1: the descriptor was closed meanwhile */
		unsigned way;
		int fd;
	} *on;
	size_t non;
	pid_t *pids; /* WAIT_CHILD: the children that would do */
	size_t npids;
	bool any;        /* WAIT_CHILD: any child; another thread may make one */
	const char *key; /* WAIT_FUTEX: the shared mapping "MAJ:MIN:INODE", NULL when private. WAIT_FLOCK: the file, likewise */
	bool named;      /* WAIT_FUTEX: the mapping has a name, so anyone may open it */
	bool random;     /* WAIT_FUTEX: its only name is one that a library made up at random, for its user alone */
	bool outside;    /* WAIT_FUTEX: the memory is in reach outside the tree. WAIT_FLOCK: the lock is held there, too */
	pid_t owner;      /* WAIT_FUTEX: tid of the holder by the lock itself, a thread of the same process; 0: not known */
	pid_t owner_word; /* WAIT_FUTEX: tid in the lock, of whatever process; 0: none */
	pid_t join;       /* WAIT_FUTEX: the tid whose end is awaited (pthread_join); 0: none */
	bool gil;         /* WAIT_FUTEX: for the interpreter's lock, 5 ms again and again; `owner` has it and has not run meanwhile */
	const char *idle; /* a helper thread of a library that only ends, or waits again, when its timeout is over: whose; NULL: it is none */
	bool has_kids;    /* the idle helper made children that live: its end may be a signal to them (PR_SET_PDEATHSIG(2const)) */
	const char *serves; /* a thread that, as the stacks of its process show, serves the test runner and nobody else: whose; NULL */
	bool takes_alarm; /* WAIT_SIGNAL: SIGALRM would end it */
	bool tty;         /* WAIT_STOPPED: its terminal belongs to another process group */
	pid_t tracer;     /* WAIT_TRACED */
};

struct task {
	pid_t tid, pid;
	int proc;         /* index of its process */
	const char *comm; /* made fit to be shown */
	char state;       /* as in proc_pid_stat(5) */
	const char *call; /* name of the blocking system call, its number as a text, or "" */
	uint64_t args[6];
	uint64_t runs;    /* how often it was put on a CPU (third number of schedstat); 0 when not known */
	int64_t moved_ns; /* when the sampler last saw it move; 0 when not known */
	struct wait wait;
};

enum alarm_use { ALARM_IGNORED, ALARM_MAYBE, ALARM_CAUGHT };

struct process {
	pid_t pid, ppid, pgrp, tpgid, tracer;
	int tty;
	const char *comm;
	char **argv; /* NULL-terminated, made fit to be shown; empty when not readable */
	const char *test;  /* pytest's node id from its live environment, or NULL */
	const char *phase; /* "setup", "call", "teardown", or NULL */
	size_t first_task, ntasks; /* its tasks lie together in snapshot.tasks */
	pid_t *kids;
	size_t nkids;
	bool readable; /* false: descriptors and memory are refused; it may hold anything */
	struct held_fd {
		int fd, object;
		unsigned ends;
	} *fds;
	size_t nfds;
	bool catches_chld;
	enum alarm_use alarm_use;
	int64_t alarm_ns; /* until an ITIMER_REAL that may be its own; NEVER_NS: none. Where snapshot.alarms_known or alarm_heard */
	bool alarm_heard; /* all that could arm one in this process was listened to */
	bool posix_timers;
	bool file_signals; /* one of its files may send a signal: O_ASYNC, a lease, a queue or a folder that is watched (fcntl(2)) */
	bool deaths_heard; /* whether it did, `mourns`, was listened to */
	bool mourns; /* it asked to be signalled when its parent's thread ends (PR_SET_PDEATHSIG) */
	pid_t vm;    /* pid of the process whose memory map it shares: its own, or the parent's after clone(CLONE_VM) */
	bool forked; /* runs its parent's image: fork without exec */
	const char **shm; /* shared mappings, "MAJ:MIN:INODE" */
	size_t nshm;
	const char **locks; /* files that it holds locks on */
	size_t nlocks;
	uint64_t start_ticks; /* field 22 of stat, clock ticks since boot */
	uint64_t image;       /* start of its stack (field 28), another one after each exec; 0: not known. Not saved */
	struct process_stacks *stacks; /* NULL: not read */
};

struct lock_holder {
	const char *key;
	pid_t pid;
};

struct snapshot {
	struct arena *arena;
	int64_t taken_ns;
	pid_t root; /* the command */
	/* of a saved one: when its run began, when its finding was told, and what timeout counted as endless; 0: not known */
	int64_t started_ns, told_ns, horizon_ns;
	struct process *procs; /* by pid, ascending */
	size_t nprocs;
	struct task *tasks; /* by process, then tid, ascending */
	size_t ntasks;
	struct object *objects;
	size_t nobjects;
	int *inflight; /* receiving sockets with descriptors in their queue (`scm_fds` of fdinfo); -1: one that the tree does not hold */
	size_t ninflight;
	struct lock_holder *locks; /* the kernel's lock table (/proc/locks) */
	size_t nlocks;
	bool alarms_known; /* /proc/timer_list could be read */
	bool begun_by_others; /* it was there before us: a verdict ends nothing, and what can't be known of it is no life of its own */
	bool hidden_holders; /* the tree was not begun by us: whoever can't be read may hold what its root came with */
	/* look-ups, made by snapshot_index() */
	struct idmap *by_pid, *by_tid;
};

/** An empty snapshot with an arena of its own; snapshot_free() it. */
struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *s);

/** Sort processes and tasks, set task.proc, first_task and the look-ups. To be called once the arrays are filled.
 *  @return 0, -EINVAL when a task has no process or a pid or tid comes twice. */
int snapshot_index(struct snapshot *s, struct err *err);
struct process *snapshot_process(const struct snapshot *s, pid_t pid); /* NULL: not of the tree */
struct task *snapshot_task(const struct snapshot *s, pid_t tid);

/** A saved snapshot is one JSON object, "schema": "tracewrap-snapshot/1" (docs/internals.md). Recorded ones without the key
 *  `schema` are read too. Numbers that a double can't hold go as strings.
 *  @return 0; -EINVAL: not JSON, cut off, or not a snapshot; ERR names the key and what would be right. */
int snapshot_read(const char *text, size_t len, struct snapshot **out, struct err *err);
void snapshot_write(const struct snapshot *s, struct text *out);

const char *object_kind_name(enum object_kind kind);

/** The process in a reader's words: the script or module that it runs ("convert.py", "pytest"), else its comm.
 *  Written to BUF, cut to SIZE. */
void process_label(const struct process *p, char *buf, size_t size);

/* ---- finding ---- */

/** corpus vocabulary; docs/glossary.md */
enum finding_kind {
	FINDING_PIPE_FULL,
	FINDING_PIPE_EOF,
	FINDING_LOCK,
	FINDING_FORK_LOCK,
	FINDING_SOCKET,
	FINDING_CHILD_WAIT,
	FINDING_TTY,
	FINDING_STOPPED,
	FINDING_DEADLOCK,
	FINDING_STALL, /* not stuck: there is no progress, or the time given to the run is over */
	FINDING_BUSY,  /* the same, and it wants the processors */
	FINDING_BACKPRESSURE, /* the same: a writer waits for readers that are live */
	FINDING_LEAKED_PROCESS,
	FINDING_ZOMBIE,
	FINDING_LEAKED_LISTENER,
	FINDING_STALE_SOCKET,
	FINDING_LEAKED_SHM,
	FINDING_PORT_HELD,
};
const char *finding_kind_name(enum finding_kind kind);

enum certainty { SUSPECTED, PROVEN };

/** What a verdict takes for granted. The order is that of the bits; prove.h says what each costs in waiting. */
enum assumption {
	ASSUME_NO_OUTSIDE_SIGNAL = 1 << 0,  /* nobody outside the tree intervenes */
	ASSUME_NO_OUTSIDE_CONNECT = 1 << 1, /* nobody outside connects to a listener of the tree */
	ASSUME_HORIZON = 1 << 2,            /* a timeout beyond the horizon is no progress */
	ASSUME_NO_ALARM = 1 << 3,           /* soft: no alarm was armed (it could not be heard) */
	ASSUME_NO_FIFO_OPEN = 1 << 4,       /* soft: nobody opens the FIFO by name */
	ASSUME_NO_SHM_OPEN = 1 << 5,        /* soft: nobody opens the shared object by name */
	ASSUME_LIVE_INERT = 1 << 6,         /* soft: no live task of the tree signals the stuck ones or opens their files */
	ASSUME_SERVICE_THREADS = 1 << 7,    /* soft: service threads touch nothing but their own descriptor */
	ASSUME_ALARMS_HEARD = 1 << 8,       /* alarms are armed through the C library, where they are heard */
	ASSUME_IDLE_WORKERS = 1 << 9,       /* a helper thread whose stack shows a library's idle wait only ends, or waits again, when that is over */
	ASSUME_NO_HIDDEN_HOLDER = 1 << 10,  /* soft: no process that can't be read holds an end of what is waited for */
	ASSUME_NOBODY_AWAITED = 1 << 11,    /* soft: the cause itself waits at an address, but not for somebody outside */
	ASSUME_NO_RANDOM_OPEN = 1 << 12,    /* nobody outside opens a shared object by the random name that a library gave it */
};

enum role { /* what a task's wait is, best cause first */
	ROLE_FULL, ROLE_TTY, ROLE_STOPPED, ROLE_FORK_LOCK, ROLE_LOCK, ROLE_EOF, ROLE_TTY_READ, ROLE_SOCKET, ROLE_LOOP_SOCKET,
	ROLE_LOOP_EOF, ROLE_JOIN, ROLE_GIL, ROLE_SIGNAL, ROLE_CHILD, ROLE_LOOP_CHILD, ROLE_LOOP, ROLE_OTHER, ROLE_COUNT,
};
const char *role_name(enum role role); /* "full", "loop+socket", ... */

/** A thousand tasks that wait for each other have a million edges; nobody reads more of one task than these. */
enum { FINDING_EDGES = 256 };

struct blocked { /* one task of the explanation */
	pid_t pid, tid;
	const char *comm, *label; /* label: see process_label() */
	const char *call;
	uint64_t args[6];
	enum role role;
	bool cause;         /* of the cycle or sink that everybody else waits for */
	bool culprit;
	int fd;             /* the first descriptor it waits on, -1: none */
	int object;         /* index into finding.objects, -1: none */
	int64_t timeout_ns; /* of the wait; NEVER_NS: none */
	int64_t moved_ns;   /* it has stood still since then */
	pid_t *waits_for;   /* tids, of the stuck set: the first FINDING_EDGES of them */
	size_t nwaits_for;
	size_t nwaits_for_all; /* how many there are */
	pid_t *waits_for_pids; /* the processes of those, each once: the first FINDING_EDGES */
	size_t nwaits_for_pids;
};

struct finding_object { /* one object of the explanation, and all who hold it */
	const char *name, *type;
	enum object_kind kind;
	bool named, listener;
	unsigned outside;
	int peer; /* index into finding.objects, or PEER_NONE, PEER_GONE */
	struct object_holder {
		pid_t pid;
		const char *label;
		int fd;
		unsigned ends;
	} *holders;
	size_t nholders;
};

/** Whose a process is, as far as a run can tell. */
enum leak_owner {
	OWNER_RUN,     /* of this run's tree */
	OWNER_EARLIER, /* an orphan that works in this checkout: an earlier run has left it */
	OWNER_OTHER,
};
const char *leak_owner_name(enum leak_owner owner);

struct leak { /* FINDING_LEAKED_PROCESS and later: what was left behind, or is held, and by whom */
	struct leak_thing {
		const char *protocol; /* "tcp", "udp", "unix"; "socket", "shm": a file */
		const char *name;     /* address or path */
	} *things;
	size_t nthings;
	struct leak_process {
		pid_t pid;
		const char *label, *command; /* command: its words, parted by blanks; "" when not known */
		int64_t started_ns;
	} *who; /* those who leaked, or hold; of zombies the ended ones. Those that others come from stand first */
	size_t nwho;
	struct leak_process parent; /* of zombies: who never waits. pid 0: none */
	enum leak_owner owner;
	bool before;      /* port-held: seen when the run began, and no failing bind was heard */
	const char *done; /* "ended by SIGINT"; NULL: nothing was */
};

struct finding {
	struct arena *arena;
	enum finding_kind kind;
	enum certainty certainty;
	bool prompt_or_stdin; /* FINDING_TTY by a read of descriptor 0 that only its waiting parent could feed: a prompt, or a
	                         forgotten close; wait states can't tell */
	const char *test, *phase; /* NULL: none known */
	int64_t onset_ns, detected_ns; /* CLOCK_MONOTONIC */
	pid_t root;
	pid_t *culprits;
	size_t nculprits;
	struct blocked *blocked; /* in reading order: from the root on along the edges; then what else is stuck */
	size_t nblocked;
	struct finding_stacks { /* of the processes of `blocked` that could be read, in that order */
		pid_t pid;
		struct process_stacks *stacks;
	} *stacks;
	size_t nstacks;
	struct finding_object *objects;
	size_t nobjects;
	unsigned assumptions; /* bits of enum assumption */
	int64_t horizon_ns;
	bool churns;      /* a stall: the same processes and threads came and went all the while */
	int64_t quiet_ns; /* so long there was no progress when it was told as a stall; 0: it was not */
	const char *rescue; /* what was tried to set it free, and what came of it, a sentence; NULL: nothing was */
	bool test_late;   /* a test has taken longer than it may */
	const char **live; /* SUSPECTED: why somebody might still move, in words: "sh[12] sleeps, up to 8.0 s" */
	size_t nlive;
	size_t nstuck, ntasks; /* of how many living tasks of the tree how many are stuck */
	struct leak leak; /* kinds from FINDING_LEAKED_PROCESS on */
};
void finding_free(struct finding *f);
const struct process_stacks *finding_stacks_of(const struct finding *f, pid_t pid); /* NULL: not read */
bool finding_is_stall(const struct finding *f); /* FINDING_STALL, _BUSY, _BACKPRESSURE */
bool finding_is_leak(const struct finding *f); /* nothing is stuck: see `leak` */

/* ---- events ---- */

enum event_kind {
	EVENT_START,       /* an image has begun: `token`, `image`, text: the file as exec got it */
	EVENT_FORK,        /* `pid` has made `child`; told by the child itself when `tid` is `child` */
	EVENT_EXEC,        /* `pid` is about to exec; text: the file. From a tracer or the connector: it has */
	EVENT_EXEC_FAILED, /* it did not; `token`: id of that event */
	EVENT_SPAWN,       /* `pid` is about to start a child by posix_spawn(3); text: the file */
	EVENT_SPAWNED,     /* it has: `child`, or 0 when that failed; `token`: id of that event */
	EVENT_EXIT,        /* `status`: as of wait(2), where `exact`; else an exit code on its way */
	EVENT_BIND,        /* `fd`, `error`, text: the address in words, `socket_type` */
	EVENT_LISTEN,
	EVENT_ALARM,     /* ITIMER_REAL: expires `value_ns` after `at_ns` (0: disarmed), then every `interval_ns` */
	EVENT_TIMER,     /* timer_create(2) */
	EVENT_PDEATHSIG, /* `status`: the signal, 0: none */
	EVENT_TEST,      /* text: PYTEST_CURRENT_TEST, empty when it was unset */
};
const char *event_kind_name(enum event_kind kind);

enum event_source { FROM_SHIM, FROM_TRACER, FROM_LISTENER, FROM_CONNECTOR, FROM_SAMPLER };

/** Something that happened, as it was heard. Pids are those of the supervisor's namespace. */
struct event {
	enum event_kind kind;
	enum event_source source;
	uint64_t id; /* unique in its source: what a token refers to */
	int64_t at_ns;
	pid_t pid, tid;
	pid_t child;
	pid_t parent; /* EVENT_START, EVENT_EXEC of the library: whose child it is at that moment; 0: not known */
	int fd, error; /* error: 0 or errno; -1 from a listener, which is asked before the call: not known */
	int status;
	bool exact;
	int socket_type; /* SOCK_STREAM, SOCK_DGRAM ...; 0: not known */
	uint64_t token;  /* NO_TOKEN: none */
	uint64_t image;  /* where argc lies on its stack: stat field 28, another one after each exec. 0: not known */
	int64_t value_ns, interval_ns;
	const char *text; /* made fit to be shown, NUL-ended; "" when there is none. Not the event's own */
	const char *words; /* EVENT_EXEC of a tracer: the command line as /proc/PID/cmdline has it; else NULL. Not the event's own */
	size_t words_len;
};
#define NO_TOKEN UINT64_MAX

/* ---- history ---- */

enum exit_kind { EXIT_UNKNOWN, EXIT_CODE, EXIT_SIGNAL };

/** Who has told of a fork: each tells it once, so a second time means another process with the same number. TOLD_OF_SPAWN beside it: the
 *  child does not run its parent's image (posix_spawn(3)). */
enum teller {
	TOLD_BY_ITSELF = 0, TOLD_BY_PARENT = 1, TOLD_BY_CHILD = 2, TOLD_BY_TRACER = 4, TOLD_BY_CONNECTOR = 8, TOLD_OF_SPAWN = 16,
};

struct process_row {
	pid_t pid, ppid;
	uint64_t start_ticks; /* 0: the sampler has not seen it */
	char *cmdline; /* words separated and ended by NUL, as /proc/PID/cmdline has them; or the file that was executed */
	size_t cmdline_len;
	int64_t started_ns, ended_ns; /* NEVER_NS: still there */
	enum exit_kind exit;
	int exit_value;
	char *test; /* NULL */
	bool speaks; /* its image, as far as it is known, has the preload library and tells what it does */
	/* history's own */
	uint64_t serial;
	bool noted_exit;
	unsigned told;      /* bits of enum teller */
	bool exact;         /* the exit is that of its wait status */
	int64_t said_ns;    /* when it said itself that it was about to exit, with `said`; 0: it did not */
	int said;
	bool inherited;     /* the command line is its parent's */
	int64_t read_ns;    /* when the sampler read the command line; 0: it did not, since the last exec */
	char *announced;    /* it was about to execute this; NULL: nothing */
	int64_t announced_ns;
	int64_t execed_ns;  /* the last exec that was told of */
	bool exec_open;     /* ... by the kernel, and the image has not spoken yet */
	bool exec_told;     /* ... and the sampler has not seen its image yet */
	uint64_t image;     /* as the sampler saw it last */
};

/** What is new by an event or a look, each once, whoever tells of it, and however many do. */
struct history_note {
	enum event_kind kind; /* EVENT_FORK: `pid` has begun; EVENT_EXEC: text; EVENT_EXIT; EVENT_TEST: text, "" when none runs any more */
	enum event_source source;
	pid_t pid, ppid;
	int64_t at_ns;
	enum exit_kind exit;
	int exit_value;
	char *text; /* made fit to be shown, or NULL */
};

/** All processes that were seen or told of, living and ended. Keyed by (pid, start), for pids are used again; those that were only told of
 *  have no start, and are told apart by who told of them when. A row that has ended is never revived. */
struct history;
struct history *history_new(size_t most); /* MOST ended rows are kept, the oldest go first */
void history_free(struct history *h);
/** The oldest note, to be taken after each event and each pass; its text is good until the next call. @return false: none. */
bool history_next_note(struct history *h, struct history_note *out);

/* ---- as the sampler saw it ---- */

/** The row of that process, which began at STARTED_NS to the tick, a new one if it was not known. The pointer is good until the next call
 *  that adds or ends one. */
struct process_row *history_row(struct history *h, pid_t pid, uint64_t start_ticks, int64_t started_ns, pid_t ppid, bool *is_new);
/** Its command line and image (stat field 28) as they are now. */
void history_read(struct history *h, struct process_row *row, const char *cmdline, size_t len, uint64_t image, int64_t now_ns);
/** The living row of PID, or NULL. */
struct process_row *history_living(struct history *h, pid_t pid);
/** The last row of PID, living or not, or NULL. */
struct process_row *history_last(const struct history *h, pid_t pid);
/** It is there no more. What was told of its end stays. */
void history_gone(struct history *h, pid_t pid, int64_t now_ns);
/** All was heard that had been told before the last history_gone(): what is gone is noted with what is known of it now. */
void history_settle(struct history *h);
/** Ask IS_THERE of each living row that the sampler has not seen, and end those that are not. */
void history_sweep(struct history *h, int64_t now_ns, bool (*is_there)(void *who, const struct process_row *row), void *who);

/* ---- as it was told ---- */

/** PPID (0: not known) has made PID, in TEST (NULL: none known). TOLD_BY_ITSELF: an image of it speaks, its
 *  fork may yet be told. */
void history_forked(struct history *h, pid_t pid, pid_t ppid, int64_t at_ns, unsigned by, const char *test);
/** PID is about to execute FILE; FILE NULL: that failed. */
void history_announced(struct history *h, pid_t pid, const char *file, int64_t at_ns);
/** PID has executed WORDS (as /proc/PID/cmdline has them, or the file alone; LEN 0: not known). IMAGE: as for history_read(), 0: not known. */
void history_execed(struct history *h, pid_t pid, const char *words, size_t len, uint64_t image, int64_t at_ns, unsigned by);
/** PID is about to exit with CODE, as it says itself: it ends so unless more is heard. */
void history_exiting(struct history *h, pid_t pid, int code, int64_t at_ns);
/** PID has ended; this is its wait status, and wins over all that was told before. */
void history_exited(struct history *h, pid_t pid, int64_t at_ns, enum exit_kind exit, int value, enum event_source source);
void history_test(struct history *h, pid_t pid, const char *test, int64_t at_ns, enum event_source source);

size_t history_count(const struct history *h);
const struct process_row *history_at(const struct history *h, size_t i);
size_t history_dropped(const struct history *h);

#endif
