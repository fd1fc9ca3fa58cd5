/* The top of the page: what is wrong, in which test, at which line, and four figures. */
#include <stdio.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"
#include "report/where.h"

/* ---- figures ---- */

static void open_figure(struct html *h)
{
	text_add(h->out, "<div><b>");
}

static void close_figure(struct html *h, const char *words)
{
	text_add(h->out, "</b><span>");
	html_text(h, words);
	text_add(h->out, "</span></div>\n");
}

static size_t count_ended(const struct run_report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nsignalled; i++) {
		bool again = strcmp(r->signalled[i].signal, "SIGSTOP") == 0 || strcmp(r->signalled[i].signal, "SIGCONT") == 0;

		for (size_t k = 0; k < i && !again; k++)
			again = r->signalled[k].pid == r->signalled[i].pid;
		n += !again;
	}
	return n;
}

static void figure_of_cleanup(struct html *h, const struct run_report *r)
{
	open_figure(h);
	if (!r->complete) {
		text_add(h->out, "not yet");
		close_figure(h, "cleaned up when this was written");
	} else if (r->nsurvivors) {
		text_addf(h->out, "%zu left", r->nsurvivors);
		close_figure(h, "that could not be ended");
	} else {
		text_addf(h->out, "%zu ended", count_ended(r));
		close_figure(h, r->nsignalled ? "by the clean-up; nobody is left" : "nobody had to be ended");
	}
}

static void figure_of_exit(struct html *h, const struct run_report *r)
{
	open_figure(h);
	text_addf(h->out, "exit %d", r->exit_code);
	switch (r->outcome) {
	case OUTCOME_HANG:
		close_figure(h, "the command alone would never have ended");
		break;
	case OUTCOME_STALL:
		close_figure(h, "its time was over");
		break;
	case OUTCOME_INTERRUPTED:
		close_figure(h, "it was interrupted");
		break;
	case OUTCOME_PASS:
	case OUTCOME_FAIL:
	case OUTCOME_ERROR:
		close_figure(h, "is the command's own");
		break;
	}
}

static void figures(struct html *h, const struct html_finding *x)
{
	const struct finding *f = x->f;
	bool stall = finding_is_stall(f);

	text_add(h->out, "<div class=\"facts\">\n");
	open_figure(h);
	html_seconds(h, f->detected_ns - (stall ? x->r->start_ns : f->onset_ns));
	close_figure(h, stall                    ? "from the start of the run"
			: f->certainty == PROVEN ? "from onset to proof, without a timeout"
						 : "it has stood still");
	open_figure(h);
	text_addf(h->out, "%zu of %zu", f->nstuck, f->ntasks);
	close_figure(h, stall ? "tasks are stuck" : "tasks can never go on");
	figure_of_cleanup(h, x->r);
	figure_of_exit(h, x->r);
	text_add(h->out, "</div>\n");
}

/* ---- where ---- */

static void test_line(struct html *h, const struct finding *f)
{
	text_add(h->out, "<li><span class=\"k\">test</span> ");
	if (!f->test) {
		text_add(h->out, "not known: no process of this run tells of a pytest test</li>\n");
		return;
	}
	text_add(h->out, "<code>");
	esc_html(h->out, f->test, HTML_LINE);
	text_add(h->out, "</code>");
	if (f->phase) {
		text_add(h->out, " in its ");
		esc_html(h->out, f->phase, 16);
	}
	text_add(h->out, "</li>\n");
}

static void place_line(struct html *h, const struct run_report *r, const struct frame *frame)
{
	if (!frame || (!frame->file && !frame->function))
		return;
	text_add(h->out, "<li><span class=\"k\">at</span> <code>");
	html_place(h, r, frame);
	text_add(h->out, "</code>");
	if (frame->source) {
		text_add(h->out, " <code class=\"del\">");
		esc_html(h->out, frame->source, HTML_LINE);
		text_add(h->out, "</code>");
	} else if (frame->function) {
		text_add(h->out, " in <code>");
		esc_html(h->out, frame->function, HTML_NAME);
		text_add(h->out, "</code>");
	}
	text_add(h->out, "</li>\n");
}

static void hosts_line(struct html *h, const struct joined *j)
{
	if (h->nruns < 2)
		return;
	text_addf(h->out, "<li><span class=\"k\">in</span> %zu of %zu runs", j->times, h->nruns);
	if (j->nhosts) {
		text_addf(h->out, ", %zu host%s: ", j->nhosts, j->nhosts == 1 ? "" : "s");
		esc_html(h->out, j->hosts, HTML_LINE);
		if (j->nhosts > LIST_MOST)
			text_addf(h->out, " and %zu more", j->nhosts - LIST_MOST);
	}
	text_add(h->out, "</li>\n");
}

static const char *tone_of(const struct finding *f)
{
	return f->certainty == PROVEN && !finding_is_stall(f) ? "red" : "amber";
}

void html_verdict(struct html *h, const struct html_finding *x, bool first)
{
	OWNED_TEXT summary = {0};

	report_summary(x->f, &summary);
	text_addf(h->out,
		  "<section class=\"card hero %s\" id=\"f%zu\"><span class=\"pill full\">%s</span> <span "
		  "class=\"pill\">%s</span>\n<%s>",
		  tone_of(x->f), x->number, word_verdict(x->f), finding_kind_name(x->f->kind), first ? "h1" : "h2");
	html_text(h, text_str(&summary));
	text_addf(h->out, "</%s>\n<ul class=\"at\">\n", first ? "h1" : "h2");
	test_line(h, x->f);
	place_line(h, x->r, join_place(x->f));
	hosts_line(h, x->j);
	text_add(h->out, "</ul>\n");
	figures(h, x);
	text_add(h->out, "</section>\n");
}

/* ---- no hang ---- */

/** How many of the processes of R lived at the same time, at most. */
static size_t peak_of(const struct run_report *r)
{
	enum { MOST = 2000 };
	size_t n = run_count(r), best = 0;

	if (n > MOST)
		n = MOST;
	for (size_t i = 0; i < n; i++) { /* the most live at the start of one of them */
		const struct process_row *at = run_row(r, i);
		size_t living = 0;

		for (size_t k = 0; k < n; k++) {
			const struct process_row *p = run_row(r, k);

			living += p->started_ns <= at->started_ns && at->started_ns < p->ended_ns;
		}
		best = living > best ? living : best;
	}
	return best;
}

static void run_figures(struct html *h)
{
	const struct run_report *r = h->runs[0];
	size_t processes = 0, peak = 0, tests = 0;
	int64_t longest = 0;

	for (size_t i = 0; i < h->nruns; i++) {
		size_t one = peak_of(h->runs[i]);

		processes += run_count(h->runs[i]) + run_dropped(h->runs[i]);
		tests += h->runs[i]->ntests;
		peak = one > peak ? one : peak;
		longest = h->runs[i]->end_ns - h->runs[i]->start_ns > longest ? h->runs[i]->end_ns - h->runs[i]->start_ns
									      : longest;
	}
	text_add(h->out, "<div class=\"facts\">\n");
	open_figure(h);
	html_seconds(h, longest);
	close_figure(h, h->nruns > 1 ? "took the longest of the runs" : "took the run");
	open_figure(h);
	text_addf(h->out, "%zu", tests);
	close_figure(h, tests ? "tests were seen to run" : "tests were seen: none tells of itself");
	open_figure(h);
	text_addf(h->out, "%zu", processes);
	close_figure(h, "processes lived");
	if (h->nruns > 1) {
		open_figure(h);
		text_addf(h->out, "%zu runs", h->nruns);
		close_figure(h, "are in this report");
	} else {
		figure_of_exit(h, r);
	}
	text_addf(h->out, "</div>\n");
}

static const char *worst_words(const struct html *h, const char **tone)
{
	enum outcome worst = OUTCOME_PASS;

	for (size_t i = 0; i < h->nruns; i++)
		if (h->runs[i]->outcome != OUTCOME_PASS)
			worst = h->runs[i]->outcome;
	*tone = worst == OUTCOME_PASS ? "green" : worst == OUTCOME_FAIL ? "blue" : "amber";
	switch (worst) {
	case OUTCOME_PASS:
		return "PASSED";
	case OUTCOME_FAIL:
		return "FAILED";
	case OUTCOME_HANG:
		return "HANG";
	case OUTCOME_STALL:
		return "TIME IS OVER";
	case OUTCOME_INTERRUPTED:
		return "INTERRUPTED";
	case OUTCOME_ERROR:
		break;
	}
	return "ERROR";
}

void html_no_verdict(struct html *h)
{
	const char *tone, *words = worst_words(h, &tone);
	bool leaks = h->all.n > 0, pass = strcmp(words, "PASSED") == 0;

	if (leaks)
		tone = "amber";
	text_addf(h->out, "<section class=\"card hero %s\" id=\"f0\"><span class=\"pill full\">%s</span>", tone, words);
	if (leaks)
		text_addf(h->out, " <span class=\"pill\">%zu left behind</span>", h->all.n);
	text_add(h->out, "\n<h1>");
	if (leaks) {
		OWNED_TEXT summary = {0};

		report_summary(h->all.at[0].f, &summary);
		html_text(h, text_str(&summary));
		if (h->all.n > 1)
			text_addf(h->out, " And %zu more.", h->all.n - 1);
	} else {
		text_add(h->out, pass ? "Nothing hung, and nothing was left behind."
				      : "Nothing was found to hang, and nothing was left behind.");
	}
	text_add(h->out, "</h1>\n");
	run_figures(h);
	text_add(h->out, "</section>\n");
}

/* ---- tests ---- */

static int64_t length_of(const struct run_report *r, const struct run_test *t)
{
	return (t->to_ns == NEVER_NS ? r->end_ns : t->to_ns) - t->from_ns;
}

void html_tests(struct html *h)
{
	enum { MOST = 10 };
	const struct run_test *slow[MOST];
	const struct run_report *of[MOST];
	size_t n = 0, peak = 0;

	for (size_t i = 0; i < h->nruns; i++) {
		const struct run_report *r = h->runs[i];
		size_t one = peak_of(r);

		peak = one > peak ? one : peak;
		for (size_t k = 0; k < r->ntests; k++) {
			size_t at = n < MOST ? n++ : MOST;

			for (; at > 0 && length_of(r, &r->tests[k]) > length_of(of[at - 1], slow[at - 1]); at--)
				if (at < MOST) {
					slow[at] = slow[at - 1];
					of[at] = of[at - 1];
				}
			if (at < MOST) {
				slow[at] = &r->tests[k];
				of[at] = r;
			}
		}
	}
	html_open_section(h, "tests", 0, "Slowest tests",
			  n ? "From setup to teardown." : "No process of this run has told of a pytest test.");
	if (n)
		text_add(h->out, "<table><thead><tr><th>took</th><th>test</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < n; i++) {
		text_add(h->out, "<tr><td class=\"n\">");
		html_seconds(h, length_of(of[i], slow[i]));
		text_add(h->out, "</td><td><code>");
		esc_html(h->out, slow[i]->test, HTML_LINE);
		text_add(h->out, "</code></td></tr>\n");
	}
	text_add(h->out, n ? "</tbody></table>\n" : "");
	text_addf(h->out, "<p class=\"sub\">At most %zu process%s lived at the same time.</p>\n", peak, peak == 1 ? "" : "es");
	html_close_section(h);
}
