/* Interpreters of made-up processes of every version: what is believed, threads, frames, values, generators. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "python_made.h"

static const uint8_t lnotab[] = {0, 1, 8, 1}, pairs[] = {8, 1, 100, 1};
static const uint8_t locations[] = {0x80 | 11 << 3 | 3, 0, 0, 0x80 | 11 << 3 | 7, 0, 0};
static const uint8_t depths[] = {0x80 | 0, 4, 9, 2 << 1}; /* units 0 to 3: two slots live */

/** A function of /lib/FILE: line 11 in its first 8 bytes, then 12. */
static uint64_t function(struct made *m, const char *name, const char *qualname)
{
	static const char *const vars[] = {"self", "timeout"};
	struct made_code c = {.name = name, .qualname = qualname, .file = "/lib/threading.py", .first_line = 10, .stacksize = 6};

	c.lines = m->minor <= 9 ? lnotab : m->minor == 10 ? pairs : locations;
	c.nlines = m->minor <= 9 ? sizeof lnotab : m->minor == 10 ? sizeof pairs : sizeof locations;
	c.table = depths;
	c.ntable = sizeof depths;
	c.vars = vars;
	c.nvars = ARRAY_SIZE(vars);
	return made_code(m, &c);
}

/** Two threads: one in inner() called by outer(), and one that runs nothing. */
struct scene {
	struct made *m;
	uint64_t runtime, interpreter, outer, inner, first, second;
	struct python_where where;
	const char *why;
	struct python *py;
};

static struct scene scene_of(int minor)
{
	struct scene s = {.m = made_new(minor)};
	struct made *m = s.m;

	s.outer = made_frame(m, function(m, "outer", "outer"), minor >= 12 ? made_mark(m, 0) : 0, 8, 8);
	s.inner = made_frame(m, function(m, "inner", "Class.inner"), s.outer, 2, 8);
	s.runtime = made_runtime(m);
	s.interpreter = made_interpreter(m, s.runtime, 0);
	s.first = made_thread(m, s.interpreter, s.inner, 100);
	s.second = made_thread(m, s.interpreter, 0, 101);
	s.where = made_where(m, s.runtime);
	return s;
}

static void try_open(struct scene *s)
{
	s->py = python_open(s->m->memory, s->m->arena, &s->where, &s->why);
}

static struct scene opened(int minor)
{
	struct scene s = scene_of(minor);

	try_open(&s);
	assert_non_null(s.py);
	assert_null(s.why);
	return s;
}

static void close_scene(struct scene *s)
{
	made_free(s->m);
}

/* ---- which interpreter ---- */

static void versions(void **state)
{
	char literal[16];

	(void)state;
	assert_int_equal(python_minor_of_name("python3.9"), 9);
	assert_int_equal(python_minor_of_name("libpython3.12d.so.1.0"), 12);
	assert_int_equal(python_minor_of_name("python3"), -1);
	assert_int_equal(python_minor_of_name("python3."), -1);
	assert_int_equal(python_minor_of_name("python3.99999999999"), -1);
	assert_true(python_literal("xx\0003.9.18\0yy", 13, 9, literal));
	assert_string_equal(literal, "3.9.18");
	assert_true(python_literal("\0003.40.1\0003.10.0rc1\0", 19, -1, literal)); /* the first is sqlite's */
	assert_string_equal(literal, "3.10.0rc1");
	assert_true(python_literal("\0/opt/3.8.2\0", 12, 8, literal));
	assert_string_equal(literal, "3.8.2");
	assert_false(python_literal("\0003.9.18\0", 9, 8, literal));
	assert_false(python_literal("\0003.9.18", 7, 9, literal)); /* cut off */
	assert_false(python_literal("\0003.9.18 is old\0", 16, 9, literal));
	assert_false(python_literal("\0003.9\0\0003.9.\0\0003..1\0", 18, 9, literal));
	assert_false(python_literal("", 0, 9, literal));
}

static void each_version_is_opened(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		char want[24];

		(void)snprintf(want, sizeof want, "3.%d.%u", minor, s.m->o.hex >> 8 & 255);
		assert_string_equal(python_version(s.py), want);
		assert_false(python_free_threaded(s.py));
		assert_memory_equal(&s.py->o, &s.m->o, sizeof s.m->o);
		close_scene(&s);
	}
	(void)state;
}

static void refused(struct scene *s, const char *words)
{
	try_open(s);
	assert_null(s->py);
	assert_non_null(s->why);
	if (!strstr(s->why, words))
		fail_msg("3.%d: \"%s\" has no \"%s\"", s->m->minor, s->why, words);
}

static void what_does_not_fit_is_refused(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = scene_of(minor);

		s.where.runtime_size += 8; /* another build */
		refused(&s, minor <= 12 ? "built in a way" : "does not fit its file");
		s.where.by_section = true; /* a section may be padded */
		try_open(&s);
		assert_non_null(s.py);
		s.where.runtime_size += 64;
		refused(&s, minor <= 12 ? "built in a way" : "does not fit its file");
		s.where.runtime_size = 0;
		refused(&s, "Python 3.");
		close_scene(&s);

		s = scene_of(minor);
		made_u64(s.m, s.second + (uint64_t)s.m->o.ts_interp, s.runtime);
		refused(&s, "threads are not where they should be");
		close_scene(&s);

		s = scene_of(minor);
		s.where.code_type = s.m->list; /* PyCode_Type is not what frames point to */
		refused(&s, "threads are not where they should be");
		s.where.code_type = 0; /* not in the file: then its name must do */
		try_open(&s);
		assert_non_null(s.py);
		assert_true(s.py->code_type == s.m->code);
		close_scene(&s);

		s = scene_of(minor);
		s.where.runtime = MADE_BASE + MADE_SIZE;
		refused(&s, "can't be read");
		close_scene(&s);
	}
	(void)state;
}

static void unknown_versions_say_which(void **state)
{
	struct scene s = scene_of(12);

	(void)state;
	made_u64(s.m, s.where.version, 0x031000f0);
	refused(&s, "Python 3.16.0: its frames are not known to this version of tracewrap");
	made_u64(s.m, s.where.version, 0x030700a2);
	refused(&s, "Python 3.7.0a2: its frames are not known to this version of tracewrap");
	made_u64(s.m, s.where.version, 0x030c00b4);
	refused(&s, "Python 3.12.0b4: a pre-release");
	made_u64(s.m, s.where.version, 0x030c00c1);
	try_open(&s);
	assert_non_null(s.py);
	assert_string_equal(python_version(s.py), "3.12.0rc1");
	made_u64(s.m, s.where.version, 0);
	s.where.file = "blender";
	refused(&s, "whose version can't be found");
	close_scene(&s);

	s = scene_of(9);
	s.where.literal = "3.8.1"; /* not what the name of the file says */
	refused(&s, "whose version can't be found");
	s.where.literal = NULL;
	try_open(&s);
	assert_non_null(s.py);
	assert_string_equal(python_version(s.py), "3.9");
	close_scene(&s);
}

static void self_descriptions(void **state)
{
	for (int minor = 13; minor <= MADE_LAST; minor++) {
		struct scene s = scene_of(minor);

		made_u64(s.m, s.runtime + 16, 1);
		refused(&s, "free-threaded");
		made_u64(s.m, s.runtime + 16, 0);
		made_u64(s.m, s.runtime + 8 * 9, UINT64_C(1) << 40); /* an offset that is none */
		refused(&s, "does not fit its file");
		made_put(s.m, s.runtime, "xdebugpx", 8);
		refused(&s, "does not describe itself");
		close_scene(&s);

		/* a build whose objects have more in front of them */
		s = scene_of(minor);
		made_u64(s.m, s.runtime + 8 * (minor == 13 ? 45 : minor == 14 ? 51 : 59), 24);
		refused(&s, "built in a way");
		close_scene(&s);

		/* its own word goes over the table: threads are elsewhere in this build */
		s = scene_of(minor);
		made_u64(s.m, s.interpreter + 64, s.second);
		made_u64(s.m, s.interpreter + (uint64_t)s.m->o.is_threads_head, 1);
		made_u64(s.m, s.runtime + 8 * 9, 64);
		try_open(&s);
		assert_non_null(s.py);
		assert_int_equal(s.py->o.is_threads_head, 64);
		close_scene(&s);
	}
	(void)state;
}

/* ---- threads ---- */

static void threads_of_every_version(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		struct python_thread *threads;
		const char *why;

		assert_int_equal(python_threads(s.py, &threads, &why), 2);
		assert_null(why);
		assert_true(threads[0].state == s.second && threads[0].tid == 101 && !threads[0].frame);
		assert_true(threads[1].state == s.first && threads[1].tid == 100 && threads[1].frame == s.inner);
		assert_true(threads[1].interpreter == s.interpreter && threads[1].interpreter_id == 0);
		close_scene(&s);
	}
	(void)state;
}

static void a_list_of_threads_that_never_ends(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		struct python_thread *threads;
		const char *why;

		made_u64(s.m, s.first + (uint64_t)s.m->o.ts_next, s.second);
		assert_int_equal(python_threads(s.py, &threads, &why), PYTHON_MOST_THREADS);
		assert_non_null(why);
		made_u64(s.m, s.first + (uint64_t)s.m->o.ts_next, s.runtime); /* not a thread of this interpreter */
		assert_int_equal(python_threads(s.py, &threads, &why), 2);
		assert_non_null(why);
		made_u64(s.m, s.first + (uint64_t)s.m->o.ts_next, 0);
		made_u64(s.m, s.interpreter + (uint64_t)s.m->o.is_next, s.interpreter);
		assert_true(python_threads(s.py, &threads, &why) <= PYTHON_MOST_THREADS);
		assert_non_null(why);
		close_scene(&s);
	}
	(void)state;
}

static void give_gil(struct scene *s, uint64_t thread, int locked)
{
	const struct py_offsets *o = &s->m->o;
	uint64_t gil;

	if (o->is_gil < 0) {
		made_u64(s->m, s->runtime + (uint64_t)o->rt_tstate_current, locked == 1 ? thread : 0);
		return;
	}
	gil = made_room(s->m, 64);
	made_u64(s->m, gil + (uint64_t)o->gil_holder, thread);
	made_u32(s->m, gil + (uint64_t)o->gil_locked, (uint32_t)locked);
	made_u64(s->m, s->interpreter + (uint64_t)o->is_gil, gil);
}

static void holders_of_the_gil(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		struct python_thread *threads;
		const char *why;
		size_t n = python_threads(s.py, &threads, &why);

		assert_int_equal(python_gil(s.py, threads, n), -1);
		give_gil(&s, s.first, 1);
		assert_int_equal(python_gil(s.py, threads, n), 1);
		give_gil(&s, s.first, 0); /* who had it last */
		assert_int_equal(python_gil(s.py, threads, n), -1);
		give_gil(&s, s.first, -1);
		assert_int_equal(python_gil(s.py, threads, n), -1);
		give_gil(&s, s.runtime, 1); /* no thread of ours */
		assert_int_equal(python_gil(s.py, threads, n), -1);
		close_scene(&s);
	}
	(void)state;
}

/* ---- frames ---- */

static void frames_of_every_version(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		struct python_frame f[4];
		const char *why;

		assert_int_equal(python_frames(s.py, s.inner, f, 4, &why), 2);
		assert_null(why);
		assert_string_equal(f[0].function, minor >= 11 ? "Class.inner" : "inner");
		assert_string_equal(f[0].file, "/lib/threading.py");
		assert_int_equal(f[0].line, 11);
		assert_string_equal(f[1].function, "outer");
		assert_int_equal(f[1].line, 12);
		assert_int_equal(f[0].entry, minor <= 10);
		assert_true(f[1].entry);
		assert_int_equal(python_frames(s.py, s.inner, f, 1, &why), 1);
		assert_non_null(why);
		assert_int_equal(python_frames(s.py, 0, f, 4, &why), 0);
		assert_null(why);
		close_scene(&s);
	}
	(void)state;
}

static void torn_frames(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		struct python_frame f[PYTHON_MOST_FRAMES];
		const char *why;

		made_u64(s.m, s.outer + (uint64_t)s.m->o.fr_back, s.inner); /* a ring */
		assert_int_equal(python_frames(s.py, s.inner, f, PYTHON_MOST_FRAMES, &why), PYTHON_MOST_FRAMES);
		assert_non_null(why);
		made_u64(s.m, s.outer + (uint64_t)s.m->o.fr_back, MADE_BASE + MADE_SIZE);
		assert_int_equal(python_frames(s.py, s.inner, f, PYTHON_MOST_FRAMES, &why), 2);
		assert_non_null(why);
		made_u64(s.m, s.outer + (uint64_t)s.m->o.fr_code, s.m->list); /* no code */
		assert_int_equal(python_frames(s.py, s.inner, f, PYTHON_MOST_FRAMES, &why), 1);
		assert_non_null(why);
		if (minor >= 12) { /* marks alone, in a ring */
			uint64_t mark = made_mark(s.m, 0);

			made_u64(s.m, mark + (uint64_t)s.m->o.fr_back, mark);
			assert_int_equal(python_frames(s.py, mark, f, PYTHON_MOST_FRAMES, &why), 0);
			assert_non_null(why);
			made_u8(s.m, mark + (uint64_t)s.m->o.fr_owner, 5);
			assert_int_equal(python_frames(s.py, mark, f, PYTHON_MOST_FRAMES, &why), 0);
			assert_non_null(why);
		}
		close_scene(&s);
	}
	(void)state;
}

static void values_of_frames(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		uint64_t a = made_int(s.m, 1), b = made_int(s.m, 2), cell = made_object(s.m, s.m->cell, 32);
		uint64_t at = made_locals(s.m, s.inner);
		struct py_frame f;
		size_t depth;

		made_u64(s.m, cell + 16, b);
		made_u64(s.m, at, a | (minor >= 14));
		made_u64(s.m, at + 8, cell);
		made_u64(s.m, at + 16, b);
		made_u64(s.m, at + 24, 5 << 2 | 3);
		assert_true(py_frame_open(s.py, s.inner, &f));
		assert_int_equal(f.nlocals, 2);
		assert_true(py_local(s.py, &f, "self") == a);
		assert_true(py_local(s.py, &f, "timeout") == b);
		assert_true(py_local_at(s.py, &f, 1) == cell);
		assert_int_equal(py_local(s.py, &f, "other"), 0);
		assert_int_equal(py_local_at(s.py, &f, 2), 0);
		assert_int_equal(py_local_at(s.py, &f, -1), 0);
		assert_true(py_stack_at(s.py, &f, 0) == b);
		assert_int_equal(py_stack_at(s.py, &f, 1), minor >= 14 ? 0 : 23); /* a tagged int is no object */
		assert_true(py_frame_is(s.py, &f, "/threading.py", "inner"));
		assert_false(py_frame_is(s.py, &f, "/threading.py", "outer"));
		assert_false(py_frame_is(s.py, &f, "/other/lib/threading.py", "inner"));
		if (minor <= 10) { /* one block, at level 2 */
			made_u32(s.m, s.inner + (uint64_t)s.m->o.fr_iblock, 1);
			made_u32(s.m, s.inner + (uint64_t)s.m->o.fr_blocks + 8, 2);
		}
		assert_int_equal(py_stack_live(s.py, &f), 2);
		if (minor <= 10) {
			made_u32(s.m, s.inner + (uint64_t)s.m->o.fr_iblock, 21);
			assert_int_equal(py_stack_live(s.py, &f), 0);
		}
		if (minor <= 9 || minor >= 14)
			made_u64(s.m, s.inner + (uint64_t)s.m->o.fr_stacktop, at + 16 + 3 * 8);
		else
			made_u32(s.m, s.inner + (uint64_t)s.m->o.fr_stacktop, minor == 10 ? 3 : 5);
		assert_true(py_stack_depth(s.py, &f, &depth));
		assert_int_equal(depth, 3);
		made_u64(s.m, s.inner + (uint64_t)s.m->o.fr_stacktop, minor <= 9 || minor >= 14 ? 0 : UINT32_MAX); /* it runs */
		if (minor >= 11 && minor <= 13)
			made_u8(s.m, s.inner + (uint64_t)s.m->o.fr_owner, 0);
		assert_false(py_stack_depth(s.py, &f, &depth));
		close_scene(&s);
	}
	(void)state;
}

/* ---- generators ---- */

struct states {
	int8_t created, suspended, delegates, running, done;
};

static struct states states_of(int minor)
{
	if (minor <= 12)
		return (struct states){-2, -1, -1, 0, 4};
	return minor <= 14 ? (struct states){-3, -2, -1, 0, 4} : (struct states){0, 1, 2, 4, 5};
}

/** A generator of 3.11 or later, at byte OFFSET of a function, with AWAITED on top of its stack. */
static uint64_t generator(struct scene *s, uint64_t type, int8_t is, uint64_t awaited, int offset)
{
	const struct py_offsets *o = &s->m->o;
	uint64_t gen = made_object(s->m, type, 512), frame = gen + (uint64_t)o->gen_iframe;
	uint64_t code = function(s->m, "gen", "Class.gen"), at = frame + (uint64_t)o->fr_locals;

	made_u64(s->m, gen + (uint64_t)o->gen_qualname, made_ascii(s->m, "Class.gen"));
	made_u64(s->m, frame + (uint64_t)o->fr_code, code);
	made_u64(s->m, frame + (uint64_t)o->fr_instr, code + (uint64_t)o->co_code + (uint64_t)offset);
	made_u64(s->m, at + 16, awaited);
	if (s->m->minor >= 14)
		made_u64(s->m, frame + (uint64_t)o->fr_stacktop, at + 24);
	else
		made_u32(s->m, frame + (uint64_t)o->fr_stacktop, 3);
	made_u8(s->m, frame + (uint64_t)o->fr_owner, 1);
	made_u8(s->m, gen + (uint64_t)o->gen_state, (uint8_t)is);
	/* the instruction that it goes on with: RESUME, which from 3.13 on nobody asks */
	made_u8(s->m, code + (uint64_t)o->co_code + (uint64_t)offset + 3, is == states_of(s->m->minor).delegates ? 3 : 1);
	return gen;
}

static void generators(void **state)
{
	for (int minor = 11; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		struct states is = states_of(minor);
		uint64_t type = made_type(s.m, "coroutine", 0), awaited = made_int(s.m, 5), gen;
		struct py_frame f;

		gen = generator(&s, type, is.delegates, awaited, 4);
		assert_true(py_is_generator(s.py, gen));
		assert_false(py_is_generator(s.py, awaited));
		assert_int_equal(py_gen_state(s.py, gen), PY_GEN_SUSPENDED);
		assert_true(py_gen_awaits(s.py, gen) == awaited);
		assert_true(py_gen_frame(s.py, gen, &f));
		assert_int_equal(py_frame_line(s.py, &f), 11);
		assert_string_equal(py_gen_name(s.py, gen), "Class.gen");

		gen = generator(&s, type, is.created, awaited, 4);
		assert_int_equal(py_gen_state(s.py, gen), PY_GEN_CREATED);
		assert_int_equal(py_gen_awaits(s.py, gen), 0);
		gen = generator(&s, type, is.running, awaited, 4);
		assert_int_equal(py_gen_state(s.py, gen), PY_GEN_RUNNING);
		assert_int_equal(py_gen_awaits(s.py, gen), 0);
		gen = generator(&s, type, is.done, awaited, 4);
		assert_int_equal(py_gen_state(s.py, gen), PY_GEN_DONE);
		assert_false(py_gen_frame(s.py, gen, &f));
		gen = generator(&s, type, 77, awaited, 4);
		assert_int_equal(py_gen_state(s.py, gen), PY_GEN_UNKNOWN);

		/* at a plain yield: what lies on its stack is not awaited */
		gen = generator(&s, type, is.suspended, awaited, 4);
		if (is.suspended == is.delegates) {
			struct py_frame at;

			assert_true(py_gen_frame(s.py, gen, &at));
			made_u8(s.m, at.code + (uint64_t)s.m->o.co_code + 4 + 3, 1);
		}
		assert_int_equal(py_gen_state(s.py, gen), PY_GEN_SUSPENDED);
		assert_int_equal(py_gen_awaits(s.py, gen), 0);
		close_scene(&s);
	}
	(void)state;
}

/* ---- lists of the garbage collector ---- */

static void lists_of_objects(void **state)
{
	for (int minor = MADE_FIRST; minor <= MADE_LAST; minor++) {
		struct scene s = opened(minor);
		const struct py_offsets *o = &s.m->o;

		for (int moved = -4; moved <= 4; moved += 4) { /* as patch releases have it */
			uint64_t owner = o->gc_in_interp ? s.interpreter : s.runtime;
			uint64_t base = owner + (uint64_t)o->gc_gen0 + (uint64_t)(int64_t)moved;
			uint64_t object = made_room(s.m, 64);

			assert_int_equal(py_gc_head(s.py, s.interpreter, 0), 0);
			for (int i = 0; i < 3; i++) {
				uint64_t head = base + (uint64_t)(i * o->gc_gen_size);

				made_u64(s.m, head, i ? head : object);
				made_u64(s.m, head + 8, i ? head : object);
			}
			made_u64(s.m, object, base);
			made_u64(s.m, object + 8, base | 1); /* a flag of the collector */
			assert_true(py_gc_head(s.py, s.interpreter, 0) == base);
			assert_true(py_gc_head(s.py, s.interpreter, 2) == base + 2 * (uint64_t)o->gc_gen_size);
			assert_int_equal(py_gc_head(s.py, s.interpreter, 3), 0);
			for (int i = 0; i < 3; i++)
				made_u64(s.m, base + (uint64_t)(i * o->gc_gen_size), 0);
			s.py->o.gc_gen0 = o->gc_gen0;
		}
		close_scene(&s);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),
		cmocka_unit_test(each_version_is_opened),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(unknown_versions_say_which),
		cmocka_unit_test(self_descriptions),
		cmocka_unit_test(threads_of_every_version),
		cmocka_unit_test(a_list_of_threads_that_never_ends),
		cmocka_unit_test(holders_of_the_gil),
		cmocka_unit_test(frames_of_every_version),
		cmocka_unit_test(torn_frames),
		cmocka_unit_test(values_of_frames),
		cmocka_unit_test(generators),
		cmocka_unit_test(lists_of_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
