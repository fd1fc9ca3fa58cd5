/* The run of `test`: a child becomes what `tracewrap COMMAND` is, in our process group, on our terminal; we wait, pass on what is addressed
 * to us, stop when it stops, and look at what it has written. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/room.h"

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

static void signals_we_take(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		sigaddset(set, passed_on[i]);
}

/* ---- the child ---- */

static void redirect(const char *log)
{
	int fd = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;

	if (fd < 0)
		return;
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/** What we were started with, for the child. */
struct start {
	pid_t parent;
	sigset_t mask;
	struct sigaction chld;
};

static _Noreturn void become(struct session *s, const struct test_run *run, const struct start *start)
{
	struct options *opt = s->opt;
	struct err err = {0};

	/* We end when the one who waits for us is killed; the guards then end the tree (launch.h). */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != start->parent)
		_exit(EXIT_TRACEWRAP);
	sigaction(SIGCHLD, &start->chld, NULL);
	sigprocmask(SIG_SETMASK, &start->mask, NULL);
	redirect(run->log);
	if (*run->setting)
		putenv((char *)(uintptr_t)run->setting);
	opt->sub = SUB_RUN;
	opt->command = opt->watch.argv = run->argv;
	opt->watch.report_always = true;
	if (!opt->watch.report_json)
		opt->watch.report_json = run->report;
	if (options_configure(opt, s->p.config, &err) < 0) /* opens the file of events */
		exit(session_fail(&err));
	exit(run_command(opt));
}

/* ---- the waiting ---- */

/** From a terminal they reach the child by themselves (si_code SI_KERNEL, as launch does it). */
static void take_signal(pid_t child, const siginfo_t *info)
{
	if (info->si_signo != SIGCHLD && info->si_code != SI_KERNEL)
		kill(child, info->si_signo);
}

/** @return true when it has ended. */
static bool look_at(pid_t child, int *status)
{
	while (waitpid(child, status, WNOHANG | WUNTRACED) == child) {
		if (!WIFSTOPPED(*status))
			return true;
		raise(SIGSTOP); /* whoever waits for us is to see it; we go on when we are continued */
		kill(child, SIGCONT);
	}
	return false;
}

static int wait_for(pid_t child, const sigset_t *set)
{
	siginfo_t info;
	int status = 0;

	while (!look_at(child, &status))
		if (sigwaitinfo(set, &info) > 0)
			take_signal(child, &info);
	return status;
}

static void name_files(struct session *s, struct test_run *run)
{
	const char *top = s->opt->watch.report_dir;
	const char *folder = arena_printf(s->arena, "%s%s%s/test-%d", *top == '/' ? "" : s->p.folder, *top == '/' ? "" : "/", top, (int)getpid());

	run->name = folder;
	run->outcomes = arena_printf(s->arena, "%s/outcomes.jsonl", folder);
	run->report = s->opt->watch.report_json ? s->opt->watch.report_json : arena_printf(s->arena, "%s/report.json", folder);
	run->log = s->opt->json ? arena_printf(s->arena, "%s/pytest.log", folder) : NULL;
}

int test_run_watched(struct session *s, struct test_run *run, struct err *err)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	struct start start = {.parent = getpid()};
	sigset_t set;
	pid_t child;
	int rc, status;

	name_files(s, run);
	if ((rc = sys_make_dirs(run->name, err)) < 0 || (rc = outcomes_prepare(s->opt->watch.report_dir, run->outcomes, err)) < 0)
		return rc;
	signals_we_take(&set);
	sigprocmask(SIG_BLOCK, &set, &start.mask);
	sigaction(SIGCHLD, &usual, &start.chld); /* ignored, it would take our child's end away */
	fflush(NULL);
	child = fork();
	if (child < 0)
		return err_set(err, -errno, "fork: %m");
	if (child == 0)
		become(s, run, &start);
	status = wait_for(child, &set);
	sigprocmask(SIG_SETMASK, &start.mask, NULL);
	run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	run->code = run->signal ? 128 + run->signal : WEXITSTATUS(status);
	return 0;
}

/* ---- what it has written ---- */

/** `last` is our run's when its report is ours. */
static bool is_ours(const char *last, const char *report)
{
	OWNED_TEXT a = {0};
	OWNED_TEXT b = {0};

	return sys_read_file(AT_FDCWD, last, &a, NULL) == 0 && sys_read_file(AT_FDCWD, report, &b, NULL) == 0 && a.n == b.n &&
	       memcmp(a.at, b.at, a.n) == 0;
}

static const char *move(struct session *s, const char *from, const char *name)
{
	const char *to = arena_printf(s->arena, "%s/last/%s", s->opt->watch.report_dir, name);

	return rename(from, to) == 0 ? to : from;
}

void test_run_keep(struct session *s, struct test_run *run)
{
	const char *folder = run->name, *last = arena_printf(s->arena, "%s/last/report.json", s->opt->watch.report_dir);
	const char *own = arena_printf(s->arena, "%s/report.json", folder);
	char target[PATH_MAX];

	if (!is_ours(last, run->report))
		return; /* another run has come between: all stays where it is */
	if (sys_readlink(AT_FDCWD, arena_printf(s->arena, "%s/last", s->opt->watch.report_dir), target, sizeof target, NULL) == 0)
		run->name = arena_strdup(s->arena, strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
	run->outcomes = move(s, run->outcomes, "outcomes.jsonl");
	if (run->log)
		run->log = move(s, run->log, "pytest.log");
	if (strcmp(run->report, own) == 0) {
		unlink(own);
		run->report = last;
	}
	rmdir(folder);
}

void test_run_die(int sig)
{
	struct rlimit none = {0};
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none); /* one core file is enough */
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	_exit(128 + sig);
}
