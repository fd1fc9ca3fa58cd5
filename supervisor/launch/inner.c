/* The inner process, as the supervisor sees it: the command's start, and one event after the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch/guard.h"

struct launch {
	struct guard g;
	sigset_t listen; /* what launch_next() waits for */
	pid_t command;
	int64_t started_ns;
	bool alive;   /* the command was not reaped, so its pid is nobody else's */
	bool stopped; /* ... and is stopped */
	bool exec_reported, outer_gone_reported;
	int outer_stat_fd;
	int64_t outer_looked_ns;
	bool outer_stop_followed;
	VEC(const char *) inherited;
};

/* ---- the start ---- */

static bool name_known(const struct launch *l, const char *name)
{
	for (size_t i = 0; i < l->inherited.n; i++)
		if (!strcmp(l->inherited.at[i], name))
			return true;
	return false;
}

static void note_inherited(struct launch *l)
{
	int_vec open_fds = {0};
	struct text name = {0};

	if (!sys_list_numbers(AT_FDCWD, "/proc/self/fd", &open_fds, NULL)) {
		for (size_t i = 0; i < open_fds.n; i++) {
			char path[32], target[4096];

			snprintf(path, sizeof path, "/proc/self/fd/%d", open_fds.at[i]);
			if (sys_readlink(AT_FDCWD, path, target, sizeof target, NULL) || name_known(l, target))
				continue; /* the descriptor of the listing itself is gone */
			name = (struct text){0};
			text_add(&name, target);
			vec_push(&l->inherited, name.at);
		}
	}
	vec_free(&open_fds);
}

/** All signals but those that mean a fault stay blocked: the supervisor must die of a fault, whoever sent it, and the outer
 *  process then adopts the command. */
static void block_signals(struct launch *l)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
	sigset_t open_set;

	l->listen = l->g.all;
	sigemptyset(&open_set);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		sigdelset(&l->listen, faults[i]);
		sigaddset(&open_set, faults[i]);
	}
	sigprocmask(SIG_UNBLOCK, &open_set, NULL);
}

static void start_command(struct launch *l)
{
	l->started_ns = sys_monotonic_ns();
	l->command = fork();
	if (!l->command)
		command_exec(&l->g);
	if (l->command < 0) {
		guard_stage_set(l->g.page, STAGE_FAILED, errno);
		_exit(GUARD_EXIT_FAILED);
	}
	guard_stage_running(l->g.page, l->command);
	l->alive = true;
}

int inner_start(const struct guard *g, struct launch **out)
{
	char path[32];

	prctl(PR_SET_PDEATHSIG, GUARD_ORPHAN);
	if (getppid() != g->outer) /* it died before the prctl */
		_exit(0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	struct launch *l = mem_alloc(sizeof *l);

	l->g = *g;
	start_command(l);
	/* Only now, for the command stays where it was. A session of our own, not only a group: a parent in another group of
	 * the same session would make the command's group non-orphaned (POSIX.1-2017, 3.264), so that Ctrl-Z in a container
	 * stops a command which nobody continues. From here on never open a terminal without O_NOCTTY. */
	setsid();
	note_inherited(l);
	guard_let_go(NULL);
	guard_rename(g, "tw-inner");
	snprintf(path, sizeof path, "/proc/%d/stat", (int)g->outer);
	l->outer_stat_fd = open(path, O_RDONLY | O_CLOEXEC);
	block_signals(l);
	*out = l;
	return 0;
}

pid_t launch_command(const struct launch *l)
{
	return l->command;
}

int64_t launch_started_ns(const struct launch *l)
{
	return l->started_ns;
}

const char *const *launch_inherited(const struct launch *l, size_t *n)
{
	*n = l->inherited.n;
	return l->inherited.at;
}

/* ---- the outer process ---- */

static bool outer_gone(const struct launch *l)
{
	return getppid() != l->g.outer;
}

static bool outer_stopped(const struct launch *l)
{
	char line[512];

	if (l->outer_stat_fd < 0 || sys_pread_text(l->outer_stat_fd, line, sizeof line) <= 0)
		return false;

	const char *end = strrchr(line, ')');

	return end && end[1] && end[2] == 'T';
}

/** A SIGSTOP to the outer process can't be caught or passed on: look whether it is stopped, and stop the command, once. And
 *  if it followed a stop of the command that was over by then, wake it. */
static void look_at_outer(struct launch *l)
{
	int64_t now_ns = sys_monotonic_ns();

	if (now_ns - l->outer_looked_ns < GUARD_TICK_NS || outer_gone(l))
		return;
	l->outer_looked_ns = now_ns;
	if (!outer_stopped(l)) {
		l->outer_stop_followed = false;
	} else if (!l->stopped && atomic_load(&l->g.page->outer_follows)) {
		kill(l->g.outer, SIGCONT);
	} else if (!l->stopped && l->alive && !l->outer_stop_followed) {
		l->outer_stop_followed = true;
		kill(l->command, SIGSTOP);
	}
}

static void command_stopped(struct launch *l, int sig)
{
	unsigned continued = atomic_load(&l->g.page->continued);

	l->stopped = true;
	if (!outer_gone(l))
		sigqueue(l->g.outer, GUARD_STOPS, (union sigval){.sival_int = guard_stop_value(sig, continued)});
}

static void command_continued(struct launch *l)
{
	l->stopped = l->outer_stop_followed = false;
	guard_barrier();
	if (!outer_gone(l) && outer_stopped(l))
		kill(l->g.outer, SIGCONT);
}

/* ---- children ---- */

static void reap(const siginfo_t *seen)
{
	bool stop = seen->si_code == CLD_STOPPED || seen->si_code == CLD_TRAPPED;
	int what = stop ? WSTOPPED : seen->si_code == CLD_CONTINUED ? WCONTINUED : WEXITED;
	siginfo_t info;

	waitid(P_PID, (id_t)seen->si_pid, &info, what | WNOHANG);
}

/** The end of the command, in two steps where it never began. Its status is in the page before it is reaped: whoever dies when,
 *  it is not lost. */
static void command_ended(struct launch *l, const siginfo_t *info, struct launch_event *ev)
{
	int error = atomic_load(&l->g.page->exec_errno), value;

	if (error && !l->exec_reported) {
		l->exec_reported = true;
		*ev = (struct launch_event){.kind = LAUNCH_EXEC_FAILED, .pid = l->command, .value = error};
		return; /* not reaped, so it is seen again */
	}
	*ev = (struct launch_event){.kind = LAUNCH_ENDED, .pid = l->command, .status = guard_wait_status(info)};
	if (guard_stage(l->g.page, &value) == STAGE_RUNNING)
		guard_stage_set(l->g.page, STAGE_ENDED, ev->status);
	l->alive = l->stopped = false;
	reap(info);
}

static bool command_changed(struct launch *l, const siginfo_t *info, struct launch_event *ev)
{
	switch (info->si_code) {
	case CLD_STOPPED:
		reap(info);
		command_stopped(l, info->si_status);
		*ev = (struct launch_event){.kind = LAUNCH_STOPPED, .pid = l->command, .value = info->si_status};
		return true;
	case CLD_CONTINUED:
		reap(info);
		command_continued(l);
		*ev = (struct launch_event){.kind = LAUNCH_CONTINUED, .pid = l->command};
		return true;
	case CLD_TRAPPED: /* of a tracer of ours, which is none of this room */
		reap(info);
		return false;
	default:
		command_ended(l, info, ev);
		return true;
	}
}

/** The next change of a child. @return false: there is none. */
static bool next_child(struct launch *l, struct launch_event *ev)
{
	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
			return false;
		if (info.si_pid == l->command && l->alive) {
			if (command_changed(l, &info, ev))
				return true;
			continue;
		}
		reap(&info);
		if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
			*ev = (struct launch_event){.kind = LAUNCH_ORPHAN, .pid = info.si_pid};
			ev->status = guard_wait_status(&info);
			return true;
		}
	}
}

/* ---- signals ---- */

/** @return true when it is one that somebody sent to tracewrap. */
static bool signal_for_us(const struct launch *l, int sig, const siginfo_t *info, struct launch_event *ev)
{
	int sent = sig;

	if (sig == SIGCHLD || info->si_code > 0 || info->si_pid == getpid())
		return false;
	if (info->si_pid == l->g.outer && info->si_code == SI_QUEUE && sig == GUARD_PASS)
		sent = info->si_value.sival_int;
	else if (sig == GUARD_ORPHAN && outer_gone(l))
		return false;
	else if (sig == SIGCONT) /* undoes a stop of this very process, which the command knows nothing of */
		return false;
	*ev = (struct launch_event){.kind = LAUNCH_SIGNAL, .pid = info->si_pid, .value = sent};
	return true;
}

int launch_next(struct launch *l, int64_t until_ns, struct launch_event *ev, struct err *err)
{
	(void)err;
	for (;;) {
		if (!l->outer_gone_reported && outer_gone(l)) {
			l->outer_gone_reported = true;
			*ev = (struct launch_event){.kind = LAUNCH_OUTER_GONE};
			return 0;
		}
		if (next_child(l, ev))
			return 0;
		look_at_outer(l);

		siginfo_t info = {0};
		int64_t wait_ns = until_ns - sys_monotonic_ns();
		int64_t nap_ns = wait_ns < 0 ? 0 : wait_ns < GUARD_TICK_NS ? wait_ns : GUARD_TICK_NS;
		int sig = guard_signal_wait(&l->listen, &info, nap_ns);

		if (sig && signal_for_us(l, sig, &info, ev))
			return 0;
		if (sig == GUARD_WAKE && info.si_code > 0) {
			*ev = (struct launch_event){.kind = LAUNCH_TICK};
			return 0;
		}
		if (!sig && wait_ns <= GUARD_TICK_NS && sys_monotonic_ns() >= until_ns) {
			*ev = (struct launch_event){.kind = LAUNCH_TICK};
			return 0;
		}
	}
}

int launch_wake_signal(void)
{
	return GUARD_WAKE;
}

bool launch_heard(struct launch *l, struct event *out)
{
	(void)l;
	(void)out;
	return false;
}

void launch_forward(struct launch *l, int sig)
{
	if (l->alive)
		kill(l->command, sig);
}

/* ---- the end ---- */

void launch_verdict(struct launch *l, int code)
{
	guard_stage_set(l->g.page, STAGE_VERDICT, code);
}

static _Noreturn void finish(struct launch *l, enum guard_stage stage, int value)
{
	static const struct timespec nap = {.tv_nsec = NS_PER_MS};

	guard_stage_set(l->g.page, stage, value);
	/* What it stands for has ended, and nobody else may wake it. It says that it will follow a stop before it looks
	 * whether the command still is stopped, so one of us two sees the other. */
	for (int i = 0; i < 1000 && !outer_gone(l); i++) {
		if (!atomic_load(&l->g.page->outer_follows) && !outer_stopped(l))
			break;
		kill(l->g.outer, SIGCONT);
		nanosleep(&nap, NULL);
	}
	_exit(0);
}

void launch_finish_status(struct launch *l, int status)
{
	finish(l, STAGE_DONE_STATUS, status);
}

void launch_finish_code(struct launch *l, int code)
{
	finish(l, STAGE_DONE_CODE, code);
}
