/* For every row of the tables of waits and objects: a verdict, and beside it its near-misses. One row is one small change. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snap.h"

#define HORIZON_S 600

enum verdict {
	PROOF,	/* no task of the tree has a seed of life */
	PARTLY, /* the root is stuck, but somebody is live */
	ALIVE,	/* the root may move */
};

struct row {
	const char *text;
	enum verdict verdict;
	unsigned assume; /* exactly these, ASSUME_LIVE_INERT left aside */
	const char *reason; /* where the root is alive: in its words why, "" any */
};

static enum verdict verdict_of(const struct proof *p)
{
	return p->whole ? PROOF : p->root_stuck ? PARTLY : ALIVE;
}

static void check_row(const struct row *row, bool without_service)
{
	struct snapshot *s = snap(row->text);
	struct proof *p =
		prove(s, &(struct prove_options){.horizon_ns = HORIZON_S * NS_PER_S, .without_service = without_service});
	const struct task *root = snapshot_task(s, s->root);
	const char *reason = root ? p->fates[root - s->tasks].reason : NULL;

	if (verdict_of(p) != row->verdict)
		fail_msg("verdict %d, not %d (%s):\n%s", verdict_of(p), row->verdict, reason ? reason : "-", row->text);
	if (row->verdict != ALIVE && (p->assumptions & ~(unsigned)ASSUME_LIVE_INERT) != row->assume)
		fail_msg("assumptions %#x, not %#x:\n%s", p->assumptions, row->assume, row->text);
	if (row->verdict == ALIVE && row->reason && (!reason || !strstr(reason, row->reason)))
		fail_msg("\"%s\" does not say \"%s\":\n%s", reason ? reason : "-", row->reason, row->text);
	assert_int_equal((p->assumptions & ASSUME_LIVE_INERT) != 0, !p->whole);
	proof_free(p);
	snapshot_free(s);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_row(&rows[i], false);
}

#define CHECK_ROWS(rows) check_rows(rows, ARRAY_SIZE(rows))

#define CAPTURE "100 wait4(101) r:pipe7\n101 write(pipe7) full\n"

static void pipe_full(void **state)
{
	static const struct row rows[] = {
		{CAPTURE, PROOF, 0, NULL},
		{CAPTURE "pipe7 outside=w\n", PROOF, 0, NULL},
		{CAPTURE "pipe7 outside=r\n", ALIVE, 0, "101 may wake it"},
		{CAPTURE "102 run r:pipe7\n", ALIVE, 0, "may wake it"},
		{CAPTURE "102 run w:pipe7\n", PARTLY, 0, NULL},
		{CAPTURE "102/100 run\n", ALIVE, 0, NULL},
		{CAPTURE "102 sleep(8) r:pipe7\n", ALIVE, 0, NULL},
		{CAPTURE "102 sleep(8)\n", PARTLY, 0, NULL},
		{CAPTURE "102 sleep(86400) r:pipe7\n", PROOF, ASSUME_HORIZON, NULL},
		{CAPTURE "102 sleep(600) r:pipe7\n", ALIVE, 0, NULL},
		{CAPTURE "102 dead r:pipe7\n", PROOF, 0, NULL},
		{CAPTURE "102 futex dark\n", PROOF, 0, NULL},
		{CAPTURE "102 run(unreadable) dark\n", ALIVE, 0, NULL},
		{CAPTURE "pipe7 named\n", PROOF, ASSUME_NO_FIFO_OPEN, NULL},
		{CAPTURE "pipe7 named\n102 run\n", ALIVE, 0, NULL},
		{"100 wait4(101)\n101 write(pipe7)\n", ALIVE, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void pipe_eof(void **state)
{
	static const struct row rows[] = {
		{"100 read(pipe7) w:pipe7\n", PROOF, 0, NULL}, /* its own end is the only one */
		{"100 read(pipe7) w:pipe7\n101/100 run\n", ALIVE, 0, NULL},
		{"100 read(pipe7) w:pipe7\n101 sleep(5) w:pipe7\n", ALIVE, 0, NULL},
		{"100 read(pipe7) w:pipe7\npipe7 outside=r\n", PROOF, 0, NULL},
		{"100 read(pipe7) w:pipe7\npipe7 outside=w\n", ALIVE, 0, "held outside"},
		{"100 read(pipe7)\n", ALIVE, 0, "nobody known holds"},
		{"100 read(pipe7) w:pipe7 timeout=5\n", ALIVE, 0, "times out in 5.0 s"},
		{"100 read(closed)\n", ALIVE, 0, "closed"},
		{"100 read(pipe7)\n101 pause w:pipe7\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

#define PAIR "unix1 peer=unix2\n"
#define BOTH "100 recv(unix1)\n101 recv(unix2)\n" PAIR

static void sockets(void **state)
{
	static const struct row rows[] = {
		{BOTH, PROOF, 0, NULL},
		{BOTH "unix2 outside=rw\n", ALIVE, 0, "outside the tree"},
		{BOTH "unix1 outside=r\n", ALIVE, 0, "held outside"},
		{BOTH "102 run rw:unix2\n", ALIVE, 0, NULL},
		{BOTH "102 run rw:unix1\n", ALIVE, 0, NULL}, /* shutdown() of the own end */
		{BOTH "unix2 peer=gone\n", ALIVE, 0, NULL},
		{"100 recv(unix1)\nunix1 peer=gone\n", ALIVE, 0, "is gone"},
		{"100 recv(unix1)\n", ALIVE, 0, "no known peer"},
		{"100 recv(unix1)\n" PAIR, ALIVE, 0, "outside the tree"},
		{"100 recv(tcp1)\n101 recv(tcp2)\ntcp1 peer=tcp2\n", PROOF, 0, NULL},
		{"100 recv(tcp1)\n101 recv(tcp2)\ntcp1 peer=tcp2 transit\n", ALIVE, 0, "under way"},
		{"100 recv(tcp1) timeout=3\n101 recv(tcp2)\ntcp1 peer=tcp2\n", ALIVE, 0, "times out"},
		{"100 accept(tcp1)\ntcp1 listener\n", PROOF, ASSUME_NO_OUTSIDE_CONNECT | ASSUME_NOBODY_AWAITED, NULL},
		{"100 accept(tcp1)\n101 run\ntcp1 listener\n", ALIVE, 0, NULL},
		{"100 accept(tcp1)\n101 sleep(4)\ntcp1 listener\n", ALIVE, 0, NULL},
		{"100 write(unix1)\n101 write(unix2)\n" PAIR, PROOF, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void descriptors_in_flight(void **state)
{
	static const struct row rows[] = {
		{CAPTURE "102 futex rw:unix1\nunix1 inflight\n", PROOF, 0, NULL},
		{CAPTURE "102 run rw:unix1\n", PARTLY, 0, NULL},
		{CAPTURE "102 run rw:unix1\nunix1 inflight\n", ALIVE, 0, NULL},
		{CAPTURE "102 futex rw:unix1\nunix1 inflight outside=r\n", ALIVE, 0, NULL},
		{CAPTURE "unix1 inflight\n", ALIVE, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

#define TERMINAL "100 wait4(101) rw:ptm1\n101 write(pts1)\npts1 peer=ptm1\n"

static void terminals(void **state)
{
	static const struct row rows[] = {
		{TERMINAL, PROOF, 0, NULL},
		{TERMINAL "ptm1 outside=rw\n", ALIVE, 0, NULL},
		{TERMINAL "pts1 outside=rw\n", ALIVE, 0, NULL},
		{TERMINAL "102 run rw:ptm1\n", ALIVE, 0, NULL},
		{"100 read(pts1) rw:ptm1\npts1 peer=ptm1\n", PROOF, 0, NULL},
		{"100 read(pts1) rw:ptm1\npts1 peer=ptm1 vtime\n", ALIVE, 0, "read timer"},
		{"100 read(pts1)\npts1 peer=ptm1\n", ALIVE, 0, "nobody known"},
		{"100 read(pts1)\n", ALIVE, 0, "not known"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void event_descriptors(void **state)
{
	static const struct row rows[] = {
		{"100 read(efd1)\n", PROOF, 0, NULL},
		{"100 read(efd1)\n101 run rw:efd1\n", ALIVE, 0, NULL},
		{"100 read(efd1)\nefd1 outside=rw\n", ALIVE, 0, "held outside"},
		{"100 read(tfd1)\n", PROOF, 0, NULL},
		{"100 read(tfd1)\ntfd1 armed\n", ALIVE, 0, "armed"},
		{"100 read(tfd1)\n101 run rw:tfd1\n", ALIVE, 0, NULL},
		{"100 read(tfd1)\ntfd1 outside=rw\n", ALIVE, 0, "held outside"},
		{"100 read(sfd1)\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 read(sfd1)\nsfd1 alrm\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 read(sfd1) alrm=no\nalarms unknown\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 read(sfd1) alrm=no\nsfd1 alrm\nalarms unknown\n", ALIVE, 0, "SIGALRM"},
		{"100 read(sfd1) alrm=no alarm=5\nsfd1 alrm\n", ALIVE, 0, "SIGALRM"},
		{"100 read(sfd1) alrm=no heard\nsfd1 alrm\nalarms unknown\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL | ASSUME_ALARMS_HEARD, NULL},
		{"100 read(sfd1) alrm=no heard alarm=5\nsfd1 alrm\nalarms unknown\n", ALIVE, 0, "SIGALRM"},
		{"100 read(sfd1)\n101 run\n", ALIVE, 0, NULL},
		{"100 read(pidfd1)\n101 read(pipe1) w:pipe1\npidfd1 pid=101\n", PROOF, 0, NULL},
		{"100 read(pidfd1)\n101 run\npidfd1 pid=101\n", ALIVE, 0, NULL},
		{"100 read(pidfd1)\n101 dead\npidfd1 pid=101\n", ALIVE, 0, "has ended"},
		{"100 read(pidfd1)\npidfd1 pid=101\n", ALIVE, 0, "outside the tree or has ended"},
		{"100 read(pidfd1)\npidfd1 pid=-1\n", ALIVE, 0, "outside the tree or has ended"},
		{"100 read(inotify)\n", ALIVE, 0, "nothing is known"},
		{"100 read(unknown1)\n", ALIVE, 0, "nothing is known"},
		{"100 read(dev1)\n", ALIVE, 0, "nothing is known"},
		{"100 read(file1)\n", ALIVE, 0, "nothing is known"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void poll_and_epoll(void **state)
{
	static const struct row rows[] = {
		{"100 poll()\n", PROOF, 0, NULL},
		{"100 poll() timeout=2\n", ALIVE, 0, "times out"},
		{"100 poll() timeout=86400\n", PROOF, ASSUME_HORIZON, NULL},
		{"100 poll(r:pipe1,r:pipe2) w:pipe1 w:pipe2\n", PROOF, 0, NULL},
		{"100 poll(r:pipe1,r:pipe2) w:pipe1\n101 run w:pipe2\n", ALIVE, 0, NULL},
		{"100 poll(r:pipe1,r:dev1) w:pipe1\n", ALIVE, 0, "nothing is known"},
		{"100 poll(r:pipe1,r:closed) w:pipe1\n", ALIVE, 0, "closed"},
		/* poll for input on a writing end wakes when the reader goes */
		{"100 poll(r:pipe1) w:pipe1\n101 futex r:pipe1\n", PROOF, 0, NULL},
		{"100 epoll(epoll1) w:pipe1\nepoll1 watch=r:pipe1\n101 futex r:pipe1\n", PROOF, 0, NULL},
		{"100 epoll(epoll1) w:pipe1\nepoll1 watch=r:pipe1\n101 run r:pipe1\n", ALIVE, 0, NULL},
		{"100 epoll(epoll1) w:pipe1\nepoll1 watch=r:pipe1\npipe1 outside=r\n", ALIVE, 0, "held outside"},
		{"100 epoll(epoll1)\n", PROOF, 0, NULL},
		{"100 epoll(epoll1)\nepoll1 outside=rw\n", ALIVE, 0, "held outside"},
		{"100 epoll(epoll1)\n101 run rw:epoll1\n", ALIVE, 0, NULL},
		{"100 epoll(epoll1) w:pipe1 r:pipe1\nepoll1 watch=r:pipe1\n", PROOF, 0, NULL},
		{"100 epoll(epoll1) w:pipe1 r:pipe1\nepoll1 watch=r:pipe1,r:tfd1\ntfd1 armed\n", ALIVE, 0, "armed"},
		{"100 epoll(epoll1)\nepoll1 watch=r:epoll2\nepoll2 watch=r:epoll1,r:efd1\n", PROOF, 0, NULL},
		{"100 epoll(epoll1)\nepoll1 watch=r:epoll2\nepoll2 watch=r:epoll1,r:efd1\n101 run rw:efd1\n", ALIVE, 0, NULL},
		{"100 epoll(epoll1)\nepoll1 watch=r:epoll2\n101 run rw:epoll2\n", ALIVE, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void children(void **state)
{
	static const struct row rows[] = {
		{"100 wait4(101)\n101 read(pipe1) w:pipe1\n", PROOF, 0, NULL},
		{"100 wait4(101)\n101 run\n", ALIVE, 0, NULL},
		{"100 wait4(101)\n101 dead\n", ALIVE, 0, "has ended"},
		{"100 wait4(101)\n101 dead\n102/101 futex\n", PROOF, 0, NULL}, /* a leader that ended is no ended child */
		{"100 wait4(101)\n", ALIVE, 0, "nothing is known of child 101"},
		{"100 wait4()\n", ALIVE, 0, "not there"},
		{"100 wait4(101)\n101 futex\n102 run\n", PARTLY, 0, NULL},
		{"100 waitany(101)\n101 futex\n102/100 futex\n", PROOF, 0, NULL},
		{"100 waitany(101)\n101 futex\n102/100 sleep(4)\n", ALIVE, 0, NULL}, /* may make another child */
		{"100 wait4(101)\n101 futex\n102/100 sleep(4)\n", PARTLY, 0, NULL},
		{"100 wait4(101)\n101 futex\n102 run tracer=100\n", ALIVE, 0, NULL},
		{"100 vfork\n101 futex parent=100\n", PROOF, 0, NULL},
		{"100 vfork\n101 run parent=100\n", ALIVE, 0, NULL},
		{"100 vfork\n", ALIVE, 0, "without a child"},
		{"100 vfork\n101 dead parent=100\n", ALIVE, 0, "without a child"},
		{"100 wait4(101)\n101 traced(100)\n", PROOF, 0, NULL},
		{"100 wait4(101)\n101 traced(99)\n", ALIVE, 0, NULL},
		{"100 traced(99)\n", ALIVE, 0, "outside"},
		{"100 traced(101)\n101 dead\n", ALIVE, 0, "outside"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void locks(void **state)
{
	static const struct row rows[] = {
		{"100 futex\n", PROOF, 0, NULL},
		{"100 futex timeout=1\n", ALIVE, 0, "times out"},
		{"100 futex\n101/100 futex\n", PROOF, 0, NULL},
		{"100 futex\n101/100 run\n", ALIVE, 0, NULL},
		{"100 futex\n101 run\n", PARTLY, 0, NULL},
		{"100 futex\n101 run vm=100\n", ALIVE, 0, NULL},
		{"100 futex(owner=101)\n101/100 poll()\n102/100 run\n", PARTLY, 0, NULL},
		{"100 futex(owner=101)\n101/100 run\n102/100 futex\n", ALIVE, 0, NULL},
		{"100 futex(owner=300)\n101/100 run\n", ALIVE, 0, NULL}, /* a word that is no thread of ours narrows nothing */
		{"100 futex(join=101)\n101/100 futex\n", PROOF, 0, NULL},
		{"100 futex(join=101)\n101/100 sleep(3)\n", ALIVE, 0, NULL},
		{"100 futex(join=101)\n", ALIVE, 0, "has ended"},
		{"100/101 futex(join=101)\n101 dead\nroot 101\n", ALIVE, 0, NULL},
		{"100 futex(shm=k) shm=k\n101 futex shm=k\n", PROOF, 0, NULL},
		{"100 futex(shm=k) shm=k\n101 run shm=k\n", ALIVE, 0, NULL},
		{"100 futex(shm=k) shm=k\n101 run shm=j\n", PARTLY, 0, NULL},
		{"100 futex(shm=k,named) shm=k\n", PROOF, ASSUME_NO_SHM_OPEN, NULL},
		{"100 futex(shm=k,named) shm=k\n101 run\n", ALIVE, 0, NULL},
		{"100 futex(shm=k,random) shm=k\n", PROOF, ASSUME_NO_RANDOM_OPEN, NULL},
		{"100 futex(shm=k,random) shm=k\n101 futex(shm=k,named) shm=k\n", PROOF, ASSUME_NO_RANDOM_OPEN | ASSUME_NO_SHM_OPEN, NULL},
		{"100 futex(shm=k,random) shm=k\n101 run\n", ALIVE, 0, NULL},
		{"100 futex(shm=k,random,outside) shm=k\n", ALIVE, 0, "outside"},
		{"100 futex(shm=k,outside) shm=k\n", ALIVE, 0, "outside"},
		{"100 futex(shm=k) shm=k\n101 run(unreadable) dark\n", ALIVE, 0, NULL},
		{"100 futex(shm=k)\n", ALIVE, 0, "nobody known maps"},
		{"100 flock(f)\n101 futex lock=f\n", PROOF, 0, NULL},
		{"100 flock(f)\n101 run lock=f\n", ALIVE, 0, NULL},
		{"100 flock(f)\n", ALIVE, 0, "outside"},
		{"100 flock(f)\n101 futex\nlocks f 101\n", PROOF, 0, NULL},
		{"100 flock(f)\n101 futex\nlocks f 101 55\n", ALIVE, 0, "outside"},
		{"100 flock(f)\n101 futex lock=f\nlocks f 55\n", PROOF, 0, NULL}, /* who took it may be gone; who holds it counts */
		{"100 flock(f)\n101 futex lock=f\nlocks f 55\nstray f\n", ALIVE, 0, "also locked outside"},
		{"100 flock(f)\n101 futex lock=f\nlocks f 55\nstray g\n", PROOF, 0, NULL},
		{"100 flock(f)\n101 futex lock=f\n102 run(unreadable) dark\n", ALIVE, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void signals_and_timers(void **state)
{
	static const struct row rows[] = {
		{"100 pause\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 pause\n101 run\n", ALIVE, 0, NULL},
		{"100 sigwait timeout=9\n", ALIVE, 0, "times out"},
		{"100 wait4(101)\n101 stop\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 wait4(101)\n101 stop\n102 sleep(5)\n", ALIVE, 0, NULL},
		{"100 stop\n", ALIVE, 0, "by hand"},
		{"100 futex alarm=5\n", ALIVE, 0, "times out in 5.0 s"}, /* no handler: it ends the process */
		{"100 futex alarm=5 alrm=no\n", PROOF, 0, NULL},
		{"100 futex alarm=86400\n", PROOF, ASSUME_HORIZON, NULL},
		{"100 futex\nalarms unknown\n", PROOF, ASSUME_NO_ALARM, NULL},
		{"100 futex alrm=no\nalarms unknown\n", PROOF, 0, NULL},
		{"100 futex alrm=caught\nalarms unknown\n", ALIVE, 0, "SIGALRM"},
		{"100 futex alrm=caught\nalarms unknown\nothers began it\n", PROOF, ASSUME_NO_ALARM, NULL}, /* why: soft, no life */
		{"100 futex alrm=caught\n", PROOF, 0, NULL},
		{"100 futex heard\nalarms unknown\n", PROOF, ASSUME_ALARMS_HEARD, NULL},
		{"100 futex heard alrm=caught\nalarms unknown\n", PROOF, ASSUME_ALARMS_HEARD, NULL},
		{"100 futex heard alarm=5\nalarms unknown\n", ALIVE, 0, "times out in 5.0 s"},
		{"100 futex heard alrm=no\nalarms unknown\n", PROOF, 0, NULL},
		{"100 wait4(101) heard\n101 futex\nalarms unknown\n", PROOF, ASSUME_ALARMS_HEARD | ASSUME_NO_ALARM, NULL}, /* not all are */
		{"100 wait4(101) heard\n101 futex alrm=caught\nalarms unknown\n", ALIVE, 0, NULL},
		{"100 sigwait(alrm) alrm=no\nalarms unknown\n", ALIVE, 0, "SIGALRM"},
		{"100 sigwait(alrm) alrm=no\n", PROOF, ASSUME_NO_OUTSIDE_SIGNAL, NULL},
		{"100 sigwait(alrm) alrm=no alarm=3\n", ALIVE, 0, "times out"},
		{"100 futex timers\n", ALIVE, 0, "POSIX timers"},
		{"100 futex\n101 futex parent=100 timers\n", PARTLY, 0, NULL},
		{"100 futex chld\n101 futex parent=100 timers\n", ALIVE, 0, NULL}, /* its end is a signal */
		{"100 sleep(8)\n", ALIVE, 0, "times out in 8.0 s"},
		{"100 sleep(86400)\n", PROOF, ASSUME_HORIZON, NULL},
		{"100 run(moved)\n", ALIVE, 0, "moved"},
		{"100 run\n", ALIVE, 0, "runs"},
		{"100 dead\n101/100 futex\n", PROOF, 0, NULL},
		{"100 dead\n101/100 futex\n102/100 futex(join=101) timeout=5\n", ALIVE, 0, NULL},
		{"100 dead\n", ALIVE, 0, NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/** The receiver thread of a test worker reads its controller's pipe for ever; it would count as a reader of every pipe. */
static void service_threads(void **state)
{
#define WORKER "100 wait4(101) r:pipe7\n101 write(pipe7)\n102/100 read(pipe8)\n"
	static const struct row with[] = {
		{WORKER "pipe8 outside=w\n", ALIVE, 0, NULL},
	};
	static const struct row without[] = {
		{WORKER "pipe8 outside=w\n", PARTLY, ASSUME_SERVICE_THREADS, NULL},
		/* it reads that very pipe */
		{"100 wait4(101) r:pipe7\n101 write(pipe7)\n102/100 read(pipe7) r:pipe7 timers\n", ALIVE, 0, NULL},
		/* as a writer it counts: proxies read here and write there */
		{"100 wait4(101) w:pipe9\n101 read(pipe9)\n102/100 read(pipe8)\npipe8 outside=w\n", ALIVE, 0, NULL},
		/* a timeout, another call, the main thread: no service */
		{"100 wait4(101) r:pipe7\n101 write(pipe7)\n102/100 read(pipe8) timeout=5 w:pipe8\n", ALIVE, 0, NULL},
		{"100 wait4(101) r:pipe7\n101 write(pipe7)\n102/100 poll(r:pipe8)\npipe8 outside=w\n", ALIVE, 0, NULL},
		{"100 wait4(101)\n101 write(pipe7)\n103 read(pipe8) r:pipe7\npipe8 outside=w\n", ALIVE, 0, NULL},
	};

	(void)state;
	check_row(&with[0], false);
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		check_row(&without[i], true);
}

/** As its stack shows, the receiver of a test worker lets nobody of the tests go on: whatever they wait for, a lock or a loop's own pair. */
static void who_serves_the_runner_alone(void **state)
{
#define LOCKED "100 futex\n102/100 read(pipe8)"
#define LOOP "100 epoll(epoll1) rw:unix1 rw:unix2\nepoll1 watch=r:unix1\nunix1 peer=unix2\nunix2 peer=unix1\n102/100 read(pipe8)"
	static const struct row with[] = {
		{LOCKED " serves=execnet\npipe8 outside=w\n", ALIVE, 0, NULL},
	};
	static const struct row without[] = {
		{LOCKED " serves=execnet\npipe8 outside=w\n", PARTLY, ASSUME_SERVICE_THREADS, NULL},
		{LOOP " serves=execnet\npipe8 outside=w\n", PARTLY, ASSUME_SERVICE_THREADS, NULL},
		{LOCKED "\npipe8 outside=w\n", ALIVE, 0, NULL},
		{LOOP "\npipe8 outside=w\n", ALIVE, 0, NULL},
		/* somebody else is there who may let go */
		{LOCKED " serves=execnet\n103/100 sleep(3)\npipe8 outside=w\n", ALIVE, 0, NULL},
		{LOCKED " serves=execnet\n103/100 recv(unix3)\npipe8 outside=w\nunix3 peer=unix4\n104 run rw:unix4\n", ALIVE, 0, NULL},
	};

	(void)state;
	check_row(&with[0], false);
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		check_row(&without[i], true);
}

/** A process of which no task was seen leaves a gap: nothing may be proven. */
static void unseen_process(void **state)
{
	struct snapshot *s = snap("100 futex\n101 futex\n");
	struct proof *p;

	(void)state;
	s->ntasks = 1;
	assert_int_equal(snapshot_index(s, NULL), 0);
	p = prove(s, &(struct prove_options){.horizon_ns = HORIZON_S * NS_PER_S});
	assert_int_equal(p->nstuck, p->nliving);
	assert_false(p->whole);
	assert_true(p->assumptions & ASSUME_LIVE_INERT);
	proof_free(p);
	snapshot_free(s);
}

static void patience_and_softness(void **state)
{
	static const unsigned soft = ASSUME_NO_ALARM | ASSUME_NO_FIFO_OPEN | ASSUME_NO_SHM_OPEN | ASSUME_LIVE_INERT |
				     ASSUME_SERVICE_THREADS | ASSUME_NO_HIDDEN_HOLDER | ASSUME_NOBODY_AWAITED;

	(void)state;
	assert_int_equal(prove_patience_ns(NULL, 0), 250 * NS_PER_MS);
	assert_int_equal(prove_patience_ns(NULL, ASSUME_HORIZON | ASSUME_ALARMS_HEARD), 250 * NS_PER_MS);
	assert_int_equal(prove_patience_ns(NULL, ASSUME_IDLE_WORKERS), NS_PER_S);
	for (size_t i = 0; i < ASSUMPTIONS; i++) {
		const struct assumption_row *row = &assumptions_default()->rows[i];

		assert_int_equal(row->bit, 1u << i);
		assert_int_equal(prove_soft(NULL, row->bit), row->bit & soft);
		assert_true(strlen(assumption_text(row->bit)) > 10);
		assert_int_equal(prove_patience_ns(NULL, row->bit | ASSUME_HORIZON), row->patience_ns);
		if (row->soft || row->bit & (ASSUME_NO_OUTSIDE_SIGNAL | ASSUME_NO_OUTSIDE_CONNECT))
			assert_int_equal(row->patience_ns, 2 * NS_PER_S);
	}
	assert_int_equal(prove_soft(NULL, ~0u), soft);
}

/** What the cheap answer calls a seed, the proof does too. */
static void seed_of_wait_agrees(void **state)
{
	static const struct {
		const char *text;
		bool seed;
	} rows[] = {
		{"100 run\n", true},		       {"100 sleep(5)\n", true},	    {"100 sleep(86400)\n", false},
		{"100 read(pipe1) w:pipe1\n", false}, {"100 read(closed)\n", true},	    {"100 wait4()\n", true},
		{"100 futex\n", false},	       {"100 futex timeout=2\n", true}, {"100 futex(shm=k,outside) shm=k\n", true},
		{"100 pause\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot *s = snap(rows[i].text);
		struct proof *p = prove(s, &(struct prove_options){.horizon_ns = HORIZON_S * NS_PER_S});
		bool seed = prove_seed_of_wait(&s->tasks[0].wait, HORIZON_S * NS_PER_S) != NULL;

		if (seed != rows[i].seed || p->fates[0].seed != seed)
			fail_msg("%s: %d", rows[i].text, seed);
		proof_free(p);
		snapshot_free(s);
	}
}

/** A wait of a kind that this program does not know is live, whatever else it is. */
static void unknown_wait_is_live(void **state)
{
	struct snapshot *s = snap("100 futex\n");
	struct proof *p;

	(void)state;
	s->tasks[0].wait.op = (enum wait_op)77;
	p = prove(s, &(struct prove_options){.horizon_ns = HORIZON_S * NS_PER_S});
	assert_int_equal(p->nstuck, 0);
	assert_non_null(prove_seed_of_wait(&s->tasks[0].wait, 0));
	proof_free(p);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipe_full),	       cmocka_unit_test(pipe_eof),
		cmocka_unit_test(sockets),	       cmocka_unit_test(descriptors_in_flight),
		cmocka_unit_test(terminals),	       cmocka_unit_test(event_descriptors),
		cmocka_unit_test(poll_and_epoll),      cmocka_unit_test(children),
		cmocka_unit_test(locks),	       cmocka_unit_test(signals_and_timers),
		cmocka_unit_test(service_threads),     cmocka_unit_test(who_serves_the_runner_alone),
		cmocka_unit_test(unseen_process),
		cmocka_unit_test(patience_and_softness), cmocka_unit_test(seed_of_wait_agrees),
		cmocka_unit_test(unknown_wait_is_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
