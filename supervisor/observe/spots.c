/* What this machine does not let us see, in words. */
#include "observe/state.h"

void spots_list(struct observe *ob)
{
	const struct {
		bool here;
		const char *sentence;
	} rows[] = {
		{!ob->alarms_known && !ob->opt.alarms_heard && !ob->opt.all_alarms_heard,
		 "Armed alarms can't be read here (only root may read /proc/timer_list), so nothing is proven."},
		{!ob->alarms_known && ob->opt.alarms_heard,
		 "Alarms are heard only in programs that load tracewrap's library; where another one runs, nothing is proven."},
		{ob->by_status, "The kernel keeps no schedstat; the switch counts of /proc/PID/status serve instead."},
		{ob->saw_hidden, "Some processes of the tree are hidden (hidepid); they count as live and may hold anything."},
		{ob->no_diag, "The kernel's table of sockets (sock_diag) can't be read; who waits for a socket counts as live."},
		{ob->no_kcmp, "kcmp is refused; epolls, timers and the like can't be told apart and are taken together."},
		{ob->no_timers_file, "The kernel has no /proc/PID/timers: any process may have a timer, so nothing is proven."},
		{ob->opt.tracer != 0,
		 "The run is traced (--mode=ptrace): that can dissolve a hang, for an ignored signal then wakes a blocked write; and"
		 " strace, gdb and LeakSanitizer fail in it."},
		{ob->opt.no_reaper,
		 "Orphans are left to init (--reaper off): one that was orphaned before it was seen is neither watched nor ended."},
		{ob->blind_outside,
		 "Processes outside the tree can't all be looked at; what tracewrap inherited counts as held by them."},
	};
	size_t n = 0;

	_Static_assert(ARRAY_SIZE(rows) < ARRAY_SIZE(ob->spots), "room for all, and the NULL");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].here)
			ob->spots[n++] = rows[i].sentence;
	ob->spots[n] = NULL;
}

const char *const *observe_blind_spots(const struct observe *ob)
{
	return ob->spots;
}
