/* What is wrong, in one sentence for each kind. A sentence begins with a word of ours, in small letters. */
#include <string.h>

#include "report/facts.h"

static void add_culprits(struct text *out, const struct finding *f)
{
	word_list(out, f, f->culprits, f->nculprits);
}

static void add_readers(struct text *out, const struct finding *f, const struct full *full)
{
	bool self = full->side && full->side == full->object && fact_holds(full->side, END_READ, full->writer->pid);
	const struct blocked *reader = full->readers.n ? fact_row(f, full->readers.at[0]) : NULL;

	text_add(out, ", and ");
	if (full->readers.n == 0) {
		text_add(out,
			 self ? "only the writer itself holds the reading end" : "nobody is known to hold the reading end");
		return;
	}
	word_list(out, f, full->readers.at, full->readers.n);
	text_addf(out, ", who %scould read it, ", full->readers.n == 1 && !self ? "alone " : "");
	if (full->readers.n == 1 && reader)
		phrase_wait_short(out, f, reader);
	else
		text_add(out, full->readers.n == 1 ? "does not" : "do not");
}

static void open_full(struct text *out, const struct finding *f)
{
	struct full full;

	fact_full(f, &full);
	if (!full.object) {
		text_add(out, "nobody reads what ");
		add_culprits(out, f);
		text_add(out, f->nculprits == 1 ? " writes" : " write");
	} else if (full.both) {
		text_add(out, "both ends of a socket are full: ");
		add_culprits(out, f);
		text_add(out, " each wait for the other one to receive");
	} else {
		const char *stream = word_stream(full.writer->fd);

		text_addf(out, "nobody reads the %s %s ", stream ? stream : word_thing(full.object), stream ? "of" : "that");
		add_culprits(out, f);
		if (!stream)
			text_add(out, f->nculprits == 1 ? " writes into" : " write into");
		text_addf(out, ": %s%s is full", stream ? "the " : "it", stream ? word_thing(full.object) : "");
		add_readers(out, f, &full);
	}
	vec_free(&full.readers);
}

static void open_eof(struct text *out, const struct finding *f)
{
	struct end end;

	fact_end(f, &end);
	if (!end.pipe) {
		text_add(out, "the end of a pipe can't come: ");
		add_culprits(out, f);
		text_add(out, f->nculprits == 1 ? " keeps it open" : " keep it open");
		return;
	}
	text_add(out, "the end of the pipe that ");
	word_who(out, f, end.reader->pid);
	text_add(out, " reads ");
	if (end.reader->role == ROLE_EOF && end.reader->fd == 0)
		text_add(out, "as its stdin ");
	text_add(out, "can't come: ");
	if (end.holders.n == 0) {
		text_addf(out, "it holds the writing end open itself (fd %d)", fact_fd(end.pipe, END_WRITE, end.reader->pid));
	} else {
		word_list(out, f, end.holders.at, end.holders.n);
		text_addf(out, " still %s the writing end open", end.holders.n == 1 ? "holds" : "hold");
		const struct blocked *b = fact_row(f, end.holders.at[0]);

		if (end.holders.n == 1 && b) {
			text_add(out, " and ");
			phrase_wait_short(out, f, b);
		}
	}
	vec_free(&end.holders);
}

/** What the tasks of the cause wait for. */
struct lockers {
	size_t n;
	bool own;   /* each for threads of its own process */
	bool mixed; /* some for pipes */
};

static struct lockers count_lockers(const struct finding *f)
{
	struct lockers l = {.own = true};

	for (size_t i = 0; i < f->nblocked; i++) {
		const struct blocked *b = &f->blocked[i];

		if (!b->cause)
			continue;
		l.n++;
		l.own &= b->nwaits_for_pids == 0 || (b->nwaits_for_pids == 1 && b->waits_for_pids[0] == b->pid);
		l.mixed |= b->role == ROLE_EOF || b->role == ROLE_LOOP_EOF;
	}
	return l;
}

static void open_lock_of_many(struct text *out, const struct finding *f, bool mixed, bool file)
{
	bool two = f->nculprits == 2;

	text_add(out, mixed ? "nobody is left to wake " : two ? "neither " : "none of ");
	if (two && !mixed) {
		word_who(out, f, f->culprits[0]);
		text_add(out, " nor ");
		word_who(out, f, f->culprits[1]);
	} else {
		add_culprits(out, f);
	}
	if (mixed)
		text_add(out, ": they wait for locks, queues and pipes of each other");
	else
		text_addf(out, " can go on: each waits for a %s that only %s could release", file ? "file lock" : "lock",
			  two ? "the other" : "another of them");
}

static bool is_one_process(const ring_rows *ring)
{
	for (size_t i = 1; i < ring->n; i++)
		if (ring->at[i]->pid != ring->at[0]->pid)
			return false;
	return true;
}

/** "thread 12 and thread 13" are "threads 12 and 13". */
static bool are_all_threads(const ring_rows *ring)
{
	for (size_t i = 0; i < ring->n; i++)
		if (ring->at[i]->tid == ring->at[i]->pid)
			return false;
	return ring->n > 1;
}

static void add_ring_members(struct text *out, const struct finding *f, const ring_rows *ring)
{
	bool one = is_one_process(ring), threads = one && are_all_threads(ring);
	size_t shown = ring->n > LIST_MOST + 1 ? LIST_MOST : ring->n;

	text_add(out, threads ? "threads " : one ? "" : "processes ");
	for (size_t i = 0; i < shown; i++) {
		text_add(out, i == 0 ? "" : i + 1 == ring->n ? " and " : ", ");
		if (threads)
			text_addf(out, "%d", (int)ring->at[i]->tid);
		else
			word_thread(out, f, one ? ring->at[0]->pid : 0, ring->at[i]->pid, ring->at[i]->tid);
	}
	if (shown < ring->n)
		text_addf(out, " and %zu more", ring->n - shown);
	if (one) {
		text_add(out, " of ");
		word_who(out, f, ring->at[0]->pid);
	}
}

/** @return false: nothing is known of who holds what. */
static bool open_ring(struct text *out, const struct finding *f)
{
	ring_rows ring = {0};
	bool any;

	fact_ring(f, &ring);
	any = ring.n > 0;
	if (any)
		add_ring_members(out, f, &ring);
	if (ring.n == 1)
		text_addf(out, " waits for a lock that it holds itself (%s)", word_lock(fact_lock(f, ring.at[0])));
	else if (ring.n == 2)
		text_add(out, " wait for each other: each holds the lock that the other wants");
	else if (any)
		text_add(out, " wait for each other in a ring: each holds the lock that the one before it wants");
	vec_free(&ring);
	return any;
}

static void open_lock(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);
	bool file = b && fact_is_file_lock(b);
	struct lockers l = count_lockers(f);

	if (open_ring(out, f))
		return;
	if (f->nculprits > 1) {
		open_lock_of_many(out, f, l.mixed, file);
		return;
	}
	if (l.own && l.n > 1) {
		text_add(out, "nobody is left to wake the threads of ");
		add_culprits(out, f);
		text_addf(out, ": %zu of them wait for locks, queues or events of each other", l.n);
		return;
	}
	text_addf(out, "nobody is left to release the %s that ", file ? "file lock" : l.own ? "lock" : "lock or semaphore");
	add_culprits(out, f);
	text_add(out, " waits for");
	if (b && !l.own && b->nwaits_for_pids == 1 && fact_row(f, b->waits_for_pids[0])) {
		text_add(out, ": ");
		word_who(out, f, b->waits_for_pids[0]);
		text_add(out, ", which shares it, ");
		phrase_wait_short(out, f, fact_row(f, b->waits_for_pids[0]));
	}
}

static void open_socket(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);
	const struct finding_object *o = b ? fact_object(f, b->object) : NULL;

	if (o && o->listener) {
		text_add(out, "nobody is left to connect to the socket at which ");
		add_culprits(out, f);
		text_add(out, f->nculprits == 1 ? " listens" : " listen");
		return;
	}
	text_add(out, "nobody sends: ");
	add_culprits(out, f);
	text_add(out,
		 f->nculprits == 1 ? " waits for a message on a socket" : " wait for messages from each other over sockets");
}

/** Who waits for one of the culprits to end. */
static const struct blocked *waiting_parent(const struct finding *f)
{
	for (size_t i = f->nblocked; i-- > 0;)
		if (fact_awaits_end(&f->blocked[i]) && !f->blocked[i].culprit)
			for (size_t c = 0; c < f->nculprits; c++)
				if (fact_waits_for(&f->blocked[i], f->culprits[c]))
					return &f->blocked[i];
	return NULL;
}

static void open_child_wait(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f), *parent = waiting_parent(f);

	text_add(out, "the child that ");
	if (parent)
		word_who(out, f, parent->pid);
	else
		text_add(out, "the run");
	text_add(out, " waits for can't end: ");
	add_culprits(out, f);
	if (f->nculprits == 1 && b) {
		text_add(out, " ");
		phrase_wait_short(out, f, b);
	} else {
		text_add(out, " wait for something that never comes");
	}
}

static void open_prompt(struct text *out, const struct finding *f)
{
	struct end end;

	fact_end(f, &end);
	text_add(out, "nobody will answer: ");
	add_culprits(out, f);
	text_add(out, " reads its stdin");
	if (end.holders.n) {
		text_add(out, ", and ");
		word_list(out, f, end.holders.at, end.holders.n);
		text_addf(out, ", who alone could write to it or close it, %s for ", end.holders.n == 1 ? "waits" : "wait");
		add_culprits(out, f);
		text_add(out, " to end");
	}
	vec_free(&end.holders);
}

static void open_tty(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);
	bool stopped = b && b->role == ROLE_TTY, one = f->nculprits == 1;

	if (f->prompt_or_stdin) {
		open_prompt(out, f);
		return;
	}
	text_add(out, stopped ? "the terminal has stopped " : "nobody will type: ");
	add_culprits(out, f);
	if (stopped)
		text_addf(out, ", which used it from the background, and nobody is left to let %s go on", one ? "it" : "them");
	else
		text_addf(out, " %s for input from a terminal whose other side is held by processes that wait, too",
			  one ? "waits" : "wait");
}

static void open_deadlock(struct text *out, const struct finding *f)
{
	const struct blocked *b = fact_main(f);

	text_add(out, b && fact_in_loop(b) ? "nothing is left to wake the event loop of " : "nothing is left to wake ");
	add_culprits(out, f);
	if (b && fact_in_loop(b))
		text_add(out, ": no timer, and nobody who could cause an event");
}

/** What has not gone on, and for how long. */
static void open_quiet(struct text *out, const struct finding *f)
{
	double s = (double)f->quiet_ns / (double)NS_PER_S;

	text_addf(out, "for %.*f s no test has begun or ended, ", s < 10 ? 1 : 0, s);
	text_add(out, f->churns ? "and nothing was written; all the while the same processes or threads come and go" :
				  "no process or thread, and nothing was written");
	if (f->kind == FINDING_BUSY) {
		text_add(out, "; the processors are busy all the while");
	} else if (f->kind == FINDING_BACKPRESSURE) {
		text_add(out, "; ");
		add_culprits(out, f);
		text_addf(out, " wait%s to write, and whoever could read is not known to be stuck", f->nculprits > 1 ? "" : "s");
	} else if (f->nstuck) {
		text_addf(out, "; %zu of %zu tasks are stuck, the others could still move", f->nstuck, f->ntasks);
	}
}

static void open_stall(struct text *out, const struct finding *f)
{
	if (f->quiet_ns)
		open_quiet(out, f);
	else if (f->test_late)
		text_add(out, "the time for a test is over (--test-timeout), and it has not ended; it is slow or busy, but not known to be stuck");
	else if (f->nstuck)
		text_addf(out, "the time for this run is over: %zu of its %zu tasks are stuck, the others could still move",
			  f->nstuck, f->ntasks);
	else
		text_addf(out,
			  "the time for this run is over, and it has not ended; it is slow or busy, but not known to be stuck");
}

static void open_kind(struct text *out, const struct finding *f)
{
	switch (f->kind) {
	case FINDING_PIPE_FULL:
		open_full(out, f);
		break;
	case FINDING_PIPE_EOF:
		open_eof(out, f);
		break;
	case FINDING_LOCK:
		open_lock(out, f);
		break;
	case FINDING_FORK_LOCK:
		text_add(out, "the lock that ");
		add_culprits(out, f);
		text_add(out,
			 " waits for can't be released: it was held by another thread when the process was forked, and fork() "
			 "copies the lock but not that thread");
		break;
	case FINDING_SOCKET:
		open_socket(out, f);
		break;
	case FINDING_CHILD_WAIT:
		open_child_wait(out, f);
		break;
	case FINDING_TTY:
		open_tty(out, f);
		break;
	case FINDING_STOPPED:
		text_add(out, "nobody is left to let ");
		add_culprits(out, f);
		text_addf(out, " go on: %s stopped, by SIGSTOP or Ctrl-Z", f->nculprits == 1 ? "it was" : "they were");
		break;
	case FINDING_DEADLOCK:
		open_deadlock(out, f);
		break;
	case FINDING_STALL:
	case FINDING_BUSY:
	case FINDING_BACKPRESSURE:
		open_stall(out, f);
		break;
	case FINDING_LEAKED_PROCESS:
	case FINDING_ZOMBIE:
	case FINDING_LEAKED_LISTENER:
	case FINDING_STALE_SOCKET:
	case FINDING_LEAKED_SHM:
	case FINDING_PORT_HELD:
		leak_sentence(f, out);
		break;
	}
}

void report_summary(const struct finding *f, struct text *out)
{
	size_t from = out->n;

	if (f->certainty == SUSPECTED && !finding_is_stall(f) && !finding_is_leak(f))
		text_add(out, "it looks as if ");
	open_kind(out, f);
	text_add(out, ".");
	if (out->at[from] >= 'a' && out->at[from] <= 'z')
		out->at[from] = (char)(out->at[from] - 'a' + 'A');
}
