/* Why it is proven, or why it is only suspected: each task that can't go on with all that could wake it, and what is taken for granted. */
#include <string.h>

#include "report/html.h"

enum { ROWS_MOST = 40, LIVE_MOST = 10 };

static void wakers(struct html *h, const struct html_finding *x, const struct blocked *b)
{
	if (!b->nwaits_for_pids) {
		text_add(h->out, "nobody");
		return;
	}
	for (size_t i = 0; i < b->nwaits_for_pids && i < LIST_MOST; i++) {
		text_add(h->out, i ? ", " : "");
		html_who(h, x->f, b->waits_for_pids[i]);
	}
	if (b->nwaits_for_pids > LIST_MOST)
		text_addf(h->out, " and %zu more", b->nwaits_for_pids - LIST_MOST);
	text_add(h->out, x->f->certainty == PROVEN ? ": stuck" : "");
}

static void task_row(struct html *h, const struct html_finding *x, const struct blocked *b)
{
	OWNED_TEXT phrase = {0};

	phrase_wait(&phrase, x->f, b);
	text_add(h->out, "<tr><td>");
	html_who(h, x->f, b->pid);
	if (b->tid != b->pid)
		text_addf(h->out, "/%d", (int)b->tid);
	text_add(h->out, "</td><td data-k=\"in\"><code>");
	esc_html(h->out, b->call && *b->call ? b->call : "?", 24);
	text_add(h->out, "</code></td><td>");
	html_text(h, text_str(&phrase));
	text_add(h->out, "</td><td data-k=\"could be woken by\">");
	wakers(h, x, b);
	text_add(h->out, "</td></tr>\n");
}

static void assumptions(struct html *h, const struct html_finding *x)
{
	const struct finding *f = x->f;
	bool open = false;

	for (unsigned bit = 1; bit && bit <= f->assumptions; bit <<= 1) {
		if (!(f->assumptions & bit))
			continue;
		text_add(h->out, open ? "" : "<h3>What it takes for granted</h3>\n<ul class=\"list\">\n");
		open = true;
		text_add(h->out, "<li>");
		html_text(h, word_assumption((enum assumption)bit));
		text_add(h->out, "</li>\n");
	}
	text_add(h->out, open ? "</ul>\n" : "");
}

static void doubts(struct html *h, const struct html_finding *x)
{
	if (!x->f->nlive)
		return;
	text_add(h->out, "<h3>Who could still move</h3>\n<ul class=\"list\">\n");
	for (size_t i = 0; i < x->f->nlive && i < LIVE_MOST; i++) {
		text_add(h->out, "<li>");
		esc_html(h->out, x->f->live[i], HTML_LINE);
		text_add(h->out, "</li>\n");
	}
	if (x->f->nlive > LIVE_MOST)
		text_addf(h->out, "<li>and %zu more</li>\n", x->f->nlive - LIVE_MOST);
	text_add(h->out, "</ul>\n");
}

void html_proof(struct html *h, const struct html_finding *x)
{
	const struct finding *f = x->f;
	bool proven = f->certainty == PROVEN && !finding_is_stall(f);
	size_t shown = f->nblocked < ROWS_MOST ? f->nblocked : ROWS_MOST;

	html_open_section(h, "proof", x->number,
			  proven                     ? "Why this is proven, not guessed"
			  : finding_is_stall(f) ? "What everybody did"
						     : "What speaks for it, and why it is no proof",
			  proven ? "Each task was looked at twice and did not run in between. None has a timeout or an alarm "
				   "of its own, and all that could wake "
				   "one of them waits itself:"
				 : "Each task, and all that could wake it:");
	text_add(h->out, "<table class=\"stack\"><thead><tr><th>task</th><th>waits in</th><th>for</th><th>could be woken "
			 "by</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < shown; i++)
		task_row(h, x, &f->blocked[i]);
	text_add(h->out, "</tbody></table>\n");
	if (f->nblocked > shown)
		text_addf(h->out, "<p class=\"sub\">And %zu more (report.json has all).</p>\n", f->nblocked - shown);
	doubts(h, x);
	assumptions(h, x);
	text_add(h->out, "<p class=\"sub\">All that it rests on is in <code>snapshot.json</code> beside this page: "
			 "<code>tracewrap explain snapshot.json</code> "
			 "proves it again.</p>\n");
	html_close_section(h);
}
