/* Private to stacks/: native frames of a task that is not stopped. docs/stacks.md, "Native frames".
 *
 * From the stack pointer and the program counter that /proc/PID/task/TID/syscall ends with, by the unwind tables of the mapped
 * files and the memory of the stack. No other register is known; where a frame needs one, it is found on the stack with proof,
 * or the stack ends.
 */
#ifndef TRACEWRAP_STACKS_NATIVE_H
#define TRACEWRAP_STACKS_NATIVE_H

#include "image/image.h"
#include "model/model.h"
#include "python/python.h"

/* The function that runs Python code: Python/ceval.c of CPython. */
#define NATIVE_LOOP "_PyEval_EvalFrameDefault"

enum { NATIVE_MOST_FRAMES = 3000 };

/** A piece of a process's address space, and what is mapped there. */
struct native_piece {
	uint64_t start, end;
	bool executable;
	struct elf *elf;  /* NULL: no file, or none that can be read */
	uint64_t bias;    /* of the file's own addresses */
	const struct elf_symbol *loop; /* what the file has of NATIVE_LOOP; NULL: nothing, it holds no interpreter */
	const char *path; /* of the file, as the process has it; not ended by a NUL; NULL: none. "[vdso]" for that */
	size_t path_len;
};

/** The process, as the caller has it. */
struct native_source {
	void *who;
	struct memory *memory;
	/** @return false: nothing is mapped at ADDRESS. */
	bool (*piece_at)(void *who, uint64_t address, struct native_piece *out);
	/** The file that debugging data of this one were split off to, by its build id; NULL: there is none. May be NULL
	 *  itself. */
	struct elf *(*debug_of)(void *who, const struct native_piece *piece);
};

struct native_frame {
	uint64_t pc;       /* where it goes on, in the process */
	uint64_t at;       /* an address within the instruction that it is at: pc, or before it where it is in a call */
	uint64_t sp;       /* the stack pointer there */
	uint64_t from, to; /* the piece of code that its unwind entry covers; 0: none */
	bool loop;         /* the interpreter's loop (native_loops_mark()) */
};

/* ---- unwind.c ---- */

/** libunwind, loaded. */
struct unwinder;
/** @return NULL: it is not here, with *WHY. */
struct unwinder *unwinder_new(const char **why);
void unwinder_free(struct unwinder *u);

/** The frames, innermost first, at most MOST. *WHOLE: they reach to where the thread began. *WHY: what ended them before, or
 *  what makes them doubtful; NULL: nothing. It lives as long as the unwinder, until the next call. */
size_t native_unwind(struct unwinder *u, const struct native_source *source, uint64_t sp, uint64_t pc, struct native_frame *out,
		     size_t most, bool *whole, const char **why);

/* ---- code.c: what x86-64 instructions say; pure ---- */

enum code_call {
	CODE_NO_CALL,
	CODE_CALL,         /* of *TARGET */
	CODE_CALL_POINTER, /* of what the pointer at *TARGET says */
	CODE_CALL_UNKNOWN, /* of what a register says, or a pointer that one points to */
};
enum { CODE_BEFORE = 7 };
/** The instruction that ends at ADDRESS, by the CODE_BEFORE bytes before it. */
enum code_call code_call_before(const uint8_t before[CODE_BEFORE], uint64_t address, uint64_t *target);
/** How far below the frame pointer the stack pointer is when the function has built its frame, by its first N bytes, which end
 *  where it is now. @return false: it has no frame pointer, or builds its frame in a way that is not known here. */
bool code_frame_size(const uint8_t *code, size_t n, uint64_t *size);
/** Does it take room on the stack of a size that is known at run time (alloca(3), variable arrays)? Looks at every byte, so a
 *  stray one may be found in data. */
bool code_moves_stack(const uint8_t *code, size_t n);
/** Where an entry of the procedure linkage table at ADDRESS has its pointer. @return false: it is none. */
bool code_plt_pointer(const uint8_t *code, size_t n, uint64_t address, uint64_t *pointer);
/** How many direct jumps among the N bytes at ADDRESS lead to [FROM, TO). Looks at every byte, so a stray one may be found in
 *  data. */
size_t code_count_jumps(const uint8_t *code, size_t n, uint64_t address, uint64_t from, uint64_t to);

/* ---- frame_pointer.c ---- */

/** A frame that can't be left without RBP. */
struct pointerless {
	const struct native_source *source;
	uint64_t sp, pc;
	uint64_t from, to; /* the piece of code that its unwind entry covers */
	/** Where the code that begins at ADDRESS ends, 0: not known. */
	uint64_t (*end_of)(void *who, uint64_t address);
	void *who;
};
enum pointer_found {
	POINTER_NONE,   /* nothing on the stack proves itself */
	POINTER_LIKELY, /* one place fits, but what an earlier call left there would fit as well */
	POINTER_PROVEN, /* by the function's own instructions */
};
/** RBP, found on the stack. *WHY, where it is not proven. */
enum pointer_found frame_pointer_find(const struct pointerless *frame, uint64_t *rbp, const char **why);
/** Bytes of code. @return false: there is none at ADDRESS. */
bool native_code(const struct native_source *source, uint64_t address, void *buf, size_t size);
/** Does ADDRESS lie directly behind a call, in code? */
bool is_behind_call(const struct native_source *source, uint64_t address);

/* ---- names.c ---- */

/** Fill in function, file and address, strings in ARENA. */
void native_name(const struct native_source *source, struct arena *arena, const struct native_frame *frame, struct frame *out);

/* ---- loops.c: the interpreter's loop among native frames ---- */

/** Mark the frames that are in _PyEval_EvalFrameDefault, also in parts of it that have no name. @return how many. */
size_t native_loops_mark(const struct native_source *source, struct native_frame *frames, size_t n);

/* ---- merge.c; pure ---- */

/** The two stacks of a thread, innermost frames first. */
struct both_stacks {
	const struct native_frame *frames; /* their loops are marked */
	const struct frame *native;        /* what native_name() made of them */
	size_t nnative;
	bool native_whole;
	const struct python_frame *marks; /* for the entry marks */
	const struct frame *python;
	size_t npython;
	bool python_whole;
	bool python_cut; /* not whole only because it has more frames than are read; what there is, is right */
};
/** Put Python frames in the places of the interpreter's loop. @return *N frames in ARENA, innermost first. NULL: the two don't
 *  fit each other, and *WHY says how. */
struct frame *stacks_merge(struct arena *arena, const struct both_stacks *both, size_t *n, const char **why);

#endif
