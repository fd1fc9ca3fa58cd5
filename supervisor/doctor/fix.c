/* Clearing away: SIGINT first, for who catches it ends its own children in order; SIGKILL for who does not end; then the files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "doctor/doctor.h"

void doctor_log_free(struct doctor_log *log)
{
	act_log_free(&log->act);
	text_free(&log->said);
}

/** A held address or a stale socket says that a run has gone wrong: then orphans of the checkout go as well. */
static bool is_stuck(const leftover_vec *all)
{
	for (size_t i = 0; i < all->n; i++)
		if ((all->at[i].kind == LEFT_ADDRESS || all->at[i].kind == LEFT_SOCKET) && all->at[i].owner == LEFT_OURS)
			return true;
	return false;
}

bool doctor_clears(const leftover_vec *all, const struct leftover *one)
{
	return one->owner == LEFT_OURS || (one->owner == LEFT_PERHAPS && is_stuck(all));
}

/** Those of TREE that live on, each still the one that it was. */
static void keep_living(process_vec *tree)
{
	size_t n = 0;

	for (size_t i = 0; i < tree->n; i++) {
		char state = 'X';
		uint64_t start = sys_process_start(tree->at[i].pid, &state);

		if (start && start == tree->at[i].start_ticks && state != 'Z' && state != 'X')
			tree->at[n++] = tree->at[i];
	}
	tree->n = n;
}

static void sleep_ns(int64_t ns)
{
	struct timespec pause = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

	nanosleep(&pause, NULL);
}

static void end_processes(process_vec *tree, int64_t grace_ns, struct doctor_log *log)
{
	struct ladder ladder;
	enum ladder_step step;

	keep_living(tree);
	ladder_begin(&ladder, sys_monotonic_ns(), grace_ns);
	while ((step = ladder_next(&ladder, sys_monotonic_ns(), tree->n, false)) != LADDER_END && step != LADDER_GIVE_UP) {
		if (step == LADDER_GENTLE)
			act_gentle(tree, &log->act);
		else if (step == LADDER_KILL)
			act_kill(tree, &log->act);
		else
			sleep_ns(ladder_pause_ns(&ladder));
		keep_living(tree);
	}
	for (size_t i = 0; i < log->act.signalled.n; i++)
		log->killed += log->act.signalled.at[i].sig == SIGKILL;
	for (size_t i = 0; i < tree->n; i++)
		text_addf(&log->said, "process %d could not be ended\n", (int)tree->at[i].pid);
}

/** It may have been taken into use, or made anew, since it was seen. */
static bool is_still_left(const struct leftover *l, struct stat *st)
{
	struct shm_file f;

	if (lstat(l->name, st) < 0)
		return false;
	if (l->kind == LEFT_SOCKET)
		return S_ISSOCK(st->st_mode) && !observe_socket_in_use(st->st_ino, st->st_dev);
	f = (struct shm_file){.inode = st->st_ino, .device = st->st_dev};
	return !observe_shm_in_use(&f);
}

static void remove_files(const leftover_vec *left, struct doctor_log *log)
{
	struct stat st;

	for (size_t i = 0; i < left->n; i++) {
		const struct leftover *l = &left->at[i];

		if ((l->kind != LEFT_SOCKET && l->kind != LEFT_SHM) || !doctor_clears(left, l) || !is_still_left(l, &st))
			continue;
		if (unlink(l->name) == 0)
			log->removed++;
		else if (errno != ENOENT)
			text_addf(&log->said, "%s could not be removed: %s\n", l->name, strerror(errno));
	}
}

void doctor_fix(const leftover_vec *left, int64_t grace_ns, struct doctor_log *log)
{
	process_vec tree = {0};

	for (size_t i = 0; i < left->n; i++) {
		const struct leftover *l = &left->at[i];
		bool twice = false;

		for (size_t k = 0; k < tree.n; k++) /* who holds two addresses */
			twice |= tree.at[k].pid == l->who.pid;
		if (l->who.pid && !twice && doctor_clears(left, l))
			vec_push(&tree, (sys_process){l->who.pid, l->who.parent, l->who.start_ticks, l->who.state});
	}
	end_processes(&tree, grace_ns, log);
	remove_files(left, log);
	vec_free(&tree);
}
