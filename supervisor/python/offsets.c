/* Which layout an interpreter has: a row by its minor version, and from 3.13 on its own word on what it knows of itself. */
#include "base/base.h"
#include "python/table.h"

/* clang-format off */
/* Where the block has a field, by minor version (13, 14, 15): number of the 64-bit word, 0: it has none. From the order of the
 * members of _Py_DebugOffsets: pycore_runtime.h of 3.13.0, pycore_debug_offsets.h of 3.14.10 and 3.15.2. */
enum { FIRST_MINOR = 13, LAST_MINOR = 15, MINORS = LAST_MINOR - FIRST_MINOR + 1 };
static const uint8_t words_of[MINORS] = {73, 95, 111};
struct place {
	size_t field; /* in struct py_offsets */
	uint8_t word[MINORS];
};
#define AT(field, ...) {offsetof(struct py_offsets, field), {__VA_ARGS__}}
static const struct place places[] = {
	AT(rt_size, 3, 3, 3), AT(rt_interp_head, 5, 5, 5),
	AT(is_id, 7, 7, 7), AT(is_next, 8, 8, 8), AT(is_threads_head, 9, 9, 9), AT(is_modules, 11, 12, 12),
	AT(is_gil, 14, 15, 15),
	AT(ts_next, 21, 24, 24), AT(ts_interp, 22, 25, 25), AT(ts_frame, 23, 26, 26),
	AT(ts_thread_id, 24, 27, 30), AT(ts_native_id, 25, 28, 31),
	AT(fr_back, 29, 32, 40), AT(fr_code, 30, 33, 41), AT(fr_instr, 31, 34, 42), AT(fr_locals, 32, 35, 43),
	AT(fr_owner, 33, 36, 44),
	AT(fr_stacktop, 0, 37, 45),
	AT(co_filename, 35, 40, 48), AT(co_name, 36, 41, 49), AT(co_qualname, 37, 42, 50), AT(co_lines, 38, 43, 51),
	AT(co_firstlineno, 39, 44, 52), AT(co_varnames, 41, 46, 54), AT(co_code, 43, 48, 56),
	AT(ob_type, 45, 51, 59), AT(tp_name, 47, 53, 61), AT(tp_flags, 49, 55, 63),
	AT(tp_dictoffset, 0, 0, 65), AT(ht_cached_keys, 0, 0, 67),
	AT(tu_items, 51, 57, 69), AT(di_keys, 57, 67, 79), AT(di_values, 58, 68, 80), AT(by_size, 65, 75, 87),
	AT(by_data, 66, 76, 88),
	AT(us_state, 68, 78, 90), AT(us_length, 69, 79, 91), AT(us_ascii, 70, 80, 92), AT(us_compact, 0, 0, 93),
	AT(gen_iframe, 0, 85, 101), AT(gen_state, 0, 86, 102),
};
/* The interpreter tells where its own GIL struct has the two; is_gil is a pointer, which a sub-interpreter has to another's. */
static const struct { uint8_t base, locked, holder; } gil_words[MINORS] = {{15, 17, 18}, {16, 18, 19}, {16, 18, 19}};
/* clang-format on */

static int minor_of(uint32_t hex)
{
	return hex >> 16 & 255;
}

const struct py_offsets *py_offsets_of(int minor)
{
	for (size_t i = 0; i < ARRAY_SIZE(py_rows); i++)
		if (minor_of(py_rows[i].hex) == minor)
			return &py_rows[i];
	return NULL;
}

size_t py_block_words(uint32_t hex)
{
	int minor = minor_of(hex);

	return hex >> 24 == 3 && minor >= FIRST_MINOR && minor <= LAST_MINOR ? words_of[minor - FIRST_MINOR] : 0;
}

bool py_block_overlay(uint32_t hex, const uint64_t *block, struct py_offsets *o)
{
	if (!py_block_words(hex))
		return false;

	int column = minor_of(hex) - FIRST_MINOR;
	uint64_t gil = block[gil_words[column].base];
	uint64_t locked = block[gil_words[column].locked] - gil, holder = block[gil_words[column].holder] - gil;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint64_t value = block[places[i].word[column]];

		if (!places[i].word[column])
			continue;
		if (value >= PY_MOST_OFFSET)
			return false;
		*(int *)(void *)((char *)o + places[i].field) = (int)value;
	}
	if (locked >= PY_MOST_OFFSET || holder >= PY_MOST_OFFSET)
		return false;
	o->gil_locked = (int)locked;
	o->gil_holder = (int)holder;
	return true;
}
