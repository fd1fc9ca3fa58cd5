/* A reading: every process in turn, each thread between two looks at its counters. */
#include "stacks/source.h"
#include "stacks/state.h"

static const int64_t default_tasks_ns = NS_PER_S;

struct stacks *stacks_new(void)
{
	struct stacks *st = mem_alloc(sizeof *st);

	st->by_key = strmap_new();
	return st;
}

void stacks_free(struct stacks *st)
{
	if (!st)
		return;
	stacks_native_free(st);
	files_free(st);
	mem_free(st);
}

/* ---- one process ---- */

/** Those that did not run are done; at the last try the others are, too. @return true: none is left. */
static bool settle(struct process_read *p, bool last)
{
	bool done = true;

	for (size_t i = 0; i < p->nthreads; i++) {
		struct thread_read *t = &p->threads[i];

		if (t->settled)
			continue;
		t->settled = true;
		if (!thread_moved(p, t)) {
			t->quality = STACK_EXACT;
		} else if (last) {
			t->quality = STACK_MOVING;
		} else {
			t->settled = false;
			done = false;
		}
	}
	return done;
}

static void read_threads(struct process_read *p)
{
	for (int try = 1; try <= STACKS_TRIES; try++) {
		for (size_t i = 0; i < p->nthreads; i++)
			if (!p->threads[i].settled)
				thread_before(p, &p->threads[i]);
		if (try > 1)
			memory_forget(p->memory);
		if (!p->py) /* who starts threads meanwhile may look like no interpreter */
			find_interpreter(p);
		read_python(p);
		for (size_t i = 0; p->opt->native && i < p->nthreads; i++)
			if (!p->threads[i].settled)
				stacks_native(p, &p->threads[i]);
		if (p->opt->locks)
			stacks_locks(p);
		if (settle(p, try == STACKS_TRIES))
			break;
	}
	p->out->gil_holder = find_gil_holder(p);
}

/* ---- what comes out ---- */

/** Why T is less than exact, or not whole. */
static void judge(const struct process_read *p, const struct thread_read *t, struct stack *s)
{
	s->quality = t->quality;
	s->why = t->why;
	if (s->quality == STACK_MOVING && !s->why)
		s->why = "it ran while it was read";
	if (s->quality == STACK_EXACT && (t->python_why || t->native_why)) {
		s->quality = STACK_PARTIAL;
		s->why = t->python_why ? t->python_why : t->native_why;
	}
	if (s->nframes || s->nnative)
		return;
	s->quality = STACK_NONE;
	if (!s->why)
		s->why = t->python_why ? t->python_why : p->py ? "it runs no Python code" : p->out->why;
}

static void tell_thread(struct process_read *p, struct thread_read *t, struct stack *s)
{
	*s = (struct stack){
		.tid = t->tid,
		.runs = t->runs,
		.frames = t->merged,
		.nframes = t->nmerged,
		.service = t->service,
		.service_fd = t->service_fd,
	};
	if (!t->merged) {
		s->frames = frames_of_python(p, t->python, t->npython);
		s->nframes = t->npython;
		s->native = t->native;
		s->nnative = t->nnative;
	}
	judge(p, t, s);
}

static void tell(struct process_read *p)
{
	if (p->gone)
		return;
	p->out->threads = arena_array(p->arena, p->nthreads, sizeof *p->out->threads);
	p->out->nthreads = p->nthreads;
	for (size_t i = 0; i < p->nthreads; i++)
		tell_thread(p, &p->threads[i], &p->out->threads[i]);
}

/** Has the process ended meanwhile? Its number may then be another's. */
static bool is_there(const struct process_read *p)
{
	OWNED_TEXT text = {0};

	return p->dir_fd >= 0 && sys_read_file(p->dir_fd, "stat", &text, NULL) == 0;
}

static void read_process(struct process_read *p)
{
	if (!process_open(p))
		return;
	read_threads(p);
	if (p->opt->tasks)
		stacks_tasks(p);
	p->gone = !is_there(p);
	if (p->gone)
		*p->out = (struct process_stacks){.why = "it has ended"};
	/* Of many processes not all can stay open, nor all that was read of them: little is asked again, and the next one's pages go where these
	 * were, which is cheaper than new ones. */
	(void)process_cwd(p);
	fd_closep(&p->dir_fd);
	memory_forget(p->memory);
}

struct process_stacks *stacks_read(struct stacks *st, struct arena *arena, const pid_t *pids, size_t n,
				   const struct stacks_options *opt)
{
	struct process_stacks *out = arena_array(arena, n, sizeof *out);
	struct process_read *processes = arena_array(arena, n, sizeof *processes);
	struct reading r = {st, arena, opt, processes, n};
	struct sources *sources = sources_new();
	int64_t until_ns = sys_monotonic_ns() + (opt->most_ns > 0 ? opt->most_ns : default_tasks_ns);

	for (size_t i = 0; i < n; i++) {
		struct process_read *p = &processes[i];

		*p = (struct process_read){.st = st, .arena = arena, .opt = opt, .pid = pids[i], .dir_fd = -1, .out = &out[i],
					    .tasks_until_ns = until_ns};
		read_process(p);
	}
	for (size_t i = 0; i < n; i++)
		tell(&processes[i]);
	if (opt->locks)
		stacks_locks_across(&r);
	for (size_t i = 0; i < n; i++) {
		sources_fill(sources, arena, pids[i], &out[i]);
		process_close(&processes[i]);
	}
	sources_free(sources);
	return out;
}
