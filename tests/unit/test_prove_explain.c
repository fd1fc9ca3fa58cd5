/* Kinds, culprits, chain and evidence; and that a large tree costs its size, not the square of it. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snap.h"

#define HORIZON_NS (600 * NS_PER_S)

static struct finding *finding_of(struct snapshot *s)
{
	struct proof *p = prove(s, &(struct prove_options){.horizon_ns = HORIZON_NS});
	struct finding *f = explain(s, p, &s->root, 1, p->whole ? PROVEN : SUSPECTED);

	proof_free(p);
	snapshot_free(s);
	return f;
}

static void join_pids(char *buf, size_t size, const pid_t *pids, size_t n)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%d", i ? " " : "", pids[i]);
}

#define CAPTURE "100 wait4(101) r:pipe7\n101 write(pipe7) full\n"

static const struct {
	const char *text;
	enum finding_kind kind;
	const char *culprits;
} kinds[] = {
	{CAPTURE, FINDING_PIPE_FULL, "101"},
	/* every starving writer, and a process that only waits is none */
	{"100 wait4(101) r:pipe7\n101 wait4(102) parent=100\n102 write(pipe7)\n103 write(pipe7) parent=100\n", FINDING_PIPE_FULL,
	 "102"},
	{"100 waitany(102,103) r:pipe7\n102 write(pipe7)\n103 write(pipe7)\n", FINDING_PIPE_FULL, "102 103"},
	/* a shell that waits for its children by their SIGCHLD, or for any signal */
	{"100 pause chld r:pipe7\n101 write(pipe7) parent=100\n", FINDING_PIPE_FULL, "101"},
	{"100 pause r:pipe7\n101 write(pipe7) parent=100\n", FINDING_DEADLOCK, "100"},
	/* a reader that waits for a signal and not, even indirectly, for the writer: it never reads again */
	{"100 wait4(101)\n101 write(pipe7) parent=100\n102 pause r:pipe7 parent=100\n", FINDING_PIPE_FULL, "101"},
	{"100 wait4(102)\n101 write(pipe7) parent=100\n102 pause r:pipe7 parent=100\n", FINDING_CHILD_WAIT, "102"},
	/* the parent reads stdout while stderr is full */
	{"100 read(pipe1) r:pipe2\n101 write(pipe2) w:pipe1\n", FINDING_PIPE_FULL, "101"},
	{"100 read(pipe1) r:pipe2\n101 read(pipe2) w:pipe1 w:pipe2\n", FINDING_PIPE_EOF, "101"},
	{"100 write(unix1)\n101 write(unix2)\nunix1 peer=unix2\n", FINDING_PIPE_FULL, "100 101"},
	{"100 wait4(101) rw:ptm1\n101 write(pts1)\npts1 peer=ptm1\n", FINDING_PIPE_FULL, "101"},
	{"100 read(pipe1) w:pipe1\n", FINDING_PIPE_EOF, "100"},
	{"100 wait4(101) w:pipe1\n101 read(pipe1)\n102 pause w:pipe1\n", FINDING_PIPE_EOF, "102"},
	{"100 waitany(101,102) w:pipe1\n101 read(pipe1)\n102 wait4(101) w:pipe1\n", FINDING_PIPE_EOF, "100 102"},
	{"100 read(pipe1)\n101 pause w:pipe1\n", FINDING_PIPE_EOF, "101"}, /* a daemon that holds the end */
	/* a prompt, or its near-misses: another descriptor, another holder, a parent that does something else */
	{"100 wait4(101) w:pipe1\n101 read(pipe1) 0=r:pipe1\n", FINDING_TTY, "101"},
	{"100 wait4(101) w:pipe1\n101 read(pipe1) 4=r:pipe1\n", FINDING_PIPE_EOF, "100"},
	{"100 poll(r:pidfd1) w:pipe1\n101 read(pipe1) 0=r:pipe1\npidfd1 pid=101\n", FINDING_TTY, "101"},
	{"100 wait4(101) w:pipe1\n101 read(pipe1) 0=r:pipe1 rw:unix2\n102 recv(unix1) w:pipe1\nunix1 peer=unix2\n", FINDING_PIPE_EOF,
	 "100 102"},
	{"100 futex(join=102) w:pipe1\n102/100 wait4(101)\n101 read(pipe1) 0=r:pipe1\n", FINDING_TTY, "101"},
	{"100 wait4(101) rw:ptm1\n101 read(pts1)\npts1 peer=ptm1\n", FINDING_TTY, "101"},
	{"100 wait4(101)\n101 stop(tty)\n", FINDING_TTY, "101"},
	{"100 wait4(101)\n101 stop\n", FINDING_STOPPED, "101"},
	{"100 wait4(101)\n101 futex forked\n", FINDING_FORK_LOCK, "101"},
	{"100 wait4(101)\n101 futex\n", FINDING_LOCK, "101"},
	{"100 wait4(101)\n101 futex forked\n102/101 futex\n", FINDING_LOCK, "101"},
	{"100 wait4(101)\n101 futex(word=100) forked\n102/101 futex\n", FINDING_FORK_LOCK, "101"},
	{"100 wait4(101)\n101 futex(word=102) forked\n102/101 futex\n", FINDING_LOCK, "101"},
	{"100 futex\n101/100 futex\n", FINDING_LOCK, "100"},
	{"100 futex(join=101)\n101/100 futex(join=100)\n", FINDING_LOCK, "100"},
	{"100 waitany(101,102)\n101 flock(a) lock=b\n102 flock(b) lock=a\n", FINDING_LOCK, "101 102"},
	{"100 recv(unix1)\n101 recv(unix2)\nunix1 peer=unix2\n", FINDING_SOCKET, "100 101"},
	/* three in a row: two form the cycle, the third may owe the request */
	{"100 recv(unix1)\n101 recv(unix3) rw:unix2\n102 recv(unix4)\nunix1 peer=unix2\nunix3 peer=unix4\n", FINDING_SOCKET,
	 "100 101 102"},
	{"100 accept(tcp1)\ntcp1 listener\n", FINDING_SOCKET, "100"},
	{"100 epoll(epoll1) rw:unix1 rw:unix2\nepoll1 watch=r:unix1,r:efd1\nunix1 peer=unix2\n", FINDING_DEADLOCK, "100"},
	{"100 epoll(epoll1) rw:unix1\n101 recv(unix2)\nepoll1 watch=r:unix1,r:efd1\nunix1 peer=unix2\n", FINDING_SOCKET, "100 101"},
	{"100 epoll(epoll1) r:pipe1\n101 pause w:pipe1\nepoll1 watch=r:pipe1,r:efd1\n", FINDING_PIPE_EOF, "101"},
	{"100 wait4(101)\n101 pause\n", FINDING_CHILD_WAIT, "101"},
	{"100 poll(r:pidfd1)\n101 pause\npidfd1 pid=101\n", FINDING_CHILD_WAIT, "101"},
	{"100 recv(unix1)\n101 pause rw:unix2\nunix1 peer=unix2\n", FINDING_SOCKET, "101"},
	{"100 flock(a)\n101 pause lock=a\n", FINDING_LOCK, "101"},
	{"100 pause\n", FINDING_DEADLOCK, "100"},
	{"100 poll()\n", FINDING_DEADLOCK, "100"},
	{"100 sleep(86400)\n", FINDING_DEADLOCK, "100"},
	{"100 wait4(101)\n101 sleep(86400)\n", FINDING_CHILD_WAIT, "101"},
	/* an idle thread is stuck with the rest, and not to blame */
	{CAPTURE "102/100 futex\n", FINDING_PIPE_FULL, "101"},
};

static void kinds_and_culprits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct finding *f = finding_of(snap(kinds[i].text));
		char culprits[200];

		if (!f)
			fail_msg("no finding:\n%s", kinds[i].text);
		join_pids(culprits, sizeof culprits, f->culprits, f->nculprits);
		if (f->kind != kinds[i].kind || strcmp(culprits, kinds[i].culprits) != 0)
			fail_msg("%s of %s:\n%s", finding_kind_name(f->kind), culprits, kinds[i].text);
		assert_int_equal(f->prompt_or_stdin, f->kind == FINDING_TTY && strstr(kinds[i].text, "0=r:") != NULL);
		finding_free(f);
	}
}

static void blocked_reads_from_the_root_on(void **state)
{
	struct finding *f = finding_of(snap("100 wait4(90) r:pipe7 argv=python3,-m,pytest moved=3\n"
					    "90 futex(join=95) parent=100 argv=python3,daemon.py\n"
					    "95/90 write(pipe7) moved=5\n"
					    "110/100 futex moved=4\n"));
	static const struct {
		pid_t tid;
		const char *label;
		enum role role;
		bool cause, culprit;
		const char *waits_for, *waits_for_pids;
	} rows[] = {
		{100, "pytest", ROLE_CHILD, true, false, "90 95", "90"},
		{90, "daemon.py", ROLE_JOIN, true, false, "95", "90"},
		{95, "daemon.py", ROLE_FULL, true, true, "100 110", "100"},
		{110, "pytest", ROLE_LOCK, true, false, "100", "100"},
	};

	(void)state;
	assert_non_null(f);
	assert_int_equal(f->nblocked, ARRAY_SIZE(rows));
	for (size_t i = 0; i < f->nblocked; i++) {
		const struct blocked *b = &f->blocked[i];
		char pids[100];

		assert_int_equal(b->tid, rows[i].tid);
		assert_string_equal(b->label, rows[i].label);
		assert_int_equal(b->role, rows[i].role);
		assert_int_equal(b->cause, rows[i].cause);
		assert_int_equal(b->culprit, rows[i].culprit);
		join_pids(pids, sizeof pids, b->waits_for, b->nwaits_for);
		assert_string_equal(pids, rows[i].waits_for);
		join_pids(pids, sizeof pids, b->waits_for_pids, b->nwaits_for_pids);
		assert_string_equal(pids, rows[i].waits_for_pids);
	}
	assert_int_equal(f->onset_ns, 5 * NS_PER_S);
	assert_int_equal(f->detected_ns, 1000 * NS_PER_S);
	assert_int_equal(f->nstuck, 4);
	assert_int_equal(f->ntasks, 4);
	finding_free(f);
}

static void objects_come_with_all_who_hold_them(void **state)
{
	struct finding *f = finding_of(snap("100 wait4(101) 11=r:pipe7 r:pipe9\n"
					    "101 write(pipe7) 1=w:pipe7 2=w:pipe7\n"
					    "102 recv(unix1) rw:unix2\n"
					    "unix1 peer=unix2\npipe7 outside=w\n"));
	const struct finding_object *pipe;

	(void)state;
	assert_non_null(f);
	assert_int_equal(f->nobjects, 3); /* nobody waits for pipe9 */
	assert_int_equal(f->blocked[1].fd, 1);
	assert_int_equal(f->blocked[1].object, 0);
	assert_int_equal(f->blocked[0].fd, -1);
	assert_int_equal(f->blocked[0].object, -1);
	pipe = &f->objects[0];
	assert_string_equal(pipe->name, "pipe7");
	assert_string_equal(pipe->type, "pipe");
	assert_int_equal(pipe->outside, END_WRITE);
	assert_int_equal(pipe->peer, PEER_NONE);
	assert_int_equal(pipe->nholders, 3);
	assert_int_equal(pipe->holders[0].pid, 100);
	assert_int_equal(pipe->holders[0].fd, 11);
	assert_int_equal(pipe->holders[0].ends, END_READ);
	assert_int_equal(pipe->holders[2].fd, 2);
	assert_string_equal(f->objects[1].name, "unix1");
	assert_int_equal(f->objects[1].peer, 2);
	assert_int_equal(f->objects[2].peer, 1);
	finding_free(f);
}

static void a_suspicion_says_who_is_live(void **state)
{
	struct finding *f = finding_of(snap(CAPTURE "102 sleep(8) argv=sh,wait.sh\n"
						    "103 run(disk-sleep)\n104/103 run(disk-sleep)\n105 poll() timeout=2.5\n"
						    "106 wait4(103)\n"));

	(void)state;
	assert_non_null(f);
	assert_int_equal(f->certainty, SUSPECTED);
	assert_int_equal(f->nlive, 3);
	assert_string_equal(f->live[0], "wait.sh[102] sleeps, up to 8.0 s");
	assert_string_equal(f->live[1], "prog[103]: disk-sleep");
	assert_string_equal(f->live[2], "prog[105] waits in poll, up to 2.5 s");
	assert_int_equal(f->nstuck, 2);
	assert_int_equal(f->ntasks, 7);
	assert_true(f->assumptions & ASSUME_LIVE_INERT);
	finding_free(f);

	f = finding_of(snap(CAPTURE)); /* the near-miss: nobody is live, nothing to say */
	assert_int_equal(f->certainty, PROVEN);
	assert_int_equal(f->nlive, 0);
	finding_free(f);
	assert_null(finding_of(snap("100 run\n101 futex\n"))); /* the focus is not stuck */
}

static void the_topmost_test_counts(void **state)
{
	struct finding *f = finding_of(snap("100 wait4(101) r:pipe7 test=a.py::new\n"
					    "101 wait4(102) parent=100 test=a.py::stale\n102 write(pipe7) parent=101\n"));

	(void)state;
	assert_string_equal(f->test, "a.py::new");
	assert_null(f->phase);
	finding_free(f);

	f = finding_of(snap("100 wait4(101) r:pipe7\n101 write(pipe7)\n102 futex test=b.py::one\n103 futex test=b.py::two\n"));
	assert_string_equal(f->test, "b.py::one"); /* a culprit without a test above it: any, lowest pid first */
	finding_free(f);

	f = finding_of(snap("100 wait4(101) parent=101 r:pipe7\n101 write(pipe7) parent=100\n")); /* a circle of parents */
	assert_null(f->test);
	finding_free(f);
}

static void a_root_whose_main_thread_ended(void **state)
{
	struct finding *f = finding_of(snap("100 dead\n101/100 read(pipe1) w:pipe1\n"));

	(void)state;
	assert_non_null(f);
	assert_int_equal(f->blocked[0].tid, 101);
	assert_int_equal(f->kind, FINDING_PIPE_EOF);
	finding_free(f);
}

/* ---- size ---- */

/** N processes that share 20 pipes and wait to read them in turn; the first is the parent of all. */
static struct snapshot *crowd(size_t n)
{
	struct snapshot *s = snapshot_new();
	enum { SHARED = 20 };

	s->root = 1;
	s->alarms_known = true;
	s->nprocs = s->ntasks = n;
	s->nobjects = SHARED;
	s->procs = arena_array(s->arena, n, sizeof *s->procs);
	s->tasks = arena_array(s->arena, n, sizeof *s->tasks);
	s->objects = arena_array(s->arena, SHARED, sizeof *s->objects);
	for (int o = 0; o < SHARED; o++)
		s->objects[o] = (struct object){.name = arena_printf(s->arena, "pipe:[%d]", o), .kind = OBJECT_PIPE, .peer = PEER_NONE};
	for (size_t i = 0; i < n; i++) {
		struct process *p = &s->procs[i];
		struct task *t = &s->tasks[i];

		*p = (struct process){.pid = (pid_t)i + 1, .ppid = i ? 1 : 0, .vm = (pid_t)i + 1, .readable = true, .comm = "c"};
		p->alarm_ns = NEVER_NS;
		p->catches_chld = true;
		p->fds = arena_array(s->arena, SHARED, sizeof *p->fds);
		p->nfds = SHARED;
		for (int o = 0; o < SHARED; o++)
			p->fds[o] = (struct held_fd){o, o, END_BOTH};
		*t = (struct task){.tid = p->pid, .pid = p->pid, .comm = "c", .state = 'S', .call = "read"};
		t->wait = (struct wait){.op = WAIT_FDS, .why = "read", .timeout_ns = NEVER_NS, .non = 1};
		t->wait.on = arena_array(s->arena, 1, sizeof *t->wait.on);
		t->wait.on[0] = (struct wait_target){(int)(i % SHARED), END_READ, (int)(i % SHARED)};
	}
	assert_int_equal(snapshot_index(s, NULL), 0);
	return s;
}

static size_t memory_of_proof(size_t n)
{
	struct snapshot *s = crowd(n);
	struct proof *p = prove(s, &(struct prove_options){.horizon_ns = HORIZON_NS});
	size_t used = arena_used(p->arena);

	assert_true(p->whole);
	assert_int_equal(p->nstuck, n);
	assert_int_equal(p->fates[0].nstrong, n);
	proof_free(p);
	snapshot_free(s);
	return used;
}

/** Ten times the processes, ten times the memory (and not a hundred times). */
static void a_crowd_costs_its_number(void **state)
{
	size_t some = memory_of_proof(200), many = memory_of_proof(2000);

	(void)state;
	assert_true(many < 12 * some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_culprits),
		cmocka_unit_test(blocked_reads_from_the_root_on),
		cmocka_unit_test(objects_come_with_all_who_hold_them),
		cmocka_unit_test(a_suspicion_says_who_is_live),
		cmocka_unit_test(the_topmost_test_counts),
		cmocka_unit_test(a_root_whose_main_thread_ended),
		cmocka_unit_test(a_crowd_costs_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
