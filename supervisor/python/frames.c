/* Frames, from the innermost outward. */
#include <string.h>

#include "python/state.h"

enum { HEAD = 128, MOST_MARKS = 16, MOST_CODE = 1 << 28 };
enum { OWNER_MARK = 3, OWNER_LAST = 4 }; /* pycore_frame.h: enum _frameowner. 3 and 4 have no code: the loop was entered there */

static uint64_t word(const uint8_t *head, int at)
{
	uint64_t v;

	memcpy(&v, head + at, sizeof v);
	return v;
}

static int32_t half(const uint8_t *head, int at)
{
	int32_t v;

	memcpy(&v, head + at, sizeof v);
	return v;
}

uint64_t py_untag(const struct python *py, uint64_t ref)
{
	if (py->minor < 14)
		return ref;
	return (ref & 3) == 3 ? 0 : ref & ~UINT64_C(3);
}

/** Bytes of a frame up to the last field that is asked for here: it may be the last one of a page. */
static size_t head_size(const struct python *py)
{
	if (py->minor <= 10)
		return (size_t)py->o.fr_instr + 4;
	return (size_t)(py->o.fr_owner > py->o.fr_is_entry ? py->o.fr_owner : py->o.fr_is_entry) + 1;
}

static bool is_code(struct python *py, uint64_t code)
{
	if (!code)
		return false;
	if (!py->code_type && py_is_type(py, code, "code"))
		py->code_type = py_type(py, code);
	return py->code_type && py_type(py, code) == py->code_type;
}

/** The names that up to 3.10 follow the variables: cells and free variables. */
static int cells_of(struct python *py, uint64_t code)
{
	size_t n = py_length(py, memory_u64(py->m, code + (uint64_t)py->o.co_ncell)) +
		   py_length(py, memory_u64(py->m, code + (uint64_t)py->o.co_nfree));

	return n <= PY_MOST_LOCALS ? (int)n : -1;
}

static bool measure(struct python *py, struct py_frame *f)
{
	uint32_t n = memory_u32(py->m, f->code + (uint64_t)py->o.co_nlocals);
	int cells = py->minor <= 10 ? cells_of(py, f->code) : 0;

	if (n > PY_MOST_LOCALS || cells < 0)
		return false;
	f->nlocals = (int)n + cells;
	if (py->minor > 10)
		f->stack = f->locals + 8 * (uint64_t)f->nlocals;
	return true;
}

static bool place(const struct python *py, struct py_frame *f, const uint8_t *head)
{
	if (py->minor <= 10) {
		int64_t unit = py->minor == 10 ? 2 : 1, offset = half(head, py->o.fr_instr) * unit;

		f->stack = word(head, py->o.fr_valuestack);
		f->offset = (int)offset;
		return offset >= -2 && offset < MOST_CODE;
	}

	int64_t offset = (int64_t)(word(head, py->o.fr_instr) - (f->code + (uint64_t)py->o.co_code));

	f->offset = (int)offset;
	return offset >= -2 && offset < MOST_CODE;
}

/** Is the frame that F returns to a mark, or none? */
static bool at_entry(struct python *py, const struct py_frame *f, const uint8_t *head)
{
	if (py->minor <= 10)
		return true; /* each call of a Python function is one of the loop */
	if (py->minor == 11)
		return head[py->o.fr_is_entry] & 1;
	return !f->back || memory_u8(py->m, f->back + (uint64_t)py->o.fr_owner) >= OWNER_MARK;
}

bool py_frame_open(struct python *py, uint64_t address, struct py_frame *out)
{
	uint8_t head[HEAD];
	size_t size = head_size(py);

	*out = (struct py_frame){.address = address};
	if (!address || address % 8 || size > sizeof head || !memory_read(py->m, address, head, size))
		return false;
	out->back = word(head, py->o.fr_back);
	if (py->o.fr_owner >= 0) {
		out->owner = head[py->o.fr_owner];
		if (out->owner > OWNER_LAST)
			return false;
		out->mark = py->minor >= 12 && out->owner >= OWNER_MARK;
		if (out->mark)
			return true;
	}
	out->code = py_untag(py, word(head, py->o.fr_code));
	out->locals = address + (uint64_t)py->o.fr_locals;
	if (!is_code(py, out->code) || !place(py, out, head) || !measure(py, out))
		return false;
	out->entry = at_entry(py, out, head);
	return true;
}

bool py_frame_from(struct python *py, uint64_t address, struct py_frame *out, const char **why)
{
	for (int marks = 0; address; marks++) {
		if (marks == MOST_MARKS || !py_frame_open(py, address, out)) {
			if (why)
				*why = "the chain of its frames breaks off";
			return false;
		}
		if (!out->mark)
			return true;
		address = out->back;
	}
	return false;
}

bool py_frame_outer(struct python *py, const struct py_frame *f, struct py_frame *out, const char **why)
{
	return py_frame_from(py, f->back, out, why);
}

int py_frame_line(struct python *py, const struct py_frame *f)
{
	uint8_t small[2048], *table = small;
	int first = (int)memory_u32(py->m, f->code + (uint64_t)py->o.co_firstlineno), line = 0;
	uint64_t bytes = memory_u64(py->m, f->code + (uint64_t)py->o.co_lines), size;

	if (!bytes || !memory_read(py->m, bytes + (uint64_t)py->o.by_size, &size, sizeof size) || size > PY_MOST_TABLE)
		return 0;
	if (size > sizeof small)
		table = mem_alloc((size_t)size);
	if (memory_read(py->m, bytes + (uint64_t)py->o.by_data, table, (size_t)size))
		line = py_line(py->minor, first, table, (size_t)size, f->offset);
	if (table != small)
		mem_free(table);
	return line;
}

const char *py_frame_function(struct python *py, const struct py_frame *f)
{
	int at = py->o.co_qualname >= 0 ? py->o.co_qualname : py->o.co_name;

	return py_text(py, memory_u64(py->m, f->code + (uint64_t)at));
}

const char *py_frame_file(struct python *py, const struct py_frame *f)
{
	return py_text(py, memory_u64(py->m, f->code + (uint64_t)py->o.co_filename));
}

uint64_t py_frame_globals(struct python *py, const struct py_frame *f)
{
	return py_untag(py, memory_u64(py->m, f->address + (uint64_t)py->o.fr_globals));
}

struct python_frame py_frame_tell(struct python *py, const struct py_frame *f)
{
	return (struct python_frame){
		.address = f->address,
		.code = f->code,
		.function = py_frame_function(py, f),
		.file = py_frame_file(py, f),
		.line = py_frame_line(py, f),
		.entry = f->entry,
	};
}

bool py_frame_is(struct python *py, const struct py_frame *f, const char *file, const char *function)
{
	char path[PY_TEXT];
	size_t n = strlen(file), len;

	if (!py_string_is(py, memory_u64(py->m, f->code + (uint64_t)py->o.co_name), function) ||
	    !py_string(py, memory_u64(py->m, f->code + (uint64_t)py->o.co_filename), path, sizeof path))
		return false;
	len = strlen(path);
	return len >= n && strcmp(path + len - n, file) == 0;
}

size_t python_frames(struct python *py, uint64_t frame, struct python_frame *out, size_t most, const char **why)
{
	struct py_frame f;
	size_t n = 0;

	*why = NULL;
	for (bool more = py_frame_from(py, frame, &f, why); more; more = py_frame_outer(py, &f, &f, why)) {
		if (n == most) {
			*why = arena_printf(py->arena, "it has more frames: the innermost %zu are shown", most);
			break;
		}
		out[n++] = py_frame_tell(py, &f);
	}
	return n;
}
