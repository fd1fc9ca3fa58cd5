/* Stalls: nothing is proven, and nothing goes on. Progress is a test that begins or ends, a process or thread that does, or output; a
 * counter that ticks is none. Processes and threads that come and go, and are the same again and again, are progress for a while: a pool
 * whose workers can't begin, or a loop that asks for a server, may do so for ever. --test-timeout bounds one test, whatever goes on in it.
 */
#include <string.h>

#include "parse/parse.h"
#include "watch/sight.h"

/* How often what was written is added up: well within the time of a stall. */
#define OUTPUT_EVERY_MOST_NS (5 * NS_PER_S)
#define OUTPUT_EVERY_LEAST_NS (100 * NS_PER_MS)
/* Of one core, since the last progress: more is no waiting. */
enum { BUSY_PERCENT = 50 };
/* Nothing but the same processes and threads is told when that has gone on for so many times --stall. */
enum { CHURN_TIMES = 5 };
/* The youngest rows of the history, which a pass may have found. */
enum { ROWS_ASKED = 64 };
/* Where processes come and go, snapshots fail; it is told without one when as many passes in a row had none. */
enum { LOOKS_MOST = 20 };

struct running_test {
	pid_t pid;
	char *test;
	int64_t since_ns; /* of the run's clock */
};

struct stall {
	int64_t since_ns; /* the last progress, by the run's clock */
	int64_t firm_ns;  /* the last that was more than the same processes and threads once more */
	struct idmap *commands; /* hashes of the command lines that processes had since a test began or ended, or something was written */
	bool churns;	  /* what changed since the last progress was none any more */
	int looks;	  /* in vain, for a report */
	int64_t asked_ns; /* when the output was last added up */
	uint64_t output;
	struct idmap *wanted; /* of each process */
	uint64_t wanted_ns; /* observe_wanted_ns() and when, behind the last progress; 0: not asked yet */
	int64_t wanted_at_ns;
	bool told;
	VEC(struct running_test) tests;
};

/** It goes on after all. */
static void stall_over(struct run *r)
{
	if (r->opt->verbosity > SAY_HANGS)
		say_line(r, "it goes on: the clock of the stall begins anew");
	look_forget(r);
}

void stall_begin(struct run *r)
{
	r->stall = mem_alloc(sizeof *r->stall);
	r->stall->commands = idmap_new();
}

static void progress(struct run *r, int64_t clock_ns)
{
	struct stall *st = r->stall;

	st->since_ns = clock_ns;
	st->wanted_at_ns = 0;
	st->churns = false;
	st->looks = 0;
	if (st->told)
		stall_over(r);
	st->told = false;
}

void stall_progress(struct run *r)
{
	struct stall *st = r->stall;

	if (!st)
		return;
	st->firm_ns = run_clock_ns(r, sys_monotonic_ns());
	idmap_free(st->commands);
	st->commands = idmap_new();
	progress(r, st->firm_ns);
}

static uint64_t hash_command(const struct process_row *row)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; row->cmdline && i < row->cmdline_len; i++)
		hash = (hash ^ (unsigned char)row->cmdline[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/** Has a process begun whose command line is not one more of the same? */
static bool any_new_command(struct run *r)
{
	size_t n = history_count(r->history);
	bool any = false;

	for (size_t i = n > ROWS_ASKED ? n - ROWS_ASKED : 0; i < n; i++) {
		uint64_t hash = hash_command(history_at(r->history, i));

		if (idmap_get(r->stall->commands, hash, NULL))
			continue;
		idmap_put(r->stall->commands, hash, 0);
		any = true;
	}
	return any;
}

/** Processes or threads have begun or ended. */
static void tasks_changed(struct run *r, int64_t clock_ns)
{
	struct stall *st = r->stall;

	if (any_new_command(r))
		st->firm_ns = clock_ns;
	if (clock_ns - st->firm_ns <= (CHURN_TIMES - 1) * r->opt->stall_ns)
		progress(r, clock_ns);
	else
		st->churns = true;
}

void stall_test_seen(struct run *r, pid_t pid, const char *test)
{
	struct running_test *known = NULL;

	if (!r->stall)
		return;
	for (size_t i = 0; i < r->stall->tests.n; i++)
		if (r->stall->tests.at[i].pid == pid)
			known = &r->stall->tests.at[i];
	if (known ? strcmp(known->test, test ? test : "") == 0 : !test)
		return;
	if (!known) {
		vec_push(&r->stall->tests, (struct running_test){.pid = pid});
		known = &r->stall->tests.at[r->stall->tests.n - 1];
	}
	mem_free(known->test);
	known->test = strcpy(mem_alloc(strlen(test ? test : "") + 1), test ? test : "");
	known->since_ns = run_clock_ns(r, sys_monotonic_ns());
	stall_progress(r);
}

/** A look may come late: the less often a process is asked, the longer it has shown none. */
void stall_heard(struct run *r, const struct event *ev)
{
	struct current_test now;
	OWNED_TEXT id = {0};

	if (parse_current_test(ev->text, strlen(ev->text), &now) == 0) {
		text_addn(&id, now.id, now.id_len);
		stall_test_seen(r, ev->pid, text_str(&id));
	} else {
		stall_test_seen(r, ev->pid, NULL);
	}
	stall_progress(r); /* its next phase is progress, too */
}

static bool any_test(const struct run *r)
{
	for (size_t i = 0; i < r->stall->tests.n; i++)
		if (*r->stall->tests.at[i].test && history_living(r->history, r->stall->tests.at[i].pid))
			return true;
	return false;
}

static void test_seen(void *data, pid_t pid, const char *test)
{
	stall_test_seen(data, pid, test);
}

static int64_t output_every_ns(const struct run *r)
{
	int64_t ns = r->opt->stall_ns / 8;

	return ns > OUTPUT_EVERY_MOST_NS ? OUTPUT_EVERY_MOST_NS : ns < OUTPUT_EVERY_LEAST_NS ? OUTPUT_EVERY_LEAST_NS : ns;
}

static void look_at_output(struct run *r, int64_t clock_ns)
{
	struct stall *st = r->stall;
	uint64_t output;

	if (clock_ns - st->asked_ns < output_every_ns(r))
		return;
	st->asked_ns = clock_ns;
	output = observe_output(r->observe);
	if (output != st->output)
		stall_progress(r);
	st->output = output;
	if (!st->wanted_at_ns) {
		idmap_free(st->wanted);
		st->wanted = idmap_new();
		st->wanted_ns = observe_wanted_ns(r->observe, st->wanted);
		st->wanted_at_ns = sys_monotonic_ns();
	}
}

/** What has been wanted of the processors since the last progress. */
static struct stall_facts how_busy(struct run *r)
{
	const struct stall *st = r->stall;
	struct stall_facts how = {0};
	struct idmap *now = idmap_new();
	uint64_t wanted_ns = observe_wanted_ns(r->observe, now), most_ns = 0;
	int64_t passed_ns = sys_monotonic_ns() - st->wanted_at_ns;
	process_vec tree = {0};
	struct err err = {0};

	how.busy = st->wanted_at_ns && passed_ns > 0 && wanted_ns > st->wanted_ns &&
		   (wanted_ns - st->wanted_ns) * 100 / (uint64_t)passed_ns >= BUSY_PERCENT;
	if (st->wanted && observe_tree(r->observe, &tree, &err) < 0)
		tree.n = 0;
	for (size_t i = 0; st->wanted && i < tree.n; i++) {
		size_t before, after;

		if (!idmap_get(now, (uint64_t)tree.at[i].pid, &after) || !idmap_get(st->wanted, (uint64_t)tree.at[i].pid, &before) ||
		    after <= before || after - before <= most_ns)
			continue;
		most_ns = after - before;
		how.busiest = tree.at[i].pid;
	}
	vec_free(&tree);
	idmap_free(now);
	return how;
}

/** The test that has taken longer than it may; NULL: none. */
static const struct running_test *overdue_test(const struct run *r, int64_t clock_ns)
{
	for (size_t i = 0; r->opt->test_timeout_ns && i < r->stall->tests.n; i++) {
		const struct running_test *t = &r->stall->tests.at[i];

		if (*t->test && clock_ns - t->since_ns >= r->opt->test_timeout_ns && history_living(r->history, t->pid))
			return t;
	}
	return NULL;
}

/** Under a controller the worker alone is ended. */
static bool end_worker_of(struct run *r, const struct running_test *t)
{
	return r->opt->on_stall == ON_STALL_KILL && worker_end(r, t->pid);
}

/** A suspicion that has stood for the time of a stall, while others run. */
static void look_at_suspicion(struct run *r, int64_t now_ns)
{
	const struct finding *f = r->finding;

	if (!f || !f->test || finding_is_stall(f) || !r->opt->stall_ns || now_ns - f->onset_ns < r->opt->stall_ns)
		return;
	for (size_t i = 0; i < r->stall->tests.n; i++) {
		const struct running_test *t = &r->stall->tests.at[i];

		if (strcmp(t->test, f->test) == 0 && history_living(r->history, t->pid)) {
			end_worker_of(r, t);
			return;
		}
	}
}

/** All workers that still run a test, in a run in which nothing goes on. @return whether any was ended. */
static bool end_workers(struct run *r)
{
	bool any = false;

	for (size_t i = 0; i < r->stall->tests.n; i++) {
		struct running_test *t = &r->stall->tests.at[i];

		if (*t->test && history_living(r->history, t->pid) && end_worker_of(r, t)) {
			*t->test = '\0';
			any = true;
		}
	}
	return any;
}

static void end_test(struct run *r, const struct running_test *t)
{
	say_line(r, "%s has taken longer than it may (--test-timeout): ending the run", t->test);
	r->stalled = true;
}

/** The post-mortem first, whatever follows. */
static void stall_told(struct run *r)
{
	files_write(r, OUTCOME_STALL, EXIT_HANG, false);
	if (r->opt->on_stall == ON_STALL_KILL && end_workers(r)) {
		stall_progress(r);
	} else if (r->opt->on_stall == ON_STALL_KILL) {
		say_line(r, "no progress for %.0f s (--stall): ending it", (double)r->opt->stall_ns / (double)NS_PER_S);
		r->stalled = true;
	} else if (!r->shown && r->opt->verbosity > SAY_HANGS) {
		say_screen(r, OUTCOME_STALL);
	}
}

void stall_pass(struct run *r, int64_t now_ns)
{
	struct stall *st = r->stall;
	int64_t clock_ns = run_clock_ns(r, now_ns);
	const struct running_test *late;
	struct stall_facts how;

	if (!st || r->proven || r->holding) /* a proof that is only told stands, and nothing is waited for */
		return;
	if (!r->leaks) /* which asks for its own sake */
		observe_running_tests(r->observe, now_ns, test_seen, r);
	if (r->opt->worker && !any_test(r)) /* one end of a pipe protocol may wait for work for as long as it takes */
		stall_progress(r);
	else if (r->pass.changed)
		tasks_changed(r, clock_ns);
	late = overdue_test(r, clock_ns);
	if (late) {
		look_stall(r, &(struct stall_facts){.test_late = true});
		if (!end_worker_of(r, late))
			end_test(r, late);
		return;
	}
	look_at_suspicion(r, now_ns);
	if (!r->opt->stall_ns || st->told)
		return;
	look_at_output(r, clock_ns);
	if (clock_ns - st->since_ns < r->opt->stall_ns)
		return;
	if (look_prompt(r)) { /* a human is asked, who may take his time */
		if (r->opt->verbosity >= SAY_MORE)
			say_line(r, "an answer is awaited at the terminal: the clock of --stall stands");
		stall_progress(r);
		return;
	}
	how = how_busy(r);
	how.churns = st->churns;
	how.quiet_ns = clock_ns - (how.churns ? st->firm_ns : st->since_ns);
	look_stall(r, &how);
	if (!r->finding && ++st->looks < LOOKS_MOST)
		return;
	st->told = true;
	stall_told(r);
}
