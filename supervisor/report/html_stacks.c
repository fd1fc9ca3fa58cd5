/* Where each process stands: the user's own code in bold, what others wrote folded between; and the tasks of its event loops. */
#include <string.h>

#include "report/html.h"
#include "report/plan.h"
#include "report/where.h"

enum { OPEN_MOST = 3, THREADS_MOST = 60, FRAMES_MOST = 200, FOLD_LEAST = 2, ASYNC_MOST = 40 };

/* ---- frames ---- */

/** A library's file as its import has it, a shared object's name without its folders. */
static const char *library_file(const struct frame *frame)
{
	const char *file = where_library(frame->file), *slash = strrchr(frame->file, '/');

	return frame->kind == FRAME_NATIVE && file == frame->file && slash ? slash + 1 : file;
}

static void frame_file(struct html *h, const struct html_finding *x, const struct frame *frame)
{
	if (frame->owner == FRAME_OWN) {
		html_place(h, x->r, frame);
		return;
	}
	esc_html_end(h->out, library_file(frame), HTML_PATH);
	if (frame->line)
		text_addf(h->out, ":%d", frame->line);
}

static void frame_row(struct html *h, const struct html_finding *x, const struct frame *frame)
{
	text_addf(h->out, "<li%s><code class=\"w\">", frame->owner == FRAME_OWN ? " class=\"own\"" : "");
	if (frame->file)
		frame_file(h, x, frame);
	else
		text_add(h->out, frame->kind == FRAME_NATIVE ? "native" : "?");
	text_add(h->out, "</code><code class=\"f\">");
	esc_html(h->out, frame->function ? frame->function : "?", HTML_NAME);
	text_add(h->out, "</code><code class=\"c\">");
	if (frame->source)
		esc_html(h->out, frame->source, HTML_LINE);
	text_add(h->out, "</code></li>\n");
}

/** What may be folded: neither the user's code, nor what he called, the one beside it. */
static bool is_foldable(const struct frame *frames, size_t n, size_t i, size_t begin)
{
	if (i > begin && frames[i].kind == FRAME_NATIVE) /* how the interpreter was started */
		return true;
	if (frames[i].owner == FRAME_OWN)
		return false;
	if (frames[i].owner == FRAME_LIBRARY && frames[i].kind == FRAME_PYTHON && i + 1 < n && frames[i + 1].owner == FRAME_OWN)
		return false;
	return true;
}

static void frame_rows(struct html *h, const struct html_finding *x, const struct frame *frames, size_t n)
{
	size_t shown = n < FRAMES_MOST ? n : FRAMES_MOST, begin = n; /* begin: the outermost frame of Python */

	for (size_t i = 0; i < n; i++)
		begin = frames[i].kind == FRAME_PYTHON ? i : begin;
	text_add(h->out, "<ol class=\"st\">\n");
	for (size_t i = 0; i < shown;) {
		size_t fold = 0;

		while (i + fold < shown && is_foldable(frames, n, i + fold, begin))
			fold++;
		if (fold < FOLD_LEAST || fold == shown) {
			frame_row(h, x, &frames[i++]);
			continue;
		}
		text_addf(h->out,
			  "<li><details><summary>%zu frames of libraries and of the test runner</summary><ol class=\"st\">\n",
			  fold);
		for (size_t k = 0; k < fold; k++)
			frame_row(h, x, &frames[i + k]);
		text_add(h->out, "</ol></details></li>\n");
		i += fold;
	}
	if (n > shown)
		text_addf(h->out, "<li>%zu more frames (report.json has all)</li>\n", n - shown);
	text_add(h->out, "</ol>\n");
}

/* ---- a task ---- */

static void wait_row(struct html *h, const struct html_finding *x, const struct blocked *b)
{
	OWNED_TEXT phrase = {0};

	phrase_wait(&phrase, x->f, b);
	text_add(h->out, "<p class=\"sub\">");
	html_text(h, text_str(&phrase));
	text_add(h->out, "</p>\n");
}

static void lock_row(struct html *h, const struct html_finding *x, const struct lock_wait *l)
{
	if (l->kind == LOCK_NONE)
		return;
	text_add(h->out, "<p class=\"sub\">It waits for ");
	if (l->kind == LOCK_JOIN && l->nowners) {
		text_add(h->out, "the end of ");
	} else {
		esc_html(h->out, l->type ? l->type : lock_kind_name(l->kind), HTML_NAME);
		text_add(h->out, l->nowners ? ", held by " : ", held by nobody who can be told");
	}
	for (size_t i = 0; i < l->nowners && i < LIST_MOST; i++) {
		text_add(h->out, i ? ", " : "");
		html_who(h, x->f, l->owners[i].pid);
		text_addf(h->out, " thread %d", (int)l->owners[i].tid);
		if (l->owners[i].at && l->owners[i].at->file) {
			text_add(h->out, " at <code>");
			html_place(h, x->r, l->owners[i].at);
			text_add(h->out, "</code>");
		}
		text_add(h->out, l->owners[i].exact ? "" : " (inferred)");
	}
	text_add(h->out, "</p>\n");
}

static void no_stack(struct html *h, const struct process_stacks *p, const struct stack *s)
{
	const char *why = s && s->why ? s->why : p && p->why ? p->why : NULL;

	text_add(h->out, "<p class=\"sub\">No frames: ");
	if (why)
		esc_html(h->out, why, HTML_LINE);
	else
		text_add(h->out, p ? "none could be read" : "this process was not read");
	text_add(h->out, "</p>\n");
}

static void task_block(struct html *h, const struct html_finding *x, const struct blocked *b, bool open)
{
	const struct process_stacks *p = finding_stacks_of(x->f, b->pid);
	const struct stack *s = stacks_of_thread(p, b->tid);
	size_t frames = s ? s->nframes + s->nnative : 0;

	text_addf(h->out, "<details%s><summary>", open ? " open" : "");
	html_who(h, x->f, b->pid);
	if (b->tid != b->pid)
		text_addf(h->out, " thread %d", (int)b->tid);
	text_addf(h->out, " <span class=\"pill %s\">", b->cause ? "red" : "amber");
	esc_html(h->out, b->call && *b->call ? b->call : role_name(b->role), 24);
	text_add(h->out, "</span><span class=\"r\">");
	if (p && p->actor) {
		text_add(h->out, "actor ");
		esc_html(h->out, p->actor, HTML_NAME);
		text_add(h->out, ", ");
	}
	if (p && p->python) {
		text_add(h->out, "Python ");
		esc_html(h->out, p->python, 24);
		text_add(h->out, ", ");
	}
	text_addf(h->out, "%zu frame%s%s</span></summary>\n", frames, frames == 1 ? "" : "s",
		  s && s->quality == STACK_MOVING ? ", it ran while they were read" : "");
	wait_row(h, x, b);
	if (s)
		lock_row(h, x, &s->lock);
	if (s && s->nframes)
		frame_rows(h, x, s->frames, s->nframes);
	if (s && s->nnative)
		frame_rows(h, x, s->native, s->nnative);
	if (!frames)
		no_stack(h, p, s);
	else if (s->quality == STACK_PARTIAL && s->why) {
		text_add(h->out, "<p class=\"sub\">Not whole: ");
		esc_html(h->out, s->why, HTML_LINE);
		text_add(h->out, "</p>\n");
	}
	text_add(h->out, "</details>\n");
}

/* ---- async tasks ---- */

static void async_row(struct html *h, const struct html_finding *x, const struct async_task *t)
{
	const struct frame *place = NULL;

	for (size_t i = 0; i < t->nframes && !place; i++)
		place = t->frames[i].owner == FRAME_OWN ? &t->frames[i] : NULL;
	if (!place && t->nframes)
		place = &t->frames[0];
	text_add(h->out, "<tr><td><code>");
	esc_html(h->out, t->name && *t->name ? t->name : "?", HTML_NAME);
	text_add(h->out, "</code></td><td data-k=\"of\">");
	esc_html(h->out, *t->library ? t->library : "no task runs it", 24);
	text_add(h->out, "</td><td data-k=\"awaits\">");
	esc_html(h->out, t->awaits ? t->awaits : t->state == ASYNC_RUNNING ? "runs" : "not known", HTML_NAME);
	text_add(h->out, "</td><td data-k=\"at\"><code>");
	html_place(h, x->r, place);
	if (place && place->source) {
		text_add(h->out, "</code> <code class=\"dim\">");
		esc_html(h->out, place->source, HTML_LINE);
	}
	text_add(h->out, "</code></td></tr>\n");
}

static void async_tables(struct html *h, const struct html_finding *x)
{
	bool open = false;
	size_t n = 0;

	for (size_t i = 0; i < x->f->nstacks; i++) {
		const struct process_stacks *p = x->f->stacks[i].stacks;

		if (!p->ntasks)
			continue;
		if (!open)
			html_open_section(h, "async", x->number, "Async tasks", "Of the event loops of the processes above.");
		open = true;
		text_add(h->out, "<h3>");
		html_who(h, x->f, x->f->stacks[i].pid);
		text_add(h->out,
			 "</h3>\n<table "
			 "class=\"stack\"><thead><tr><th>task</th><th>of</th><th>awaits</th><th>at</th></tr></thead><tbody>\n");
		for (size_t k = 0; k < p->ntasks && n < ASYNC_MOST; k++, n++)
			async_row(h, x, &p->tasks[k]);
		text_add(h->out, "</tbody></table>\n");
		if (p->tasks_cut) {
			text_add(h->out, "<p class=\"sub\">The list is not whole: ");
			esc_html(h->out, p->tasks_cut, HTML_LINE);
			text_add(h->out, "</p>\n");
		}
	}
	if (open && n == ASYNC_MOST)
		text_add(h->out, "<p class=\"sub\">report.json has them all.</p>\n");
	if (open)
		html_close_section(h);
}

/* ---- the whole ---- */

void html_stacks(struct html *h, const struct html_finding *x)
{
	const struct finding *f = x->f;
	size_t shown = 0, opened = 0;

	if (!f->nblocked)
		return;
	html_open_section(h, "stacks", x->number, "Where each process stands",
			  "Read from outside: nothing ran inside the processes, and none was stopped.");
	for (int cause = 1; cause >= 0; cause--) /* those that matter first */
		for (size_t i = 0; i < f->nblocked && shown < THREADS_MOST; i++) {
			const struct blocked *b = &f->blocked[i];
			bool has = fact_stack(f, b) != NULL;

			if (b->cause != cause)
				continue;
			shown++;
			opened += has && cause;
			task_block(h, x, b, has && cause && opened <= OPEN_MOST);
		}
	if (f->nblocked > shown)
		text_addf(h->out, "<p class=\"sub\">And %zu more (report.json has all).</p>\n", f->nblocked - shown);
	html_close_section(h);
	async_tables(h, x);
}

void html_logs(struct html *h, const struct html_finding *x)
{
	bool open = false;

	for (size_t i = 0; i < x->r->nlogs; i++) {
		const struct run_log *l = &x->r->logs[i];
		bool ours = false;

		for (size_t k = 0; k < x->f->nobjects && !ours; k++)
			ours = x->f->objects[k].name && strcmp(x->f->objects[k].name, l->object) == 0;
		if (!ours)
			continue;
		if (!open)
			html_open_section(h, "log", x->number, "What nobody read",
					  "Copied without taking it out: the hang stayed as it was.");
		open = true;
		text_add(h->out, "<h3><code>");
		esc_html(h->out, l->object, HTML_NAME);
		text_addf(h->out, "</code>, %llu bytes unread", (unsigned long long)l->bytes);
		if (l->file) {
			text_add(h->out, ", all in <code>");
			esc_html(h->out, l->file, HTML_PATH);
			text_add(h->out, "</code>");
		}
		text_add(h->out, "</h3>\n<pre>");
		esc_lines(h->out, l->text, HTML_LINE);
		text_add(h->out, "</pre>\n");
	}
	if (open)
		html_close_section(h);
}
