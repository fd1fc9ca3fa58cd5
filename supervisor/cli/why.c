/* `tracewrap why PID`: something hangs right now. Look at it from outside, change nothing. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/report.h"

static pid_t parse_pid(const char *word)
{
	char *end;
	long pid = strtol(word, &end, 10);

	return *word >= '0' && *word <= '9' && !*end && pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

static bool save(const char *path, const struct snapshot *s)
{
	OWNED_TEXT json = {0};
	FILE *f = fopen(path, "we");
	bool ok;

	snapshot_write(s, &json);
	ok = f && fwrite(text_str(&json), 1, json.n, f) == json.n;
	if (f && fclose(f) != 0)
		ok = false;
	if (!ok)
		fprintf(stderr, "tracewrap: %s: can't be written: %s\n", path, strerror(errno));
	return ok;
}

/** Each process once: what its first task that may move says. */
static void add_reasons(struct text *out, const struct why *w)
{
	enum { MOST = 12 };
	const struct snapshot *s = w->snapshot;
	size_t said = 0;

	for (size_t p = 0; p < s->nprocs; p++) {
		const struct process *proc = &s->procs[p];
		char label[48];

		for (size_t t = proc->first_task; t < proc->first_task + proc->ntasks; t++) {
			const struct fate *fate = &w->proof->fates[t];

			if (!fate->reason || s->tasks[t].wait.op == WAIT_DEAD)
				continue;
			process_label(proc, label, sizeof label);
			if (said++ < MOST)
				text_addf(out, "  %s[%d]: %s\n", label, proc->pid, fate->reason);
			break;
		}
	}
	if (said > MOST)
		text_addf(out, "  and %zu more\n", said - MOST);
}

static int show(const struct options *opt, pid_t pid, struct why *w)
{
	OWNED_TEXT none = {0};

	if (!w->snapshot) {
		printf("Can't tell: processes of %d come and go at each look, so it moves, or somebody hides it.\n", pid);
		return EXIT_SUSPECTED;
	}
	bool hidden = !snapshot_process(w->snapshot, w->snapshot->root) || !snapshot_process(w->snapshot, w->snapshot->root)->readable;

	text_addf(&none, hidden ? "Can't tell: %d does not let itself be looked at.\n" : "%d is not stuck: somebody can still move.\n", pid);
	if (!w->finding)
		add_reasons(&none, w);
	show_verdict(opt, "why", w->finding, w->snapshot, text_str(&none));
	if (!w->finding)
		return hidden ? EXIT_SUSPECTED : 0;
	return w->finding->certainty == PROVEN ? EXIT_HANG : EXIT_SUSPECTED;
}

int why_pid(const struct options *opt)
{
	struct err err = {0};
	struct why w;
	pid_t pid = parse_pid(opt->command[0]);
	int code;

	if (!pid) {
		fprintf(stderr, "tracewrap: why: \"%s\" is no process id\n", opt->command[0]);
		return EXIT_TRACEWRAP;
	}
	if (watch_why(pid, &opt->watch, &w, &err) < 0) {
		fprintf(stderr, "tracewrap: process %d: %s\n", pid, err.text);
		why_free(&w);
		return EXIT_TRACEWRAP;
	}
	code = show(opt, pid, &w);
	if (w.snapshot && opt->watch.save_snapshot && !save(opt->watch.save_snapshot, w.snapshot))
		code = EXIT_TRACEWRAP;
	why_free(&w);
	return fflush(stdout) == 0 ? code : EXIT_TRACEWRAP;
}
