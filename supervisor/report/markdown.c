/* summary.md, for the page of a CI job: GitHub's Markdown, with the graph in Mermaid. GitHub shows at most 1 MiB of a step, other places less:
 * it stays below 60 KiB. */
#include <string.h>

#include "report/escape.h"
#include "report/graph.h"
#include "report/join.h"
#include "report/page.h"
#include "report/where.h"

enum { SIZE_MOST = 56 * 1024, WHOLE_MOST = 5, NAME = 40, LINE = 200, ROWS_MOST = 12, LEAKS_MOST = 30 };

struct page {
	struct text *out;
	const struct run_report *const *runs;
	size_t nruns;
	struct joined_list all;
	struct arena *arena;
};

/* ---- the graph ---- */

static void node(struct text *out, const struct graph *g, size_t i)
{
	const struct graph_node *n = &g->nodes[i];
	OWNED_TEXT name = {0};

	text_addf(out, "  n%zu", i);
	if (n->b) {
		text_add(out, "[\"");
		esc_mermaid(out, n->b->label && *n->b->label ? n->b->label : n->b->comm, NAME);
		text_addf(out, "<br/>%d", (int)n->b->pid);
		if (n->b->call && *n->b->call) {
			text_add(out, "<br/>");
			esc_mermaid(out, n->b->call, NAME);
		}
		if (n->alike)
			text_addf(out, "<br/>and %zu more like it", n->alike);
		text_add(out, "\"]\n");
	} else if (n->o) {
		bool full = i && g->nodes[i - 1].b && g->nodes[i - 1].b->role == ROLE_FULL;

		word_name(&name, n->o);
		text_addf(out, "([\"%s%s<br/>", word_thing(n->o), full ? " is full" : "");
		esc_mermaid(out, text_str(&name), NAME);
		text_add(out, "\"])\n");
	} else {
		text_addf(out, "[\"%zu more\"]\n", n->folded);
	}
}

static void mermaid(struct page *p, const struct finding *f)
{
	struct graph g = graph_of(f, p->arena);

	if (!g.n)
		return;
	text_add(p->out, "```mermaid\nflowchart LR\n");
	for (size_t i = 0; i < g.n; i++)
		node(p->out, &g, i);
	for (size_t i = 0; i < g.n; i++)
		if (g.nodes[i].to >= 0)
			text_addf(p->out, "  n%zu %s|\"%s %s\"| n%d\n", i, i < g.nring ? "==>" : "-.->", g.nodes[i].edge[0],
				  g.nodes[i].edge[1], g.nodes[i].to);
	text_add(p->out,
		 "  classDef ring stroke:#c22b26,stroke-width:2px\n  classDef side stroke:#9a5b00,stroke-dasharray:5 4\n");
	for (size_t i = 0; i < g.n; i++)
		text_addf(p->out, "  class n%zu %s\n", i, i < g.nring ? "ring" : "side");
	text_add(p->out, "```\n\n");
}

/* ---- a finding ---- */

static void words(struct text *out, void (*write)(const struct finding *, struct text *), const struct finding *f)
{
	OWNED_TEXT t = {0};

	write(f, &t);
	esc_markdown(out, text_str(&t), page_width(text_str(&t)));
}

static void place(struct page *p, const struct run_report *r, const struct frame *frame)
{
	OWNED_TEXT line = {0};

	if (!frame)
		return;
	where_frame(&line, frame, r->folder, LINE);
	text_add(p->out, "- **at** ");
	esc_markdown(p->out, text_str(&line), LINE);
	text_add(p->out, "\n");
}

static void hosts(struct page *p, const struct joined *j)
{
	if (p->nruns < 2)
		return;
	text_addf(p->out, "- **in** %zu of %zu runs", j->times, p->nruns);
	if (j->nhosts) {
		text_addf(p->out, ", %zu host%s: ", j->nhosts, j->nhosts == 1 ? "" : "s");
		esc_markdown(p->out, j->hosts, LINE);
	}
	text_add(p->out, "\n");
}

static void facts(struct page *p, const struct joined *j)
{
	text_add(p->out, "- **test** ");
	if (j->f->test)
		esc_markdown(p->out, j->f->test, LINE);
	else
		text_add(p->out, "not known");
	if (j->f->phase) {
		text_add(p->out, " (");
		esc_markdown(p->out, j->f->phase, 16);
		text_add(p->out, ")");
	}
	text_add(p->out, "\n");
	place(p, j->r, join_place(j->f));
	hosts(p, j);
	text_add(p->out, "- **fix** ");
	words(p->out, report_advice, j->f);
	if (j->f->rescue) {
		text_add(p->out, "\n- **rescue** ");
		esc_markdown(p->out, j->f->rescue, 4 * LINE);
	}
	text_add(p->out, "\n\n");
}

static void waits(struct page *p, const struct finding *f)
{
	size_t n = f->nblocked < ROWS_MOST ? f->nblocked : ROWS_MOST;

	text_addf(p->out, "<details><summary>Who waits for what (%zu)</summary>\n\n| process | call | waits |\n|---|---|---|\n",
		  f->nblocked);
	for (size_t i = 0; i < n; i++) {
		const struct blocked *b = &f->blocked[i];
		OWNED_TEXT who = {0};
		OWNED_TEXT phrase = {0};

		word_who(&who, f, b->pid);
		phrase_wait(&phrase, f, b);
		text_add(p->out, "| ");
		esc_markdown(p->out, text_str(&who), NAME);
		text_add(p->out, " | ");
		esc_markdown(p->out, b->call ? b->call : "", NAME);
		text_add(p->out, " | ");
		esc_markdown(p->out, text_str(&phrase), LINE);
		text_add(p->out, " |\n");
	}
	if (f->nblocked > n)
		text_addf(p->out, "| and %zu more | | |\n", f->nblocked - n);
	text_add(p->out, "\n</details>\n\n");
}

static void one(struct page *p, size_t i)
{
	const struct joined *j = &p->all.at[i];

	text_addf(p->out, "### %s: %s\n\n**", word_verdict(j->f), finding_kind_name(j->f->kind));
	words(p->out, report_summary, j->f);
	text_add(p->out, "**\n\n");
	facts(p, j);
	mermaid(p, j->f);
	waits(p, j->f);
}

static void row(struct page *p, const struct joined *j)
{
	text_addf(p->out, "- `%s` ", finding_kind_name(j->f->kind));
	words(p->out, report_summary, j->f);
	if (j->f->test) {
		text_add(p->out, " (");
		esc_markdown(p->out, j->f->test, LINE);
		text_add(p->out, ")");
	}
	text_add(p->out, "\n");
}

/** As rows, from FROM to TO, as far as there is room. */
static void rows(struct page *p, const char *title, size_t from, size_t to)
{
	size_t i = from;

	if (from >= to)
		return;
	text_addf(p->out, "### %s\n\n", title);
	for (; i < to && i < from + LEAKS_MOST && p->out->n < SIZE_MOST; i++)
		row(p, &p->all.at[i]);
	if (i < to)
		text_addf(p->out, "- and %zu more\n", to - i);
	text_add(p->out, "\n");
}

static void foot(struct page *p)
{
	const struct run_report *r = p->runs[0];

	text_addf(p->out, "<sub>tracewrap, exit %d", r->exit_code);
	if (p->nruns > 1)
		text_addf(p->out, ", %zu runs", p->nruns);
	else if (r->nsignalled)
		text_addf(p->out, ", %s", r->nsurvivors ? "not all of the run could be ended" : "nothing of the run is left");
	text_add(p->out, ". The whole report: report.html in the run's folder</sub>\n");
}

void report_markdown(const struct run_report *const *runs, size_t nruns, struct text *out)
{
	struct page p = {.out = out, .runs = runs, .nruns = nruns, .arena = arena_new()};
	size_t whole = 0;

	must(nruns > 0);
	p.all = join_findings(runs, nruns, p.arena);
	for (; whole < p.all.nhangs && whole < WHOLE_MOST && out->n < SIZE_MOST / 2; whole++)
		one(&p, whole);
	rows(&p, "More hangs", whole, p.all.nhangs);
	rows(&p, "Left behind", p.all.nhangs, p.all.n);
	if (!p.all.n)
		text_addf(out, "### %s\n\nNothing hung, and nothing was left behind.\n\n",
			  runs[0]->outcome == OUTCOME_PASS ? "Passed" : "No hang");
	foot(&p);
	arena_free(p.arena);
}
