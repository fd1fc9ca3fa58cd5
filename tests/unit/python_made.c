#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "python_made.h"

/* ---- memory ---- */

static size_t fetch(void *who, uint64_t address, void *buf, size_t n)
{
	struct made *m = who;
	size_t got = 0;

	for (; got < n; got++, address += MEMORY_PAGE) {
		if (address < MADE_BASE || address >= MADE_BASE + MADE_SIZE)
			break;
		memcpy((uint8_t *)buf + got * MEMORY_PAGE, m->bytes + (address - MADE_BASE), MEMORY_PAGE);
	}
	return got;
}

void made_put(struct made *m, uint64_t address, const void *bytes, size_t size)
{
	assert_true(address >= MADE_BASE && address + size <= MADE_BASE + MADE_SIZE);
	if (!size)
		return;
	memcpy(m->bytes + (address - MADE_BASE), bytes, size);
	memory_forget(m->memory);
	m->py.last_type = 0;
}

void made_u64(struct made *m, uint64_t address, uint64_t value)
{
	made_put(m, address, &value, sizeof value);
}

void made_u32(struct made *m, uint64_t address, uint32_t value)
{
	made_put(m, address, &value, sizeof value);
}

void made_u8(struct made *m, uint64_t address, uint8_t value)
{
	made_put(m, address, &value, sizeof value);
}

uint64_t made_room(struct made *m, size_t size)
{
	uint64_t at = MADE_BASE + m->used;

	m->used += (size + 15) / 16 * 16;
	assert_true(m->used <= MADE_SIZE);
	return at;
}

static uint64_t text(struct made *m, const char *s)
{
	uint64_t at = made_room(m, strlen(s) + 1);

	made_put(m, at, s, strlen(s) + 1);
	return at;
}

/* ---- objects ---- */

void made_flag(struct made *m, uint64_t type, int bit)
{
	uint64_t flags = 0;

	memcpy(&flags, m->bytes + (type - MADE_BASE) + m->o.tp_flags, sizeof flags);
	made_u64(m, type + (uint64_t)m->o.tp_flags, flags | UINT64_C(1) << bit);
}

uint64_t made_object(struct made *m, uint64_t type, size_t size)
{
	uint64_t obj = made_room(m, 64 + size) + 64; /* what lies in front of some objects: a managed dict, a GC head */

	made_u64(m, obj + (uint64_t)m->o.ob_type, type);
	return obj;
}

uint64_t made_type(struct made *m, const char *name, int bit)
{
	uint64_t type = made_object(m, m->type_type, 1024);

	made_u64(m, type + (uint64_t)m->o.tp_name, text(m, name));
	if (bit)
		made_flag(m, type, bit);
	if (m->tuple)
		made_u64(m, type + (uint64_t)m->o.tp_mro, made_tuple(m, &type, 1));
	return type;
}

uint64_t made_wide(struct made *m, const void *characters, size_t n, unsigned width)
{
	uint64_t obj = made_object(m, m->str, 128 + n * width);

	made_u64(m, obj + (uint64_t)m->o.us_length, n);
	made_u32(m, obj + (uint64_t)m->o.us_state, width << 2 | 1 << 5);
	made_put(m, obj + (uint64_t)m->o.us_compact, characters, n * width);
	return obj;
}

uint64_t made_ascii(struct made *m, const char *s)
{
	uint64_t obj = made_object(m, m->str, 128 + strlen(s));

	made_u64(m, obj + (uint64_t)m->o.us_length, strlen(s));
	made_u32(m, obj + (uint64_t)m->o.us_state, 1 << 2 | 1 << 5 | 1 << 6);
	made_put(m, obj + (uint64_t)m->o.us_ascii, s, strlen(s));
	return obj;
}

uint64_t made_int(struct made *m, int64_t value)
{
	uint64_t obj = made_object(m, m->integer, 64), left = value < 0 ? -(uint64_t)value : (uint64_t)value, n = 0;

	for (; left; left >>= 30)
		made_u32(m, obj + 24 + 4 * n++, (uint32_t)(left & ((1 << 30) - 1)));
	if (m->minor >= 12)
		made_u64(m, obj + 16, n << 3 | (value < 0 ? 2 : value ? 0 : 1));
	else
		made_u64(m, obj + 16, value < 0 ? -n : n);
	return obj;
}

uint64_t made_bytes(struct made *m, const void *bytes, size_t n)
{
	uint64_t obj = made_object(m, m->bytes_type, 64 + n);

	made_u64(m, obj + (uint64_t)m->o.by_size, n);
	made_put(m, obj + (uint64_t)m->o.by_data, bytes, n);
	return obj;
}

uint64_t made_tuple(struct made *m, const uint64_t *items, size_t n)
{
	uint64_t obj = made_object(m, m->tuple, 64 + 8 * n);

	made_u64(m, obj + 16, n);
	made_put(m, obj + (uint64_t)m->o.tu_items, items, 8 * n);
	return obj;
}

uint64_t made_list(struct made *m, const uint64_t *items, size_t n)
{
	uint64_t obj = made_object(m, m->list, 64), at = made_room(m, 8 * n);

	made_u64(m, obj + 16, n);
	made_u64(m, obj + 24, at);
	made_put(m, at, items, 8 * n);
	return obj;
}

uint64_t made_keys(struct made *m, const char *const *keys, const uint64_t *values, size_t n, bool general)
{
	uint64_t at = made_room(m, 256 + 24 * n), entries, stride = m->minor <= 10 || general ? 24 : 16, key = stride - 16;

	made_u64(m, at + (uint64_t)m->o.dk_nentries, n);
	if (m->minor <= 10) {
		made_u64(m, at + (uint64_t)m->o.dk_log2_size, 64);
		entries = at + (uint64_t)m->o.dk_indices + 64;
	} else {
		made_u8(m, at + (uint64_t)m->o.dk_log2_size, 5);
		made_u8(m, at + (uint64_t)m->o.dk_log2_idx, 5);
		made_u8(m, at + (uint64_t)m->o.dk_kind, !general);
		entries = at + (uint64_t)m->o.dk_indices + 32;
	}
	for (size_t i = 0; i < n; i++) {
		made_u64(m, entries + i * stride + key, keys[i] ? made_ascii(m, keys[i]) : 0);
		made_u64(m, entries + i * stride + key + 8, values ? values[i] : 0);
	}
	return at;
}

uint64_t made_dict(struct made *m, const char *const *keys, const uint64_t *values, size_t n, bool split, bool general)
{
	uint64_t obj = made_object(m, m->dict, 64), beside;

	made_u64(m, obj + (uint64_t)m->o.di_keys, made_keys(m, keys, split ? NULL : values, n, general));
	if (split) {
		beside = made_room(m, 8 + 8 * n);
		made_put(m, beside + (m->minor >= 13 ? 8 : 0), values, 8 * n);
		made_u64(m, obj + (uint64_t)m->o.di_values, beside);
	}
	return obj;
}

/* ---- code and frames ---- */

uint64_t made_code(struct made *m, const struct made_code *c)
{
	const struct py_offsets *o = &m->o;
	uint64_t code = made_object(m, m->code, 4096), names[16], nothing = made_tuple(m, NULL, 0);

	for (size_t i = 0; i < c->nvars; i++)
		names[i] = made_ascii(m, c->vars[i]);
	made_u64(m, code + (uint64_t)o->co_name, made_ascii(m, c->name));
	if (o->co_qualname >= 0)
		made_u64(m, code + (uint64_t)o->co_qualname, made_ascii(m, c->qualname));
	made_u64(m, code + (uint64_t)o->co_filename, made_ascii(m, c->file));
	made_u64(m, code + (uint64_t)o->co_lines, made_bytes(m, c->lines, c->nlines));
	made_u64(m, code + (uint64_t)o->co_varnames, made_tuple(m, names, c->nvars));
	made_u32(m, code + (uint64_t)o->co_firstlineno, (uint32_t)c->first_line);
	made_u32(m, code + (uint64_t)o->co_nlocals, (uint32_t)c->nvars);
	made_u32(m, code + (uint64_t)o->co_stacksize, (uint32_t)c->stacksize);
	if (o->co_exctable >= 0)
		made_u64(m, code + (uint64_t)o->co_exctable, made_bytes(m, c->table, c->ntable));
	if (o->co_ncell >= 0) {
		made_u64(m, code + (uint64_t)o->co_ncell, nothing);
		made_u64(m, code + (uint64_t)o->co_nfree, nothing);
	}
	return code;
}

uint64_t made_locals(struct made *m, uint64_t frame)
{
	return frame + (uint64_t)m->o.fr_locals;
}

uint64_t made_frame(struct made *m, uint64_t code, uint64_t back, int offset, size_t room)
{
	const struct py_offsets *o = &m->o;
	uint64_t frame = made_room(m, 512 + 8 * room);
	uint32_t nlocals;

	memcpy(&nlocals, m->bytes + (code - MADE_BASE) + o->co_nlocals, sizeof nlocals);
	made_u64(m, frame + (uint64_t)o->fr_back, back);
	made_u64(m, frame + (uint64_t)o->fr_code, code | (m->minor >= 14)); /* 3.14: a reference that is borrowed */
	if (m->minor <= 10) {
		made_u32(m, frame + (uint64_t)o->fr_instr, (uint32_t)(m->minor == 10 && offset >= 0 ? offset / 2 : offset));
		made_u64(m, frame + (uint64_t)o->fr_valuestack, made_locals(m, frame) + 8 * nlocals);
	} else {
		made_u64(m, frame + (uint64_t)o->fr_instr, code + (uint64_t)o->co_code + (uint64_t)(int64_t)offset);
	}
	if (m->minor == 11 && !back)
		made_u8(m, frame + (uint64_t)o->fr_is_entry, 1);
	return frame;
}

uint64_t made_mark(struct made *m, uint64_t back)
{
	uint64_t frame = made_room(m, 256);

	made_u64(m, frame + (uint64_t)m->o.fr_back, back);
	made_u8(m, frame + (uint64_t)m->o.fr_owner, 3);
	return frame;
}

/* ---- interpreters ---- */

/* The words that open.c and offsets.c read, as _Py_DebugOffsets has them: all that the table knows, so that the overlay changes
 * nothing. */
static void describe_itself(struct made *m, uint64_t runtime)
{
	static const uint8_t where[3][2] = {{73, 0}, {95, 0}, {111, 0}};
	const struct py_offsets *o = &m->o;
	int c = m->minor - 13;
	struct {
		int value;
		uint8_t word[3];
	} fields[] = {
		{o->rt_size, {3, 3, 3}}, {o->rt_interp_head, {5, 5, 5}}, {o->is_id, {7, 7, 7}}, {o->is_next, {8, 8, 8}},
		{o->is_threads_head, {9, 9, 9}}, {o->is_modules, {11, 12, 12}}, {o->is_gil, {14, 15, 15}},
		{o->gil_locked, {17, 18, 18}},
		{o->gil_holder, {18, 19, 19}}, {o->ts_next, {21, 24, 24}}, {o->ts_interp, {22, 25, 25}},
		{o->ts_frame, {23, 26, 26}}, {o->ts_thread_id, {24, 27, 30}}, {o->ts_native_id, {25, 28, 31}},
		{o->fr_back, {29, 32, 40}}, {o->fr_code, {30, 33, 41}}, {o->fr_instr, {31, 34, 42}}, {o->fr_locals, {32, 35, 43}},
		{o->fr_owner, {33, 36, 44}},
		{o->fr_stacktop, {0, 37, 45}}, {o->co_filename, {35, 40, 48}}, {o->co_name, {36, 41, 49}},
		{o->co_qualname, {37, 42, 50}}, {o->co_lines, {38, 43, 51}}, {o->co_firstlineno, {39, 44, 52}},
		{o->co_varnames, {41, 46, 54}},
		{o->co_code, {43, 48, 56}}, {o->ob_type, {45, 51, 59}}, {o->tp_name, {47, 53, 61}},
		{o->tp_flags, {49, 55, 63}}, {o->tp_dictoffset, {0, 0, 65}}, {o->ht_cached_keys, {0, 0, 67}},
		{o->tu_items, {51, 57, 69}}, {o->di_keys, {57, 67, 79}}, {o->di_values, {58, 68, 80}}, {o->by_size, {65, 75, 87}},
		{o->by_data, {66, 76, 88}},
		{o->us_state, {68, 78, 90}}, {o->us_length, {69, 79, 91}}, {o->us_ascii, {70, 80, 92}},
		{o->us_compact, {0, 0, 93}}, {o->gen_iframe, {0, 85, 101}}, {o->gen_state, {0, 86, 102}},
	};

	made_put(m, runtime, "xdebugpy", 8);
	made_u64(m, runtime + 8, o->hex);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].word[c]) {
			assert_true(fields[i].word[c] < where[c][0]);
			made_u64(m, runtime + 8 * fields[i].word[c], (uint64_t)fields[i].value);
		}
}

uint64_t made_runtime(struct made *m)
{
	uint64_t runtime = made_room(m, 8192);

	if (m->minor >= 13)
		describe_itself(m, runtime);
	return runtime;
}

uint64_t made_interpreter(struct made *m, uint64_t runtime, int64_t id)
{
	uint64_t interpreter = made_room(m, 16384), head = runtime + (uint64_t)m->o.rt_interp_head, next;

	memcpy(&next, m->bytes + (head - MADE_BASE), sizeof next);
	made_u64(m, interpreter + (uint64_t)m->o.is_next, next);
	made_u64(m, interpreter + (uint64_t)m->o.is_id, (uint64_t)id);
	made_u64(m, head, interpreter);
	return interpreter;
}

uint64_t made_thread(struct made *m, uint64_t interpreter, uint64_t frame, pid_t tid)
{
	const struct py_offsets *o = &m->o;
	uint64_t state = made_room(m, 1024), pthread = made_room(m, 2048), head = interpreter + (uint64_t)o->is_threads_head, next;

	memcpy(&next, m->bytes + (head - MADE_BASE), sizeof next);
	made_u64(m, state + (uint64_t)o->ts_next, next);
	made_u64(m, state + (uint64_t)o->ts_interp, interpreter);
	made_u64(m, state + (uint64_t)o->ts_thread_id, pthread);
	if (o->ts_native_id >= 0)
		made_u64(m, state + (uint64_t)o->ts_native_id, (uint64_t)tid);
	else
		made_u32(m, pthread + 720, (uint32_t)tid); /* where glibc has it */
	if (o->cframe_frame >= 0) {
		uint64_t cframe = made_room(m, 64);

		made_u64(m, cframe + (uint64_t)o->cframe_frame, frame);
		frame = cframe;
	}
	made_u64(m, state + (uint64_t)o->ts_frame, frame);
	made_u64(m, head, state);
	return state;
}

struct python_where made_where(struct made *m, uint64_t runtime)
{
	static const pid_t tids[] = {100, 101, 102};
	struct python_where w = {
		.file = arena_printf(m->arena, "python3.%d", m->minor),
		.runtime = runtime,
		.runtime_size = (uint64_t)m->o.rt_size,
		.code_type = m->code,
		.tids = tids,
		.ntids = ARRAY_SIZE(tids),
	};

	if (m->minor <= 10) {
		w.literal = arena_printf(m->arena, "3.%d.%u", m->minor, m->o.hex >> 8 & 255);
	} else {
		w.version = made_room(m, 8);
		made_u64(m, w.version, m->o.hex);
	}
	return w;
}

/* ---- all of it ---- */

struct made *made_new(int minor)
{
	struct made *m = mem_alloc(sizeof *m);

	m->bytes = mem_alloc(MADE_SIZE);
	m->arena = arena_new();
	m->memory = memory_new(fetch, m, SIZE_MAX);
	m->minor = minor;
	m->o = *py_offsets_of(minor);
	m->type_type = made_type(m, "type", PY_KIND_TYPE);
	m->tuple = made_type(m, "tuple", PY_KIND_TUPLE);
	m->str = made_type(m, "str", PY_KIND_STR);
	m->integer = made_type(m, "int", PY_KIND_INT);
	m->list = made_type(m, "list", PY_KIND_LIST);
	m->dict = made_type(m, "dict", PY_KIND_DICT);
	m->set = made_type(m, "set", 0);
	m->bytes_type = made_type(m, "bytes", PY_KIND_BYTES);
	m->code = made_type(m, "code", 0);
	m->cell = made_type(m, "cell", 0);
	m->member = made_type(m, "member_descriptor", 0);
	m->py = (struct python){.m = m->memory, .arena = m->arena, .o = m->o, .minor = minor, .code_type = m->code};
	return m;
}

void made_free(struct made *m)
{
	memory_free(m->memory);
	arena_free(m->arena);
	mem_free(m->bytes);
	mem_free(m);
}
