/* `tracewrap explain FILE`: prove a saved snapshot again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "prove/prove.h"
#include "report/report.h"

typedef VEC(pid_t) pid_vec;

static bool has_test_above(const struct snapshot *s, const struct process *p)
{
	for (size_t depth = 0; depth < s->nprocs; depth++) {
		p = snapshot_process(s, p->ppid);
		if (!p)
			return false;
		if (p->test)
			return true;
	}
	return false;
}

static bool main_thread_stuck(const struct snapshot *s, const struct proof *p, pid_t pid)
{
	const struct task *t = snapshot_task(s, pid);

	return t && p->fates[t - s->tasks].stuck;
}

/** Whom the run waits for and who is stuck: the command, else each process with a test that nobody above it runs. */
static void find_focus(const struct snapshot *s, const struct proof *p, pid_vec *out)
{
	out->n = 0;
	if (p->root_stuck)
		vec_push(out, s->root);
	for (size_t i = 0; i < s->nprocs && !p->root_stuck; i++)
		if (s->procs[i].test && !has_test_above(s, &s->procs[i]) && main_thread_stuck(s, p, s->procs[i].pid))
			vec_push(out, s->procs[i].pid);
}

/** As a run does it (watch/sight.c): short of a proof, without the threads that serve one descriptor. */
static struct proof *prove_again(const struct options *opt, const struct snapshot *s, pid_vec *focus)
{
	struct prove_options how = {.horizon_ns = opt->watch.horizon_ns ? opt->watch.horizon_ns : s->horizon_ns};
	struct proof *p;

	if (!how.horizon_ns)
		how.horizon_ns = DEFAULT_HORIZON_NS;
	p = prove(s, &how);
	find_focus(s, p, focus);
	if (p->whole || focus->n)
		return p;
	proof_free(p);
	how.without_service = true;
	p = prove(s, &how);
	find_focus(s, p, focus);
	return p;
}

static struct finding *explain_snapshot(const struct options *opt, struct snapshot *s)
{
	pid_vec focus = {0};
	struct proof *p = prove_again(opt, s, &focus);
	bool provable = p->whole && p->root_stuck && !prove_soft(opt->watch.assume, p->assumptions);
	struct finding *f = explain(s, p, focus.at, focus.n, provable ? PROVEN : SUSPECTED);

	if (f)
		f->detected_ns = s->told_ns ? s->told_ns : s->taken_ns;
	vec_free(&focus);
	proof_free(p);
	return f;
}

int explain_file(const struct options *opt)
{
	OWNED_TEXT file = {0};
	struct err err = {0};
	struct snapshot *s;
	int rc = sys_read_file(AT_FDCWD, opt->command[0], &file, &err);

	if (rc == SYS_GONE || rc == SYS_DENIED)
		snprintf(err.text, sizeof err.text, "can't be read: %s", strerror(rc == SYS_GONE ? ENOENT : EACCES));
	if (!rc)
		rc = snapshot_read(text_str(&file), file.n, &s, &err);
	if (rc) {
		fprintf(stderr, "tracewrap: %s: %s\n", opt->command[0], err.text);
		return EXIT_TRACEWRAP;
	}

	struct finding *f = explain_snapshot(opt, s);
	int code = !f ? 0 : f->certainty == PROVEN ? EXIT_HANG : EXIT_SUSPECTED;

	show_verdict(opt, "explain", f, s, "Nothing is stuck: somebody can still move.\n");
	finding_free(f);
	snapshot_free(s);
	return fflush(stdout) == 0 ? code : EXIT_TRACEWRAP;
}
