/* Which test ran when: asked of pytest's own memory, after the fact. */
#include <time.h>

#include "stacks/state.h"

/* Who runs one short test after the other changes the frames that lead to the loop all the time. */
enum { TRIES = 10 };

/** Once through its memory as it is now. */
static bool ask(struct process_read *p, struct python_moment *moments, size_t n)
{
	struct python_thread *threads;
	const char *cut;
	size_t nthreads;

	memory_forget(p->memory);
	if (!p->py)
		find_interpreter(p);
	nthreads = p->py ? python_threads(p->py, &threads, &cut) : 0;
	return nthreads && python_pytest_tests(p->py, threads, nthreads, sys_clock_ns(CLOCK_REALTIME), moments, n);
}

bool stacks_tests(struct stacks *st, struct arena *arena, pid_t pid, struct stacks_moment *at, size_t n)
{
	static const struct stacks_options opt = {0};
	struct process_stacks out = {0};
	struct process_read p = {.st = st, .arena = arena, .opt = &opt, .pid = pid, .dir_fd = -1, .out = &out};
	struct python_moment *moments = arena_array(arena, n, sizeof *moments);
	bool done = false;

	for (size_t i = 0; i < n; i++)
		moments[i] = (struct python_moment){.from_ns = at[i].from_ns, .to_ns = at[i].to_ns};
	if (process_open(&p))
		for (int try = 0; try < TRIES && !done; try++)
			done = ask(&p, moments, n);
	for (size_t i = 0; i < n; i++)
		at[i].test = done ? moments[i].test : NULL;
	process_close(&p);
	return done;
}
