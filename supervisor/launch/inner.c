/* The inner process, as the supervisor sees it: the command's start, and one event after the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch/trace.h"

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
	struct heard *heard; /* NULL: nobody traces or listens */
	struct change ending; /* the command's end, while a failed exec is told first */
	pid_t tracer;        /* tid of the thread that traces; 0: none */
	int command_fd;      /* a pidfd, where the main thread is not the one that reaps; else -1 */
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
	if (l->tracer) /* one comes with each stop of a tracee; the tracer's thread wakes us when there is a change */
		sigdelset(&l->listen, SIGCHLD);
	sigemptyset(&open_set);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		sigdelset(&l->listen, faults[i]);
		sigaddset(&open_set, faults[i]);
	}
	sigprocmask(SIG_UNBLOCK, &open_set, NULL);
}

static _Noreturn void start_failed(struct launch *l, int error)
{
	guard_stage_set(l->g.page, STAGE_FAILED, error);
	_exit(GUARD_EXIT_FAILED);
}

/** @return our end of the talk with a command that is to be traced or listened to; -1: it needs none. */
static int start_command(struct launch *l)
{
	int talk[2] = {-1, -1}, rc;

	if (l->g.opt->trace && (rc = talk_open(talk)) < 0)
		start_failed(l, -rc);
	l->started_ns = sys_monotonic_ns();
	l->command = fork();
	if (!l->command)
		command_exec(&l->g, talk);
	if (l->command < 0)
		start_failed(l, errno);
	if (!l->g.opt->trace)
		guard_stage_running(l->g.page, l->command);
	atomic_store(&l->g.page->command_start, sys_process_start(l->command, NULL));
	l->alive = true;
	return talk[0];
}

/** Only once all that is the command's was let go of: its end of the talk would keep that one waiting. */
static void start_hearing(struct launch *l, int talk)
{
	/* a signal for each stop of a tracee would be for nothing: its thread waits anyway */
	static const struct sigaction no_stops = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};

	l->command_fd = -1;
	if (!l->g.opt->trace)
		return;
	l->heard = heard_new(pthread_self());
	if (l->g.opt->trace == LAUNCH_PTRACE) {
		sigaction(SIGCHLD, &no_stops, NULL);
		l->command_fd = sys_pidfd_open(l->command);
	}
	talk_inner(&l->g, l->command, talk, l->heard, &l->tracer);
}

int inner_start(const struct guard *g, struct launch **out)
{
	char path[32];

	prctl(PR_SET_PDEATHSIG, GUARD_ORPHAN);
	if (getppid() != g->outer) /* it died before the prctl */
		_exit(0);
	if (!g->opt->no_reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1);

	struct launch *l = mem_alloc(sizeof *l);

	l->g = *g;

	int talk = start_command(l);

	/* Only now, for the command stays where it was. A session of our own, not only a group: a parent in another group of
	 * the same session would make the command's group non-orphaned (POSIX.1-2017, 3.264), so that Ctrl-Z in a container
	 * stops a command which nobody continues. From here on never open a terminal without O_NOCTTY. */
	setsid();
	note_inherited(l);
	guard_let_go((const int[]){talk, g->handover[1], g->opt->keep_ours[0], g->opt->keep_ours[1]}, 4);
	guard_rename(g, "tw-inner");
	start_hearing(l, talk);
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

pid_t launch_tracer(const struct launch *l)
{
	return l->tracer;
}

bool launch_holds_stopped(const struct launch *l, pid_t tid)
{
	return l->tracer && heard_is_listening(l->heard, tid);
}

/** Where another thread reaps, the number may be somebody else's by now. */
static void signal_command(const struct launch *l, int sig)
{
	if (l->command_fd >= 0)
		syscall(SYS_pidfd_send_signal, l->command_fd, sig, NULL, 0);
	else
		kill(l->command, sig);
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
		signal_command(l, SIGSTOP);
	}
}

static void command_stopped(struct launch *l, int sig)
{
	unsigned continued = atomic_load(&l->g.page->continued);

	l->stopped = true;
	if (!outer_gone(l) && !atomic_load(&l->g.page->held))
		sigqueue(l->g.outer, GUARD_STOPS, (union sigval){.sival_int = guard_stop_value(sig, continued)});
}

static void command_continued(struct launch *l)
{
	l->stopped = l->outer_stop_followed = false;
	atomic_store(&l->g.page->held, false);
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
static bool exec_failed(struct launch *l, struct launch_event *ev)
{
	int error = atomic_load(&l->g.page->exec_errno);

	if (!error || l->exec_reported)
		return false;
	l->exec_reported = true;
	*ev = (struct launch_event){.kind = LAUNCH_EXEC_FAILED, .pid = l->command, .value = error};
	return true;
}

static void ended_with(struct launch *l, int status, struct launch_event *ev)
{
	int value;

	*ev = (struct launch_event){.kind = LAUNCH_ENDED, .pid = l->command, .status = status};
	if (guard_stage(l->g.page, &value) == STAGE_RUNNING)
		guard_stage_set(l->g.page, STAGE_ENDED, status);
	l->alive = l->stopped = false;
}

static void command_ended(struct launch *l, const siginfo_t *info, struct launch_event *ev)
{
	if (exec_failed(l, ev))
		return; /* not reaped, so it is seen again */
	ended_with(l, guard_wait_status(info), ev);
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
	case CLD_TRAPPED: /* by a tracer of ours: then that one waits, see next_change() */
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

/** The same, where the tracer's thread waits for children. */
static bool next_change(struct launch *l, struct launch_event *ev)
{
	struct change c = l->ending;

	if (!c.pid && !heard_next_change(l->heard, &c))
		return false;
	l->ending = (struct change){0};
	*ev = (struct launch_event){.pid = c.pid, .status = c.status};
	switch (c.kind) {
	case CHANGE_ENDED:
		if (exec_failed(l, ev))
			l->ending = c; /* comes again */
		else
			ended_with(l, c.status, ev);
		break;
	case CHANGE_STOPPED:
		command_stopped(l, WSTOPSIG(c.status));
		*ev = (struct launch_event){.kind = LAUNCH_STOPPED, .pid = c.pid, .value = WSTOPSIG(c.status)};
		break;
	case CHANGE_CONTINUED:
		command_continued(l);
		ev->kind = LAUNCH_CONTINUED;
		break;
	case CHANGE_ORPHAN:
		ev->kind = LAUNCH_ORPHAN;
		break;
	}
	return true;
}

/* ---- signals ---- */

/** @return true when it is one that somebody sent to tracewrap. */
static bool signal_for_us(const struct launch *l, int sig, const siginfo_t *info, struct launch_event *ev)
{
	int sent = sig;

	if (sig == SIGCHLD || info->si_code > 0 || info->si_pid == getpid())
		return false;
	if (info->si_pid == l->g.outer && info->si_code == SI_QUEUE && sig == GUARD_PASS) {
		sent = info->si_value.sival_int;
		atomic_fetch_and(&l->g.page->handed, ~(UINT64_C(1) << ((unsigned)(sent - 1) & 63)));
	} else if (sig == GUARD_ORPHAN && outer_gone(l))
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
		if (l->tracer ? next_change(l, ev) : next_child(l, ev))
			return 0;
		look_at_outer(l);

		siginfo_t info = {0};
		int64_t wait_ns = until_ns - sys_monotonic_ns();
		int64_t nap_ns = wait_ns < 0 ? 0 : wait_ns < GUARD_TICK_NS ? wait_ns : GUARD_TICK_NS;
		int sig = guard_signal_wait(&l->listen, &info, nap_ns);

		if (sig && signal_for_us(l, sig, &info, ev))
			return 0;
		if ((sig == GUARD_WAKE && info.si_code > 0) || (l->heard && heard_urgent(l->heard))) {
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
	return l->heard && heard_next_event(l->heard, out);
}

void launch_forward(struct launch *l, int sig)
{
	if (l->alive)
		signal_command(l, sig);
}

/* ---- the end ---- */

void launch_verdict(struct launch *l, int code)
{
	guard_stage_set(l->g.page, STAGE_VERDICT, code);
}

void launch_hold(struct launch *l, bool hold, int code)
{
	int value;

	atomic_store(&l->g.page->held, hold);
	if (hold)
		guard_stage_set(l->g.page, STAGE_VERDICT, code);
	else if (guard_stage(l->g.page, &value) == STAGE_VERDICT && l->alive)
		guard_stage_set(l->g.page, STAGE_RUNNING, 0);
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
