/* What tracewrap says goes to standard error, in whole lines, and never waits long for a reader. */
#include <inttypes.h>
#include <sys/random.h>

#include "watch/run.h"

/* A reader that has taken nothing for so long will not hear the rest: the report on disk has it all. */
#define SAY_LIMIT_NS (1 * NS_PER_S)

void say_commands(const struct text *t)
{
	(void)sys_say(text_str(t), t->n, SAY_LIMIT_NS); /* nobody is left to be told that standard error does not take it */
}

/** GitHub reads commands out of all that is printed: lines that begin with "::", and "##[" anywhere. Text of the run stands between two
 *  lines that stop and resume that, with a word that nobody can know before. */
void say_text(const struct run *r, const struct text *t)
{
	OWNED_TEXT guarded = {0};
	uint64_t word[2];

	if (!r->opt->github || !t->n || getrandom(word, sizeof word, GRND_NONBLOCK) != (ssize_t)sizeof word) {
		say_commands(t);
		return;
	}
	text_addf(&guarded, "\n::stop-commands::%016" PRIx64 "%016" PRIx64 "\n", word[0], word[1]);
	text_addn(&guarded, text_str(t), t->n);
	text_addf(&guarded, "%s::%016" PRIx64 "%016" PRIx64 "::\n", t->at[t->n - 1] == '\n' ? "" : "\n", word[0], word[1]);
	say_commands(&guarded);
}

void say_line(const struct run *r, const char *fmt, ...)
{
	OWNED_TEXT t = {0};
	va_list ap;
	int64_t at_ns = sys_monotonic_ns() - r->started_ns;

	text_addf(&t, "tracewrap: %.1f s  ", (double)at_ns / (double)NS_PER_S);
	va_start(ap, fmt);
	text_addv(&t, fmt, ap);
	va_end(ap);
	text_clean(t.at, t.n);
	text_add(&t, "\n");
	say_text(r, &t);
}

static struct text_style say_style(const struct run *r)
{
	return (struct text_style){.color = r->opt->color, .width = r->opt->width, .folder = *r->folder ? r->folder : NULL};
}

void say_screen(struct run *r, enum outcome outcome)
{
	OWNED_TEXT out = {0};
	struct arena *arena = arena_new();
	struct text_style style = say_style(r);
	struct run_report report = files_report(r, arena, outcome, EXIT_HANG, false);

	text_add(&out, "\n"); /* the command may have left a line without an end: pytest does, with a dot for each test */
	report_screen(&report, r->finding, &style, &out);
	say_text(r, &out);
	arena_free(arena);
	r->shown = true;
}

void say_closing(struct run *r, enum outcome outcome)
{
	OWNED_TEXT out = {0};
	struct arena *arena = arena_new();
	struct text_style style = say_style(r);
	struct run_report report = files_report(r, arena, outcome, EXIT_HANG, true);

	report_closing(&report, &style, &out);
	say_text(r, &out);
	arena_free(arena);
}
