/* Processes that have ended and are not waited for. */
#include <stdio.h>

#include "observe/state.h"

/* The end of a process moves its counter once more: who has not stood still for this long is on its way. */
#define STILL_NS (20 * NS_PER_MS)

/** One task, which has stood still: only then it may be a zombie, and it is asked once per stand. */
static bool may_be(const struct seen_process *p, int64_t now_ns)
{
	const struct seen_task *t = p->tasks.n == 1 ? &p->tasks.at[0] : NULL;

	return t && !p->hidden && p->zombie_asked_ns <= t->moved_ns && now_ns - t->moved_ns >= STILL_NS;
}

void observe_zombies(struct observe *ob, int64_t now_ns, zombie_vec *out)
{
	for (size_t i = 0; i < ob->procs.n; i++) {
		struct seen_process *p = ob->procs.at[i];
		struct stat_line stat;
		proc_path path;

		if (!may_be(p, now_ns))
			continue;
		p->zombie_asked_ns = now_ns;
		snprintf(path, sizeof path, "%d/stat", p->pid);
		if (sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) ||
		    parse_stat(text_str(&ob->scratch), ob->scratch.n, &stat) || stat.state != 'Z' ||
		    stat.start_ticks != p->start_ticks || !table_find(ob, stat.ppid))
			continue; /* an orphan is reaped by us at once */
		vec_push(out, (struct zombie_row){
				      .pid = p->pid,
				      .parent = stat.ppid,
				      .start_ticks = p->start_ticks,
				      .started_ns = (int64_t)p->start_ticks * ob->ns_per_tick - ob->boot_offset_ns,
			      });
	}
}
