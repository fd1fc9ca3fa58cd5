/* What the subcommands of a project begin with. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"

int session_fail(const struct err *err)
{
	fprintf(stderr, "tracewrap: %s\n", err->text);
	return EXIT_TRACEWRAP;
}

static int show_help(void)
{
	OWNED_TEXT help = {0};

	options_help(&help);
	fputs(text_str(&help), stdout);
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}

/** A path of the user's is meant from the folder that he stands in. */
static void keep_path(const struct session *s, const char *folder, const char **path)
{
	if (*path && **path != '/' && strncmp(*path, "fd:", 3) != 0)
		*path = arena_printf(s->arena, "%s/%s", folder, *path);
}

static int go_into(struct session *s, struct err *err)
{
	struct watch_options *w = &s->opt->watch;
	char folder[PATH_MAX];

	if (!*s->p.folder || !getcwd(folder, sizeof folder) || strcmp(folder, s->p.folder) == 0)
		return 0;
	if (w->report_always)
		keep_path(s, folder, &w->report_dir);
	keep_path(s, folder, &w->report_json);
	keep_path(s, folder, &w->save_snapshot);
	keep_path(s, folder, &s->opt->events);
	if (chdir(s->p.folder) < 0)
		return err_set(err, -errno, "%s: %m", s->p.folder);
	return 0;
}

static void find_place(struct session *s, bool files)
{
	s->place = (struct intent_place){.below = s->p.below, .config = s->p.config};
	s->place.paths = project_paths(&s->p, &s->place.npaths);
	if (!files)
		return;
	project_files(".", true, &s->files);
	s->place.files = (const char *const *)s->files.at;
	s->place.nfiles = s->files.n;
}

static int open_all(struct session *s, bool files, struct err *err)
{
	struct config_option keys[OPTIONS_MOST];
	int rc = project_open(&s->p, keys, options_keys(keys), err);

	if (rc < 0)
		return rc;
	find_place(s, false);
	if (s->opt->sub == SUB_TEST && (rc = go_into(s, err)) < 0)
		return rc;
	if (s->opt->sub == SUB_TEST)
		find_place(s, files);
	if ((rc = command_parse(s->opt, &s->place, err)) < 0 || s->opt->sub == SUB_HELP)
		return rc;
	if ((rc = options_configure(s->opt, s->p.config, err)) < 0 || s->opt->sub == SUB_TEST || (rc = go_into(s, err)) < 0)
		return rc;
	find_place(s, files);
	return 0;
}

int session_open(struct session *s, struct options *opt, bool files)
{
	struct err err = {0};

	*s = (struct session){.opt = opt, .arena = arena_new()};
	if (open_all(s, files, &err) < 0)
		return session_fail(&err);
	if (opt->sub == SUB_HELP)
		return show_help();
	if (opt->sub == SUB_VERSION)
		return printf("tracewrap %s\n", TRACEWRAP_VERSION) > 0 && fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
	return -1;
}

void session_close(struct session *s)
{
	path_vec_free(&s->files);
	intent_words_free(&s->opt->cmd.words);
	project_close(&s->p);
	arena_free(s->arena);
}

const char *session_source(void *data, const char *path)
{
	struct session *s = data;
	OWNED_TEXT text = {0};

	return sys_read_file(AT_FDCWD, path, &text, NULL) ? NULL : arena_strdup(s->arena, text_str(&text));
}

/* ---- JSON ---- */

cJSON *json_put(cJSON *object, const char *key, cJSON *item)
{
	if (!item)
		base_oom();
	must(cJSON_AddItemToObject(object, key, item));
	return item;
}

cJSON *json_add(cJSON *array, cJSON *item)
{
	if (!item)
		base_oom();
	must(cJSON_AddItemToArray(array, item));
	return item;
}

cJSON *json_string(const char *s)
{
	OWNED_TEXT copy = {0};

	if (!s)
		return cJSON_CreateNull();
	text_add(&copy, s);
	text_clean(copy.at, copy.n);
	return cJSON_CreateString(text_str(&copy));
}

int json_print(cJSON *root)
{
	char *text = cJSON_Print(root);

	if (!text)
		base_oom();
	puts(text);
	cJSON_free(text);
	cJSON_Delete(root);
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}
