/* parse: bytes of the kernel -> values. Pure: text and length in, and nothing in the text is believed.
 *
 * Each parser takes a text that need not end with a NUL and may be cut off anywhere. It returns 0, or PARSE_MALFORMED when the
 * text is not of that format (OUT is then undefined); fields of newer kernels are skipped, missing ones of older kernels keep
 * the value that their comment names. Walkers take a `struct cursor` and give one record a call; they skip what they can't
 * read.
 */
#ifndef TRACEWRAP_PARSE_H
#define TRACEWRAP_PARSE_H

#include "model/model.h"

enum { PARSE_MALFORMED = 1 };

/** What is left of a text. */
struct cursor {
	const char *at;
	size_t left;
};
/** The next line, without its newline. False at the end. */
bool parse_line(struct cursor *c, const char **line, size_t *len);
/** The next decimal number of a list separated by white space (`children`). False at the end or at anything else. */
bool parse_next_pid(struct cursor *c, pid_t *pid);

/* ---- files of a task: proc_pid_stat(5), proc_pid_status(5), proc_pid_syscall(5), schedstats.rst ---- */

struct stat_line {
	pid_t pid, ppid, pgrp, tpgid;
	int tty;
	char state;
	char comm[64]; /* as the kernel has it: 15 bytes for programs, more for kernel threads; cut */
	uint64_t start_ticks;
	uint64_t start_stack, arg_start; /* 0 when the reader may not trace the task */
};
/** "7 (a) b) R) S 3 7 7 0 -1 ...": the name may hold blanks, brackets and newlines, only the last ')' ends it. */
int parse_stat(const char *text, size_t len, struct stat_line *out);

struct status_lines { /* missing lines: 0 */
	uint64_t sig_pending, shared_pending, blocked, ignored, caught; /* bit N - 1 is signal N */
	pid_t tracer;
	unsigned threads;
	uint64_t switches; /* voluntary and not */
};
/** PARSE_MALFORMED when there is no "Pid:" line. */
int parse_status(const char *text, size_t len, struct status_lines *out);
/** "NSpid:\t26528\t1": what the task is called in its own PID namespace, the last number. *LEVELS: how many there are, 1 in the reader's
 *  own. PARSE_MALFORMED without such a line (kernels without CONFIG_PID_NS). */
int parse_nspid(const char *text, size_t len, pid_t *inner, int *levels);

struct schedstat {
	uint64_t ran_ns, waited_ns, runs;
};
/** "123456 789 42" */
int parse_schedstat(const char *text, size_t len, struct schedstat *out);

struct syscall_line {
	bool running; /* "running": on a CPU, or waiting for one */
	int number;   /* -1: blocked outside of a system call */
	uint64_t args[6];
	uint64_t stack_pointer, program_counter; /* 0: not told */
};
/** "0 0x3 0x7ffd... 0x1 0x0 0x0 0x0 0x7ffd... 0x7f..." */
int parse_syscall(const char *text, size_t len, struct syscall_line *out);
/** "read", or NULL for a call that has no name here. Numbers of x86-64. */
const char *parse_call_name(int number);

/** Words of /proc/PID/cmdline, made fit to be shown, NULL-terminated. A process that wrote one text over its arguments
 *  (setproctitle) gives one word. */
char **parse_cmdline(const char *text, size_t len, struct arena *a);

/* ---- descriptors: proc_pid_fdinfo(5), Documentation/filesystems/proc.rst section 3.8 ---- */

enum link_kind {
	LINK_FILE,  /* a path, maybe with " (deleted)" */
	LINK_PIPE,
	LINK_SOCKET,
	LINK_PTS,   /* `number` is its index */
	LINK_PTMX,  /* the index is in fdinfo */
	LINK_TTY,   /* /dev/tty: that terminal which was the opener's own (tty(4)) */
	LINK_DEVICE,
	LINK_EVENTFD, LINK_EPOLL, LINK_TIMERFD, LINK_SIGNALFD, LINK_PIDFD, LINK_INOTIFY, LINK_IO_URING,
	LINK_ANON,  /* another anonymous inode */
};
struct link_target {
	enum link_kind kind;
	uint64_t number; /* inode of pipes and sockets, index of terminals, else 0 */
	bool deleted;
};
/** "pipe:[4711]", "anon_inode:[eventpoll]", "/dev/pts/3", "/tmp/x (deleted)". Never fails: what is not known is a file. */
struct link_target parse_link(const char *text, size_t len);

struct fdinfo {
	unsigned flags;       /* open flags, octal in the file */
	uint64_t inode;       /* 0: not told (before Linux 5.14) */
	bool has_eventfd_id;  /* not told before Linux 5.2 */
	uint64_t eventfd_id;
	unsigned tty_index;   /* UINT32_MAX: no such line */
	unsigned scm_fds;     /* descriptors in the receive queue of a unix socket */
	pid_t pid;            /* pidfd: -1 when it has ended; 0: no such line */
	uint64_t sigmask;     /* signalfd */
	bool armed;           /* timerfd: it_value is not zero; true when the line can't be read */
	bool has_it_value;
};
/** PARSE_MALFORMED without a "flags:" line. */
int parse_fdinfo(const char *text, size_t len, struct fdinfo *out);

struct epoll_target {
	int fd; /* its number in the process that added it, when it did */
	uint32_t events;
	uint64_t inode;
};
/** The next `tfd:` line of an epoll's fdinfo. */
bool parse_next_tfd(struct cursor *c, struct epoll_target *out);

/** The key of a lock, "MAJ:MIN:INODE" as the kernel prints it. */
typedef char lock_key[48];
struct file_lock {
	lock_key key;
	pid_t pid;        /* who took it; -1: it belongs to an open file description */
	const char *text; /* kind, access, file and range, the same in both files; into the text, not ended by a NUL */
	size_t len;
};
/** The next `lock:` line of fdinfo that is held and not waited for. */
bool parse_next_fdinfo_lock(struct cursor *c, struct file_lock *out);
/** Does fdinfo show a lease, of which its holder is told by a signal? */
bool parse_fdinfo_lease(const char *text, size_t len);
/** The next held lock of /proc/locks. */
bool parse_next_lock(struct cursor *c, struct file_lock *out);

/* ---- maps: proc_pid_maps(5) ---- */

struct mapping {
	uint64_t start, end, offset, inode;
	bool shared, readable, executable;
	char device[16];  /* "08:01" */
	const char *path; /* into the text; not ended by a NUL */
	size_t path_len;
	bool deleted;
};
bool parse_next_mapping(struct cursor *c, struct mapping *out);

/* ---- /proc/PID/mountinfo, proc_pid_mountinfo(5) ---- */

/** The type of the file system whose device is MAJOR:MINOR, "ext4". False: none of those that are mounted. */
bool parse_mount_type(const char *text, size_t len, unsigned major, unsigned minor, char type[32]);

/* ---- /proc/timer_list ---- */

struct timer_entry {
	uint64_t timer;     /* its (hashed) address: tells two timers apart */
	int64_t expires_ns; /* CLOCK_MONOTONIC of the first time namespace */
};
/** True when TEXT is a timer list at all: containers may put an empty file over it. NOW_NS: its "now at". */
bool parse_timer_list_head(const char *text, size_t len, int64_t *now_ns);
/** The next armed ITIMER_REAL (setitimer(2), alarm(2)): the function `it_real_fn`, then "expires at A-B nsecs". */
bool parse_next_alarm(struct cursor *c, struct timer_entry *out);

/* ---- sock_diag(7): the payload of one netlink message ---- */

enum { SOCKET_CONNECTED = 1, SOCKET_GREETED = 3, SOCKET_LISTENS = 10 }; /* TCP_ESTABLISHED, TCP_SYN_RECV, TCP_LISTEN; of unix sockets, too */

struct unix_socket {
	uint32_t inode, peer; /* peer 0: none, or it has no inode (closed, or not accepted yet) */
	int type, state;      /* SOCK_STREAM ... */
	bool named;
	const unsigned char *waiting; /* a listener's connecting sockets, 32-bit inodes in the message */
	size_t nwaiting;
	uint32_t receive_queue; /* bytes; of a listener: connections. Only where it was asked for */
	const char *name; /* in the message: a path, or a NUL and a name (unix(7)) */
	size_t name_len;
	uint32_t file_inode, file_device; /* of the socket file, 0: none. The inode is cut to 32 bits; device as the kernel has it */
};
int parse_unix_diag(const void *data, size_t len, struct unix_socket *out);
uint32_t parse_unix_waiting(const struct unix_socket *u, size_t i);

struct inet_end {
	unsigned char address[16]; /* v4 as ::ffff:a.b.c.d */
	uint16_t port;
};
struct inet_socket {
	uint32_t inode; /* 0: not accepted yet, or closed by all */
	int state;
	uint32_t receive_queue, send_queue;
	struct inet_end local, remote;
};
int parse_inet_diag(const void *data, size_t len, struct inet_socket *out);

/* ---- /proc/PID/net/{tcp,tcp6,udp,udp6,unix}: sockets of another network namespace, proc_pid_net(5) ---- */

/** The next socket; V6: the table has addresses of 16 bytes. Queues stay 0. */
bool parse_next_net_inet(struct cursor *c, bool v6, struct inet_socket *out);
/** The next unix socket with a name; state is SOCKET_LISTENS, SOCKET_CONNECTED or 0; NAME lies in the text, '@' in front of an abstract one. */
bool parse_next_net_unix(struct cursor *c, struct unix_socket *out);

/** Does TEXT, of /proc/PID/net/dev, list no other interface than `lo`? */
bool parse_net_is_loopback(const char *text, size_t len);

/* ---- the proc connector: the payload of one netlink message (cn_proc.h) ---- */

struct proc_message {
	enum { PROC_OTHER, PROC_ACK, PROC_FORK, PROC_EXEC, PROC_EXIT } kind;
	int64_t at_ns; /* CLOCK_MONOTONIC (ktime_get_ns in drivers/connector/cn_proc.c) */
	pid_t pid, tid;         /* of a fork: the parent */
	pid_t child, child_tid; /* a new thread: child is its process, child_tid another number */
	int status;             /* PROC_EXIT: of this thread, as of wait(2) */
	int error;              /* PROC_ACK: errno, 0: we are told from now on */
};
int parse_proc_message(const void *data, size_t len, struct proc_message *out);

/* ---- pytest ---- */

struct current_test {
	const char *id, *phase; /* into the text */
	size_t id_len, phase_len;
};
/** "tests/test_a.py::test_b[x y] (call)". PARSE_MALFORMED without "::" or without a phase of pytest's. */
int parse_current_test(const char *text, size_t len, struct current_test *out);

/* ---- addresses of sockets, ip(7), ipv6(7), unix(7) ---- */

/** struct sockaddr as bytes -> "127.0.0.1:1616", "[::1]:80", "/run/x.sock", "@abstract", "" for a unix socket without a name; made fit to
 *  be shown, cut to SIZE. PARSE_MALFORMED for other families. */
int parse_address(const void *bytes, size_t len, char *out, size_t size);

/* ---- events of the preload library, preload/wire.h ---- */

struct wire_slot;
/** One event at POS of the ring. TEXT holds its text as it came, and afterwards that of OUT. PARSE_MALFORMED: not an event. */
int parse_wire(const struct wire_slot *s, struct text *text, uint64_t pos, struct event *out);

#endif
