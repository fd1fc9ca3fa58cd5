/* What happened when: the lives of processes under the phases of the tests, the wait marked. Of one finding: from its test on; of several
 * runs: side by side, by the clock on the wall. */
#include <stdio.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"

enum { ROWS_MOST = 14, STEP = 30, TOP = 34, TICKS_MOST = 6, LANES_MOST = 40, TESTS_MOST = 400 };

/** One picture. */
struct timing {
	struct html *h;
	int width, left; /* left: where time begins, behind the names */
	int64_t from_ns, to_ns;
	int64_t shift_ns; /* of the lane that is drawn: added to its moments */
	int y;
};

static double x_of(const struct timing *t, int64_t at_ns)
{
	int64_t at = at_ns + t->shift_ns;
	double part;

	at = at < t->from_ns ? t->from_ns : at > t->to_ns ? t->to_ns : at;
	part = t->to_ns > t->from_ns ? (double)(at - t->from_ns) / (double)(t->to_ns - t->from_ns) : 0;
	return t->left + part * (t->width - 20 - t->left);
}

static bool outside(const struct timing *t, int64_t from_ns, int64_t to_ns)
{
	return (to_ns != NEVER_NS && to_ns + t->shift_ns < t->from_ns) || from_ns + t->shift_ns > t->to_ns;
}

/** @return the width that was drawn. */
static double bar(struct timing *t, const char *class, int64_t from_ns, int64_t to_ns, int height)
{
	double x1 = x_of(t, from_ns), x2 = to_ns == NEVER_NS ? t->width - 20 : x_of(t, to_ns);

	if (x2 - x1 < 1.5)
		x2 = x1 + 1.5;
	text_addf(t->h->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>\n", class, x1,
		  t->y + (20 - height) / 2, x2 - x1, height);
	return x2 - x1;
}

static void name_row(struct timing *t, const char *name, pid_t pid)
{
	size_t most = (size_t)(t->left - 14) / 7;
	char number[16] = "";

	if (pid)
		snprintf(number, sizeof number, " %d", (int)pid);
	text_addf(t->h->out, "<text class=\"s\" x=\"%d\" y=\"%d\" text-anchor=\"end\">", t->left - 10, t->y + 15);
	esc_html(t->h->out, name, most > strlen(number) + 4 ? most - strlen(number) : 4);
	text_addf(t->h->out, "%s</text>\n", number);
}

/* ---- the axis ---- */

/** 1, 2 or 5 times a power of ten, so that at most TICKS fit into SPAN_NS. */
static int64_t tick_of(int64_t span_ns, int ticks)
{
	static const int steps[] = {1, 2, 5};
	int64_t power = NS_PER_MS;

	for (; power < INT64_MAX / 100; power *= 10)
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
			if (span_ns / (steps[i] * power) <= ticks)
				return steps[i] * power;
	return power;
}

static void axis(struct timing *t, int ticks, int height)
{
	int64_t step = tick_of(t->to_ns - t->from_ns, ticks), first = (t->from_ns + step - 1) / step * step;

	t->shift_ns = 0;
	for (int64_t at = first; at <= t->to_ns; at += step) {
		double x = x_of(t, at);

		text_addf(t->h->out,
			  "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text class=\"mono\" x=\"%.1f\" y=\"%d\" "
			  "text-anchor=\"middle\">",
			  x, TOP - 6, height - 24, x, height - 8);
		if (step < NS_PER_S)
			text_addf(t->h->out, "%.*f s</text>\n", step < NS_PER_S / 10 ? 2 : 1, (double)at / (double)NS_PER_S);
		else
			text_addf(t->h->out, "%lld s</text>\n", (long long)(at / NS_PER_S));
	}
}

/* ---- rows ---- */

static void phase_bar(struct timing *t, const char *name, bool hung, int64_t from_ns, int64_t to_ns)
{
	double width = x_of(t, to_ns == NEVER_NS ? t->to_ns - t->shift_ns : to_ns) - x_of(t, from_ns);
	char words[32];

	snprintf(words, sizeof words, "%s%s", name, hung ? ": hangs" : "");
	bar(t, hung ? "hung" : width < 6 ? "quick" : "phase", from_ns, to_ns, 20);
	if (width < (double)strlen(words) * 7 + 8)
		return;
	text_addf(t->h->out, "<text class=\"%s\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", hung ? "on" : "s",
		  x_of(t, from_ns) + width / 2, t->y + 15);
	html_text(t->h, words);
	text_add(t->h->out, "</text>\n");
}

/** HUNG: the phase that hangs; NULL: none does. */
static void test_bars(struct timing *t, const struct run_test *test, const char *hung)
{
	const char *const names[] = {"setup", "call", "teardown"};
	int64_t begin[] = {test->setup_ns, test->call_ns, test->teardown_ns};
	bool drawn = false;

	for (int i = 0; i < 3; i++) {
		int64_t to = test->to_ns;

		for (int next = 2; next > i; next--)
			to = begin[next] ? begin[next] : to;
		if (!begin[i])
			continue;
		drawn = true;
		phase_bar(t, names[i], hung && strcmp(hung, names[i]) == 0 && test->to_ns == NEVER_NS, begin[i], to);
	}
	if (!drawn)
		phase_bar(t, "test", hung != NULL, test->from_ns, test->to_ns);
}

static void tests_row(struct timing *t, const struct run_report *r, const struct finding *f)
{
	size_t drawn = 0;

	name_row(t, "test", 0);
	for (size_t i = r->ntests; i-- > 0 && drawn < TESTS_MOST;) {
		const struct run_test *test = &r->tests[i];
		bool hung = f && f->test && strcmp(f->test, test->test) == 0;

		if (outside(t, test->from_ns, test->to_ns))
			continue;
		drawn++;
		test_bars(t, test, hung ? f->phase ? f->phase : "test" : NULL);
	}
	t->y += STEP;
}

static void process_bar(struct timing *t, const struct process_row *p, const struct finding *f)
{
	const struct blocked *b = f ? fact_row(f, p->pid) : NULL;
	char label[HTML_NAME];

	fact_label(p, label, sizeof label);
	name_row(t, b && b->label && *b->label ? b->label : label, p->pid);
	bar(t, "life", p->started_ns, p->ended_ns, 14);
	if (b && p->ended_ns >= f->onset_ns)
		bar(t, "held", b->moved_ns && b->moved_ns > p->started_ns ? b->moved_ns : f->onset_ns, f->detected_ns, 14);
	t->y += STEP;
}

/** The rows of R that are worth a line: those of F first, then those that lived longest of what is in the picture. */
static size_t choose(const struct timing *t, const struct run_report *r, const struct finding *f,
		     const struct process_row **out, size_t most)
{
	size_t n = 0, count = run_count(r);

	for (size_t i = 0; f && i < f->nblocked && n < most; i++) {
		bool again = false;

		for (size_t k = 0; k < n; k++)
			again |= out[k]->pid == f->blocked[i].pid;
		for (size_t k = count; k-- > 0 && !again;)
			if (run_row(r, k)->pid == f->blocked[i].pid) {
				out[n++] = run_row(r, k);
				break;
			}
	}

	size_t own = n;

	for (size_t i = 0; i < count; i++) {
		const struct process_row *p = run_row(r, i);
		bool known = outside(t, p->started_ns, p->ended_ns);
		int64_t life = (p->ended_ns == NEVER_NS ? r->end_ns : p->ended_ns) - p->started_ns;
		size_t at;

		for (size_t k = 0; k < own; k++)
			known |= out[k] == p;
		if (known)
			continue;
		at = n < most ? n++ : most;
		for (; at > own; at--) {
			const struct process_row *before = out[at - 1];

			if ((before->ended_ns == NEVER_NS ? r->end_ns : before->ended_ns) - before->started_ns >= life)
				break;
			if (at < most)
				out[at] = before;
		}
		if (at < most)
			out[at] = p;
	}
	return n;
}

static void lane(struct timing *t, const struct run_report *r, const struct finding *f, size_t most)
{
	const struct process_row *rows[ROWS_MOST];
	size_t n = choose(t, r, f, rows, most < ROWS_MOST ? most : ROWS_MOST);

	if (r->ntests)
		tests_row(t, r, f);
	for (size_t i = 0; i < n; i++)
		process_bar(t, rows[i], f);
}

/* ---- pictures ---- */

static void moment(struct timing *t, int64_t at_ns, const char *words, bool before, int height)
{
	double x = x_of(t, at_ns);

	text_addf(t->h->out,
		  "<path class=\"mark\" d=\"M%.1f %dV%d\"/><text class=\"e\" x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s %.2f "
		  "s</text>\n",
		  x, TOP - 12, height - 24, x + (before ? -6 : 6), TOP - 18, before ? "end" : "start", words,
		  (double)(at_ns + t->shift_ns) / (double)NS_PER_S);
}

static void open_svg(struct timing *t, const char *class, int height)
{
	text_addf(t->h->out,
		  "<svg class=\"fig %s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Timeline of the processes\">\n", class,
		  t->width, height);
}

static void picture_of_finding(struct html *h, const struct html_finding *x, const char *class, int width, int left, int ticks)
{
	const struct run_report *r = x->r;
	const struct finding *f = x->f;
	struct timing t = {.h = h,
			   .width = width,
			   .left = left,
			   .shift_ns = -r->start_ns,
			   .from_ns = f->onset_ns - r->start_ns,
			   .to_ns = r->end_ns - r->start_ns};
	const struct process_row *rows[ROWS_MOST];
	size_t n;
	int height;

	for (size_t i = 0; i < r->ntests; i++)
		if (f->test && strcmp(r->tests[i].test, f->test) == 0 && r->tests[i].from_ns - r->start_ns < t.from_ns)
			t.from_ns = r->tests[i].from_ns - r->start_ns;
	t.from_ns -= (t.to_ns - t.from_ns) / 12;
	t.from_ns = t.from_ns < 0 || finding_is_stall(f) ? 0 : t.from_ns;
	n = choose(&t, r, f, rows, ROWS_MOST);
	height = TOP + ((int)n + (r->ntests != 0)) * STEP + 30;
	open_svg(&t, class, height);
	if (!finding_is_stall(f)) {
		double x1 = x_of(&t, f->onset_ns), x2 = x_of(&t, f->detected_ns);

		text_addf(h->out, "<rect class=\"zone\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n", x1, TOP - 6,
			  x2 - x1 < 1 ? 1 : x2 - x1, height - TOP - 18);
	}
	axis(&t, ticks, height);
	t.shift_ns = -r->start_ns;
	if (!finding_is_stall(f)) {
		moment(&t, f->onset_ns, "still since", x_of(&t, f->onset_ns) > width / 2.0, height);
		if (x_of(&t, f->detected_ns) - x_of(&t, f->onset_ns) > 4 && width > 600)
			moment(&t, f->detected_ns, f->certainty == PROVEN ? "proven" : "seen",
			       x_of(&t, f->detected_ns) > width - 130.0, height);
	}
	t.y = TOP;
	lane(&t, r, f, ROWS_MOST);
	text_add(h->out, "</svg>\n");
}

/** How much later R began than the first of the runs, by the clock on the wall; on one machine by its own. */
static int64_t offset_of(const struct html *h, const struct run_report *r)
{
	const struct run_report *first = h->runs[0];
	int64_t wall, monotonic;

	for (size_t i = 1; i < h->nruns; i++)
		if (h->runs[i]->wall_start_s < first->wall_start_s)
			first = h->runs[i];
	wall = (r->wall_start_s - first->wall_start_s) * NS_PER_S;
	monotonic = r->start_ns - first->start_ns;
	if (r->host && first->host && strcmp(r->host, first->host) == 0 && monotonic >= 0 && monotonic - wall < 2 * NS_PER_S &&
	    wall - monotonic < 2 * NS_PER_S)
		return monotonic; /* both clocks tell of the same boot */
	return wall;
}

static const struct finding *hang_of(const struct run_report *r)
{
	return r->nfindings && !finding_is_leak(r->findings[0]) ? r->findings[0] : NULL;
}

static void picture_of_runs(struct html *h, const char *class, int width, int left, int ticks)
{
	struct timing t = {.h = h, .width = width, .left = left};
	size_t lanes = h->nruns < LANES_MOST ? h->nruns : LANES_MOST, rows = 0,
	       most = h->nruns == 1  ? ROWS_MOST
		      : h->nruns < 5 ? 4
				     : 1;
	int height;

	for (size_t i = 0; i < lanes; i++) {
		const struct run_report *r = h->runs[i];
		int64_t end = offset_of(h, r) + r->end_ns - r->start_ns;
		size_t n = run_count(r);

		t.to_ns = end > t.to_ns ? end : t.to_ns;
		rows += (n < most ? n : most) + (r->ntests != 0) + (h->nruns > 1);
	}
	height = TOP + (int)rows * STEP + 30;
	open_svg(&t, class, height);
	axis(&t, ticks, height);
	t.y = TOP;
	for (size_t i = 0; i < lanes; i++) {
		const struct run_report *r = h->runs[i];

		t.shift_ns = offset_of(h, r) - r->start_ns;
		if (h->nruns > 1) {
			text_addf(h->out, "<text class=\"t\" x=\"4\" y=\"%d\">", t.y + 16);
			esc_html(h->out, r->host ? r->host : "a run", 30);
			text_addf(h->out, ", %s</text>\n", outcome_name(r->outcome));
			t.y += STEP;
		}
		lane(&t, r, hang_of(r), most);
	}
	text_add(h->out, "</svg>\n");
	if (h->nruns > lanes)
		text_addf(h->out, "<p class=\"sub\">And %zu more runs.</p>\n", h->nruns - lanes);
}

void html_timeline(struct html *h, const struct html_finding *x)
{
	if (x && !run_count(x->r) && !x->r->ntests) /* of a saved snapshot */
		return;
	html_open_section(h, "time", x ? x->number : 0,
			  x              ? "What happened when"
			  : h->nruns > 1 ? "The runs side by side"
					 : "Timeline",
			  h->nruns > 1 && !x
				  ? "By the clock on the wall."
				  : "Lives of the processes under the phases of the test, in seconds since the start.");
	if (x) {
		picture_of_finding(h, x, "wide", 1040, 170, TICKS_MOST);
		picture_of_finding(h, x, "narrow", 440, 140, 3);
	} else {
		picture_of_runs(h, "wide", 1040, 170, TICKS_MOST);
		picture_of_runs(h, "narrow", 440, 140, 3);
	}
	html_close_section(h);
}
