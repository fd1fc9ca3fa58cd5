/* Attributes, without running anything: slots, inline values, dicts. */
#include <string.h>

#include "python/state.h"

enum { FLAG_INLINE_VALUES = 2, FLAG_MANAGED_DICT = 4 }; /* object.h: Py_TPFLAGS_*; the first from 3.13 on */
/* In front of the object, in front of its GC head: pycore_object.h, MANAGED_DICT_OFFSET. 3.11 has the values at -32 beside it. */
enum { MANAGED_DICT = 24, MANAGED_VALUES_311 = 32 };
/* descrobject.h: PyMemberDescrObject.d_member; PyMemberDef {name, int type, Py_ssize_t offset}; and T_OBJECT, T_OBJECT_EX. */
enum { MEMBER_DEF = 40, DEF_TYPE = 8, DEF_OFFSET = 16, T_PLAIN_OBJECT = 6, T_OBJECT_OR_ERROR = 16 };
enum { VALUES_VALID = 3, VALUES_HEAD = 8 }; /* pycore_dict.h: struct _dictvalues from 3.13 on */
enum { SIZE_AT = 16, MOST_SIZE = 1 << 24 };

static uint64_t at(struct python *py, uint64_t object, int offset)
{
	return memory_u64(py->m, object + (uint64_t)(int64_t)offset);
}

/** The classes of TYPE's mro from I on that have NAME in their dict. @return what they have; *I: the next to look at. */
static uint64_t in_classes(struct python *py, uint64_t type, const char *name, size_t *i)
{
	uint64_t mro = type ? at(py, type, py->o.tp_mro) : 0;
	size_t n = py_length(py, mro);

	while (*i < n && *i < PY_MOST_BASES) {
		uint64_t base = py_item(py, mro, (*i)++);
		uint64_t found = base ? py_dict_get(py, at(py, base, py->o.tp_dict), name) : 0;

		if (found)
			return found;
	}
	return 0;
}

uint64_t py_class_attr(struct python *py, uint64_t obj, const char *name)
{
	size_t i = 0;

	return in_classes(py, py_type(py, obj), name, &i);
}

uint64_t py_base_named(struct python *py, uint64_t type, const char *name)
{
	uint64_t mro = type ? at(py, type, py->o.tp_mro) : 0;
	size_t n = py_length(py, mro);
	char is[96];

	for (size_t i = 0; i < n && i < PY_MOST_BASES; i++) {
		uint64_t base = py_item(py, mro, i);

		if (py_name_of_type(py, base, is, sizeof is) && strcmp(is, name) == 0)
			return base;
	}
	return 0;
}

/** A slot of any class. *KNOWN: there is such a slot, be it empty. */
static uint64_t by_slot(struct python *py, uint64_t obj, uint64_t type, const char *name, bool *known)
{
	size_t i = 0;

	*known = false;
	for (uint64_t found; (found = in_classes(py, type, name, &i));) {
		if (!py_is_type(py, found, "member_descriptor"))
			continue;

		uint64_t def = memory_u64(py->m, found + MEMBER_DEF), offset = def ? memory_u64(py->m, def + DEF_OFFSET) : 0;
		uint32_t kind = def ? memory_u32(py->m, def + DEF_TYPE) : 0;

		*known = true;
		if ((kind != T_PLAIN_OBJECT && kind != T_OBJECT_OR_ERROR) || !offset || offset > MOST_SIZE)
			return 0;
		return memory_u64(py->m, obj + offset);
	}
	return 0;
}

/** Where an object of a class with a managed dict has its attributes: a dict, or values by the keys of its class. */
static uint64_t managed(struct python *py, uint64_t obj, uint64_t type, uint64_t flags, uint64_t *values)
{
	uint64_t dict = memory_u64(py->m, obj - MANAGED_DICT);

	if (py->minor == 11) {
		*values = memory_u64(py->m, obj - MANAGED_VALUES_311);
		return *values ? 0 : dict;
	}
	if (py->minor == 12) { /* PyDictOrValues: one less than the address of values */
		if (!(dict & 1))
			return dict;
		*values = dict + 1;
		return 0;
	}
	if (dict || !(flags >> FLAG_INLINE_VALUES & 1))
		return dict;

	uint64_t inside = obj + at(py, type, py->o.tp_basicsize);

	if (memory_u8(py->m, inside + VALUES_VALID))
		*values = inside + VALUES_HEAD;
	return 0;
}

static bool sane(int64_t size)
{
	return size >= -MOST_SIZE && size <= MOST_SIZE;
}

/** At tp_dictoffset; a negative one counts from the end of an object of variable size (_PyObject_GetDictPtr() in object.c). */
static uint64_t dict_at_offset(struct python *py, uint64_t obj, uint64_t type)
{
	int64_t offset = (int64_t)at(py, type, py->o.tp_dictoffset);

	if (offset < 0) {
		int64_t n = (int64_t)memory_u64(py->m, obj + SIZE_AT), basic = (int64_t)at(py, type, py->o.tp_basicsize);
		int64_t item = (int64_t)at(py, type, py->o.tp_basicsize + 8);

		if (!sane(n) || !sane(item) || !sane(basic) || !sane(offset))
			return 0;
		offset += (basic + (n < 0 ? -n : n) * (item < 0 ? 0 : item) + 7) / 8 * 8;
	}
	return offset > 0 && offset < INT32_MAX ? memory_u64(py->m, obj + (uint64_t)offset) : 0;
}

uint64_t py_attr(struct python *py, uint64_t obj, const char *name)
{
	uint64_t type = py_type(py, obj), values = 0, dict;
	bool known;

	if (!type)
		return 0;

	uint64_t found = by_slot(py, obj, type, name, &known), flags = at(py, type, py->o.tp_flags);

	if (known)
		return found;
	if (py->minor >= 11 && flags >> FLAG_MANAGED_DICT & 1)
		dict = managed(py, obj, type, flags, &values);
	else
		dict = dict_at_offset(py, obj, type);
	if (values)
		return py_find_key(py, py_keys_iter(py, at(py, type, py->o.ht_cached_keys), values), name);
	return py_dict_get(py, dict, name);
}

uint64_t py_attr_path(struct python *py, uint64_t obj, const char *path)
{
	while (obj && *path) {
		char name[64];
		size_t n = strcspn(path, ".");

		if (n >= sizeof name)
			return 0;
		memcpy(name, path, n);
		name[n] = '\0';
		obj = py_attr(py, obj, name);
		path += n + (path[n] == '.');
	}
	return obj;
}
