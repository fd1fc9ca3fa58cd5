/* Which native frames are the interpreter's loop: _PyEval_EvalFrameDefault of CPython (Python/ceval.c).
 *
 * A compiler that knows what is hot cuts a function in two, and a stripped file names the hot part alone. (Debian's 3.13 to
 * 3.15: the symbol has 1 to 2 KB, and all that calls lies in 80 KB without a name.) Code of one function jumps into the middle
 * of another piece only where that is its own other part: a tail call goes to a beginning.
 */
#include <string.h>

#include "stacks/native.h"

enum { LEAST_JUMPS = 3, MOST_BODY = 1 << 20 };

/** Code of SYMBOL jumps into the middle of the piece [FROM, TO), the file's own addresses. */
static bool goes_on_in(struct elf *e, const struct elf_symbol *symbol, uint64_t from, uint64_t to)
{
	size_t available;
	const uint8_t *body = elf_bytes_at(e, symbol->value, &available);

	if (!body || symbol->size > available || symbol->size > MOST_BODY || to <= from + 1)
		return false;
	return code_count_jumps(body, symbol->size, symbol->value, from + 1, to) >= LEAST_JUMPS;
}

static bool is_loop(const struct native_source *source, const struct native_frame *frame)
{
	struct native_piece piece;
	struct elf_symbol own;

	if (!source->piece_at(source->who, frame->at, &piece) || !piece.elf || !piece.loop)
		return false;
	if (frame->at - piece.bias - piece.loop->value < piece.loop->size)
		return true;
	/* its parts, where they have names: NATIVE_LOOP.cold, NATIVE_LOOP.part.0 */
	if (elf_function(piece.elf, frame->at - piece.bias, &own))
		return strncmp(own.name, NATIVE_LOOP ".", sizeof NATIVE_LOOP) == 0;
	return frame->from && goes_on_in(piece.elf, piece.loop, frame->from - piece.bias, frame->to - piece.bias);
}

size_t native_loops_mark(const struct native_source *source, struct native_frame *frames, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		/* Frames of one function are many: ask once. */
		size_t same = 0;

		while (same < i && !(frames[i].from && frames[same].from == frames[i].from))
			same++;
		frames[i].loop = same < i ? frames[same].loop : is_loop(source, &frames[i]);
		count += frames[i].loop;
	}
	return count;
}
