/* All processes that were seen, living and ended, for the report. Rows are found by pid and start, for pids are used again. */
#include <string.h>

#include "model/model.h"

struct history {
	VEC(struct process_row *) rows; /* as they were first seen */
	struct idmap *by_start; /* pid and start -> index in rows */
	struct idmap *living;   /* pid -> index in rows */
	size_t most, nended, dropped;
};

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
	h->living = idmap_new();
	return h;
}

static void row_free(struct process_row *row)
{
	mem_free(row->cmdline);
	mem_free(row->test);
	mem_free(row);
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->rows.n; i++)
		row_free(h->rows.at[i]);
	vec_free(&h->rows);
	idmap_free(h->by_start);
	idmap_free(h->living);
	mem_free(h);
}

/** Drop the oldest ended rows once there are too many, some more than needed, so that a long run pays little for it. */
static void history_trim(struct history *h)
{
	if (h->nended <= h->most)
		return;

	size_t drop = h->nended - h->most + h->most / 8, kept = 0;

	for (size_t i = 0; i < h->rows.n; i++) {
		struct process_row *row = h->rows.at[i];

		if (drop && row->ended_ns != NEVER_NS) {
			drop--;
			h->nended--;
			h->dropped++;
			idmap_del(h->by_start, row_key(row->pid, row->start_ticks));
			row_free(row);
			continue;
		}
		idmap_put(h->by_start, row_key(row->pid, row->start_ticks), kept);
		if (row->ended_ns == NEVER_NS)
			idmap_put(h->living, (uint64_t)row->pid, kept);
		h->rows.at[kept++] = row;
	}
	h->rows.n = kept;
}

static void row_end(struct history *h, struct process_row *row, int64_t now_ns, enum exit_kind exit, int value)
{
	row->ended_ns = now_ns;
	row->exit = exit;
	row->exit_value = value;
	idmap_del(h->living, (uint64_t)row->pid);
	h->nended++;
}

struct process_row *history_row(struct history *h, pid_t pid, uint64_t start_ticks, bool *is_new)
{
	struct process_row *row;
	size_t i;

	*is_new = false;
	if (idmap_get(h->by_start, row_key(pid, start_ticks), &i))
		return h->rows.at[i];

	row = history_living(h, pid);
	if (row) /* the pid was used again and nobody saw the end: it lay somewhere after the start */
		row_end(h, row, row->started_ns, EXIT_UNKNOWN, 0);
	history_trim(h);
	row = mem_alloc(sizeof *row);
	row->pid = pid;
	row->start_ticks = start_ticks;
	row->ended_ns = NEVER_NS;
	idmap_put(h->by_start, row_key(pid, start_ticks), h->rows.n);
	idmap_put(h->living, (uint64_t)pid, h->rows.n);
	vec_push(&h->rows, row);
	*is_new = true;
	return row;
}

struct process_row *history_living(struct history *h, pid_t pid)
{
	size_t i;

	return idmap_get(h->living, (uint64_t)pid, &i) ? h->rows.at[i] : NULL;
}

void history_ended(struct history *h, pid_t pid, int64_t now_ns, enum exit_kind exit, int value)
{
	struct process_row *row = history_living(h, pid);

	if (!row)
		return;
	row_end(h, row, now_ns, exit, value);
	history_trim(h);
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
