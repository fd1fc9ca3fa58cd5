/* Reports that people look at, beside report.json: the page, the summary and the annotations of a CI job, JUnit, the timeline. None of them may
 * harm the run: what can't be written is said once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "watch/run.h"

#define JUNIT_MOST (INT64_C(64) << 20)

static bool put(struct run *r, const char *name, const struct text *t)
{
	struct err err = {0};

	if (files_put(r, name, t, &err) == 0)
		return true;
	files_complain(r, &err);
	return false;
}

void pages_write(struct run *r, const struct run_report *report)
{
	OWNED_TEXT html = {0};
	OWNED_TEXT summary = {0};
	OWNED_TEXT trace = {0};

	report_html(&report, 1, &html);
	r->in_html = put(r, "report.html", &html);
	if (!report->nfindings)
		return;
	report_markdown(&report, 1, &summary);
	put(r, "summary.md", &summary);
	report_trace(&report, 1, &trace);
	put(r, "trace.json", &trace);
}

/* ---- once, at the end ---- */

/** Others append to that file, too: one write. */
static void append_summary(struct run *r, const struct run_report *report)
{
	OWNED_TEXT summary = {0};
	struct err err = {0};
	OWNED_FD fd = open(r->opt->step_summary, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);

	report_markdown(&report, 1, &summary);
	text_add(&summary, "\n");
	if (fd >= 0 && write(fd, text_str(&summary), summary.n) == (ssize_t)summary.n)
		return;
	err_set(&err, -errno, "GITHUB_STEP_SUMMARY, %s: %m", r->opt->step_summary);
	files_complain(r, &err);
}

static void annotate(const struct run *r, const struct run_report *report)
{
	OWNED_TEXT commands = {0};

	text_add(&commands, "\n"); /* what stands before may have no end */
	report_github(&report, 1, r->opt->workspace, &commands);
	say_commands(&commands);
}

/** Pytest's own file, if this run has written it. */
static bool read_pytest(const struct run *r, const char *path, struct text *out)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mtime >= r->wall_start_s &&
	       st.st_size <= JUNIT_MOST && sys_read_file(AT_FDCWD, path, out, NULL) == 0;
}

static void write_junit(struct run *r, const struct run_report *report, struct arena *arena)
{
	const char *theirs = pytest_junit(r->opt->argv, arena);
	OWNED_TEXT pytest = {0};
	OWNED_TEXT out = {0};
	struct err err = {0};
	bool has = read_pytest(r, theirs ? theirs : r->opt->junit, &pytest);

	if (has && !report->nfindings && (!theirs || strcmp(theirs, r->opt->junit) == 0))
		return; /* there is nothing to add to it */
	report_junit(&report, 1, has ? text_str(&pytest) : NULL, r->opt->leaks == LEAKS_FAIL, &out);
	if (sys_write_file(r->opt->junit, text_str(&out), out.n, &err) < 0)
		files_complain(r, &err);
}

void pages_finish(struct run *r, enum outcome outcome, int exit_code)
{
	struct arena *arena = arena_new();
	struct run_report report = files_report(r, arena, outcome, exit_code, true);

	if (r->opt->junit)
		write_junit(r, &report, arena);
	if (report.nfindings && r->opt->step_summary)
		append_summary(r, &report);
	if (report.nfindings && r->opt->github)
		annotate(r, &report);
	arena_free(arena);
}
