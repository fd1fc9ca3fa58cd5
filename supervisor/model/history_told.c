/* What was told of a process becomes a row. The same fork, exec or end is told by several, in any order and with times of their own: the
 * parent that made it, the child itself, a tracer, the kernel; and the sampler may have seen it before or after. */
#include <string.h>

#include "model/history.h"

/* How much later than a process's start or end something of it may be told: who tells of his child may have slept between the call and
 * the word. Pids come again only after all others were used (kernel/pid.c, alloc_pid: cyclic), which takes longer. */
#define LATE_NS (1 * NS_PER_S)

static char *copy(const char *s)
{
	return s ? strcpy(mem_alloc(strlen(s) + 1), s) : NULL;
}

static enum event_source source_of(unsigned by)
{
	return by & TOLD_BY_TRACER ? FROM_TRACER : by & TOLD_BY_CONNECTOR ? FROM_CONNECTOR : FROM_SHIM;
}

/** Had the process of ROW ended before AT_NS? A pass dates an end that it finds back to its own beginning; what is told exactly is not. */
static bool is_over(const struct process_row *row, int64_t at_ns)
{
	return row->ended_ns != NEVER_NS && at_ns > row->ended_ns + (row->exact ? 0 : LATE_NS);
}

/** Is what is told by BY at AT_NS about the process of ROW, or about a later one with its number? */
static bool is_same(const struct process_row *row, int64_t at_ns, unsigned by)
{
	if (row->told & by & ~(unsigned)TOLD_OF_SPAWN)
		return false; /* nobody tells of the same fork twice */
	if (!by)
		return !is_over(row, at_ns);
	if (row->ended_ns != NEVER_NS)
		return at_ns <= row->ended_ns + LATE_NS;
	/* seen by the sampler alone so far, and its end perhaps by nobody */
	return row->told || at_ns <= row->started_ns + LATE_NS;
}

static void inherit(struct history *h, struct process_row *row)
{
	const struct process_row *parent = row->ppid ? history_latest(h, row->ppid) : NULL;

	if (!parent || !parent->cmdline || row->cmdline)
		return;
	history_set_words(row, parent->cmdline, parent->cmdline_len);
	row->inherited = true;
}

static struct process_row *begin(struct history *h, pid_t pid, pid_t ppid, int64_t at_ns, unsigned by)
{
	struct process_row *row = history_living(h, pid);

	if (row) /* its end was told by nobody */
		history_gone(h, pid, at_ns);
	row = history_add(h, pid, 0);
	row->ppid = ppid;
	row->started_ns = at_ns;
	vec_push(&h->unseen, pid);
	history_note(h, &(struct history_note){.kind = EVENT_FORK, .source = source_of(by), .pid = pid, .ppid = ppid,
					       .at_ns = at_ns}, NULL, 0);
	return row;
}

void history_forked(struct history *h, pid_t pid, pid_t ppid, int64_t at_ns, unsigned by, const char *test)
{
	struct process_row *row = history_latest(h, pid);

	if (!row || !is_same(row, at_ns, by))
		row = begin(h, pid, ppid, at_ns, by);
	row->told |= by;
	if (ppid && (!row->ppid || by)) /* the sampler may have seen an orphan's new parent */
		row->ppid = ppid;
	if (at_ns < row->started_ns)
		row->started_ns = at_ns;
	if (!row->test)
		row->test = copy(test);
	if (by && !(by & TOLD_OF_SPAWN) && !row->execed_ns && !row->read_ns)
		inherit(h, row);
}

void history_announced(struct history *h, pid_t pid, const char *file, int64_t at_ns)
{
	struct process_row *row = history_living(h, pid);

	if (!row)
		return;
	mem_free(row->announced);
	row->announced = copy(file);
	row->announced_ns = at_ns;
	if (file && at_ns > row->read_ns)
		row->read_ns = 0; /* what the sampler has read will be another's soon */
}

/** An image tells of itself a moment after the kernel does. @return true: this exec was told of before. */
static bool is_known_exec(struct process_row *row, int64_t at_ns, unsigned by)
{
	bool known = row->execed_ns && at_ns <= row->execed_ns;

	if (!by && row->exec_open && !(row->announced && row->announced_ns > row->execed_ns))
		known = true;
	row->exec_open = by == TOLD_BY_CONNECTOR && !known;
	if (at_ns > row->execed_ns)
		row->execed_ns = at_ns;
	return known;
}

void history_execed(struct history *h, pid_t pid, const char *words, size_t len, uint64_t image, int64_t at_ns, unsigned by)
{
	struct process_row *row = history_latest(h, pid);

	if (!row || is_over(row, at_ns)) {
		row = begin(h, pid, 0, at_ns, by);
		row->told |= by & TOLD_BY_TRACER;
	}

	bool known = is_known_exec(row, at_ns, by);

	if (!len && row->announced && by) {
		words = row->announced;
		len = strlen(words) + 1;
	}
	if (!known) {
		history_note(h, &(struct history_note){.kind = EVENT_EXEC, .source = source_of(by), .pid = pid, .ppid = row->ppid,
						       .at_ns = at_ns}, len ? words : NULL, len);
		row->exec_told = true;
	}
	if (by == TOLD_BY_TRACER ? at_ns >= row->read_ns : !row->read_ns || (image && row->image && image != row->image)) {
		if (len || row->inherited) /* it is its parent's no longer */
			history_set_words(row, len ? words : "", len);
		row->inherited = false;
	}
	if (!by) {
		mem_free(row->announced);
		row->announced = NULL;
	}
}

void history_exiting(struct history *h, pid_t pid, int code, int64_t at_ns)
{
	struct process_row *row = history_latest(h, pid);

	if (!row || row->exact || is_over(row, at_ns))
		return;
	row->said = code;
	row->said_ns = at_ns;
	if (row->ended_ns != NEVER_NS) { /* it was seen to be gone before its word was heard */
		if (at_ns > row->ended_ns)
			row->ended_ns = at_ns;
		row->exit = EXIT_CODE;
		row->exit_value = code;
	}
}

void history_exited(struct history *h, pid_t pid, int64_t at_ns, enum exit_kind exit, int value, enum event_source source)
{
	struct process_row *row = history_latest(h, pid);
	bool ended = row && row->ended_ns != NEVER_NS, changes = true;

	if (!row || (ended && (row->exact || at_ns > row->ended_ns + LATE_NS)))
		return;
	if (!ended) {
		history_end(h, row, at_ns, exit, value);
	} else {
		changes = !row->noted_exit || row->exit != exit || row->exit_value != value;
		row->exit = exit;
		row->exit_value = value;
		if (at_ns > row->started_ns)
			row->ended_ns = at_ns;
	}
	row->exact = true;
	row->noted_exit = true;
	if (changes)
		history_note(h, &(struct history_note){.kind = EVENT_EXIT, .source = source, .pid = pid, .ppid = row->ppid,
						       .at_ns = row->ended_ns, .exit = exit, .exit_value = value}, NULL, 0);
	history_trim(h);
}

void history_test(struct history *h, pid_t pid, const char *test, int64_t at_ns, enum event_source source)
{
	history_note(h, &(struct history_note){.kind = EVENT_TEST, .source = source, .pid = pid, .at_ns = at_ns}, test, strlen(test));
}
