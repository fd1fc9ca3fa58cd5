/* What the tree's processes, a tracer or the kernel have told since the last look: taken in, and used by the proof. */
#include <string.h>

#include "watch/leaks.h"
#include "watch/run.h"

/* A storm of events must not keep a look waiting for ever; what is left is there the next time. */
enum { MOST_AT_ONCE = 200000 };
/* So many at a time, and the next ones may find no room (wire.h): then it is soon looked again. */
enum { STORM = 4096 };

/** It may be gone before the first look at it. */
static void note_command(struct run *r)
{
	pid_t command = launch_command(r->launch);
	OWNED_TEXT words = {0};

	history_forked(r->history, command, getpid(), launch_started_ns(r->launch), TOLD_BY_ITSELF, NULL);
	for (char *const *word = r->opt->argv; *word; word++)
		text_addn(&words, *word, strlen(*word) + 1);
	history_read(r->history, history_living(r->history, command), words.at, words.n, 0, launch_started_ns(r->launch));
}

void heard_open(struct run *r)
{
	r->tree = tree_new(launch_command(r->launch), r->history);
	r->mourners = idmap_new();
	note_command(r);
	if (r->opt->mode == MODE_PTRACE || r->opt->mode == MODE_NOTIFY)
		tree_hears_all(r->tree);
	if (r->opt->mode == MODE_PRELOAD || r->opt->mode == MODE_PTRACE) /* a seccomp listener does not learn what came of a bind */
		leaks_hear_binds(r);
	if (r->opt->hear)
		hear_begin(r->opt->hear, launch_command(r->launch));
}

/** Without the reaper an orphan is found by no walk: who is told of must be known before his parent ends. Anybody may write into the
 *  ring; what has it mapped is of this run. */
static void follow_child(struct run *r, const struct event *ev)
{
	if (!r->observe || ev->child <= 0)
		return;
	if (ev->source == FROM_TRACER || ev->source == FROM_CONNECTOR || (r->opt->hear && hear_knows(r->opt->hear, ev->child)))
		observe_add(r->observe, ev->child, ev->at_ns);
}

/** Static, privileged and 32-bit programs can't load the library: whoever has begun another image and not spoken since is seen through
 *  /proc alone. */
static void note_speaker(struct run *r, const struct event *ev)
{
	bool fork = ev->kind == EVENT_FORK;
	struct process_row *row = ev->source == FROM_SHIM ? history_last(r->history, fork ? ev->child : ev->pid) : NULL;

	if (!row)
		return;
	if (ev->kind == EVENT_START || fork || ev->kind == EVENT_EXEC_FAILED)
		row->speaks = true;
	else if (ev->kind == EVENT_EXEC)
		row->speaks = false;
}

void heard_say_unheard(const struct run *r)
{
	enum { NAMED = 8 };
	OWNED_TEXT names = {0};
	size_t n = 0;

	if (r->opt->mode != MODE_PRELOAD || r->opt->verbosity < SAY_MORE)
		return;
	for (size_t i = 0; i < history_count(r->history); i++) {
		const struct process_row *row = history_at(r->history, i);

		if (!row->speaks && n++ < NAMED)
			text_addf(&names, "%s%s[%d]", names.n ? ", " : "", row->cmdline ? row->cmdline : "?", row->pid);
	}
	if (!n)
		return;
	text_clean(names.at, names.n);
	say_line(r, "not heard, but through /proc alone (static, privileged, of another architecture, or quick): %s%s", text_str(&names),
		 n > NAMED ? " ..." : "");
}

static void take(struct run *r, const struct event *ev)
{
	if (r->opt->no_reaper && (ev->kind == EVENT_FORK || ev->kind == EVENT_SPAWNED))
		follow_child(r, ev);
	tree_event(r->tree, ev);
	note_speaker(r, ev);
	events_notes(r);
	events_heard(r, ev);
	if (ev->kind == EVENT_PDEATHSIG && ev->status)
		idmap_put(r->mourners, (uint64_t)ev->pid, 0);
	else if (ev->kind == EVENT_PDEATHSIG)
		idmap_del(r->mourners, (uint64_t)ev->pid);
	if (ev->kind == EVENT_TEST)
		stall_heard(r, ev);
	if (ev->kind == EVENT_BIND)
		leaks_heard(r, ev, tree_test_at(r->tree, ev->pid, ev->at_ns));
}

void heard_drain(struct run *r)
{
	struct event ev;
	int n = 0;

	for (; n < MOST_AT_ONCE && launch_heard(r->launch, &ev); n++)
		take(r, &ev);
	for (; n < MOST_AT_ONCE && r->opt->hear && hear_next(r->opt->hear, &ev); n++)
		take(r, &ev);
	r->storm |= n >= STORM;
	if (!r->opt->hear)
		return;
	if (hear_lost(r->opt->hear) != r->heard_lost) {
		r->heard_lost = hear_lost(r->opt->hear);
		tree_lost(r->tree);
	}
}

bool heard_every_process(const struct run *r)
{
	const struct hear *hear = r->opt->hear;

	return r->opt->mode == MODE_PTRACE || (hear && hear_has_connector(hear) && hear_connector_lost(hear) == 0);
}

/** What the library hears stands in for the kernel's table of timers where that can't be read, and does not overrule it: a program may arm
 *  one past the C library. A filter of the kernel hears those, too, and knows whose they are, as the table does not. To be called once
 *  what was written before the snapshot ended has been taken in. */
void heard_alarms(const struct run *r, struct snapshot *s, int64_t now_ns)
{
	bool library = r->opt->mode == MODE_PRELOAD;

	for (size_t i = 0; i < s->nprocs; i++) {
		struct process *p = &s->procs[i];
		int64_t until_ns;
		bool heard = tree_alarm(r->tree, p->pid, p->image, now_ns, &until_ns);

		p->deaths_heard = heard; /* by the same way, all along */
		p->mourns = idmap_get(r->mourners, (uint64_t)p->pid, NULL);
		if (s->alarms_known && (library || p->alarm_ns == NEVER_NS))
			continue;
		if (!heard)
			continue;
		p->alarm_heard = true;
		p->alarm_ns = until_ns == NEVER_NS ? NEVER_NS : until_ns > now_ns ? until_ns - now_ns : 0;
	}
}
