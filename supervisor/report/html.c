/* report.html: one file without network and without script, for somebody who has never heard of tracewrap. */
#include <string.h>

#include "report/html.h"

/* Beyond these a page is no page any more: report.json has all. */
enum { WHOLE_MOST = 8, LISTED_MOST = 200, RUNS_MOST = 40 };

static void head(struct html *h)
{
	struct text *out = h->out;

	text_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      /* nothing of the page may fetch, run or send anything, whatever got into it */
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		      "'unsafe-inline'\">\n<title>");
	if (h->all.nhangs) {
		const struct finding *f = h->all.at[0].f;

		text_addf(out, "%s: ", word_verdict(f));
		esc_html(out, f->test ? f->test : finding_kind_name(f->kind), HTML_PATH);
	} else {
		text_add(out, h->all.n ? "Left behind" : "Nothing hung");
	}
	text_add(out, " - tracewrap</title>\n<style>\n");
	html_style(out);
	text_add(out, "</style>\n</head>\n<body>\n<div class=\"wrap\">\n");
}

static void top(struct html *h)
{
	struct text *out = h->out;

	text_add(out, "<header><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><circle cx=\"12\" cy=\"12\" r=\"9\" "
		      "fill=\"none\" stroke=\"var(--red)\" "
		      "stroke-width=\"2.4\" stroke-dasharray=\"44 13\"/><circle cx=\"12\" cy=\"12\" r=\"3.2\" "
		      "fill=\"var(--red)\"/></svg>\n"
		      "<b>tracewrap</b><span class=\"what\">report <code>");
	html_command(h, h->runs[0]->argv);
	text_add(out, "</code>");
	if (h->nruns > 1)
		text_addf(out, " and %zu more runs", h->nruns - 1);
	text_add(out, "</span>\n<nav aria-label=\"Parts of this page\">");
	if (h->all.nhangs)
		text_add(out, "<a href=\"#graph1\">Graph</a><a href=\"#fix1\">Fix</a><a href=\"#time1\">Timeline</a><a "
			      "href=\"#stacks1\">Stacks</a>"
			      "<a href=\"#proof1\">Proof</a>");
	else
		text_add(out, "<a href=\"#time0\">Timeline</a><a href=\"#tests0\">Tests</a>");
	if (h->all.n > h->all.nhangs)
		text_add(out, "<a href=\"#leaks0\">Left behind</a>");
	text_add(out, "</nav></header>\n<main>\n");
}

static void short_row(struct html *h, size_t i)
{
	const struct joined *j = &h->all.at[i];
	OWNED_TEXT summary = {0};

	report_summary(j->f, &summary);
	text_addf(h->out, "<li id=\"l%zu\"><span class=\"pill %s\">%s</span> ", i + 1,
		  j->f->certainty == PROVEN ? "red" : "amber", finding_kind_name(j->f->kind));
	if (i < WHOLE_MOST)
		text_addf(h->out, "<a href=\"#f%zu\">", i + 1);
	html_text(h, text_str(&summary));
	text_add(h->out, i < WHOLE_MOST ? "</a>" : "");
	if (j->f->test) {
		text_add(h->out, " <code>");
		esc_html(h->out, j->f->test, HTML_LINE);
		text_add(h->out, "</code>");
	}
	if (h->nruns > 1)
		text_addf(h->out, " in %zu of %zu runs", j->times, h->nruns);
	text_add(h->out, "</li>\n");
}

static void list_all(struct html *h)
{
	if (h->all.nhangs < 2)
		return;
	html_open_section(h, "all", 0, "All findings",
			  h->all.nhangs > WHOLE_MOST ? "The first ones follow in whole; report.json has all of each." : "");
	text_add(h->out, "<ol class=\"list\">\n");
	for (size_t i = 0; i < h->all.nhangs && i < LISTED_MOST; i++)
		short_row(h, i);
	text_add(h->out, "</ol>\n");
	if (h->all.nhangs > LISTED_MOST)
		text_addf(h->out, "<p class=\"sub\">And %zu more.</p>\n", h->all.nhangs - LISTED_MOST);
	html_close_section(h);
}

static void finding_block(struct html *h, size_t i)
{
	const struct joined *j = &h->all.at[i];
	struct html_finding x = {.j = j, .r = j->r, .f = j->f, .number = i + 1};

	html_verdict(h, &x, i == 0);
	if (i == 0)
		list_all(h);
	html_graph(h, &x);
	html_fix(h, &x);
	html_timeline(h, &x);
	html_stacks(h, &x);
	html_logs(h, &x);
	html_proof(h, &x);
}

static void runs_table(struct html *h)
{
	html_open_section(h, "runs", 0, "Runs", "");
	text_add(h->out, "<table "
			 "class=\"stack\"><thead><tr><th>host</th><th>command</th><th>outcome</th><th>took</th><th>tests</th></"
			 "tr></thead><tbody>\n");
	for (size_t i = 0; i < h->nruns && i < RUNS_MOST; i++) {
		const struct run_report *r = h->runs[i];

		text_add(h->out, "<tr><td>");
		esc_html(h->out, r->host ? r->host : "?", HTML_NAME);
		text_add(h->out, "</td><td><code>");
		html_command(h, r->argv);
		text_addf(h->out, "</code></td><td>%s, exit %d</td><td>", outcome_name(r->outcome), r->exit_code);
		html_seconds(h, r->end_ns - r->start_ns);
		text_addf(h->out, "</td><td data-k=\"tests\">%zu</td></tr>\n", r->ntests);
	}
	text_add(h->out, "</tbody></table>\n");
	if (h->nruns > RUNS_MOST)
		text_addf(h->out, "<p class=\"sub\">And %zu more.</p>\n", h->nruns - RUNS_MOST);
	html_close_section(h);
}

static void tail(struct html *h)
{
	if (!h->all.nhangs || h->nruns > 1)
		html_timeline(h, NULL);
	if (!h->all.nhangs)
		html_tests(h);
	html_leaks(h);
	if (h->nruns > 1) {
		runs_table(h);
	} else {
		text_add(h->out, "<div class=\"two\">\n");
		html_cleanup(h, h->runs[0]);
		html_run(h, h->runs[0]);
		text_add(h->out, "</div>\n");
	}
	text_add(h->out, "</main>\n<footer>tracewrap ");
	esc_html(h->out, h->runs[0]->version ? h->runs[0]->version : "", HTML_NAME);
	text_add(h->out, ". The same for programs: report.json</footer>\n</div>\n</body>\n</html>\n");
}

void report_html(const struct run_report *const *runs, size_t nruns, struct text *out)
{
	struct html h = {.out = out, .runs = runs, .nruns = nruns, .arena = arena_new()};

	must(nruns > 0);
	h.all = join_findings(runs, nruns, h.arena);
	head(&h);
	top(&h);
	if (!h.all.nhangs)
		html_no_verdict(&h);
	for (size_t i = 0; i < h.all.nhangs && i < WHOLE_MOST; i++)
		finding_block(&h, i);
	tail(&h);
	arena_free(h.arena);
}
