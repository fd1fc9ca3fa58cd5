/* A made-up CPython process of any version: memory into which objects, frames and threads are put where the table says. */
#ifndef TESTS_PYTHON_MADE_H
#define TESTS_PYTHON_MADE_H

#include "python/state.h"

enum { MADE_FIRST = 8, MADE_LAST = 15, MADE_BASE = 0x10000, MADE_SIZE = 1 << 20 };

struct made {
	uint8_t *bytes; /* from MADE_BASE on */
	uint64_t used;
	struct arena *arena;
	struct memory *memory;
	int minor;
	struct py_offsets o; /* the row */
	struct python py;    /* opened without any check */
	uint64_t type_type, str, integer, list, tuple, dict, set, bytes_type, code, cell, member;
};

struct made *made_new(int minor);
void made_free(struct made *m);

uint64_t made_room(struct made *m, size_t size); /* zeroed */
/* What was read before is read anew after each of these. */
void made_put(struct made *m, uint64_t address, const void *bytes, size_t size);
void made_u64(struct made *m, uint64_t address, uint64_t value);
void made_u32(struct made *m, uint64_t address, uint32_t value);
void made_u8(struct made *m, uint64_t address, uint8_t value);

/** A type; BIT of tp_flags, 0: none. Its mro is itself alone. */
uint64_t made_type(struct made *m, const char *name, int bit);
void made_flag(struct made *m, uint64_t type, int bit);
uint64_t made_object(struct made *m, uint64_t type, size_t size);
uint64_t made_ascii(struct made *m, const char *text);
/** A str of N characters of WIDTH bytes. */
uint64_t made_wide(struct made *m, const void *characters, size_t n, unsigned width);
uint64_t made_int(struct made *m, int64_t value);
uint64_t made_bytes(struct made *m, const void *bytes, size_t n);
uint64_t made_tuple(struct made *m, const uint64_t *items, size_t n);
uint64_t made_list(struct made *m, const uint64_t *items, size_t n);
/** A dict; SPLIT: its values lie beside its keys. GENERAL: with hashes in the entries (always, up to 3.10). */
uint64_t made_dict(struct made *m, const char *const *keys, const uint64_t *values, size_t n, bool split, bool general);
uint64_t made_keys(struct made *m, const char *const *keys, const uint64_t *values, size_t n, bool general);

struct made_code {
	const char *name, *qualname, *file;
	int first_line, stacksize;
	const uint8_t *lines;
	size_t nlines;
	const uint8_t *table; /* exceptions */
	size_t ntable;
	const char *const *vars;
	size_t nvars;
};
uint64_t made_code(struct made *m, const struct made_code *code);
/** A frame of CODE at OFFSET, with room for ROOM slots behind its variables. */
uint64_t made_frame(struct made *m, uint64_t code, uint64_t back, int offset, size_t room);
/** Where its variables begin. */
uint64_t made_locals(struct made *m, uint64_t frame);
/** A mark (3.12 on). */
uint64_t made_mark(struct made *m, uint64_t back);

/** A runtime with one interpreter; thread states are put in front. */
uint64_t made_runtime(struct made *m);
uint64_t made_interpreter(struct made *m, uint64_t runtime, int64_t id);
uint64_t made_thread(struct made *m, uint64_t interpreter, uint64_t frame, pid_t tid);
/** As its file would tell of it. */
struct python_where made_where(struct made *m, uint64_t runtime);

#endif
