/* Async tasks of a process: how long one looks for them, whether it stood still meanwhile, and what only /proc tells of them. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "stacks/owner.h"
#include "stacks/state.h"

enum { TRIES = 2 };

static bool in_time(void *until)
{
	return sys_monotonic_ns() < *(const int64_t *)until;
}

/** All tasks, from memory as it is now. They lie all over it, and hold together only where no thread ran meanwhile: @return
 * whether. A new thread does not go unseen, for the one that began it ran. */
static bool read_tasks(struct process_read *p, const struct python_tasks_limit *limit, struct thread_read *threads)
{
	for (size_t i = 0; i < p->nthreads; i++) {
		threads[i] = p->threads[i];
		threads[i].settled = false;
		thread_before(p, &threads[i]);
	}
	memory_forget(p->memory);
	p->out->ntasks = python_tasks(p->py, limit, &p->out->tasks, &p->out->tasks_cut);
	for (size_t i = 0; i < p->nthreads; i++)
		if (!threads[i].settled && thread_moved(p, &threads[i])) /* settled: it had ended before */
			return false;
	return true;
}

/** Number of a child in our own PID namespace. */
static pid_t child_as_we_know_it(const struct process_read *p, const process_vec *below, pid_t inner, int levels)
{
	OWNED_TEXT text = {0};

	for (size_t i = 0; i < below->n; i++) {
		char path[64];
		pid_t as_it_is = 0;
		int its = 0;

		if (below->at[i].parent != p->pid)
			continue;
		snprintf(path, sizeof path, "/proc/%d/status", below->at[i].pid);
		if (sys_read_file(AT_FDCWD, path, &text, NULL) == 0 &&
		    parse_nspid(text_str(&text), text.n, &as_it_is, &its) == 0 && its == levels && as_it_is == inner)
			return below->at[i].pid;
	}
	return 0;
}

static void translate_children(struct process_read *p)
{
	OWNED_TEXT text = {0};
	process_vec below = {0};
	pid_t own = 0;
	int levels = 0;
	bool any = false;

	for (size_t i = 0; i < p->out->ntasks; i++)
		any |= p->out->tasks[i].child != 0;
	/* Without NSpid there are no PID namespaces; at level 1 the process is in ours. */
	if (!any || sys_read_file(p->dir_fd, "status", &text, NULL) != 0 ||
	    parse_nspid(text_str(&text), text.n, &own, &levels) != 0 || levels < 2)
		return;
	sys_descendants(p->pid, NULL, 0, &below, NULL);
	for (size_t i = 0; i < p->out->ntasks; i++)
		if (p->out->tasks[i].child)
			p->out->tasks[i].child = child_as_we_know_it(p, &below, p->out->tasks[i].child, levels);
	vec_free(&below);
}

static void set_owners(struct process_read *p)
{
	const char *cwd = process_cwd(p);

	for (size_t i = 0; i < p->out->ntasks; i++) {
		struct async_task *task = &p->out->tasks[i];

		for (size_t k = 0; k < task->nframes; k++)
			task->frames[k].owner = frame_owner_of(task->frames[k].file, cwd);
	}
}

static bool is_of_a_loop(const char *file)
{
	static const char *const folders[] = {"/asyncio/", "/trio/", "uvloop/"};

	for (size_t i = 0; file && i < ARRAY_SIZE(folders); i++)
		if (strstr(file, folders[i]))
			return true;
	return false;
}

/** Is an event loop on the stack of some thread? A program that only has the modules, as pytest does, has no tasks that wait,
 * and the search goes through all its objects. */
static bool runs_a_loop(const struct process_read *p)
{
	for (size_t i = 0; i < p->nthreads; i++) {
		const struct thread_read *t = &p->threads[i];

		if (t->npython >= PYTHON_MOST_FRAMES) /* it may be below those */
			return true;
		for (size_t k = 0; k < t->npython; k++)
			if (is_of_a_loop(t->python[k].file))
				return true;
	}
	return false;
}

void stacks_tasks(struct process_read *p)
{
	struct python_tasks_limit limit = {.go_on = in_time, .who = &p->tasks_until_ns};
	struct thread_read *threads;
	bool still = false;

	if (!p->py || !p->memory)
		return;
	p->out->actor = python_actor(p->py);
	if (!runs_a_loop(p))
		return;
	threads = arena_array(p->arena, p->nthreads, sizeof *threads);
	for (int i = 0; i < TRIES && !still; i++)
		still = read_tasks(p, &limit, threads);
	if (!still)
		p->out->tasks_cut = "the process ran while they were looked for";
	set_owners(p);
	translate_children(p);
}
