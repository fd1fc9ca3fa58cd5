/* The block behind a run that went well but for what it left behind: what, by which test, what was done, what to change. */
#include <string.h>

#include "report/chain.h"
#include "report/page.h"

enum { WIDTH_LEAST = 40, FIELD = 9, SHOWN_MOST = 6 };

static void print_field(struct text *out, const char *name, const char *value, size_t width)
{
	text_addf(out, "%-*s", FIELD, name);
	page_wrap(out, value, FIELD, FIELD, width);
	text_add(out, "\n");
}

static void print_heading(const char *words, const struct text_style *style, size_t width, struct text *out)
{
	style_begin(style, "1;33", out);
	text_addf(out, "== %s ", words);
	text_addc(out, '=', width - strlen(words) - 4);
	style_end(style, out);
	text_add(out, "\n");
}

/** The words that it was started with: of the first the name alone, for a reader knows his interpreter. */
static void print_command(const struct leak *l, size_t width, struct text *out)
{
	const char *words = l->nwho ? l->who[0].command : "";
	size_t first = strcspn(words, " ");

	while (first > 0 && words[first - 1] != '/')
		first--;
	words += first;
	if (!*words || strcmp(words, l->who[0].label) == 0)
		return;
	text_addf(out, "%-*s", FIELD, "runs");
	page_fit(out, words, width - FIELD);
	text_add(out, "\n");
}

/** The same advice for several findings is given once, behind the last of them. */
static bool advice_follows(const struct run_report *r, size_t at, size_t end)
{
	for (size_t i = at + 1; i < end; i++) {
		const struct finding *f = r->findings[i];

		if (finding_is_leak(f) && f->kind == r->findings[at]->kind && f->kind != FINDING_PORT_HELD)
			return true;
	}
	return false;
}

static void print_one(const struct run_report *r, size_t at, size_t end, size_t width, struct text *out)
{
	const struct finding *f = r->findings[at];
	OWNED_TEXT summary = {0};
	OWNED_TEXT advice = {0};

	report_summary(f, &summary);
	page_wrap(out, text_str(&summary), 0, 0, width);
	text_add(out, "\n");
	if (f->test) {
		text_addf(out, "%-*s", FIELD, "test");
		page_fit(out, f->test, width - FIELD);
		text_add(out, "\n");
	}
	print_command(&f->leak, width, out);
	if (f->leak.done)
		print_field(out, "done", f->leak.done, width);
	if (advice_follows(r, at, end))
		return;
	report_advice(f, &advice);
	print_field(out, "fix", text_str(&advice), width);
}

void report_leaks(const struct run_report *r, const struct text_style *style, struct text *out)
{
	size_t width = style->width < WIDTH_LEAST ? WIDTH_LEAST : style->width, n = 0, held = 0, end = 0;

	for (size_t i = 0; i < r->nfindings; i++) {
		if (!finding_is_leak(r->findings[i]))
			continue;
		held += r->findings[i]->kind == FINDING_PORT_HELD;
		if (++n <= SHOWN_MOST)
			end = i + 1;
	}
	if (!n)
		return;
	print_heading(held == n ? "ADDRESS HELD" : "LEFT BEHIND", style, width, out);
	for (size_t i = 0; i < end; i++)
		if (finding_is_leak(r->findings[i]))
			print_one(r, i, end, width, out);
	if (n > SHOWN_MOST)
		text_addf(out, "and %zu more, in the report\n", n - SHOWN_MOST);
	if (r->report_path) {
		text_addf(out, "%-*s", FIELD, "report");
		page_fit(out, r->report_path, width - FIELD);
		text_add(out, "\n");
	}
}
