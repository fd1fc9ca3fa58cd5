/* What a target names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "intent/intent.h"

enum { PATH_MOST = 1024, LIST_MOST = 4, SETS_DEPTH = 4 };

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool intent_is_test_file(const char *path)
{
	const char *base = base_of(path);
	size_t n = strlen(base);

	if (n < 4 || strcmp(base + n - 3, ".py") != 0)
		return false;
	return strncmp(base, "test_", 5) == 0 || (n > 8 && strcmp(base + n - 8, "_test.py") == 0);
}

/** PATH without "./" at its beginning and slashes at its end. */
static void tidy(const char *path, char *out, size_t size)
{
	size_t n;

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	snprintf(out, size, "%s", path);
	for (n = strlen(out); n > 1 && out[n - 1] == '/'; n--)
		out[n - 1] = '\0';
}

static bool is_file(const struct intent_place *in, const char *path)
{
	for (size_t i = 0; i < in->nfiles; i++)
		if (strcmp(in->files[i], path) == 0)
			return true;
	return false;
}

static bool is_folder(const struct intent_place *in, const char *path)
{
	size_t n = strlen(path);

	if (strcmp(path, ".") == 0)
		return true;
	for (size_t i = 0; i < in->nfiles; i++)
		if (strncmp(in->files[i], path, n) == 0 && in->files[i][n] == '/')
			return true;
	return false;
}

bool intent_exists(const struct intent_place *in, const char *path)
{
	char at[PATH_MOST];

	tidy(path, at, sizeof at);
	return is_file(in, at) || is_folder(in, at);
}

static bool is_below(const char *path, const char *folder)
{
	char at[PATH_MOST];
	size_t n;

	tidy(folder, at, sizeof at);
	n = strlen(at);
	return strcmp(at, ".") == 0 || (strncmp(path, at, n) == 0 && path[n] == '/');
}

static bool is_below_paths(const struct intent_place *in, const char *path)
{
	for (size_t i = 0; i < in->npaths; i++)
		if (is_below(path, in->paths[i]) || strcmp(path, in->paths[i]) == 0)
			return true;
	return false;
}

/* ---- one way after the other ---- */

struct looking {
	const struct intent_place *in;
	struct arena *arena;
	const char *word;   /* as it was written */
	char file[PATH_MOST]; /* without the node */
	const char *node;   /* "::test_x"; "" */
	words_vec found;
};

static void add(struct looking *l, const char *path, bool folder)
{
	const char *whole = arena_printf(l->arena, "%s%s%s", path, folder && !*l->node && strcmp(path, ".") != 0 ? "/" : "", l->node);

	for (size_t i = 0; i < l->found.n; i++)
		if (strcmp(l->found.at[i], whole) == 0)
			return;
	vec_push(&l->found, whole);
}

static bool try_path(struct looking *l, const char *prefix, const char *suffix)
{
	char whole[2 * PATH_MOST], at[PATH_MOST];

	snprintf(whole, sizeof whole, "%s%s%s", prefix, l->file, suffix);
	if (strlen(whole) >= sizeof at)
		return false;
	tidy(whole, at, sizeof at);
	if (is_file(l->in, at))
		add(l, at, false);
	else if (is_folder(l->in, at))
		add(l, at, true);
	return l->found.n > 0;
}

/** As a path: from the user's folder, from the project's, below `paths`. */
static bool try_paths(struct looking *l)
{
	char prefix[PATH_MOST];

	if (try_path(l, l->in->below, "") || try_path(l, "", "") || try_path(l, "", ".py"))
		return true;
	for (size_t i = 0; i < l->in->npaths; i++) {
		tidy(l->in->paths[i], prefix, sizeof prefix - 1);
		strcat(prefix, "/");
		if (try_path(l, prefix, "") || try_path(l, prefix, ".py"))
			return true;
	}
	return false;
}

static bool try_glob(struct looking *l)
{
	char deep[PATH_MOST + 8], file[PATH_MOST + 8];

	if (!config_is_glob(l->file))
		return false;
	snprintf(deep, sizeof deep, "**/%s", l->file);
	for (size_t i = 0; i < l->in->nfiles; i++) {
		const char *path = l->in->files[i];

		snprintf(file, sizeof file, "%.*s", (int)strlen(path) - 3, path); /* "test_*spawn*" */
		if (!intent_is_test_file(path) || !is_below_paths(l->in, path))
			continue;
		if (config_glob(l->file, path) || config_glob(deep, path) || config_glob(deep, file))
			add(l, path, false);
	}
	return l->found.n > 0;
}

/** The last name of a file or folder below `paths`, wherever it lies. */
static bool try_name(struct looking *l)
{
	char want[PATH_MOST], folder[PATH_MOST];

	tidy(l->file, want, sizeof want);
	for (size_t i = 0; i < l->in->nfiles; i++) {
		const char *path = l->in->files[i], *base = base_of(path), *end;
		size_t n = strlen(want), nbase = strlen(base), npath = strlen(path);

		if (!is_below_paths(l->in, path))
			continue;
		if (strcmp(base, want) == 0 || (nbase == n + 3 && strncmp(base, want, n) == 0) ||
		    (npath > n && path[npath - n - 1] == '/' && strcmp(path + npath - n, want) == 0))
			add(l, path, false);
		for (const char *at = path; (end = strchr(at, '/')); at = end + 1) {
			if ((size_t)(end - at) != n || strncmp(at, want, n) != 0 || (size_t)(end - path) >= sizeof folder)
				continue;
			memcpy(folder, path, (size_t)(end - path));
			folder[end - path] = '\0';
			add(l, folder, true);
		}
	}
	return l->found.n > 0;
}

/* ---- when it names nothing ---- */

static size_t far_from(const char *word, const char *path)
{
	char stem[PATH_MOST];
	const char *base = base_of(path);
	size_t near, whole = config_distance(word, path);

	snprintf(stem, sizeof stem, "%.*s", (int)strcspn(base, "."), base);
	near = config_distance(word, base);
	if (config_distance(word, stem) < near)
		near = config_distance(word, stem);
	if (strstr(stem, word))
		near = near > 2 ? 2 : near;
	return near < whole ? near : whole;
}

static int complain_unknown(const struct looking *l, struct err *err)
{
	const char *best[LIST_MOST] = {0};
	size_t far[LIST_MOST], n = 0, most = strlen(l->file) / 3 + 2;
	OWNED_TEXT list = {0};
	char set[PATH_MOST + 16];

	snprintf(set, sizeof set, "test.sets.%s", l->word);
	if (config_find(l->in->config, set))
		return err_set(err, -EINVAL, "test: \"%.80s\" names no test; did you mean @%.80s?", l->word, l->word);
	for (size_t i = 0; i < l->in->nfiles; i++) {
		const char *path = l->in->files[i];
		size_t d = far_from(l->file, path), k;

		if (!intent_is_test_file(path) || !is_below_paths(l->in, path) || d > most)
			continue;
		for (k = n < LIST_MOST ? n++ : n; k > 0 && far[k - 1] > d; k--)
			if (k < LIST_MOST) {
				far[k] = far[k - 1];
				best[k] = best[k - 1];
			}
		if (k < LIST_MOST) {
			far[k] = d;
			best[k] = path;
		}
	}
	for (size_t i = 0; i < n; i++)
		text_addf(&list, "%s%s", i ? ", " : "", best[i]);
	if (n)
		return err_set(err, -EINVAL, "test: \"%.80s\" names no test; the nearest: %.200s", l->word, text_str(&list));
	return err_set(err, -EINVAL, "test: \"%.80s\" names no test below %.80s", l->word, l->in->npaths ? l->in->paths[0] : ".");
}

static int complain_ambiguous(const struct looking *l, struct err *err)
{
	OWNED_TEXT list = {0};

	for (size_t i = 0; i < l->found.n && i < LIST_MOST; i++)
		text_addf(&list, "%s%s", i ? ", " : "", l->found.at[i]);
	if (l->found.n > LIST_MOST)
		text_addf(&list, " and %zu more", l->found.n - LIST_MOST);
	return err_set(err, -EINVAL, "test: \"%.60s\" may be %.220s; name one of them", l->word, text_str(&list));
}

/* ---- all ---- */

static int resolve_set(const struct intent_place *in, const char *word, struct arena *arena, words_vec *out, unsigned depth, struct err *err);

static int resolve(const struct intent_place *in, const char *word, struct arena *arena, words_vec *out, unsigned depth, struct err *err)
{
	struct looking l = {.in = in, .arena = arena, .word = word};
	const char *node = strstr(word, "::");
	int rc = 0;

	if (*word == '@')
		return resolve_set(in, word, arena, out, depth, err);
	l.node = node ? node : "";
	snprintf(l.file, sizeof l.file, "%.*s", (int)(node ? (size_t)(node - word) : strlen(word)), word);
	if (!*l.file || strlen(word) >= PATH_MOST - 8)
		return err_set(err, -EINVAL, "test: \"%.80s\" is no target", word);
	if (!try_paths(&l) && !try_glob(&l) && !try_name(&l))
		rc = complain_unknown(&l, err);
	else if (l.found.n > 1 && (!config_is_glob(l.file) || *l.node))
		rc = complain_ambiguous(&l, err);
	for (size_t i = 0; i < l.found.n && !rc; i++)
		vec_push(out, l.found.at[i]);
	vec_free(&l.found);
	return rc;
}

static int resolve_set(const struct intent_place *in, const char *word, struct arena *arena, words_vec *out, unsigned depth, struct err *err)
{
	static const char prefix[] = "test.sets.";
	const char *full = arena_printf(arena, "%s%s", prefix, word + 1);
	const struct config_entry *set = config_find(in->config, full);
	OWNED_TEXT known = {0};
	int rc = 0;

	for (size_t i = 0; i < in->config->entries.n; i++)
		if (strncmp(in->config->entries.at[i].key, prefix, strlen(prefix)) == 0)
			text_addf(&known, "%s@%s", known.n ? ", " : "", in->config->entries.at[i].key + strlen(prefix));
	if (!set)
		return err_set(err, -EINVAL, "test: there is no set \"%.60s\"; known: %.200s", word, known.n ? known.at : "none ([tool.tracewrap.test.sets])");
	if (depth > SETS_DEPTH)
		return err_set(err, -EINVAL, "%s:%u: the set %.60s holds itself", set->file, set->line, word);
	for (size_t i = 0; i < set->n && !rc; i++) {
		struct err why = {0};

		if ((rc = resolve(in, set->items[i], arena, out, depth + 1, &why)))
			err_set(err, rc, "%s:%u: %s: %.240s", set->file, set->line, word, why.text);
	}
	return rc;
}

int intent_resolve(const struct intent_place *in, const char *word, struct arena *arena, words_vec *out, struct err *err)
{
	int rc = resolve(in, word, arena, out, 0, err);

	if (rc && err)
		text_clean(err->text, strlen(err->text));
	return rc;
}
