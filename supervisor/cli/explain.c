/* `tracewrap explain FILE`: prove a saved snapshot again. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "prove/prove.h"
#include "report/report.h"

enum { EXPLAIN_ALIVE = 0, EXPLAIN_SUSPECTED = 3 };

static void print(const struct text *t)
{
	fwrite(text_str(t), 1, t->n, stdout);
}

static void show(const struct options *opt, struct finding *f, struct snapshot *s)
{
	OWNED_TEXT out = {0};
	static char *no_command[] = {NULL};
	struct process *root = snapshot_process(s, s->root);
	char folder[PATH_MAX];
	struct text_style style = {
		.color = opt->watch.color,
		.width = opt->watch.width,
		.folder = getcwd(folder, sizeof folder),
	};
	struct run_report r = {
		.version = TRACEWRAP_VERSION,
		.argv = root && root->argv ? root->argv : no_command,
		.outcome = f ? OUTCOME_HANG : OUTCOME_PASS,
		.exit_code = f ? EXIT_HANG : 0,
		.start_ns = 0,
		.end_ns = s->taken_ns,
		.mode = "explain",
		.findings = &f,
		.nfindings = f ? 1 : 0,
		.complete = true,
	};

	if (opt->json)
		report_json(&r, &out);
	else if (f)
		report_screen(&r, f, &style, &out);
	else
		text_add(&out, "Nothing is stuck: somebody can still move.\n");
	print(&out);
}

/** Whom the run waits for: the command, else each process with a test that nobody above it runs. */
static struct finding *explain_snapshot(struct snapshot *s, struct proof *p)
{
	VEC(pid_t) focus = {0};

	if (p->root_stuck)
		vec_push(&focus, s->root);
	for (size_t i = 0; i < s->nprocs && !p->root_stuck; i++) {
		const struct process *above = snapshot_process(s, s->procs[i].ppid);

		if (s->procs[i].test && (!above || !above->test))
			vec_push(&focus, s->procs[i].pid);
	}

	bool provable = p->whole && p->root_stuck && !prove_soft(p->assumptions);
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
	struct finding *f = explain_snapshot(s, p);
	int code = !f ? EXPLAIN_ALIVE : f->certainty == PROVEN ? EXIT_HANG : EXPLAIN_SUSPECTED;

	show(opt, f, s);
	finding_free(f);
	proof_free(p);
	snapshot_free(s);
	return fflush(stdout) == 0 ? code : EXIT_TRACEWRAP;
}
