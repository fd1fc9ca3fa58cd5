/* The middle of the screen: a line for each task that matters, one for the object that closes the ring, the victims folded. */
#include <stdio.h>
#include <string.h>

#include "report/chain.h"
#include "report/page.h"
#include "report/plan.h"
#include "report/where.h"

enum { ROWS_MOST = 9, OBJECTS_MOST = 2, ALSO_MOST = 3, ACTOR_MOST = 33, CALL_MOST = 15, PHRASE_LEAST = 24, INDENT = 2, WHERE_INDENT = 6 };

struct line {
	const char *actor, *phrase, *call; /* phrase NULL: a heading for the threads below it; actor NULL: a note */
	const char *where;                 /* if not NULL all there is: where the task above stands */
};

struct chain {
	const struct finding *f;
	const struct text_style *style;
	struct arena *arena;
	enum place *place;
	VEC(struct line) lines;
};

static const char *keep(struct chain *c, struct text *t)
{
	const char *s = arena_strdup(c->arena, text_str(t));

	text_free(t);
	return s;
}

static void add_line(struct chain *c, struct text *actor, struct text *phrase, const char *call)
{
	struct line line = {.call = ""};

	line.actor = actor ? keep(c, actor) : NULL;
	line.phrase = phrase ? keep(c, phrase) : NULL;
	if (call) {
		struct text t = {0};

		page_fit(&t, call, CALL_MOST);
		line.call = keep(c, &t);
	}
	vec_push(&c->lines, line);
}

/* ---- tasks ---- */

static void take_where(struct chain *c, where_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		vec_push(&c->lines, (struct line){.call = "", .where = arena_strdup(c->arena, lines->at[i])});
	where_free(lines);
}

/** A thread stands under its process. */
static void add_task(struct chain *c, const struct blocked *b, pid_t *process)
{
	struct text actor = {0}, phrase = {0};

	if (b->tid != b->pid && *process != b->pid) {
		word_who(&actor, c->f, b->pid);
		add_line(c, &actor, NULL, NULL);
	}
	*process = b->pid;
	if (b->tid == b->pid)
		word_who(&actor, c->f, b->pid);
	else
		text_addf(&actor, "  thread %d", (int)b->tid);
	phrase_wait(&phrase, c->f, b);
	add_line(c, &actor, &phrase, b->call);

	where_lines where = {0};

	where_task(c->f, b, c->style->folder, c->style->width - WHERE_INDENT, &where);
	take_where(c, &where);
}

static void add_folded(struct chain *c, size_t *n)
{
	struct text note = {0};

	if (!*n)
		return;
	text_addf(&note, "... %zu more in between", *n);
	add_line(c, NULL, &note, NULL);
	*n = 0;
}

/** The shown tasks of the process of row I stand together, where the first of them stands. */
static void add_process(struct chain *c, size_t i, bool *told)
{
	pid_t process = 0;

	for (size_t k = i; k < c->f->nblocked; k++)
		if (c->place[k] == PLACE_SHOWN && c->f->blocked[k].pid == c->f->blocked[i].pid) {
			told[k] = true;
			add_task(c, &c->f->blocked[k], &process);
		}

	where_lines where = {0};

	where_process(c->f, c->f->blocked[i].pid, c->style->folder, c->style->width - WHERE_INDENT, &where);
	take_where(c, &where);
}

static void add_tasks(struct chain *c)
{
	bool *told = arena_array(c->arena, c->f->nblocked, sizeof *told);
	size_t folded = 0;

	for (size_t i = 0; i < c->f->nblocked; i++) {
		if (c->place[i] == PLACE_BETWEEN)
			folded++;
		if (c->place[i] != PLACE_SHOWN || told[i])
			continue;
		add_folded(c, &folded);
		add_process(c, i, told);
	}
	add_folded(c, &folded);
}

/* ---- objects ---- */

static bool is_in_ring(const struct finding *f, pid_t pid, const struct blocked *waiter)
{
	const struct blocked *b = fact_row(f, pid);

	return b && b->cause && waiter->cause && pid != waiter->pid;
}

static void add_holders(struct text *out, const struct finding *f, const struct finding_object *o, unsigned ends,
			const struct blocked *waiter)
{
	pids_vec holders = {0};
	bool round = false;

	fact_holders(o, ends, 0, &holders);
	text_add(out, holders.n == 1 && !(o->outside & ends) ? "only " : "");
	for (size_t i = 0; i < holders.n && i < LIST_MOST; i++) {
		if (i)
			text_add(out, ", ");
		word_who(out, f, holders.at[i]);
		text_addf(out, holders.at[i] == waiter->pid ? " itself (fd %d)" : " (fd %d)", fact_fd(o, ends, holders.at[i]));
	}
	for (size_t i = 0; i < holders.n; i++)
		round |= is_in_ring(f, holders.at[i], waiter);
	if (holders.n > LIST_MOST)
		text_addf(out, " and %zu more", holders.n - LIST_MOST);
	if (holders.n == 0)
		text_add(out, "nobody that is known");
	if (o->outside & ends)
		text_add(out, ", and processes outside this run");
	if (round)
		text_add(out, " ... and so round");
	vec_free(&holders);
}

static void add_object(struct chain *c, const struct finding_object *o, bool writes, const struct blocked *waiter)
{
	const struct finding_object *side = fact_other_side(c->f, o);
	bool pipe = o->kind == OBJECT_PIPE;
	struct text actor = {0}, phrase = {0};

	if (!side)
		return;
	if (o->named)
		text_addf(&actor, "the %s", word_thing(o)); /* a path: too long for the column */
	else
		word_name(&actor, o);
	text_add(&phrase, !pipe ? "other side: " : writes ? "reading end: " : "writing end: ");
	add_holders(&phrase, c->f, side, !pipe ? END_BOTH : writes ? END_READ : END_WRITE, waiter);
	add_line(c, &actor, &phrase, NULL);
}

/** The pipe, terminal or socket over which B waits, when that is what the finding is about. */
static const struct finding_object *object_of(const struct finding *f, const struct blocked *b)
{
	const struct finding_object *o = fact_object(f, b->object);
	struct end end;

	if (b->role == ROLE_FULL || b->role == ROLE_EOF || b->role == ROLE_TTY_READ)
		return o;
	if (b->role != ROLE_LOOP_EOF)
		return NULL;
	fact_end(f, &end);
	vec_free(&end.holders);
	return end.reader == b ? end.pipe : NULL;
}

static void add_objects(struct chain *c)
{
	const struct finding_object *seen[OBJECTS_MOST] = {0};
	size_t n = 0;

	if (c->f->kind != FINDING_PIPE_FULL && c->f->kind != FINDING_PIPE_EOF && c->f->kind != FINDING_TTY)
		return;
	for (size_t i = 0; i < c->f->nblocked && n < OBJECTS_MOST; i++) {
		const struct blocked *b = &c->f->blocked[i];
		const struct finding_object *o = object_of(c->f, b);

		if (!o || c->place[i] != PLACE_SHOWN || (n && seen[0] == o))
			continue;
		if (c->f->kind == FINDING_PIPE_FULL && b->role != ROLE_FULL)
			continue;
		seen[n++] = o;
		add_object(c, o, b->role == ROLE_FULL, b);
	}
}

/* ---- victims ---- */

static void add_task_name(struct text *out, const struct finding *f, const struct blocked *b)
{
	if (b->tid != b->pid)
		text_addf(out, "thread %d of ", (int)b->tid);
	word_who(out, f, b->pid);
}

/** "also stuck: 7 more like bob[23592]", or "also stuck: bob[23592] and 6 more (futex)". */
static void add_victims(struct chain *c, const size_t *group, size_t n)
{
	const struct finding *f = c->f;
	const struct blocked *first = &f->blocked[group[0]], *like = NULL;
	struct text note = {0};

	for (size_t i = 0; i < f->nblocked && !like; i++)
		if (c->place[i] == PLACE_SHOWN && plan_alike(&f->blocked[i], first))
			like = &f->blocked[i];
	text_add(&note, finding_is_stall(f) ? "also there: " : "also stuck: ");
	if (like) {
		text_addf(&note, "%zu more like ", n);
		add_task_name(&note, f, like);
	} else {
		add_task_name(&note, f, first);
		if (n > 1)
			text_addf(&note, " and %zu more like it", n - 1);
		text_add(&note, ", ");
		phrase_wait(&note, f, first);
	}
	add_line(c, NULL, &note, NULL);
}

static void add_also(struct chain *c)
{
	const struct finding *f = c->f;
	size_t *group = arena_array(c->arena, f->nblocked, sizeof *group), groups = 0, left = 0;
	bool *told = arena_array(c->arena, f->nblocked, sizeof *told);

	for (size_t i = 0; i < f->nblocked; i++) {
		size_t n = 0;

		if (c->place[i] != PLACE_ALSO || told[i])
			continue;
		for (size_t k = i; k < f->nblocked && groups < ALSO_MOST; k++)
			if (c->place[k] == PLACE_ALSO && !told[k] && plan_alike(&f->blocked[i], &f->blocked[k])) {
				told[k] = true;
				group[n++] = k;
			}
		if (n) {
			groups++;
			add_victims(c, group, n);
		} else {
			left++;
		}
	}
	if (left) {
		struct text note = {0};

		text_addf(&note, "and %zu more tasks", left);
		add_line(c, NULL, &note, NULL);
	}
}

/* ---- columns ---- */

void style_begin(const struct text_style *style, const char *code, struct text *out)
{
	if (style->color)
		text_addf(out, "\033[%sm", code);
}

void style_end(const struct text_style *style, struct text *out)
{
	if (style->color)
		text_add(out, "\033[0m");
}

struct columns {
	size_t actor, phrase, call, width; /* phrase 0: it stands on lines of its own */
};

static struct columns columns_of(const struct chain *c, size_t width)
{
	struct columns col = {.width = width};

	for (size_t i = 0; i < c->lines.n; i++) {
		const struct line *l = &c->lines.at[i];

		if (l->actor && page_width(l->actor) > col.actor)
			col.actor = page_width(l->actor);
		if (page_width(l->call) > col.call)
			col.call = page_width(l->call);
	}
	if (col.actor > ACTOR_MOST)
		col.actor = ACTOR_MOST;

	size_t taken = INDENT + col.actor + 2 + (col.call ? col.call + 2 : 0);

	col.phrase = taken + PHRASE_LEAST <= width ? width - taken : 0;
	return col;
}

static void print_call(const struct line *l, const struct text_style *style, struct text *out)
{
	style_begin(style, "2", out);
	text_add(out, l->call);
	style_end(style, out);
}

static void pad_to(struct text *out, size_t line, size_t col)
{
	size_t width = page_width(text_str(out) + line);

	text_addc(out, ' ', col > width ? col - width : 0);
}

/** In three columns: the phrase is broken into lines, the call stands behind the first of them. */
static void print_columns(const struct line *l, const struct columns *col, const struct text_style *style, struct text *out)
{
	const char *rest = l->phrase ? l->phrase : "";
	size_t line = out->n, room = *l->call ? col->phrase : col->width - INDENT - col->actor - 2;
	bool first = true;

	text_addc(out, ' ', INDENT);
	page_fit(out, l->actor, col->actor);
	do {
		size_t n = page_take(rest, room);
		OWNED_TEXT part = {0};

		if (!first) {
			text_add(out, "\n");
			line = out->n;
		}
		text_addn(&part, rest, n);
		if (n)
			pad_to(out, line, INDENT + col->actor + 2);
		page_fit(out, text_str(&part), room);
		if (first && *l->call) {
			pad_to(out, line, col->width - col->call);
			print_call(l, style, out);
		}
		first = false;
		rest += n;
		rest += strspn(rest, " ");
	} while (*rest);
}

/** Where columns would be too narrow: what is waited for stands below the name. */
static void print_stacked(const struct line *l, const struct columns *col, const struct text_style *style, struct text *out)
{
	size_t line = out->n, call = page_width(l->call);

	text_addc(out, ' ', INDENT);
	page_fit(out, l->actor, col->width - INDENT);
	if (call && page_width(out->at + line) + 2 + call <= col->width) {
		text_add(out, "  ");
		print_call(l, style, out);
	}
	if (!l->phrase)
		return;
	text_add(out, "\n");
	text_addc(out, ' ', 2 * INDENT);
	page_wrap(out, l->phrase, 2 * INDENT, 2 * INDENT, col->width);
}

static void print_line(const struct line *l, const struct columns *col, const struct text_style *style, struct text *out)
{
	if (l->where) {
		text_addc(out, ' ', WHERE_INDENT);
		page_fit(out, l->where, col->width - WHERE_INDENT);
	} else if (!l->actor) {
		text_addc(out, ' ', INDENT);
		page_wrap(out, l->phrase, INDENT, 2 * INDENT, col->width);
	} else if (col->phrase) {
		print_columns(l, col, style, out);
	} else {
		print_stacked(l, col, style, out);
	}
	text_add(out, "\n");
}

void chain_print(const struct finding *f, const struct text_style *style, struct text *out)
{
	struct chain c = {.f = f, .style = style, .arena = arena_new()};

	c.place = plan_rows(f, ROWS_MOST, c.arena);
	add_tasks(&c);
	add_objects(&c);
	add_also(&c);

	struct columns col = columns_of(&c, style->width);

	for (size_t i = 0; i < c.lines.n; i++)
		print_line(&c.lines.at[i], &col, style, out);
	vec_free(&c.lines);
	arena_free(c.arena);
}
