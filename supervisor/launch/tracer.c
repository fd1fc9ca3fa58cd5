/* The tracer: a thread that seizes the command before its exec, and from then on owns every wait of the inner process, for only
 * the seizing thread may act on a tracee, and waitid(2) in another thread would take its stops away (ptrace(2), wait(2)). */
#include <linux/audit.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "launch/trace.h"
#include "parse/parse.h"

/* Not TRACEEXIT: a third stop for each thread, and the wait status tells of the end anyway. CLONE is needed: an untraced thread's
 * trapped calls would fail with ENOSYS. */
#define OPTIONS                                                                                                        \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
	 PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP)

struct tracer {
	pid_t command, tid;
	struct guard_page *page;
	struct heard *heard;
	struct tracees *all;
	int seize_error; /* 0 or -errno */
	sem_t seized;
};

/* ---- events ---- */

static struct event event_of(enum event_kind kind, const struct tracee *t)
{
	return (struct event){
		.kind = kind, .source = FROM_TRACER, .at_ns = sys_monotonic_ns(), .pid = t->pid, .tid = t->tid, .fd = -1,
		.token = NO_TOKEN,
	};
}

static void tell_fork(struct tracer *tr, pid_t parent, pid_t caller, pid_t child)
{
	struct event ev = event_of(EVENT_FORK, &(struct tracee){.tid = caller, .pid = parent});

	ev.child = child;
	heard_event(tr->heard, ev);
}

/* ---- who there is ---- */

static pid_t field_pid(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? (pid_t)strtol(at + strlen(name), NULL, 10) : 0;
}

/** A task whose first stop comes before the event of its parent, or whose parent was killed before it had one. */
static struct tracee *meet(struct tracer *tr, pid_t tid)
{
	struct tracee t = {.tid = tid, .pid = tid, .by_stop = true};
	OWNED_TEXT status = {0};
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	if (!sys_read_file(AT_FDCWD, path, &status, NULL)) {
		t.pid = field_pid(text_str(&status), "\nTgid:");
		t.parent = field_pid(text_str(&status), "\nPPid:");
	}
	if (t.pid == tid)
		tell_fork(tr, t.parent, t.parent, tid);
	return tracees_add(tr->all, t);
}

static bool is_thread_of(pid_t pid, pid_t tid)
{
	/* signal 0 asks only; a thread that may not be signalled is there as well (tgkill(2)) */
	return !syscall(SYS_tgkill, pid, tid, 0) || errno == EPERM;
}

static void forked(struct tracer *tr, const struct tracee *parent, pid_t child)
{
	struct tracee t = {.tid = child, .pid = child, .parent = parent->pid}, by = *parent;
	struct tracee *known = tracees_find(tr->all, child);

	if (known && known->by_stop) {
		known->by_stop = false;
		return;
	}
	if (!known && tracees_was_early(tr->all, child))
		return;
	if (known) /* it was killed before its first stop, and its number is used again */
		tracees_drop(tr->all, child);
	if (is_thread_of(by.pid, child))
		t.pid = by.pid;
	tracees_add(tr->all, t);
	if (t.pid == child)
		tell_fork(tr, by.pid, by.tid, child);
}

/** Exec by another thread than the first: that one takes the process's number, and its own never reports an end (ptrace(2),
 *  "execve(2) under ptrace"). */
static void execed(struct tracer *tr, struct tracee *t, pid_t former)
{
	struct user_regs_struct regs = {0};
	struct event ev = event_of(EVENT_EXEC, t);
	char path[32], file[4096] = "";
	OWNED_TEXT words = {0};

	free(t->call);
	t->call = NULL;
	if (!ptrace(PTRACE_GETREGS, t->tid, NULL, &regs))
		ev.image = regs.rsp; /* at this stop still where start_stack is (fs/binfmt_elf.c) */
	snprintf(path, sizeof path, "/proc/%d/exe", (int)t->tid);
	if (!sys_readlink(AT_FDCWD, path, file, sizeof file, NULL))
		text_clean(file, strlen(file));
	ev.text = file;
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)t->tid);
	if (!sys_read_file(AT_FDCWD, path, &words, NULL) && words.n) {
		ev.words = words.at;
		ev.words_len = words.n;
	}
	heard_event(tr->heard, ev);
	if (former != t->tid) {
		heard_listens(tr->heard, former, false);
		tracees_drop(tr->all, former);
	}
}

/* ---- trapped calls ---- */

static bool call_begins(struct tracee *t)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) < 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP ||
	    info.arch != AUDIT_ARCH_X86_64)
		return false;
	if (!t->call)
		t->call = mem_alloc(sizeof *t->call);
	if (trapped_read(t->tid, (int)info.seccomp.nr, info.seccomp.args, t->call))
		return true;
	free(t->call);
	t->call = NULL;
	return false;
}

static void call_returned(struct tracer *tr, struct tracee *t)
{
	struct __ptrace_syscall_info info = {0};
	struct trapped *call = t->call;

	t->call = NULL;
	if (call && ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_EXIT &&
	    trapped_done(call, info.exit.rval)) {
		bool socket = call->kind == EVENT_BIND || call->kind == EVENT_LISTEN;
		int type = 0;

		if (socket)
			trapped_ask_socket(t->pid, t->tid, call, info.exit.rval >= 0, &type);

		struct event ev = trapped_event(call, t->pid, t->tid);

		ev.source = FROM_TRACER;
		ev.socket_type = type;
		ev.error = socket && info.exit.rval < 0 ? (int)-info.exit.rval : 0;
		heard_event(tr->heard, ev);
	}
	free(call);
}

/* ---- stops and ends ---- */

static void stopped(struct tracer *tr, struct tracee *t, int status)
{
	bool first = !t->listens;

	if (first)
		heard_listens(tr->heard, t->tid, true);
	t->listens = true;
	if (t->tid != tr->command || !first)
		return;
	atomic_store(&tr->page->group_stopped, true);
	heard_change(tr->heard, (struct change){CHANGE_STOPPED, t->tid, W_STOPCODE(WSTOPSIG(status))});
}

static void trap(struct tracer *tr, struct tracee *t)
{
	if (!t->listens)
		return;
	t->listens = false;
	heard_listens(tr->heard, t->tid, false);
	if (t->tid != tr->command)
		return;
	atomic_store(&tr->page->group_stopped, false);
	heard_change(tr->heard, (struct change){.kind = CHANGE_CONTINUED, .pid = t->tid});
}

/** Where this process is the parent as well there is one report of an end; else a second one comes if the parent ends without
 *  having waited, and the zombie becomes ours. */
static void ended(struct tracer *tr, pid_t tid, int status)
{
	struct tracee *t = tracees_find(tr->all, tid);
	bool known = t != NULL, process = t && t->pid == tid, orphan = !t || (process && !tracees_find(tr->all, t->parent));

	if (process) {
		struct event ev = event_of(EVENT_EXIT, t);

		ev.status = status;
		ev.exact = true;
		heard_event(tr->heard, ev);
	}
	if (t && t->listens)
		heard_listens(tr->heard, tid, false);
	tracees_drop(tr->all, tid);
	if (known && tid == tr->command)
		heard_change(tr->heard, (struct change){CHANGE_ENDED, tid, status});
	else if (orphan)
		heard_change(tr->heard, (struct change){CHANGE_ORPHAN, tid, status});
}

static pid_t message(pid_t tid)
{
	unsigned long value = 0;

	return ptrace(PTRACE_GETEVENTMSG, tid, NULL, &value) < 0 ? 0 : (pid_t)value;
}

/** Act on one status. What fails here fails since the task was killed meanwhile; its end is reported next. */
static void step(struct tracer *tr, pid_t tid, int status)
{
	struct trace_step s = trace_decode(status);
	struct tracee *t = s.what == TRACE_ENDED ? NULL : tracees_find(tr->all, tid);
	bool result_wanted = false;

	if (s.what == TRACE_ENDED) {
		ended(tr, tid, status);
		return;
	}
	if (!t)
		t = meet(tr, tid);
	switch (s.what) {
	case TRACE_STOPPED:
		stopped(tr, t, status);
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
		return;
	case TRACE_TRAP:
		trap(tr, t);
		break;
	case TRACE_FORKED:
		forked(tr, t, message(tid));
		break;
	case TRACE_EXECED:
		execed(tr, t, message(tid));
		break;
	case TRACE_CALLS:
		result_wanted = call_begins(t);
		break;
	case TRACE_RETURNED:
		call_returned(tr, t);
		break;
	case TRACE_SIGNAL:
	case TRACE_OTHER:
	case TRACE_ENDED:
		break;
	}
	ptrace(result_wanted ? PTRACE_SYSCALL : PTRACE_CONT, tid, NULL, (unsigned long)s.signal);
}

static void *tracer_main(void *arg)
{
	struct tracer *tr = arg;
	int status;
	pid_t tid;

	prctl(PR_SET_NAME, "tw-tracer");
	tr->tid = gettid();
	tr->seize_error = ptrace(PTRACE_SEIZE, tr->command, NULL, OPTIONS) < 0 ? -errno : 0;
	if (!tr->seize_error)
		tracees_add(tr->all, (struct tracee){.tid = tr->command, .pid = tr->command, .parent = getpid()});

	bool failed = tr->seize_error != 0;

	sem_post(&tr->seized);
	/* Without any child there is no descendant, and never again one: the main thread starts nobody. */
	while (!failed && ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR))
		if (tid > 0)
			step(tr, tid, status);
	return NULL;
}

int tracer_start(pid_t command, struct guard_page *page, struct heard *heard, pid_t *tid)
{
	struct tracer *tr = mem_alloc(sizeof *tr);
	pthread_t thread;
	int rc;

	*tr = (struct tracer){.command = command, .page = page, .heard = heard, .all = tracees_new()};
	sem_init(&tr->seized, 0, 0);
	rc = pthread_create(&thread, NULL, tracer_main, tr);
	if (rc)
		return -rc;
	pthread_detach(thread);
	while (sem_wait(&tr->seized) < 0 && errno == EINTR)
		;
	*tid = tr->tid;
	return tr->seize_error; /* it stays until the end of the process */
}
