/* The outer process: the pid that users and CI know. It waits, passes signals in and the end out; should the supervisor die, it
 * adopts the command and sees it through. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/trace.h"

/* timeout(1) and others signal the pid and then the group; a signal to us is held so long to see whether the group gets it. */
#define HOLD_NS        (10 * NS_PER_MS)
#define SETTLE_NS      (1 * NS_PER_S)
#define SETTLE_STEP_NS (10 * NS_PER_MS)

struct held {
	int sig;
	int64_t until_ns;
};

struct outer {
	const struct guard *g;
	struct witness *witness;
	pid_t inner; /* 0 once it was reaped */
	int inner_status;
	bool adopted; /* the command is our own child now */
	bool ended;   /* ... and has ended with command_status */
	int command_status;
	struct held held[64]; /* the oldest first; all are held equally long */
	size_t nheld;
	int_vec before; /* children from before our exec, and who they left: never signalled, never counted */
};

/* ---- the end ---- */

/** Deliver SIG to ourselves with its default action; returns after a stop, or when nothing happened. */
static void take_signal(int sig)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, sig);
	signal(sig, SIG_DFL);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
}

/** End as STATUS says. Whoever started us sees the same death by signal, but the core file is the command's. */
static _Noreturn void leave(struct outer *o, int status)
{
	static const struct rlimit no_core = {0, 0};

	witness_end(o->witness);
	if (WIFSIGNALED(status)) {
		setrlimit(RLIMIT_CORE, &no_core);
		prctl(PR_SET_DUMPABLE, 0); /* a core pattern that is a pipe ignores the limit (core(5)) */
		take_signal(WTERMSIG(status));
		_exit(128 + WTERMSIG(status)); /* pid 1 of a namespace survives its own signals */
	}
	_exit(WEXITSTATUS(status));
}

static void skip_list(const struct outer *o, int_vec *skip)
{
	for (size_t i = 0; i < o->before.n; i++)
		vec_push(skip, o->before.at[i]);
	vec_push(skip, o->witness->pid);
}

/** Give what is left some time to go by itself: a pool's workers, a pipe's readers. */
static void settle(struct outer *o, const int_vec *skip)
{
	int64_t until_ns = sys_monotonic_ns() + SETTLE_NS;
	process_vec left = {0};

	while (sys_monotonic_ns() < until_ns && !sys_descendants(getpid(), skip->at, skip->n, &left, NULL) && left.n) {
		siginfo_t info;

		for (size_t i = 0; i < left.n; i++)
			if (left.at[i].parent == getpid())
				waitpid(left.at[i].pid, NULL, WNOHANG);
		guard_signal_wait(&o->g->all, &info, SETTLE_STEP_NS);
	}
	vec_free(&left);
}

static bool any_lives(const process_vec *tree)
{
	for (size_t i = 0; i < tree->n; i++)
		if (tree->at[i].state != 'Z')
			return true;
	return false;
}

/** With --reaper off the command has become somebody else's child: it is ended last, for who is below it is found through it alone. */
static void end_stranger(const struct outer *o)
{
	sys_process command = {.pid = atomic_load(&o->g->page->command), .start_ticks = atomic_load(&o->g->page->command_start)};
	int64_t begun_ns = sys_monotonic_ns(), now_ns;
	process_vec below = {0};
	siginfo_t info;

	if (!o->g->opt->no_reaper || !command.start_ticks)
		return;
	while (now_ns = sys_monotonic_ns(), now_ns - begun_ns < GUARD_KILL_LIMIT_NS &&
	       sys_process_start(command.pid, &command.state) == command.start_ticks && command.state != 'Z') {
		if (sys_descendants(command.pid, NULL, 0, &below, NULL) || !any_lives(&below) || now_ns - begun_ns >= SETTLE_NS) {
			below.n = 0;
			vec_push(&below, command);
		}
		act_kill(&below, NULL);
		guard_signal_wait(&o->g->all, &info, SETTLE_STEP_NS);
	}
	vec_free(&below);
}

static _Noreturn void end_tree_and_leave(struct outer *o, bool with_time, int status)
{
	int_vec skip = {0};

	skip_list(o, &skip);
	if (with_time)
		settle(o, &skip);

	end_stranger(o);

	size_t left = act_end_tree(skip.at, skip.n, GUARD_KILL_LIMIT_NS, NULL);

	if (left)
		sys_sayf("tracewrap: %zu of the command's processes could not be killed\n", left);
	vec_free(&skip);
	leave(o, status);
}

/* ---- the inner process died ---- */

static void say_inner_died(const struct outer *o, const char *what_now)
{
	char name[16];

	if (WIFSIGNALED(o->inner_status))
		sys_sayf("tracewrap: the supervisor was killed by %s; %s\n", sys_signal_name(WTERMSIG(o->inner_status), name),
			 what_now);
	else
		sys_sayf("tracewrap: the supervisor ended with code %d; %s\n", WEXITSTATUS(o->inner_status), what_now);
}

static _Noreturn void adopted_ended(struct outer *o)
{
	int error = atomic_load(&o->g->page->exec_errno);

	if (error)
		sys_sayf("tracewrap: %s: %s\n", o->g->opt->argv[0], strerror(error));
	end_tree_and_leave(o, true, o->command_status);
}

/** A SIGCONT is on its way to the command. A stop would take it from us, for generating the one discards the other (signal(7)). */
static bool continue_on_its_way(const struct outer *o)
{
	sigset_t pending;

	for (size_t i = 0; i < o->nheld; i++)
		if (o->held[i].sig == SIGCONT)
			return true;
	return !sigpending(&pending) && sigismember(&pending, SIGCONT) > 0;
}

/** Stop as the command did, so that the shell says rightly who was stopped by what, and takes its terminal back. */
static void follow_stop(struct outer *o, int sig)
{
	char state = 0;

	guard_barrier();
	atomic_store(&o->g->page->outer_follows, true); /* before the look: see finish() of the inner process */
	sys_process_start(atomic_load(&o->g->page->command), &state);
	if ((state == 'T' || (state == 't' && atomic_load(&o->g->page->group_stopped))) && !continue_on_its_way(o))
		take_signal(sig);
	atomic_store(&o->g->page->outer_follows, false);
}

static void heard(struct outer *o, int sig, const siginfo_t *info);
static void release_held(struct outer *o);
static void pass_on(struct outer *o, int sig);

static int start_failed(struct outer *o, int error, struct err *err)
{
	witness_end(o->witness);
	vec_free(&o->before);
	return talk_reason(o->g, error, err);
}

/** Without an answer each trapped call would wait for ever, without a listener it would fail (seccomp(2): ENOSYS). */
static void answer_calls(const struct outer *o)
{
	int listener = talk_take_listener(o->g);

	if (listener >= 0)
		listener_adopt(listener, o->g->page);
}

/** With --reaper off the kernel has handed the command to somebody else: it can be waited for and signalled, but what it ends with is
 *  told to its new parent alone. */
static _Noreturn void see_off_stranger(struct outer *o)
{
	pid_t command = atomic_load(&o->g->page->command);
	uint64_t start = atomic_load(&o->g->page->command_start);

	say_inner_died(o, "the command runs on unsupervised; without the reaper its end can't be passed on");
	o->adopted = true;
	for (;;) {
		siginfo_t info = {0};
		char state = 0;

		if (!start || sys_process_start(command, &state) != start || state == 'Z' || state == 'X')
			break;

		int sig = guard_signal_wait(&o->g->all, &info, GUARD_TICK_NS);

		if (sig && sig != SIGCHLD)
			heard(o, sig, &info);
		release_held(o);
	}
	leave(o, W_EXITCODE(GUARD_EXIT_FAILED, 0));
}

/** By then the kernel has handed us its children: we are the next subreaper up (PR_SET_CHILD_SUBREAPER, prctl(2)). */
static int inner_gone(struct outer *o, struct err *err)
{
	int value;

	switch (guard_stage(o->g->page, &value)) {
	case STAGE_DONE_STATUS:
		leave(o, value);
	case STAGE_DONE_CODE:
		leave(o, W_EXITCODE(value, 0));
	case STAGE_FAILED:
		return start_failed(o, value, err);
	case STAGE_STARTING:
		say_inner_died(o, "the command had not begun");
		end_tree_and_leave(o, false, W_EXITCODE(GUARD_EXIT_FAILED, 0));
	case STAGE_ENDED:
		say_inner_died(o, "the command had ended");
		end_tree_and_leave(o, true, value);
	case STAGE_VERDICT:
		say_inner_died(o, "it had given its verdict, the command is ended");
		end_tree_and_leave(o, false, W_EXITCODE(value, 0));
	case STAGE_RUNNING:
		break;
	}
	if (o->g->opt->trace == LAUNCH_PTRACE) { /* PTRACE_O_EXITKILL; without its tracer each trapped call would fail anyway */
		say_inner_died(o, "the command, which it traced, has ended with it");
		end_tree_and_leave(o, false, W_EXITCODE(GUARD_EXIT_FAILED, 0));
	}
	answer_calls(o);
	if (o->g->opt->no_reaper)
		see_off_stranger(o);
	say_inner_died(o, "the command runs on unsupervised");
	o->adopted = true;
	if (o->ended)
		adopted_ended(o);
	uint64_t lost = atomic_exchange(&o->g->page->handed, 0);

	for (int sig = 1; sig <= 64; sig++)
		if (lost >> (sig - 1) & 1)
			pass_on(o, sig);
	if (!(lost >> (SIGCONT - 1) & 1))
		follow_stop(o, SIGSTOP); /* the inner one may have died before it told us */
	return 0;
}

static bool is_known(const struct outer *o, pid_t pid)
{
	for (size_t i = 0; i < o->before.n; i++)
		if (o->before.at[i] == pid)
			return true;
	return pid == o->inner || pid == o->witness->pid;
}

/** Who becomes our child while the inner process lives comes from a child of before: the command's orphans are its own. The
 *  list counts only if the inner one is alive after it was made, for its death hands over all at once. */
static void note_before(struct outer *o)
{
	process_vec now = {0};
	siginfo_t inner = {0};

	if (o->before.n && !sys_descendants(getpid(), NULL, 0, &now, NULL) &&
	    !waitid(P_PID, (id_t)o->inner, &inner, WEXITED | WNOHANG | WNOWAIT) && !inner.si_pid)
		for (size_t i = 0; i < now.n; i++)
			if (now.at[i].parent == getpid() && !is_known(o, now.at[i].pid))
				vec_push(&o->before, now.at[i].pid);
	vec_free(&now);
}

static void forget_before(struct outer *o, pid_t pid)
{
	for (size_t i = 0; i < o->before.n; i++)
		if (o->before.at[i] == pid)
			o->before.at[i] = 0; /* stays in the list, so that note_before() goes on looking */
}

/** Take one child's change of state. */
static void child_changed(struct outer *o, pid_t pid, int status)
{
	bool left = WIFEXITED(status) || WIFSIGNALED(status);

	if (pid == o->inner && left) {
		o->inner = 0;
		o->inner_status = status;
	} else if (pid == o->witness->pid && left) {
		o->witness->pid = 0;
		witness_start(o->witness, o->g);
	} else if (pid == atomic_load(&o->g->page->command) && left) {
		o->ended = true;
		o->command_status = status;
	} else if (pid == atomic_load(&o->g->page->command) && WIFSTOPPED(status) && o->adopted) {
		follow_stop(o, WSTOPSIG(status));
	} else if (left) {
		forget_before(o, pid);
	}
}

static int reap(struct outer *o, struct err *err)
{
	bool had_inner = o->inner != 0;
	pid_t pid;
	int status;

	if (had_inner)
		note_before(o);
	while ((pid = waitpid(-1, &status, WNOHANG | (o->adopted ? WUNTRACED : 0))) > 0)
		child_changed(o, pid, status);
	if (had_inner && !o->inner)
		return inner_gone(o, err);
	if (o->adopted && o->ended)
		adopted_ended(o);
	return 0;
}

/* ---- signals on their way in ---- */

static void pass_on(struct outer *o, int sig)
{
	if (o->adopted && o->g->opt->no_reaper) { /* somebody else reaps it: the number may be another's */
		sys_signal_process(atomic_load(&o->g->page->command), atomic_load(&o->g->page->command_start), sig);
		return;
	}
	if (o->adopted) {
		kill(atomic_load(&o->g->page->command), sig);
		return;
	}
	atomic_fetch_or(&o->g->page->handed, UINT64_C(1) << (sig - 1));
	/* the queue may be full (RLIMIT_SIGPENDING); a signal to the inner process itself means the same to it */
	if (sigqueue(o->inner, GUARD_PASS, (union sigval){.sival_int = sig}) < 0)
		kill(o->inner, sig);
}

static void held_drop(struct outer *o, size_t i)
{
	memmove(&o->held[i], &o->held[i + 1], (--o->nheld - i) * sizeof o->held[0]);
}

/** The group got it, and so did the command. */
static void to_the_group(struct outer *o)
{
	uint64_t seen = witness_renew(o->witness, o->g);

	for (size_t i = o->nheld; i-- > 0;)
		if (seen >> (o->held[i].sig - 1) & 1)
			held_drop(o, i);
}

static void hold(struct outer *o, int sig)
{
	if (o->nheld == ARRAY_SIZE(o->held)) {
		pass_on(o, o->held[0].sig);
		held_drop(o, 0);
	}
	o->held[o->nheld++] = (struct held){.sig = sig, .until_ns = sys_monotonic_ns() + HOLD_NS};
}

static void release_held(struct outer *o)
{
	while (o->nheld && o->held[0].until_ns <= sys_monotonic_ns()) {
		int sig = o->held[0].sig;

		if (witness_saw(o->witness, sig)) {
			to_the_group(o);
			continue;
		}
		held_drop(o, 0);
		pass_on(o, sig);
	}
}

/** While we hold the command stopped, what the keyboard sends to the group reaches nobody: it is told to the inner process, and
 *  Ctrl-Z gives the shell its terminal back. */
static bool heard_while_held(struct outer *o, int sig)
{
	if (!atomic_load(&o->g->page->held) || (sig != SIGINT && sig != SIGTERM && sig != SIGQUIT && sig != SIGHUP && sig != SIGTSTP))
		return false;
	if (witness_saw(o->witness, sig))
		to_the_group(o);
	if (sig == SIGTSTP)
		take_signal(sig);
	else
		pass_on(o, sig);
	return true;
}

static void heard(struct outer *o, int sig, const siginfo_t *info)
{
	bool from_kernel = info->si_code > 0;

	/* our own: SIGPIPE when standard error has no reader; SIGCONT of the inner one, when the command went on */
	if (!from_kernel && (info->si_pid == o->g->outer || (o->inner && info->si_pid == o->inner)))
		return;
	if (heard_while_held(o, sig))
		return;
	if (sig == SIGCONT)
		atomic_fetch_add(&o->g->page->continued, 1);
	if (witness_saw(o->witness, sig))
		to_the_group(o);
	else if (from_kernel) /* to us alone: SIGHUP as the leader of a session, SIGALRM of a timer that exec kept */
		pass_on(o, sig);
	else
		hold(o, sig);
}

static int64_t until_released_ns(const struct outer *o)
{
	int64_t wait_ns = o->nheld ? o->held[0].until_ns - sys_monotonic_ns() : -1;

	return o->nheld && wait_ns < 0 ? 0 : wait_ns;
}

int outer_run(const struct guard *g, struct witness *w, pid_t inner, const int *before, size_t nbefore, struct err *err)
{
	struct outer o = {.g = g, .witness = w, .inner = inner};
	int rc = 0;

	guard_let_go((const int[]){g->handover[0], g->opt->keep[0], g->opt->keep[1]}, 3);
	for (size_t i = 0; i < nbefore; i++)
		vec_push(&o.before, before[i]);
	while (!rc) {
		siginfo_t info = {0};
		int sig = guard_signal_wait(&g->all, &info, until_released_ns(&o));

		if (sig == SIGCHLD)
			rc = reap(&o, err);
		else if (sig == GUARD_STOPS && info.si_code == SI_QUEUE && o.inner && info.si_pid == o.inner) {
			if (!guard_stop_stale(info.si_value.sival_int, atomic_load(&g->page->continued)))
				follow_stop(&o, guard_stop_signal(info.si_value.sival_int));
		} else if (sig)
			heard(&o, sig, &info);
		release_held(&o);
	}
	return rc;
}
