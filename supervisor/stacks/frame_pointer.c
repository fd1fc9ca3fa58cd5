/* RBP of a frame that can't be left without it, where nobody has saved it yet: code with frame pointers under a system call.
 *
 * The stack alone does not tell: what earlier calls left there looks like frames as well, and leads to the same callers. But a
 * function puts its frame pointer a fixed way above its stack pointer, and its first instructions say how far: that, with the
 * return address of a call above it, is proof. Where they can't be read, the only place with a return address of a call of this
 * very function is likely.
 */
#include <string.h>

#include "stacks/native.h"

enum { MOST_CODE = 512, MOST_BODY = 1 << 20, SEARCH_WORDS = 8192, PLT_ENTRY = 16 };

/* ---- code, from the file where there is one ---- */

bool native_code(const struct native_source *source, uint64_t address, void *buf, size_t size)
{
	static const uint8_t nothing[MOST_CODE];
	struct native_piece piece;

	if (!source->piece_at(source->who, address, &piece) || !piece.executable || address + size > piece.end)
		return false;

	size_t available = 0;
	const uint8_t *at = piece.elf ? elf_bytes_at(piece.elf, address - piece.bias, &available) : NULL;

	/* Of a large file the code was not copied, and zeros stand for it (files.c). */
	if (!at || available < size || (size <= sizeof nothing && memcmp(at, nothing, size) == 0))
		return memory_read(source->memory, address, buf, size);
	memcpy(buf, at, size);
	return true;
}

static enum code_call call_before(const struct native_source *source, uint64_t address, uint64_t *target)
{
	uint8_t before[CODE_BEFORE];

	if (address < CODE_BEFORE || !native_code(source, address - CODE_BEFORE, before, sizeof before))
		return CODE_NO_CALL;
	return code_call_before(before, address, target);
}

bool is_behind_call(const struct native_source *source, uint64_t address)
{
	uint64_t target;

	return call_before(source, address, &target) != CODE_NO_CALL;
}

/* ---- is it a call of this function? ---- */

enum verdict { NO, MAYBE, YES };

/** Code of [FROM, TO), as the file has it; NULL: not to be had. */
static const uint8_t *body_of(const struct pointerless *frame, uint64_t from, uint64_t to)
{
	struct native_piece piece;
	size_t available = 0;
	const uint8_t *body;

	if (to <= from || to - from > MOST_BODY || !frame->source->piece_at(frame->source->who, from, &piece) || !piece.elf)
		return NULL;
	body = elf_bytes_at(piece.elf, from - piece.bias, &available);
	return body && available >= to - from ? body : NULL;
}

/** The function at TARGET jumps to this piece of code: a tail call, or the piece is the cold part of it. It returns to the
 *  caller of TARGET. */
static bool jumps_on(const struct pointerless *frame, uint64_t target)
{
	uint64_t end = frame->end_of(frame->who, target);
	const uint8_t *body = body_of(frame, target, end);

	return body && code_count_jumps(body, end - target, target, frame->from, frame->to) > 0;
}

static enum verdict leads_here(const struct pointerless *frame, uint64_t target)
{
	uint8_t entry[PLT_ENTRY];
	uint64_t pointer;

	if (target == frame->from)
		return YES;
	if (native_code(frame->source, target, entry, sizeof entry) && code_plt_pointer(entry, sizeof entry, target, &pointer))
		target = memory_u64(frame->source->memory, pointer);
	return target == frame->from || jumps_on(frame, target) ? YES : NO;
}

/** Does somebody who called this function go on at ADDRESS? */
static enum verdict returns_to(const struct pointerless *frame, uint64_t address)
{
	uint64_t target = 0;

	switch (call_before(frame->source, address, &target)) {
	case CODE_CALL: return leads_here(frame, target);
	case CODE_CALL_POINTER: return leads_here(frame, memory_u64(frame->source->memory, target));
	case CODE_CALL_UNKNOWN: return MAYBE;
	default: return NO;
	}
}

/** A frame pointer at AT has the caller's return address above it. */
static enum verdict judge(const struct pointerless *frame, uint64_t at)
{
	uint64_t address;

	if (!memory_read(frame->source->memory, at + 8, &address, sizeof address))
		return NO;
	return returns_to(frame, address);
}

/* ---- where it is ---- */

static bool by_first_instructions(const struct pointerless *frame, uint64_t *rbp)
{
	const uint8_t *body = body_of(frame, frame->from, frame->to);
	uint8_t code[MOST_CODE];
	uint64_t size, n = frame->pc - frame->from;

	if (!body || frame->pc <= frame->from || code_moves_stack(body, frame->to - frame->from))
		return false;
	if (n > sizeof code)
		n = sizeof code;
	if (!native_code(frame->source, frame->from, code, n) || !code_frame_size(code, n, &size))
		return false;
	*rbp = frame->sp + size;
	return judge(frame, *rbp) != NO;
}

/** The only place whose return address is behind a direct call of this function. @return how many there are, two at most. */
static size_t by_search(const struct pointerless *frame, uint64_t *rbp)
{
	size_t found = 0;

	for (size_t i = 0; i < SEARCH_WORDS && found < 2; i++) {
		uint64_t at = frame->sp + 8 * i, saved, address;

		if (!memory_read(frame->source->memory, at, &saved, sizeof saved) ||
		    !memory_read(frame->source->memory, at + 8, &address, sizeof address))
			break;
		/* Most words are no code: that is cheap to see. */
		if (saved <= at || saved % 8 || returns_to(frame, address) != YES)
			continue;
		if (found++ == 0)
			*rbp = at;
	}
	return found;
}

enum pointer_found frame_pointer_find(const struct pointerless *frame, uint64_t *rbp, const char **why)
{
	*why = NULL;
	if (frame->sp % 8) {
		*why = "its stack pointer is odd";
		return POINTER_NONE;
	}
	if (by_first_instructions(frame, rbp))
		return POINTER_PROVEN;
	switch (by_search(frame, rbp)) {
	case 0:
		*why = "a function keeps its frame by RBP, and no place on the stack proves to be what RBP points to";
		return POINTER_NONE;
	case 1:
		*why = "the frame pointer of one function is the only one that fits, which is no proof";
		return POINTER_LIKELY;
	default:
		*why = "a function keeps its frame by RBP, and several places on the stack could be what RBP points to";
		return POINTER_NONE;
	}
}
