/* `tracewrap test`: check, build the command, run it supervised, say what came of it and what to do next. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/room.h"

#define USUAL_ALL "600s"
#define USUAL_FILE "120s"

struct testing {
	struct session s;
	struct interpreter python;
	words_vec targets, argv;
	words_vec notes;
	const char *shown; /* the command as for a shell */
	int64_t timeout_ns;
};

/* ---- what to run ---- */

static int add_changed(struct testing *t, struct err *err)
{
	struct session *s = &t->s;
	const char *ref = *s->opt->cmd.changed ? s->opt->cmd.changed : "HEAD";
	path_vec changed = {0};
	words_vec unmatched = {0};
	int rc = git_changed(&s->p, ref, &changed, err);

	if (!rc)
		rc = intent_affected(&s->place, (const char *const *)changed.at, changed.n, s->arena, &t->targets, &unmatched, err);
	for (size_t i = 0; i < unmatched.n && !rc; i++)
		vec_push(&t->notes, arena_printf(s->arena, "%s has changed, and no row of [tool.tracewrap.affected] is for it", unmatched.at[i]));
	for (size_t i = 0; i < t->notes.n; i++)
		t->notes.at[i] = arena_strdup(s->arena, t->notes.at[i]);
	vec_free(&unmatched);
	path_vec_free(&changed);
	return rc;
}

/** pytest knows what failed; what hung it does not: then the tests are named. */
static int add_last_failed(struct testing *t, struct err *err)
{
	last_vec last = {0};
	bool hung = false;
	int rc = session_last(&t->s, &last, err);

	for (size_t i = 0; i < last.n; i++)
		hung |= last.at[i].hung;
	for (size_t i = 0; i < last.n && hung && !t->targets.n; i++)
		vec_push(&t->targets, last.at[i].id);
	if (!rc && !(hung && t->targets.n))
		vec_push(&t->s.opt->cmd.words.pytest, "--lf");
	vec_free(&last);
	return rc;
}

static int find_targets(struct testing *t, struct err *err)
{
	struct command_options *cmd = &t->s.opt->cmd;
	size_t named = 0;
	int rc = 0;

	for (size_t i = 0; i < cmd->words.targets.n && !rc; i++)
		rc = intent_resolve(&t->s.place, cmd->words.targets.at[i], t->s.arena, &t->targets, err);
	named = t->targets.n;
	if (!rc && cmd->last_failed && !named)
		rc = add_last_failed(t, err);
	else if (!rc && cmd->last_failed)
		vec_push(&cmd->words.pytest, "--lf");
	if (!rc && cmd->changed)
		rc = add_changed(t, err);
	return rc;
}

/** A path as the user would write it. */
static const char *short_path(const struct testing *t, const char *path)
{
	size_t n = strlen(t->s.p.folder);

	return strncmp(path, t->s.p.folder, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static void build(struct testing *t)
{
	const char *python[4];
	OWNED_TEXT shown = {0};

	interpreter_words(&t->python, python);
	intent_command(&t->s.place, python, &t->targets, &t->s.opt->cmd.words.pytest, &t->argv);

	const char *first = t->argv.at[0];

	if (t->python.how == INTERPRETER_UV) {
		text_addf(&shown, "%s ", t->python.setting);
		t->argv.at[0] = "uv";
	} else {
		t->argv.at[0] = short_path(t, first);
	}
	intent_quote(t->argv.at, t->argv.n, &shown);
	t->argv.at[0] = first;
	vec_push(&t->argv, NULL);
	t->shown = arena_strdup(t->s.arena, text_str(&shown));
}

/* ---- before it ---- */

/** The bound of the run, unless one is set: of a file, of the whole suite; none where somebody may sit at a prompt. */
static int set_timeout(struct testing *t, struct err *err)
{
	bool whole = intent_is_whole(&t->s.place, &t->targets);
	const char *key = whole ? "test.timeout.all" : "test.timeout.file";
	const struct config_entry *e = config_find(t->s.p.config, key);
	struct watch_options *w = &t->s.opt->watch;

	if (!session_is_set(&t->s, "timeout")) {
		if (duration_parse(e ? e->items[0] : whole ? USUAL_ALL : USUAL_FILE, &w->timeout_ns) < 0)
			return err_set(err, -EINVAL, "%s:%u: timeout: \"%.40s\" is no duration; right are 500ms, 30s, 10m, 2h, or a number of seconds",
				       e->file, e->line, e->items[0]);
		if (intent_is_interactive(&t->s.opt->cmd.words.pytest) && isatty(STDIN_FILENO))
			w->timeout_ns = 0;
	}
	t->timeout_ns = w->timeout_ns;
	return 0;
}

/** Package and collection, when something has changed since they were good. */
static int check_sources(struct testing *t, struct err *err)
{
	struct session *s = &t->s;
	const char *folder = s->opt->watch.report_dir;
	uint64_t now = project_fingerprint(&s->p, &t->python);
	struct import_check check;
	int rc = 0;

	if (!checked_get(folder, "import", now) && !(rc = session_import(s, &t->python, &check, err)))
		checked_put(folder, "import", now);
	if (!rc && !checked_get(folder, "collect", now) && !(rc = session_collect(s, &t->python, err)))
		checked_put(folder, "collect", now);
	return rc;
}

/** "Never ignore stale registry state": what would make every test fail is said before the first. */
static int check_leftovers(struct testing *t, struct err *err)
{
	const char *ports[PORTS_MOST];
	struct doctor_where where = session_where(&t->s, ports);
	leftover_vec left = {0};
	OWNED_TEXT words = {0};
	int rc = 0;

	if (t->s.opt->cmd.fix)
		doctor_clear(&t->s);
	if (!session_is_set(&t->s, "ports"))
		where.nports = 0; /* an address that nobody has asked for keeps nobody */
	if (doctor_look(&where, &left)) {
		const struct leftover *first = &left.at[0];

		doctor_words(first, &words);
		rc = err_set(err, -EBUSY, "%.210s; %s", text_str(&words),
			     doctor_clears(&left, first)            ? "clear it away: tracewrap doctor --fix"
			     : first->owner == LEFT_RUNNING ? "wait for its end, or end it"
							    : "end it yourself, it is none of this checkout's");
	}
	vec_free(&left);
	return rc;
}

static int check(struct testing *t, struct err *err)
{
	int rc = session_folder(&t->s, err);

	if (rc || t->s.opt->cmd.no_check)
		return rc;
	rc = check_leftovers(t, err);
	return rc ? rc : check_sources(t, err);
}

/* ---- after it ---- */

static void note_leftovers(struct testing *t)
{
	const char *ports[PORTS_MOST];
	struct doctor_where where = session_where(&t->s, ports);
	leftover_vec left = {0};

	if (!session_is_set(&t->s, "ports"))
		where.nports = 0;
	where.processes = true;
	doctor_look(&where, &left);
	for (size_t i = 0; i < left.n; i++) {
		OWNED_TEXT words = {0};

		if (!doctor_clears(&left, &left.at[i]))
			continue;
		doctor_words(&left.at[i], &words);
		text_add(&words, "; tracewrap doctor --fix");
		vec_push(&t->notes, arena_strdup(t->s.arena, text_str(&words)));
	}
	vec_free(&left);
}

static void write_history(struct testing *t, const struct outcomes *o, const struct test_run *run, int64_t started_s, double seconds)
{
	VEC(struct past_test) rows = {0};
	OWNED_TEXT said = {0};
	struct err err = {0};

	for (size_t i = 0; i < o->tests.n; i++) {
		const struct outcome_test *from = &o->tests.at[i];

		if (*from->outcome)
			vec_push(&rows, (struct past_test){from->id, from->phase, from->outcome, from->kind, from->seconds});
	}

	struct past_run row = {run->name, started_s, seconds, run->code, rows.at, rows.n};

	if (past_add(t->s.opt->watch.report_dir, &row, &said, &err) < 0 && t->s.opt->watch.verbosity > SAY_NORMAL)
		vec_push(&t->notes, arena_strdup(t->s.arena, err.text));
	if (said.n)
		vec_push(&t->notes, arena_strdup(t->s.arena, text_str(&said)));
	vec_free(&rows);
}

static void read_outcomes(const struct testing *t, const struct test_run *run, struct outcomes *o)
{
	OWNED_TEXT text = {0};

	if (sys_read_file(AT_FDCWD, run->outcomes, &text, NULL) == 0)
		outcomes_read(o, text_str(&text), text.n, t->s.p.config);
	if (sys_read_file(AT_FDCWD, run->report, &text, NULL) == 0)
		outcomes_read_report(o, text_str(&text), text.n, t->s.p.config);
}

static void say(const struct testing *t, const struct outcomes *o, const struct outcome_end *end)
{
	OWNED_TEXT words = {0};

	if (t->s.opt->json) {
		outcomes_json(o, end, &words);
		fputs(text_str(&words), stdout);
		fflush(stdout);
		return;
	}
	outcomes_screen(o, end, &words);
	sys_say(words.at, words.n, NS_PER_S);
}

static int finish(struct testing *t, struct test_run *run, int64_t started_s, int64_t began_ns)
{
	struct outcomes *o = outcomes_new();
	double seconds = (double)((sys_monotonic_ns() - began_ns) / NS_PER_MS) / 1000;

	o->folder = t->s.p.folder;
	read_outcomes(t, run, o);
	test_run_keep(&t->s, run);

	bool interrupted = strcmp(o->run, "interrupted") == 0 || run->signal || (o->interrupted && run->code != EXIT_HANG);

	if (interrupted || run->code == EXIT_HANG)
		note_leftovers(t);
	write_history(t, o, run, started_s, seconds);

	struct outcome_end end = {
		.code = run->code,
		.interrupted = interrupted,
		.time_over = run->code == EXIT_HANG && strcmp(o->run, "hang") != 0,
		.timeout_s = (double)t->timeout_ns / (double)NS_PER_S,
		.seconds = seconds,
		.report = run->report,
		.log = run->log,
		.command = t->shown,
		.notes = t->notes.at,
		.nnotes = t->notes.n,
	};

	say(t, o, &end);
	outcomes_free(o);
	return run->code;
}

/* ---- */

static int say_nothing_changed(struct testing *t)
{
	struct outcomes *o = outcomes_new();
	struct outcome_end end = {.command = "", .notes = t->notes.at, .nnotes = t->notes.n};

	if (t->s.opt->json)
		say(t, o, &end);
	for (size_t i = 0; i < t->notes.n && !t->s.opt->json; i++)
		sys_sayf("tracewrap: %s\n", t->notes.at[i]);
	if (!t->s.opt->json)
		sys_sayf("tracewrap: no test is affected; nothing is run\n");
	outcomes_free(o);
	return 0;
}

/** Nothing was run: one line, and for a program an object that has the same words. */
static int fail(const struct testing *t, const struct err *err)
{
	cJSON *root = t->s.opt->json ? cJSON_CreateObject() : NULL;

	if (!root)
		return session_fail(err);
	json_put(root, "next", json_string(err->text));
	json_put(root, "outcome", json_string("error"));
	json_put(root, "exit_code", cJSON_CreateNumber(EXIT_TRACEWRAP));
	json_print(root);
	return session_fail(err);
}

static int run(struct testing *t)
{
	struct test_run run = {.argv = (char **)(uintptr_t)t->argv.at, .setting = t->python.setting};
	int64_t began_ns = sys_monotonic_ns(), started_s = (int64_t)time(NULL);
	struct err err = {0};

	if (test_run_watched(&t->s, &run, &err) < 0)
		return fail(t, &err);

	int code = finish(t, &run, started_s, began_ns);

	if (run.signal)
		test_run_die(run.signal);
	return code;
}

static int command(struct testing *t)
{
	struct err err = {0};
	const struct command_options *cmd = &t->s.opt->cmd;

	if (session_interpreter(&t->s, &t->python, &err) < 0 || find_targets(t, &err) < 0)
		return fail(t, &err);
	if (cmd->changed && !t->targets.n && !cmd->dry_run)
		return say_nothing_changed(t);
	build(t);
	if (cmd->dry_run) {
		puts(t->shown);
		return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
	}
	if (set_timeout(t, &err) < 0 || check(t, &err) < 0)
		return fail(t, &err);
	return run(t);
}

int command_test(struct options *opt)
{
	struct testing t = {0};
	int code = session_open(&t.s, opt, true);

	if (code < 0)
		code = command(&t);
	vec_free(&t.targets);
	vec_free(&t.argv);
	vec_free(&t.notes);
	session_close(&t.s);
	return code;
}
