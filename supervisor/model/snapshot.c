/* A snapshot's life, its order and its look-ups. */
#include <errno.h>
#include <stdlib.h>

#include "model/model.h"

struct snapshot *snapshot_new(void)
{
	struct arena *a = arena_new();
	struct snapshot *s = arena_alloc(a, sizeof *s);

	s->arena = a;
	return s;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	idmap_free(s->by_pid);
	idmap_free(s->by_tid);
	arena_free(s->arena);
}

static int compare_processes(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	return (p->pid > q->pid) - (p->pid < q->pid);
}

static int compare_tasks(const void *a, const void *b)
{
	const struct task *t = a, *u = b;

	if (t->pid != u->pid)
		return t->pid < u->pid ? -1 : 1;
	return (t->tid > u->tid) - (t->tid < u->tid);
}

static int index_processes(struct snapshot *s, struct err *err)
{
	for (size_t i = 0; i < s->nprocs; i++) {
		struct process *p = &s->procs[i];

		if (idmap_get(s->by_pid, (uint64_t)p->pid, NULL))
			return err_set(err, -EINVAL, "process %d comes twice", p->pid);
		idmap_put(s->by_pid, (uint64_t)p->pid, i);
		p->first_task = p->ntasks = 0;
	}
	return 0;
}

static int index_tasks(struct snapshot *s, struct err *err)
{
	for (size_t i = 0; i < s->ntasks; i++) {
		struct task *t = &s->tasks[i];
		size_t proc;

		if (!idmap_get(s->by_pid, (uint64_t)t->pid, &proc))
			return err_set(err, -EINVAL, "task %d is of process %d, which is not there", t->tid, t->pid);
		if (idmap_get(s->by_tid, (uint64_t)t->tid, NULL))
			return err_set(err, -EINVAL, "task %d comes twice", t->tid);
		idmap_put(s->by_tid, (uint64_t)t->tid, i);
		t->proc = (int)proc;
		if (s->procs[proc].ntasks++ == 0)
			s->procs[proc].first_task = i;
	}
	return 0;
}

int snapshot_index(struct snapshot *s, struct err *err)
{
	int rc;

	idmap_free(s->by_pid);
	idmap_free(s->by_tid);
	s->by_pid = idmap_new();
	s->by_tid = idmap_new();
	if (s->nprocs)
		qsort(s->procs, s->nprocs, sizeof *s->procs, compare_processes);
	if (s->ntasks)
		qsort(s->tasks, s->ntasks, sizeof *s->tasks, compare_tasks);
	rc = index_processes(s, err);
	return rc ? rc : index_tasks(s, err);
}

struct process *snapshot_process(const struct snapshot *s, pid_t pid)
{
	size_t i;

	return s->by_pid && idmap_get(s->by_pid, (uint64_t)pid, &i) ? &s->procs[i] : NULL;
}

struct task *snapshot_task(const struct snapshot *s, pid_t tid)
{
	size_t i;

	return s->by_tid && idmap_get(s->by_tid, (uint64_t)tid, &i) ? &s->tasks[i] : NULL;
}

void finding_free(struct finding *f)
{
	if (f)
		arena_free(f->arena);
}

const struct process_stacks *finding_stacks_of(const struct finding *f, pid_t pid)
{
	for (size_t i = 0; i < f->nstacks; i++)
		if (f->stacks[i].pid == pid)
			return f->stacks[i].stacks;
	return NULL;
}
