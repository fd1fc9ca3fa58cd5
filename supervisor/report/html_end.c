/* The foot of the page: what was left behind, what was ended, and the run itself. */
#include <string.h>

#include "report/html.h"

enum { LEAKS_MOST = 300, SIGNALS_MOST = 40 };

/* ---- what was left behind ---- */

static void leak_row(struct html *h, const struct joined *j)
{
	OWNED_TEXT summary = {0};
	OWNED_TEXT advice = {0};

	report_summary(j->f, &summary);
	report_advice(j->f, &advice);
	text_addf(h->out, "<tr><td><span class=\"pill amber\">%s</span></td><td><b>", finding_kind_name(j->f->kind));
	html_text(h, text_str(&summary));
	text_add(h->out, "</b>");
	if (j->f->test) {
		text_add(h->out, "<br>in <code>");
		esc_html(h->out, j->f->test, HTML_LINE);
		text_add(h->out, "</code>");
	}
	if (h->nruns > 1) {
		text_addf(h->out, "<br>in %zu of %zu runs", j->times, h->nruns);
		if (*j->hosts) {
			text_add(h->out, ": ");
			esc_html(h->out, j->hosts, HTML_LINE);
		}
	}
	text_add(h->out, "</td><td data-k=\"fix\">");
	html_text(h, text_str(&advice));
	text_add(h->out, "</td><td data-k=\"done\">");
	if (j->f->leak.done)
		esc_html(h->out, j->f->leak.done, HTML_NAME);
	else
		text_add(h->out, "nothing");
	text_add(h->out, "</td></tr>\n");
}

void html_leaks(struct html *h)
{
	size_t n = h->all.n - h->all.nhangs;

	if (!n)
		return;
	html_open_section(h, "leaks", 0, "What was left behind", "Looked for when the command had ended.");
	text_add(h->out, "<table class=\"stack\"><thead><tr><th>kind</th><th>what</th><th>how to fix "
			 "it</th><th>done</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < n && i < LEAKS_MOST; i++)
		leak_row(h, &h->all.at[h->all.nhangs + i]);
	text_add(h->out, "</tbody></table>\n");
	if (n > LEAKS_MOST)
		text_addf(h->out, "<p class=\"sub\">And %zu more (report.json has all).</p>\n", n - LEAKS_MOST);
	html_close_section(h);
}

/* ---- clean-up ---- */

static void add_name(struct html *h, const struct run_report *r, pid_t pid)
{
	char label[HTML_NAME] = "process";

	for (size_t i = run_count(r); i-- > 0;)
		if (run_row(r, i)->pid == pid) {
			fact_label(run_row(r, i), label, sizeof label);
			break;
		}
	esc_html(h->out, label, 40);
}

static void signal_rows(struct html *h, const struct run_report *r)
{
	text_add(h->out, "<table><tbody>\n");
	for (size_t i = 0; i < r->nsignalled && i < SIGNALS_MOST; i++) {
		text_add(h->out, "<tr><td class=\"n m\">");
		if (r->signalled[i].at_ns)
			text_addf(h->out, "%.2f s", (double)(r->signalled[i].at_ns - r->start_ns) / (double)NS_PER_S);
		text_add(h->out, "</td><td>");
		esc_html(h->out, r->signalled[i].signal, 24);
		text_add(h->out, " to <b>");
		add_name(h, r, r->signalled[i].pid);
		text_addf(h->out, "</b> <span class=\"m\">%d</span></td></tr>\n", (int)r->signalled[i].pid);
	}
	text_add(h->out, "</tbody></table>\n");
	if (r->nsignalled > SIGNALS_MOST)
		text_addf(h->out, "<p class=\"sub\">And %zu more (report.json has all).</p>\n", r->nsignalled - SIGNALS_MOST);
}

void html_cleanup(struct html *h, const struct run_report *r)
{
	html_open_section(h, "cleanup", 0, "Clean-up", r->nsignalled ? "Gentle first." : "Nobody had to be ended.");
	if (r->nsignalled)
		signal_rows(h, r);
	text_add(h->out, "<p>");
	if (!r->complete) {
		text_add(h->out, "<span class=\"pill amber\">under way</span> this was written before its end");
	} else if (!r->nsurvivors) {
		text_add(h->out, "<span class=\"pill green\">clean</span> no process of the run is left");
	}
	for (size_t i = 0; r->complete && i < r->nsurvivors && i < SIGNALS_MOST; i++) {
		text_addf(h->out, "%s<span class=\"pill red\">left</span> ", i ? "<br>" : "");
		esc_html(h->out, r->survivors[i].comm ? r->survivors[i].comm : "?", 40);
		text_addf(h->out, " <span class=\"m\">%d</span> in ", (int)r->survivors[i].pid);
		esc_html(h->out,
			 r->survivors[i].wchan && *r->survivors[i].wchan ? r->survivors[i].wchan : "a place that is not known",
			 48);
	}
	text_add(h->out, "</p>\n");
	html_close_section(h);
}

/* ---- the run ---- */

static void row(struct html *h, const char *key, const char *value, size_t most)
{
	if (!value || !*value)
		return;
	text_addf(h->out, "<dt>%s</dt><dd>", key);
	esc_html(h->out, value, most);
	text_add(h->out, "</dd>\n");
}

static const char *python_of(const struct run_report *r)
{
	for (size_t i = 0; i < r->nfindings; i++)
		for (size_t k = 0; k < r->findings[i]->nstacks; k++)
			if (r->findings[i]->stacks[k].stacks->python)
				return r->findings[i]->stacks[k].stacks->python;
	return NULL;
}

void html_run(struct html *h, const struct run_report *r)
{
	html_open_section(h, "run", 0, "Run", "What it takes to see it again. Of the environment nothing is kept.");
	text_add(h->out, "<dl class=\"kv\"><dt>command</dt><dd><code>");
	html_command(h, r->argv);
	text_add(h->out, "</code></dd>\n");
	row(h, "folder", r->folder, HTML_PATH);
	row(h, "host", r->host, HTML_NAME);
	row(h, "kernel", r->kernel, HTML_NAME);
	row(h, "Python", python_of(r), HTML_NAME);
	row(h, "watched by", r->mode, HTML_NAME);
	text_add(h->out, "<dt>took</dt><dd>");
	html_seconds(h, r->end_ns - r->start_ns);
	text_addf(h->out, "</dd>\n<dt>processes</dt><dd>%zu", run_count(r) + run_dropped(r));
	text_addf(h->out, "%s</dd>\n<dt>tests</dt><dd>%zu seen</dd>\n", r->every_process ? "" : " seen", r->ntests);
	for (const char *const *spot = r->blind_spots; spot && *spot; spot++)
		row(h, "blind spot", *spot, HTML_LINE);
	text_add(h->out, "</dl>\n");
	html_close_section(h);
}
