/* The last words of `tracewrap test`: what came of the run, and what to do next. */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "intent/intent.h"

enum { SHOWN_MOST = 10, TRACEBACK_LINES = 8, CODE_HANG = 124, PYTEST_USAGE = 4, PYTEST_NONE = 5, WIDTH = 80, MESSAGE_MOST = 160 };

static bool is_bad(const struct outcome_test *t)
{
	return strcmp(t->outcome, "failed") == 0 || strcmp(t->outcome, "error") == 0;
}

/** The first line, not too long. */
static void add_line(struct text *out, const char *s)
{
	size_t n = strcspn(s, "\n");

	text_addn(out, s, n > MESSAGE_MOST ? MESSAGE_MOST : n);
	text_add(out, n > MESSAGE_MOST ? "..." : "");
}

static const struct outcome_test *first_bad(const struct outcomes *o, bool flaky)
{
	for (size_t i = 0; i < o->tests.n; i++)
		if (is_bad(&o->tests.at[i]) && (o->tests.at[i].flaky != NULL) == flaky)
			return &o->tests.at[i];
	return NULL;
}

static const struct outcome_hang *first_proven(const struct outcomes *o)
{
	for (size_t i = 0; i < o->hangs.n; i++)
		if (strcmp(o->hangs.at[i].certainty, "proven") == 0)
			return &o->hangs.at[i];
	return NULL;
}

/** Rule 9 of docs/run-tests.md would have its reader try -s first. */
static const char no_pipe[] = "each task waits in a poll and none in a write: no full pipe, pytest's capture or another, is the cause; -s changes nothing";

/* ---- what to do next ---- */

static void next_collect(const struct outcome_test *t, struct text *out)
{
	text_addf(out, "fix %s", *t->file ? t->file : t->id);
	if (t->line)
		text_addf(out, ":%u", t->line);
	text_add(out, ", which can't be collected (");
	add_line(out, t->message);
	text_add(out, "), then: tracewrap test");
}

static void next_hang(const struct outcome_hang *h, const struct outcome_end *end, struct text *out)
{
	if (h->at)
		text_addf(out, "fix %s (%s), then: tracewrap test --lf", h->at, h->kind);
	else
		text_addf(out, "see in %s why %s hangs (%s), change that, then: tracewrap test --lf", end->report ? end->report : "the report",
			  h->test ? h->test : "the run", h->kind);
}

static void next_failure(const struct outcome_test *t, struct text *out)
{
	text_addf(out, "fix %s", *t->file ? t->file : t->id);
	if (*t->file && t->line)
		text_addf(out, ":%u", t->line);
	text_add(out, " (");
	add_line(out, *t->message ? t->message : t->outcome);
	text_add(out, "), then: tracewrap test --lf");
}

void outcomes_next(const struct outcomes *o, const struct outcome_end *end, struct text *out)
{
	const struct outcome_hang *hang = first_proven(o);
	const struct outcome_test *bad = first_bad(o, false), *flaky = first_bad(o, true);
	struct outcome_counts n;

	outcomes_count(o, &n);
	if (o->collect.n)
		next_collect(&o->collect.at[0], out);
	else if (hang && end->code == CODE_HANG)
		next_hang(hang, end, out);
	else if (bad)
		next_failure(bad, out);
	else if (flaky)
		text_addf(out, "nothing to fix: %s known to come and go; once more: tracewrap test --lf",
			  n.failed + n.errors == 1 ? "the only failure is" : "all failures are");
	else if (end->time_over)
		text_addf(out, "see in %s what it did when the %g s were over, or give it more: --timeout", end->report ? end->report : "the report",
			  end->timeout_s);
	else if (end->interrupted)
		text_add(out, "the run was interrupted: start it again");
	else if (end->code == 0)
		text_add(out, "nothing to do");
	else if (end->code == PYTEST_NONE)
		text_add(out, "no test was selected: name other targets, or another -k");
	else if (end->code == PYTEST_USAGE)
		text_addf(out, "pytest did not accept its command line, or found no such test: see %s", end->log ? end->log : "its message above");
	else
		text_addf(out, "the command ended with %d, without a failing test: see %s", end->code, end->log ? end->log : "its output above");
}

/* ---- the screen ---- */

static void add_count(struct text *out, long n, const char *what)
{
	if (n)
		text_addf(out, "%s%ld %s", out->n ? ", " : "", n, what);
}

static void add_counts(const struct outcomes *o, struct text *out)
{
	struct outcome_counts n;

	outcomes_count(o, &n);
	add_count(out, n.failed, "failed");
	add_count(out, n.errors, n.errors == 1 ? "error" : "errors");
	add_count(out, n.hung, "hung");
	add_count(out, n.passed, "passed");
	add_count(out, n.skipped, "skipped");
	add_count(out, n.xfailed, "xfailed");
	add_count(out, n.xpassed, "xpassed");
	add_count(out, n.not_run, "not run");
	if (!out->n)
		text_add(out, o->begun ? "no test ran" : "pytest has told nothing");
}

static void add_flaky(const struct config_flaky *f, struct text *out)
{
	if (!f)
		return;
	text_addf(out, "         known to come and go (%s:%u)", f->file, f->line);
	if (f->note)
		text_addf(out, ": %s", f->note);
	text_addc(out, '\n', 1);
}

/** The end of the traceback, as pytest wrote it. */
static void add_traceback(const char *text, struct text *out)
{
	const char *at = text + strlen(text);
	unsigned lines = 0;

	while (at > text && at[-1] == '\n')
		at--;
	for (const char *end = at; at > text; at--)
		if (at[-1] == '\n' && at < end && ++lines == TRACEBACK_LINES)
			break;
	for (; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (*at != '\n')
			text_addf(out, "         | %.*s\n", (int)strcspn(at, "\n"), at);
}

static void add_bad(const struct outcome_test *t, struct text *out)
{
	text_addf(out, "%-8s %s%s%s\n", t->flaky ? "flaky" : t->outcome, t->id, strcmp(t->outcome, "error") == 0 ? " in " : "",
		  strcmp(t->outcome, "error") == 0 ? t->phase : "");
	text_addf(out, "         %s:%u: ", *t->file ? t->file : "?", t->line);
	add_line(out, t->message);
	text_addc(out, '\n', 1);
	add_flaky(t->flaky, out);
	if (!t->flaky)
		add_traceback(t->text, out);
}

static void add_hang(const struct outcome_hang *h, struct text *out)
{
	text_addf(out, "%-8s %s%s%s%s: %s, %s\n", "hung", h->test ? h->test : "the run", h->phase ? " (" : "", h->phase ? h->phase : "",
		  h->phase ? ")" : "", h->kind, h->certainty);
	if (h->at)
		text_addf(out, "         %s\n", h->at);
	if (h->polls)
		text_addf(out, "         %s\n", no_pipe);
	add_flaky(h->flaky, out);
}

void outcomes_screen(const struct outcomes *o, const struct outcome_end *end, struct text *out)
{
	OWNED_TEXT counts = {0};
	OWNED_TEXT next = {0};
	size_t shown = 0, bad = 0;

	add_counts(o, &counts);
	outcomes_next(o, end, &next);
	if (end->code == 0 && !end->nnotes) {
		text_addf(out, "tracewrap: %s in %.1f s; %s\n", text_str(&counts), end->seconds, text_str(&next));
		return;
	}
	text_addf(out, "== %s ", text_str(&counts));
	text_addc(out, '=', counts.n < WIDTH - 16 ? WIDTH - 16 - counts.n : 4);
	text_addf(out, " %.1f s\n", end->seconds);
	for (size_t i = 0; i < o->collect.n && i < SHOWN_MOST; i++)
		add_bad(&o->collect.at[i], out);
	for (size_t i = 0; i < o->tests.n; i++) {
		bad += is_bad(&o->tests.at[i]);
		if (is_bad(&o->tests.at[i]) && shown < SHOWN_MOST && ++shown)
			add_bad(&o->tests.at[i], out);
	}
	if (bad > shown)
		text_addf(out, "         and %zu more: tracewrap last\n", bad - shown);
	for (size_t i = 0; i < o->hangs.n; i++)
		add_hang(&o->hangs.at[i], out);
	for (size_t i = 0; i < end->nnotes; i++)
		text_addf(out, "note     %s\n", end->notes[i]);
	text_addf(out, "next     %s\n", text_str(&next));
}

/* ---- for a program ---- */

/* cJSON answers NULL when memory is out, and to nothing else that is done here. */
static cJSON *put(cJSON *object, const char *key, cJSON *item)
{
	if (!item)
		base_oom();
	must(cJSON_AddItemToObjectCS(object, key, item));
	return item;
}

static cJSON *string(const char *s)
{
	OWNED_TEXT copy = {0};

	if (!s)
		return cJSON_CreateNull();
	text_add(&copy, s);
	for (size_t i = 0; i < copy.n; i++) { /* lines stay lines */
		size_t n = strcspn(copy.at + i, "\n");

		text_clean(copy.at + i, n);
		i += n;
	}
	return cJSON_CreateString(text_str(&copy));
}

static void put_flaky(cJSON *row, const struct config_flaky *f)
{
	put(row, "known_flaky", cJSON_CreateBool(f != NULL));
	if (f && f->note)
		put(row, "note", string(f->note));
}

static cJSON *bad_row(const struct outcome_test *t)
{
	cJSON *row = cJSON_CreateObject();

	put(row, "test", string(t->id));
	put(row, "outcome", string(t->outcome));
	put(row, "phase", string(t->phase));
	put(row, "file", *t->file ? string(t->file) : cJSON_CreateNull());
	put(row, "line", t->line ? cJSON_CreateNumber(t->line) : cJSON_CreateNull());
	put(row, "message", string(t->message));
	put(row, "traceback", string(t->text));
	put_flaky(row, t->flaky);
	return row;
}

static cJSON *hang_row(const struct outcome_hang *h)
{
	cJSON *row = cJSON_CreateObject();

	put(row, "test", string(h->test));
	put(row, "phase", string(h->phase));
	put(row, "kind", string(h->kind));
	put(row, "certainty", string(h->certainty));
	put(row, "at", string(h->at));
	put(row, "summary", string(h->summary));
	put(row, "advice", string(h->advice));
	put(row, "no_capture_pipe", string(h->polls ? no_pipe : NULL));
	put_flaky(row, h->flaky);
	return row;
}

static void put_counts(cJSON *root, const struct outcomes *o)
{
	cJSON *row = put(root, "counts", cJSON_CreateObject());
	struct outcome_counts n;

	outcomes_count(o, &n);
	put(row, "passed", cJSON_CreateNumber((double)n.passed));
	put(row, "failed", cJSON_CreateNumber((double)n.failed));
	put(row, "errors", cJSON_CreateNumber((double)n.errors));
	put(row, "skipped", cJSON_CreateNumber((double)n.skipped));
	put(row, "xfailed", cJSON_CreateNumber((double)n.xfailed));
	put(row, "xpassed", cJSON_CreateNumber((double)n.xpassed));
	put(row, "hung", cJSON_CreateNumber((double)n.hung));
	put(row, "not_run", cJSON_CreateNumber((double)n.not_run));
}

static const char *outcome_word(const struct outcomes *o, const struct outcome_end *end)
{
	if (end->interrupted)
		return "interrupted";
	if (end->code == CODE_HANG)
		return first_proven(o) ? "hang" : "stall";
	if (end->code == 0)
		return "pass";
	return end->code == 1 || o->collect.n || o->tests.n ? "fail" : "error";
}

static void put_lists(cJSON *root, const struct outcomes *o, const struct outcome_end *end)
{
	cJSON *list = put(root, "failed", cJSON_CreateArray());

	for (size_t i = 0; i < o->tests.n; i++)
		if (is_bad(&o->tests.at[i]))
			must(cJSON_AddItemToArray(list, bad_row(&o->tests.at[i])));
	list = put(root, "collect_errors", cJSON_CreateArray());
	for (size_t i = 0; i < o->collect.n; i++)
		must(cJSON_AddItemToArray(list, bad_row(&o->collect.at[i])));
	list = put(root, "hung", cJSON_CreateArray());
	for (size_t i = 0; i < o->hangs.n; i++)
		must(cJSON_AddItemToArray(list, hang_row(&o->hangs.at[i])));
	list = put(root, "notes", cJSON_CreateArray());
	for (size_t i = 0; i < end->nnotes; i++)
		must(cJSON_AddItemToArray(list, string(end->notes[i])));
}

void outcomes_json(const struct outcomes *o, const struct outcome_end *end, struct text *out)
{
	cJSON *root = cJSON_CreateObject();
	OWNED_TEXT next = {0};
	char *text;

	outcomes_next(o, end, &next);
	put(root, "next", string(text_str(&next)));
	put(root, "outcome", string(outcome_word(o, end)));
	put(root, "exit_code", cJSON_CreateNumber(end->code));
	put_counts(root, o);
	put_lists(root, o, end);
	put(root, "seconds", cJSON_CreateNumber(end->seconds));
	put(root, "command", string(end->command));
	put(root, "report", string(end->report));
	put(root, "log", string(end->log));
	text = cJSON_Print(root);
	if (!text)
		base_oom();
	text_add(out, text);
	text_addc(out, '\n', 1);
	cJSON_free(text);
	cJSON_Delete(root);
}
