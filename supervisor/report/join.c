/* The same finding in several runs: the same kind at the same line of the user's code, or, where that is not known, in the same test. */
#include <string.h>

#include "report/join.h"
#include "report/where.h"

static const struct frame *place_of(const struct finding *f, const struct blocked *b)
{
	return where_place(fact_stack(f, b));
}

/** A full pipe is mended where its reader stands. */
static const struct frame *reader_place(const struct finding *f)
{
	struct full full;
	const struct frame *place = NULL;

	fact_full(f, &full);
	for (size_t i = 0; i < full.readers.n && !place; i++)
		place = place_of(f, fact_row(f, full.readers.at[i]));
	vec_free(&full.readers);
	return place;
}

/** The user's own code that a task of PID's event loop is in at last: one that waits for no other task. */
static const struct frame *async_place(const struct finding *f, pid_t pid)
{
	const struct process_stacks *p = finding_stacks_of(f, pid);

	for (size_t i = 0; p && i < p->ntasks; i++) {
		const struct async_task *t = &p->tasks[i];

		for (size_t k = 0; *t->library && t->state == ASYNC_SUSPENDED && !t->nwaits_for && k < t->nframes; k++)
			if (t->frames[k].owner == FRAME_OWN)
				return &t->frames[k];
	}
	return NULL;
}

const struct frame *join_place(const struct finding *f)
{
	bool full = f->kind == FINDING_PIPE_FULL || f->kind == FINDING_BACKPRESSURE;
	const struct frame *place = full && f->nblocked ? reader_place(f) : NULL;
	const struct blocked *main = fact_main(f);

	if (!place && main && fact_in_loop(main))
		place = async_place(f, main->pid);

	if (!place || place->owner != FRAME_OWN)
		place = f->nblocked ? place_of(f, fact_main(f)) : NULL;
	for (size_t i = 0; i < f->nblocked && (!place || place->owner != FRAME_OWN); i++) {
		const struct frame *other = place_of(f, &f->blocked[i]);

		if (other && (!place || other->owner == FRAME_OWN))
			place = other;
	}
	return place;
}

/** What makes two findings one, as a text. */
static void add_key(struct text *key, const struct run_report *r, const struct finding *f)
{
	const struct frame *place = join_place(f);
	size_t folder = r->folder ? strlen(r->folder) : 0;
	const char *file = place ? place->file : NULL;

	text_addf(key, "%s|", finding_kind_name(f->kind));
	if (file && folder && strncmp(file, r->folder, folder) == 0) /* checkouts lie elsewhere on other hosts */
		file += folder;
	if (file && place->line) {
		text_addf(key, "%s:%d", file, place->line);
		return;
	}
	text_add(key, f->test ? f->test : "");
	for (size_t i = 0; i < f->leak.nthings; i++)
		text_addf(key, "|%s %s", f->leak.things[i].protocol, f->leak.things[i].name);
	if (f->leak.nwho)
		text_addf(key, "|%s", f->leak.who[0].command);
}

enum { RANK_LEAK = 6 };

/** What is surest first, and of that what has a test. */
static int rank_of(const struct finding *f)
{
	if (finding_is_leak(f))
		return RANK_LEAK;
	return (f->kind == FINDING_STALL ? 4 : f->certainty == PROVEN ? 0 : 2) + (f->test == NULL);
}

static void add_host(struct joined *j, const struct run_report *r, struct arena *arena)
{
	const char *at = r->host && *r->host ? strstr(j->hosts, r->host) : NULL;
	size_t len = r->host ? strlen(r->host) : 0;

	for (; at; at = strstr(at + len, r->host)) /* as a whole name of the list */
		if ((at == j->hosts || at[-1] == ' ') && (!at[len] || at[len] == ','))
			return;
	if (!len)
		return;
	if (j->nhosts++ < LIST_MOST)
		j->hosts = arena_printf(arena, "%s%s%.80s", j->hosts, *j->hosts ? ", " : "", r->host);
}

/** The row of F; a run that has the same thing twice (two processes left by one test) has two rows. */
static struct joined *row_of(struct joined_list *list, struct strmap *known, const struct run_report *r, size_t run,
			     const struct finding *f)
{
	OWNED_TEXT key = {0};
	size_t i;

	add_key(&key, r, f);
	for (size_t len = key.n; strmap_get(known, text_str(&key), &i) && list->at[i].last_run == run;) {
		key.n = len;
		text_addf(&key, "#%zu", i);
	}
	if (!strmap_get(known, text_str(&key), &i)) {
		i = list->n++;
		list->at[i] = (struct joined){.r = r, .f = f, .run = run, .hosts = ""};
		strmap_put(known, text_str(&key), i);
	}
	list->at[i].last_run = run;
	list->at[i].times++;
	return &list->at[i];
}

struct joined_list join_findings(const struct run_report *const *runs, size_t n, struct arena *arena)
{
	struct joined_list list = {0};
	struct strmap *known = strmap_new();
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most += runs[i]->nfindings;
	list.at = arena_array(arena, most, sizeof *list.at);
	for (int rank = 0; rank <= RANK_LEAK; rank++) {
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < runs[i]->nfindings; k++)
				if (rank_of(runs[i]->findings[k]) == rank)
					add_host(row_of(&list, known, runs[i], i, runs[i]->findings[k]), runs[i], arena);
		if (rank == RANK_LEAK - 1)
			list.nhangs = list.n;
	}
	strmap_free(known);
	return list;
}
