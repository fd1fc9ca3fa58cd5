/* `tracewrap explain FILE`: prove a saved snapshot again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "prove/prove.h"
#include "report/report.h"

/** Whom the run waits for: the command, else each process with a test that nobody above it runs. */
static struct finding *explain_snapshot(const struct options *opt, struct snapshot *s, struct proof *p)
{
	VEC(pid_t) focus = {0};

	if (p->root_stuck)
		vec_push(&focus, s->root);
	for (size_t i = 0; i < s->nprocs && !p->root_stuck; i++) {
		const struct process *above = snapshot_process(s, s->procs[i].ppid);

		if (s->procs[i].test && (!above || !above->test))
			vec_push(&focus, s->procs[i].pid);
	}

	bool provable = p->whole && p->root_stuck && !prove_soft(opt->watch.assume, p->assumptions);
	struct finding *f = explain(s, p, focus.at, focus.n, provable ? PROVEN : SUSPECTED);

	if (f)
		f->detected_ns = s->taken_ns;
	vec_free(&focus);
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

	struct prove_options how = {.horizon_ns = opt->watch.horizon_ns};
	struct proof *p = prove(s, &how);
	struct finding *f = explain_snapshot(opt, s, p);
	int code = !f ? 0 : f->certainty == PROVEN ? EXIT_HANG : EXIT_SUSPECTED;

	show_verdict(opt, "explain", f, s, "Nothing is stuck: somebody can still move.\n");
	finding_free(f);
	proof_free(p);
	snapshot_free(s);
	return fflush(stdout) == 0 ? code : EXIT_TRACEWRAP;
}
