/* Starting: what the guards need before the forks, the witness, the inner process. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "launch/trace.h"

void launch_copy_args(char **argv)
{
	for (; *argv; argv++) {
		size_t size = strlen(*argv) + 1;

		*argv = memcpy(mem_alloc(size), *argv, size);
	}
}

/** Field N of our own stat line: 48 and 49 are the bounds of the memory that /proc/PID/cmdline shows (proc_pid_stat(5)). */
static uint64_t own_stat_field(const char *line, int n)
{
	const char *at = strrchr(line, ')');

	for (int field = 2; at && field < n; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return at ? strtoull(at, NULL, 10) : 0;
}

/** Where our argv lies, unless the caller still uses it. */
static void find_args(struct guard *g)
{
	OWNED_TEXT line = {0};

	if (sys_read_file(AT_FDCWD, "/proc/self/stat", &line, NULL))
		return;

	uint64_t begin = own_stat_field(text_str(&line), 48), end = own_stat_field(text_str(&line), 49);
	uint64_t used = (uintptr_t)g->opt->argv[0];

	if (!begin || end <= begin || (used >= begin && used < end))
		return;
	g->args = (char *)(uintptr_t)begin;
	g->args_size = end - begin;
}

static int prepare(struct guard *g, struct err *err)
{
	struct sigaction chld = {.sa_handler = SIG_DFL};

	g->page = mmap(NULL, sizeof *g->page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->page == MAP_FAILED)
		return err_set(err, -errno, "mmap: %m");
	sigfillset(&g->all);
	sigprocmask(SIG_SETMASK, &g->all, &g->start_mask);
	sigaction(SIGCHLD, &chld, &g->start_chld); /* inherited as ignored, it would eat every wait status (wait(2)) */
	if (!g->opt->no_reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	find_args(g);
	return 0;
}

static void restore(const struct guard *g)
{
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	sigaction(SIGCHLD, &g->start_chld, NULL);
	sigprocmask(SIG_SETMASK, &g->start_mask, NULL);
	munmap(g->page, sizeof *g->page);
}

/** Children from before our exec, such as bash leaves them for >(command). */
static void children_before(int_vec *before)
{
	process_vec now = {0};

	if (!sys_descendants(getpid(), NULL, 0, &now, NULL))
		for (size_t i = 0; i < now.n; i++)
			if (now.at[i].parent == getpid())
				vec_push(before, now.at[i].pid);
	vec_free(&now);
}

int launch_start(const struct launch_options *opt, struct launch **out, struct err *err)
{
	struct guard g = {.outer = getpid(), .opt = opt, .handover = {-1, -1}};
	struct witness witness = {0};
	int_vec before = {0};
	int rc = prepare(&g, err);

	if (rc < 0)
		return rc;
	children_before(&before);
	rc = witness_start(&witness, &g); /* first: else a signal to the group in the first millisecond doubles */
	if (rc < 0) {
		err_set(err, rc, "fork: %m");
		goto undo;
	}
	if (opt->trace == LAUNCH_NOTIFY && (rc = talk_open(g.handover)) < 0) {
		err_set(err, rc, "socketpair: %s", strerror(-rc));
		witness_end(&witness);
		goto undo;
	}

	pid_t inner = fork();

	if (!inner) {
		vec_free(&before);
		return inner_start(&g, out);
	}
	if (inner < 0) {
		rc = err_set(err, -errno, "fork: %m");
		witness_end(&witness);
		goto undo;
	}
	rc = outer_run(&g, &witness, inner, before.at, before.n, err);
undo:
	vec_free(&before);
	restore(&g);
	return rc;
}
