/* Armed ITIMER_REALs. No file of a process shows them (getitimer(2) asks for its own alone), they survive exec, and they end
 * any wait; but /proc/timer_list, which root may read, has those of the whole machine, without saying whose. One that was
 * armed after a process last acted is not its own. */
#include <fcntl.h>

#include "observe/state.h"

/* At most a thousandth of a core goes into reading while the tree is active. The shorter the pause, the fewer of the alarms that others
 * arm at the same time may be a process's own. */
enum { ALARM_COST_FACTOR = 1000 };
#define ALARM_PAUSE_NS (100 * NS_PER_MS)

static struct alarm_seen *find_alarm(struct observe *ob, const struct timer_entry *e)
{
	for (size_t i = 0; i < ob->alarms.n; i++) {
		struct alarm_seen *a = &ob->alarms.at[i];

		if (a->entry.timer == e->timer && a->entry.expires_ns == e->expires_ns)
			return a;
	}
	return NULL;
}

/** Note what TEXT shows; what was not known has been armed after ABSENT_NS. */
static void note_alarms(struct observe *ob, const char *text, size_t len, int64_t absent_ns, int64_t began_ns)
{
	struct timer_entry e;

	for (struct cursor c = {text, len}; parse_next_alarm(&c, &e);) {
		struct alarm_seen *a = find_alarm(ob, &e);

		if (a)
			a->seen_ns = began_ns;
		else
			vec_push(&ob->alarms, (struct alarm_seen){e, absent_ns, began_ns});
	}
}

/** Forget what has expired. What vanished before its time is kept, for a read may miss an entry: the kernel lets go of its lock
 *  between two lines and counts on from the same place (print_active_timers() in kernel/time/timer_list.c). */
static void forget_expired(struct observe *ob, int64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < ob->alarms.n; i++)
		if (ob->alarms.at[i].seen_ns == ob->alarms_shown_ns || ob->alarms.at[i].entry.expires_ns >= now_ns)
			ob->alarms.at[kept++] = ob->alarms.at[i];
	ob->alarms.n = kept;
}

void alarms_baseline(struct observe *ob, const char *text, size_t len)
{
	int64_t now_ns;

	if (parse_timer_list_head(text, len, &now_ns))
		note_alarms(ob, text, len, NEVER_NS, 0);
}

void alarms_read(struct observe *ob)
{
	OWNED_TEXT text = {0};
	int64_t began_ns = sys_monotonic_ns(), now_ns;
	int rc = sys_read_file(ob->proc_fd, "timer_list", &text, NULL);

	ob->alarms_read_ns = began_ns;
	ob->alarms_cost_ns = sys_monotonic_ns() - began_ns;
	ob->alarms_known = rc == 0 && parse_timer_list_head(text_str(&text), text.n, &now_ns);
	if (!ob->alarms_known)
		return;
	/* New here: armed after the last read but one, for the last may have missed it. */
	note_alarms(ob, text_str(&text), text.n, ob->alarms_shown_before_ns, began_ns);
	ob->alarms_shown_before_ns = ob->alarms_shown_ns;
	ob->alarms_shown_ns = began_ns;
	forget_expired(ob, now_ns);
}

bool alarms_due(const struct observe *ob, int64_t now_ns)
{
	int64_t pause_ns = ob->alarms_cost_ns * ALARM_COST_FACTOR;

	return ob->alarms_known && now_ns - ob->alarms_read_ns >= (pause_ns > ALARM_PAUSE_NS ? pause_ns : ALARM_PAUSE_NS);
}

int64_t alarms_until(const struct observe *ob, int64_t acted_ns, int64_t now_ns)
{
	int64_t first_ns = NEVER_NS;

	for (size_t i = 0; i < ob->alarms.n; i++) {
		const struct alarm_seen *a = &ob->alarms.at[i];
		int64_t left_ns = a->entry.expires_ns - now_ns;

		if (a->absent_ns > acted_ns || a->seen_ns < ob->alarms_shown_before_ns)
			continue;
		if (left_ns < first_ns)
			first_ns = left_ns > 0 ? left_ns : 0;
	}
	return first_ns;
}
