/* The loop: events of the launch and passes of the sampler, until the command has ended or a verdict ends it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "watch/run.h"

/* Ended processes that the history keeps: the report of a day-long run must not grow without bound. */
enum { HISTORY_MOST = 2000 };
/* Without a sampler there is nothing to do but to wait for events. */
#define IDLE_NS (1 * NS_PER_S)
/* After the death of the outer guard nobody waits for us: the tree is ended at once. */
#define END_LIMIT_NS (5 * NS_PER_S)

int64_t run_clock_ns(const struct run *r, int64_t now_ns)
{
	int64_t until_ns = r->stopped_at_ns ? r->stopped_at_ns : now_ns;

	return until_ns - r->started_ns - r->paused_ns;
}

/* ---- events ---- */

static void note_end(struct run *r, pid_t pid, int status)
{
	bool exited = WIFEXITED(status);

	history_exited(r->history, pid, sys_monotonic_ns(), exited ? EXIT_CODE : EXIT_SIGNAL,
		       exited ? WEXITSTATUS(status) : WTERMSIG(status), FROM_SAMPLER);
	events_push(r);
}

static void command_ended(struct run *r, const struct launch_event *ev)
{
	r->ended = true;
	r->status = ev->status;
	if (r->holding)
		hold_release(r);
	heard_drain(r); /* what it has told comes before its end */
	note_end(r, launch_command(r->launch), ev->status);
}

static void orphan_ended(struct run *r, const struct launch_event *ev)
{
	leaks_orphan(r, ev->pid);
	note_end(r, ev->pid, ev->status);
}

/** The command hears each signal once. A second SIGINT or SIGTERM is the wish that it ends: the ladder follows (see supervise()). */
static void take_signal(struct run *r, int sig)
{
	if (sig == SIGUSR1) {
		look_print(r);
		return;
	}
	if (r->holding && hold_takes(r, sig))
		return;
	if (sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT)
		r->interrupted = true;
	if (sig == SIGINT || sig == SIGTERM)
		r->interrupts++;
	if (!r->ended && !(r->interrupts > 1 && (sig == SIGINT || sig == SIGTERM)))
		launch_forward(r->launch, sig);
}

static void command_stopped(struct run *r, bool stopped)
{
	int64_t now_ns = sys_monotonic_ns();

	if (stopped && !r->stopped_at_ns) {
		r->stopped_at_ns = now_ns;
	} else if (!stopped && r->stopped_at_ns) {
		r->paused_ns += now_ns - r->stopped_at_ns;
		r->stopped_at_ns = 0;
		policy_pause(&r->policy);
	}
	if (!stopped && r->holding)
		hold_release(r);
}

void run_step(struct run *r, int64_t until_ns)
{
	struct launch_event ev;
	struct err err = {0};

	if (launch_next(r->launch, until_ns, &ev, &err) < 0)
		return;
	switch (ev.kind) {
	case LAUNCH_TICK:
		break;
	case LAUNCH_ENDED:
		command_ended(r, &ev);
		break;
	case LAUNCH_EXEC_FAILED:
		r->exec_error = ev.value;
		break;
	case LAUNCH_STOPPED:
	case LAUNCH_CONTINUED:
		command_stopped(r, ev.kind == LAUNCH_STOPPED);
		break;
	case LAUNCH_ORPHAN:
		orphan_ended(r, &ev);
		break;
	case LAUNCH_SIGNAL:
		take_signal(r, ev.value);
		break;
	case LAUNCH_OUTER_GONE:
		r->outer_gone = true;
		break;
	}
}

/* ---- the run ---- */

static int64_t next_moment_ns(const struct run *r)
{
	int64_t now_ns = sys_monotonic_ns();
	int64_t next_ns = r->observe && !r->stopped_at_ns ? r->next_pass_ns : now_ns + IDLE_NS;

	if (r->opt->timeout_ns && !r->stopped_at_ns) {
		int64_t over_ns = now_ns + r->opt->timeout_ns - run_clock_ns(r, now_ns);

		next_ns = over_ns < next_ns ? over_ns : next_ns;
	}
	return next_ns;
}

bool run_ends_by_hang(const struct run *r)
{
	return r->proven && (r->opt->on_hang == ON_HANG_KILL || (r->opt->on_hang == ON_HANG_RESCUE && r->rescue_over));
}

static bool goes_on(const struct run *r)
{
	return !r->ended && !r->outer_gone && !r->time_over && !r->stalled && r->interrupts < 2 && !r->hold_over &&
	       !run_ends_by_hang(r);
}

static void supervise(struct run *r)
{
	while (goes_on(r)) {
		run_step(r, next_moment_ns(r));
		leaks_wake(r);
		heard_drain(r);

		int64_t now_ns = sys_monotonic_ns();

		if (!goes_on(r) || r->stopped_at_ns)
			continue;
		if (r->opt->timeout_ns && run_clock_ns(r, now_ns) >= r->opt->timeout_ns)
			r->time_over = true;
		else if (r->observe && now_ns >= r->next_pass_ns) {
			look_pass(r, now_ns);
			leaks_pass(r, now_ns);
			stall_pass(r, now_ns);
		}
	}
}

/* ---- its end ---- */

static int exit_code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static enum outcome outcome_of(const struct run *r)
{
	if (WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0)
		return OUTCOME_PASS; /* be it that somebody outside has freed it from a hang */
	if (r->proven)
		return OUTCOME_HANG;
	if (r->worker_ended)
		return OUTCOME_STALL;
	return r->interrupted || (WIFSIGNALED(r->status) && WTERMSIG(r->status) == SIGINT) ? OUTCOME_INTERRUPTED : OUTCOME_FAIL;
}

/** A verdict of ours ends the run: the tree goes step by step, and the exit code says why. */
static _Noreturn void end_by_verdict(struct run *r, enum outcome outcome)
{
	cleanup_tree(r);
	leaks_cut(r);
	look_history(r);
	files_write(r, outcome, EXIT_HANG, true);
	say_closing(r, outcome);
	pages_finish(r, outcome, EXIT_HANG);
	events_end(r);
	launch_finish_code(r->launch, EXIT_HANG);
}

/** No progress, or a test that takes too long: the reason was said, the finding is there. */
static _Noreturn void end_by_stall(struct run *r)
{
	files_write(r, OUTCOME_STALL, EXIT_HANG, false);
	launch_verdict(r->launch, EXIT_HANG);
	if (r->finding && !r->shown)
		say_screen(r, OUTCOME_STALL);
	end_by_verdict(r, OUTCOME_STALL);
}

static _Noreturn void end_by_timeout(struct run *r)
{
	look_now(r, true);
	files_write(r, r->proven ? OUTCOME_HANG : OUTCOME_STALL, EXIT_HANG, false);
	launch_verdict(r->launch, EXIT_HANG);
	say_line(r, "the time of the run is over (--timeout): ending it");
	if (r->finding && !r->shown)
		say_screen(r, OUTCOME_STALL);
	end_by_verdict(r, r->proven ? OUTCOME_HANG : OUTCOME_STALL);
}

/** Whoever killed the outer guard wants the run gone; nobody is left to pass an end to. The report says what was going on. */
static _Noreturn void end_without_outer(struct run *r)
{
	const pid_t nobody = 0;

	look_now(r, false);
	files_write(r, OUTCOME_INTERRUPTED, 128 + SIGKILL, false);
	act_end_tree(&nobody, 0, END_LIMIT_NS, &r->log);
	if (r->opt->no_reaper)
		cleanup_strangers(r, END_LIMIT_NS);
	files_write(r, OUTCOME_INTERRUPTED, 128 + SIGKILL, true);
	pages_finish(r, OUTCOME_INTERRUPTED, 128 + SIGKILL);
	events_end(r);
	launch_finish_code(r->launch, 128 + SIGKILL);
}

static _Noreturn void end_without_exec(struct run *r)
{
	int code = r->exec_error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;

	sys_sayf("tracewrap: %s: %s\n", r->opt->argv[0], strerror(r->exec_error));
	files_write(r, OUTCOME_ERROR, code, true);
	events_end(r);
	launch_finish_code(r->launch, code);
}

static _Noreturn void end_by_itself(struct run *r)
{
	if (r->observe)
		cleanup_leftovers(r);
	else
		act_end_tree(NULL, 0, END_LIMIT_NS, &r->log);
	if (!r->proven && r->finding) { /* it has moved on after all */
		finding_free(r->finding);
		r->finding = NULL;
	}
	look_history(r);

	bool leaked = leaks_find_all(r) && r->opt->leaks == LEAKS_FAIL && r->status == 0;

	files_write(r, outcome_of(r), leaked ? EXIT_LEAKED : exit_code_of(r->status), true);
	leaks_say(r, outcome_of(r));
	pages_finish(r, outcome_of(r), leaked ? EXIT_LEAKED : exit_code_of(r->status));
	heard_say_unheard(r);
	events_end(r);
	if (leaked)
		launch_finish_code(r->launch, EXIT_LEAKED);
	launch_finish_status(r->launch, r->status);
}

/* ---- */

static bool holds_stopped(const void *launch, pid_t tid)
{
	return launch_holds_stopped(launch, tid);
}

static void open_observe(struct run *r)
{
	struct err err = {0};
	struct observe_options opt = {
		.supervisor = getpid(),
		.skip = {getppid()},
		.root = launch_command(r->launch),
		.timers_before = r->opt->timers_before,
		.closed_before = r->opt->closed_before,
		.no_reaper = r->opt->no_reaper,
		.alarms_heard = r->opt->mode == MODE_PRELOAD,
		.all_alarms_heard = r->opt->mode == MODE_PTRACE || r->opt->mode == MODE_NOTIFY,
		.tracer = launch_tracer(r->launch),
		.holds_stopped = holds_stopped,
		.who = r->launch,
	};

	opt.inherited = launch_inherited(r->launch, &opt.ninherited);
	if (observe_open(&opt, &r->observe, &err) < 0) {
		r->observe = NULL;
		say_line(r, "can't watch, the command runs as it would without us: %s", err.text);
	}
}

static void say_begin(const struct run *r)
{
	const char *const *blind = r->observe ? observe_blind_spots(r->observe) : NULL;

	if (r->opt->verbosity < SAY_MORE)
		return;
	say_line(r, "watching process %d (mode %s)", (int)launch_command(r->launch), mode_name(r->opt->mode));
	for (; blind && *blind; blind++)
		say_line(r, "blind spot: %s", *blind);
}

const char *mode_name(enum mode mode)
{
	static const char *const names[] = {"proc", "preload", "ptrace", "notify"};

	return names[mode];
}

void watch_timers(struct text *out)
{
	if (sys_read_file(AT_FDCWD, "/proc/timer_list", out, NULL) != 0)
		text_free(out);
}

void watch_run(struct launch *l, const struct watch_options *opt)
{
	struct run r = {.opt = opt, .launch = l};
	int64_t now_ns = sys_monotonic_ns();

	r.started_ns = launch_started_ns(l);
	r.wall_start_s = (int64_t)time(NULL) - (now_ns - r.started_ns) / NS_PER_S;
	r.next_pass_ns = now_ns;
	r.history = history_new(HISTORY_MOST);
	if (!getcwd(r.folder, sizeof r.folder))
		*r.folder = '\0';
	policy_begin(&r.policy, opt->assume);
	open_observe(&r);
	stall_begin(&r);
	leaks_begin(&r);
	events_begin(&r);
	heard_open(&r);
	say_begin(&r);
	supervise(&r);
	if (r.outer_gone)
		end_without_outer(&r);
	if (r.exec_error)
		end_without_exec(&r);
	if (r.ended)
		end_by_itself(&r);
	leaks_left(&r); /* what is in use now is stale behind the clean-up */
	if (r.time_over)
		end_by_timeout(&r);
	if (r.stalled)
		end_by_stall(&r);
	if (r.hold_over || run_ends_by_hang(&r))
		end_by_verdict(&r, OUTCOME_HANG);
	cleanup_tree(&r); /* asked for by a second SIGINT or SIGTERM */
	leaks_cut(&r);
	if (!r.ended)
		launch_finish_code(l, 128 + SIGKILL); /* it could not even be killed: uninterruptible */
	end_by_itself(&r);
}
