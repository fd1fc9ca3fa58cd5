/* Generators, coroutines, async generators: genobject.h. */
#include "python/state.h"

enum { YIELD_FROM = 72 /* opcode.h, 3.8 to 3.10 */, RESUME_YIELD_FROM = 2, RESUME_AWAIT = 3 /* arguments of RESUME: dis.rst */ };
enum { NOT_AN_ADDRESS = 4096 };

bool py_is_generator(struct python *py, uint64_t obj)
{
	uint64_t type = py_type(py, obj);

	if (!type)
		return false;
	if (py->at.coro_type && py->at.gen_type && py->at.async_gen_type)
		return type == py->at.coro_type || type == py->at.gen_type || type == py->at.async_gen_type;
	return py_is_type(py, obj, "coroutine") || py_is_type(py, obj, "generator") || py_is_type(py, obj, "async_generator");
}

static uint64_t frame_address(struct python *py, uint64_t gen)
{
	uint64_t at = gen + (uint64_t)py->o.gen_iframe;

	return py->minor <= 10 ? memory_u64(py->m, at) : at;
}

/* gi_frame_state, pycore_frame.h: PyFrameState. Up to 3.12: created -2, suspended -1, executing 0, completed 1, cleared 4. 3.13
 * and 3.14: -3, -2 and, in a yield from, -1. 3.15: created 0, suspended 1, in a yield from 2, that and locked 3, executing 4,
 * cleared 5. */
static enum py_gen_state of_word(int minor, int8_t state, bool *delegates)
{
	*delegates = false;
	if (minor >= 15) {
		*delegates = state == 2 || state == 3;
		return state == 0		 ? PY_GEN_CREATED
		       : state >= 1 && state <= 3 ? PY_GEN_SUSPENDED
		       : state == 4		 ? PY_GEN_RUNNING
		       : state == 5		 ? PY_GEN_DONE
						 : PY_GEN_UNKNOWN;
	}
	*delegates = state == -1;
	if (state == (minor >= 13 ? -3 : -2))
		return PY_GEN_CREATED;
	if (state < 0)
		return state >= -2 ? PY_GEN_SUSPENDED : PY_GEN_UNKNOWN;
	return state == 0 ? PY_GEN_RUNNING : state == 1 || state == 4 ? PY_GEN_DONE : PY_GEN_UNKNOWN;
}

static enum py_gen_state of_frame(struct python *py, uint64_t gen)
{
	uint64_t address = frame_address(py, gen);
	struct py_frame f;
	size_t depth;

	if (!address)
		return PY_GEN_DONE;
	if (!py_frame_open(py, address, &f))
		return PY_GEN_UNKNOWN;
	if (f.offset < 0)
		return PY_GEN_CREATED;
	return py_stack_depth(py, &f, &depth) ? PY_GEN_SUSPENDED : PY_GEN_RUNNING;
}

static enum py_gen_state state_of(struct python *py, uint64_t gen, bool *delegates)
{
	int8_t state;

	*delegates = false;
	if (!py_is_generator(py, gen))
		return PY_GEN_UNKNOWN;
	if (py->minor <= 10)
		return of_frame(py, gen);
	if (!memory_read(py->m, gen + (uint64_t)py->o.gen_state, &state, sizeof state))
		return PY_GEN_UNKNOWN;
	return of_word(py->minor, state, delegates);
}

enum py_gen_state py_gen_state(struct python *py, uint64_t gen)
{
	bool delegates;

	return state_of(py, gen, &delegates);
}

bool py_gen_frame(struct python *py, uint64_t gen, struct py_frame *out)
{
	enum py_gen_state state = py_gen_state(py, gen);

	return state != PY_GEN_UNKNOWN && state != PY_GEN_DONE && py_frame_open(py, frame_address(py, gen), out) && !out->mark;
}

/** Up to 3.12 the instruction that it will go on with tells a `yield from` or `await` from a plain yield: _PyGen_yf() in
 *  genobject.c. */
static bool next_delegates(struct python *py, const struct py_frame *f)
{
	if (py->minor <= 10) {
		uint64_t code = memory_u64(py->m, f->code + (uint64_t)py->o.co_code);

		return code && memory_u8(py->m, code + (uint64_t)py->o.by_data + (uint64_t)(f->offset + 2)) == YIELD_FROM;
	}

	uint8_t argument = memory_u8(py->m, f->code + (uint64_t)py->o.co_code + (uint64_t)(f->offset + 3));

	return argument == RESUME_YIELD_FROM || argument == RESUME_AWAIT;
}

uint64_t py_gen_awaits(struct python *py, uint64_t gen)
{
	struct py_frame f;
	size_t depth;
	bool delegates;

	if (state_of(py, gen, &delegates) != PY_GEN_SUSPENDED || !py_gen_frame(py, gen, &f) || f.offset < 0)
		return 0;
	if (py->minor <= 12)
		delegates = next_delegates(py, &f);
	if (!delegates || !py_stack_depth(py, &f, &depth) || !depth)
		return 0;

	uint64_t top = py_stack_at(py, &f, depth - 1);

	/* 3.15: an iterator takes two slots, and the upper is then no object. */
	if (py->minor >= 15 && top < NOT_AN_ADDRESS && depth > 1)
		top = py_stack_at(py, &f, depth - 2);
	return top >= NOT_AN_ADDRESS ? top : 0;
}

const char *py_gen_name(struct python *py, uint64_t gen)
{
	return py_is_generator(py, gen) ? py_text(py, memory_u64(py->m, gen + (uint64_t)py->o.gen_qualname)) : NULL;
}
