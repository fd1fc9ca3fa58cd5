/* Blocks of an exception table, from handler to handler outward: that is how the line of a `with` is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "python/state.h"

/* Of CPython 3.13.0:
 *	def f(a, b):
 *	    with a:
 *	        try:
 *	            b()
 *	        except KeyError:
 *	            with b:
 *	                a()
 */
static const uint8_t table[] = {
	0x83, 0x01, 0x41, 0x0a, 0x03, 0x85, 0x07, 0x15, 0x02, 0x95, 0x0c, 0x41, 0x07, 0x05, 0xa1, 0x08, 0x34, 0x07, 0xa9, 0x08,
	0x41, 0x07, 0x05, 0xb1, 0x03, 0x41, 0x0a, 0x03, 0xb4, 0x0a, 0x41, 0x03, 0x0b, 0xbe, 0x03, 0x41, 0x07, 0x05, 0xc1, 0x01,
	0x02, 0x41, 0x0a, 0x03, 0xc1, 0x03, 0x04, 0x41, 0x07, 0x05, 0xc1, 0x07, 0x03, 0x41, 0x0a, 0x03, 0xc1, 0x0a, 0x0a, 0x41,
	0x18, 0x07,
};
enum { CALL_OF_A = 72, CALL_OF_B = 14, AFTER_ALL = 180 };

static void assert_block(int offset, int handler, size_t depth, bool keeps)
{
	struct py_block b = {.handler = -2};

	assert_true(py_exception_block(table, sizeof table, offset, &b));
	assert_int_equal(b.handler, handler);
	assert_int_equal(b.depth, depth);
	assert_int_equal(b.keeps, keeps);
}

static void test_outward(void **state)
{
	(void)state;
	assert_block(CALL_OF_A, 104, 3, true);	/* with b */
	assert_block(104, 134, 5, true);	/* its clean-up */
	assert_block(134, 142, 2, true);	/* that of `except` */
	assert_block(142, 148, 1, true);	/* with a */
	assert_block(148, 176, 3, true);	/* its clean-up */
	assert_false(py_exception_block(table, sizeof table, 176, &(struct py_block){0}));
}

static void test_a_try_keeps_nothing(void **state)
{
	(void)state;
	assert_block(CALL_OF_B, 42, 1, false);
	assert_int_equal(py_exception_depth(table, sizeof table, CALL_OF_B), 1);
}

static void test_outside(void **state)
{
	struct py_block b;

	(void)state;
	assert_false(py_exception_block(table, sizeof table, AFTER_ALL, &b));
	assert_false(py_exception_block(table, sizeof table, 0, &b));
	assert_false(py_exception_block(table, sizeof table, -2, &b));
	assert_false(py_exception_block(NULL, 0, CALL_OF_A, &b));
}

/** Cut anywhere, a table is torn, or ends before the block: never is another block found. */
static void test_torn(void **state)
{
	static const uint8_t endless[] = {0xc0, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40};
	static const uint8_t far[] = {0x80, 0x7f, 0x7f, 0x3f, 0x7f, 0x7f, 0x7f, 0x7f, 0x3f, 0x03};
	struct py_block b;

	(void)state;
	for (size_t n = 0; n < sizeof table; n++)
		if (py_exception_block(table, n, CALL_OF_A, &b))
			assert_int_equal(b.handler, 104);
	assert_false(py_exception_block(endless, sizeof endless, 0, &b));
	assert_true(py_exception_block(far, sizeof far, 0, &b));
	assert_int_equal(b.handler, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outward),
		cmocka_unit_test(test_a_try_keeps_nothing),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
