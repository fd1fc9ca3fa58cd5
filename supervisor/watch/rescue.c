/* --on-hang rescue: a proven hang on a full pipe is given room, which is an experiment as well: when the writer moves on, the diagnosis is
 * right. First the pipe grows. When it is full again, what comes is taken out until the writer has ended, and given back in order. The
 * finding says what was done; the run goes on and keeps its own exit code.
 */
#include <errno.h>
#include <string.h>

#include "watch/sight.h"

/* How long a writer that has room may take to be put on a processor. */
#define MOVES_WITHIN_NS (5 * NS_PER_S)
#define STEP_MS 20
/* Kept in memory: what one child prints. */
enum { SPOOL_MOST = 256 << 20 };

/** The writers whose pipes are to grow: the culprits, each by the pipe that it is blocked on. */
static bool wants_room(const struct finding *f, const struct blocked *b)
{
	return b->culprit && b->role == ROLE_FULL && b->object >= 0 && f->objects[b->object].kind == OBJECT_PIPE && b->fd >= 0;
}

static uint64_t runs_of(const struct snapshot *s, pid_t tid)
{
	const struct task *t = snapshot_task(s, tid);

	return t ? t->runs : 0;
}

/** Has TID been put on a processor since its counter stood at RUNS, or ended? */
static bool moves(struct run *r, pid_t pid, pid_t tid, uint64_t runs)
{
	int64_t until_ns = sys_monotonic_ns() + MOVES_WITHIN_NS;

	while (sys_monotonic_ns() < until_ns && !r->ended) {
		uint64_t now;

		if (!observe_runs(r->observe, pid, tid, &now) || now != runs)
			return true;
		run_step(r, sys_monotonic_ns() + STEP_MS * NS_PER_MS);
	}
	return r->ended;
}

static void keep(struct run *r, const char *what)
{
	struct finding *f = r->finding;

	f->rescue = f->rescue ? arena_printf(f->arena, "%s; %s", f->rescue, what) : arena_strdup(f->arena, what);
	say_line(r, "rescue: %s", what);
}

/** @return true: the first writer moves. */
static bool grow(struct run *r, const struct snapshot *s)
{
	struct finding *f = r->finding;
	OWNED_TEXT what = {0};
	struct err err = {0};
	bool any = false;

	for (size_t i = 0; i < f->nblocked; i++) {
		const struct blocked *b = &f->blocked[i];
		int before, after;

		if (!wants_room(f, b))
			continue;
		if (act_grow_pipe(b->pid, b->fd, &before, &after, &err) < 0)
			continue;
		any = moves(r, b->pid, b->tid, runs_of(s, b->tid)) || any;
		text_addf(&what, "%s%s was grown from %d to %d bytes, and %s[%d] %s", what.n ? "; " : "", f->objects[b->object].name,
			  before, after, b->label, b->pid, any ? "moved on: the diagnosis is right" : "did not move: the diagnosis is in doubt");
	}
	if (what.n)
		keep(r, text_str(&what));
	return any;
}

/* ---- the spool ---- */

struct ends {
	const struct blocked *writer;
	const struct finding_object *pipe;
	pid_t reader;
	int read_fd;
};

/** One writer and one reader, which does not wait for this pipe: else the order of the bytes could not be kept.
 *  @return why not; NULL: it is so. */
static const char *find_ends(const struct finding *f, struct ends *e)
{
	*e = (struct ends){0};
	for (size_t i = 0; i < f->nblocked; i++) {
		if (!wants_room(f, &f->blocked[i]))
			continue;
		if (e->writer)
			return "there are several writers";
		e->writer = &f->blocked[i];
	}
	if (!e->writer)
		return "what is full is no pipe";
	e->pipe = &f->objects[e->writer->object];
	for (size_t i = 0; i < e->pipe->nholders; i++) {
		const struct object_holder *h = &e->pipe->holders[i];

		if (h->ends & END_WRITE && h->pid != e->writer->pid)
			return "other processes could write into it meanwhile";
		if (!(h->ends & END_READ) || h->pid == e->writer->pid)
			continue;
		if (e->reader && e->reader != h->pid)
			return "there are several readers";
		e->reader = h->pid;
		e->read_fd = h->fd;
	}
	for (size_t i = 0; i < f->nblocked; i++)
		if (f->blocked[i].pid == e->reader && f->blocked[i].object == e->writer->object)
			return "the reader waits for it";
	return e->reader ? NULL : "nobody could read it";
}

static bool goes_on(const struct run *r)
{
	return !r->ended && !r->outer_gone && r->interrupts < 2 &&
	       (!r->opt->timeout_ns || run_clock_ns(r, sys_monotonic_ns()) < r->opt->timeout_ns);
}

static int pump(struct run *r, struct act_spool *s, int (*step)(struct act_spool *s, int limit_ms))
{
	int rc = 0;

	while (rc == 0 && goes_on(r)) {
		rc = step(s, STEP_MS);
		run_step(r, sys_monotonic_ns());
		heard_drain(r);
	}
	return rc ? rc : -EINTR;
}

/** @return true: the tree has moved on, be it in vain. */
static bool spool(struct run *r, const struct snapshot *s)
{
	OWNED_TEXT what = {0};
	struct act_spool sp;
	struct err err = {0};
	struct ends e;
	const char *why_not = find_ends(r->finding, &e);
	uint64_t reader_runs = why_not ? 0 : runs_of(s, e.reader), now;

	if (!why_not && act_spool_open(&sp, e.writer->pid, e.writer->fd, e.reader, e.read_fd, SPOOL_MOST, &err) < 0)
		why_not = err.text;
	if (why_not) {
		text_addf(&what, "no room can be made: %s", why_not);
		keep(r, text_str(&what));
		return false;
	}

	int taken = pump(r, &sp, act_spool_take);
	bool slept = observe_runs(r->observe, e.reader, e.reader, &now) && now == reader_runs;
	int given = pump(r, &sp, act_spool_give);

	text_addf(&what, "%zu bytes were taken out of %s until %s[%d] had ended, and %zu of them given back in order", sp.data.n, e.pipe->name,
		  e.writer->label, e.writer->pid, sp.given);
	if (taken < 0)
		text_addf(&what, "; it did not end: %s", taken == -ENOSPC ? "it writes without end" : strerror(-taken));
	else if (given < 0)
		text_addf(&what, "; not all: %s", given == -EPIPE ? "the reader closed it" : strerror(-given));
	else if (!slept)
		text_add(&what, "; the reader may have read some of it meanwhile, out of order");
	act_spool_close(&sp);
	keep(r, text_str(&what));
	return true;
}

bool rescue_try(struct run *r, const struct snapshot *s)
{
	if (r->finding->kind != FINDING_PIPE_FULL) {
		keep(r, "no room can be made: this is no full pipe");
		return false;
	}
	if (!grow(r, s) && !spool(r, s))
		return false;
	files_write(r, OUTCOME_HANG, EXIT_HANG, false);
	vec_push(&r->kept, r->finding);
	r->finding = NULL;
	r->shown = r->proven = false;
	policy_take_back(&r->policy);
	return true;
}
