/* How long proof and explanation take: TASKS tasks in processes of ten threads, that wait for locks of their process, for children, and in
 * rings over pipes and sockets; as a whole (nobody may move) and with one live task. Prints the best of some runs in milliseconds.
 *
 *   prove [TASKS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "prove/prove.h"

enum { RUNS = 9, THREADS = 10, KINDS = 4 };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct wait wait_of(struct snapshot *s, size_t proc, size_t thread)
{
	struct wait w = {.timeout_ns = NEVER_NS};
	size_t parent = proc ? (proc - 1) / 2 : 0, kid = proc * 2 + 1;

	if (thread || proc % KINDS == 3) {
		w.op = WAIT_FUTEX;
		w.owner = thread % 2 ? (pid_t)(1000 + proc * THREADS) : 0;
		return w;
	}
	if (proc % KINDS == 0 && kid < s->nprocs) {
		w.op = WAIT_CHILD;
		w.pids = arena_array(s->arena, 1, sizeof *w.pids);
		w.pids[w.npids++] = s->procs[kid].pid;
		return w;
	}
	w.op = WAIT_FDS;
	w.why = proc % 2 ? "write" : "poll";
	w.on = arena_array(s->arena, 3, sizeof *w.on);
	w.on[w.non++] = (struct wait_target){(int)proc, proc % 2 ? END_WRITE : END_READ, 3};
	if (proc % 2 == 0)
		w.on[w.non++] = (struct wait_target){(int)parent, END_READ, 4};
	return w;
}

/** Process N holds both ends of pipe N; its parent and its neighbour one each. */
static void hold(struct snapshot *s, size_t proc)
{
	struct process *p = &s->procs[proc];
	size_t others[] = {proc, proc ? (proc - 1) / 2 : 0, (proc + 1) % s->nprocs};

	p->fds = arena_array(s->arena, 3, sizeof *p->fds);
	for (size_t i = 0; i < 3; i++)
		p->fds[p->nfds++] = (struct held_fd){3 + (int)i, (int)others[i], i == 0 ? END_BOTH : i == 1 ? END_WRITE : END_READ};
}

static struct snapshot *make(size_t ntasks, bool live)
{
	struct snapshot *s = snapshot_new();
	struct err err = {0};

	s->nprocs = ntasks / THREADS;
	s->ntasks = s->nprocs * THREADS;
	s->nobjects = s->nprocs;
	s->alarms_known = true;
	s->procs = arena_array(s->arena, s->nprocs, sizeof *s->procs);
	s->tasks = arena_array(s->arena, s->ntasks, sizeof *s->tasks);
	s->objects = arena_array(s->arena, s->nobjects, sizeof *s->objects);
	for (size_t i = 0; i < s->nprocs; i++) {
		pid_t pid = (pid_t)(1000 + i * THREADS);

		s->procs[i] = (struct process){.pid = pid, .vm = pid, .comm = "x", .readable = true, .alarm_ns = NEVER_NS, .tpgid = -1,
					       .ppid = i ? s->procs[(i - 1) / 2].pid : 1};
		s->procs[i].argv = arena_array(s->arena, 1, sizeof(char *));
		s->objects[i] = (struct object){.name = arena_printf(s->arena, "pipe:[%zu]", i), .kind = OBJECT_PIPE, .peer = PEER_NONE};
		hold(s, i);
	}
	s->root = s->procs[0].pid;
	for (size_t i = 0; i < s->ntasks; i++) {
		pid_t pid = s->procs[i / THREADS].pid;

		s->tasks[i] = (struct task){.tid = pid + (pid_t)(i % THREADS), .pid = pid, .comm = "x", .state = 'S', .call = "futex", .runs = 1};
		s->tasks[i].wait = wait_of(s, i / THREADS, i % THREADS);
	}
	if (live)
		s->tasks[s->ntasks - 1].wait = (struct wait){.op = WAIT_SLEEP, .timeout_ns = 5 * NS_PER_S};
	if (snapshot_index(s, &err)) {
		fprintf(stderr, "prove: %s\n", err.text);
		exit(1);
	}
	return s;
}

static void measure(size_t ntasks, bool live)
{
	struct snapshot *s = make(ntasks, live);
	double prove_ms = 1e9, explain_ms = 1e9;
	size_t stuck = 0, edges = 0;

	for (int run = 0; run < RUNS; run++) {
		double t0 = now_ms();
		struct proof *p = prove(s, &(struct prove_options){.horizon_ns = 600 * NS_PER_S});
		double t1 = now_ms();
		struct finding *f = explain(s, p, &s->root, 1, p->whole ? PROVEN : SUSPECTED);
		double t2 = now_ms();

		prove_ms = t1 - t0 < prove_ms ? t1 - t0 : prove_ms;
		explain_ms = t2 - t1 < explain_ms ? t2 - t1 : explain_ms;
		stuck = p->nstuck;
		edges = 0;
		for (size_t i = 0; i < p->ntasks; i++)
			edges += p->fates[i].nstrong;
		finding_free(f);
		proof_free(p);
	}
	printf("%-6s %6zu tasks, %6zu stuck, %7zu edges between stuck tasks: proof %6.1f ms, explanation %6.1f ms\n", live ? "partly" : "whole",
	       s->ntasks, stuck, edges, prove_ms, explain_ms);
	snapshot_free(s);
}

int main(int argc, char **argv)
{
	size_t ntasks = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;

	if (ntasks < THREADS || ntasks > 1000000)
		return 2;
	measure(ntasks, false);
	measure(ntasks, true);
	return 0;
}
