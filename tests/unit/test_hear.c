/* The ring of events between its real writer (preload/ring.c, compiled in here) and its reader. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "preload/ring.c"

#include "hear/state.h"

enum { WRITERS = 3, THREADS = 2, EVENTS = 8000 };

struct shim shim;
char *word_put(char *to, const char *s, size_t n)
{
	memcpy(to, s, n);
	return to + n;
}

bool own_number(pid_t pid)
{
	return pid > 0;
}

struct scene {
	struct ring ring;
	struct text text;
	struct wire_slot slot; /* the last one read */
	uint64_t pos;
};

static int begin(void **state)
{
	struct scene *c = mem_alloc(sizeof *c);
	void *at = mmap(NULL, ring_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(ring_bytes(), ring_size);
	ring_begin(&c->ring, at);
	shim.ring = at;
	*state = c;
	return 0;
}

static int end(void **state)
{
	struct scene *c = *state;

	shim.ring = NULL;
	ring_close(&c->ring);
	text_free(&c->text);
	mem_free(c);
	return 0;
}

/** The next event at the time NOW_NS of nobody's clock. */
static bool next(struct scene *c, int64_t when_ns)
{
	return ring_next(&c->ring, when_ns, &c->slot, &c->text, &c->pos);
}

/** Byte I of the text of the event VALUE. */
static char byte_of(uint64_t value, size_t i)
{
	return (char)('a' + (value * 31 + i * 7) % 26);
}

static uint64_t write_event(uint64_t value, size_t len)
{
	char words[TEXT_MOST + 100];

	for (size_t i = 0; i < len; i++)
		words[i] = byte_of(value, i);
	return TELL(WIRE_TEST, .fd = -1, .value = (int64_t)value, .text = words, .len = len);
}

/** The last one read is the event VALUE with LEN bytes. */
static void assert_event(const struct scene *c, uint64_t value, size_t len)
{
	assert_int_equal(c->slot.kind, WIRE_TEST);
	assert_int_equal(c->slot.value, value);
	assert_int_equal(c->slot.pid, getpid());
	assert_int_equal(c->text.n, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(c->text.at[i], byte_of(value, i));
}

static const size_t lengths[] = {0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + MORE, FIRST + MORE + 1, 1000, TEXT_MOST - 1, TEXT_MOST};

static void in_order(void **state)
{
	struct scene *c = *state;

	assert_false(next(c, 1));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		assert_true(write_event(i, lengths[i]) != NO_POSITION);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		assert_true(next(c, 1));
		assert_event(c, i, lengths[i]);
	}
	assert_false(next(c, 1));
	assert_int_equal(ring_lost(&c->ring), 0);
}

static void too_long(void **state)
{
	struct scene *c = *state;

	write_event(3, TEXT_MOST + 50);
	write_event(4, 5);
	assert_true(next(c, 1));
	assert_event(c, 3, TEXT_MOST);
	assert_true(next(c, 1));
	assert_event(c, 4, 5);
}

static void announcement(void **state)
{
	struct scene *c = *state;
	char path[300] = "/";

	memset(path + 1, 'x', sizeof path - 6);
	memcpy(path + sizeof path - 5, "/cat", 5);
	assert_int_equal(ring_announce(&c->ring, path), 0);
	write_event(1, 5);
	assert_true(next(c, 1));
	assert_int_equal(c->slot.kind, WIRE_EXEC);
	assert_int_equal(c->slot.pid, 0);
	assert_int_equal(c->pos, 0);
	assert_int_equal(c->text.n, FIRST);
	assert_memory_equal(c->text.at + FIRST - 4, "/cat", 4);
	assert_true(next(c, 1));
	assert_event(c, 1, 5);
}

static void round_and_round(void **state)
{
	struct scene *c = *state;
	uint64_t value = 0, read = 0;

	while (c->ring.pos < 5 * (uint64_t)WIRE_SLOTS) {
		for (int i = 0; i < 50; i++, value++)
			assert_true(write_event(value, lengths[value % ARRAY_SIZE(lengths)]) != NO_POSITION);
		for (; read < value; read++) {
			assert_true(next(c, 1));
			assert_event(c, read, lengths[read % ARRAY_SIZE(lengths)]);
		}
	}
	assert_int_equal(ring_lost(&c->ring), 0);
}

static void full(void **state)
{
	struct scene *c = *state;
	uint64_t n = 0;

	for (int round = 0; round < 3; round++) {
		uint64_t lost = ring_lost(&c->ring), first = n;

		while (write_event(n, FIRST + 2 * MORE) != NO_POSITION)
			n++;
		assert_int_equal(n - first, WIRE_SLOTS / 3);
		while (write_event(n, 0) != NO_POSITION) /* what is too small for that one */
			;
		assert_int_equal(ring_lost(&c->ring), lost + 2);
		for (uint64_t i = first; i < n; i++) {
			assert_true(next(c, 1));
			assert_event(c, i, FIRST + 2 * MORE);
		}
		while (next(c, 1))
			assert_event(c, n, 0);
		assert_int_equal(c->ring.pos, atomic_load(&c->ring.file->head));
		assert_int_equal(ring_lost(&c->ring), lost + 2);
	}
}

/** What a writer does that is killed between claim and publication. */
static void claimed_only(void **state)
{
	struct scene *c = *state;
	const int64_t t = 5 * NS_PER_S;
	uint64_t stale;

	write_event(1, 10);
	stale = claim(3);
	write_event(2, 200);
	assert_true(next(c, t));
	assert_event(c, 1, 10);
	assert_false(next(c, t)); /* the wait begins */
	assert_false(next(c, t + NS_PER_S - 1));
	assert_int_equal(ring_lost(&c->ring), 0);
	assert_true(next(c, t + NS_PER_S));
	assert_event(c, 2, 200);
	assert_true(ring_lost(&c->ring) > 0);
	assert_false(next(c, t + 9 * NS_PER_S));
	/* the writer was only stopped: what it publishes then is nobody's */
	uint64_t turn = round_of(stale);
	assert_false(atomic_compare_exchange_strong(&slot_at(stale)->turn, &turn, turn + 1));
	assert_false(next(c, t + 9 * NS_PER_S));
	for (uint64_t i = 0; i < 2 * WIRE_SLOTS; i++) { /* and its place is used again */
		assert_true(write_event(i, 3) != NO_POSITION);
		assert_true(next(c, t));
		assert_event(c, i, 3);
	}
}

static void claimed_last(void **state)
{
	struct scene *c = *state;
	const int64_t t = 5 * NS_PER_S;

	claim(1);
	claim(2);
	assert_false(next(c, t));
	assert_false(next(c, t + NS_PER_S)); /* nothing is behind them */
	assert_int_equal(c->ring.pos, 3);
	write_event(1, 10);
	assert_true(next(c, t + NS_PER_S));
	assert_event(c, 1, 10);
}

/** A slow one is waited for again, from the time when it was first in the way. */
static void each_has_its_time(void **state)
{
	struct scene *c = *state;
	const int64_t t = 5 * NS_PER_S;
	uint64_t slow = claim(1), turn = round_of(slow);

	assert_false(next(c, t));
	slot_at(slow)->kind = WIRE_TIMER;
	slot_at(slow)->nslots = 1;
	assert_true(atomic_compare_exchange_strong(&slot_at(slow)->turn, &turn, turn + 1));
	assert_true(next(c, t + 10 * NS_PER_S)); /* in time, however late we look */
	assert_int_equal(c->slot.kind, WIRE_TIMER);
	claim(1);
	assert_false(next(c, t + 10 * NS_PER_S));
	assert_false(next(c, t + 11 * NS_PER_S - 1));
	assert_int_equal(ring_lost(&c->ring), 0);
	assert_false(next(c, t + 11 * NS_PER_S));
	assert_int_equal(ring_lost(&c->ring), 1);
}

/** Any process of the tree may write anything. The reader keeps within the file, and comes to an end. */
static void hostile(void **state)
{
	struct scene *c = *state;
	static const uint32_t numbers[] = {0, 2, WIRE_MOST_SLOTS, WIRE_MOST_SLOTS + 1, WIRE_SLOTS, INT32_MAX, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		for (size_t k = 0; k < ARRAY_SIZE(numbers); k++) {
			struct wire_slot *s = slot_at(write_event(9, 3));

			s->nslots = numbers[i];
			s->text_len = numbers[k];
			assert_true(next(c, 1));
			assert_true(c->text.n <= TEXT_MOST);
			assert_false(next(c, 1));
			/* nobody else is harmed */
			assert_true(write_event(1, 300) != NO_POSITION);
			assert_true(next(c, 1));
			assert_event(c, 1, 300);
		}
	assert_int_equal(ring_lost(&c->ring), 0);
}

static void hostile_head(void **state)
{
	struct scene *c = *state;
	int64_t t = NS_PER_S;

	atomic_store(&c->ring.file->head, UINT64_MAX / 2);
	for (int i = 0; i < 10; i++, t += NS_PER_S)
		next(c, t);
	atomic_store(&c->ring.file->head, 0);
	for (int i = 0; i < 10; i++, t += NS_PER_S)
		next(c, t);
}

/* ---- many writers at once ---- */

struct tally { /* of one thread */
	int32_t tid;
	uint64_t next;
};

static void *write_many(void *unused)
{
	for (uint64_t i = 0; i < EVENTS; i++)
		write_event(i, lengths[i % 7]);
	return unused;
}

static pid_t start_writer(void)
{
	pid_t pid = fork();
	pthread_t threads[THREADS];

	if (pid)
		return pid;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, write_many, NULL))
			_exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static struct tally *tally_of(struct tally *all, int32_t tid)
{
	for (int i = 0; i < WRITERS * THREADS; i++)
		if (all[i].tid == tid || !all[i].tid) {
			all[i].tid = tid;
			return &all[i];
		}
	fail_msg("thread %d is none of ours", tid);
	return NULL;
}

static uint64_t read_all(struct scene *c, struct tally *all)
{
	uint64_t n = 0;

	for (; next(c, 1); n++) {
		struct tally *t = tally_of(all, c->slot.tid);
		uint64_t value = (uint64_t)c->slot.value;

		assert_true(value >= t->next); /* each thread's own in order; some may be lost */
		t->next = value + 1;
		assert_int_equal(c->text.n, lengths[value % 7]);
		for (size_t i = 0; i < c->text.n; i++)
			assert_int_equal(c->text.at[i], byte_of(value, i));
	}
	return n;
}

static void many_writers(void **state)
{
	struct scene *c = *state;
	struct tally all[WRITERS * THREADS] = {0};
	uint64_t n = 0;
	int status;

	for (int i = 0; i < WRITERS; i++)
		assert_true(start_writer() > 0);
	for (int left = WRITERS; left;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		assert_true(pid >= 0);
		if (pid) {
			assert_int_equal(status, 0);
			left--;
		}
		n += read_all(c, all);
	}
	n += read_all(c, all);
	assert_int_equal(n + ring_lost(&c->ring), (uint64_t)WRITERS * THREADS * EVENTS);
	assert_int_equal(c->ring.pos, atomic_load(&c->ring.file->head));
}

#define RING(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest all[] = {
		RING(in_order),     RING(too_long),     RING(announcement),      RING(round_and_round), RING(full),
		RING(claimed_only), RING(claimed_last), RING(each_has_its_time), RING(hostile),         RING(hostile_head),
		RING(many_writers),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
