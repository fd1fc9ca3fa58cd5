/* Who waits for whom, as SVG: the ring on a frame, clockwise, and below it those that are blocked by it. Twice: for wide screens and paper,
 * and as one column for narrow ones. */
#include <stdio.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"
#include "report/where.h"

enum {
	BOX_W = 236,
	BOX_H = 122,
	GAP_X = 146,
	GAP_Y = 104,
	EDGE = 20,
	WIDE_W = 1040,
	NARROW_W = 400,
	NARROW_GAP = 62,
	LANE = 56,
	COLUMNS_MOST = 4,
	UNDER = 62,
	SIDE_GAP = 84
};

struct drawing {
	struct html *h;
	const struct html_finding *x;
	const struct graph *g;
	struct spot {
		int x, y; /* of the upper left corner */
	} * at;
	int width, height, box_w;
};

static void text_at(struct drawing *d, const char *class, int x, int y, const char *anchor, const char *s, size_t most)
{
	if (!*s)
		return;
	text_addf(d->h->out, "<text class=\"%s\" x=\"%d\" y=\"%d\"%s%s%s>", class, x, y, *anchor ? " text-anchor=\"" : "",
		  anchor, *anchor ? "\"" : "");
	esc_html(d->h->out, s, most);
	text_add(d->h->out, "</text>\n");
}

static bool is_side(const struct graph *g, size_t i)
{
	return i >= g->nring;
}

/* ---- nodes ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/** "write(2) blocked", "wait4". */
static void call_line(struct text *t, const struct blocked *b)
{
	if (!b->call || !*b->call)
		text_add(t, "runs, or is not known");
	else if (b->fd >= 0)
		text_addf(t, "%s on fd %d", b->call, b->fd);
	else
		text_add(t, b->call);
	if (b->tid != b->pid)
		text_addf(t, ", thread %d", (int)b->tid);
}

static const struct frame *place_of(const struct html_finding *x, const struct blocked *b)
{
	return where_place(fact_stack(x->f, b));
}

static void place_line(struct text *t, const struct html_finding *x, const struct blocked *b)
{
	const struct frame *place = place_of(x, b);

	if (place && place->file)
		text_addf(t, "%s:%d", base_name(place->file), place->line);
}

static const char *place_source(const struct html_finding *x, const struct blocked *b)
{
	const struct frame *place = place_of(x, b);

	return !place ? "" : place->source ? place->source : place->function ? place->function : "";
}

/** What it holds that another task of the graph waits for, or how many more are as it is. */
static void role_line(struct text *t, const struct drawing *d, const struct graph_node *node)
{
	if (node->alike) {
		text_addf(t, "and %zu more like it", node->alike);
		return;
	}
	for (size_t i = 0; i < d->g->n; i++) {
		const struct graph_node *n = &d->g->nodes[i];

		if (n->o && n->to >= 0 && &d->g->nodes[n->to] == node) {
			int fd = fact_fd(n->o, END_BOTH, node->b->pid);

			if (fd >= 0)
				text_addf(t, "holds its other end (fd %d)", fd);
			return;
		}
	}
}

static void draw_task(struct drawing *d, size_t i)
{
	const struct graph_node *node = &d->g->nodes[i];
	const struct blocked *b = node->b;
	OWNED_TEXT call = {0};
	OWNED_TEXT place = {0};
	OWNED_TEXT role = {0};
	char pid[16];
	int x = d->at[i].x, y = d->at[i].y;

	call_line(&call, b);
	place_line(&place, d->x, b);
	role_line(&role, d, node);
	snprintf(pid, sizeof pid, "%d", (int)b->pid);
	text_addf(d->h->out, "<g><rect class=\"node%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"12\"/>\n",
		  is_side(d->g, i) ? " side" : "", x, y, d->box_w, BOX_H);
	text_at(d, "t", x + 16, y + 27, "", b->label && *b->label ? b->label : b->comm, 20);
	text_at(d, "mono", x + d->box_w - 14, y + 27, "end", pid, 12);
	text_at(d, "s", x + 16, y + 49, "", text_str(&call), 32);
	text_at(d, "s", x + 16, y + 68, "", text_str(&place), 32);
	text_at(d, "s", x + 16, y + 87, "", place_source(d->x, b), 32);
	text_at(d, "s", x + 16, y + 106, "", text_str(&role), 32);
	text_add(d->h->out, "</g>\n");
}

static void draw_object(struct drawing *d, size_t i)
{
	const struct finding_object *o = d->g->nodes[i].o;
	int x = d->at[i].x, y = d->at[i].y, middle = x + d->box_w / 2;
	size_t readers = 0, writers = 0;
	char holders[80], title[40];
	OWNED_TEXT name = {0};
	bool full = i && d->g->nodes[i - 1].b && d->g->nodes[i - 1].b->role == ROLE_FULL;

	for (size_t k = 0; k < o->nholders; k++) {
		readers += (o->holders[k].ends & END_READ) != 0;
		writers += (o->holders[k].ends & END_WRITE) != 0;
	}
	word_name(&name, o);
	snprintf(title, sizeof title, "%s%s", word_thing(o), full ? " is full" : "");
	if (o->kind == OBJECT_PIPE)
		snprintf(holders, sizeof holders, "%zu to write, %zu to read", writers, readers);
	else
		snprintf(holders, sizeof holders, "%zu descriptor%s", o->nholders, o->nholders == 1 ? "" : "s");
	text_addf(d->h->out, "<g><rect class=\"node obj%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"/>\n",
		  is_side(d->g, i) ? " side" : "", x, y + 12, d->box_w, BOX_H - 24, (BOX_H - 24) / 2);
	text_at(d, "t", middle, y + 52, "middle", title, 20);
	text_at(d, "mono", middle, y + 71, "middle", text_str(&name), 28);
	text_at(d, "s", middle, y + 89, "middle", holders, 30);
	text_add(d->h->out, "</g>\n");
}

static void draw_folded(struct drawing *d, size_t i)
{
	char words[48];
	int x = d->at[i].x, y = d->at[i].y;

	snprintf(words, sizeof words, "%zu more", d->g->nodes[i].folded);
	text_addf(d->h->out, "<g><rect class=\"node%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"48\" rx=\"24\"/>\n",
		  is_side(d->g, i) ? " side" : "", x, y + 37, d->box_w);
	text_at(d, "t", x + d->box_w / 2, y + 66, "middle", words, 30);
	text_add(d->h->out, "</g>\n");
}

static void draw_nodes(struct drawing *d)
{
	for (size_t i = 0; i < d->g->n; i++) {
		if (d->g->nodes[i].b)
			draw_task(d, i);
		else if (d->g->nodes[i].o)
			draw_object(d, i);
		else
			draw_folded(d, i);
	}
}

/* ---- arrows ---- */

/** A head that points along (dx, dy), one of which is 0, its point at (x, y). Markers of SVG can't be used twice in a page of many. */
static void draw_head(struct drawing *d, bool side, int x, int y, int dx, int dy)
{
	text_addf(d->h->out, "<path class=\"head%s\" d=\"M%d %dL%d %dL%d %dz\"/>\n", side ? " side" : "", x, y,
		  x - dx * 10 - dy * 5, y - dy * 10 - dx * 5, x - dx * 10 + dy * 5, y - dy * 10 + dx * 5);
}

static void draw_line(struct drawing *d, bool side, const char *path)
{
	text_addf(d->h->out, "<path class=\"edge%s\" d=\"%s\"/>\n", side ? " side" : "", path);
}

static void draw_labels(struct drawing *d, size_t from, int x, int y, int second_dy, const char *anchor)
{
	const char *class = is_side(d->g, from) ? "e side" : "e";

	text_at(d, class, x, y, anchor, d->g->nodes[from].edge[0], 18);
	text_at(d, class, x, y + second_dy, anchor, d->g->nodes[from].edge[1], 18);
}

static void draw_level(struct drawing *d, size_t from, int to)
{
	bool side = is_side(d->g, from), right = d->at[to].x > d->at[from].x;
	int y = d->at[from].y + BOX_H / 2;
	int x1 = d->at[from].x + (right ? d->box_w : 0), x2 = d->at[to].x + (right ? 0 : d->box_w);
	char path[80];

	snprintf(path, sizeof path, "M%d %dH%d", x1, y, x2 - (right ? 8 : -8));
	draw_line(d, side, path);
	draw_head(d, side, x2, y, right ? 1 : -1, 0);
	draw_labels(d, from, (x1 + x2) / 2, y - 9, 29, "middle");
}

static void draw_upright(struct drawing *d, size_t from, int to)
{
	bool side = is_side(d->g, from), down = d->at[to].y > d->at[from].y;
	int x = d->at[from].x + d->box_w / 2, y1 = d->at[from].y + (down ? BOX_H : 0), y2 = d->at[to].y + (down ? 0 : BOX_H);
	char path[80];

	if (d->g->nodes[to].o)
		y2 += down ? 12 : -12;
	if (d->g->nodes[from].o)
		y1 += down ? -12 : 12;
	snprintf(path, sizeof path, "M%d %dV%d", x, y1, y2 - (down ? 8 : -8));
	draw_line(d, side, path);
	draw_head(d, side, x, y2, 0, down ? 1 : -1);
	draw_labels(d, from, x + 10, (y1 + y2) / 2 - 3, 16, "start");
}

/** From the end of one row round the corner into a side of a node of the other. */
static void draw_corner(struct drawing *d, size_t from, int to)
{
	bool side = is_side(d->g, from), down = d->at[to].y > d->at[from].y;
	int fx = d->at[from].x + d->box_w / 2, tx = d->at[to].x + d->box_w / 2, fy = d->at[from].y, ty = d->at[to].y;
	bool right = tx > fx;
	char path[160];

	if (down) { /* leaves below, enters from the side */
		int x2 = d->at[to].x + (right ? 0 : d->box_w), y2 = ty + BOX_H / 2;

		snprintf(path, sizeof path, "M%d %dC%d %d %d %d %d %d", fx, fy + BOX_H, fx, y2, fx, y2, x2 + (right ? -8 : 8),
			 y2);
		draw_line(d, side, path);
		draw_head(d, side, x2, y2, right ? 1 : -1, 0);
		draw_labels(d, from, fx + (right ? -12 : 12), fy + BOX_H + GAP_Y / 2 - 4, 16, right ? "end" : "start");
		return;
	}
	/* leaves at the side, enters from below */
	int x1 = d->at[from].x + (right ? d->box_w : 0), y1 = fy + BOX_H / 2, y2 = ty + BOX_H - (d->g->nodes[to].o ? 12 : 0);

	snprintf(path, sizeof path, "M%d %dC%d %d %d %d %d %d", x1, y1, tx, y1, tx, y1, tx, y2 + 8);
	draw_line(d, side, path);
	draw_head(d, side, tx, y2, 0, -1);
	draw_labels(d, from, tx + (right ? 12 : -12), ty + BOX_H + GAP_Y / 2 - 4, 16, right ? "start" : "end");
}

/** All in one row: the way back runs below them. */
static void draw_under(struct drawing *d, size_t from, int to)
{
	int x1 = d->at[from].x + d->box_w / 2, x2 = d->at[to].x + d->box_w / 2;
	int y1 = d->at[from].y + BOX_H - (d->g->nodes[from].o ? 12 : 0),
	    y2 = d->at[to].y + BOX_H - (d->g->nodes[to].o ? 12 : 0), low = d->at[from].y + BOX_H + UNDER + 14;
	char path[160], words[48];

	snprintf(path, sizeof path, "M%d %dC%d %d %d %d %d %d", x1, y1, x1, low, x2, low, x2, y2 + 8);
	draw_line(d, false, path);
	draw_head(d, false, x2, y2, 0, -1);
	snprintf(words, sizeof words, "%s %s", d->g->nodes[from].edge[0], d->g->nodes[from].edge[1]);
	text_at(d, "e", (x1 + x2) / 2, low - UNDER / 2, "middle", words, 40); /* the curve comes down to three quarters of its way */
}

/** Between rows that are not next to each other: beside the upper one's column. */
static void draw_around(struct drawing *d, size_t from, int to)
{
	bool side = is_side(d->g, from);
	bool right = d->at[to].x + 2 * d->box_w < d->width;
	int x = d->at[from].x + d->box_w / 2, y = d->at[from].y, y2 = d->at[to].y + BOX_H / 2 + 26,
	    edge = d->at[to].x + (right ? d->box_w : 0);
	char path[160];

	snprintf(path, sizeof path, "M%d %dV%dH%dV%dH%d", x, y, y - SIDE_GAP / 2, edge + (right ? 26 : -26), y2,
		 edge + (right ? 8 : -8));
	draw_line(d, side, path);
	draw_head(d, side, edge, y2, right ? -1 : 1, 0);
	draw_labels(d, from, x + 10, y - SIDE_GAP / 2 + 18, 15, "start");
}

static void draw_edge(struct drawing *d, size_t from)
{
	int to = d->g->nodes[from].to, rise;

	if (to < 0)
		return;
	rise = d->at[from].y - d->at[to].y;
	if (rise == 0 && from + 1 == d->g->nring && to == 0)
		draw_under(d, from, to);
	else if (rise == 0)
		draw_level(d, from, to);
	else if (is_side(d->g, from) && rise > BOX_H + GAP_Y)
		draw_around(d, from, to);
	else if (d->at[from].x == d->at[to].x)
		draw_upright(d, from, to);
	else
		draw_corner(d, from, to);
}

/* ---- the wide picture ---- */

static int column_x(const struct drawing *d, size_t columns, double column)
{
	int used = (int)columns * BOX_W + ((int)columns - 1) * GAP_X;

	return (d->width - used) / 2 + (int)(column * (BOX_W + GAP_X));
}

/** Those that are blocked: each below what it waits for where that place is free, else in the next free one. @return the rows that are used. */
static size_t place_sides(struct drawing *d, size_t columns, int y)
{
	bool taken[COLUMNS_MOST * 8] = {false};
	size_t rows = 0;

	for (size_t i = d->g->nring; i < d->g->n; i++) {
		int to = d->g->nodes[i].to;
		size_t slot = 0;

		for (size_t c = 0; to >= 0 && c < columns; c++)
			if (!taken[c] && column_x(d, columns, (double)c) == d->at[to].x)
				slot = c;
		while (slot < ARRAY_SIZE(taken) - 1 && taken[slot])
			slot = (slot + 1) % ARRAY_SIZE(taken);
		taken[slot] = true;
		d->at[i] = (struct spot){column_x(d, columns, (double)(slot % columns)),
					 y + (int)(slot / columns) * (BOX_H + SIDE_GAP)};
		rows = slot / columns + 1 > rows ? slot / columns + 1 : rows;
	}
	return rows;
}

static void place_wide(struct drawing *d)
{
	size_t n = d->g->nring, top = n <= 3 ? n : n == 4 ? 3 : (n + 1) / 2, bottom = n - top, columns = top > 3 ? top : 3;
	int low = EDGE + BOX_H;
	double shift = (double)(columns - top) / 2;

	d->box_w = BOX_W;
	d->width = columns > 3 ? (int)columns * BOX_W + ((int)columns - 1) * GAP_X + 2 * EDGE : WIDE_W;
	for (size_t i = 0; i < top; i++)
		d->at[i] = (struct spot){column_x(d, columns, (double)i + shift), EDGE};
	for (size_t i = 0; i < bottom; i++) {
		double column = bottom == 1 ? (double)(top - 1) / 2
					    : (double)(top - 1) - (double)i * (double)(top - 1) / (double)(bottom - 1);

		d->at[top + i] = (struct spot){column_x(d, columns, column + shift), EDGE + BOX_H + GAP_Y};
	}
	low += bottom ? GAP_Y + BOX_H : d->g->closed ? UNDER : 0;

	size_t rows = place_sides(d, columns, low + SIDE_GAP);

	low += rows ? SIDE_GAP + (int)rows * (BOX_H + SIDE_GAP) - SIDE_GAP : 0;
	d->height = low + EDGE;
}

/* ---- the narrow picture ---- */

static void place_narrow(struct drawing *d)
{
	d->width = NARROW_W;
	d->box_w = NARROW_W - LANE - 30;
	for (size_t i = 0; i < d->g->n; i++)
		d->at[i] = (struct spot){LANE, EDGE / 2 + (int)i * (BOX_H + NARROW_GAP)};
	d->height = EDGE + (int)d->g->n * (BOX_H + NARROW_GAP) - (d->g->closed && d->g->n == d->g->nring ? NARROW_GAP / 2 : NARROW_GAP);
}

/** Along the left edge: back to the first of the ring, or up to what a blocked one waits for. */
static void draw_lane(struct drawing *d, size_t from)
{
	bool side = is_side(d->g, from);
	int to = d->g->nodes[from].to, y1 = d->at[from].y + BOX_H / 2, y2 = d->at[to].y + BOX_H / 2 + (side ? 22 : 0);
	int lane = side ? 34 - (int)(from - d->g->nring) % 3 * 9 : 8;
	char path[120];

	snprintf(path, sizeof path, "M%d %dH%dV%dH%d", LANE, y1, lane, y2, LANE - 8);
	draw_line(d, side, path);
	draw_head(d, side, LANE, y2, 1, 0);
	if (!side) {
		text_at(d, "e", LANE + 10, d->at[from].y + BOX_H + 18, "start", d->g->nodes[from].edge[0], 18);
		text_at(d, "e", LANE + 110, d->at[from].y + BOX_H + 18, "start", d->g->nodes[from].edge[1], 18);
	}
}

static void draw_narrow_edges(struct drawing *d)
{
	for (size_t i = 0; i < d->g->n; i++) {
		int to = d->g->nodes[i].to;

		if (to == (int)i + 1 && !is_side(d->g, i))
			draw_upright(d, i, to);
		else if (to >= 0)
			draw_lane(d, i);
	}
}

/* ---- */

/** The picture in words, for who does not see it. */
static void add_words(struct drawing *d)
{
	for (size_t i = 0; i < d->g->nring; i++) {
		const struct graph_node *node = &d->g->nodes[i];
		OWNED_TEXT name = {0};

		if (node->b)
			word_who(&name, d->x->f, node->b->pid);
		else if (node->o)
			word_name(&name, node->o);
		else
			text_addf(&name, "%zu more", node->folded);
		text_add(d->h->out, i ? ", then " : "");
		esc_html(d->h->out, text_str(&name), HTML_NAME);
	}
	text_add(d->h->out, d->g->closed ? ", and back to the first" : "");
	if (d->g->n > d->g->nring)
		text_addf(d->h->out, "; %zu more are blocked by it", d->g->n - d->g->nring);
}

static void draw_svg(struct drawing *d, const char *class, bool narrow)
{
	text_addf(d->h->out, "<svg class=\"fig %s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Who waits for whom: ", class, d->width, d->height);
	add_words(d);
	text_add(d->h->out, "\">\n");
	if (narrow)
		draw_narrow_edges(d);
	for (size_t i = 0; !narrow && i < d->g->n; i++)
		draw_edge(d, i);
	draw_nodes(d);
	text_add(d->h->out, "</svg>\n");
}

static void draw_legend(struct html *h, const struct graph *g)
{
	bool sides = g->n > g->nring;

	text_add(h->out, "<p class=\"legend\">");
	text_add(h->out,
		 g->closed ? "<span><i></i>the deadlock itself</span>" : "<span><i></i>the way to what never comes</span>");
	if (sides)
		text_add(h->out, "<span><i class=\"a\"></i>blocked by it</span>");
	text_add(h->out, "<span>an arrow: can only be woken by</span></p>\n");
}

void html_graph(struct html *h, const struct html_finding *x)
{
	struct graph g = graph_of(x->f, h->arena);
	struct drawing d = {.h = h, .x = x, .g = &g};

	if (!g.n || (g.n == 1 && x->f->kind == FINDING_STALL))
		return;
	d.at = arena_array(h->arena, g.n, sizeof *d.at);
	html_open_section(h, "graph", x->number, "Who waits for whom",
			  g.closed   ? "Follow the red arrows: they come back to where they started."
			  : g.n == 1 ? "Nothing is left that could wake it."
				     : "Follow the red arrows to where nothing can come any more.");
	place_wide(&d);
	draw_svg(&d, "wide", false);
	place_narrow(&d);
	draw_svg(&d, "narrow", true);
	draw_legend(h, &g);
	html_close_section(h);
}
