/* Interpreters and their thread states. */
#include "python/state.h"

enum { PTHREAD_WORDS = 512, MOST_CALIBRATED = 64, MOST_IN_GROUP = 100000 };
enum { CFRAME_310 = 48 }; /* cpython/pystate.h of 3.10: PyThreadState.cframe */

uint64_t py_next_interpreter(struct python *py, uint64_t interpreter)
{
	if (interpreter)
		return memory_u64(py->m, interpreter + (uint64_t)py->o.is_next);
	return memory_u64(py->m, py->at.runtime + (uint64_t)py->o.rt_interp_head);
}

static uint64_t frame_of(struct python *py, uint64_t state)
{
	uint64_t frame = memory_u64(py->m, state + (uint64_t)py->o.ts_frame);
	struct py_frame f;
	const char *why = NULL;

	if (frame && py->o.cframe_frame >= 0)
		frame = memory_u64(py->m, frame + (uint64_t)py->o.cframe_frame);
	/* Marks alone: it runs no Python code. A frame that can't be opened is kept for whoever tells why. */
	if (py_frame_from(py, frame, &f, &why))
		return f.address;
	return why ? frame : 0;
}

typedef VEC(struct python_thread) thread_vec;

/** @return false: there may be more than were found. */
static bool of_interpreter(struct python *py, uint64_t interpreter, thread_vec *out)
{
	int64_t id = (int64_t)memory_u64(py->m, interpreter + (uint64_t)py->o.is_id);
	uint64_t state = memory_u64(py->m, interpreter + (uint64_t)py->o.is_threads_head);

	for (; state; state = memory_u64(py->m, state + (uint64_t)py->o.ts_next)) {
		/* What is no thread state of this interpreter was freed and used for something else. */
		if (out->n == PYTHON_MOST_THREADS || memory_u64(py->m, state + (uint64_t)py->o.ts_interp) != interpreter)
			return false;

		struct python_thread t = {
			.state = state,
			.interpreter = interpreter,
			.interpreter_id = id,
			.ident = memory_u64(py->m, state + (uint64_t)py->o.ts_thread_id),
			.frame = frame_of(py, state),
		};

		if (py->o.ts_native_id >= 0)
			t.tid = (pid_t)memory_u64(py->m, state + (uint64_t)py->o.ts_native_id);
		vec_push(out, t);
	}
	return true;
}

static struct idmap *all_tids(const struct python *py)
{
	struct idmap *tids = idmap_new();

	for (size_t i = 0; i < py->at.ntids; i++)
		idmap_put(tids, (uint64_t)py->at.tids[i], i);
	return tids;
}

/** How many different ones of TIDS the threads have at OFFSET of what their idents point to. */
static size_t different_tids(struct python *py, const struct idmap *tids, const struct python_thread *threads, size_t n,
			     uint64_t offset)
{
	uint32_t seen[MOST_CALIBRATED];
	size_t different = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t number = threads[i].ident ? memory_u32(py->m, threads[i].ident + offset) : 0;
		size_t k = 0;

		if (!number || !idmap_get(tids, number, NULL))
			continue;
		while (k < different && seen[k] != number)
			k++;
		if (k == different)
			seen[different++] = number;
	}
	return different;
}

/** Up to 3.10 a thread state knows pthread_self() alone, which is where glibc's struct pthread lies (nptl/descr.h): its tid is a
 *  number in it, at a place that depends on glibc. It is the place where most threads have a tid, each another. */
static int find_tid_place(struct python *py, const struct idmap *tids, const struct python_thread *threads, size_t n)
{
	size_t best = 0;
	int place = -1;

	if (n > MOST_CALIBRATED) { /* the oldest come last, the main thread among them */
		threads += n - MOST_CALIBRATED;
		n = MOST_CALIBRATED;
	}
	for (int i = 0; i < PTHREAD_WORDS; i++) {
		size_t different = different_tids(py, tids, threads, n, 4 * (uint64_t)i);

		if (different <= best)
			continue;
		best = different;
		place = 4 * i;
	}
	return place;
}

static void add_tids(struct python *py, thread_vec *threads)
{
	struct idmap *tids;

	if (py->o.ts_native_id >= 0)
		return;
	tids = all_tids(py);
	if (!py->tid_in_pthread)
		py->tid_in_pthread = find_tid_place(py, tids, threads->at, threads->n);
	for (size_t i = 0; i < threads->n && py->tid_in_pthread > 0; i++) {
		uint32_t tid = memory_u32(py->m, threads->at[i].ident + (uint64_t)py->tid_in_pthread);

		threads->at[i].tid = idmap_get(tids, tid, NULL) ? (pid_t)tid : 0;
	}
	idmap_free(tids);
}

size_t python_threads(struct python *py, struct python_thread **out, const char **why)
{
	thread_vec threads = {0};
	uint64_t interpreter = 0;

	*why = NULL;
	for (int i = 0; (interpreter = py_next_interpreter(py, interpreter)); i++)
		if (i == PY_MOST_INTERPRETERS || !of_interpreter(py, interpreter, &threads)) {
			*why = "the list of its threads breaks off";
			break;
		}
	add_tids(py, &threads);
	*out = arena_memdup(py->arena, threads.at, threads.n * sizeof *threads.at);

	size_t n = threads.n;

	vec_free(&threads);
	return n;
}

/* _PyEval_EvalFrameDefault() has a variable of its own that the thread state leads to: its CFrame (3.10 to 3.12), the mark at the
 * end of its group of frames (3.13 on: entry_frame in ceval.c). */
uint64_t python_stack_place(struct python *py, const struct python_thread *t)
{
	uint64_t frame = t->frame;
	struct py_frame f;

	if (!frame || py->minor <= 9)
		return 0;
	if (py->minor == 10)
		return memory_u64(py->m, t->state + CFRAME_310);
	if (py->o.cframe_frame >= 0)
		return memory_u64(py->m, t->state + (uint64_t)py->o.ts_frame);
	for (int i = 0; i < MOST_IN_GROUP && py_frame_open(py, frame, &f); i++, frame = f.back)
		if (f.mark)
			return frame;
	return 0;
}
