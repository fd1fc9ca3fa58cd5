/* Is the checkout fit for a run? The checks that `test` and `doctor` share. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"

#define COLLECT_LIMIT_NS (300 * NS_PER_S)

bool session_is_set(const struct session *s, const char *option)
{
	for (size_t i = 0; i < options_count(); i++)
		if (strcmp(options_row(i).name, option) == 0)
			return s->opt->origin[i].how != FROM_DEFAULT;
	return false;
}

int session_interpreter(struct session *s, struct interpreter *out, struct err *err)
{
	const struct command_options *cmd = &s->opt->cmd;
	const char *named = cmd->python ? cmd->python : config_text(s->p.config, "python");
	int rc;

	interpreter_find(&s->p, cmd->python, out);
	if (cmd->sync) {
		if ((rc = interpreter_sync(&s->p, out, err)) < 0)
			return rc;
		if (rc > 0)
			return err_set(err, -EINVAL, "--sync: uv sync ended with %d; see its message above", rc);
		interpreter_find(&s->p, cmd->python, out);
	}
	if (out->how != INTERPRETER_NONE)
		return 0;
	if (named)
		return err_set(err, -ENOENT, "--python: there is no program \"%.100s\"", named);
	return err_set(err, -EINVAL, "no virtual environment in %.80s; make it: %.120s (tracewrap test --sync does it with uv), or name one: --python FILE",
		       s->p.folder, out->remedy);
}

/* ---- import ---- */

static const char *python_words(struct session *s, const struct interpreter *i)
{
	const char *words[4];
	size_t n = interpreter_words(i, words), top = strlen(s->p.folder);
	OWNED_TEXT text = {0};

	if (strncmp(words[0], s->p.folder, top) == 0 && words[0][top] == '/')
		words[0] += top + 1;
	intent_quote(words, n, &text);
	return arena_strdup(s->arena, text_str(&text));
}

static const char *sync_words(struct session *s, const struct interpreter *i)
{
	struct interpreter none = *i;
	char name[64];

	if (*none.setting)
		return arena_printf(s->arena, "%s uv sync", none.setting);
	interpreter_name(config_text(s->p.config, "venv") ? config_text(s->p.config, "venv") : ".venv", name, sizeof name);
	return arena_printf(s->arena, "UV_PROJECT_ENVIRONMENT=%s uv sync", name);
}

int session_import(struct session *s, const struct interpreter *i, struct import_check *check, struct err *err)
{
	char buf[200];
	const char *package = project_package(&s->p, buf, sizeof buf), *python = python_words(s, i);

	check_import(&s->p, i, package, check);
	switch (check->state) {
	case IMPORT_FINE:
		break;
	case IMPORT_NO_PYTHON:
		return err_set(err, -EINVAL, "%s does not work: %.150s; make it anew: %s", python, check->what, sync_words(s, i));
	case IMPORT_NO_PYTEST:
		return err_set(err, -EINVAL, "%s has no pytest; install it: %s -m pip install pytest, or %s", python, python, sync_words(s, i));
	case IMPORT_FAILS:
		return err_set(err, -EINVAL, "import %s fails: %.200s; correct that first", package, check->what);
	case IMPORT_ELSEWHERE:
		return err_set(err, -EINVAL, "%s imports %s from %.80s, outside of this worktree; make one of its own: %s", python, package, check->file,
			       sync_words(s, i));
	}
	return 0;
}

/* ---- collection ---- */

static int complain_collect(struct session *s, const struct program_result *r, const char *file, struct err *err)
{
	struct outcomes *o = outcomes_new();
	OWNED_TEXT text = {0};
	int rc = 0;

	if (sys_read_file(AT_FDCWD, file, &text, NULL) == 0)
		outcomes_read(o, text_str(&text), text.n, s->p.config);
	if (o->collect.n) {
		const struct outcome_test *t = &o->collect.at[0];
		const char *message = *t->message ? t->message : "an error";

		rc = err_set(err, -EINVAL, "%.100s:%u: can't be collected: %.*s; correct that first", *t->file ? t->file : t->id, t->line,
			     (int)(strcspn(message, "\n") > 150 ? 150 : strcspn(message, "\n")), message);
	} else if (r->time_over) {
		rc = err_set(err, -EINVAL, "the collection of the tests has not ended in 300 s; see what it does: tracewrap test -- --collect-only");
	} else if (r->code && r->code != 5) {
		const char *at = r->errors.n ? r->errors.at : text_str(&r->out);

		rc = err_set(err, -EINVAL, "the tests can't be collected: %.*s; see: tracewrap test --no-check -- --collect-only",
			     (int)(strcspn(at, "\n") > 150 ? 150 : strcspn(at, "\n")), at);
	}
	outcomes_free(o);
	return rc;
}

int session_collect(struct session *s, const struct interpreter *i, struct err *err)
{
	const char *argv[32], *env[] = {*i->setting ? i->setting : NULL, NULL}, *file;
	size_t n = interpreter_words(i, argv);
	struct program program = {.argv = (char *const *)(uintptr_t)argv, .env = env, .limit_ns = COLLECT_LIMIT_NS};
	struct program_result r = {0};
	int rc = session_folder(s, err);

	file = arena_printf(s->arena, "%s/%s/collect-%d.jsonl", *s->opt->watch.report_dir == '/' ? "" : s->p.folder, s->opt->watch.report_dir, (int)getpid());
	if (rc < 0 || (rc = outcomes_prepare(s->opt->watch.report_dir, file, err)) < 0)
		return rc;
	argv[n++] = "-m";
	argv[n++] = "pytest";
	for (size_t k = 0; k < s->place.npaths && n < ARRAY_SIZE(argv) - 8; k++)
		argv[n++] = s->place.paths[k];
	argv[n++] = "-x";
	argv[n++] = "-q";
	argv[n++] = "--co";
	argv[n++] = "-p";
	argv[n++] = "no:cacheprovider"; /* a check leaves the last failures alone */
	argv[n] = NULL;
	rc = program_run(&program, &r, err);
	if (!rc)
		rc = complain_collect(s, &r, file, err);
	unlink(file);
	program_result_free(&r);
	return rc;
}

/* ---- places ---- */

int session_folder(struct session *s, struct err *err)
{
	const char *top = s->opt->watch.report_dir, *path = arena_printf(s->arena, "%s/.gitignore", top);
	int rc = sys_make_dirs(top, err);

	if (rc < 0)
		return rc;
	return access(path, F_OK) == 0 ? 0 : sys_write_file(path, "*\n", 2, err);
}

struct doctor_where session_where(const struct session *s, const char *ports[PORTS_MOST])
{
	struct doctor_where where = {
		.ports = ports,
		.sockets = config_find(s->p.config, "sockets"),
		.shm = config_find(s->p.config, "shm"),
		.parent = s->opt->cmd.parent,
	};

	while (where.nports < PORTS_MOST && *s->opt->watch.ports[where.nports]) {
		ports[where.nports] = s->opt->watch.ports[where.nports];
		where.nports++;
	}
	return where;
}
