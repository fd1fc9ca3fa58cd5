/* A verdict that is no run's, on standard output: `explain` and `why`. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "report/report.h"

void show_verdict(const struct options *opt, const char *mode, struct finding *f, struct snapshot *s, const char *no_finding)
{
	OWNED_TEXT out = {0};
	static char *no_command[] = {NULL};
	const struct process *root = snapshot_process(s, s->root);
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
		.start_ns = s->started_ns,
		.end_ns = s->taken_ns,
		.mode = mode,
		.findings = &f,
		.nfindings = f ? 1 : 0,
		.complete = true,
	};

	if (opt->json)
		report_json(&r, &out);
	else if (f)
		report_screen(&r, f, &style, &out);
	else
		text_add(&out, no_finding);
	fwrite(text_str(&out), 1, out.n, stdout);
}
