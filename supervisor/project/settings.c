/* Where the settings lie, and reading them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "project/room.h"

#define TABLE "tool.tracewrap"
#define READ_LIMIT_NS (20 * NS_PER_S)
enum { CODE_SYNTAX = 8, CODE_NO_READER = 9 };

/* ---- the checkout ---- */

/** A linked worktree has a file .git that names its git folder, and that has a `commondir`; a submodule's has none. */
static bool is_worktree(const char *top)
{
	char path[PATH_MAX + 16], common[PATH_MAX + 32];
	OWNED_TEXT text = {0};

	snprintf(path, sizeof path, "%s/.git", top);
	if (sys_read_file(AT_FDCWD, path, &text, NULL) || strncmp(text_str(&text), "gitdir: ", 8) != 0)
		return false;
	snprintf(common, sizeof common, "%.*s/commondir", (int)strcspn(text.at + 8, "\n"), text.at + 8);
	return access(common, F_OK) == 0;
}

static void find_top(struct project *p, const char *folder)
{
	char git[PATH_MAX + 8];

	snprintf(p->top, sizeof p->top, "%s", folder);
	for (size_t n = strlen(folder); n > 0; n--) {
		if (folder[n] != '/' && folder[n] != '\0')
			continue;
		snprintf(git, sizeof git, "%.*s/.git", (int)n, folder);
		if (access(git, F_OK) == 0) {
			snprintf(p->top, sizeof p->top, "%.*s", (int)n, folder);
			p->git = true;
			p->worktree = is_worktree(p->top);
			return;
		}
	}
	p->bare = access("HEAD", F_OK) == 0 && access("objects", F_OK) == 0 && access("refs", F_OK) == 0;
}

/* ---- TOML, by a Python ---- */

static const char reader[] =
	"import sys\n"
	"try:\n import tomllib as t\n"
	"except ImportError:\n"
	" try:\n  import tomli as t\n"
	" except ImportError:\n  sys.exit(9)\n"
	"import json\n"
	"try:\n"
	" with open(sys.argv[1],'rb') as f:\n  d=t.load(f)\n"
	"except (t.TOMLDecodeError,UnicodeDecodeError) as e:\n print(e)\n sys.exit(8)\n"
	"g=lambda d,k:d.get(k) if isinstance(d,dict) else None\n"
	"w=d if sys.argv[2]=='whole' else g(g(d,'tool'),'tracewrap')\n"
	"json.dump({'name':g(g(d,'project'),'name'),'table':w},sys.stdout,default=str)\n";

/** Without -S a virtual environment's packages are there: tomli, before Python 3.11. */
static int ask(const char *python, const char *path, bool whole, bool site, struct program_result *r)
{
	const char *kind = whole ? "whole" : "tool";
	const char *with_site[] = {python, "-I", "-c", reader, path, kind, NULL};
	const char *without[] = {python, "-I", "-S", "-c", reader, path, kind, NULL};
	struct program program = {.argv = words_of_program(site ? with_site : without), .limit_ns = READ_LIMIT_NS};

	return program_run(&program, r, NULL);
}

/** @return true when somebody could read it: R says what came of it. */
static bool ask_any(const struct project *p, const char *path, bool whole, struct program_result *r)
{
	char pythons[PYTHONS_MOST][PATH_MAX];
	size_t n = any_pythons(p, pythons);

	for (size_t i = 0; i < n; i++)
		for (int site = 0; site < 2; site++) {
			bool started = ask(pythons[i], path, whole, site, r) == 0;

			if (started && (r->code == 0 || r->code == CODE_SYNTAX))
				return true;
			program_result_free(r);
		}
	return false;
}

/** The library words it, and says where: "... (at line 3, column 5)", or "(at end of document)". */
static int complain_syntax(const char *shown, const char *text, const char *words, struct err *err)
{
	const char *at = strstr(words, "at line ");
	unsigned line = at ? (unsigned)strtoul(at + 8, NULL, 10) : 0;
	int n = (int)strcspn(words, "\n");

	if (strstr(words, "at end of document"))
		for (line = 1; (text = strchr(text, '\n')) && text[1]; text++)
			line++;

	if (line)
		return err_set(err, -EINVAL, "%s:%u: %.*s; correct it", shown, line, n, words);
	return err_set(err, -EINVAL, "%s: %.*s; correct it", shown, n, words);
}

/* ---- what a Python has answered is kept, where runs have left a folder: the start of one is most of what `last` would take ---- */

static void name_cache(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(out, size, "%.*s/.tracewrap/settings-%s.json", (int)(slash - path), path, slash + 1);
}

/** The answer is good for the very text that it was given to: a line with its hash comes first. */
static bool read_cache(const char *path, const struct text *text, struct text *answer)
{
	char cache[PATH_MAX + 64], head[32];
	int n = snprintf(head, sizeof head, "%016llx\n", (unsigned long long)hash_bytes(HASH_BEGIN, text_str(text), text->n));

	name_cache(path, cache, sizeof cache);
	if (sys_read_file(AT_FDCWD, cache, answer, NULL) || strncmp(text_str(answer), head, (size_t)n) != 0)
		return false;
	answer->n -= (size_t)n;
	memmove(answer->at, answer->at + n, answer->n + 1);

	cJSON *root = cJSON_ParseWithLength(answer->at, answer->n);
	bool whole = cJSON_IsObject(root);

	cJSON_Delete(root);
	return whole;
}

static void write_cache(const char *path, const struct text *text, const struct text *answer)
{
	char cache[PATH_MAX + 64], folder[PATH_MAX + 64];
	OWNED_TEXT whole = {0};

	name_cache(path, cache, sizeof cache);
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(cache, '/') - cache), cache);
	if (access(folder, W_OK) < 0)
		return;
	text_addf(&whole, "%016llx\n", (unsigned long long)hash_bytes(HASH_BEGIN, text_str(text), text->n));
	text_addn(&whole, text_str(answer), answer->n);
	sys_write_file(cache, whole.at, whole.n, NULL); /* an extra: without it, the next one asks again */
}

/* ---- one file ---- */

struct taking {
	struct project *p;
	const struct config_option *options;
	size_t noptions;
	bool found;
};

static void keep_name(struct project *p, const cJSON *name, const char *shown)
{
	struct config_entry e = {.key = "project.name", .n = 1, .file = arena_strdup(p->config->arena, shown)};
	const char **items = arena_array(p->config->arena, 1, sizeof *items);

	if (!cJSON_IsString(name) || config_find(p->config, e.key))
		return;
	items[0] = arena_strdup(p->config->arena, name->valuestring);
	e.items = items;
	vec_push(&p->config->entries, e);
}

static int take_table(struct taking *t, const char *shown, const char *text, const struct text *answer, bool whole, struct err *err)
{
	cJSON *root = cJSON_ParseWithLength(text_str(answer), answer->n);
	cJSON *table = cJSON_GetObjectItemCaseSensitive(root, "table");
	char *json = table && !cJSON_IsNull(table) ? cJSON_PrintUnformatted(table) : NULL;
	int rc = 0;

	if (json) {
		struct config_source from = {.file = shown, .text = text, .toml = true, .whole = whole, .json = json, .len = strlen(json)};

		t->found = true;
		rc = config_add(t->p->config, &from, t->options, t->noptions, err);
	}
	keep_name(t->p, cJSON_GetObjectItemCaseSensitive(root, "name"), shown);
	cJSON_free(json);
	cJSON_Delete(root);
	return rc;
}

static int take_toml(struct taking *t, const char *path, const char *shown, bool whole, struct err *err)
{
	OWNED_TEXT text = {0};
	OWNED_TEXT answer = {0};
	struct program_result r = {0};
	int rc;

	if (sys_read_file(AT_FDCWD, path, &text, NULL) || (!whole && !strstr(text_str(&text), TABLE)))
		return 0;
	if (read_cache(path, &text, &answer))
		return take_table(t, shown, text_str(&text), &answer, whole, err);
	if (!ask_any(t->p, path, whole, &r))
		return err_set(err, -EINVAL, "%s has settings of tracewrap, and there is no Python here that reads TOML (3.11, or tomli in the "
			       "virtual environment); install one, or write them into tracewrap.json", shown);
	if (r.code == CODE_SYNTAX)
		rc = complain_syntax(shown, text_str(&text), text_str(&r.out), err);
	else if (!(rc = take_table(t, shown, text_str(&text), &r.out, whole, err)))
		write_cache(path, &text, &r.out);
	program_result_free(&r);
	return rc;
}

static int take_json(struct taking *t, const char *path, const char *shown, struct err *err)
{
	OWNED_TEXT text = {0};
	struct config_source from = {.file = shown, .whole = true};

	if (sys_read_file(AT_FDCWD, path, &text, NULL))
		return 0;
	from.text = from.json = text_str(&text);
	from.len = text.n;
	t->found = true;
	return config_add(t->p->config, &from, t->options, t->noptions, err);
}

static int take_folder(struct taking *t, const char *folder, struct err *err)
{
	static const char *const names[] = {"tracewrap.json", "tracewrap.toml", "pyproject.toml"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !rc; i++) {
		char path[PATH_MAX + 32];

		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		rc = i == 0 ? take_json(t, path, names[i], err) : take_toml(t, path, names[i], i == 1, err);
	}
	return rc;
}

/* ---- all of it ---- */

static void find_below(struct project *p, const char *cwd)
{
	size_t n = strlen(p->folder);

	if (strncmp(cwd, p->folder, n) == 0 && cwd[n] == '/')
		snprintf(p->below, sizeof p->below, "%.*s/", PATH_MAX - 2, cwd + n + 1);
}

int project_open(struct project *p, const struct config_option *options, size_t noptions, struct err *err)
{
	struct taking t = {.p = p, .options = options, .noptions = noptions};
	char cwd[PATH_MAX], at[PATH_MAX];
	int rc;

	*p = (struct project){.config = config_new()};
	if (!getcwd(cwd, sizeof cwd))
		return 0; /* a folder that is gone has no settings */
	find_top(p, cwd);
	snprintf(p->folder, sizeof p->folder, "%s", p->top);
	snprintf(at, sizeof at, "%s", cwd);
	for (;;) {
		if ((rc = take_folder(&t, at, err)))
			return rc;
		if (t.found)
			snprintf(p->folder, sizeof p->folder, "%s", at);

		char *slash = strrchr(at, '/');

		if (t.found || strcmp(at, p->top) == 0 || !slash || slash == at)
			break;
		*slash = '\0';
	}
	find_below(p, cwd);
	return 0;
}

void project_close(struct project *p)
{
	config_free(p->config);
	p->config = NULL;
}
