/* The ring, or chain, of a finding, and who is blocked by it. */
#include <string.h>

#include "report/graph.h"
#include "report/plan.h"

enum { NOWHERE = -1, ROWS_MOST = 4096, TRIES_MOST = 8 };

struct making {
	const struct finding *f;
	struct arena *arena;
	struct idmap *rows; /* tid -> row */
	size_t n;           /* rows that are looked at */
	struct graph g;
};

static bool row_of(const struct making *m, pid_t tid, size_t *row)
{
	return idmap_get(m->rows, (uint64_t)tid, row);
}

/* ---- the ring ---- */

/** The shortest way from row START back to itself, along rows of the cause where WITHIN. @return its length, 0 when there is none; the rows in WAY. */
static size_t find_ring(const struct making *m, size_t start, size_t *way)
{
	int *from = arena_array(m->arena, m->n, sizeof *from);
	size_t *queue = arena_array(m->arena, m->n, sizeof *queue), head = 0, tail = 0, len = 0;

	for (size_t i = 0; i < m->n; i++)
		from[i] = NOWHERE;
	queue[tail++] = start;
	while (head < tail) {
		size_t at = queue[head++];
		const struct blocked *b = &m->f->blocked[at];

		for (size_t e = 0, next; e < b->nwaits_for; e++) {
			if (!row_of(m, b->waits_for[e], &next))
				continue;
			if (next == start) {
				for (size_t back = at; back != start; back = (size_t)from[back])
					way[len++] = back;
				way[len++] = start;
				return len;
			}
			if (from[next] != NOWHERE)
				continue;
			from[next] = (int)at;
			queue[tail++] = next;
		}
	}
	return 0;
}

/** The rows from the first one to TARGET, the shortest way. @return how many; 0: there is no way. */
static size_t find_chain(const struct making *m, size_t target, size_t *way)
{
	int *from = arena_array(m->arena, m->n, sizeof *from);
	size_t *queue = arena_array(m->arena, m->n, sizeof *queue), head = 0, tail = 0, len = 0;

	for (size_t i = 0; i < m->n; i++)
		from[i] = NOWHERE;
	queue[tail++] = 0;
	from[0] = 0;
	while (head < tail && from[target] == NOWHERE) {
		const struct blocked *b = &m->f->blocked[queue[head]];

		for (size_t e = 0, next; e < b->nwaits_for; e++) {
			if (!row_of(m, b->waits_for[e], &next) || from[next] != NOWHERE)
				continue;
			from[next] = (int)queue[head];
			queue[tail++] = next;
		}
		head++;
	}
	if (from[target] == NOWHERE)
		return 0;
	for (size_t at = target;; at = (size_t)from[at]) {
		way[len++] = at;
		if (at == 0)
			return len;
	}
}

static void reverse(size_t *way, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		size_t other = way[n - 1 - i];

		way[n - 1 - i] = way[i];
		way[i] = other;
	}
}

/** Begin the ring with the row that a reader meets first. */
static void rotate_to_first(const struct making *m, size_t *way, size_t n)
{
	size_t best = 0, *copy = arena_memdup(m->arena, way, n * sizeof *way);

	for (size_t i = 1; i < n; i++)
		if (way[i] < way[best])
			best = i;
	for (size_t i = 0; i < n; i++)
		way[i] = copy[(best + i) % n];
}

/** The shortest ring through a culprit, or through any row of the cause. */
static size_t choose_ring(const struct making *m, size_t *way)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0, tries = 0; i < m->n && tries < TRIES_MOST; i++) {
			const struct blocked *b = &m->f->blocked[i];
			size_t len;

			if (!b->cause || (pass == 0 && !b->culprit))
				continue;
			tries++;
			len = find_ring(m, i, way);
			if (len) {
				reverse(way, len);
				rotate_to_first(m, way, len);
				return len;
			}
			if (pass) /* none of the cause has one: it is a sink */
				return 0;
		}
	return 0;
}

static size_t choose_chain(const struct making *m, size_t *way)
{
	const struct blocked *main = fact_main(m->f);
	size_t target = main ? (size_t)(main - m->f->blocked) : 0, len;

	if (target >= m->n)
		target = 0;
	len = find_chain(m, target, way);
	if (!len)
		way[len++] = target;
	reverse(way, len);
	return len;
}

/* ---- nodes and what stands at their arrows ---- */

static bool has_object(const struct making *m, const struct blocked *b)
{
	const struct finding_object *o = fact_object(m->f, b->object);

	if (!o)
		return false;
	switch (b->role) {
	case ROLE_FULL:
	case ROLE_EOF:
	case ROLE_LOOP_EOF:
	case ROLE_TTY_READ:
		return true;
	case ROLE_SOCKET:
	case ROLE_LOOP_SOCKET:
		return fact_is_socket(o);
	case ROLE_TTY:
	case ROLE_STOPPED:
	case ROLE_FORK_LOCK:
	case ROLE_LOCK:
	case ROLE_GIL:
	case ROLE_JOIN:
	case ROLE_SIGNAL:
	case ROLE_CHILD:
	case ROLE_LOOP_CHILD:
	case ROLE_LOOP:
	case ROLE_OTHER:
	case ROLE_COUNT:
		break;
	}
	return false;
}

static void set_edge(struct graph_node *node, const char *first, const char *second)
{
	node->edge[0] = first;
	node->edge[1] = second;
}

/** From a task. */
static void name_task_edge(const struct making *m, struct graph_node *node, bool to_object)
{
	const struct blocked *b = node->b;

	switch (b->role) {
	case ROLE_FULL:
		set_edge(node, "writes, and", "finds no room");
		return;
	case ROLE_EOF:
	case ROLE_LOOP_EOF:
		set_edge(node, "reads, and", "no end comes");
		return;
	case ROLE_TTY_READ:
		set_edge(node, "waits for", "its input");
		return;
	case ROLE_SOCKET:
	case ROLE_LOOP_SOCKET:
		set_edge(node, "waits for", "a message");
		return;
	case ROLE_LOCK:
	case ROLE_GIL:
	case ROLE_FORK_LOCK:
		set_edge(node, "waits for", fact_is_file_lock(b) ? "its file lock" : "its lock");
		return;
	case ROLE_JOIN:
	case ROLE_CHILD:
	case ROLE_LOOP_CHILD:
		set_edge(node, "waits for", "its end");
		return;
	case ROLE_LOOP:
		set_edge(node, "its event loop", "waits for it");
		return;
	case ROLE_TTY:
	case ROLE_STOPPED:
	case ROLE_SIGNAL:
	case ROLE_OTHER:
	case ROLE_COUNT:
		break;
	}
	set_edge(node, to_object ? "waits on" : "waits for", finding_is_stall(m->f) ? "" : "it");
}

static void name_object_edge(struct graph_node *node, const struct blocked *waiter)
{
	bool full = waiter->role == ROLE_FULL;

	if (node->o->kind == OBJECT_PIPE || full)
		set_edge(node, full ? "only it could" : "kept open", full ? "make room" : "by it");
	else
		set_edge(node, "only it", "could send");
}

static struct graph_node *push(struct making *m)
{
	struct graph_node *node = &m->g.nodes[m->g.n++];

	node->to = NOWHERE;
	set_edge(node, "", "");
	return node;
}

static void push_row(struct making *m, size_t row)
{
	const struct blocked *b = &m->f->blocked[row];
	struct graph_node *node = push(m);

	node->b = b;
	name_task_edge(m, node, has_object(m, b));
	if (has_object(m, b)) {
		node = push(m);
		node->o = fact_object(m->f, b->object);
		name_object_edge(node, b);
	}
}

/** With objects it must not be longer than there is room: rows in the middle go, and one node says how many. */
static void push_ring(struct making *m, const size_t *way, size_t n)
{
	size_t need = 0, keep = n;

	for (size_t i = 0; i < n; i++)
		need += 1 + has_object(m, &m->f->blocked[way[i]]);
	if (need > GRAPH_RING_MOST)
		keep = (GRAPH_RING_MOST - 1) / (need > n ? 2 : 1);
	for (size_t i = 0; i < n; i++) {
		if (keep < n && i == keep - 1) {
			struct graph_node *node = push(m);

			node->folded = n - keep;
			set_edge(node, "and", "so on");
			i = n - 1;
		}
		push_row(m, way[i]);
	}
	m->g.nring = m->g.n;
	for (size_t i = 0; i + 1 < m->g.nring; i++)
		m->g.nodes[i].to = (int)i + 1;
	if (m->g.closed)
		m->g.nodes[m->g.nring - 1].to = 0;
}

/* ---- beside it ---- */

static int node_of_row(const struct making *m, pid_t tid)
{
	for (size_t i = 0; i < m->g.n; i++)
		if (m->g.nodes[i].b && m->g.nodes[i].b->tid == tid)
			return (int)i;
	return NOWHERE;
}

/** What B waits for, of the nodes there are: its object, else one of its tasks, else another task of their process. */
static int target_of(const struct making *m, const struct blocked *b)
{
	int found = NOWHERE;

	for (size_t i = 0; has_object(m, b) && i < m->g.n; i++)
		if (m->g.nodes[i].o && m->g.nodes[i].o == fact_object(m->f, b->object))
			return (int)i;
	for (size_t e = 0; e < b->nwaits_for && found == NOWHERE; e++)
		found = node_of_row(m, b->waits_for[e]);
	for (size_t i = 0; i < m->g.n && found == NOWHERE; i++)
		if (m->g.nodes[i].b && fact_waits_for(b, m->g.nodes[i].b->pid))
			found = (int)i;
	return found;
}

static bool joins_alike(struct making *m, const struct blocked *b)
{
	for (size_t i = m->g.nring; i < m->g.n; i++)
		if (m->g.nodes[i].b && plan_alike(m->g.nodes[i].b, b)) {
			m->g.nodes[i].alike++;
			return true;
		}
	return false;
}

/** A helper of a process that is drawn already, where the matter is between processes. */
static bool is_helper(const struct making *m, const struct blocked *b)
{
	if (b->tid == b->pid || m->f->kind == FINDING_LOCK || m->f->kind == FINDING_DEADLOCK)
		return false;
	for (size_t i = 0; i < m->g.n; i++)
		if (m->g.nodes[i].b && m->g.nodes[i].b->pid == b->pid)
			return true;
	return false;
}

/** Those that wait for what is drawn already, until nothing is added: a way to the ring grows from its end. */
static void push_sides(struct making *m, bool *drawn)
{
	size_t beside = 0, folded = 0, before;

	do {
		before = m->g.n + folded;
		for (size_t i = 0; i < m->n; i++) {
			const struct blocked *b = &m->f->blocked[i];
			int to = drawn[i] || is_helper(m, b) ? NOWHERE : target_of(m, b);

			if (to == NOWHERE)
				continue;
			drawn[i] = true;
			if (joins_alike(m, b))
				continue;
			if (beside == GRAPH_SIDE_MOST) {
				folded++;
				continue;
			}
			beside++;

			struct graph_node *node = push(m);

			node->b = b;
			node->to = to;
			name_task_edge(m, node, m->g.nodes[to].o != NULL);
		}
	} while (m->g.n + folded != before);
	if (folded)
		push(m)->folded = folded;
}

struct graph graph_of(const struct finding *f, struct arena *arena)
{
	struct making m = {.f = f, .arena = arena, .rows = idmap_new(), .n = f->nblocked < ROWS_MOST ? f->nblocked : ROWS_MOST};
	size_t *way = arena_array(arena, m.n + 1, sizeof *way), len = 0;
	bool *drawn = arena_array(arena, m.n + 1, sizeof *drawn);

	m.g.nodes = arena_array(arena, 2 * GRAPH_RING_MOST + GRAPH_SIDE_MOST + 4, sizeof *m.g.nodes);
	for (size_t i = 0; i < m.n; i++)
		idmap_put(m.rows, (uint64_t)f->blocked[i].tid, i);
	if (m.n) {
		len = choose_ring(&m, way);
		m.g.closed = len > 0;
		if (!len)
			len = choose_chain(&m, way);
		push_ring(&m, way, len);
		for (size_t i = 0; i < len; i++)
			drawn[way[i]] = true;
		push_sides(&m, drawn);
	}
	idmap_free(m.rows);
	return m.g;
}
