/* Passes over the counters, looks at who waits for whom, and what follows from them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "watch/sight.h"

/* A task that stood still for so long may be asked whether it can ever move again while a tree is being ended. */
#define HOPELESS_STILL_NS (100 * NS_PER_MS)
/* Between two passes while events come in storms. */
#define STORM_PERIOD_NS (2 * NS_PER_MS)
/* Snapshots are thrown away when processes come and go; a report that can't wait tries so often. */
enum { TRIES = 5 };

/* ---- verdicts ---- */

void look_history(struct run *r)
{
	struct err err = {0};

	heard_drain(r);
	/* a pass that fails has told history what it saw; the report does without the rest */
	if (r->observe && observe_pass(r->observe, sys_monotonic_ns(), r->history, &r->pass, &err) < 0)
		return;
	heard_drain(r);
	history_settle(r->history);
	events_push(r);
}

static void note_tests(struct run *r, const struct snapshot *s)
{
	for (size_t i = 0; i < s->nprocs; i++) {
		const struct process *p = &s->procs[i];
		struct process_row *row = p->test ? history_living(r->history, p->pid) : NULL;

		if (row && !row->test)
			row->test = strdup(p->test);
	}
}

static void replace_finding(struct run *r, struct finding *f)
{
	finding_free(r->finding);
	r->finding = f;
	r->shown = false;
}

static bool make_finding(struct run *r, struct sight *sight, enum certainty certainty)
{
	struct finding *f;

	look_history(r);
	f = sight_find(r, sight, certainty);
	if (!f)
		return false;
	note_tests(r, sight->snapshot);
	replace_finding(r, f);
	return true;
}

static void make_stall(struct run *r, struct sight *sight, const struct stall_facts *how)
{
	struct finding *f = explain_stall(sight->snapshot, sight->proof, how);

	note_tests(r, sight->snapshot);
	if (stacks_look(r, sight->snapshot, f)) {
		finding_free(f);
		f = explain_stall(sight->snapshot, sight->proof, how);
	}
	f->detected_ns = sys_monotonic_ns();
	replace_finding(r, f);
}

/** The order matters: the verdict is on disk before anybody is told, and told before anybody is signalled. */
static void speak_proof(struct run *r, struct sight *sight)
{
	if (!make_finding(r, sight, PROVEN)) { /* what its stacks tell has taken the ground from under it */
		policy_take_back(&r->policy);
		return;
	}
	logs_take(r);
	files_save_snapshot(r, sight->snapshot);
	files_write(r, OUTCOME_HANG, EXIT_HANG, false);
	if (r->opt->on_hang == ON_HANG_KILL)
		launch_verdict(r->launch, EXIT_HANG);
	say_screen(r, OUTCOME_HANG);
	if (r->opt->on_hang == ON_HANG_RESCUE && rescue_try(r, sight->snapshot))
		return;
	if (r->opt->on_hang == ON_HANG_RESCUE) {
		r->rescue_over = true;
		files_write(r, OUTCOME_HANG, EXIT_HANG, false); /* with what was tried */
		launch_verdict(r->launch, EXIT_HANG);
	} else if (r->opt->on_hang != ON_HANG_KILL) {
		say_closing(r, OUTCOME_HANG);
	}
	r->proven = true;
	if (r->opt->on_hang == ON_HANG_STOP && !r->was_held)
		hold_tree(r);
}

static void speak_suspicion(struct run *r, struct sight *sight)
{
	if (!make_finding(r, sight, SUSPECTED))
		return;
	logs_take(r);
	files_save_snapshot(r, sight->snapshot);
	files_write(r, OUTCOME_STALL, EXIT_HANG, false);
	if (r->opt->verbosity > SAY_HANGS)
		say_screen(r, OUTCOME_STALL);
}

/** A proof was true when it was spoken: somebody outside has moved the tree since, an interrupt most likely. It stays in the report. */
static void withdraw(struct run *r)
{
	if (!r->finding || r->proven)
		return;
	if (r->opt->verbosity > SAY_HANGS)
		say_line(r, "it moves again: the suspicion of a hang is withdrawn");
	replace_finding(r, NULL);
}

static void judge(struct run *r, struct sight *sight, enum look look, int64_t now_ns)
{
	switch (policy_judge(&r->policy, now_ns, look, sight->snapshot, sight->proof, sight->focus.at, sight->focus.n)) {
	case JUDGE_PROVEN:
		speak_proof(r, sight);
		break;
	case JUDGE_SUSPECTED:
		speak_suspicion(r, sight);
		break;
	case JUDGE_WITHDRAWN:
		withdraw(r);
		break;
	case JUDGE_NOTHING:
	case JUDGE_WAIT:
	case JUDGE_STANDS:
		break;
	}
}

static void look(struct run *r, enum look kind, int64_t now_ns)
{
	struct sight sight = {0};
	int64_t cpu_ns = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	int rc = sight_take(r, &sight, now_ns, r->opt->horizon_ns, false);

	if (!rc && !sight.proof->whole)
		sight_widen(r, &sight);
	policy_look_cost(&r->policy, sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns);
	if (rc) {
		policy_lost_snapshot(&r->policy, now_ns);
		sight_free(&sight);
		return;
	}
	judge(r, &sight, kind, now_ns);
	sight_free(&sight);
}

static bool sees_seed(struct run *r, int64_t now_ns, int64_t *until_ns)
{
	char words[160];

	return observe_seed(r->observe, now_ns, r->opt->horizon_ns, until_ns, words, sizeof words) != NULL;
}

/** Where only threads move that want a lock, or could, for a timeout: do their stacks say that they can't? *UNTIL_NS is what it was, or 0
 *  where a stack was not to be had just now. */
static bool stacks_say_still(struct run *r, enum look kind, int64_t now_ns, int64_t *until_ns)
{
	int64_t cpu_ns = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	enum known known = known_ask(r, now_ns);
	bool still = known != KNOWN_NONE && !sees_seed(r, now_ns, until_ns);

	if (known == KNOWN_SOME)
		*until_ns = 0;
	if (kind != LOOK_FAST)
		policy_saw_stacks(&r->policy, now_ns, sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns);
	return still;
}

/** Is nothing seen that moves by itself, in a tree that may be worth a fast look? */
bool look_may_be_still(struct run *r, enum look kind, int64_t now_ns)
{
	int64_t until_ns = 0;

	if (kind != LOOK_FAST)
		return policy_look_stacks(&r->policy, &r->pass, now_ns) && stacks_say_still(r, kind, now_ns, &until_ns);
	if (!sees_seed(r, now_ns, &until_ns) || (until_ns && stacks_say_still(r, kind, now_ns, &until_ns)))
		return true;
	policy_saw_seed(&r->policy, now_ns, until_ns);
	return false;
}

void look_pass(struct run *r, int64_t now_ns)
{
	struct err err = {0};
	int64_t cpu_ns = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	r->storm = false;
	heard_drain(r);
	if (observe_pass(r->observe, now_ns, r->history, &r->pass, &err) < 0) {
		r->next_pass_ns = now_ns + NS_PER_S;
		return;
	}
	heard_drain(r); /* the end of whom the pass has missed was told of before */
	history_settle(r->history);
	events_push(r);
	cpu_ns = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	r->period_ns = policy_pass_period_ns(cpu_ns > r->pass.alarms_ns ? cpu_ns - r->pass.alarms_ns : 0);
	r->next_pass_ns = now_ns + (r->storm ? STORM_PERIOD_NS : r->period_ns);

	enum look kind = policy_look(&r->policy, &r->pass, now_ns);

	if (look_may_be_still(r, kind, now_ns)) {
		kind = LOOK_FAST;
	} else if (kind == LOOK_FAST) {
		kind = policy_look(&r->policy, &r->pass, now_ns); /* a slow one may be due all the same */
		if (kind == LOOK_FAST)
			kind = LOOK_NOT;
	}
	if (kind == LOOK_SLOW && !r->finding && !observe_any_focus(r->observe, now_ns, r->opt->horizon_ns))
		policy_nobody_waits(&r->policy, now_ns);
	else if (kind != LOOK_NOT)
		look(r, kind, now_ns);
}

/** One that can't wait for a tree to stand still. */
static int sight_try(struct run *r, struct sight *sight)
{
	int rc = OBSERVE_MOVED;

	for (int i = 0; i < TRIES && rc == OBSERVE_MOVED; i++)
		rc = sight_take(r, sight, sys_monotonic_ns(), r->opt->horizon_ns, true);
	return rc;
}

/** HOW: what to say when nobody is stuck; NULL: nothing. */
static void look_for_report(struct run *r, const struct stall_facts *how)
{
	struct sight sight = {0};

	if (!r->observe || r->finding)
		return;
	if (sight_try(r, &sight) == 0) {
		if (!sight.proof->whole)
			sight_widen(r, &sight);
		if (!make_finding(r, &sight, SUSPECTED) && how)
			make_stall(r, &sight, how);
		files_save_snapshot(r, sight.snapshot);
	}
	sight_free(&sight);
}

void look_now(struct run *r, bool time_over)
{
	static const struct stall_facts over = {0};

	look_for_report(r, time_over ? &over : NULL);
}

void look_stall(struct run *r, const struct stall_facts *how)
{
	look_for_report(r, how);
	if (r->finding)
		r->finding->quiet_ns = how->quiet_ns;
}

bool look_prompt(struct run *r)
{
	struct sight sight = {0};
	bool prompt = r->observe && sight_try(r, &sight) == 0 && sight_prompts(&sight);

	sight_free(&sight);
	return prompt;
}

void look_forget(struct run *r)
{
	if (!r->proven)
		replace_finding(r, NULL);
}

bool look_hopeless(struct run *r, int64_t until_ns)
{
	struct err err = {0};
	struct sight sight = {0};
	char words[160];
	int64_t now_ns = sys_monotonic_ns(), seed_until_ns;

	if (!r->observe || until_ns <= now_ns || observe_pass(r->observe, now_ns, r->history, &r->pass, &err) < 0)
		return false;
	if (r->pass.ntasks == 0 || now_ns - r->pass.still_since_ns < HOPELESS_STILL_NS)
		return false;
	if (observe_seed(r->observe, now_ns, until_ns - now_ns, &seed_until_ns, words, sizeof words))
		return false;

	bool hopeless = sight_take(r, &sight, now_ns, until_ns - now_ns, false) == 0 && sight.proof->whole;

	sight_free(&sight);
	return hopeless;
}

/* ---- SIGUSR1 ---- */

static void add_task_line(const struct run *r, const struct sight *sight, size_t i, struct text *out)
{
	struct text_style style = {.width = r->opt->width, .folder = *r->folder ? r->folder : NULL};

	const struct snapshot *s = sight->snapshot;
	const struct task *t = &s->tasks[i];
	const struct fate *fate = &sight->proof->fates[i];
	char label[40];

	if (t->wait.op == WAIT_DEAD)
		return;
	process_label(&s->procs[t->proc], label, sizeof label);
	text_addf(out, "  %s[%d]", label, t->pid);
	if (t->tid != t->pid)
		text_addf(out, "/%d", t->tid);
	text_addf(out, "  %s", *t->call ? t->call : "-");
	if (t->wait.op == WAIT_FDS && t->wait.non && t->wait.on[0].object >= 0)
		text_addf(out, "(%d %s)", t->wait.on[0].fd, s->objects[t->wait.on[0].object].name);
	text_addf(out, "  %s\n", fate->stuck ? "stuck" : fate->reason ? fate->reason : "may move");
	report_place(stacks_of_thread(s->procs[t->proc].stacks, t->tid), &style, out);
}

void look_print(struct run *r)
{
	struct sight sight = {0};
	OWNED_TEXT out = {0};
	int rc = r->observe ? sight_try(r, &sight) : OBSERVE_MOVED;

	if (rc) {
		say_line(r, "the tree moves: no picture of it just now");
	} else {
		say_line(r, "%zu processes, %zu tasks, %zu of them stuck", sight.snapshot->nprocs, sight.snapshot->ntasks,
			 sight.proof->nstuck);
		stacks_look_all(r, sight.snapshot);
		for (size_t i = 0; i < sight.snapshot->ntasks; i++)
			add_task_line(r, &sight, i, &out);
		say_text(r, &out);
	}
	sight_free(&sight);
}
