/* `tracewrap config`: every setting, its value, where it came from; what of the tables points nowhere; and a first table. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/session.h"

extern char **environ;

struct setting {
	const char *key, *value, *from; /* FROM: "default", "--grace", "TRACEWRAP_GRACE", "pyproject.toml:12" */
};
typedef VEC(struct setting) setting_vec;

/* ---- gathering ---- */

static const char *origin_words(struct session *s, const struct origin *o, const char *name)
{
	char *upper;

	switch (o->how) {
	case FROM_FILE:
		return arena_printf(s->arena, "%s:%u", o->file, o->line);
	case FROM_LINE:
		return arena_printf(s->arena, "--%s", name);
	case FROM_ENVIRONMENT:
		upper = arena_printf(s->arena, "TRACEWRAP_%s", name);
		for (char *c = upper + 10; *c; c++)
			*c = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
		return upper;
	case FROM_DEFAULT:
		break;
	}
	return "default";
}

static void gather_options(struct session *s, setting_vec *out)
{
	for (size_t i = 0; i < options_count(); i++) {
		struct option_words row = options_row(i);
		const struct origin *o = &s->opt->origin[i];
		const char *value = o->how == FROM_DEFAULT ? (row.value ? row.usual : "false") : row.value ? o->value : "true";

		if (strcmp(row.name, "help") == 0 || strcmp(row.name, "version") == 0 || strcmp(row.name, "json") == 0)
			continue;
		vec_push(out, (struct setting){row.name, value, origin_words(s, o, row.name)});
	}
}

static const char *entry_words(struct session *s, const struct config_entry *e)
{
	OWNED_TEXT all = {0};

	for (size_t i = 0; i < e->n; i++)
		text_addf(&all, "%s%s", i ? " " : "", e->items[i]);
	return arena_strdup(s->arena, text_str(&all));
}

static const char *file_words(struct session *s, const char *file, unsigned line)
{
	return line ? arena_printf(s->arena, "%s:%u", file, line) : file;
}

/** Keys that are no options: with their defaults. */
static const struct {
	const char *key, *usual;
} own[] = {
	{"package", ""}, {"venv", ".venv"}, {"python", ""}, {"sockets", ""}, {"shm", "psm_*"}, {"test.args", "-x --tb=short --no-header"},
	{"test.paths", "tests"}, {"test.timeout.all", "600s"}, {"test.timeout.file", "120s"},
};

static void gather_own(struct session *s, setting_vec *out)
{
	const struct config *c = s->p.config;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		const struct config_entry *e = config_find(c, own[i].key);

		vec_push(out, (struct setting){own[i].key, e ? entry_words(s, e) : own[i].usual, e ? file_words(s, e->file, e->line) : "default"});
	}
	for (size_t i = 0; i < c->entries.n; i++) {
		const struct config_entry *e = &c->entries.at[i];

		if (strncmp(e->key, "test.sets.", 10) == 0)
			vec_push(out, (struct setting){e->key, entry_words(s, e), file_words(s, e->file, e->line)});
	}
	for (size_t i = 0; i < c->flaky.n; i++) {
		const struct config_flaky *f = &c->flaky.at[i];
		const char *words = arena_printf(s->arena, "%s%s%s", f->test, f->error ? " with " : "", f->error ? f->error : "");

		vec_push(out, (struct setting){"flaky", words, file_words(s, f->file, f->line)});
	}
	for (size_t i = 0; i < c->affected.n; i++) {
		const struct config_affected *a = &c->affected.at[i];
		OWNED_TEXT words = {0};

		text_addf(&words, "%s ->", a->pattern);
		for (size_t k = 0; k < a->n; k++)
			text_addf(&words, " %s", a->targets[k]);
		vec_push(out, (struct setting){"affected", arena_strdup(s->arena, text_str(&words)), file_words(s, a->file, a->line)});
	}
}

/** TRACEWRAP_ON_HANG is --on-hang. */
static char option_letter(char c)
{
	return c == '_' ? '-' : (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/** A variable that looks like an option and is none. */
static void check_environment(struct session *s, words_vec *warnings)
{
	for (char **e = environ; e && *e; e++) {
		char name[64];
		size_t n = strcspn(*e, "=");

		if (strncmp(*e, "TRACEWRAP_", 10) != 0 || n - 10 >= sizeof name)
			continue;
		for (size_t i = 10; i <= n; i++)
			name[i - 10] = i == n ? '\0' : option_letter((*e)[i]);
		if (options_arity(name) == ARITY_NOT_OURS)
			vec_push(warnings, arena_printf(s->arena, "%.*s: there is no option --%s", (int)n, *e, name));
	}
}

/* ---- showing ---- */

static int show_json(const setting_vec *all, const words_vec *warnings)
{
	cJSON *root = cJSON_CreateObject(), *list;

	json_put(root, "next", json_string(warnings->n ? warnings->at[0] : all->n ? "nothing to do" : ""));
	list = json_put(root, "settings", cJSON_CreateArray());
	for (size_t i = 0; i < all->n; i++) {
		cJSON *row = json_add(list, cJSON_CreateObject());

		json_put(row, "key", json_string(all->at[i].key));
		json_put(row, "value", json_string(all->at[i].value));
		json_put(row, "from", json_string(all->at[i].from));
	}
	list = json_put(root, "warnings", cJSON_CreateArray());
	for (size_t i = 0; i < warnings->n; i++)
		json_add(list, json_string(warnings->at[i]));
	return json_print(root);
}

static int show(const setting_vec *all, const words_vec *warnings)
{
	for (size_t i = 0; i < all->n; i++)
		printf("%-18s %-34s %s\n", all->at[i].key, *all->at[i].value ? all->at[i].value : "-", all->at[i].from);
	for (size_t i = 0; i < warnings->n; i++)
		printf("warning            %s\n", warnings->at[i]);
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}

/* ---- --init ---- */

static int append(const char *file, const char *text, struct err *err)
{
	OWNED_FD fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	size_t n = strlen(text);

	if (fd < 0)
		return err_set(err, -errno, "%s: %m", file);
	if (write(fd, text, n) != (ssize_t)n)
		return err_set(err, -errno, "write %s: %m", file);
	return 0;
}

/** Into pyproject.toml where there is one, else into a tracewrap.toml, where the table is the whole file. */
static int init(struct session *s)
{
	const char *name = *s->opt->cmd.init || !s->opt->cmd.words.targets.n ? s->opt->cmd.init : s->opt->cmd.words.targets.at[0];
	const char *table = config_template(name);
	bool project = access("pyproject.toml", F_OK) == 0;
	const char *file = project ? "pyproject.toml" : "tracewrap.toml";
	OWNED_TEXT text = {0};
	struct err err = {0};

	if (!table)
		err_set(&err, -EINVAL, "--init: there is no table for \"%.60s\"; known: tractor, or none for any project", name);
	else if (s->p.config->entries.n > (config_find(s->p.config, "project.name") ? 1 : 0) || s->p.config->flaky.n || s->p.config->affected.n)
		err_set(&err, -EEXIST, "--init: %s has settings already; change them there, tracewrap config shows them",
			s->p.config->entries.n ? s->p.config->entries.at[0].file : file);
	if (*err.text)
		return session_fail(&err);
	for (const char *at = table; *at; at++) {
		bool skip = !project && strncmp(at, "tool.tracewrap.", 15) == 0;

		if (!project && strncmp(at, "[tool.tracewrap]\n", 17) == 0)
			at += 17;
		text_addn(&text, skip ? at + 15 : at, 1);
		at += skip ? 15 : 0;
	}
	if (s->opt->cmd.dry_run) {
		fputs(text_str(&text), stdout);
		return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
	}
	if (append(file, text_str(&text), &err) < 0)
		return session_fail(&err);
	printf("%s/%s has the table now; tracewrap config shows what holds\n", s->p.folder, file);
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}

int command_config(struct options *opt)
{
	setting_vec all = {0};
	words_vec warnings = {0};
	struct session s;
	int code = session_open(&s, opt, true);

	if (code < 0 && opt->cmd.init) {
		code = init(&s);
	} else if (code < 0) {
		gather_options(&s, &all);
		gather_own(&s, &all);
		intent_rot(&s.place, s.arena, session_source, &s, &warnings);
		check_environment(&s, &warnings);
		code = opt->json ? show_json(&all, &warnings) : show(&all, &warnings);
	}
	vec_free(&all);
	vec_free(&warnings);
	session_close(&s);
	return code;
}
