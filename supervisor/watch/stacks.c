/* Where everybody stands whom a finding is about, read when there is one. */
#include "stacks/stacks.h"
#include "watch/run.h"

/* A tree of a thousand processes is not read whole: the first ones stand nearest to the cause. */
enum { PROCESSES_MOST = 128 };
/* Workers that run a test each; reading one takes about a millisecond. */
enum { TESTS_MOST = 16 };

typedef VEC(pid_t) pid_list;

static void list_pids(const struct finding *f, pid_list *out)
{
	struct idmap *seen = idmap_new();

	for (size_t i = 0; i < f->nblocked && out->n < PROCESSES_MOST; i++) {
		pid_t pid = f->blocked[i].pid;

		if (idmap_get(seen, (uint64_t)pid, NULL))
			continue;
		idmap_put(seen, (uint64_t)pid, i);
		vec_push(out, pid);
	}
	idmap_free(seen);
}

static bool read_all(struct run *r, struct snapshot *s, const pid_list *pids, const struct stacks_options *opt)
{
	struct process_stacks *rows;

	if (!r->stacks)
		r->stacks = stacks_new();
	rows = stacks_read(r->stacks, s->arena, pids->at, pids->n, opt);
	for (size_t i = 0; i < pids->n; i++) {
		struct process *p = snapshot_process(s, pids->at[i]);

		if (p)
			p->stacks = &rows[i];
	}
	return pids->n > 0;
}

bool stacks_look(struct run *r, struct snapshot *s, const struct finding *f)
{
	static const struct stacks_options all = {.native = true, .locks = true, .tasks = true};
	pid_list pids = {0};
	bool any;

	list_pids(f, &pids);
	any = read_all(r, s, &pids, &all);
	vec_free(&pids);
	return any;
}

void stacks_look_all(struct run *r, struct snapshot *s)
{
	static const struct stacks_options threads = {0};
	pid_list pids = {0};

	for (size_t i = 0; i < s->nprocs && pids.n < PROCESSES_MOST; i++)
		vec_push(&pids, s->procs[i].pid);
	read_all(r, s, &pids, &threads);
	vec_free(&pids);
}

/** Its main thread waits without an end of its own, and another one reads. */
static bool may_be_worker(const struct snapshot *s, const struct process *p)
{
	const struct task *main = snapshot_task(s, p->pid);
	bool reads = false;

	if (!p->test || !main || main->wait.op == WAIT_RUN || main->wait.op == WAIT_DEAD || main->wait.timeout_ns != NEVER_NS)
		return false;
	for (size_t t = p->first_task; t < p->first_task + p->ntasks; t++)
		reads |= s->tasks[t].tid != p->pid && s->tasks[t].wait.op == WAIT_FDS && s->tasks[t].wait.non == 1;
	return reads;
}

void stacks_look_tests(struct run *r, struct snapshot *s)
{
	static const struct stacks_options locks = {.locks = true};
	pid_list pids = {0};

	for (size_t i = 0; i < s->nprocs && pids.n < TESTS_MOST; i++)
		if (may_be_worker(s, &s->procs[i]))
			vec_push(&pids, s->procs[i].pid);
	if (pids.n)
		read_all(r, s, &pids, &locks);
	vec_free(&pids);
}

void stacks_close(struct run *r)
{
	stacks_free(r->stacks);
	r->stacks = NULL;
}
