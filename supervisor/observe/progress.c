/* Signs of progress that no counter tells: what was written towards the outside, and how much of the processors was wanted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/state.h"

static bool is_inherited(const struct observe *ob, const char *link)
{
	for (size_t i = 0; i < ob->opt.ninherited; i++)
		if (strcmp(ob->opt.inherited[i], link) == 0)
			return true;
	return false;
}

/** Standard output or error is one that the run came with: somebody may be reading along. */
static bool speaks_outside(struct observe *ob, const struct seen_process *p)
{
	char link[512];
	proc_path path;

	for (int fd = 1; fd <= 2; fd++) {
		snprintf(path, sizeof path, "%d/fd/%d", p->pid, fd);
		if (sys_readlink(ob->proc_fd, path, link, sizeof link, NULL) == 0 && is_inherited(ob, link))
			return true;
	}
	return false;
}

/** "wchar: N" of /proc/PID/io (proc_pid_io(5)): all bytes that its writes took, wherever they went. */
static uint64_t bytes_written(struct observe *ob, const struct seen_process *p)
{
	proc_path path;
	const char *at;

	snprintf(path, sizeof path, "%d/io", p->pid);
	if (sys_read_file(ob->proc_fd, path, &ob->scratch, NULL))
		return 0;
	at = strstr(text_str(&ob->scratch), "wchar:");
	return at ? strtoull(at + strlen("wchar:"), NULL, 10) : 0;
}

uint64_t observe_output(struct observe *ob)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ob->procs.n; i++)
		if (!ob->procs.at[i]->hidden && speaks_outside(ob, ob->procs.at[i]))
			sum += bytes_written(ob, ob->procs.at[i]);
	return sum;
}

uint64_t observe_wanted_ns(struct observe *ob, struct idmap *by_pid)
{
	uint64_t all = 0;

	for (size_t i = 0; i < ob->procs.n; i++) {
		const struct seen_process *p = ob->procs.at[i];
		uint64_t sum = 0;

		for (size_t k = 0; k < p->tasks.n; k++) {
			struct schedstat s;
			proc_path path;

			snprintf(path, sizeof path, "%d/task/%d/schedstat", p->pid, p->tasks.at[k].tid);
			if (sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) == 0 &&
			    parse_schedstat(text_str(&ob->scratch), ob->scratch.n, &s) == 0)
				sum += s.ran_ns + s.waited_ns;
		}
		idmap_put(by_pid, (uint64_t)p->pid, sum);
		all += sum;
	}
	return all;
}

bool observe_runs(struct observe *ob, pid_t pid, pid_t tid, uint64_t *runs)
{
	struct seen_process *p = table_find(ob, pid);

	for (size_t i = 0; p && i < p->tasks.n; i++)
		if (p->tasks.at[i].tid == tid)
			return task_count(ob, p, &p->tasks.at[i], runs) == 0;
	return false;
}
