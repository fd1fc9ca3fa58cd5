/* Where a task stands in the user's own code, and who holds the lock it waits for. */
#include <string.h>

#include "report/page.h"
#include "report/where.h"

enum { TASKS_MOST = 3, TASK_NAME_MOST = 32, AWAITS_MOST = 32, OWNERS_MOST = 2, FUNCTION_MOST = 40, FILE_LEAST = 24 };

void where_free(where_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		mem_free(lines->at[i]);
	vec_free(lines);
}

static void take_line(where_lines *lines, struct text *t)
{
	if (t->n)
		vec_push(lines, t->at); /* the text's buffer becomes the line */
	else
		text_free(t);
	*t = (struct text){0};
}

/* ---- a place ---- */

static const struct frame *first_of(const struct frame *frames, size_t n, enum frame_owner owner)
{
	for (size_t i = 0; i < n; i++)
		if (frames[i].owner == owner && (frames[i].kind == FRAME_PYTHON || frames[i].function))
			return &frames[i];
	return NULL;
}

static const struct frame *place_in(const struct frame *frames, size_t n)
{
	const struct frame *f = first_of(frames, n, FRAME_OWN);

	if (!f)
		for (size_t i = 0; i < n && !f; i++)
			f = frames[i].kind == FRAME_PYTHON && frames[i].owner == FRAME_LIBRARY ? &frames[i] : NULL;
	return f ? f : first_of(frames, n, FRAME_LIBRARY);
}

const struct frame *where_place(const struct stack *s)
{
	const struct frame *f = s ? place_in(s->frames, s->nframes) : NULL;

	return f || !s ? f : place_in(s->native, s->nnative);
}

static const char *below(const char *file, const char *folder)
{
	size_t n = folder ? strlen(folder) : 0;

	while (n && folder[n - 1] == '/')
		n--;
	if (n && strncmp(file, folder, n) == 0 && file[n] == '/')
		return file + n + 1;
	return file;
}

const char *where_library(const char *file)
{
	static const char *const folders[] = {"/site-packages/", "/dist-packages/"};
	const char *rest;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if ((rest = strstr(file, folders[i])) != NULL)
			return rest + strlen(folders[i]);
	rest = strstr(file, "/lib/python");
	rest = rest ? strchr(rest + 5, '/') : NULL;
	return rest ? rest + 1 : file;
}

/** The last part of a qualified name of a function within a function. */
static const char *last_part(const char *function)
{
	static const char inside[] = "<locals>.";

	for (const char *next; (next = strstr(function, inside)) != NULL;)
		function = next + sizeof inside - 1;
	return function;
}

void where_frame(struct text *out, const struct frame *f, const char *folder, size_t width)
{
	const char *file = f->file ? below(f->file, folder) : NULL;

	if (file && file == f->file && f->owner == FRAME_LIBRARY && f->kind == FRAME_PYTHON)
		file = where_library(file);
	if (file) {
		page_fit_end(out, file, width > 2 * FILE_LEAST ? width / 2 : FILE_LEAST);
		if (f->line)
			text_addf(out, ":%d", f->line);
	}
	if (f->function) {
		text_add(out, file ? " in " : "in ");
		page_fit(out, last_part(f->function), FUNCTION_MOST);
	}
	if (f->source) {
		text_add(out, ": ");
		page_fit(out, f->source, width);
	}
}

/* ---- locks ---- */

/** Where the owners took it, or stand now: one line each. */
static void add_owners(const struct finding *f, const struct blocked *b, const struct lock_wait *l, const char *folder, size_t width,
		       where_lines *out)
{
	struct text line = {0};

	for (size_t i = 0; i < l->nowners && i < OWNERS_MOST; i++) {
		const struct lock_owner *o = &l->owners[i];
		struct frame at;

		if (!o->at)
			continue;
		at = *o->at;
		at.source = NULL;
		if (l->nowners > 1) {
			word_thread(&line, f, b->pid, o->pid, o->tid);
			text_add(&line, o->exact ? " is at " : " took it at ");
		} else {
			text_add(&line, l->kind == LOCK_JOIN ? "which is at " : o->exact ? "whose owner is at " : "taken at ");
		}
		where_frame(&line, &at, folder, width);
		text_add(&line, o->exact ? "" : " (inferred from its `with`)");
		take_line(out, &line);
	}
}

void where_task(const struct finding *f, const struct blocked *b, const char *folder, size_t width, where_lines *out)
{
	const struct stack *s = fact_stack(f, b);
	const struct frame *place = where_place(s);
	struct text line = {0};

	if (place)
		where_frame(&line, place, folder, width);
	take_line(out, &line);
	if (s && s->lock.kind != LOCK_NONE)
		add_owners(f, b, &s->lock, folder, width, out);
}

/* ---- async tasks ---- */

/** Those that wait at the same place for the same are one line. */
struct task_group {
	const struct async_task *first;
	const struct frame *place;
	size_t n;
};
typedef VEC(struct task_group) group_vec;

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool in_group(const struct task_group *g, const struct async_task *t, const struct frame *place)
{
	return g->place->line == place->line && same_text(g->place->file, place->file) && same_text(g->first->awaits, t->awaits);
}

/** Of tasks that stand in the user's own code: a loop has many of its libraries' beside. */
static void group_tasks(const struct process_stacks *p, group_vec *out)
{
	for (size_t i = 0; i < p->ntasks; i++) {
		const struct async_task *t = &p->tasks[i];
		const struct frame *place = first_of(t->frames, t->nframes, FRAME_OWN);
		size_t g = 0;

		if (!*t->library || t->state == ASYNC_RUNNING || !place)
			continue;
		while (g < out->n && !in_group(&out->at[g], t, place))
			g++;
		if (g == out->n)
			vec_push(out, (struct task_group){.first = t, .place = place});
		out->at[g].n++;
	}
}

static void add_group(struct text *out, const struct task_group *g, const char *folder, size_t width)
{
	struct frame place = *g->place;

	place.source = NULL;
	if (g->n > 1)
		text_addf(out, "%zu tasks", g->n);
	else
		text_add(out, "task ");
	if (g->n == 1)
		page_fit(out, g->first->name && *g->first->name ? g->first->name : "?", TASK_NAME_MOST);
	text_add(out, " at ");
	where_frame(out, &place, folder, width);
	if (g->first->awaits) {
		text_add(out, g->n > 1 ? " await " : " awaits ");
		page_fit(out, g->first->awaits, AWAITS_MOST);
	}
	if (g->place->source) {
		text_add(out, ": ");
		page_fit(out, g->place->source, width);
	}
}

static void add_tasks(const struct process_stacks *p, const char *folder, size_t width, where_lines *out)
{
	group_vec groups = {0};
	struct text line = {0};
	size_t left = 0;

	group_tasks(p, &groups);
	for (size_t i = 0; i < groups.n; i++) {
		if (i >= TASKS_MOST) {
			left += groups.at[i].n;
			continue;
		}
		add_group(&line, &groups.at[i], folder, width);
		take_line(out, &line);
	}
	if (left)
		text_addf(&line, "and %zu more task%s (report.json has all)", left, left == 1 ? "" : "s");
	take_line(out, &line);
	vec_free(&groups);
}

void where_process(const struct finding *f, pid_t pid, const char *folder, size_t width, where_lines *out)
{
	const struct process_stacks *p = finding_stacks_of(f, pid);
	struct text line = {0};

	if (!p)
		return;
	if (p->why)
		text_addf(&line, "(%s)", p->why);
	take_line(out, &line);
	if (p->actor)
		text_addf(&line, "actor '%s'", p->actor);
	take_line(out, &line);
	add_tasks(p, folder, width, out);
}

void report_place(const struct stack *s, const struct text_style *style, struct text *out)
{
	enum { INDENT = 6 };
	const struct frame *place = where_place(s);
	OWNED_TEXT line = {0};

	if (!place)
		return;
	where_frame(&line, place, style->folder, style->width);
	text_addc(out, ' ', INDENT);
	page_fit(out, text_str(&line), style->width > 2 * INDENT ? style->width - INDENT : INDENT);
	text_add(out, "\n");
}
