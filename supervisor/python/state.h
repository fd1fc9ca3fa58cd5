/* Private to python/: objects and frames of one interpreter, by address. What locks and tasks are read with.
 *
 * Everywhere: address 0 is no object, and gives 0, false or NULL; so does what can't be read, or is not of the type that is asked
 * for. Values on stacks and in locals come without their tags (3.14: pycore_stackref.h); tagged small ints are 0.
 */
#ifndef TRACEWRAP_PYTHON_STATE_H
#define TRACEWRAP_PYTHON_STATE_H

#include "python/offsets.h"
#include "python/python.h"

/* No text of a process is taken longer than this; nothing is counted further. */
enum { PY_TEXT = 1024, PY_MOST_ITEMS = 1 << 20, PY_MOST_KEYS = 1 << 16, PY_MOST_BASES = 64, PY_MOST_INTERPRETERS = 256 };
enum { PY_MOST_LOCALS = 4096, PY_MOST_TABLE = 1 << 20 };

struct python {
	struct memory *m;
	struct arena *arena;
	struct python_where at;
	struct py_offsets o;
	uint32_t hex; /* PY_VERSION_HEX */
	int minor;
	char version[24];
	bool free_threaded;
	int tid_in_pthread;  /* up to 3.10: where glibc's struct pthread has the tid; 0: not looked for yet, -1: not found */
	uint64_t code_type;  /* verified */
	uint64_t last_type;  /* whose name is in last_name: neighbours in a list are often of one type */
	char last_name[96];
	struct py_type_class {
		uint64_t type;
		int class; /* enum lock_class */
	} classes[256];    /* of types that locks were looked for among */
};

/* ---- objects.c: types and plain values ---- */

uint64_t py_type(struct python *py, uint64_t obj);
/** tp_name: "_thread.lock", but "Lock" for classes made by Python code. Cut to SIZE; "" where it can't be read. */
bool py_type_name(struct python *py, uint64_t obj, char *buf, size_t size);
/** tp_name of a type itself. */
bool py_name_of_type(struct python *py, uint64_t type, char *buf, size_t size);
/** Is tp_name of OBJ's type NAME? Exactly: no base classes. */
bool py_is_type(struct python *py, uint64_t obj, const char *name);
/** By tp_flags (object.h: Py_TPFLAGS_*_SUBCLASS), subclasses included. The bits are the same in 3.8 to 3.15. */
enum py_kind {
	PY_KIND_INT = 24, PY_KIND_LIST, PY_KIND_TUPLE, PY_KIND_BYTES, PY_KIND_STR, PY_KIND_DICT, PY_KIND_EXCEPTION, PY_KIND_TYPE
};
bool py_is_kind(struct python *py, uint64_t obj, enum py_kind kind);
/** "module.Class" of a class made by Python code where its __module__ can be read, else tp_name. */
bool py_full_type_name(struct python *py, uint64_t obj, char *buf, size_t size);
bool py_is_none(struct python *py, uint64_t obj);

/** A str as UTF-8 that is fit to be shown (text_clean(); lone surrogates as '?'), cut to SIZE between two characters. */
bool py_string(struct python *py, uint64_t obj, char *buf, size_t size);
/** The same in the arena, cut to PY_TEXT; NULL: none. */
const char *py_text(struct python *py, uint64_t obj);
/** Does the str say exactly TEXT (ASCII)? Cheaper than py_string(). */
bool py_string_is(struct python *py, uint64_t obj, const char *text);
/** int, bool and their subclasses. @return false: no int, or too large for OUT. */
bool py_int(struct python *py, uint64_t obj, int64_t *out);
bool py_float(struct python *py, uint64_t obj, double *out);
/** What a cell holds; 0: it is empty, or OBJ is no cell. */
uint64_t py_cell(struct python *py, uint64_t obj);
/** Content of a bytes object, SIZE at most. @return false: it is none, or longer. */
bool py_bytes(struct python *py, uint64_t obj, void *buf, size_t size, size_t *len);

/* ---- containers.c ---- */

/** Number of items of a list or tuple (subclasses too), and one of them. */
size_t py_length(struct python *py, uint64_t obj);
uint64_t py_item(struct python *py, uint64_t obj, size_t i);

/** Through a dict (also split ones), list, tuple, set or frozenset, subclasses included: `struct py_iter it = py_iter(py, obj);
 *  while (py_next(py, &it)) ...`. Bounded by PY_MOST_ITEMS. Of what is none of these: nothing. */
struct py_iter {
	uint64_t key;   /* of a set: the item; of a list or tuple: 0 */
	uint64_t value; /* of a set: 0 */
	/* The rest is its own. */
	uint64_t at, values; /* the next entry; where a split dict has its next value, 0: in the entry */
	size_t left, stride;
	int key_at, value_at; /* in an entry; -1: none */
};
struct py_iter py_iter(struct python *py, uint64_t obj);
bool py_next(struct python *py, struct py_iter *it);
uint64_t py_dict_get(struct python *py, uint64_t dict, const char *key); /* a str key; 0: none */
/** Through a PyDictKeysObject with VALUES of its own (0: in the entries), as objects have them without a dict around. */
struct py_iter py_keys_iter(struct python *py, uint64_t keys, uint64_t values);
uint64_t py_find_key(struct python *py, struct py_iter it, const char *key);

/* ---- attributes.c ---- */

/** An attribute of the object itself, as its class stores it: by a slot of any class of the mro, in inline values, in a managed
 *  dict or at tp_dictoffset. No property, no class attribute: nothing that code would have to run for. */
uint64_t py_attr(struct python *py, uint64_t obj, const char *name);
/** What a class of the mro of OBJ's type has under NAME in its dict: functions, class variables. Static types keep theirs
 *  elsewhere from 3.12 on and have none here. */
uint64_t py_class_attr(struct python *py, uint64_t obj, const char *name);
/** A chain of attributes: py_attr_path(py, obj, "_parent_nursery._parent_task"). */
uint64_t py_attr_path(struct python *py, uint64_t obj, const char *path);
/** The first class of TYPE's mro, TYPE included, of which tp_name is NAME; 0: none. */
uint64_t py_base_named(struct python *py, uint64_t type, const char *name);

/* ---- frames.c ---- */

/** The object that a slot of a frame refers to; 0: none, or a tagged int. */
uint64_t py_untag(const struct python *py, uint64_t ref);

/** A frame. Up to 3.10 an object of its own, then a piece of a thread's or a generator's memory. */
struct py_frame {
	uint64_t address, back, code;
	uint64_t locals; /* where the local variables begin */
	uint64_t stack;  /* where the value stack begins */
	int offset;      /* of the instruction in the code, in bytes; negative: it has not begun */
	int nlocals;     /* slots before the stack: variables, cells and free variables */
	int owner;       /* 3.11 on: enum _frameowner */
	bool mark;       /* no code: the interpreter's loop was entered here (3.12 on) */
	bool entry;      /* as python_frame has it */
};
/** @return false: it can't be read, or its code is no code object. */
bool py_frame_open(struct python *py, uint64_t address, struct py_frame *out);
/** The frame at ADDRESS or, where that is a mark, the next outer one that has code. */
bool py_frame_from(struct python *py, uint64_t address, struct py_frame *out, const char **why);
/** The next outer frame that has code. @return false at the end of the chain, with *WHY (may be NULL) where that is no end. */
bool py_frame_outer(struct python *py, const struct py_frame *f, struct py_frame *out, const char **why);
int py_frame_line(struct python *py, const struct py_frame *f);             /* 0: none */
const char *py_frame_function(struct python *py, const struct py_frame *f); /* in the arena; NULL */
const char *py_frame_file(struct python *py, const struct py_frame *f);
uint64_t py_frame_globals(struct python *py, const struct py_frame *f); /* a dict */
/** As python_frames() has it. */
struct python_frame py_frame_tell(struct python *py, const struct py_frame *f);
/** Is it the function FUNCTION (its own name, co_name) of a file of which the path ends with FILE ("/threading.py")? */
bool py_frame_is(struct python *py, const struct py_frame *f, const char *file, const char *function);

/* ---- values.c: what a frame holds ---- */

/** Local variable NAME: parameters, cells and free variables too, without the cell around them. 0: none, or it is unbound. */
uint64_t py_local(struct python *py, const struct py_frame *f, const char *name);
/** Slot I of f->nlocals, as it is (a cell is a cell). */
uint64_t py_local_at(struct python *py, const struct py_frame *f, int i);
/** Slot I of the value stack, from its bottom on; slots up to co_stacksize may be looked at, but hold stale values. */
uint64_t py_stack_at(struct python *py, const struct py_frame *f, size_t i);
/** Slots of the value stack, from its bottom on, that are surely live: kept by the `with` and `try` blocks that the instruction
 *  lies in (the block stack up to 3.10, the exception table afterwards). */
size_t py_stack_live(struct python *py, const struct py_frame *f);
size_t py_stack_size(struct python *py, const struct py_frame *f); /* co_stacksize */
/** How many slots are in use, exactly: of a frame that does not run (a suspended generator), from 3.14 on also of one that calls.
 *  @return false: not known. */
bool py_stack_depth(struct python *py, const struct py_frame *f, size_t *depth);
/** From the bytes of an exception table (3.11 on, Objects/exception_handling_notes.txt): depth of the innermost block around the
 *  instruction at OFFSET, in bytes. */
size_t py_exception_depth(const uint8_t *table, size_t size, int offset);
/** That block. @return false: there is none, or the table is torn. */
struct py_block {
	int handler; /* offset of the code that an exception goes to; -1: torn */
	size_t depth;
	bool keeps;  /* the instruction is kept as well: `with` blocks, and the compiler's own clean-up */
};
bool py_exception_block(const uint8_t *table, size_t size, int offset, struct py_block *out);
/** The table of F's code, copied: mem_free() it. @return its size; 0 with NULL: none. */
size_t py_exception_table(struct python *py, const struct py_frame *f, uint8_t **out);

/* ---- generators.c: generators, coroutines, async generators ---- */

enum py_gen_state { PY_GEN_UNKNOWN, PY_GEN_CREATED, PY_GEN_SUSPENDED, PY_GEN_RUNNING, PY_GEN_DONE };
/** By its type's address: PyGen_Type, PyCoro_Type, PyAsyncGen_Type. */
bool py_is_generator(struct python *py, uint64_t obj);
enum py_gen_state py_gen_state(struct python *py, uint64_t gen);
/** Its frame; false when it is done. */
bool py_gen_frame(struct python *py, uint64_t gen, struct py_frame *out);
/** What it awaits or yields from: the object on top of its stack. 0: it is not suspended, or has nothing there. */
uint64_t py_gen_awaits(struct python *py, uint64_t gen);
const char *py_gen_name(struct python *py, uint64_t gen); /* qualified; in the arena */

/* ---- lines.c ---- */

/** Line of the instruction at OFFSET (bytes) by a line table of minor version MINOR; 0: it has none, or the table is torn. */
int py_line(int minor, int first_line, const uint8_t *table, size_t size, int offset);

/* ---- threads.c ---- */

/** Interpreters, one after the other: 0 begins, 0 ends. The list may be a ring where memory is torn: no more than PY_MOST_INTERPRETERS. */
uint64_t py_next_interpreter(struct python *py, uint64_t interpreter);

/* ---- gc.c: the lists of the garbage collector ---- */

/** Where the head of generation I (0 to 2) of INTERPRETER lies; verified: the list closes around it. 0: no such list
 *  (free-threaded), or none that fits. Heads and objects: next at +0, previous at +8, two low bits are flags; the object itself
 *  begins at +16 (pycore_gc.h). */
uint64_t py_gc_head(struct python *py, uint64_t interpreter, int generation);

#endif
