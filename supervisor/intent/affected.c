/* Changed paths -> targets; and what of such tables points nowhere. */
#include <stdio.h>
#include <string.h>

#include "intent/intent.h"

enum { PATH_MOST = 1024 };

static bool has(const words_vec *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->at[i], word) == 0)
			return true;
	return false;
}

/** Is PATH in a folder that is a target already? */
static bool is_covered(const words_vec *targets, const char *path)
{
	for (size_t i = 0; i < targets->n; i++) {
		size_t n = strlen(targets->at[i]);

		if (n && targets->at[i][n - 1] == '/' && strncmp(path, targets->at[i], n) == 0 && path[n])
			return true;
	}
	return false;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_source(const char *path)
{
	size_t n = strlen(path);

	return n > 3 && strcmp(path + n - 3, ".py") == 0;
}

static int take_rows(const struct intent_place *in, const char *path, struct arena *arena, words_vec *all, bool *any, struct err *err)
{
	for (size_t i = 0; i < in->config->affected.n; i++) {
		const struct config_affected *row = &in->config->affected.at[i];

		if (!config_glob(row->pattern, path))
			continue;
		*any = true;
		for (size_t k = 0; k < row->n; k++) {
			struct err why = {0};
			int rc = intent_resolve(in, row->targets[k], arena, all, &why);

			if (rc)
				return err_set(err, rc, "%s:%u: %.260s", row->file, row->line, why.text);
		}
	}
	return 0;
}

static void take_itself(const struct intent_place *in, const char *path, struct arena *arena, words_vec *all, bool *any)
{
	bool conftest = strcmp(base_of(path), "conftest.py") == 0;
	int folder = (int)(base_of(path) - path);

	if (conftest) {
		vec_push(all, folder ? arena_printf(arena, "%.*s", folder, path) : ".");
		*any = true;
	} else if (intent_is_test_file(path)) {
		*any = true;
		if (intent_exists(in, path)) /* it may have been removed */
			vec_push(all, arena_strdup(arena, path));
	}
}

int intent_affected(const struct intent_place *in, const char *const *changed, size_t n, struct arena *arena, words_vec *targets,
                    words_vec *unmatched, struct err *err)
{
	words_vec all = {0};
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		bool any = false;

		take_itself(in, changed[i], arena, &all, &any);
		rc = take_rows(in, changed[i], arena, &all, &any, err);
		if (!any && is_source(changed[i]))
			vec_push(unmatched, changed[i]);
	}
	for (size_t i = 0; i < all.n && !rc; i++)
		if (!has(targets, all.at[i]) && !is_covered(&all, all.at[i]))
			vec_push(targets, all.at[i]);
	vec_free(&all);
	return rc;
}

/* ---- rot ---- */

struct rot {
	const struct intent_place *in;
	struct arena *arena;
	const char *(*source)(void *data, const char *path);
	void *data;
	words_vec *out;
};

static void check_target(const struct rot *r, const char *file, unsigned line, const char *what, const char *target)
{
	words_vec found = {0};
	struct err why = {0};

	if (intent_resolve(r->in, target, r->arena, &found, &why))
		vec_push(r->out, arena_printf(r->arena, "%s:%u: %s: %s", file, line, what, why.text + (strncmp(why.text, "test: ", 6) == 0 ? 6 : 0)));
	vec_free(&found);
}

/** "def test_x(" in any file that the row may mean. */
static bool has_test(const struct rot *r, const char *file, size_t nfile, const char *name, size_t nname)
{
	for (size_t i = 0; i < r->in->nfiles; i++) {
		const char *path = r->in->files[i], *text;
		size_t n = strlen(path);

		if (n < nfile || strncmp(path + n - nfile, file, nfile) != 0 || (n > nfile && nfile && path[n - nfile - 1] != '/'))
			continue;
		if (!nname)
			return true;
		if (!intent_is_test_file(path) || !(text = r->source(r->data, path)))
			continue;
		for (const char *at = strstr(text, "def "); at; at = strstr(at + 4, "def "))
			if (strncmp(at + 4, name, nname) == 0 && at[4 + nname] == '(')
				return true;
	}
	return false;
}

static void check_flaky(const struct rot *r, const struct config_flaky *f)
{
	const char *node = strstr(f->test, "::"), *name = node ? strrchr(f->test, ':') + 1 : intent_is_test_file(f->test) ? "" : f->test;
	size_t nfile = node ? (size_t)(node - f->test) : *name ? 0 : strlen(f->test);

	if (!config_is_glob(f->test) || strchr(f->test, '['))
		if (!has_test(r, f->test, nfile, name, strcspn(name, "[")))
			vec_push(r->out, arena_printf(r->arena, "%s:%u: flaky: there is no test \"%s\"", f->file, f->line, f->test));
}

static bool matches_any(const struct intent_place *in, const char *pattern)
{
	for (size_t i = 0; i < in->nfiles; i++)
		if (config_glob(pattern, in->files[i]))
			return true;
	return false;
}

void intent_rot(const struct intent_place *in, struct arena *arena, const char *(*source)(void *data, const char *path), void *data,
                words_vec *out)
{
	const struct config *c = in->config;
	struct rot r = {in, arena, source, data, out};

	for (size_t i = 0; i < c->entries.n; i++) {
		const struct config_entry *e = &c->entries.at[i];

		for (size_t k = 0; k < e->n && strncmp(e->key, "test.sets.", 10) == 0; k++)
			check_target(&r, e->file, e->line, arena_printf(arena, "set @%s", e->key + 10), e->items[k]);
	}
	for (size_t i = 0; i < c->flaky.n; i++)
		check_flaky(&r, &c->flaky.at[i]);
	for (size_t i = 0; i < c->affected.n; i++) {
		const struct config_affected *a = &c->affected.at[i];

		if (!matches_any(in, a->pattern))
			vec_push(out, arena_printf(arena, "%s:%u: affected: \"%s\" matches no file", a->file, a->line, a->pattern));
		for (size_t k = 0; k < a->n; k++)
			check_target(&r, a->file, a->line, "affected", a->targets[k]);
	}
}
