/* What each kind of wait rests on, beyond the verdicts of test_prove.c: whom the edges name, and what narrows or hides a waker. Beside each
 * verdict stand its near-misses. `make mutants` leaves each waker out in turn and wants a test to fail. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snap.h"

#define HORIZON_S 600

static struct proof *prove_it(const struct snapshot *s)
{
	return prove(s, &(struct prove_options){.horizon_ns = HORIZON_S * NS_PER_S});
}

/* ---- edges ---- */

/** All edges by the object itself, "100>101 101>100,102". */
static void strong_edges(const struct snapshot *s, const struct proof *p, struct text *out)
{
	for (size_t t = 0; t < p->ntasks; t++) {
		const struct fate *f = &p->fates[t];
		const char *before = " ";

		for (size_t i = 0; i < f->nstrong; i++) {
			if (f->strong[i] == t)
				continue;
			if (*before == ' ')
				text_addf(out, "%s%d>", out->n ? " " : "", s->tasks[t].tid);
			text_addf(out, "%s%d", *before == ' ' ? "" : before, s->tasks[f->strong[i]].tid);
			before = ",";
		}
	}
}

struct edges {
	const char *text, *edges;
};

static void edges_name_who_can_end_a_wait(void **state)
{
	static const struct edges rows[] = {
		{"100 wait4(101)\n101 futex\n102 futex parent=100\n", "100>101"},
		{"100 waitany(101,102)\n101 futex\n102 futex\n", "100>101,102"},
		{"100 wait4(101)\n101 traced(102)\n102 futex\n", "100>101 101>102"},
		{"100 vfork\n101 futex parent=100\n", "100>101"},
		{"100 flock(f)\n101 futex\nlocks f 101\n", "100>101"},
		{"100 flock(f)\n101 futex lock=f\n102 futex\n", "100>101"},
		{"100 recv(unix1)\n101 recv(unix2)\nunix1 peer=unix2\n", "100>101 101>100"},
		/* whoever has the own end, too, may shut it down */
		{"100 recv(unix1)\n101 recv(unix2)\n102 futex rw:unix1\nunix1 peer=unix2\n", "100>101,102 101>100,102"},
		{"100 read(pts1)\n101 futex rw:ptm1\n102 futex rw:pts1\npts1 peer=ptm1\n", "100>101,102"},
		/* signals come from anybody, so the children alone are named, and only where their end is one */
		{"100 pause chld\n101 futex parent=100\n", "100>101"},
		{"100 pause\n101 futex parent=100\n", ""},
		{"100 futex(join=102)\n101/100 futex\n102/100 futex\n", "100>102 101>100,102 102>100,101"},
		{"100 futex(owner=102)\n101/100 futex(owner=102)\n102/100 poll()\n", "100>102 101>102"},
		{"100 futex(gil=102)\n101/100 futex(gil=102)\n102/100 read(pipe1) w:pipe1\n", "100>102 101>102 102>100,101"},
		{"100 read(efd1)\n101 futex rw:efd1\n", "100>101"},
		{"100 read(pidfd1)\n101 futex\npidfd1 pid=101\n", "100>101"},
		{"100 epoll(epoll1)\n101 futex w:pipe1\n102 futex rw:epoll1\nepoll1 watch=r:pipe1\n", "100>101,102"},
		{"100 futex(shm=k) shm=k\n101 futex shm=k\n102 futex\n", "100>101"},
		/* who can't be read may hold anything */
		{"100 read(pipe1) w:pipe1\n101 futex dark\n", "100>101"},
		{"100 futex(shm=k) shm=k\n101 futex dark\n", "100>101"},
		{"100 flock(f)\n101 futex lock=f\n102 futex dark\n", "100>101,102"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot *s = snap(rows[i].text);
		struct proof *p = prove_it(s);
		OWNED_TEXT edges = {0};

		strong_edges(s, p, &edges);
		if (strcmp(text_str(&edges), rows[i].edges) != 0)
			fail_msg("\"%s\", not \"%s\":\n%s", text_str(&edges), rows[i].edges, rows[i].text);
		proof_free(p);
		snapshot_free(s);
	}
}

/* ---- verdicts ---- */

enum verdict { PROOF, PARTLY, ALIVE };

struct row {
	const char *text;
	enum verdict verdict;
	unsigned assume; /* exactly these, ASSUME_LIVE_INERT left aside */
	const char *reason; /* where the root is alive: in its words why; NULL: any */
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct snapshot *s = snap(rows[i].text);
		struct proof *p = prove_it(s);
		const struct task *root = snapshot_task(s, s->root);
		const char *reason = p->fates[root - s->tasks].reason;
		enum verdict verdict = p->whole ? PROOF : p->root_stuck ? PARTLY : ALIVE;

		if (verdict != rows[i].verdict)
			fail_msg("verdict %d, not %d (%s):\n%s", verdict, rows[i].verdict, reason ? reason : "-", rows[i].text);
		if (verdict != ALIVE && (p->assumptions & ~(unsigned)ASSUME_LIVE_INERT) != rows[i].assume)
			fail_msg("assumptions %#x, not %#x:\n%s", p->assumptions, rows[i].assume, rows[i].text);
		if (rows[i].reason && (!reason || !strstr(reason, rows[i].reason)))
			fail_msg("\"%s\" does not say \"%s\":\n%s", reason ? reason : "-", rows[i].reason, rows[i].text);
		proof_free(p);
		snapshot_free(s);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, ARRAY_SIZE(rows))

static void the_interpreters_lock(void **state)
{
	static const struct row rows[] = {
		/* a thread blocks with the lock held, another wants it 200 times a second */
		{"100 futex(gil=101) timeout=0.005\n101/100 read(pipe1) w:pipe1\n", ALIVE, 0, "times out"}, /* its timeout counts until it is known */
		{"100 futex(gil=101)\n101/100 read(pipe1) w:pipe1\n", PROOF, 0, NULL},
		{"100 futex(gil=101)\n101/100 read(pipe1) w:pipe1 timeout=5\n", ALIVE, 0, NULL},
		{"100 futex(gil=101)\n101/100 run\n", ALIVE, 0, "101 may wake it"},
		{"100 futex(gil=101)\n101/100 read(pipe1)\npipe1 outside=w\n", ALIVE, 0, NULL},
		{"100 futex(gil=101)\n101/100 read(pipe1)\n102 sleep(3) w:pipe1\n", ALIVE, 0, NULL},
		/* another live thread of the process can't let go for it */
		{"100 futex(gil=101)\n101/100 futex(owner=100)\n102/100 run\n", PARTLY, 0, NULL},
		{"100 futex(gil=101)\n101/100 futex\n102/100 run\n", ALIVE, 0, NULL},
		/* nobody, itself, one that has ended, one of another process: not known */
		{"100 futex(gil=0)\n101/100 futex\n", ALIVE, 0, "not known"},
		{"100 futex(gil=100)\n101/100 futex\n", ALIVE, 0, "not known"},
		{"100 futex(gil=101)\n101/100 dead\n", ALIVE, 0, "not known"},
		{"100 futex(gil=101)\n101 futex\n", ALIVE, 0, "not known"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void idle_workers_are_left_out_and_named(void **state)
{
	static const struct row rows[] = {
		{"100 wait4(101)\n101 read(pipe1) w:pipe1\n102/100 futex timeout=8\n", PARTLY, 0, NULL},
		{"100 wait4(101)\n101 read(pipe1) w:pipe1\n102/100 futex timeout=8 idle=trio\n", PROOF, ASSUME_IDLE_WORKERS, NULL},
		/* it is given work */
		{"100 wait4(101)\n101 read(pipe1)\n102/100 futex timeout=8 idle=trio w:pipe1\n103/100 sleep(3)\n", ALIVE, 0, NULL},
		/* another one's timeout is none of it */
		{"100 wait4(101)\n101 read(pipe1)\n102/100 futex timeout=8 idle=trio\n103/100 futex timeout=8 w:pipe1\n", ALIVE, 0, NULL},
		/* an alarm still is */
		{"100 futex alarm=4\n102/100 futex timeout=8 idle=trio\n", ALIVE, 0, "times out in 4.0 s"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void the_end_of_a_parent_is_a_signal_to_who_asked(void **state)
{
	static const struct row rows[] = {
		{"100 wait4(101)\n101 futex\n102/100 run\n", PARTLY, 0, NULL},
		{"100 wait4(101)\n101 futex parent=100 mourns\n102/100 run\n", ALIVE, 0, NULL},
		{"100 wait4(101)\n101 stop parent=100 mourns\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 futex mourns\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL}, /* its parent is outside */
		{"100 futex\n", PROOF, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/** A tree that was begun by others: who can't be read may hold the other end of what its root came with. */
/** Who keeps the interpreter's lock, as stacks tell it. */
static void the_keeper_of_the_interpreters_lock(void **state)
{
	struct lock_owner owners[2] = {{.pid = 100, .tid = 101, .exact = true}, {.pid = 100, .tid = 102, .exact = true}};
	struct process_stacks p = {.gil_holder = 101};
	struct stack s = {.tid = 100, .lock = {.kind = LOCK_GIL, .owners = owners, .nowners = 1, .only_owners = true}};

	(void)state;
	assert_int_equal(prove_gil_holder(&p, &s), 101);
	s.quality = STACK_MOVING; /* it wakes all the time */
	assert_int_equal(prove_gil_holder(&p, &s), 101);
	s.lock.only_owners = false;
	assert_int_equal(prove_gil_holder(&p, &s), 0);
	s.lock = (struct lock_wait){.kind = LOCK_GIL, .owners = owners, .nowners = 2, .only_owners = true};
	assert_int_equal(prove_gil_holder(&p, &s), 0);
	s.lock = (struct lock_wait){.kind = LOCK_LOCK, .owners = owners, .nowners = 1, .only_owners = true};
	assert_int_equal(prove_gil_holder(&p, &s), 0);
	s.lock = (struct lock_wait){.kind = LOCK_GIL, .only_owners = true}; /* nobody has it */
	assert_int_equal(prove_gil_holder(&p, &s), 0);
	s.lock = (struct lock_wait){.kind = LOCK_GIL, .owners = owners, .nowners = 1, .only_owners = true};
	p.free_threaded = true;
	assert_int_equal(prove_gil_holder(&p, &s), 0);
	p.free_threaded = false;
	s.tid = 101; /* its own */
	assert_int_equal(prove_gil_holder(&p, &s), 0);
}

enum { MAIN, RECEIVER, OTHER };

/** An xdist worker in a test, as prove_serving() sees it: its main thread is in FILE, innermost but for the lock itself. */
static bool serves(const char *file, const char *other, enum stack_quality quality, uint64_t runs)
{
	struct snapshot *s = snap("100 futex\n101/100 read(pipe8) w:pipe8\n102/100 futex\n");
	struct frame frames[] = {
		{.kind = FRAME_NATIVE, .file = "/usr/lib/libc.so.6"},
		{.kind = FRAME_PYTHON, .file = "/usr/lib/python3.11/threading.py"},
		{.kind = FRAME_PYTHON, .file = file},
		{.kind = FRAME_PYTHON, .file = "/v/site-packages/_pytest/python.py"},
		{.kind = FRAME_PYTHON, .file = "/v/site-packages/xdist/remote.py"},
		{.kind = FRAME_PYTHON, .file = "/v/site-packages/execnet/gateway_base.py"},
	};
	struct stack threads[] = {
		[MAIN] = {.tid = 100, .runs = 5, .quality = STACK_EXACT, .frames = frames, .nframes = ARRAY_SIZE(frames)},
		[RECEIVER] = {.tid = 101, .runs = runs, .quality = quality, .service = "execnet receiver"},
		[OTHER] = {.tid = 102, .runs = 5, .quality = STACK_EXACT, .service = other},
	};
	struct process_stacks p = {.threads = threads, .nthreads = ARRAY_SIZE(threads)};
	bool marked;

	for (size_t i = 0; i < s->ntasks; i++)
		s->tasks[i].runs = 5;
	s->procs[0].stacks = &p;
	s->procs[0].test = "test_x.py::test_y";
	prove_serving(s);
	assert_null(snapshot_task(s, 100)->wait.serves);
	assert_null(snapshot_task(s, 102)->wait.serves);
	marked = snapshot_task(s, 101)->wait.serves != NULL;
	s->procs[0].stacks = NULL;
	snapshot_free(s);
	return marked;
}

static void a_receiver_serves_the_runner_alone(void **state)
{
	(void)state;
	assert_true(serves("/w/test_x.py", NULL, STACK_EXACT, 5));
	assert_false(serves("/w/test_x.py", "execnet receiver", STACK_EXACT, 5)); /* one of them is the test's */
	assert_false(serves("/w/test_x.py", NULL, STACK_PARTIAL, 5));
	assert_false(serves("/w/test_x.py", NULL, STACK_EXACT, 6)); /* it has run since */
	assert_false(serves("/v/site-packages/execnet/gateway_base.py", NULL, STACK_EXACT, 5)); /* the test waits for its own gateway */
	assert_false(serves("/v/site-packages/xdist/remote.py", NULL, STACK_EXACT, 5));         /* it waits for its next test */
}

static void the_table_of_idle_waits(void **state)
{
	struct stack s = {.tid = 100, .quality = STACK_EXACT, .service = "trio thread without work"};

	bool again;

	(void)state;
	assert_non_null(prove_idle(&s, &again));
	assert_false(again);
	s.quality = STACK_PARTIAL; /* there may be more below */
	assert_null(prove_idle(&s, &again));
	s.quality = STACK_EXACT;
	s.service = "multiprocessing manager";
	assert_non_null(prove_idle(&s, &again));
	assert_true(again);
	s.service = "execnet receiver";
	assert_null(prove_idle(&s, &again));
	assert_false(again);
	s.service = NULL;
	assert_null(prove_idle(&s, &again));
}

static void holders_that_can_not_be_read(void **state)
{
	static const struct row rows[] = {
		{"100 read(pipe1) w:pipe1\n", PROOF, 0, NULL},
		{"100 read(pipe1) w:pipe1\nhidden holders\n", PROOF, ASSUME_NO_HIDDEN_HOLDER, NULL},
		{"100 futex\nhidden holders\n", PROOF, 0, NULL}, /* private memory has none */
		{"100 futex(shm=k) shm=k\nhidden holders\n", PROOF, ASSUME_NO_HIDDEN_HOLDER, NULL},
		{"100 read(pipe1)\npipe1 outside=w\nhidden holders\n", ALIVE, 0, "held outside"},
	};

	(void)state;
	CHECK_ROWS(rows);
	assert_int_equal(prove_soft(NULL, ASSUME_NO_HIDDEN_HOLDER), ASSUME_NO_HIDDEN_HOLDER);
}

#define OUTSIDE ASSUME_NO_OUTSIDE_CONNECT
#define AWAITED (ASSUME_NO_OUTSIDE_CONNECT | ASSUME_NOBODY_AWAITED)

/** Who waits for whoever comes may be waiting for somebody outside. */
static void names_that_the_cause_waits_at(void **state)
{
	static const struct row rows[] = {
		{"100 accept(tcp1)\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 accept(tcp1)\ntcp1 listener private\n", PROOF, 0, NULL},
		{"100 accept(tcp1)\n101 run\ntcp1 listener private\n", ALIVE, 0, "101 may wake it"},
		/* an idle server, waited for */
		{"100 wait4(101)\n101 accept(unix1)\nunix1 listener\n", PROOF, AWAITED, NULL},
		{"100 read(pipe1)\n101 epoll(epoll1) w:pipe1\nepoll1 watch=r:tcp1\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 read(pipe1)\n101 epoll(epoll1) w:pipe1\nepoll1 watch=r:tcp1\ntcp1 listener private\n", PROOF, 0, NULL},
		/* its threads wait for work that a client would bring; two who have each other's lock do not */
		{"100 poll(r:tcp1,r:efd1)\n101/100 futex\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 poll(r:tcp1,r:efd1)\n101/100 futex(owner=102)\n102/100 futex(owner=101)\ntcp1 listener\n", PROOF, OUTSIDE, NULL},
		{"100 poll(r:tcp1,r:unix1)\n101/100 futex\n102 recv(unix2)\nunix1 peer=unix2\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 futex(owner=101)\n101/100 poll(r:tcp1,r:efd1)\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 futex(gil=101)\n101/100 accept(tcp1)\ntcp1 listener\n", PROOF, AWAITED, NULL},
		/* and its child processes */
		{"100 poll(r:tcp1,r:pipe2) w:pipe1\n101 read(pipe1) w:pipe2\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 poll(r:efd1,r:pipe2) w:pipe1\n101 read(pipe1) w:pipe2\n", PROOF, 0, NULL},
		/* two loops wait for each other's message */
		{"100 poll(r:unix1,r:tcp1)\n101 poll(r:unix2,r:tcp2)\nunix1 peer=unix2\ntcp1 listener\ntcp2 listener\n", PROOF, AWAITED, NULL},
		{"100 poll(r:unix1,r:tcp1)\n101 poll(r:unix2)\nunix1 peer=unix2\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 poll(r:unix1,r:tcp1)\n101 poll(r:unix2,r:tcp2)\nunix1 peer=unix2\ntcp1 listener private\ntcp2 listener private\n", PROOF, 0, NULL},
		{"100 poll(r:unix1,r:tcp1)\n101 poll(r:unix2,r:tcp2)\nunix1 peer=unix2\ntcp1 listener private\ntcp2 listener\n", PROOF, AWAITED, NULL},
		/* a private one, behind a loop that outsiders can reach */
		{"100 poll(r:tcp1,r:pidfd1)\n101 accept(unix1)\npidfd1 pid=101\ntcp1 listener\nunix1 listener private\n", PROOF, AWAITED, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
	assert_int_equal(prove_soft(NULL, AWAITED), ASSUME_NOBODY_AWAITED);
}

#define LOOP_OVER_FULL "100 poll(r:tcp1,r:pidfd1) r:pipe7\n101 write(pipe7)\npidfd1 pid=101\n"

/** A listener that a victim's loop watches beside what it waits for is only one more thing. */
static void names_that_victims_watch(void **state)
{
	static const struct row rows[] = {
		{LOOP_OVER_FULL "tcp1 listener\n", PROOF, OUTSIDE, NULL},
		{LOOP_OVER_FULL "tcp1 listener private\n", PROOF, 0, NULL},
		{LOOP_OVER_FULL "tcp1 listener\n102 run\n", ALIVE, 0, NULL},
		{"100 poll(r:udp1,r:pidfd1) r:pipe7\n101 write(pipe7)\npidfd1 pid=101\nudp1 datagram\n", PROOF, OUTSIDE, NULL},
		/* nobody but a client would make it read the pipe */
		{"100 accept(tcp1) r:pipe7\n101 write(pipe7)\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 wait4(101)\n101 poll(r:pidfd1,r:tcp1)\n102 futex forked parent=101\npidfd1 pid=102\ntcp1 listener\n", PROOF, OUTSIDE, NULL},
		{"100 wait4(101)\n101 poll(r:pidfd1,r:tcp1)\n102 stop parent=101\npidfd1 pid=102\ntcp1 listener\n", PROOF,
		 OUTSIDE | ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		/* its parent might send it one, for a client */
		{"100 wait4(101)\n101 poll(r:pidfd1,r:tcp1)\n102 pause parent=101\npidfd1 pid=102\ntcp1 listener\n", PROOF,
		 AWAITED | ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 wait4(101)\n101 poll(r:pidfd1,r:tcp1)\n102 pause parent=101\npidfd1 pid=102\ntcp1 listener private\n", PROOF,
		 ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 wait4(101)\n101 futex(word=100) forked parent=100\n102/101 accept(tcp1)\ntcp1 listener\n", PROOF, OUTSIDE, NULL},
		/* the holder of a file's lock waits for who wants it; a thread of the holder waits for a client */
		{"100 wait4(102)\n101 flock(f)\n102 poll(r:tcp1,r:pidfd1) lock=f\npidfd1 pid=101\ntcp1 listener\n", PROOF, OUTSIDE, NULL},
		{"100 wait4(101) lock=f\n101 flock(f)\n102/100 accept(tcp1)\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 wait4(101) lock=f\n101 flock(f)\n102/100 epoll(epoll1)\nepoll1 watch=r:tcp1\ntcp1 listener\n", PROOF, AWAITED, NULL},
		{"100 futex(join=102) lock=f\n102/100 poll(r:tcp1,r:pidfd1)\n101 flock(f) parent=100\npidfd1 pid=101\ntcp1 listener\n", PROOF,
		 OUTSIDE, NULL},
		{"100 wait4(101)\n101 flock(f)\n102 accept(tcp1) lock=f\ntcp1 listener\n", PROOF, AWAITED, NULL},
		/* another one beside the cause */
		{"100 waitany(101,102) r:pipe7\n101 write(pipe7)\n102 accept(tcp1)\ntcp1 listener\n", PROOF, AWAITED, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void datagrams(void **state)
{
	static const struct row rows[] = {
		{"100 recv(udp1)\nudp1 datagram\n", PROOF, AWAITED, NULL},
		{"100 recv(udp1)\nudp1 datagram private\n", PROOF, 0, NULL},
		{"100 recv(udp1)\n101 run\nudp1 datagram private\n", ALIVE, 0, "101 may wake it"},
		{"100 recv(udp1)\nudp1 datagram private outside=r\n", ALIVE, 0, "held outside"},
		{"100 recv(udp1)\nudp1 datagram private transit\n", ALIVE, 0, "under way"},
		{"100 recv(udp1)\nudp1\n", ALIVE, 0, "no known peer"},
		{"100 write(udp1)\nudp1 datagram private\n", ALIVE, 0, "makes room"},
		{"100 write(udp1)\n101 futex rw:udp2\nudp1 datagram private peer=udp2\n", ALIVE, 0, "makes room"},
		/* a connected one: who sends may be another all the same */
		{"100 recv(udp1)\n101 futex rw:udp2\nudp1 datagram peer=udp2\n", PROOF, OUTSIDE, NULL},
		{"100 recv(udp1)\n101 recv(udp2)\nudp1 datagram peer=udp2\nudp2 datagram\n", PROOF, AWAITED, NULL},
		{"100 recv(udp1)\nudp1 datagram private peer=udp2\n", ALIVE, 0, "outside the tree"},
		{"100 recv(unix1)\nunix1 datagram\n", PROOF, AWAITED, NULL},
		{"100 recv(unix1)\nunix1 datagram private\n", PROOF, 0, NULL},
		{"100 recv(unix1)\nunix1 datagram private peer=gone\n", ALIVE, 0, "is gone"},
		{"100 write(unix1)\nunix1 datagram private\n", ALIVE, 0, "makes room"},
		{"100 write(unix1)\n101 futex rw:unix2\nunix1 datagram private peer=unix2\n", PROOF, 0, NULL},
		{"100 write(unix1)\n101 sleep(3) rw:unix2\nunix1 datagram private peer=unix2\n", ALIVE, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void rows_that_verdicts_alone_do_not_show(void **state)
{
	static const struct row rows[] = {
		{"100 sleep\n", PROOF, ASSUME_HORIZON, NULL},
		{"100 read(sfd1)\nsfd1 outside=rw\n", ALIVE, 0, "held outside"},
		{"100 flock()\n101 futex\n", ALIVE, 0, "not known"},
		/* a descriptor in flight to one that is live: it may be the reading end */
		{"100 wait4(101) r:pipe7\n101 write(pipe7)\n102 sleep(4) rw:unix1\nunix1 inflight peer=unix2\n", ALIVE, 0, NULL},
		{"100 wait4(101) r:pipe7\n101 write(pipe7)\n102 futex rw:unix1\n103 run rw:unix2\nunix1 inflight peer=unix2\n", PARTLY, 0, NULL},
		{"100 wait4(101)\n101 traced(102)\n102 sleep(3)\n", ALIVE, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges_name_who_can_end_a_wait),
		cmocka_unit_test(the_interpreters_lock),
		cmocka_unit_test(idle_workers_are_left_out_and_named),
		cmocka_unit_test(the_end_of_a_parent_is_a_signal_to_who_asked),
		cmocka_unit_test(the_keeper_of_the_interpreters_lock),
		cmocka_unit_test(a_receiver_serves_the_runner_alone),
		cmocka_unit_test(the_table_of_idle_waits),
		cmocka_unit_test(holders_that_can_not_be_read),
		cmocka_unit_test(names_that_the_cause_waits_at),
		cmocka_unit_test(names_that_victims_watch),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(rows_that_verdicts_alone_do_not_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
