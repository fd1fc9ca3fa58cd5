/* --mask: what matches it in a command line is written nowhere. */
#include <regex.h>
#include <string.h>

#include "watch/run.h"

#define INSTEAD "***"
enum { MATCHES_MOST = 1000 };

const char *mask_text(const struct run *r, const char *s, struct arena *arena)
{
	OWNED_TEXT out = {0};
	regmatch_t match;
	int flags = 0;

	if (!r->opt->mask || !s)
		return s;
	for (int i = 0; i < MATCHES_MOST && *s && regexec(r->opt->mask, s, 1, &match, flags) == 0; i++) {
		size_t skip = (size_t)match.rm_eo;

		if (match.rm_eo > match.rm_so) {
			text_addn(&out, s, (size_t)match.rm_so);
			text_add(&out, INSTEAD);
		} else { /* an empty match: go on behind the next character */
			skip = (size_t)match.rm_eo + 1;
			text_addn(&out, s, skip);
		}
		s += skip;
		flags = REG_NOTBOL;
	}
	text_add(&out, s);
	return arena_strdup(arena, text_str(&out));
}

static char **mask_words(const struct run *r, char *const *words, struct arena *arena)
{
	size_t n = 0;
	char **masked;

	while (words[n])
		n++;
	masked = arena_array(arena, n + 1, sizeof *masked);
	for (size_t i = 0; i < n; i++) {
		const char *word = mask_text(r, words[i], arena);

		masked[i] = arena_strdup(arena, word);
	}
	return masked;
}

/** The words of a line are parted by NULs: each is looked at by itself. */
static void mask_line(const struct run *r, struct process_row *row, struct arena *arena)
{
	OWNED_TEXT line = {0};

	for (size_t i = 0; row->cmdline && i < row->cmdline_len;) {
		size_t len = strnlen(row->cmdline + i, row->cmdline_len - i);
		const char *word = mask_text(r, arena_strndup(arena, row->cmdline + i, len), arena);

		text_addn(&line, word, strlen(word) + 1);
		i += len + 1;
	}
	row->cmdline = row->cmdline ? arena_memdup(arena, text_str(&line), line.n + 1) : NULL;
	row->cmdline_len = line.n;
}

static void mask_rows(const struct run *r, struct run_report *report, struct arena *arena)
{
	size_t n = run_count(report);
	struct process_row *rows = arena_array(arena, n, sizeof *rows);

	for (size_t i = 0; i < n; i++) {
		rows[i] = *run_row(report, i);
		mask_line(r, &rows[i], arena);
	}
	report->rows_dropped = run_dropped(report);
	report->rows = rows;
	report->nrows = n;
	report->history = NULL;
}

/** Findings live as long as the run: once masked, they stay so. */
static void mask_leak(const struct run *r, struct finding *f)
{
	for (size_t i = 0; i < f->leak.nwho; i++)
		f->leak.who[i].command = mask_text(r, f->leak.who[i].command, f->arena);
	f->leak.parent.command = mask_text(r, f->leak.parent.command, f->arena);
}

void mask_report(const struct run *r, struct run_report *report, struct arena *arena)
{
	if (!r->opt->mask)
		return;
	report->argv = mask_words(r, report->argv, arena);
	mask_rows(r, report, arena);
	for (size_t i = 0; i < report->nfindings; i++)
		mask_leak(r, report->findings[i]);
}

void mask_snapshot(const struct run *r, const struct snapshot *s)
{
	for (size_t i = 0; r->opt->mask && i < s->nprocs; i++)
		if (s->procs[i].argv)
			s->procs[i].argv = mask_words(r, s->procs[i].argv, s->arena);
}
