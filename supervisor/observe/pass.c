/* Opening, closing, and the cheap look: one pass over the counters. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "observe/state.h"

/* Below the limit so many descriptors stay free for what is opened and closed at once. */
enum { SPARE_DESCRIPTORS = 64 };
/* A command line is read again when the process moved, this long after the last time; at first at every pass, for exec
 * follows. */
#define CMDLINE_AGAIN_NS NS_PER_S
#define WALK_AGAIN_NS (2 * NS_PER_S)

/* ---- opening ---- */

/** One descriptor for each task: as many as we may have. Where that is few, the rest is opened for each read. */
static int raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit more = {limit.rlim_max, limit.rlim_max};

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			limit = more;
	}
	return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int)limit.rlim_cur - SPARE_DESCRIPTORS;
}

/** Without CONFIG_SCHED_INFO the file reads "0 0 0"; we have run by now, so it can't be true (Documentation/scheduler). */
static bool has_schedstat(const struct observe *ob)
{
	OWNED_TEXT text = {0};
	struct schedstat own;

	return sys_read_file(ob->proc_fd, "self/schedstat", &text, NULL) == 0 &&
	       parse_schedstat(text_str(&text), text.n, &own) == 0 && own.runs > 0;
}

static int64_t tick_ns(void)
{
	long per_second = sysconf(_SC_CLK_TCK);

	return NS_PER_S / (per_second > 0 ? per_second : 100);
}

static void open_alarms(struct observe *ob)
{
	if (ob->opt.timers_before) {
		alarms_baseline(ob, ob->opt.timers_before, strlen(ob->opt.timers_before));
		alarms_read(ob);
		return;
	}
	alarms_read(ob);
	for (size_t i = 0; i < ob->alarms.n; i++)
		ob->alarms.at[i].absent_ns = NEVER_NS;
}

static uint64_t image_of(struct observe *ob, const char *path)
{
	struct stat_line stat;

	if (sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) || parse_stat(text_str(&ob->scratch), ob->scratch.n, &stat))
		return 0;
	return stat.start_stack;
}

int observe_open(const struct observe_options *opt, struct observe **out, struct err *err)
{
	struct observe *ob = mem_alloc(sizeof *ob);
	struct stat st;
	int rc;

	*out = ob;
	ob->opt = *opt;
	ob->by_pid = idmap_new();
	ob->sockets = idmap_new();
	ob->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ob->proc_fd < 0 || fstatat(ob->proc_fd, "self/ns/net", &st, 0) < 0) {
		rc = err_set(err, -errno, "/proc: %m");
		observe_close(ob);
		*out = NULL;
		return rc;
	}
	ob->net_ns = st.st_ino;
	ob->fd_limit = raise_fd_limit();
	ob->own_image = image_of(ob, "self/stat");
	ob->by_status = !has_schedstat(ob);
	ob->boot_offset_ns = sys_clock_ns(CLOCK_BOOTTIME) - sys_monotonic_ns();
	ob->ns_per_tick = tick_ns();
	ob->moved_ns = ob->changed_ns = sys_monotonic_ns();
	open_alarms(ob);
	ob->opt.timers_before = NULL;
	rc = table_walk(ob, ob->moved_ns, true, err);
	spots_list(ob);
	if (rc) {
		observe_close(ob);
		*out = NULL;
	}
	return rc;
}

void observe_close(struct observe *ob)
{
	if (!ob)
		return;
	table_free(ob);
	vec_free(&ob->ended);
	vec_free(&ob->strangers);
	idmap_free(ob->sockets);
	vec_free(&ob->alarms);
	vec_free(&ob->symbols);
	vec_free(&ob->numbers);
	text_free(&ob->scratch);
	fd_closep(&ob->proc_fd);
	mem_free(ob);
}

/* ---- history ---- */

static void note_cmdline(struct observe *ob, const struct seen_process *p, struct history *history, struct process_row *row,
			 int64_t now_ns)
{
	proc_path path;
	uint64_t image;

	snprintf(path, sizeof path, "%d/stat", p->pid);
	image = image_of(ob, path);
	if (p->pid == ob->opt.root && image && image == ob->own_image)
		return; /* its words are ours still */
	snprintf(path, sizeof path, "%d/cmdline", p->pid);
	if (sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) || ob->scratch.n == 0)
		return; /* a zombie has none: keep what was known */
	history_read(history, row, ob->scratch.at, ob->scratch.n, image, now_ns);
}

static bool wants_note(const struct seen_process *p, int64_t now_ns)
{
	return !p->noted_ns ||
	       (p->moved && (now_ns - p->seen_ns < CMDLINE_AGAIN_NS || now_ns - p->noted_ns >= CMDLINE_AGAIN_NS));
}

static void note_process(struct observe *ob, struct seen_process *p, struct history *history, int64_t now_ns)
{
	bool is_new;
	int64_t started_ns = p->start_ticks ? (int64_t)p->start_ticks * ob->ns_per_tick - ob->boot_offset_ns : p->seen_ns;
	struct process_row *row = history_row(history, p->pid, p->start_ticks, started_ns, p->stat.ppid, &is_new);

	note_cmdline(ob, p, history, row, now_ns);
	p->noted_ns = now_ns;
}

/** A main thread that has ended is a zombie as long as others run on (pthread_exit(3)). */
static bool has_threads(pid_t pid)
{
	char path[32];
	int_vec tids = {0};
	bool more;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	more = sys_list_numbers(AT_FDCWD, path, &tids, NULL) == 0 && tids.n > 1;
	vec_free(&tids);
	return more;
}

/** Of a process that was told of, and that no walk has found. Its number may be another's by now. */
static bool is_there(void *who, const struct process_row *row)
{
	const struct observe *ob = who;
	char state = 0;
	uint64_t ticks = sys_process_start(row->pid, &state);

	if (ticks == 0 || ((state == 'Z' || state == 'X') && !has_threads(row->pid)))
		return false;
	return (int64_t)ticks * ob->ns_per_tick - ob->boot_offset_ns <= row->started_ns + ob->ns_per_tick;
}

static void note_history(struct observe *ob, struct history *history, int64_t now_ns)
{
	for (size_t i = 0; i < ob->ended.n; i++) {
		const struct process_row *row = history_living(history, ob->ended.at[i].pid);

		/* The pid may have been used again by now. */
		if (row && row->start_ticks == ob->ended.at[i].start_ticks)
			history_gone(history, row->pid, now_ns);
	}
	ob->ended.n = 0;
	for (size_t i = 0; i < ob->procs.n; i++)
		if (wants_note(ob->procs.at[i], now_ns))
			note_process(ob, ob->procs.at[i], history, now_ns);
	history_sweep(history, now_ns, is_there, ob);
}

/* ---- passes ---- */

static void later(int64_t *moment_ns, int64_t at_ns)
{
	if (at_ns > *moment_ns)
		*moment_ns = at_ns;
}

/** When the wait of T, a task of P, began, as far as passes tell. */
static int64_t still_since(struct seen_process *p, const struct seen_task *t)
{
	const struct seen_task *holder = known_holder(p, t);

	if (holder)
		return holder->moved_ns;
	return known_ticks(t) ? 0 : t->moved_ns;
}

/** Is T what a run may wait for: the command's main thread, or that of a process that may be running a test? By the name that it was found
 *  by, or had when it was last looked at: exec changes it. */
static bool may_be_focus(const struct observe *ob, const struct seen_process *p, const struct seen_task *t)
{
	return t->tid == ob->opt.root ||
	       (t->tid == p->pid && (strncmp(p->stat.comm, "py", 2) == 0 || strncmp(t->look.comm, "py", 2) == 0));
}

static void count_focus(int64_t since_ns, int64_t now_ns, int64_t *latest_ns)
{
	if (now_ns - since_ns >= FOCUS_STILL_NS && (*latest_ns == NEVER_NS || since_ns > *latest_ns))
		*latest_ns = since_ns;
}

static void count_task_moved(struct observe *ob, struct seen_process *p, struct seen_task *t, int64_t now_ns, struct observe_pass *out)
{
	int64_t since_ns = still_since(p, t);

	t->streak = t->moved ? t->streak + 1 : 0;
	out->moved += t->moved;
	t->moved = false;
	later(&out->still_since_ns, since_ns);
	if (!known_holder(p, t) && known_restless(t))
		out->restless++;
	else
		later(&out->rest_still_since_ns, since_ns);
	if (may_be_focus(ob, p, t))
		count_focus(since_ns, now_ns, &out->focus_still_since_ns);
}

/** Count, and forget for the next pass. */
static void count_moved(struct observe *ob, int64_t now_ns, struct observe_pass *out)
{
	out->focus_still_since_ns = NEVER_NS;
	out->still_since_ns = out->rest_still_since_ns = ob->changed_ns;
	for (size_t i = 0; i < ob->procs.n; i++) {
		struct seen_process *p = ob->procs.at[i];

		p->moved = false;
		out->nprocs++;
		out->ntasks += p->tasks.n + (p->tasks.n == 0);
		for (size_t k = 0; k < p->tasks.n; k++)
			count_task_moved(ob, p, &p->tasks.at[k], now_ns, out);
	}
}

static int update_table(struct observe *ob, int64_t now_ns, struct err *err)
{
	int rc = table_count(ob, now_ns, err);

	if (rc == 0)
		rc = table_walk(ob, now_ns, ob->moved_ns == now_ns && now_ns - ob->walked_ns >= WALK_AGAIN_NS, err);
	table_purge(ob);
	return rc;
}

int observe_pass(struct observe *ob, int64_t now_ns, struct history *history, struct observe_pass *out, struct err *err)
{
	int rc = update_table(ob, now_ns, err);

	*out = (struct observe_pass){0};
	if (rc)
		return rc;
	if (ob->moved_ns == now_ns && alarms_due(ob, now_ns)) {
		alarms_read(ob);
		out->alarms_ns = ob->alarms_cost_ns;
	}
	if (history)
		note_history(ob, history, now_ns);
	out->changed = ob->generation != ob->generation_told;
	ob->generation_told = ob->generation;
	count_moved(ob, now_ns, out);
	spots_list(ob);
	return 0;
}

/** Who is known, whoever is his parent now. */
static int known_tree(struct observe *ob, process_vec *out, struct err *err)
{
	int rc = table_walk(ob, sys_monotonic_ns(), true, err);

	table_purge(ob);
	for (size_t i = 0; rc == 0 && i < ob->procs.n; i++) {
		const struct seen_process *p = ob->procs.at[i];
		char state = 0;

		/* ended ones are waited for by whoever is their parent now */
		if (p->start_ticks && sys_process_start(p->pid, &state) == p->start_ticks && state != 'Z' && state != 'X')
			vec_push(out, (sys_process){p->pid, p->stat.ppid, p->start_ticks, state});
	}
	return rc;
}

int observe_tree(struct observe *ob, process_vec *out, struct err *err)
{
	pid_t skip[2];
	size_t n = 0;

	if (ob->opt.no_reaper)
		return known_tree(ob, out, err);

	for (size_t i = 0; i < ARRAY_SIZE(ob->opt.skip); i++)
		if (ob->opt.skip[i] > 0)
			skip[n++] = ob->opt.skip[i];
	return sys_descendants(ob->opt.supervisor, skip, n, out, err);
}
