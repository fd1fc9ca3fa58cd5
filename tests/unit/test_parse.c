/* The parsers, against what kernels write and what they never would. Each text is put at the end of its memory without a
 * NUL, so that a sanitizer sees a byte read too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "parse/parse.h"

/** A copy of S of exactly N bytes; mem_free() it. */
static char *exact(const void *s, size_t n)
{
	return memcpy(mem_alloc(n), s, n);
}

/** A text and its length. */
#define LIT(s) (s), sizeof(s) - 1

#define TAIL " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"
/* fields 4 to 8, then 9 to 21, 22, 23 to 27, 28, 29 to 47, 48 */
#define NUMBERS "3 7 7 34816 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2 18446744073709551615 3 4 9999 29 30 31 32 33 34 35 " \
		"36 37 38 39 40 41 42 43 44 45 46 47 8888 49 50"

static void stat_lines(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *comm;
		char state;
		uint64_t start, stack;
	} rows[] = {
		{"7 (sh) S " NUMBERS, 0, "sh", 'S', 4711, 9999},
		{"7 (a) b) R) D " NUMBERS, 0, "a) b) R", 'D', 4711, 9999},
		{"7 (a\nb) Z 1 (x) t " NUMBERS, 0, "a\nb) Z 1 (x", 't', 4711, 9999},
		{"7 () R " NUMBERS, 0, "", 'R', 4711, 9999},
		{"7 (sh) S 3 7 7 34816 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711", 0, "sh", 'S', 4711, 0},
		{"7 (sh) S 3 7 7 34816 -1 4194304 1 2 3 4 5 6 7 8 -20 -5 1 0 4711", 0, "sh", 'S', 4711, 0},
		{"7 (sh) S 3 7 7 34816 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0", PARSE_MALFORMED, "", 0, 0, 0},
		{"7 (sh", PARSE_MALFORMED, "", 0, 0, 0},
		{"7 )sh( S " NUMBERS, PARSE_MALFORMED, "", 0, 0, 0},
		{"7 (sh)", PARSE_MALFORMED, "", 0, 0, 0},
		{"7 (sh) 7 " NUMBERS, PARSE_MALFORMED, "", 0, 0, 0},
		{"(sh) S " NUMBERS, PARSE_MALFORMED, "", 0, 0, 0},
		{"99999999999 (sh) S " NUMBERS, PARSE_MALFORMED, "", 0, 0, 0},
		{"7 (sh) S 3 7 7 34816 -1 99999999999999999999999" TAIL, PARSE_MALFORMED, "", 0, 0, 0},
		{"", PARSE_MALFORMED, "", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].text);
		char *text = exact(rows[i].text, n);
		struct stat_line s;

		assert_int_equal(parse_stat(text, n, &s), rows[i].rc);
		if (rows[i].rc == 0) {
			assert_string_equal(s.comm, rows[i].comm);
			assert_int_equal(s.state, rows[i].state);
			assert_int_equal(s.start_ticks, rows[i].start);
			assert_int_equal(s.start_stack, rows[i].stack);
			assert_int_equal(s.tpgid, -1);
			assert_int_equal(s.ppid, 3);
			assert_int_equal(s.tty, 34816);
		}
		mem_free(text);
	}
}

static void stat_name_is_cut(void **state)
{
	char text[600];
	struct stat_line s;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "7 (", 3);
	strcpy(text + 400, ") S " NUMBERS);
	assert_int_equal(parse_stat(text, strlen(text), &s), 0);
	assert_int_equal(strlen(s.comm), sizeof s.comm - 1);
	assert_int_equal(s.arg_start, 8888);
}

static void status_lines(void **state)
{
	static const char text[] = "Name:\tTracerPid: 99\nPid:\t7\nTracerPid:\t12\nThreads:\t3\nSigPnd:\t0000000000000001\n"
				   "ShdPnd:\t0000000000004000\nSigBlk:\t0000000000000002\nSigIgn:\t8000000000000000\n"
				   "SigCgt:\t0000000000012000\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n";
	struct status_lines s;

	(void)state;
	assert_int_equal(parse_status(text, sizeof text - 1, &s), 0);
	assert_int_equal(s.tracer, 12);
	assert_int_equal(s.threads, 3);
	assert_int_equal(s.shared_pending, 0x4000);
	assert_true(s.ignored == UINT64_C(0x8000000000000000));
	assert_int_equal(s.caught, 0x12000);
	assert_int_equal(s.switches, 42);
	/* cut off: what is missing is 0 */
	assert_int_equal(parse_status(text, 40, &s), 0);
	assert_int_equal(s.caught, 0);
	assert_int_equal(parse_status(LIT("Name:\tPid:\n"), &s), PARSE_MALFORMED);
	assert_int_equal(parse_status(LIT(""), &s), PARSE_MALFORMED);
}

static void namespaces(void **state)
{
	pid_t inner = -1;
	int levels;

	(void)state;
	assert_int_equal(parse_nspid(LIT("Pid:\t7\nNSpid:\t26528\t12\t1\nNSpgid:\t5\n"), &inner, &levels), 0);
	assert_int_equal(inner, 1);
	assert_int_equal(levels, 3);
	assert_int_equal(parse_nspid(LIT("NSpid:\t26528\n"), &inner, &levels), 0);
	assert_int_equal(inner, 26528);
	assert_int_equal(levels, 1);
	assert_int_equal(parse_nspid(LIT("NStgid:\t1\n"), &inner, &levels), PARSE_MALFORMED);
	assert_int_equal(parse_nspid(LIT("NSpid:\t-1\n"), &inner, &levels), PARSE_MALFORMED);
	assert_int_equal(parse_nspid(LIT("NSpid:\t99999999999\n"), &inner, &levels), PARSE_MALFORMED);
}

static void schedstats(void **state)
{
	struct schedstat s;

	(void)state;
	assert_int_equal(parse_schedstat(LIT("0 91361 1\n"), &s), 0);
	assert_int_equal(s.runs, 1);
	assert_int_equal(parse_schedstat(LIT("5 6 18446744073709551615"), &s), 0);
	assert_true(s.runs == UINT64_MAX);
	assert_int_equal(parse_schedstat(LIT("5 6 18446744073709551616"), &s), PARSE_MALFORMED);
	assert_int_equal(parse_schedstat(LIT("5 6 "), &s), PARSE_MALFORMED);
	assert_int_equal(parse_schedstat(LIT("5 -6 7"), &s), PARSE_MALFORMED);
}

static void syscall_lines(void **state)
{
	static const struct {
		const char *text;
		int rc;
		bool running;
		int number;
		uint64_t third, sp, pc;
	} rows[] = {
		{"0 0x3 0x7f 0x1 0x0 0x0 0x0 0x7ffd 0x7f00\n", 0, false, 0, 1, 0x7ffd, 0x7f00},
		{"running\n", 0, true, -1, 0, 0, 0},
		{"-1 0x7ffd 0x7f00\n", 0, false, -1, 0, 0x7ffd, 0x7f00},
		{"202 0x1 0x2 0xffffffffffffffff 0x4 0x5 0x6 0x7 0x8", 0, false, 202, UINT64_MAX, 7, 8},
		{"0 0x3 0x7f 0x1 0x0 0x0 0x0 0x7ffd", 0, false, 0, 1, 0, 0},
		{"0 0x3 0x7f 0x1", PARSE_MALFORMED, false, 0, 0, 0, 0},
		{"0 3 7 1 0 0 0 0 0", PARSE_MALFORMED, false, 0, 0, 0, 0},
		{"0 0x3 0x7f 0x10000000000000000 0x0 0x0 0x0", PARSE_MALFORMED, false, 0, 0, 0, 0},
		{"-2 0x1", PARSE_MALFORMED, false, 0, 0, 0, 0},
		{"", PARSE_MALFORMED, false, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].text);
		char *text = exact(rows[i].text, n);
		struct syscall_line s;

		assert_int_equal(parse_syscall(text, n, &s), rows[i].rc);
		if (rows[i].rc == 0) {
			assert_int_equal(s.running, rows[i].running);
			assert_int_equal(s.number, rows[i].number);
			assert_true(s.args[2] == rows[i].third);
			assert_true(s.stack_pointer == rows[i].sp);
			assert_true(s.program_counter == rows[i].pc);
		}
		mem_free(text);
	}
	assert_string_equal(parse_call_name(0), "read");
	assert_string_equal(parse_call_name(202), "futex");
	assert_null(parse_call_name(-1));
	assert_null(parse_call_name(99999));
}

static void cmdlines(void **state)
{
	struct arena *a = arena_new();
	char **words = parse_cmdline(LIT("py\0a b\0\0\x1b[0m\0"), a);

	(void)state;
	assert_string_equal(words[0], "py");
	assert_string_equal(words[1], "a b");
	assert_string_equal(words[2], "");
	assert_string_equal(words[3], "?[0m");
	assert_null(words[4]);
	words = parse_cmdline(LIT("postgres: idle\0\0\0\0"), a);
	assert_string_equal(words[0], "postgres: idle");
	assert_null(words[1]);
	assert_null(parse_cmdline(LIT(""), a)[0]);
	assert_string_equal(parse_cmdline(LIT("no end"), a)[0], "no end");
	arena_free(a);
}

static void links(void **state)
{
	static const struct {
		const char *text;
		enum link_kind kind;
		uint64_t number;
		bool deleted;
	} rows[] = {
		{"pipe:[4711]", LINK_PIPE, 4711, false},
		{"pipe:[4711", LINK_FILE, 0, false},
		{"pipe:[x]", LINK_FILE, 0, false},
		{"/tmp/pipe:[4711]", LINK_FILE, 0, false},
		{"socket:[12]", LINK_SOCKET, 12, false},
		{"anon_inode:[eventpoll]", LINK_EPOLL, 0, false},
		{"anon_inode:[eventfd]", LINK_EVENTFD, 0, false},
		{"anon_inode:[timerfd]", LINK_TIMERFD, 0, false},
		{"anon_inode:[signalfd]", LINK_SIGNALFD, 0, false},
		{"anon_inode:[pidfd]", LINK_PIDFD, 0, false},
		{"anon_inode:inotify", LINK_INOTIFY, 0, false},
		{"anon_inode:[io_uring]", LINK_IO_URING, 0, false},
		{"anon_inode:[perf_event]", LINK_ANON, 0, false},
		{"anon_inode:", LINK_ANON, 0, false},
		{"/dev/pts/3", LINK_PTS, 3, false},
		{"/dev/pts/3 (deleted)", LINK_PTS, 3, true},
		{"/dev/pts/x", LINK_DEVICE, 0, false},
		{"/dev/pts/ptmx", LINK_PTMX, 0, false},
		{"/dev/ptmx", LINK_PTMX, 0, false},
		{"/dev/tty", LINK_TTY, 0, false},
		{"/dev/tty1", LINK_DEVICE, 0, false},
		{"/dev/null", LINK_DEVICE, 0, false},
		{"/dev/shm/sem.x (deleted)", LINK_FILE, 0, true},
		{"/tmp/x (deleted)", LINK_FILE, 0, true},
		{"/tmp/x", LINK_FILE, 0, false},
		{"/", LINK_FILE, 0, false},
		{"", LINK_FILE, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].text);
		char *text = exact(rows[i].text, n);
		struct link_target to = parse_link(text, n);

		assert_int_equal(to.kind, rows[i].kind);
		assert_int_equal(to.number, rows[i].kind == LINK_FILE || rows[i].kind == LINK_DEVICE ? to.number : rows[i].number);
		assert_int_equal(to.deleted, rows[i].deleted);
		mem_free(text);
	}
}

static void fdinfos(void **state)
{
	static const char pidfd[] = "pos:\t0\nflags:\t02000002\nmnt_id:\t4\nino:\t9474\nPid:\t-1\nNSpid:\t-1\n";
	static const char timer[] = "pos:\t0\nflags:\t02\nino:\t1\nclockid: 1\nit_value: (39, 1)\nit_interval: (0, 0)\n";
	static const char idle[] = "flags:\t02\nit_value: (0, 0)\n", odd[] = "flags:\t02\nit_value: (0\n";
	struct fdinfo f;

	(void)state;
	assert_int_equal(parse_fdinfo(pidfd, sizeof pidfd - 1, &f), 0);
	assert_int_equal(f.flags, 02000002);
	assert_int_equal(f.inode, 9474);
	assert_int_equal(f.pid, -1);
	assert_int_equal(f.tty_index, UINT32_MAX);
	assert_int_equal(parse_fdinfo(timer, sizeof timer - 1, &f), 0);
	assert_true(f.armed && f.has_it_value);
	assert_int_equal(f.pid, 0);
	assert_int_equal(parse_fdinfo(idle, sizeof idle - 1, &f), 0);
	assert_false(f.armed);
	assert_int_equal(parse_fdinfo(odd, sizeof odd - 1, &f), 0);
	assert_true(f.armed); /* what can't be read may be armed */
	assert_int_equal(parse_fdinfo(LIT("flags:\t0\ntty-index:\t5\nscm_fds: 3\nsigmask:\t4000\neventfd-id: 8\n"), &f), 0);
	assert_int_equal(f.tty_index, 5);
	assert_int_equal(f.scm_fds, 3);
	assert_int_equal(f.sigmask, 0x4000);
	assert_true(f.has_eventfd_id && f.eventfd_id == 8);
	assert_int_equal(parse_fdinfo(LIT("pos:\t0\n"), &f), PARSE_MALFORMED);
	assert_int_equal(parse_fdinfo(LIT("flags:\t9\n"), &f), PARSE_MALFORMED);
	assert_int_equal(parse_fdinfo(LIT(""), &f), PARSE_MALFORMED);
}

static void epoll_targets(void **state)
{
	static const char text[] = "flags:\t02\ntfd:        3 events:       1f data:                3  pos:0 ino:3af6 sdev:f\n"
				   "tfd: broken\ntfd:       12 events: 40000001 data: ffffffffffffffff\n";
	struct cursor c = {text, sizeof text - 1};
	struct epoll_target t;

	(void)state;
	assert_true(parse_next_tfd(&c, &t));
	assert_int_equal(t.fd, 3);
	assert_int_equal(t.events, 0x1f);
	assert_int_equal(t.inode, 0x3af6);
	assert_true(parse_next_tfd(&c, &t));
	assert_int_equal(t.fd, 12);
	assert_int_equal(t.inode, 0);
	assert_false(parse_next_tfd(&c, &t));
}

static void leases_are_told_from_locks(void **state)
{
	static const char lease[] = "pos:\t0\nlock:\t1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF\nlock:\t2: LEASE  ACTIVE    READ  4711 08:01:1234 0 EOF\n";
	static const char none[] = "lock:\t1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF\nLEASE\nlock:\tLEASE\nlock:\n";

	(void)state;
	assert_true(parse_fdinfo_lease(lease, sizeof lease - 1));
	assert_false(parse_fdinfo_lease(none, sizeof none - 1));
	assert_false(parse_fdinfo_lease("", 0));
}

static void locks(void **state)
{
	static const char info[] = "lock:\t1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF\n"
				   "lock:\t2: -> POSIX  ADVISORY  WRITE 4712 08:01:99 0 EOF\nlock:\tgarbage\n";
	static const char table[] = "1: POSIX  ADVISORY  WRITE 4711 fe:00:77 0 EOF\n1: -> POSIX  ADVISORY  WRITE 9 fe:00:77 0 EOF\n"
				    "2: OFDLCK ADVISORY  READ -1 fe:00:78 0 EOF\n";
	struct cursor c = {info, sizeof info - 1};
	struct file_lock lock;

	(void)state;
	assert_true(parse_next_fdinfo_lock(&c, &lock));
	assert_string_equal(lock.key, "08:01:1234");
	assert_int_equal(lock.len, strlen("FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF"));
	assert_memory_equal(lock.text, "FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF", lock.len);
	assert_false(parse_next_fdinfo_lock(&c, &lock));
	c = (struct cursor){table, sizeof table - 1};
	assert_true(parse_next_lock(&c, &lock));
	assert_string_equal(lock.key, "fe:00:77");
	assert_int_equal(lock.pid, 4711);
	assert_memory_equal(lock.text, "POSIX  ADVISORY  WRITE 4711 fe:00:77 0 EOF", lock.len);
	assert_true(parse_next_lock(&c, &lock));
	assert_int_equal(lock.pid, -1);
	assert_false(parse_next_lock(&c, &lock));
}

static void mounts(void **state)
{
	static const char table[] = "22 27 0:21 / /proc rw - proc proc rw\ngarbage\n36 35 98:0 /top /where rw,noatime master:1 shared:2 - ext3 /dev/root rw\n"
				    "37 35 0:50 / /home rw shared:3 - nfs4 server:/ rw\n38 35 0:51 / /x rw";
	char type[32];

	(void)state;
	assert_true(parse_mount_type(table, sizeof table - 1, 98, 0, type));
	assert_string_equal(type, "ext3");
	assert_true(parse_mount_type(table, sizeof table - 1, 0, 50, type));
	assert_string_equal(type, "nfs4");
	assert_false(parse_mount_type(table, sizeof table - 1, 0, 51, type));
	assert_false(parse_mount_type(table, sizeof table - 1, 0, 98, type));
}

static void only_loopback(void **state)
{
#define HEAD "Inter-|   Receive  |\n face |bytes    packets|\n"
	static const struct {
		const char *text;
		bool alone;
	} rows[] = {
		{HEAD "    lo: 1 2 3\n", true},	   {HEAD "    lo: 1 2 3\n  eth0: 1 2\n", false},
		{HEAD "  eth0: 1 2\n", false},	   {HEAD " lo0: 1\n", false},
		{HEAD, false},			   {"", false},
		{HEAD "lo:1\nlo", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(parse_net_is_loopback(rows[i].text, strlen(rows[i].text)), rows[i].alone);
}

static void mappings(void **state)
{
	static const char text[] = "55d0-55e0 r--p 00000000 08:01 4711    /usr/bin/a b\nnonsense\n"
				   "7f00-7f10 rw-s 00001000 00:01 12      /dev/zero (deleted)\n"
				   "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n7fff-8000 r";
	struct cursor c = {text, sizeof text - 1};
	struct mapping m;

	(void)state;
	assert_true(parse_next_mapping(&c, &m));
	assert_int_equal(m.start, 0x55d0);
	assert_false(m.shared);
	assert_true(m.readable && !m.executable);
	assert_memory_equal(m.path, "/usr/bin/a b", m.path_len);
	assert_true(parse_next_mapping(&c, &m));
	assert_true(m.shared && m.deleted);
	assert_string_equal(m.device, "00:01");
	assert_int_equal(m.inode, 12);
	assert_true(parse_next_mapping(&c, &m));
	assert_false(parse_next_mapping(&c, &m));
}

static void timer_lists(void **state)
{
	static const char text[] = "Timer List Version: v0.10\nHRTIMER_MAX_CLOCK_BASES: 8\nnow at 1000 nsecs\n\n"
				   " #0: <00000000071dc45c>, tick_nohz_handler, S:01\n # expires at 5-5 nsecs [in 1 to 1 nsecs]\n"
				   " #1: <00000000071dc45d>, it_real_fn, S:01\n # expires at 9000-9000 nsecs [in 1 to 1 nsecs]\n"
				   " #2: <00000000071dc45e>, it_real_fn, S:01\n";
	struct cursor c = {text, sizeof text - 1};
	struct timer_entry e;
	int64_t now_ns;

	(void)state;
	assert_true(parse_timer_list_head(text, sizeof text - 1, &now_ns));
	assert_int_equal(now_ns, 1000);
	assert_true(parse_next_alarm(&c, &e));
	assert_int_equal(e.timer, 0x71dc45d);
	assert_int_equal(e.expires_ns, 9000);
	assert_false(parse_next_alarm(&c, &e));
	assert_false(parse_timer_list_head(LIT(""), &now_ns)); /* masked by an empty file */
	assert_false(parse_timer_list_head(LIT("Timer List Version: v0.10\n"), &now_ns));
	assert_false(parse_timer_list_head(LIT("now at 1000 nsecs\n"), &now_ns));
}

static void children(void **state)
{
	struct cursor c = {LIT("12 34 2147483647 \n")};
	pid_t pid, last = 0;
	int n = 0;

	(void)state;
	for (; parse_next_pid(&c, &pid); n++)
		last = pid;
	assert_int_equal(n, 3);
	assert_int_equal(last, INT32_MAX);
	c = (struct cursor){LIT("0")};
	assert_false(parse_next_pid(&c, &pid));
	c = (struct cursor){LIT("2147483648")};
	assert_false(parse_next_pid(&c, &pid));
}

struct unix_message {
	struct unix_diag_msg head;
	struct rtattr peer_head;
	uint32_t peer;
	struct rtattr icons_head;
	uint32_t icons[2];
};

static void unix_messages(void **state)
{
	struct unix_message m = {
		.head = {.udiag_family = AF_UNIX, .udiag_type = SOCK_STREAM, .udiag_state = 10, .udiag_ino = 7},
		.peer_head = {sizeof(struct rtattr) + 4, UNIX_DIAG_PEER},
		.peer = 8,
		.icons_head = {sizeof(struct rtattr) + 8, UNIX_DIAG_ICONS},
		.icons = {21, 22},
	};
	struct unix_socket u;

	(void)state;
	assert_int_equal(parse_unix_diag(&m, sizeof m, &u), 0);
	assert_int_equal(u.inode, 7);
	assert_int_equal(u.peer, 8);
	assert_int_equal(u.nwaiting, 2);
	assert_int_equal(parse_unix_waiting(&u, 1), 22);
	assert_int_equal(parse_unix_waiting(&u, 2), 0);
	for (size_t n = 0; n < sizeof m; n++) { /* cut off anywhere */
		char *part = exact(&m, n);

		assert_int_equal(parse_unix_diag(part, n, &u), n < sizeof m.head ? PARSE_MALFORMED : 0);
		mem_free(part);
	}
	m.peer_head.rta_len = 0; /* would never advance */
	assert_int_equal(parse_unix_diag(&m, sizeof m, &u), 0);
	assert_int_equal(u.peer, 0);
	m.head.udiag_family = AF_INET;
	assert_int_equal(parse_unix_diag(&m, sizeof m, &u), PARSE_MALFORMED);
}

static void inet_messages(void **state)
{
	struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = 1, .idiag_inode = 5, .idiag_wqueue = 9};
	struct inet_socket v4, v6;

	(void)state;
	m.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
	m.id.idiag_sport = htons(1616);
	assert_int_equal(parse_inet_diag(&m, sizeof m, &v4), 0);
	assert_int_equal(v4.local.port, 1616);
	assert_int_equal(v4.send_queue, 9);
	/* The same address as seen by a v6 socket. */
	m.idiag_family = AF_INET6;
	memset(m.id.idiag_src, 0, sizeof m.id.idiag_src);
	m.id.idiag_src[2] = htonl(0xffff);
	m.id.idiag_src[3] = htonl(INADDR_LOOPBACK);
	assert_int_equal(parse_inet_diag(&m, sizeof m, &v6), 0);
	assert_memory_equal(v4.local.address, v6.local.address, 16);
	assert_int_equal(parse_inet_diag(&m, sizeof m - 1, &v6), PARSE_MALFORMED);
	m.idiag_family = AF_UNIX;
	assert_int_equal(parse_inet_diag(&m, sizeof m, &v6), PARSE_MALFORMED);
}

static void current_tests(void **state)
{
	static const struct {
		const char *text, *id, *phase;
	} rows[] = {
		{"tests/test_a.py::test_b (call)", "tests/test_a.py::test_b", "call"},
		{"test_a.py::T::test_b[x (y) z] (setup)", "test_a.py::T::test_b[x (y) z]", "setup"},
		{"a::b (call) (teardown)", "a::b (call)", "teardown"},
		{"tests/test_a.py (call)", NULL, NULL},
		{"a::b (running)", NULL, NULL},
		{"a::b", NULL, NULL},
		{"a::b(call)", NULL, NULL},
		{"a::b (call) ", NULL, NULL},
		{" (call)", NULL, NULL},
		{"(call)", NULL, NULL},
		{"", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].text);
		char *text = exact(rows[i].text, n);
		struct current_test t;

		assert_int_equal(parse_current_test(text, n, &t), rows[i].id ? 0 : PARSE_MALFORMED);
		if (rows[i].id) {
			assert_int_equal(t.id_len, strlen(rows[i].id));
			assert_memory_equal(t.id, rows[i].id, t.id_len);
			assert_int_equal(t.phase_len, strlen(rows[i].phase));
			assert_memory_equal(t.phase, rows[i].phase, t.phase_len);
		}
		mem_free(text);
	}
}

static void net_tables(void **state)
{
	static const char v4[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
				 "   0: 0100007F:0650 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 x\n"
				 "   1: 0100007F:065 garbage\n"
				 "   2: 0100007\n"
				 "   3: 00000000:0050 0200007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 12";
	static const char v6[] = "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 99 1\n";
	static const char local[] = "Num       RefCount Protocol Flags    Type St Inode Path\n"
				    "0000000000000000: 00000002 00000000 00010000 0001 01 31 /run/x y.sock\n"
				    "0000000000000000: 00000003 00000000 00000000 0001 03 32\n"
				    "0000000000000000: 00000002 00000000 00000000 0002 01 33 @abstract";
	struct inet_socket s;
	struct unix_socket u;
	char *copies[] = {exact(LIT(v4)), exact(LIT(v6)), exact(LIT(local))};
	struct cursor c = {copies[0], sizeof v4 - 1};

	(void)state;
	assert_true(parse_next_net_inet(&c, false, &s));
	assert_int_equal(s.inode, 4711);
	assert_int_equal(s.state, SOCKET_LISTENS);
	assert_int_equal(s.local.port, 1616);
	assert_memory_equal(s.local.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	assert_true(parse_next_net_inet(&c, false, &s));
	assert_int_equal(s.inode, 12);
	assert_int_equal(s.remote.port, 0x1234);
	assert_false(parse_next_net_inet(&c, false, &s));
	c = (struct cursor){copies[1], sizeof v6 - 1};
	assert_true(parse_next_net_inet(&c, true, &s));
	assert_int_equal(s.inode, 99);
	assert_memory_equal(s.local.address, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	c = (struct cursor){copies[2], sizeof local - 1};
	assert_true(parse_next_net_unix(&c, &u));
	assert_int_equal(u.inode, 31);
	assert_int_equal(u.state, SOCKET_LISTENS);
	assert_int_equal(u.name_len, strlen("/run/x y.sock"));
	assert_memory_equal(u.name, "/run/x y.sock", u.name_len);
	assert_true(parse_next_net_unix(&c, &u));
	assert_int_equal(u.inode, 33);
	assert_int_equal(u.type, SOCK_DGRAM);
	assert_false(parse_next_net_unix(&c, &u));
	for (size_t cut = 0; cut < sizeof v4 - 1; cut++) {
		char *piece = exact(v4, cut);
		struct cursor part = {piece, cut};

		while (parse_next_net_inet(&part, cut % 2, &s) || parse_next_net_unix(&part, &u))
			;
		mem_free(piece);
	}
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++)
		mem_free(copies[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leases_are_told_from_locks),
		cmocka_unit_test(stat_lines), cmocka_unit_test(stat_name_is_cut), cmocka_unit_test(status_lines),
		cmocka_unit_test(namespaces),
		cmocka_unit_test(schedstats), cmocka_unit_test(syscall_lines), cmocka_unit_test(cmdlines),
		cmocka_unit_test(links), cmocka_unit_test(fdinfos), cmocka_unit_test(epoll_targets), cmocka_unit_test(locks),
		cmocka_unit_test(mounts), cmocka_unit_test(only_loopback), cmocka_unit_test(mappings), cmocka_unit_test(timer_lists), cmocka_unit_test(children),
		cmocka_unit_test(net_tables), cmocka_unit_test(unix_messages), cmocka_unit_test(inet_messages), cmocka_unit_test(current_tests),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
