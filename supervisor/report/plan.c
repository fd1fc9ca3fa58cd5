/* Which tasks of a finding a screen has room for: the way to the cause, the cause, the culprits. */
#include <string.h>

#include "report/plan.h"

enum { NOWHERE = -1, ALIKE_MOST = 3, ALIKE_SHOWN = 2 };
enum { RANK_NONE, RANK_WAY, RANK_WAY_END, RANK_ALIKE, RANK_CAUSE, RANK_CULPRIT, RANK_ROOT };

struct planning {
	const struct finding *f;
	size_t n;
	int *from; /* the row from which the way came here */
	bool *on_way;
	int *rank;
};

bool plan_alike(const struct blocked *a, const struct blocked *b)
{
	return a->role == b->role && a->object == b->object && a->nwaits_for_pids == b->nwaits_for_pids &&
	       (a->nwaits_for_pids == 0 ||
		memcmp(a->waits_for_pids, b->waits_for_pids, a->nwaits_for_pids * sizeof(pid_t)) == 0) &&
	       strcmp(a->call ? a->call : "", b->call ? b->call : "") == 0;
}

/** The shortest way from the first row to one of the cause; the rows on it are marked. */
static void find_way(struct planning *pl, struct arena *arena)
{
	struct idmap *rows = idmap_new();
	size_t *queue = arena_array(arena, pl->n, sizeof *queue), head = 0, tail = 0;

	for (size_t i = 0; i < pl->n; i++) {
		pl->from[i] = NOWHERE;
		idmap_put(rows, (uint64_t)pl->f->blocked[i].tid, i);
	}
	queue[tail++] = 0;
	pl->from[0] = 0;
	while (head < tail && !pl->f->blocked[queue[head]].cause) {
		const struct blocked *b = &pl->f->blocked[queue[head]];

		for (size_t e = 0, next; e < b->nwaits_for; e++) {
			if (!idmap_get(rows, (uint64_t)b->waits_for[e], &next) || pl->from[next] != NOWHERE)
				continue;
			pl->from[next] = (int)queue[head];
			queue[tail++] = next;
		}
		head++;
	}
	idmap_free(rows);
	for (size_t at = head < tail ? queue[head] : 0; at != 0; at = (size_t)pl->from[at])
		pl->on_way[at] = true;
	pl->on_way[0] = true;
}

/** An idle thread: it waits for others of its process only, and the finding is about something between processes. */
static bool is_bystander(const struct finding *f, const struct blocked *b)
{
	if (f->kind == FINDING_LOCK || f->kind == FINDING_DEADLOCK || finding_is_stall(f))
		return false;
	return b->tid != b->pid && (b->role == ROLE_LOCK || b->role == ROLE_JOIN) &&
	       (b->nwaits_for_pids == 0 || (b->nwaits_for_pids == 1 && b->waits_for_pids[0] == b->pid));
}

static int rank_of(const struct planning *pl, size_t i)
{
	const struct blocked *b = &pl->f->blocked[i];

	if (i == 0)
		return RANK_ROOT;
	if (b->culprit)
		return RANK_CULPRIT;
	if (b->cause && (pl->on_way[i] || !is_bystander(pl->f, b)))
		return RANK_CAUSE;
	if (pl->on_way[i])
		return pl->from[i] == 0 ? RANK_WAY_END : RANK_WAY;
	return finding_is_stall(pl->f) ? RANK_CAUSE : RANK_NONE;
}

/** Of many that wait alike the first two stand for all. */
static void fold_alike(struct planning *pl, struct arena *arena)
{
	struct group {
		size_t first, n;
	} *groups = arena_array(arena, pl->n, sizeof *groups);
	size_t *group_of = arena_array(arena, pl->n, sizeof *group_of), *nth = arena_array(arena, pl->n, sizeof *nth), n = 0;

	for (size_t i = 0; i < pl->n; i++) {
		size_t g = 0;

		if (pl->rank[i] == RANK_NONE)
			continue;
		while (g < n && !plan_alike(&pl->f->blocked[groups[g].first], &pl->f->blocked[i]))
			g++;
		if (g == n)
			groups[n++] = (struct group){.first = i};
		group_of[i] = g;
		nth[i] = groups[g].n++;
	}
	for (size_t i = 0; i < pl->n; i++) {
		if (pl->rank[i] == RANK_NONE || pl->rank[i] == RANK_ROOT || nth[i] == 0)
			continue;
		if (groups[group_of[i]].n > ALIKE_MOST && nth[i] >= ALIKE_SHOWN)
			pl->rank[i] = RANK_NONE;
		else if (pl->rank[i] > RANK_ALIKE)
			pl->rank[i] = RANK_ALIKE;
	}
}

/** Show those of RANK for which there is ROOM: when it is short, the first and the last of them.
 *  @return the room that is left. */
static size_t choose_rank(const struct planning *pl, int rank, size_t room, enum place *place)
{
	size_t of_rank = 0, nth = 0;

	for (size_t i = 0; i < pl->n; i++)
		of_rank += pl->rank[i] == rank;

	size_t head = of_rank <= room ? of_rank : (room + 1) / 2, tail = of_rank <= room ? 0 : room - head;

	for (size_t i = 0; i < pl->n; i++) {
		if (pl->rank[i] != rank)
			continue;
		if (nth < head || nth >= of_rank - tail)
			place[i] = PLACE_SHOWN;
		nth++;
	}
	return room - head - tail;
}

/** The MOST rows of highest rank. */
static void choose(const struct planning *pl, size_t most, enum place *place)
{
	size_t room = most;

	for (size_t i = 0; i < pl->n; i++)
		place[i] = pl->rank[i] == RANK_NONE ? PLACE_ALSO : PLACE_BETWEEN;
	for (int rank = RANK_ROOT; rank > RANK_NONE; rank--)
		room = choose_rank(pl, rank, room, place);
}

enum place *plan_rows(const struct finding *f, size_t most, struct arena *arena)
{
	enum place *place = arena_array(arena, f->nblocked, sizeof *place);
	struct planning pl = {.f = f, .n = f->nblocked};

	if (pl.n == 0)
		return place;
	pl.from = arena_array(arena, pl.n, sizeof *pl.from);
	pl.on_way = arena_array(arena, pl.n, sizeof *pl.on_way);
	pl.rank = arena_array(arena, pl.n, sizeof *pl.rank);
	find_way(&pl, arena);
	for (size_t i = 0; i < pl.n; i++)
		pl.rank[i] = rank_of(&pl, i);
	fold_alike(&pl, arena);
	choose(&pl, most, place);
	return place;
}
