/* All processes that were seen or told of, living and ended, for the report: the rows, and what the sampler does with them. */
#include <string.h>

#include "model/history.h"

/* Notes are taken after each event and each pass; whoever does not take them must not make us grow. */
enum { NOTES_MOST = 65536, NOTE_TEXT_MOST = 1024 };
/* A start in ticks is cut to 10 ms, and the clock of starts is not quite the one of events (proc_pid_stat(5)). */
#define START_SLACK_NS (20 * NS_PER_MS)

/** Pids are below 2^22 (PID_MAX_LIMIT, proc_sys_kernel(5)), ticks since boot below 2^42 for 1000 years. */
static uint64_t row_key(pid_t pid, uint64_t start_ticks)
{
	return start_ticks << 22 | (uint64_t)pid;
}

struct history *history_new(size_t most)
{
	struct history *h = mem_alloc(sizeof *h);

	h->most = most;
	h->by_start = idmap_new();
	h->latest = idmap_new();
	return h;
}

static void row_free(struct process_row *row)
{
	mem_free(row->cmdline);
	mem_free(row->test);
	mem_free(row->announced);
	mem_free(row);
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->rows.n; i++)
		row_free(h->rows.at[i]);
	for (size_t i = 0; i < h->notes.n; i++)
		mem_free(h->notes.at[i].text);
	vec_free(&h->rows);
	vec_free(&h->unseen);
	vec_free(&h->notes);
	vec_free(&h->gone);
	idmap_free(h->by_start);
	idmap_free(h->latest);
	mem_free(h);
}

/* ---- notes ---- */

static void forget_notes(struct history *h)
{
	for (size_t i = 0; i < h->next_note; i++)
		mem_free(h->notes.at[i].text);
	h->notes.n -= h->next_note;
	memmove(h->notes.at, h->notes.at + h->next_note, h->notes.n * sizeof *h->notes.at);
	h->next_note = 0;
}

void history_note(struct history *h, const struct history_note *note, const char *text, size_t len)
{
	if (h->notes.n >= NOTES_MOST)
		return;
	vec_push(&h->notes, *note);

	struct history_note *n = &h->notes.at[h->notes.n - 1];

	n->text = NULL;
	if (!text)
		return;
	len = len > NOTE_TEXT_MOST ? NOTE_TEXT_MOST : len;
	n->text = mem_alloc(len + 1);
	memcpy(n->text, text, len);
	for (size_t i = 0; i < len; i++)
		n->text[i] = n->text[i] ? n->text[i] : ' ';
	while (len && n->text[len - 1] == ' ')
		n->text[--len] = '\0';
	text_clean(n->text, len);
}

bool history_next_note(struct history *h, struct history_note *out)
{
	if (h->next_note == h->notes.n) {
		forget_notes(h);
		return false;
	}
	*out = h->notes.at[h->next_note++];
	return true;
}

/* ---- rows ---- */

struct process_row *history_latest(const struct history *h, pid_t pid)
{
	size_t i;

	return idmap_get(h->latest, (uint64_t)pid, &i) ? h->rows.at[i] : NULL;
}

struct process_row *history_add(struct history *h, pid_t pid, uint64_t start_ticks)
{
	struct process_row *row = mem_alloc(sizeof *row);

	history_trim(h);
	row->serial = ++h->serial;
	row->pid = pid;
	row->start_ticks = start_ticks;
	row->ended_ns = NEVER_NS;
	if (start_ticks)
		idmap_put(h->by_start, row_key(pid, start_ticks), h->rows.n);
	idmap_put(h->latest, (uint64_t)pid, h->rows.n);
	vec_push(&h->rows, row);
	return row;
}

static void drop_row(struct history *h, struct process_row *row, size_t i)
{
	size_t last;

	h->nended--;
	h->dropped++;
	if (row->start_ticks)
		idmap_del(h->by_start, row_key(row->pid, row->start_ticks));
	if (idmap_get(h->latest, (uint64_t)row->pid, &last) && last == i)
		idmap_del(h->latest, (uint64_t)row->pid);
	row_free(row);
}

/** Drop the oldest ended rows once there are too many, some more than needed, so that a long run pays little for it. */
void history_trim(struct history *h)
{
	if (h->nended <= h->most)
		return;

	size_t drop = h->nended - h->most + h->most / 8, kept = 0;

	for (size_t i = 0; i < h->rows.n; i++) {
		struct process_row *row = h->rows.at[i];

		if (drop && row->ended_ns != NEVER_NS) {
			drop--;
			drop_row(h, row, i);
			continue;
		}
		if (row->start_ticks)
			idmap_put(h->by_start, row_key(row->pid, row->start_ticks), kept);
		if (history_latest(h, row->pid) == row)
			idmap_put(h->latest, (uint64_t)row->pid, kept);
		h->rows.at[kept++] = row;
	}
	h->rows.n = kept;
}

void history_set_words(struct process_row *row, const char *words, size_t len)
{
	if (row->cmdline && row->cmdline_len == len && memcmp(row->cmdline, words, len) == 0)
		return;
	mem_free(row->cmdline);
	row->cmdline = mem_alloc(len + 1);
	memcpy(row->cmdline, words, len);
	row->cmdline_len = len;
}

void history_end(struct history *h, struct process_row *row, int64_t at_ns, enum exit_kind exit, int value)
{
	row->ended_ns = at_ns > row->started_ns ? at_ns : row->started_ns;
	row->exit = exit;
	row->exit_value = value;
	/* a program that tells nothing, and was gone before the sampler came */
	if (row->announced && !row->read_ns) {
		history_set_words(row, row->announced, strlen(row->announced) + 1);
		row->inherited = false;
	}
	h->nended++;
}

/* ---- as the sampler saw it ---- */

/** The last row of PID has no start: is it the process that began at STARTED_NS? */
static bool is_told_row(const struct process_row *row, int64_t started_ns)
{
	if (!row || row->start_ticks || started_ns > row->ended_ns)
		return false;
	return row->started_ns >= started_ns - START_SLACK_NS;
}

static void adopt(struct history *h, struct process_row *row, uint64_t start_ticks, pid_t ppid)
{
	size_t i;

	if (!start_ticks || !idmap_get(h->latest, (uint64_t)row->pid, &i))
		return;
	row->start_ticks = start_ticks;
	if (!row->ppid)
		row->ppid = ppid;
	idmap_put(h->by_start, row_key(row->pid, start_ticks), i);
}

struct process_row *history_row(struct history *h, pid_t pid, uint64_t start_ticks, int64_t started_ns, pid_t ppid, bool *is_new)
{
	struct process_row *row = history_latest(h, pid);
	size_t i;

	*is_new = false;
	if (start_ticks && idmap_get(h->by_start, row_key(pid, start_ticks), &i))
		return h->rows.at[i];
	if (row && !start_ticks && row->ended_ns == NEVER_NS) /* its start can't be read */
		return row;
	if (is_told_row(row, started_ns)) {
		adopt(h, row, start_ticks, ppid);
		return row;
	}
	if (row && row->ended_ns == NEVER_NS) /* the pid was used again and nobody saw the end: it lay somewhere after the start */
		history_gone(h, pid, row->started_ns);
	row = history_add(h, pid, start_ticks);
	row->ppid = ppid;
	row->started_ns = started_ns;
	history_note(h, &(struct history_note){.kind = EVENT_FORK, .source = FROM_SAMPLER, .pid = pid, .ppid = ppid,
					       .at_ns = started_ns}, NULL, 0);
	*is_new = true;
	return row;
}

void history_read(struct history *h, struct process_row *row, const char *cmdline, size_t len, uint64_t image, int64_t now_ns)
{
	if (image && image != row->image) {
		if (row->image && !row->exec_told) {
			history_note(h, &(struct history_note){.kind = EVENT_EXEC, .source = FROM_SAMPLER, .pid = row->pid, .ppid = row->ppid,
							       .at_ns = now_ns}, cmdline, len);
			row->execed_ns = now_ns;
		}
		row->image = image;
		row->exec_told = false;
	}
	history_set_words(row, cmdline, len);
	row->inherited = false;
	row->read_ns = now_ns;
}

struct process_row *history_last(const struct history *h, pid_t pid)
{
	return history_latest(h, pid);
}

struct process_row *history_living(struct history *h, pid_t pid)
{
	struct process_row *row = history_latest(h, pid);

	return row && row->ended_ns == NEVER_NS ? row : NULL;
}

void history_gone(struct history *h, pid_t pid, int64_t now_ns)
{
	struct process_row *row = history_living(h, pid);

	if (!row)
		return;
	if (row->said_ns)
		history_end(h, row, row->said_ns, EXIT_CODE, row->said);
	else
		history_end(h, row, now_ns, EXIT_UNKNOWN, 0);

	struct history_note note = {.kind = EVENT_EXIT, .source = row->said_ns ? FROM_SHIM : FROM_SAMPLER, .pid = pid, .ppid = row->ppid,
				    .at_ns = row->ended_ns, .exit = row->exit, .exit_value = row->exit_value};

	if (h->gone.n >= NOTES_MOST)
		history_settle(h);
	vec_push(&h->gone, (struct gone){row->serial, note});
	history_trim(h);
}

void history_settle(struct history *h)
{
	for (size_t i = 0; i < h->gone.n; i++) {
		struct history_note *note = &h->gone.at[i].note;
		struct process_row *row = history_latest(h, note->pid);

		if (row && row->serial == h->gone.at[i].serial) {
			if (row->noted_exit)
				continue;
			row->noted_exit = true;
			note->exit = row->exit;
			note->exit_value = row->exit_value;
		}
		history_note(h, note, NULL, 0);
	}
	h->gone.n = 0;
}

void history_sweep(struct history *h, int64_t now_ns, bool (*is_there)(void *who, const struct process_row *row), void *who)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->unseen.n; i++) {
		pid_t pid = h->unseen.at[i];
		const struct process_row *row = history_living(h, pid);

		if (!row || row->start_ticks)
			continue;
		if (is_there(who, row))
			h->unseen.at[kept++] = pid;
		else
			history_gone(h, pid, now_ns);
	}
	h->unseen.n = kept;
}

size_t history_count(const struct history *h)
{
	return h->rows.n;
}

const struct process_row *history_at(const struct history *h, size_t i)
{
	must(i < h->rows.n);
	return h->rows.at[i];
}

size_t history_dropped(const struct history *h)
{
	return h->dropped;
}
