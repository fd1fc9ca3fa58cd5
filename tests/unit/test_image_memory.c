/* Memory through the cache: what is fetched how often, and what comes of pages that are not there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "image/image.h"

enum { PAGES = 64, BASE = 0x10000000 };

/** A made-up process: PAGES pages from BASE on, each byte of which tells where it is. */
struct made {
	bool missing[PAGES];
	bool all_or_nothing;
	size_t calls, largest;
	uint8_t plus; /* added to each byte, so that a change can be seen */
};

static uint8_t byte_at(const struct made *made, uint64_t address)
{
	return (uint8_t)(address * 7 + address / MEMORY_PAGE * 31 + made->plus);
}

static bool is_there(const struct made *made, uint64_t address)
{
	uint64_t page = (address - BASE) / MEMORY_PAGE;

	return address >= BASE && page < PAGES && !made->missing[page];
}

static size_t fetch(void *who, uint64_t address, void *buf, size_t n)
{
	struct made *made = who;
	uint8_t *to = buf;

	assert_int_equal(address % MEMORY_PAGE, 0);
	made->calls++;
	if (n > made->largest)
		made->largest = n;
	for (size_t i = 0; i < n; i++) {
		if (!is_there(made, address + i * MEMORY_PAGE))
			return made->all_or_nothing ? 0 : i;
		for (size_t k = 0; k < MEMORY_PAGE; k++)
			to[i * MEMORY_PAGE + k] = byte_at(made, address + i * MEMORY_PAGE + k);
	}
	return n;
}

static void check(struct memory *m, const struct made *made, uint64_t address, size_t size)
{
	uint8_t buf[3 * MEMORY_PAGE];

	assert_true(memory_read(m, address, buf, size));
	for (size_t i = 0; i < size; i++)
		assert_int_equal(buf[i], byte_at(made, address + i));
}

static void reads_across_pages(void **state)
{
	struct made made = {0};
	struct memory *m = memory_new(fetch, &made, 0);

	(void)state;
	check(m, &made, BASE + 10, 100);
	check(m, &made, BASE + MEMORY_PAGE - 1, 2);
	check(m, &made, BASE + MEMORY_PAGE - 5, 2 * MEMORY_PAGE);
	check(m, &made, BASE, 0);
	assert_false(memory_read(m, BASE - 1, &(uint64_t){0}, 8));
	assert_false(memory_read(m, BASE + PAGES * (uint64_t)MEMORY_PAGE - 7, &(uint64_t){0}, 8));
	assert_false(memory_read(m, UINT64_MAX - 3, &(uint64_t){0}, 8));
	assert_false(memory_spent(m));
	memory_free(m);
}

static void numbers_of_what_is_not_there_are_zero(void **state)
{
	struct made made = {.missing[1] = true};
	struct memory *m = memory_new(fetch, &made, 0);

	(void)state;
	assert_int_equal(memory_u8(m, BASE + 3), byte_at(&made, BASE + 3));
	assert_int_equal(memory_u64(m, BASE + MEMORY_PAGE - 4), 0);
	assert_int_equal(memory_u32(m, BASE + MEMORY_PAGE), 0);
	assert_int_equal(memory_u8(m, 0), 0);
	memory_free(m);
}

static void a_page_is_fetched_once(void **state)
{
	struct made made = {.missing[40] = true};
	struct memory *m = memory_new(fetch, &made, 0);

	(void)state;
	for (int i = 0; i < 1000; i++)
		check(m, &made, BASE + (uint64_t)i * 4, 4);
	assert_int_equal(made.calls, 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(memory_u64(m, BASE + 40 * MEMORY_PAGE), 0); /* what can't be read is known, too */
	assert_int_equal(made.calls, 2);
	assert_int_equal(memory_fetches(m), 2);
	memory_free(m);
}

static void reads_end(void **state)
{
	struct made made = {0};
	struct memory *m = memory_new(fetch, &made, 2);

	(void)state;
	for (int i = 0; i < 2 * 4096; i++)
		check(m, &made, BASE + (uint64_t)i % 4000, 4);
	assert_false(memory_spent(m));
	assert_false(memory_read(m, BASE, &(uint8_t){0}, 1));
	assert_true(memory_spent(m));
	memory_forget(m);
	assert_false(memory_read(m, BASE, &(uint8_t){0}, 1));
	memory_free(m);
}

static void who_goes_through_is_read_ahead(void **state)
{
	struct made made = {0};
	struct memory *m = memory_new(fetch, &made, 0);

	(void)state;
	for (uint64_t at = 0; at < PAGES * (uint64_t)MEMORY_PAGE; at += 64)
		check(m, &made, BASE + at, 64);
	assert_int_equal(made.calls, 4 * PAGES / MEMORY_AHEAD); /* three single pages of each window, then the rest of it */
	assert_int_equal(made.largest, MEMORY_AHEAD - 3);
	memory_free(m);
}

/** What lies behind a hole is there, what is in it is not, and nothing is taken for something else. */
static void read_ahead_over_holes(void **state)
{
	for (int all_or_nothing = 0; all_or_nothing < 2; all_or_nothing++) {
		struct made made = {.missing = {[3] = true, [7] = true, [8] = true}, .all_or_nothing = all_or_nothing};
		struct memory *m = memory_new(fetch, &made, 0);

		for (uint64_t i = 0; i < 32; i++) {
			if (made.missing[i])
				assert_false(memory_read(m, BASE + i * MEMORY_PAGE + 9, &(uint8_t){0}, 1));
			else
				check(m, &made, BASE + i * MEMORY_PAGE + 9, 8);
		}
		memory_free(m);
	}
	(void)state;
}

static void what_is_known_is_not_read_over(void **state)
{
	struct made made = {0};
	struct memory *m = memory_new(fetch, &made, 0);

	(void)state;
	check(m, &made, BASE + 5 * MEMORY_PAGE, 8);
	made.plus = 1; /* the process goes on */
	/* reads ahead, up to page 5 */
	assert_int_equal(memory_u8(m, BASE + 2 * MEMORY_PAGE), byte_at(&made, BASE + 2 * MEMORY_PAGE));
	made.plus = 0;
	check(m, &made, BASE + 5 * MEMORY_PAGE, 8);
	memory_free(m);
}

static void the_budget_ends_reading(void **state)
{
	struct made made = {0};
	struct memory *m = memory_new(fetch, &made, 5);

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		check(m, &made, BASE + i * MEMORY_PAGE, 8);
	assert_false(memory_spent(m));
	assert_false(memory_read(m, BASE + 5 * MEMORY_PAGE, &(uint8_t){0}, 1));
	assert_true(memory_spent(m));
	check(m, &made, BASE + MEMORY_PAGE, 8); /* what was read stays */
	memory_forget(m);
	assert_false(memory_read(m, BASE, &(uint8_t){0}, 1));
	memory_free(m);
}

static void forgetting_shows_what_is_new(void **state)
{
	struct made made = {0};
	struct memory *m = memory_new(fetch, &made, 0);

	(void)state;
	check(m, &made, BASE, 8);
	made.plus = 3;
	assert_int_not_equal(memory_u8(m, BASE), byte_at(&made, BASE));
	memory_forget(m);
	check(m, &made, BASE, 8);
	memory_free(m);
}

static void many_pages(void **state)
{
	struct made made = {0};

	(void)state;
	for (uint64_t step = 1; step < PAGES; step += 6) { /* in all sorts of orders */
		struct memory *m = memory_new(fetch, &made, 0);

		for (uint64_t i = 0; i < PAGES * 5; i++)
			check(m, &made, BASE + i * step % PAGES * MEMORY_PAGE + i, 8 - i % 8);
		memory_free(m);
	}
}

/** Text where there is one, in front of the end of what is mapped. */
static size_t fetch_text(void *who, uint64_t address, void *buf, size_t n)
{
	const char *text = who;

	if (address != BASE || !n)
		return 0;
	memset(buf, 'x', MEMORY_PAGE);
	memcpy((char *)buf + MEMORY_PAGE - strlen(text) - 1, text, strlen(text) + 1);
	return 1;
}

static void strings(void **state)
{
	char text[] = "_thread.lock", buf[16];
	uint64_t at = BASE + MEMORY_PAGE - sizeof text;
	struct memory *m = memory_new(fetch_text, text, 0);

	(void)state;
	assert_true(memory_string(m, at, buf, sizeof buf));
	assert_string_equal(buf, "_thread.lock");
	assert_true(memory_string(m, at, buf, 5));
	assert_string_equal(buf, "_thr");
	assert_true(memory_string(m, at, buf, 1));
	assert_string_equal(buf, "");
	assert_false(memory_string(m, at, buf, 0));
	assert_false(memory_string(m, BASE + MEMORY_PAGE, buf, sizeof buf));
	assert_string_equal(buf, "");
	assert_false(memory_string(m, UINT64_MAX - 2, buf, sizeof buf));
	memory_free(m);
}

static void a_string_that_does_not_end_where_memory_does(void **state)
{
	char text[] = "", buf[64];
	struct memory *m = memory_new(fetch_text, text, 0);

	(void)state;
	assert_true(memory_string(m, BASE + MEMORY_PAGE - 10, buf, sizeof buf));
	assert_string_equal(buf, "xxxxxxxxx");
	assert_true(memory_string(m, BASE + MEMORY_PAGE - 10, buf, 4)); /* cut before it is known */
	assert_string_equal(buf, "xxx");
	memory_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_across_pages),
		cmocka_unit_test(numbers_of_what_is_not_there_are_zero),
		cmocka_unit_test(a_page_is_fetched_once),
		cmocka_unit_test(reads_end),
		cmocka_unit_test(who_goes_through_is_read_ahead),
		cmocka_unit_test(read_ahead_over_holes),
		cmocka_unit_test(what_is_known_is_not_read_over),
		cmocka_unit_test(the_budget_ends_reading),
		cmocka_unit_test(forgetting_shows_what_is_new),
		cmocka_unit_test(many_pages),
		cmocka_unit_test(strings),
		cmocka_unit_test(a_string_that_does_not_end_where_memory_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
