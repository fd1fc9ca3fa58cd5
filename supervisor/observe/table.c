/* The table of processes and tasks: counters through kept descriptors, and the walk that finds who is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "observe/state.h"

struct seen_process *table_find(const struct observe *ob, pid_t pid)
{
	size_t i;

	return idmap_get(ob->by_pid, (uint64_t)pid, &i) ? ob->procs.at[i] : NULL;
}

static void changed(struct observe *ob, struct seen_process *p, int64_t now_ns)
{
	ob->generation++;
	ob->moved_ns = ob->changed_ns = now_ns;
	p->moved = true;
	p->details.valid = false;
}

/* ---- counters ---- */

static int open_counter(const struct observe *ob, pid_t pid, pid_t tid)
{
	proc_path path;

	snprintf(path, sizeof path, "%d/task/%d/%s", pid, tid, ob->by_status ? "status" : "schedstat");

	int fd = openat(ob->proc_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT || errno == ESRCH ? -ESRCH : -errno;
}

static int parse_count(const struct observe *ob, const char *text, size_t len, uint64_t *runs)
{
	struct schedstat sched;
	struct status_lines status;

	if (ob->by_status) {
		if (parse_status(text, len, &status))
			return -EIO;
		*runs = status.switches;
		return 0;
	}
	if (parse_schedstat(text, len, &sched))
		return -EIO;
	*runs = sched.runs;
	return 0;
}

int task_count(struct observe *ob, const struct seen_process *p, const struct seen_task *t, uint64_t *runs)
{
	char text[4096];
	OWNED_FD once = -1;
	int fd = t->fd;

	if (fd < 0)
		fd = once = open_counter(ob, p->pid, t->tid);

	/* Only the status takes the room; zeroing or touching 4 KiB for "1 2 3" would cost more than the read. */
	ssize_t n = fd < 0 ? fd : sys_pread_text(fd, text, ob->by_status ? sizeof text : 128);

	if (n == -ESRCH)
		return SYS_GONE;
	if (n == -EACCES || n == -EPERM)
		return SYS_DENIED;
	return n < 0 ? (int)n : parse_count(ob, text, (size_t)n, runs);
}

static void task_free(struct seen_task *t)
{
	fd_closep(&t->fd);
	look_free(&t->look);
}

static void drop_task(struct seen_process *p, size_t i)
{
	task_free(&p->tasks.at[i]);
	memmove(&p->tasks.at[i], &p->tasks.at[i + 1], (p->tasks.n - i - 1) * sizeof *p->tasks.at);
	p->tasks.n--;
}

/** False when the task has gone. */
static bool count_task(struct observe *ob, struct seen_process *p, struct seen_task *t, int64_t now_ns)
{
	uint64_t runs = 0;
	int rc = task_count(ob, p, t, &runs);

	if (rc == SYS_GONE)
		return false;
	t->refused = rc == SYS_DENIED;
	if (rc == 0 && t->known && runs == t->runs)
		return true;
	if (t->refused && t->known) /* never counts as still: see look_task() */
		return true;
	t->known = rc == 0 || t->refused; /* a counter that could not be read equals no other */
	t->runs = runs;
	t->moved = p->moved = true;
	t->moved_ns = ob->moved_ns = now_ns;
	/* Here, and not by a later look: looks are made anew between two snapshots, and know nothing of descriptors. */
	p->details.valid = false;
	return true;
}

int table_count(struct observe *ob, int64_t now_ns, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < ob->procs.n; i++) {
		struct seen_process *p = ob->procs.at[i];

		for (size_t j = 0; j < p->tasks.n;) {
			if (count_task(ob, p, &p->tasks.at[j], now_ns)) {
				j++;
				continue;
			}
			drop_task(p, j);
			changed(ob, p, now_ns);
		}
	}
	return 0;
}

/* ---- processes ---- */

static void process_free(struct seen_process *p)
{
	for (size_t i = 0; i < p->tasks.n; i++)
		task_free(&p->tasks.at[i]);
	vec_free(&p->tasks);
	vec_free(&p->kids);
	details_free(&p->details);
	mem_free(p);
}

void table_free(struct observe *ob)
{
	for (size_t i = 0; i < ob->procs.n; i++)
		process_free(ob->procs.at[i]);
	vec_free(&ob->procs);
	idmap_free(ob->by_pid);
}

void table_purge(struct observe *ob)
{
	for (size_t i = 0; i < ob->procs.n;) {
		struct seen_process *p = ob->procs.at[i], *last = ob->procs.at[ob->procs.n - 1];

		if (!p->ended && (p->hidden || p->tasks.n)) {
			i++;
			continue;
		}
		if (p->noted_ns)
			vec_push(&ob->ended, (struct ended){p->pid, p->start_ticks});
		idmap_del(ob->by_pid, (uint64_t)p->pid);
		ob->generation++;
		ob->procs.at[i] = last;
		if (last != p)
			idmap_put(ob->by_pid, (uint64_t)last->pid, i);
		ob->procs.n--;
		process_free(p);
	}
}

static int read_children(struct observe *ob, pid_t pid, pid_t tid, struct text *out, struct err *err)
{
	proc_path path;

	snprintf(path, sizeof path, "%d/task/%d/children", pid, tid);
	return sys_read_file(ob->proc_fd, path, out, err);
}

static bool is_guard(const struct observe *ob, pid_t pid)
{
	return pid == ob->opt.supervisor || pid == ob->opt.skip[0] || pid == ob->opt.skip[1];
}

static bool still_listed(struct observe *ob, pid_t parent, pid_t tid, pid_t child)
{
	OWNED_TEXT list = {0};
	pid_t pid;

	if (read_children(ob, parent, tid, &list, NULL))
		return false;
	for (struct cursor c = {text_str(&list), list.n}; parse_next_pid(&c, &pid);)
		if (pid == child)
			return true;
	return false;
}

static bool read_stat(struct observe *ob, pid_t pid, struct stat_line *out)
{
	proc_path path;

	snprintf(path, sizeof path, "%d/stat", pid);
	return sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) == 0 &&
	       parse_stat(text_str(&ob->scratch), ob->scratch.n, out) == 0;
}

/** A child of thread TID of PARENT: known, new, hidden, or ended meanwhile. */
static void adopt(struct observe *ob, pid_t parent, pid_t tid, pid_t pid, int64_t now_ns)
{
	struct seen_process *p = table_find(ob, pid);
	struct stat_line stat = {0};

	if (p)
		p->listed = ob->walk;
	if (p || is_guard(ob, pid))
		return;

	bool seen = read_stat(ob, pid, &stat);

	/* hidepid (proc(5)) lists a child here whose folder does not exist for us. One that has ended is no longer listed. */
	if (!seen && !still_listed(ob, parent, tid, pid))
		return;
	p = mem_alloc(sizeof *p);
	p->pid = pid;
	p->hidden = !seen;
	p->stat = stat;
	if (p->hidden)
		p->stat.ppid = parent;
	p->start_ticks = stat.start_ticks;
	p->listed = ob->walk;
	p->seen_ns = now_ns;
	ob->saw_hidden = ob->saw_hidden || p->hidden;
	idmap_put(ob->by_pid, (uint64_t)pid, ob->procs.n);
	vec_push(&ob->procs, p);
	changed(ob, p, now_ns);
}

void observe_add(struct observe *ob, pid_t pid, int64_t born_ns)
{
	struct stat_line stat;

	if (pid <= 1 || table_find(ob, pid) || !read_stat(ob, pid, &stat))
		return;
	/* start times are cut to ticks: who has begun a tick later is somebody else */
	if ((int64_t)stat.start_ticks * ob->ns_per_tick - ob->boot_offset_ns <= born_ns + ob->ns_per_tick)
		adopt(ob, stat.ppid, stat.ppid, pid, sys_monotonic_ns());
}

/* ---- tasks of one process ---- */

/** The row of a new task. False when it has gone before its counter was read. */
static bool new_task(struct observe *ob, struct seen_process *p, pid_t tid, int64_t now_ns, struct seen_task *out)
{
	*out = (struct seen_task){.tid = tid, .fd = -1};

	int fd = open_counter(ob, p->pid, tid);

	if (fd == -ESRCH)
		return false;
	if (fd >= 0 && fd < ob->fd_limit)
		out->fd = fd;
	else if (fd >= 0)
		fd_closep(&fd);
	if (count_task(ob, p, out, now_ns))
		return true;
	task_free(out);
	return false;
}

static bool same_tids(const struct seen_process *p, const int_vec *tids)
{
	if (p->tasks.n != tids->n)
		return false;
	for (size_t i = 0; i < tids->n; i++)
		if (p->tasks.at[i].tid != tids->at[i])
			return false;
	return true;
}

/** Make P's rows those of TIDS; both ascend. */
static void sync_tasks(struct observe *ob, struct seen_process *p, const int_vec *tids, int64_t now_ns)
{
	if (same_tids(p, tids))
		return;

	typeof(p->tasks) old = p->tasks, now = {0};
	size_t k = 0;

	for (size_t i = 0; i < tids->n; i++) {
		struct seen_task fresh;

		while (k < old.n && old.at[k].tid < tids->at[i])
			task_free(&old.at[k++]);
		if (k < old.n && old.at[k].tid == tids->at[i])
			vec_push(&now, old.at[k++]);
		else if (new_task(ob, p, tids->at[i], now_ns, &fresh))
			vec_push(&now, fresh);
	}
	while (k < old.n)
		task_free(&old.at[k++]);
	vec_free(&old);
	p->tasks = now;
	changed(ob, p, now_ns);
}

static int walk_kids(struct observe *ob, struct seen_process *p, int64_t now_ns, struct err *err)
{
	OWNED_TEXT list = {0};

	p->kids.n = 0;
	for (size_t i = 0; i < p->tasks.n; i++) {
		pid_t pid, tid = p->tasks.at[i].tid;
		int rc = read_children(ob, p->pid, tid, &list, err);

		if (rc < 0)
			return rc;
		if (rc)
			continue; /* a thread that has ended: its children are in another's list, or will be at the next walk */
		p->tasks.at[i].has_kids = false;
		for (struct cursor c = {text_str(&list), list.n}; parse_next_pid(&c, &pid);) {
			p->tasks.at[i].has_kids = true;
			vec_push(&p->kids, pid);
			adopt(ob, p->pid, tid, pid, now_ns);
		}
	}
	return 0;
}

static int walk_process(struct observe *ob, struct seen_process *p, int64_t now_ns, struct err *err)
{
	proc_path path;

	snprintf(path, sizeof path, "%d/task", p->pid);

	int rc = sys_list_numbers(ob->proc_fd, path, &ob->numbers, err);

	if (rc < 0)
		return rc;
	if (rc == SYS_DENIED)
		p->hidden = ob->saw_hidden = true;
	else if (rc == 0 && p->hidden && read_stat(ob, p->pid, &p->stat)) { /* it shows itself after all */
		p->hidden = false;
		p->start_ticks = p->stat.start_ticks;
	}
	if (rc)
		ob->numbers.n = 0;
	sync_tasks(ob, p, &ob->numbers, now_ns);
	return walk_kids(ob, p, now_ns, err);
}

int table_walk_top(struct observe *ob, int64_t now_ns, struct err *err)
{
	OWNED_TEXT list = {0};
	pid_t pid, me = ob->opt.supervisor;
	int rc;

	if (ob->opt.from_outside) {
		adopt(ob, 0, 0, ob->opt.root, now_ns);
		return 0;
	}
	rc = read_children(ob, me, me, &list, err);

	if (rc > 0)
		return err_set(err, -ENOSYS, "/proc/%d/task/%d/children can't be read", me, me);
	if (rc < 0)
		return rc;
	for (struct cursor c = {text_str(&list), list.n}; parse_next_pid(&c, &pid);)
		adopt(ob, me, me, pid, now_ns);
	return 0;
}

int table_walk(struct observe *ob, int64_t now_ns, bool all, struct err *err)
{
	if (all)
		ob->walk++;

	int rc = table_walk_top(ob, now_ns, err);

	for (size_t i = 0; rc == 0 && i < ob->procs.n; i++)
		if (all || ob->procs.at[i]->moved)
			rc = walk_process(ob, ob->procs.at[i], now_ns, err);
	if (rc || !all)
		return rc;
	ob->walked_ns = now_ns;
	for (size_t i = 0; i < ob->procs.n; i++)
		if (ob->procs.at[i]->hidden && ob->procs.at[i]->listed != ob->walk)
			ob->procs.at[i]->ended = true;
	return 0;
}
