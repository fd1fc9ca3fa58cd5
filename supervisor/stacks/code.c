/* What x86-64 machine code says about calls and frames. Encodings: Intel SDM volume 2, chapter 2 and appendix A. Bytes are the
 * process's own, so anything may stand here; what is not known ends the reading. */
#include <string.h>

#include "stacks/native.h"

static int64_t read_i32(const uint8_t *at)
{
	int32_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

/* ---- calls ---- */

/** FF /2 of just LENGTH bytes, modrm and what follows it included? */
static bool is_indirect_call(const uint8_t *at, size_t length)
{
	uint8_t mod = at[1] >> 6, rm = at[1] & 7;
	size_t want = 2;

	if (at[0] != 0xff || (at[1] >> 3 & 7) != 2)
		return false;
	if (mod != 3 && rm == 4)
		want++; /* an index byte */
	if (mod == 1)
		want += 1;
	else if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (at[2] & 7) == 5))))
		want += 4;
	return want == length;
}

enum code_call code_call_before(const uint8_t before[CODE_BEFORE], uint64_t address, uint64_t *target)
{
	const uint8_t *end = before + CODE_BEFORE;

	if (end[-5] == 0xe8) {
		*target = address + (uint64_t)read_i32(end - 4);
		return CODE_CALL;
	}
	if (end[-6] == 0xff && end[-5] == 0x15) { /* relative to the next instruction */
		*target = address + (uint64_t)read_i32(end - 4);
		return CODE_CALL_POINTER;
	}
	for (size_t length = 2; length <= CODE_BEFORE; length++)
		if (is_indirect_call(end - length, length))
			return CODE_CALL_UNKNOWN;
	return CODE_NO_CALL;
}

bool code_plt_pointer(const uint8_t *code, size_t n, uint64_t address, uint64_t *pointer)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = n >= sizeof endbr64 && memcmp(code, endbr64, sizeof endbr64) == 0 ? sizeof endbr64 : 0;

	if (at < n && code[at] == 0xf2) /* bnd, of MPX */
		at++;
	if (n < 6 || at > n - 6 || code[at] != 0xff || code[at + 1] != 0x25)
		return false;
	*pointer = address + at + 6 + (uint64_t)read_i32(code + at + 2);
	return true;
}

size_t code_count_jumps(const uint8_t *code, size_t n, uint64_t address, uint64_t from, uint64_t to)
{
	size_t count = 0;

	for (size_t i = 0; i + 5 <= n; i++) {
		bool jump = code[i] == 0xe9 || (i > 0 && code[i - 1] == 0x0f && (code[i] & 0xf0) == 0x80);
		uint64_t target = address + i + 5 + (uint64_t)read_i32(code + i + 1);

		count += jump && target >= from && target < to;
	}
	return count;
}

/* ---- how a frame is built ---- */

struct instruction {
	const uint8_t *op; /* behind the prefixes */
	size_t length;     /* all of it */
	bool wide;         /* REX.W */
	bool branch;       /* it may go on elsewhere, or ends here */
};

/** Bytes of modrm and what belongs to it; 0: it is cut off. */
static size_t operand_length(const uint8_t *at, size_t n)
{
	size_t length = 1;

	if (n < 2)
		return 0;

	uint8_t mod = at[0] >> 6, rm = at[0] & 7;

	if (mod == 3)
		return 1;
	if (rm == 4)
		length++;
	if (mod == 1)
		length += 1;
	else if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (at[1] & 7) == 5))))
		length += 4;
	return length <= n ? length : 0;
}

enum { IMMEDIATE_WORD = 100, IMMEDIATE_LONG, NO_OPERAND = 200, UNKNOWN = 255 };

/** What follows an opcode of one byte: 0, 1 or IMMEDIATE_* bytes behind a modrm; NO_OPERAND more: no modrm. */
static unsigned shape_of(uint8_t op)
{
	if (op < 0x40) {
		static const unsigned arithmetic[8] = {0, 0, 0, 0, NO_OPERAND + 1, NO_OPERAND + 4, UNKNOWN, UNKNOWN};

		return arithmetic[op & 7];
	}
	switch (op) {
	case 0x63: case 0x84 ... 0x8b: case 0x8d: case 0xd0 ... 0xd3: case 0xfe: case 0xff: return 0;
	case 0x6b: case 0x80: case 0x83: case 0xc0: case 0xc1: case 0xc6: return 1;
	case 0x69: case 0x81: case 0xc7: return IMMEDIATE_WORD;
	case 0x50 ... 0x5f: case 0x90 ... 0x99: return NO_OPERAND;
	case 0x6a: case 0x70 ... 0x7f: case 0xa8: case 0xb0 ... 0xb7: case 0xeb: return NO_OPERAND + 1;
	case 0x68: case 0xa9: case 0xe8: case 0xe9: return NO_OPERAND + 4;
	case 0xb8 ... 0xbf: return IMMEDIATE_LONG;
	default: return UNKNOWN;
	}
}

/** The same behind 0F. */
static unsigned shape_of_second(uint8_t op)
{
	switch (op) {
	case 0x10 ... 0x17: case 0x1e: case 0x1f: case 0x28 ... 0x2f: case 0x40 ... 0x6f: case 0x74 ... 0x76:
	case 0x7e: case 0x7f:
	case 0x90 ... 0x9f: case 0xa3: case 0xab: case 0xaf: case 0xb0: case 0xb1: case 0xb3: case 0xb6 ... 0xb8:
	case 0xbb ... 0xbf: case 0xc0: case 0xc1: case 0xd1 ... 0xfe: return 0;
	case 0x70 ... 0x73: case 0xa4: case 0xac: case 0xba: case 0xc2: case 0xc4 ... 0xc6: return 1;
	case 0x80 ... 0x8f: return NO_OPERAND + 4;
	case 0x05: return NO_OPERAND; /* syscall */
	default: return UNKNOWN;
	}
}

static bool is_branch(const uint8_t *op)
{
	if (op[0] == 0x0f)
		return (op[1] & 0xf0) == 0x80;
	if (op[0] == 0xff)
		return (op[1] >> 3 & 7) >= 2 && (op[1] >> 3 & 7) <= 5;
	return (op[0] & 0xf0) == 0x70 || op[0] == 0xe8 || op[0] == 0xe9 || op[0] == 0xeb;
}

/** @return false: it is cut off, or of a kind that is not known here. */
static bool decode(const uint8_t *code, size_t n, struct instruction *out)
{
	size_t at = 0, immediate, operand = 0;
	bool narrow = false;
	unsigned shape;

	*out = (struct instruction){0};
	for (; at < n && (code[at] == 0x66 || code[at] == 0xf2 || code[at] == 0xf3 || code[at] == 0x64 || code[at] == 0x65); at++)
		narrow |= code[at] == 0x66;
	if (at < n && (code[at] & 0xf0) == 0x40)
		out->wide = code[at++] & 8;
	if (at + 2 > n)
		return false;
	out->op = code + at;
	shape = code[at] == 0x0f ? shape_of_second(code[at + 1]) : shape_of(code[at]);
	at += code[at] == 0x0f ? 2 : 1;
	if (shape == UNKNOWN)
		return false;
	if (shape < NO_OPERAND && shape != IMMEDIATE_LONG) {
		operand = at < n ? operand_length(code + at, n - at) : 0;
		if (operand == 0)
			return false;
	}
	if (shape == IMMEDIATE_LONG)
		immediate = out->wide ? 8 : narrow ? 2 : 4;
	else if (shape == IMMEDIATE_WORD)
		immediate = narrow ? 2 : 4;
	else
		immediate = shape >= NO_OPERAND ? shape - NO_OPERAND : shape;
	out->branch = is_branch(out->op);
	out->length = at + operand + immediate;
	return out->length <= n;
}

/** What an instruction does to the frame. */
enum effect {
	NOTHING,
	SETS_POINTER, /* the frame pointer is the stack pointer now */
	MOVES,        /* the stack pointer goes down by *BY */
	PUSHES,
	BREAKS,       /* something else with either */
};

static enum effect effect_of(const struct instruction *in, uint64_t *by)
{
	const uint8_t *op = in->op;

	if (op[0] >= 0x50 && op[0] <= 0x57)
		return PUSHES;
	if (op[0] == 0x6a || op[0] == 0x68)
		return PUSHES;
	if (op[0] >= 0x58 && op[0] <= 0x5f)
		return BREAKS;
	if (in->wide && ((op[0] == 0x89 && op[1] == 0xe5) || (op[0] == 0x8b && op[1] == 0xec)))
		return SETS_POINTER;
	if (in->wide && op[0] == 0x83 && op[1] == 0xec && (int8_t)op[2] > 0) { /* sub $8,%rsp */
		*by = op[2];
		return MOVES;
	}
	if (in->wide && op[0] == 0x81 && op[1] == 0xec && read_i32(op + 2) > 0) {
		*by = (uint64_t)read_i32(op + 2);
		return MOVES;
	}
	if (in->wide && op[0] == 0x83 && op[1] == 0xc4 && (int8_t)op[2] < 0) { /* add $-128,%rsp is shorter than sub $128 */
		*by = (uint64_t)-(int8_t)op[2];
		return MOVES;
	}
	/* and $-32,%rsp, mov %rsp,..., lea ...(%rsp),%rsp */
	if ((op[0] == 0x83 || op[0] == 0x81) && (op[1] == 0xe4 || op[1] == 0xc4 || op[1] == 0xec))
		return BREAKS;
	if ((op[0] == 0x8b || op[0] == 0x8d) && in->wide && (op[1] >> 3 & 7) == 4)
		return BREAKS;
	return NOTHING;
}

bool code_frame_size(const uint8_t *code, size_t n, uint64_t *size)
{
	enum { PROBED = 4096 }; /* -fstack-clash-protection goes down a page at a time, in a loop or not */
	bool has_pointer = false;
	uint64_t below = 0;

	for (size_t at = 0; at < n;) {
		struct instruction in;
		uint64_t by = 0;

		if (!decode(code + at, n - at, &in))
			return false;

		enum effect effect = effect_of(&in, &by);

		/* What comes before the frame pointer does not count; a branch there may be one around all of it. */
		if (effect == SETS_POINTER)
			has_pointer = true;
		else if (has_pointer && effect == PUSHES)
			below += 8;
		else if (has_pointer && effect == MOVES) {
			*size = below + by;
			return by < PROBED;
		} else if (has_pointer && effect == BREAKS)
			return false;
		if (in.branch && has_pointer)
			break;
		at += in.length;
	}
	*size = below;
	return has_pointer;
}

/** Does the instruction at CODE subtract a register from RSP (gcc), or put one there that is not RBP (clang)? Each has two encodings. */
static bool sets_stack(const uint8_t *code)
{
	uint8_t prefix = code[0], op = code[1], operands = code[2];
	bool to = (operands & 0xc7) == 0xc4 && !(prefix & 1); /* register to RSP; REX.B makes R12 of that */
	bool of = (operands & 0xf8) == 0xe0 && !(prefix & 4); /* RSP of register; so does REX.R */

	if ((prefix & 0xf8) != 0x48)
		return false;
	switch (op) {
	case 0x29: return to;
	case 0x2b: return of;
	case 0x89: return to && (operands != 0xec || (prefix & 4));
	case 0x8b: return of && (operands != 0xe5 || (prefix & 1));
	default: return false;
	}
}

bool code_moves_stack(const uint8_t *code, size_t n)
{
	for (size_t i = 0; i + 3 <= n; i++)
		if (sets_stack(code + i))
			return true;
	return false;
}
