/* Lists, tuples, sets and dicts: Include/cpython/{listobject,tupleobject,setobject,dictobject}.h, pycore_dict.h (dict-common.h up
 * to 3.10).
 */
#include "python/state.h"

enum { SIZE_AT = 16, LIST_ITEMS = 24, SET_MASK = 32, SET_TABLE = 40, SET_ENTRY = 16, MOST_LOG2 = 40 };
/* 3.13 on: what ma_values points to begins with four bytes (capacity, size, embedded, valid), the values follow at +8. */
enum { VALUES_HEAD = 8 };

static bool is_set(struct python *py, uint64_t obj)
{
	return py_is_type(py, obj, "set") || py_is_type(py, obj, "frozenset");
}

size_t py_length(struct python *py, uint64_t obj)
{
	if (!py_is_kind(py, obj, PY_KIND_LIST) && !py_is_kind(py, obj, PY_KIND_TUPLE))
		return 0;

	uint64_t n = memory_u64(py->m, obj + SIZE_AT);

	return n < PY_MOST_ITEMS ? (size_t)n : PY_MOST_ITEMS;
}

static uint64_t items_of(struct python *py, uint64_t obj)
{
	if (py_is_kind(py, obj, PY_KIND_TUPLE))
		return obj + (uint64_t)py->o.tu_items;
	return memory_u64(py->m, obj + LIST_ITEMS);
}

uint64_t py_item(struct python *py, uint64_t obj, size_t i)
{
	uint64_t items = i < py_length(py, obj) ? items_of(py, obj) : 0;

	return items ? memory_u64(py->m, items + 8 * i) : 0;
}

/* Entries follow the table of indices, of which the width depends on its length. Up to 3.10 each entry has its hash (hash, key,
 * value); afterwards only those of dicts with keys other than str do (dk_kind 0). */
static struct py_iter keys_iter(struct python *py, uint64_t keys)
{
	struct py_iter it = {.stride = 24, .key_at = 8, .value_at = 16};
	uint64_t n = memory_u64(py->m, keys + (uint64_t)py->o.dk_nentries), indices;

	if (py->o.dk_log2_idx >= 0) {
		uint8_t log2 = memory_u8(py->m, keys + (uint64_t)py->o.dk_log2_idx);

		if (log2 > MOST_LOG2)
			return it;
		indices = UINT64_C(1) << log2;
		if (memory_u8(py->m, keys + (uint64_t)py->o.dk_kind))
			it.stride = 16, it.key_at = 0, it.value_at = 8;
	} else {
		uint64_t size = memory_u64(py->m, keys + (uint64_t)py->o.dk_log2_size);

		if (size >> MOST_LOG2)
			return it;
		indices = size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8);
	}
	it.at = keys + (uint64_t)py->o.dk_indices + indices;
	it.left = n < PY_MOST_ITEMS ? (size_t)n : PY_MOST_ITEMS;
	return it;
}

struct py_iter py_keys_iter(struct python *py, uint64_t keys, uint64_t values)
{
	struct py_iter it = {0};

	if (keys)
		it = keys_iter(py, keys);
	it.values = values;
	return it;
}

static struct py_iter dict_iter(struct python *py, uint64_t dict)
{
	uint64_t values = memory_u64(py->m, dict + (uint64_t)py->o.di_values);

	if (values && py->minor >= 13)
		values += VALUES_HEAD;
	return py_keys_iter(py, memory_u64(py->m, dict + (uint64_t)py->o.di_keys), values);
}

static struct py_iter set_iter(struct python *py, uint64_t set)
{
	uint64_t mask = memory_u64(py->m, set + SET_MASK), table = memory_u64(py->m, set + SET_TABLE);

	if (!table || mask >= PY_MOST_ITEMS)
		return (struct py_iter){0};
	return (struct py_iter){.at = table, .left = (size_t)mask + 1, .stride = SET_ENTRY, .key_at = 0, .value_at = -1};
}

struct py_iter py_iter(struct python *py, uint64_t obj)
{
	size_t n = py_length(py, obj);

	if (n)
		return (struct py_iter){.at = items_of(py, obj), .left = n, .stride = 8, .key_at = -1, .value_at = 0};
	if (py_is_kind(py, obj, PY_KIND_DICT))
		return dict_iter(py, obj);
	return is_set(py, obj) ? set_iter(py, obj) : (struct py_iter){0};
}

/** One entry into IT. @return false: it can't be read. */
static bool read_entry(struct python *py, struct py_iter *it)
{
	uint64_t words[3] = {0};

	if (!memory_read(py->m, it->at, words, it->stride))
		return false;
	it->key = it->key_at >= 0 ? words[it->key_at / 8] : 0;
	it->value = it->value_at >= 0 ? words[it->value_at / 8] : 0;
	/* setobject.c: what was taken out of a set leaves an entry with a hash that no object has. */
	if (it->stride == SET_ENTRY && it->value_at < 0 && words[1] == UINT64_MAX)
		it->key = 0;
	if (it->values) {
		if (!memory_read(py->m, it->values, &it->value, sizeof it->value))
			return false;
		it->values += 8;
	}
	it->at += it->stride;
	return true;
}

bool py_next(struct python *py, struct py_iter *it)
{
	while (it->left) {
		it->left--;
		if (!read_entry(py, it)) {
			it->left = 0;
			return false;
		}
		if ((it->key_at < 0 || it->key) && (it->value_at < 0 || it->value))
			return true;
	}
	return false;
}

uint64_t py_find_key(struct python *py, struct py_iter it, const char *key)
{
	/* Of a class, an object, sys.modules; and dozens of classes may be asked for one attribute. */
	if (it.left > PY_MOST_KEYS)
		it.left = PY_MOST_KEYS;
	while (py_next(py, &it))
		if (py_string_is(py, it.key, key))
			return it.value;
	return 0;
}

uint64_t py_dict_get(struct python *py, uint64_t dict, const char *key)
{
	return py_is_kind(py, dict, PY_KIND_DICT) ? py_find_key(py, dict_iter(py, dict), key) : 0;
}
