/* What a frame holds: local variables, and the values on its stack. */
#include "python/state.h"

/* cpython/frameobject.h, code.h of 3.8 to 3.10: PyTryBlock {int type, handler, level}; CO_MAXBLOCKS */
enum { BLOCK_SIZE = 12, BLOCK_LEVEL = 8, MOST_BLOCKS = 20 };

uint64_t py_local_at(struct python *py, const struct py_frame *f, int i)
{
	return i >= 0 && i < f->nlocals ? py_untag(py, memory_u64(py->m, f->locals + 8 * (uint64_t)i)) : 0;
}

/** Where NAME is in the tuple NAMES; -1: nowhere. */
static long name_at(struct python *py, uint64_t names, const char *name)
{
	size_t n = py_length(py, names);

	for (size_t i = 0; i < n && i < PY_MOST_LOCALS; i++)
		if (py_string_is(py, py_item(py, names, i), name))
			return (long)i;
	return -1;
}

/* Up to 3.10 variables, cells and free variables have names of their own, in this order; a parameter that became a cell is in the
 * first two, and only its cell is filled. Afterwards one tuple has all. */
static long slot_of(struct python *py, const struct py_frame *f, const char *name)
{
	uint64_t vars = memory_u64(py->m, f->code + (uint64_t)py->o.co_varnames), cells, frees;
	long at;

	if (py->minor > 10)
		return name_at(py, vars, name);
	cells = memory_u64(py->m, f->code + (uint64_t)py->o.co_ncell);
	frees = memory_u64(py->m, f->code + (uint64_t)py->o.co_nfree);
	if ((at = name_at(py, cells, name)) >= 0)
		return (long)py_length(py, vars) + at;
	if ((at = name_at(py, frees, name)) >= 0)
		return (long)(py_length(py, vars) + py_length(py, cells)) + at;
	return name_at(py, vars, name);
}

uint64_t py_local(struct python *py, const struct py_frame *f, const char *name)
{
	uint64_t value = py_local_at(py, f, (int)slot_of(py, f, name));

	return py_is_type(py, value, "cell") ? py_cell(py, value) : value;
}

uint64_t py_stack_at(struct python *py, const struct py_frame *f, size_t i)
{
	return f->stack ? py_untag(py, memory_u64(py->m, f->stack + 8 * i)) : 0;
}

size_t py_stack_size(struct python *py, const struct py_frame *f)
{
	uint32_t n = memory_u32(py->m, f->code + (uint64_t)py->o.co_stacksize);

	return n < PY_MOST_LOCALS ? n : PY_MOST_LOCALS;
}

/** Big end first, six bits a byte, bit 6: more follow. */
static bool next_number(const uint8_t *table, size_t size, size_t *i, uint32_t *out)
{
	uint8_t byte;

	*out = 0;
	for (int n = 0; n < 6; n++) {
		if (*i >= size)
			return false;
		byte = table[(*i)++];
		*out = *out << 6 | (byte & 63);
		if (!(byte & 64))
			return true;
	}
	return false;
}

bool py_exception_block(const uint8_t *table, size_t size, int offset, struct py_block *out)
{
	uint32_t unit = offset < 0 ? 0 : (uint32_t)offset / 2;
	bool found = false;

	for (size_t i = 0; i < size;) {
		uint32_t v[4]; /* start, length, target, depth << 1 | whether the instruction is kept, too */

		for (int k = 0; k < 4; k++)
			if (!next_number(table, size, &i, &v[k]))
				return false;
		if (unit < v[0] || unit - v[0] >= v[1])
			continue;
		*out = (struct py_block){.handler = v[2] < PY_MOST_TABLE ? (int)v[2] * 2 : -1, .depth = v[3] >> 1, .keeps = v[3] & 1};
		found = true;
	}
	return found;
}

size_t py_exception_depth(const uint8_t *table, size_t size, int offset)
{
	struct py_block block;

	return py_exception_block(table, size, offset, &block) ? block.depth : 0;
}

size_t py_exception_table(struct python *py, const struct py_frame *f, uint8_t **out)
{
	uint64_t bytes = memory_u64(py->m, f->code + (uint64_t)py->o.co_exctable), size;

	*out = NULL;
	if (!bytes || !memory_read(py->m, bytes + (uint64_t)py->o.by_size, &size, sizeof size) || !size || size > PY_MOST_TABLE)
		return 0;
	*out = mem_alloc((size_t)size);
	if (memory_read(py->m, bytes + (uint64_t)py->o.by_data, *out, (size_t)size))
		return (size_t)size;
	mem_free(*out);
	*out = NULL;
	return 0;
}

static size_t live_by_blocks(struct python *py, const struct py_frame *f)
{
	uint32_t n = memory_u32(py->m, f->address + (uint64_t)py->o.fr_iblock);

	if (!n || n > MOST_BLOCKS)
		return 0;
	return memory_u32(py->m, f->address + (uint64_t)py->o.fr_blocks + (n - 1) * BLOCK_SIZE + BLOCK_LEVEL);
}

static size_t live_by_table(struct python *py, const struct py_frame *f)
{
	uint8_t *table;
	size_t size = py_exception_table(py, f, &table), depth = py_exception_depth(table, size, f->offset);

	mem_free(table);
	return depth;
}

size_t py_stack_live(struct python *py, const struct py_frame *f)
{
	size_t live = py->minor <= 10 ? live_by_blocks(py, f) : live_by_table(py, f);

	return live <= py_stack_size(py, f) ? live : 0; /* a torn table */
}

bool py_stack_depth(struct python *py, const struct py_frame *f, size_t *depth)
{
	uint64_t at = f->address + (uint64_t)py->o.fr_stacktop, used;

	if (py->minor == 10) {
		used = (uint64_t)(int64_t)(int32_t)memory_u32(py->m, at);
	} else if (py->minor <= 9 || py->minor >= 14) {
		uint64_t top = memory_u64(py->m, at);

		if (!top || top < f->stack || (top - f->stack) % 8)
			return false;
		used = (top - f->stack) / 8;
	} else {
		used = (uint64_t)((int64_t)(int32_t)memory_u32(py->m, at) - f->nlocals);
	}
	if (used > py_stack_size(py, f)) /* -1 while it runs, too */
		return false;
	*depth = (size_t)used;
	return true;
}
