/* Trees that look stuck and are not, each beside one that is: what the kernel, a file or somebody outside will do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "prove/wait.h"
#include "snap.h"

struct row {
	const char *text;
	bool proven;
	const char *reason; /* of the root's life; NULL: any */
};

static void check(const struct row *row)
{
	const struct prove_options opt = {.horizon_ns = 3600 * NS_PER_S};
	struct snapshot *s = snap(row->text);
	struct proof *p = prove(s, &opt);
	const char *reason = p->fates[snapshot_task(s, s->root) - s->tasks].reason;

	if (p->whole != row->proven)
		fail_msg("proven: %d (%s)\n%s", p->whole, reason ? reason : "-", row->text);
	if (row->reason && (!reason || !strstr(reason, row->reason)))
		fail_msg("\"%s\", not \"%s\":\n%s", reason ? reason : "-", row->reason, row->text);
	proof_free(p);
	snapshot_free(s);
}

static void check_all(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&rows[i]);
}

#define CHECK(rows) check_all(rows, ARRAY_SIZE(rows))

static void files_under_way_to_somebody_outside(void **state)
{
	static const struct row rows[] = {
		{"100 read(pipe1) w:pipe1\n", true, NULL},
		{"100 read(pipe1) w:pipe1\naway it is\n", false, "under way"},
		{"100 futex(shm=k) shm=k\n", true, NULL},
		{"100 futex(shm=k) shm=k\naway it is\n", false, "under way"},
		{"100 flock(f) lock=f\n", true, NULL},
		{"100 flock(f) lock=f\naway it is\n", false, "under way"},
		/* what has nothing to do with files */
		{"100 futex\naway it is\n", true, NULL},
	};

	(void)state;
	CHECK(rows);
}

static void files_that_send_signals(void **state)
{
	static const struct row rows[] = {
		{"100 pause filesignals\n", false, "send a signal"},
		{"100 futex filesignals\n", false, "send a signal"},
		{"100 wait4(101)\n101 read(pipe1) w:pipe1 filesignals\n", false, NULL},
		{"100 wait4(101)\n101 read(pipe1) w:pipe1\n", true, NULL},
	};

	(void)state;
	CHECK(rows);
}

static void room_for_datagrams(void **state)
{
	static const struct row rows[] = {
		{"100 write(unix1) rw:unix2\nunix1 peer=unix2\n", true, NULL},
		{"100 write(unix1) rw:unix2\nunix1 peer=unix2 scatters\n", false, "queues of others"},
		{"100 read(unix1) rw:unix2\nunix1 peer=unix2 scatters\n", true, NULL},
	};

	(void)state;
	CHECK(rows);
}

static void the_end_of_an_idle_thread(void **state)
{
	static const struct row rows[] = {
		/* nobody waits for it */
		{"100 read(pipe1) w:pipe1\n102/100 futex timeout=8 idle=trio\n", true, NULL},
		{"100 futex(owner=103)\n103/100 read(pipe1) w:pipe1\n102/100 futex timeout=8 idle=trio\n", true, NULL},
		/* a join, by what it says of itself or by a plain lock */
		{"100 futex(join=102)\n102/100 futex timeout=8 idle=trio\n", false, "times out in 8.0 s"},
		{"100 futex(join=103)\n103/100 futex(owner=100)\n102/100 futex timeout=8 idle=trio\n", true, NULL},
		{"100 futex\n102/100 futex timeout=8 idle=trio\n", false, "times out in 8.0 s"},
		{"100 futex\n102/100 futex timeout=8 idle=trio\n103/100 futex timeout=6 idle=trio\n", false, "times out in 6.0 s"},
		/* of another process */
		{"100 futex\n101 read(pipe1) w:pipe1\n102/101 futex timeout=8 idle=trio\n", true, NULL},
		{"100 futex\n101 read(pipe1) w:pipe1 vm=100\n102/101 futex timeout=8 idle=trio\n", false, NULL},
		/* the maker of a child, which may have asked to be told of its end */
		{"100 wait4(101)\n101 read(pipe1) w:pipe1 parent=100 deaths\n102/100 futex timeout=8 idle=trio kids\n", true, NULL},
		{"100 wait4(101)\n101 read(pipe1) w:pipe1 parent=100\n102/100 futex timeout=8 idle=trio kids\n", false, "may wake it"},
		{"100 wait4(101)\n101 read(pipe1) w:pipe1 parent=100 deaths mourns\n102/100 futex timeout=8 idle=trio kids\n", false, NULL},
		{"100 wait4(101)\n101 read(pipe1) w:pipe1 parent=100 deaths mourns\n102/100 futex timeout=8 idle=trio\n", true, NULL},
		{"100 wait4(101)\n101 read(pipe1) w:pipe1 parent=100\n102/100 futex timeout=8 idle=trio kids\nothers began it\n", true, NULL},
		/* the last thread of its process */
		{"100 wait4(101)\n101 dead\n102/101 futex timeout=8 idle=trio\n", false, NULL},
		{"100 wait4(101)\n101 read(pipe1) w:pipe1\n102/101 futex timeout=8 idle=trio\n", true, NULL},
	};

	(void)state;
	CHECK(rows);
	/* one that waits again and again does not end */
	assert_true(idle_ends("trio thread without work"));
	assert_false(idle_ends("multiprocessing manager"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_under_way_to_somebody_outside),
		cmocka_unit_test(files_that_send_signals),
		cmocka_unit_test(room_for_datagrams),
		cmocka_unit_test(the_end_of_an_idle_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
