/* Objects of a made-up process of every version: what they say, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "python_made.h"

typedef void test_of(struct made *m);

static void on_all(test_of *test)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct made *m = made_new(minor);

		test(m);
		made_free(m);
	}
}

static void assert_text(struct made *m, uint64_t obj, const char *want)
{
	char buf[PY_TEXT];

	assert_true(py_string(&m->py, obj, buf, sizeof buf));
	assert_string_equal(buf, want);
	assert_string_equal(py_text(&m->py, obj), want);
}

static void strings_of(struct made *m)
{
	static const uint8_t latin[] = {'a', 0xe4, 0xff};
	static const uint16_t two[] = {'b', 0x3bb, 0x20ac, 0xdc80, 0x1b};
	static const uint32_t four[] = {0x1f40d, 'c', 0x110000, 0xd800};
	uint64_t sub = made_object(m, made_type(m, "Name", PY_KIND_STR), 128), at = made_room(m, 16);
	char buf[8];

	assert_text(m, made_ascii(m, "plain"), "plain");
	assert_text(m, made_ascii(m, ""), "");
	assert_text(m, made_ascii(m, "two\nlines"), "two?lines");
	assert_text(m, made_wide(m, latin, 3, 1), "a\xc3\xa4\xc3\xbf");
	assert_text(m, made_wide(m, two, 5, 2), "b\xce\xbb\xe2\x82\xac??");
	assert_text(m, made_wide(m, four, 4, 4), "\xf0\x9f\x90\x8d" "c??");
	assert_true(py_string(&m->py, made_wide(m, two, 5, 2), buf, 6)); /* cut between characters */
	assert_string_equal(buf, "b\xce\xbb");
	/* a subclass of str: its characters lie elsewhere */
	made_put(m, at, "else", 4);
	made_u64(m, sub + (uint64_t)m->o.us_length, 4);
	made_u32(m, sub + (uint64_t)m->o.us_state, 1 << 2 | 1 << 6);
	made_u64(m, sub + (uint64_t)m->o.us_compact, at);
	assert_text(m, sub, "else");
	assert_true(py_string_is(&m->py, sub, "else"));
	assert_false(py_string_is(&m->py, sub, "els"));
	assert_false(py_string_is(&m->py, made_wide(m, latin, 3, 1), "a"));
}

static void strings(void **state)
{
	(void)state;
	on_all(strings_of);
}

static void bad_strings_of(struct made *m)
{
	uint64_t s = made_ascii(m, "x");
	char buf[16] = "kept";

	assert_false(py_string(&m->py, 0, buf, sizeof buf));
	assert_string_equal(buf, "");
	assert_false(py_string(&m->py, made_int(m, 5), buf, sizeof buf));
	assert_false(py_string(&m->py, s + 1, buf, sizeof buf));
	assert_null(py_text(&m->py, MADE_BASE + MADE_SIZE));
	made_u64(m, s + (uint64_t)m->o.us_length, UINT64_MAX);
	assert_false(py_string(&m->py, s, buf, sizeof buf));
	made_u64(m, s + (uint64_t)m->o.us_length, INT32_MAX); /* longer than memory: no more is asked for than fits */
	assert_true(py_string(&m->py, s, buf, sizeof buf));
	made_u32(m, s + (uint64_t)m->o.us_state, 0); /* kind 0 */
	assert_false(py_string(&m->py, s, buf, sizeof buf));
}

static void bad_strings(void **state)
{
	(void)state;
	on_all(bad_strings_of);
}

static void numbers_of(struct made *m)
{
	static const int64_t values[] = {0, 1, -1, 1 << 30, -(1 << 30), INT64_C(1) << 60, INT64_MAX, INT64_MIN, 4711};
	uint64_t large = made_object(m, m->integer, 64), real = made_object(m, made_type(m, "float", 0), 32);
	double d = 0.125, got;
	int64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_true(py_int(&m->py, made_int(m, values[i]), &value));
		assert_true(value == values[i]);
	}
	made_u64(m, large + 16, m->minor >= 12 ? 3 << 3 : 3);
	made_u32(m, large + 32, 16); /* 2^64 */
	assert_false(py_int(&m->py, large, &value));
	made_u64(m, large + 16, UINT64_MAX / 2);
	assert_false(py_int(&m->py, large, &value));
	assert_false(py_int(&m->py, made_ascii(m, "1"), &value));
	made_put(m, real + 16, &d, sizeof d);
	assert_true(py_float(&m->py, real, &got));
	assert_true(got == d);
	assert_false(py_float(&m->py, made_int(m, 1), &got));
}

static void numbers(void **state)
{
	(void)state;
	on_all(numbers_of);
}

static size_t count(struct made *m, uint64_t obj)
{
	struct py_iter it = py_iter(&m->py, obj);
	size_t n = 0;

	while (py_next(&m->py, &it))
		n++;
	return n;
}

static void sequences_of(struct made *m)
{
	uint64_t items[3] = {made_int(m, 1), made_int(m, 2), made_int(m, 3)};
	uint64_t both[] = {made_tuple(m, items, 3), made_list(m, items, 3)};

	for (size_t k = 0; k < ARRAY_SIZE(both); k++) {
		struct py_iter it = py_iter(&m->py, both[k]);

		assert_int_equal(py_length(&m->py, both[k]), 3);
		for (size_t i = 0; i < 3; i++) {
			assert_true(py_item(&m->py, both[k], i) == items[i]);
			assert_true(py_next(&m->py, &it));
			assert_true(it.value == items[i] && !it.key);
		}
		assert_false(py_next(&m->py, &it));
		assert_int_equal(py_item(&m->py, both[k], 3), 0);
		made_u64(m, both[k] + 16, UINT64_MAX); /* a length that nobody has: bounded, and over where memory is */
		assert_true(count(m, both[k]) <= MADE_SIZE / 8);
	}
	assert_int_equal(count(m, made_tuple(m, NULL, 0)), 0);
	assert_int_equal(count(m, items[0]), 0);
	assert_int_equal(count(m, 0), 0);
}

static void sequences(void **state)
{
	(void)state;
	on_all(sequences_of);
}

static void sets_of(struct made *m)
{
	uint64_t set = made_object(m, m->set, 64), table = made_room(m, 8 * 16), a = made_int(m, 1), b = made_int(m, 2);
	struct py_iter it;

	made_u64(m, set + 32, 7);
	made_u64(m, set + 40, table);
	made_u64(m, table + 16, a);
	made_u64(m, table + 24, 1);
	made_u64(m, table + 64, m->type_type); /* was taken out: a dummy with hash -1 */
	made_u64(m, table + 72, UINT64_MAX);
	made_u64(m, table + 112, b);
	it = py_iter(&m->py, set);
	assert_true(py_next(&m->py, &it) && it.key == a);
	assert_true(py_next(&m->py, &it) && it.key == b);
	assert_false(py_next(&m->py, &it));
	made_u64(m, set + 32, UINT64_MAX);
	assert_int_equal(count(m, set), 0);
}

static void sets(void **state)
{
	(void)state;
	on_all(sets_of);
}

static void dicts_of(struct made *m)
{
	static const char *const keys[] = {"a", "gone", NULL, "name"};
	uint64_t values[] = {made_int(m, 1), 0, made_int(m, 2), made_int(m, 3)};

	for (int kind = 0; kind < 3; kind++) {
		uint64_t dict = made_dict(m, keys, values, ARRAY_SIZE(keys), kind == 1, kind == 2);

		assert_true(py_dict_get(&m->py, dict, "a") == values[0]);
		assert_true(py_dict_get(&m->py, dict, "name") == values[3]);
		assert_int_equal(py_dict_get(&m->py, dict, "gone"), 0);
		assert_int_equal(py_dict_get(&m->py, dict, "other"), 0);
		assert_int_equal(count(m, dict), 2);
	}
	assert_int_equal(py_dict_get(&m->py, values[0], "a"), 0);
}

static void dicts(void **state)
{
	(void)state;
	on_all(dicts_of);
}

static void torn_dicts_of(struct made *m)
{
	static const char *const keys[] = {"a"};
	uint64_t value = made_int(m, 1), dict = made_dict(m, keys, &value, 1, false, false);
	uint64_t at = made_keys(m, keys, &value, 1, false);

	made_u64(m, dict + (uint64_t)m->o.di_keys, at);
	made_u64(m, at + (uint64_t)m->o.dk_nentries, UINT64_MAX);
	assert_true(py_dict_get(&m->py, dict, "a") == value);
	assert_true(count(m, dict) <= MADE_SIZE / 16);
	if (m->minor >= 11)
		made_u8(m, at + (uint64_t)m->o.dk_log2_idx, 255);
	else
		made_u64(m, at + (uint64_t)m->o.dk_log2_size, UINT64_MAX);
	assert_int_equal(py_dict_get(&m->py, dict, "a"), 0);
	made_u64(m, dict + (uint64_t)m->o.di_keys, 0);
	assert_int_equal(count(m, dict), 0);
}

static void torn_dicts(void **state)
{
	(void)state;
	on_all(torn_dicts_of);
}

/** Give CLASS a slot NAME at OFFSET. */
static void add_slot(struct made *m, uint64_t class, const char *name, uint64_t offset, uint32_t kind)
{
	uint64_t member = made_object(m, m->member, 64), def = made_room(m, 64);

	made_u64(m, member + 40, def);
	made_u32(m, def + 8, kind);
	made_u64(m, def + 16, offset);
	made_u64(m, class + (uint64_t)m->o.tp_dict, made_dict(m, &name, &member, 1, false, false));
}

static void slots_of(struct made *m)
{
	uint64_t base = made_type(m, "Base", 0), class = made_type(m, "Task", 0), mro[] = {class, base};
	uint64_t value = made_int(m, 7), obj;

	add_slot(m, base, "coro", 40, 16);
	made_u64(m, class + (uint64_t)m->o.tp_mro, made_tuple(m, mro, 2));
	obj = made_object(m, class, 64);
	made_u64(m, obj + 40, value);
	assert_true(py_attr(&m->py, obj, "coro") == value);
	assert_int_equal(py_attr(&m->py, obj, "other"), 0);
	assert_true(py_base_named(&m->py, class, "Base") == base);
	assert_int_equal(py_base_named(&m->py, class, "int"), 0);
	assert_true(py_is_type(&m->py, py_class_attr(&m->py, obj, "coro"), "member_descriptor"));
	add_slot(m, base, "coro", 40, 1); /* T_INT: no object */
	assert_int_equal(py_attr(&m->py, obj, "coro"), 0);
}

static void slots(void **state)
{
	(void)state;
	on_all(slots_of);
}

static void at_dictoffset_of(struct made *m)
{
	static const char *const keys[] = {"_name"};
	uint64_t class = made_type(m, "Thread", 0), inner = made_ascii(m, "T-1"), obj = made_object(m, class, 64), other;

	made_u64(m, class + (uint64_t)m->o.tp_dictoffset, 16);
	made_u64(m, obj + 16, made_dict(m, keys, &inner, 1, true, false));
	assert_text(m, py_attr(&m->py, obj, "_name"), "T-1");
	other = made_object(m, class, 64);
	made_u64(m, other + 16, made_dict(m, (const char *const[]){"next"}, &obj, 1, false, false));
	assert_text(m, py_attr_path(&m->py, other, "next._name"), "T-1");
	assert_int_equal(py_attr_path(&m->py, other, "next.none._name"), 0);
	/* counted from the end: two items of 8 bytes */
	made_u64(m, class + (uint64_t)m->o.tp_dictoffset, (uint64_t)-8);
	made_u64(m, class + (uint64_t)m->o.tp_basicsize, 40);
	made_u64(m, class + (uint64_t)m->o.tp_basicsize + 8, 8);
	made_u64(m, obj + 16, 2);
	made_u64(m, obj + 48, made_dict(m, keys, &inner, 1, false, false));
	assert_text(m, py_attr(&m->py, obj, "_name"), "T-1");
	made_u64(m, obj + 16, (uint64_t)INT64_MIN);
	assert_int_equal(py_attr(&m->py, obj, "_name"), 0);
}

static void at_dictoffset(void **state)
{
	(void)state;
	on_all(at_dictoffset_of);
}

static void managed_of(struct made *m)
{
	static const char *const keys[] = {"_x", "_name"};
	uint64_t class, values[] = {0, made_ascii(m, "inside")}, obj, inside = 0;

	if (m->minor < 11)
		return;
	class = made_type(m, "Thread", 4);
	made_u64(m, class + (uint64_t)m->o.tp_basicsize, 16);
	made_u64(m, class + (uint64_t)m->o.ht_cached_keys, made_keys(m, keys, NULL, 2, false));
	obj = made_object(m, class, 128);
	if (m->minor >= 13) {
		made_flag(m, class, 2);
		inside = obj + 16;
		made_u8(m, inside + 3, 1);
		made_put(m, inside + 8, values, sizeof values);
	} else {
		inside = made_room(m, 64);
		made_put(m, inside, values, sizeof values);
		made_u64(m, obj - (m->minor == 11 ? 32 : 24), m->minor == 11 ? inside : inside - 1);
	}
	assert_text(m, py_attr(&m->py, obj, "_name"), "inside");
	assert_int_equal(py_attr(&m->py, obj, "_x"), 0);
	/* once somebody has asked for __dict__ */
	values[1] = made_ascii(m, "dict");
	if (m->minor == 11)
		made_u64(m, obj - 32, 0);
	made_u64(m, obj - 24, made_dict(m, keys, values, 2, false, false));
	assert_text(m, py_attr(&m->py, obj, "_name"), "dict");
}

static void managed(void **state)
{
	(void)state;
	on_all(managed_of);
}

static void names_of(struct made *m)
{
	uint64_t class = made_type(m, "Lock", 9), module = made_ascii(m, "multiprocessing.synchronize");
	uint64_t obj = made_object(m, class, 16);
	char buf[64];

	made_u64(m, class + (uint64_t)m->o.tp_dict, made_dict(m, (const char *const[]){"__module__"}, &module, 1, false, false));
	assert_true(py_full_type_name(&m->py, obj, buf, sizeof buf));
	assert_string_equal(buf, "multiprocessing.synchronize.Lock");
	assert_true(py_type_name(&m->py, obj, buf, 3));
	assert_string_equal(buf, "Lo");
	assert_true(py_is_type(&m->py, obj, "Lock"));
	assert_false(py_is_type(&m->py, obj, "Loc"));
	assert_true(py_full_type_name(&m->py, made_object(m, made_type(m, "_thread.lock", 9), 16), buf, sizeof buf));
	assert_string_equal(buf, "_thread.lock");
	assert_false(py_type_name(&m->py, MADE_BASE + MADE_SIZE, buf, sizeof buf));
	assert_string_equal(buf, "");
	assert_false(py_full_type_name(&m->py, 0, buf, sizeof buf));
	assert_true(py_is_none(&m->py, made_object(m, made_type(m, "NoneType", 0), 16)));
	assert_false(py_is_none(&m->py, obj));
}

static void names(void **state)
{
	(void)state;
	on_all(names_of);
}

static void others_of(struct made *m)
{
	uint64_t cell = made_object(m, m->cell, 32), value = made_int(m, 3), bytes = made_bytes(m, "abc", 3);
	char buf[8];
	size_t n;

	made_u64(m, cell + 16, value);
	assert_true(py_cell(&m->py, cell) == value);
	assert_int_equal(py_cell(&m->py, value), 0);
	assert_true(py_bytes(&m->py, bytes, buf, sizeof buf, &n));
	assert_int_equal(n, 3);
	assert_memory_equal(buf, "abc", 3);
	assert_false(py_bytes(&m->py, bytes, buf, 2, &n));
	assert_false(py_bytes(&m->py, cell, buf, sizeof buf, &n));
}

static void others(void **state)
{
	(void)state;
	on_all(others_of);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings), cmocka_unit_test(bad_strings), cmocka_unit_test(numbers), cmocka_unit_test(sequences),
		cmocka_unit_test(sets), cmocka_unit_test(dicts), cmocka_unit_test(torn_dicts), cmocka_unit_test(slots),
		cmocka_unit_test(at_dictoffset), cmocka_unit_test(managed), cmocka_unit_test(names), cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
