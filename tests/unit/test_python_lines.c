/* Line tables of three formats, whole and torn, and the depth of exception tables. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "python/state.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/** A copy that ends where its memory does, so that a sanitizer sees what is read behind it. */
static int line(int minor, int first, const uint8_t *table, size_t n, int offset)
{
	uint8_t *copy = mem_alloc(n ? n : 1);
	int found;

	for (size_t i = 0; i < n; i++)
		copy[i] = table[i];
	found = py_line(minor, first, copy, n, offset);
	mem_free(copy);
	return found;
}

/* def f():       # line 10
 *     a()        # 11, bytes 0 to 5
 *                #
 *     b()        # 13, 6 to 11
 *     c() # and an instruction of line 12 behind it */
static void lnotab(void **state)
{
	for (int minor = 8; minor <= 9; minor++) {
		assert_int_equal(line(minor, 10, BYTES(0, 1, 6, 2, 6, 0xff), 0), 11);
		assert_int_equal(line(minor, 10, BYTES(0, 1, 6, 2, 6, 0xff), 5), 11);
		assert_int_equal(line(minor, 10, BYTES(0, 1, 6, 2, 6, 0xff), 6), 13);
		assert_int_equal(line(minor, 10, BYTES(0, 1, 6, 2, 6, 0xff), 12), 12);
		assert_int_equal(line(minor, 10, BYTES(0, 1, 6, 2, 6, 0xff), 4000), 12);
		/* steps beyond a byte are several pairs */
		assert_int_equal(line(minor, 10, BYTES(0, 127, 0, 127, 255, 0, 1, 1), 255), 264);
		assert_int_equal(line(minor, 10, BYTES(0, 127, 0, 127, 255, 0, 1, 1), 256), 265);
		assert_int_equal(line(minor, 7, NULL, 0, 3), 7);
		assert_int_equal(line(minor, 7, BYTES(3), 3), 7); /* half a pair */
		assert_int_equal(line(minor, 7, BYTES(0, 0x80), 3), 0); /* before the first line there is none */
		assert_int_equal(line(minor, 7, BYTES(0, 1), -1), 7);
	}
	(void)state;
}

static void pairs(void **state)
{
	/* PEP 626: 2 bytes of line 5, 4 of none, 6 of line 7 */
	static const uint8_t table[] = {2, 0, 4, 0x80, 6, 2};

	(void)state;
	assert_int_equal(line(10, 5, table, sizeof table, 0), 5);
	assert_int_equal(line(10, 5, table, sizeof table, 2), 0);
	assert_int_equal(line(10, 5, table, sizeof table, 5), 0);
	assert_int_equal(line(10, 5, table, sizeof table, 6), 7);
	assert_int_equal(line(10, 5, table, sizeof table, 11), 7);
	assert_int_equal(line(10, 5, table, sizeof table, 12), 0); /* behind the end */
	assert_int_equal(line(10, 5, table, sizeof table - 1, 7), 0);
	assert_int_equal(line(10, 5, BYTES(254, 0, 2, 200), 255), 0); /* below the first line */
	assert_int_equal(line(10, 5, table, sizeof table, -1), 5);
}

static void locations(void **state)
{
	/* Objects/locations.md: 0x80 | kind << 3 | units - 1 */
	static const uint8_t table[] = {
		0x80 | 15 << 3 | 0,             /* 0: none */
		0x80 | 11 << 3 | 1, 4, 9,       /* 2, 4: one line on */
		0x80 | 3 << 3 | 0, 0x21,        /* 6: the same line, short */
		0x80 | 13 << 3 | 2, 0x03,       /* 8, 10, 12: back by one */
		0x80 | 14 << 3 | 0, 0x54, 0x02, 0, 5, 9, /* 14: 74 lines on: 148 = 20 + 2 * 64 */
		0x80 | 12 << 3 | 7, 0, 0,       /* 16 to 31: two lines on */
	};

	for (int minor = 11; minor <= 15; minor++) {
		assert_int_equal(line(minor, 20, table, sizeof table, 0), 0);
		assert_int_equal(line(minor, 20, table, sizeof table, 2), 21);
		assert_int_equal(line(minor, 20, table, sizeof table, 5), 21);
		assert_int_equal(line(minor, 20, table, sizeof table, 6), 21);
		assert_int_equal(line(minor, 20, table, sizeof table, 12), 20);
		assert_int_equal(line(minor, 20, table, sizeof table, 14), 94);
		assert_int_equal(line(minor, 20, table, sizeof table, 31), 96);
		assert_int_equal(line(minor, 20, table, sizeof table, 32), 0);
		assert_int_equal(line(minor, 20, table, sizeof table, -2), 20);
	}
	(void)state;
}

static void torn_locations(void **state)
{
	(void)state;
	assert_int_equal(line(12, 20, NULL, 0, 0), 0);
	assert_int_equal(line(12, 20, BYTES(0x80 | 13 << 3), 0), 0);                   /* its number is missing */
	assert_int_equal(line(12, 20, BYTES(0x80 | 13 << 3, 0x7f, 0x7f), 0), 0);       /* its number does not end */
	assert_int_equal(line(12, 20, BYTES(0x80 | 11 << 3, 1), 0), 0);                /* a column is missing */
	assert_int_equal(line(12, 20, BYTES(0x80 | 14 << 3, 2, 0, 5), 0), 0);
	assert_int_equal(line(12, 20, BYTES(11 << 3, 1, 2), 0), 0);                    /* no begin of an entry */
	assert_int_equal(line(12, 20, BYTES(0x80 | 13 << 3, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 1), 0), 0);
	assert_int_equal(line(12, 20, BYTES(0x80 | 13 << 3, 0x7e, 0x7f, 0x7f, 0x7f, 0x7f, 1), 0), 0); /* beyond any file */
	assert_int_equal(line(12, 20, BYTES(0x80 | 13 << 3, 0x7f, 0x7f, 1), 0), 0);    /* below the first line */
}

static size_t depth(const uint8_t *table, size_t n, int offset)
{
	uint8_t *copy = mem_alloc(n ? n : 1);
	size_t found;

	for (size_t i = 0; i < n; i++)
		copy[i] = table[i];
	found = py_exception_depth(copy, n, offset);
	mem_free(copy);
	return found;
}

static void exception_depths(void **state)
{
	/* start, length, target, depth << 1 | lasti; 64 and above in two bytes, the high bits first */
	static const uint8_t table[] = {
		0x80 | 2, 10, 40, 1 << 1,           /* units 2 to 11 */
		0x80 | 12, 0x41, 0x00, 50, 2 << 1 | 1, /* 12 to 75 */
		0x80 | 0x41, 0x20, 3, 60, 5 << 1,   /* 96 to 98 */
	};

	(void)state;
	assert_int_equal(depth(table, sizeof table, 2), 0);
	assert_int_equal(depth(table, sizeof table, 4), 1);
	assert_int_equal(depth(table, sizeof table, 23), 1);
	assert_int_equal(depth(table, sizeof table, 24), 2);
	assert_int_equal(depth(table, sizeof table, 150), 2);
	assert_int_equal(depth(table, sizeof table, 152), 0);
	assert_int_equal(depth(table, sizeof table, 192), 5);
	assert_int_equal(depth(table, sizeof table, -2), 0);
	for (size_t n = 0; n < sizeof table; n++) /* cut off: what can't be read whole tells nothing, or less */
		assert_true(depth(table, n, 24) == 0 || depth(table, n, 24) == 2);
	assert_int_equal(depth(BYTES(0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f), 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lnotab), cmocka_unit_test(pairs), cmocka_unit_test(locations),
		cmocka_unit_test(torn_locations), cmocka_unit_test(exception_depths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
