/* What a finding of one kind is about: writer, pipe and readers; reader, pipe and holders. */
#include "report/facts.h"

bool fact_is_socket(const struct finding_object *o)
{
	return o && (o->kind == OBJECT_UNIX || o->kind == OBJECT_TCP || o->kind == OBJECT_UDP);
}

/** Who waits for PID comes first: that is who will be told to read. */
static void move_waiter_first(const struct finding *f, pids_vec *pids, pid_t pid)
{
	for (size_t i = 1; i < pids->n; i++) {
		const struct blocked *b = fact_row(f, pids->at[i]), *first = fact_row(f, pids->at[0]);

		if (b && fact_waits_for(b, pid) && !(first && fact_waits_for(first, pid))) {
			pid_t moved = pids->at[i];

			pids->at[i] = pids->at[0];
			pids->at[0] = moved;
			return;
		}
	}
}

void fact_full(const struct finding *f, struct full *out)
{
	*out = (struct full){.writer = fact_main(f)};
	out->object = out->writer ? fact_object(f, out->writer->object) : NULL;
	out->side = out->object ? fact_other_side(f, out->object) : NULL;
	if (!out->side)
		return;
	fact_holders(out->side, out->side == out->object ? END_READ : END_BOTH, out->writer->pid, &out->readers);
	move_waiter_first(f, &out->readers, out->writer->pid);
	for (size_t i = 0; i < out->readers.n && fact_is_socket(out->object); i++) {
		const struct blocked *b = fact_row(f, out->readers.at[i]);

		out->both |= b && b->role == ROLE_FULL && fact_object(f, b->object) == out->side;
	}
}

static bool reads(const struct blocked *b)
{
	return b->role == ROLE_EOF || b->role == ROLE_LOOP_EOF;
}

/** The pipe that B reads: its own object, or of those behind its event loop one that somebody else keeps open. */
static const struct finding_object *pipe_of(const struct finding *f, const struct blocked *b)
{
	const struct finding_object *own = fact_object(f, b->object), *found = NULL;

	if (own && own->kind == OBJECT_PIPE && b->role == ROLE_EOF)
		return own;
	for (size_t i = 0; i < f->nobjects; i++) {
		const struct finding_object *o = &f->objects[i];
		pids_vec others = {0};

		if (o->kind != OBJECT_PIPE || !fact_holds(o, END_READ, b->pid))
			continue;
		fact_holders(o, END_WRITE, b->pid, &others);
		for (size_t k = 0; k < others.n && !found; k++)
			if (fact_is_culprit(f, others.at[k]))
				found = o;
		vec_free(&others);
	}
	return found ? found : own;
}

void fact_end(const struct finding *f, struct end *out)
{
	*out = (struct end){0};
	for (size_t i = 0; i < f->nblocked; i++) {
		const struct blocked *b = &f->blocked[i];

		if (reads(b) && (!out->reader || (b->cause && !out->reader->cause)))
			out->reader = b;
	}
	if (!out->reader)
		return;
	out->pipe = pipe_of(f, out->reader);
	if (out->pipe)
		fact_holders(out->pipe, END_WRITE, out->reader->pid, &out->holders);
}

const struct stack *fact_stack(const struct finding *f, const struct blocked *b)
{
	return b ? stacks_of_thread(finding_stacks_of(f, b->pid), b->tid) : NULL;
}

const struct lock_wait *fact_lock(const struct finding *f, const struct blocked *b)
{
	const struct stack *s = fact_stack(f, b);

	return s && s->lock.kind != LOCK_NONE ? &s->lock : NULL;
}

/* ---- rings of locks ---- */

static const struct blocked *row_of_thread(const struct finding *f, pid_t tid)
{
	for (size_t i = 0; i < f->nblocked; i++)
		if (f->blocked[i].tid == tid)
			return &f->blocked[i];
	return NULL;
}

/** Who holds the lock that B waits for, where that is one task which is stuck as well. A join is no lock. */
static const struct blocked *holder_row(const struct finding *f, const struct blocked *b)
{
	const struct lock_wait *l = fact_lock(f, b);

	return l && l->kind != LOCK_JOIN && l->nowners == 1 ? row_of_thread(f, l->owners[0].tid) : NULL;
}

static bool in_ring(const ring_rows *ring, const struct blocked *b)
{
	for (size_t i = 0; i < ring->n; i++)
		if (ring->at[i] == b)
			return true;
	return false;
}

void fact_ring(const struct finding *f, ring_rows *out)
{
	for (size_t i = 0; i < f->nblocked; i++) {
		const struct blocked *first = &f->blocked[i], *b = first;

		for (out->n = 0; b && !in_ring(out, b); b = holder_row(f, b))
			vec_push(out, b);
		if (b == first)
			return;
	}
	out->n = 0;
}
