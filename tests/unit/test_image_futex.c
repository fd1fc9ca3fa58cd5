/* Who holds a lock of the C library: real mutexes of this process, of every type, that other threads wait for. */
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "image/image.h"

static size_t fetch_own(void *who, uint64_t address, void *buf, size_t n)
{
	size_t done = 0;

	(void)who;
	for (; done < n; done++) {
		struct iovec to = {(char *)buf + done * MEMORY_PAGE, MEMORY_PAGE};
		struct iovec from = {(void *)(uintptr_t)(address + done * MEMORY_PAGE), MEMORY_PAGE};

		if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != MEMORY_PAGE)
			break;
	}
	return done;
}

static struct futex_holder holder_of(const void *word, uint32_t op, uint32_t value)
{
	struct memory *m = memory_new(fetch_own, NULL, 16);
	struct futex_call call = {.word = (uint64_t)(uintptr_t)word, .op = op, .value = value};
	struct futex_holder h;

	image_futex(m, &call, &h);
	memory_free(m);
	return h;
}

static void make_mutex(pthread_mutex_t *m, int type, bool robust, bool pi)
{
	pthread_mutexattr_t a;

	assert_int_equal(pthread_mutexattr_init(&a), 0);
	assert_int_equal(pthread_mutexattr_settype(&a, type), 0);
	assert_int_equal(pthread_mutexattr_setrobust(&a, robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED), 0);
	assert_int_equal(pthread_mutexattr_setprotocol(&a, pi ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE), 0);
	assert_int_equal(pthread_mutex_init(m, &a), 0);
	pthread_mutexattr_destroy(&a);
}

static void *wait_for_mutex(void *mutex)
{
	pthread_mutex_lock(mutex);
	pthread_mutex_unlock(mutex);
	return NULL;
}

static uint32_t word_of(const pthread_mutex_t *m)
{
	return __atomic_load_n((const uint32_t *)(const void *)m, __ATOMIC_SEQ_CST);
}

/** Lock it, let another thread wait for it, and look. The word tells when somebody waits: 2, or the bit FUTEX_WAITERS. */
static void check_mutex(int type, bool robust, bool pi, bool only_it)
{
	bool by_tid = robust || pi;
	struct futex_holder h;
	pthread_mutex_t m;
	pthread_t waiter;
	uint32_t word;

	make_mutex(&m, type, robust, pi);
	pthread_mutex_lock(&m);
	assert_int_equal(pthread_create(&waiter, NULL, wait_for_mutex, &m), 0);
	do
		word = word_of(&m);
	while (by_tid ? !(word & FUTEX_WAITERS) : word != 2);
	h = holder_of(&m, pi ? FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG : FUTEX_WAIT | FUTEX_PRIVATE_FLAG, word);
	pthread_mutex_unlock(&m);
	pthread_join(waiter, NULL);
	assert_int_equal(h.kind, FUTEX_MUTEX);
	assert_int_equal(h.tid, syscall(SYS_gettid));
	assert_int_equal(h.only_it, only_it);
	pthread_mutex_destroy(&m);
}

static void test_mutexes(void **state)
{
	(void)state;
	check_mutex(PTHREAD_MUTEX_NORMAL, false, false, false);
	check_mutex(PTHREAD_MUTEX_ADAPTIVE_NP, false, false, false);
	check_mutex(PTHREAD_MUTEX_RECURSIVE, false, false, true);
	check_mutex(PTHREAD_MUTEX_ERRORCHECK, false, false, true);
	check_mutex(PTHREAD_MUTEX_NORMAL, true, false, true);
	check_mutex(PTHREAD_MUTEX_NORMAL, false, true, true);
	check_mutex(PTHREAD_MUTEX_RECURSIVE, false, true, true);
}

static void test_nobody_waits(void **state)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

	(void)state;
	assert_int_equal(holder_of(&m, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2).kind, FUTEX_OTHER);
	pthread_mutex_lock(&m);
	assert_int_equal(holder_of(&m, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2).kind, FUTEX_OTHER);
	pthread_mutex_unlock(&m);
}

/** The words of glibc's mutex, one of them wrong: something else lies there. */
static void test_other_words(void **state)
{
	static const uint32_t right[5] = {2, 0, 4711, 1, 0};
	static const struct {
		size_t at;
		uint32_t value;
	} wrong[] = {{0, 1}, {1, 3}, {2, 0}, {2, 0x40000001}, {3, 0}, {3, 1 << 30}, {4, 4}, {4, 32}, {4, 1 << 16}, {4, 1}};
	uint32_t words[5];

	(void)state;
	assert_int_equal(holder_of(right, FUTEX_WAIT, 2).tid, 4711);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		memcpy(words, right, sizeof words);
		words[wrong[i].at] = wrong[i].value;
		assert_int_equal(holder_of(words, FUTEX_WAIT, 2).kind, FUTEX_OTHER);
	}
	assert_int_equal(holder_of(right, FUTEX_WAKE, 2).kind, FUTEX_OTHER);
	assert_int_equal(holder_of((const void *)16, FUTEX_WAIT, 2).kind, FUTEX_OTHER);
}

static void test_join(void **state)
{
	static const uint32_t tid = 4711;

	(void)state;
	assert_int_equal(holder_of(&tid, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 4711).kind, FUTEX_JOIN);
	assert_int_equal(holder_of(&tid, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 4711).tid, 4711);
	assert_int_equal(holder_of(&tid, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 4712).kind, FUTEX_OTHER);
	assert_int_equal(holder_of(&tid, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME | FUTEX_PRIVATE_FLAG, 4711).kind,
			 FUTEX_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutexes),
		cmocka_unit_test(test_nobody_waits),
		cmocka_unit_test(test_other_words),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
