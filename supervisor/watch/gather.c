/* What a report says of the run as it stands, gathered from all that knows of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "watch/leaks.h"
#include "watch/run.h"

static void copy_log(const struct act_log *log, struct run_report *report, struct arena *arena)
{
	struct signalled *signalled = arena_array(arena, log->signalled.n, sizeof *signalled);
	struct survivor *survivors = arena_array(arena, log->survivors.n, sizeof *survivors);

	for (size_t i = 0; i < log->signalled.n; i++) {
		char name[16];

		signalled[i].pid = log->signalled.at[i].pid;
		signalled[i].signal = arena_strdup(arena, sys_signal_name(log->signalled.at[i].sig, name));
		signalled[i].at_ns = log->signalled.at[i].at_ns;
	}
	for (size_t i = 0; i < log->survivors.n; i++) {
		const struct act_survivor *from = &log->survivors.at[i];

		survivors[i] =
			(struct survivor){.pid = from->pid, .state = from->state, .comm = from->comm, .wchan = from->wchan};
	}
	report->signalled = signalled;
	report->nsignalled = log->signalled.n;
	report->survivors = survivors;
	report->nsurvivors = log->survivors.n;
}

static void copy_findings(const struct run *r, struct run_report *report, struct arena *arena)
{
	struct finding **all = arena_array(arena, r->kept.n + r->leak_findings.n + 1, sizeof *all);
	size_t n = 0;

	for (size_t i = 0; i < r->kept.n; i++)
		all[n++] = r->kept.at[i];

	if (r->finding)
		all[n++] = r->finding;
	for (size_t i = 0; i < r->leak_findings.n; i++)
		all[n++] = r->leak_findings.at[i];
	report->findings = all;
	report->nfindings = n;
}

/** Another run of the same checkout may have taken `last` meanwhile. */
static bool is_last(const struct run *r)
{
	char path[600], target[600];
	size_t top = strlen(r->opt->report_dir) + 1;

	snprintf(path, sizeof path, "%s/last", r->opt->report_dir);
	return sys_readlink(AT_FDCWD, path, target, sizeof target, NULL) == 0 && strcmp(target, r->run_dir + top) == 0;
}

static const char *shown_path(const struct run *r, struct arena *arena)
{
	const char *name = r->in_html ? "report.html" : "report.json";

	if (r->in_run_dir && is_last(r))
		return arena_printf(arena, "%s/last/%s", r->opt->report_dir, name);
	if (r->in_run_dir)
		return arena_printf(arena, "%s/%s", r->run_dir, name);
	return r->in_report_json ? r->opt->report_json : NULL;
}

/** As they were heard; else as looks have seen them. */
static void copy_tests(const struct run *r, struct run_report *report, struct arena *arena)
{
	bool heard = r->tree && tree_tests(r->tree) > 0;
	size_t n = heard ? tree_tests(r->tree) : r->leaks ? leak_tests_count(r->leaks->tests) : 0;
	struct run_test *tests = arena_array(arena, n, sizeof *tests);

	for (size_t i = 0; i < n && heard; i++) {
		struct tree_test t = tree_test_nth(r->tree, i);

		tests[i] = (struct run_test){
			arena_strdup(arena, t.id), t.pid, t.from_ns, t.to_ns, t.setup_ns, t.call_ns, t.teardown_ns};
	}
	for (size_t i = 0; i < n && !heard; i++) {
		struct leak_test_span t = leak_tests_nth(r->leaks->tests, i);

		tests[i] = (struct run_test){.test = arena_strdup(arena, t.test),
					     .pid = t.pid,
					     .from_ns = t.first_ns,
					     .to_ns = t.open ? NEVER_NS : t.last_ns};
	}
	report->tests = tests;
	report->ntests = n;
}

/** Where it runs: nothing of the environment's values. */
static void copy_place(const struct run *r, struct run_report *report, struct arena *arena)
{
	struct utsname name;

	report->folder = *r->folder ? r->folder : NULL;
	if (uname(&name) < 0)
		return;
	report->host = arena_strdup(arena, name.nodename);
	report->kernel = arena_printf(arena, "%s %s %s", name.sysname, name.release, name.machine);
}

struct run_report files_report(const struct run *r, struct arena *arena, enum outcome outcome, int exit_code, bool complete)
{
	struct run_report report = {
		.version = TRACEWRAP_VERSION,
		.argv = r->opt->argv,
		.outcome = outcome,
		.exit_code = exit_code,
		.wall_start_s = r->wall_start_s,
		.start_ns = r->started_ns,
		.end_ns = sys_monotonic_ns(),
		.reaper = !r->opt->no_reaper,
		.mode = mode_name(r->opt->mode),
		.blind_spots = r->observe ? observe_blind_spots(r->observe) : NULL,
		.history = r->history,
		.library = r->opt->mode == MODE_PRELOAD,
		.every_process = heard_every_process(r),
		.ending = r->time_over || r->stalled,
		.complete = complete,
		.report_path = shown_path(r, arena),
		.logs = r->finding ? r->logs : NULL,
		.nlogs = r->finding ? r->nlogs : 0,
	};

	copy_findings(r, &report, arena);
	copy_log(&r->log, &report, arena);
	copy_tests(r, &report, arena);
	copy_place(r, &report, arena);
	mask_report(r, &report, arena);
	if (complete && outcome != OUTCOME_PASS && outcome != OUTCOME_FAIL)
		report.not_run = pytest_not_run(r, &report, arena);
	return report;
}
