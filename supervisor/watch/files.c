/* Reports on disk: a folder a run, a link to the last, and the files that were asked for by name. A report that can't be written
 * is said once and harms nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "watch/run.h"

enum { KEEP_RUNS = 20 };

/** By making a file beside FILE: access(2) tells root nothing of file systems that take no files. */
static int try_write(const char *file, const char *folder, struct err *err)
{
	char path[600];

	if ((size_t)snprintf(path, sizeof path, "%s.%d", file, (int)getpid()) >= sizeof path)
		return err_set(err, -ENAMETOOLONG, "%s: name too long", file);

	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return err_set(err, -errno, "%s: can't write into %s: %m", file, folder);
	if (fd >= 0)
		unlink(path);
	return 0;
}

int watch_check_writable(const char *file, struct err *err)
{
	char folder[512];
	const char *slash = strrchr(file, '/');
	struct stat st;

	if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "%s: is a directory", file);
	if (slash && (size_t)(slash - file) >= sizeof folder)
		return err_set(err, -ENAMETOOLONG, "%s: name too long", file);
	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - file) : 1, slash ? file : ".");
	if (slash == file)
		strcpy(folder, "/");
	return try_write(file, folder, err);
}

/* ---- the folder of a run ---- */

void files_complain(struct run *r, const struct err *err)
{
	if (!r->report_failed)
		say_line(r, "no report: %s", err->text);
	r->report_failed = true;
}

static int is_log(const struct dirent *e)
{
	unsigned long long inode;
	int end = 0;

	return sscanf(e->d_name, "pipe-%llu.log%n", &inode, &end) == 1 && end && !e->d_name[end];
}

/** "pipe-4711.log": see logs.c. */
static void remove_logs(int runs_fd, const char *name)
{
	OWNED_FD fd = openat(runs_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent **logs;
	int n = fd < 0 ? -1 : scandirat(fd, ".", &logs, is_log, NULL);

	for (int i = 0; i < n; i++) {
		unlinkat(fd, logs[i]->d_name, 0);
		free(logs[i]);
	}
	if (n >= 0)
		free(logs);
}

/** Run folders are named by time: the oldest come first. Only files that we know are removed, so a folder that holds more stays. */
static void remove_run(int runs_fd, const char *name)
{
	static const char *const files[] = {"report.json", "snapshot.json", "report.html", "summary.md", "trace.json", "pytest.log", "outcomes.jsonl"};
	char path[400];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof path, "%s/%s", name, files[i]);
		unlinkat(runs_fd, path, 0);
	}
	remove_logs(runs_fd, name);
	unlinkat(runs_fd, name, AT_REMOVEDIR);
}

static int is_run(const struct dirent *e)
{
	unsigned day, time, pid;
	int begin = 0, end = 0;
	const char *last = strrchr(e->d_name, '-'); /* before it, and behind the time, may stand a host */

	return sscanf(e->d_name, "%8u-%6u%n", &day, &time, &begin) == 2 && last && last >= e->d_name + begin &&
	       sscanf(last, "-%u%n", &pid, &end) == 1 && last[end] == '\0';
}

static void prune_runs(const char *runs)
{
	OWNED_FD fd = open(runs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names;
	int n = fd < 0 ? -1 : scandirat(fd, ".", &names, is_run, alphasort);

	if (n < 0)
		return;

	char last[300] = "", path[300];

	if (sys_readlink(fd, "../last", last, sizeof last, NULL))
		last[0] = '\0';
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "runs/%s", names[i]->d_name);
		if (i < n - KEEP_RUNS && strcmp(path, last) != 0)
			remove_run(fd, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/** `last` is replaced in one step: whoever reads it finds the old run or the new one. */
static int link_last(const char *report_dir, const char *target, struct err *err)
{
	char last[560], fresh[600];

	snprintf(last, sizeof last, "%s/last", report_dir);
	snprintf(fresh, sizeof fresh, "%s.%d", last, (int)getpid());
	unlink(fresh);
	if (symlink(target, fresh) < 0)
		return err_set(err, -errno, "link %s: %m", fresh);
	if (rename(fresh, last) < 0) {
		int rc = err_set(err, -errno, "rename %s to %s: %m", fresh, last);

		unlink(fresh);
		return rc;
	}
	return 0;
}

/** DATE-TIME-PID, and of a worker DATE-TIME-HOST-PID: others may run on other machines and share the folder. */
static void name_run(const struct run *r, char *name, size_t size)
{
	time_t wall = (time_t)r->wall_start_s;
	char host[64] = "";
	struct tm tm;

	localtime_r(&wall, &tm);
	if (r->opt->worker && gethostname(host, sizeof host - 1) == 0)
		for (char *c = host; *c; c++)
			if (*c == '/')
				*c = '_';
	snprintf(name, size, "%04d%02d%02d-%02d%02d%02d%s%s-%d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		 tm.tm_sec, *host ? "-" : "", host, (int)launch_command(r->launch));
}

/** Of several workers the last is of no interest, but for one that has found something. */
static bool wants_last(const struct run *r)
{
	return !r->opt->worker || r->finding || r->leak_findings.n;
}

static int make_run_dir(struct run *r, struct err *err)
{
	const char *top = r->opt->report_dir;
	char path[600], name[128];
	int rc;

	if (r->run_dir[0])
		return 0;
	name_run(r, name, sizeof name);
	snprintf(path, sizeof path, "%s/runs/%s", top, name);
	if (strlen(path) >= sizeof r->run_dir)
		return err_set(err, -ENAMETOOLONG, "%s: name too long", top);
	if ((rc = sys_make_dirs(path, err)) < 0)
		return rc;
	strcpy(r->run_dir, path);
	snprintf(path, sizeof path, "%s/.gitignore", top);
	if (access(path, F_OK) < 0 && (rc = sys_write_file(path, "*\n", 2, err)) < 0)
		return rc;
	snprintf(path, sizeof path, "runs/%s", name);
	if (wants_last(r) && (rc = link_last(top, path, err)) < 0)
		return rc;
	snprintf(path, sizeof path, "%s/runs", top);
	prune_runs(path);
	return 0;
}

/** A healthy run leaves a folder only where it was asked for, or where an earlier run has left one: `last` stays the last. */
static bool wants_run_dir(const struct run *r)
{
	struct stat st;

	return r->finding || r->kept.n || r->leak_findings.n || r->opt->report_always ||
	       (!r->opt->worker && stat(r->opt->report_dir, &st) == 0 && S_ISDIR(st.st_mode));
}

/* ---- the files ---- */

static int write_text(const char *path, const struct text *t, struct err *err)
{
	return sys_write_file(path, text_str(t), t->n, err);
}

int files_put(struct run *r, const char *name, const struct text *t, struct err *err)
{
	char path[600];
	int rc = make_run_dir(r, err);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof path, "%s/%s", r->run_dir, name);
	return write_text(path, t, err);
}

void files_save_snapshot(struct run *r, struct snapshot *s)
{
	OWNED_TEXT json = {0};
	struct err err = {0};

	s->started_ns = r->started_ns;
	s->told_ns = r->finding ? r->finding->detected_ns : 0;
	s->horizon_ns = r->opt->horizon_ns;
	mask_snapshot(r, s);
	snapshot_write(s, &json);
	if (files_put(r, "snapshot.json", &json, &err) < 0)
		files_complain(r, &err);
	if (r->opt->save_snapshot && write_text(r->opt->save_snapshot, &json, &err) < 0)
		files_complain(r, &err);
}

void files_write(struct run *r, enum outcome outcome, int exit_code, bool complete)
{
	bool in_dir = wants_run_dir(r);
	struct err err = {0};

	if (!in_dir && !r->opt->report_json)
		return;

	OWNED_TEXT json = {0};
	struct arena *arena = arena_new();
	struct run_report report = files_report(r, arena, outcome, exit_code, complete);

	report_json(&report, &json);
	if (in_dir)
		r->in_run_dir = files_put(r, "report.json", &json, &err) == 0;
	if (r->in_run_dir)
		pages_write(r, &report);
	if (in_dir && !r->in_run_dir && (r->finding || r->opt->report_always))
		files_complain(r, &err);
	if (r->opt->report_json)
		r->in_report_json = write_text(r->opt->report_json, &json, &err) == 0;
	if (r->opt->report_json && !r->in_report_json)
		files_complain(r, &err);
	arena_free(arena);
}
