/* From a blocking system call with its arguments to what is waited for: one row for each call that is understood. What is in no
 * row counts as live. Section 2 of the manual has the meaning of each argument. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>

#include "observe/state.h"

enum { MOST_POLLED = 4096, MOST_SELECTED = 65536 };

const char look_unknown_call[] = "in a call whose end is not known";

struct decoding {
	pid_t pid, tid;
	struct look *l;
};

static void live(struct decoding *d, const char *why)
{
	d->l->op = WAIT_RUN;
	d->l->why = why;
}

static bool peek(struct decoding *d, uint64_t addr, void *to, size_t size)
{
	if (sys_read_memory(d->tid, addr, to, size) == 0)
		return true;
	live(d, "its memory can't be read");
	return false;
}

static int fd_arg(uint64_t arg)
{
	return (int)(uint32_t)arg;
}

/* ---- timeouts ---- */

/** Sum, at most NEVER_NS; what lies in the past counts from now. */
static int64_t moment(int64_t base_ns, int64_t s, int64_t ns)
{
	int64_t sum;

	if (s < 0 || ns < 0)
		return base_ns;
	if (__builtin_mul_overflow(s, NS_PER_S, &sum) || __builtin_add_overflow(sum, ns, &sum) ||
	    __builtin_add_overflow(sum, base_ns, &sum))
		return NEVER_NS;
	return sum;
}

static void sooner(struct look *l, int64_t deadline_ns)
{
	if (deadline_ns < l->deadline_ns)
		l->deadline_ns = deadline_ns;
}

/** The argument is never updated while a call waits: it began at the first look at the latest. */
static void timeout_ms(struct decoding *d, uint64_t arg)
{
	int ms = (int)(uint32_t)arg;

	if (ms >= 0)
		sooner(d->l, d->l->asleep_ns + ms * NS_PER_MS);
}

/** ADDR of a timespec, or of a timeval (UNIT_NS 1000); NULL is no timeout. */
static bool timeout_at(struct decoding *d, uint64_t addr, int64_t unit_ns)
{
	int64_t t[2];

	if (!addr)
		return true;
	if (!peek(d, addr, t, sizeof t))
		return false;
	if (t[1] < 0 || t[1] >= NS_PER_S)
		t[1] = 0;
	sooner(d->l, moment(d->l->asleep_ns, t[0], t[1] * unit_ns));
	return true;
}

static bool timeout_until(struct decoding *d, uint64_t addr, int clock_id)
{
	int64_t t[2];

	if (!addr)
		return true;
	if (!peek(d, addr, t, sizeof t))
		return false;
	sooner(d->l, moment(sys_monotonic_ns() - sys_clock_ns(clock_id), t[0], t[1]));
	return true;
}

/** SO_RCVTIMEO, SO_SNDTIMEO: in no argument of the call. */
static int64_t socket_timeout(int fd, unsigned way)
{
	struct timeval t = {0};
	socklen_t size = sizeof t;
	int64_t ns = NEVER_NS;

	for (unsigned bit = END_READ; bit <= END_WRITE; bit <<= 1) {
		if (!(way & bit))
			continue;
		if (getsockopt(fd, SOL_SOCKET, bit == END_READ ? SO_RCVTIMEO : SO_SNDTIMEO, &t, &size) < 0)
			return -1;
		if ((t.tv_sec || t.tv_usec) && moment(0, t.tv_sec, t.tv_usec * 1000) < ns)
			ns = moment(0, t.tv_sec, t.tv_usec * 1000);
	}
	return ns;
}

/** VTIME: a read that ends by itself (termios(3)). With VMIN > 0 the clock starts with the first byte, which may have come: it is
 *  in the reader's memory then, and no count of the terminal's tells of it (n_tty_read() in drivers/tty/n_tty.c). */
static int64_t terminal_timeout(int fd, unsigned way)
{
	struct termios mode;

	if (!(way & END_READ))
		return NEVER_NS;
	if (tcgetattr(fd, &mode) < 0)
		return -1;
	if (mode.c_lflag & ICANON || (mode.c_cc[VMIN] && !mode.c_cc[VTIME]))
		return NEVER_NS;
	return mode.c_cc[VTIME] * (NS_PER_S / 10);
}

int64_t look_hidden_timeout(pid_t pid, pid_t tid, int fd, unsigned way)
{
	char path[80], link[64];

	snprintf(path, sizeof path, "/proc/%d/task/%d/fd/%d", pid, tid, fd);
	/* A longer link is cut off: it is the path of a file then. */
	if (sys_readlink(AT_FDCWD, path, link, sizeof link, NULL))
		return -1;

	struct link_target to = parse_link(link, strlen(link));

	if (to.kind != LINK_SOCKET && to.kind != LINK_PTS && to.kind != LINK_TTY)
		return NEVER_NS;

	OWNED_FD copy = sys_copy_fd(pid, fd);

	if (copy < 0)
		return -1;
	return to.kind == LINK_SOCKET ? socket_timeout(copy, way) : terminal_timeout(copy, way);
}

/* ---- descriptors ---- */

static void wait_fds(struct decoding *d, const char *why, size_t room)
{
	d->l->op = WAIT_FDS;
	d->l->why = why;
	d->l->fds = mem_alloc(room * sizeof *d->l->fds);
}

static void add_fd(struct decoding *d, int fd, unsigned way)
{
	d->l->fds[d->l->nfds++] = (struct fd_way){fd, way};
}

/** A call that blocks on one or two descriptors themselves. False when it became live. */
static bool add_blocking_fd(struct decoding *d, int fd, unsigned way)
{
	int64_t ns = look_hidden_timeout(d->pid, d->tid, fd, way);

	if (ns < 0) {
		live(d, "the timeout of its descriptor can't be read");
		return false;
	}
	if (ns != NEVER_NS)
		sooner(d->l, moment(d->l->asleep_ns, 0, ns));
	add_fd(d, fd, way);
	return true;
}

static void decode_read(struct decoding *d)
{
	wait_fds(d, "read", 1);
	add_blocking_fd(d, fd_arg(d->l->args[0]), END_READ);
}

static void decode_recvmmsg(struct decoding *d)
{
	decode_read(d);
	if (d->l->op == WAIT_FDS)
		timeout_at(d, d->l->args[4], 1);
}

static void decode_write(struct decoding *d)
{
	wait_fds(d, "write", 1);
	add_blocking_fd(d, fd_arg(d->l->args[0]), END_WRITE);
}

/** Which way it moves pages depends on the end that it was given. */
static void decode_vmsplice(struct decoding *d)
{
	wait_fds(d, "write", 1);
	add_blocking_fd(d, fd_arg(d->l->args[0]), END_BOTH);
}

static void splice_from_to(struct decoding *d, uint64_t from, uint64_t to)
{
	wait_fds(d, "splice", 2);
	if (add_blocking_fd(d, fd_arg(from), END_READ))
		add_blocking_fd(d, fd_arg(to), END_WRITE);
}

static void decode_splice(struct decoding *d)
{
	splice_from_to(d, d->l->args[0], d->l->args[2]);
}

static void decode_tee(struct decoding *d)
{
	splice_from_to(d, d->l->args[0], d->l->args[1]);
}

static void decode_sendfile(struct decoding *d)
{
	splice_from_to(d, d->l->args[1], d->l->args[0]);
}

/** What an event mask of poll(2) asks for; POLLERR and POLLHUP come unasked. */
static unsigned poll_way(unsigned events)
{
	unsigned way = (events & (POLLIN | POLLPRI | POLLRDNORM | POLLRDHUP) ? END_READ : 0u) |
		       (events & (POLLOUT | POLLWRNORM) ? END_WRITE : 0u);

	return way ? way : END_READ;
}

static void poll_set(struct decoding *d, const char *why)
{
	unsigned n = (unsigned)d->l->args[1];

	if (n > MOST_POLLED) {
		live(d, "polls too many descriptors");
		return;
	}

	struct pollfd *set = mem_alloc((n + 1) * sizeof *set);

	if (n == 0 || peek(d, d->l->args[0], set, n * sizeof *set)) {
		wait_fds(d, why, n + 1);
		for (unsigned i = 0; i < n; i++)
			if (set[i].fd >= 0)
				add_fd(d, set[i].fd, poll_way((unsigned short)set[i].events));
	}
	mem_free(set);
}

static void decode_poll(struct decoding *d)
{
	poll_set(d, "poll");
	timeout_ms(d, d->l->args[2]);
}

static void decode_ppoll(struct decoding *d)
{
	poll_set(d, "ppoll");
	if (d->l->op == WAIT_FDS)
		timeout_at(d, d->l->args[2], 1);
}

/** One of select's three sets: ORs WAY into WAYS for each bit. */
static bool select_set(struct decoding *d, uint64_t addr, unsigned way, size_t n, unsigned char *ways)
{
	uint64_t word;

	for (size_t i = 0; addr && i < n; i++) {
		if (i % 64 == 0 && !peek(d, addr + i / 8, &word, sizeof word))
			return false;
		if (word >> (i % 64) & 1)
			ways[i] |= (unsigned char)way;
	}
	return true;
}

static void select_sets(struct decoding *d, const char *why)
{
	int n = fd_arg(d->l->args[0]);

	if (n < 0 || n > MOST_SELECTED) {
		live(d, "selects too many descriptors");
		return;
	}

	unsigned char *ways = mem_alloc((size_t)n + 1);

	if (select_set(d, d->l->args[1], END_READ, (size_t)n, ways) &&
	    select_set(d, d->l->args[2], END_WRITE, (size_t)n, ways) &&
	    select_set(d, d->l->args[3], END_READ, (size_t)n, ways)) {
		size_t some = 0;

		for (int i = 0; i < n; i++)
			some += ways[i] != 0;
		wait_fds(d, why, some + 1);
		for (int i = 0; i < n; i++)
			if (ways[i])
				add_fd(d, i, ways[i]);
	}
	mem_free(ways);
}

static void decode_select(struct decoding *d)
{
	select_sets(d, "select");
	if (d->l->op == WAIT_FDS)
		timeout_at(d, d->l->args[4], 1000);
}

static void decode_pselect(struct decoding *d)
{
	select_sets(d, "pselect6");
	if (d->l->op == WAIT_FDS)
		timeout_at(d, d->l->args[4], 1);
}

static void decode_epoll(struct decoding *d)
{
	wait_fds(d, parse_call_name(d->l->call), 1);
	add_fd(d, fd_arg(d->l->args[0]), END_READ);
	timeout_ms(d, d->l->args[3]);
}

static void decode_epoll2(struct decoding *d)
{
	wait_fds(d, "epoll_pwait2", 1);
	add_fd(d, fd_arg(d->l->args[0]), END_READ);
	timeout_at(d, d->l->args[3], 1);
}

/* ---- children, locks, signals, sleep ---- */

static void decode_child(struct decoding *d)
{
	d->l->op = WAIT_CHILD;
}

static void decode_vfork(struct decoding *d)
{
	uint64_t flags = CLONE_VFORK;

	if (d->l->call == SYS_clone)
		flags = d->l->args[0];
	if (d->l->call == SYS_clone3 && !peek(d, d->l->args[0], &flags, sizeof flags)) /* the first of struct clone_args */
		return;
	if (flags & CLONE_VFORK)
		d->l->op = WAIT_VFORK;
	else
		live(d, "makes a process");
}

static void decode_flock(struct decoding *d)
{
	d->l->op = WAIT_FLOCK;
}

static void decode_fcntl(struct decoding *d)
{
	d->l->op = WAIT_FLOCK;
	if (d->l->args[1] != F_SETLKW && d->l->args[1] != F_OFD_SETLKW)
		live(d, "in fcntl, but not for a lock");
}

/** FUTEX_WAIT takes a duration, the others take a moment of one of two clocks (futex(2)). */
static void decode_futex(struct decoding *d)
{
	unsigned op = (unsigned)d->l->args[1], command = op & FUTEX_CMD_MASK;
	bool real_time = op & FUTEX_CLOCK_REALTIME || command == FUTEX_LOCK_PI;

	if (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI &&
	    command != FUTEX_LOCK_PI2) {
		live(d, "in an unknown futex operation");
		return;
	}
	d->l->op = WAIT_FUTEX;
	if (command == FUTEX_WAIT)
		timeout_at(d, d->l->args[3], 1);
	else
		timeout_until(d, d->l->args[3], real_time ? CLOCK_REALTIME : CLOCK_MONOTONIC);
}

static void decode_pause(struct decoding *d)
{
	d->l->op = WAIT_SIGNAL;
	d->l->takes_alarm = true; /* unless it is ignored, which the process's details tell */
}

static void decode_sigtimedwait(struct decoding *d)
{
	uint64_t mask;

	d->l->op = WAIT_SIGNAL;
	if (!peek(d, d->l->args[0], &mask, sizeof mask))
		return;
	d->l->takes_alarm = mask >> (SIGALRM - 1) & 1;
	timeout_at(d, d->l->args[2], 1);
}

static void decode_nanosleep(struct decoding *d)
{
	d->l->op = WAIT_SLEEP;
	timeout_at(d, d->l->args[0], 1);
}

static void decode_clock_nanosleep(struct decoding *d)
{
	int clock_id = (int)d->l->args[0];

	d->l->op = WAIT_SLEEP;
	if (clock_id != CLOCK_REALTIME && clock_id != CLOCK_MONOTONIC && clock_id != CLOCK_BOOTTIME &&
	    clock_id != CLOCK_TAI) {
		live(d, "sleeps by a clock that is not followed");
		return;
	}
	if (d->l->args[1] & TIMER_ABSTIME)
		timeout_until(d, d->l->args[2], clock_id);
	else
		timeout_at(d, d->l->args[2], 1);
}

static void decode_connect(struct decoding *d)
{
	live(d, "connects");
}

static const struct {
	int number;
	void (*decode)(struct decoding *d);
} rows[] = {
	{SYS_read, decode_read}, {SYS_readv, decode_read}, {SYS_recvfrom, decode_read}, {SYS_recvmsg, decode_read},
	{SYS_accept, decode_read}, {SYS_accept4, decode_read}, {SYS_recvmmsg, decode_recvmmsg},
	{SYS_write, decode_write}, {SYS_writev, decode_write}, {SYS_sendto, decode_write}, {SYS_sendmsg, decode_write},
	{SYS_sendmmsg, decode_write}, {SYS_vmsplice, decode_vmsplice},
	{SYS_splice, decode_splice}, {SYS_tee, decode_tee}, {SYS_sendfile, decode_sendfile}, {SYS_connect, decode_connect},
	{SYS_poll, decode_poll}, {SYS_ppoll, decode_ppoll}, {SYS_select, decode_select}, {SYS_pselect6, decode_pselect},
	{SYS_epoll_wait, decode_epoll}, {SYS_epoll_pwait, decode_epoll}, {SYS_epoll_pwait2, decode_epoll2},
	{SYS_wait4, decode_child}, {SYS_waitid, decode_child}, {SYS_futex, decode_futex},
	{SYS_flock, decode_flock}, {SYS_fcntl, decode_fcntl},
	{SYS_pause, decode_pause}, {SYS_rt_sigsuspend, decode_pause}, {SYS_rt_sigtimedwait, decode_sigtimedwait},
	{SYS_nanosleep, decode_nanosleep}, {SYS_clock_nanosleep, decode_clock_nanosleep},
};

static bool makes_process(int call)
{
	return call == SYS_vfork || call == SYS_clone || call == SYS_clone3;
}

void look_decode(pid_t pid, pid_t tid, struct look *l)
{
	struct decoding d = {pid, tid, l};

	if (l->call < 0) {
		live(&d, "blocked outside of a system call");
		return;
	}
	if (makes_process(l->call)) { /* state D: SIGKILL alone ends it */
		decode_vfork(&d);
		return;
	}
	if (l->state == 'D') {
		live(&d, "in disk sleep");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].number == l->call) {
			rows[i].decode(&d);
			return;
		}
	}
	live(&d, look_unknown_call);
}
