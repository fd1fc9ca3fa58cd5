/* The deeds: signals to the processes of a list, each checked to be the one that was listed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "act/act.h"

void act_log_free(struct act_log *log)
{
	vec_free(&log->signalled);
	vec_free(&log->survivors);
}

static void note_signalled(struct act_log *log, pid_t pid, int sig)
{
	if (!log)
		return;
	for (size_t i = log->signalled.n; i-- > 0;)
		if (log->signalled.at[i].pid == pid && log->signalled.at[i].sig == sig)
			return;
	vec_push(&log->signalled, (struct act_signalled){.pid = pid, .sig = sig, .at_ns = sys_monotonic_ns()});
}

/** @return true when SIG reached P itself. */
static bool signal_one(const sys_process *p, int sig)
{
	if (p->pid <= 1 || p->pid == getpid() || p->pid == getppid())
		return false;
	if (!p->start_ticks) /* hidden by hidepid; our own child keeps its pid until we reap it */
		return p->parent == getpid() && !kill(p->pid, sig);
	return sys_signal_process(p->pid, p->start_ticks, sig) == 0;
}

/** One read of a small file of P, without its last newline. @return false when there is nothing to read. */
static bool read_entry(const sys_process *p, const char *name, struct text *out)
{
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)p->pid, name);
	if (sys_read_file(AT_FDCWD, path, out, NULL) || !out->n)
		return false;
	if (out->at[out->n - 1] == '\n')
		out->at[--out->n] = '\0';
	return true;
}

static bool ignores(const sys_process *p, int sig)
{
	OWNED_TEXT status = {0};
	const char *line = read_entry(p, "status", &status) ? strstr(text_str(&status), "\nSigIgn:") : NULL;

	return line && strtoull(line + strlen("\nSigIgn:"), NULL, 16) >> (sig - 1) & 1;
}

void act_gentle(const process_vec *tree, struct act_log *log)
{
	for (size_t i = 0; i < tree->n; i++) {
		const sys_process *p = &tree->at[i];
		int sig = ignores(p, SIGINT) ? SIGTERM : SIGINT;

		if (p->state == 'Z' || !signal_one(p, sig))
			continue;
		note_signalled(log, p->pid, sig);
		if ((p->state == 'T' || p->state == 't') && signal_one(p, SIGCONT))
			note_signalled(log, p->pid, SIGCONT);
	}
}

/** A first thread that has ended is shown as a zombie while others run on: that process is alive. */
static bool is_dead(const sys_process *p)
{
	OWNED_TEXT status = {0};

	if (p->state != 'Z' && p->state != 'X')
		return false;

	const char *line = read_entry(p, "status", &status) ? strstr(text_str(&status), "\nThreads:") : NULL;

	return !line || strtol(line + strlen("\nThreads:"), NULL, 10) <= 1;
}

void act_kill(const process_vec *tree, struct act_log *log)
{
	int_vec reached = {0};

	for (size_t i = 0; i < tree->n; i++) /* all signals first: who is quick forks meanwhile */
		if (!is_dead(&tree->at[i]) && signal_one(&tree->at[i], SIGKILL))
			vec_push(&reached, tree->at[i].pid);
	for (size_t i = 0; i < reached.n; i++)
		note_signalled(log, reached.at[i], SIGKILL);
	vec_free(&reached);
}

static void stop_one(const sys_process *p, process_vec *stopped, struct act_log *log)
{
	if (is_dead(p) || p->state == 'T' || !signal_one(p, SIGSTOP))
		return;
	note_signalled(log, p->pid, SIGSTOP);
	vec_push(stopped, *p);
}

void act_stop(const process_vec *tree, pid_t last, process_vec *stopped, struct act_log *log)
{
	for (size_t i = 0; i < tree->n; i++)
		if (tree->at[i].pid != last)
			stop_one(&tree->at[i], stopped, log);
	for (size_t i = 0; i < tree->n; i++)
		if (tree->at[i].pid == last)
			stop_one(&tree->at[i], stopped, log);
}

void act_continue(const process_vec *stopped, struct act_log *log)
{
	/* whatever they show now: a stop may be on its way yet, and goes with that (signal(7)) */
	for (size_t i = 0; i < stopped->n; i++)
		if (signal_one(&stopped->at[i], SIGCONT))
			note_signalled(log, stopped->at[i].pid, SIGCONT);
}

void act_survivors(const process_vec *tree, struct act_log *log)
{
	for (size_t i = 0; i < tree->n; i++) {
		const sys_process *p = &tree->at[i];
		struct act_survivor s = {.pid = p->pid};
		OWNED_TEXT entry = {0};

		if (p->start_ticks && sys_process_start(p->pid, &s.state) != p->start_ticks)
			continue;
		if (is_dead(&(sys_process){.pid = p->pid, .state = s.state}))
			continue;
		if (read_entry(p, "comm", &entry))
			snprintf(s.comm, sizeof s.comm, "%s", text_str(&entry));
		if (read_entry(p, "wchan", &entry) && strcmp(text_str(&entry), "0") != 0)
			snprintf(s.wchan, sizeof s.wchan, "%s", text_str(&entry));
		vec_push(&log->survivors, s);
	}
}

static void reap_children(const process_vec *tree)
{
	for (size_t i = 0; i < tree->n; i++) /* by pid: a guard that is to be spared is waited for by somebody else */
		if (tree->at[i].parent == getpid())
			waitpid(tree->at[i].pid, NULL, WNOHANG);
}

static void pause_ns(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

	nanosleep(&t, NULL);
}

static size_t count_living(const process_vec *tree)
{
	size_t n = 0;

	for (size_t i = 0; i < tree->n; i++)
		n += !is_dead(&tree->at[i]);
	return n;
}

size_t act_end_tree(const pid_t *skip, size_t nskip, int64_t limit_ns, struct act_log *log)
{
	struct ladder rounds = {.rung = RUNG_KILL};
	process_vec tree = {0};
	int64_t until_ns = sys_monotonic_ns() + limit_ns;
	size_t left;

	for (;; rounds.steps++) {
		if (sys_descendants(getpid(), skip, nskip, &tree, NULL) || !tree.n)
			break;
		act_kill(&tree, log);
		reap_children(&tree);
		if (sys_monotonic_ns() >= until_ns)
			break;
		pause_ns(ladder_pause_ns(&rounds));
	}
	left = count_living(&tree);
	if (left && log)
		act_survivors(&tree, log);
	vec_free(&tree);
	return left;
}
