/* A table as JSON -> settings; and all that can be wrong with one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "config/config.h"

enum { NAMES_MOST = 96 };

static const char *const own_lists[] = {"ports", "sockets", "shm"};
static const char *const own_texts[] = {"package", "venv", "python"};
static const char *const own_tables[] = {"test", "flaky", "affected"};
static const char *const test_keys[] = {"args", "paths", "timeout", "sets"};
static const char *const timeout_keys[] = {"all", "file"};
static const char *const flaky_keys[] = {"test", "error", "note"};

struct reading {
	struct config *c;
	const struct config_source *from;
	const struct config_option *options;
	size_t noptions;
	struct err *err;
};

/* ---- what is wrong ---- */

static void place(const struct reading *r, const char *section, const char *key, size_t nth, char *buf, size_t size)
{
	unsigned line = config_line(r->from, section, key, nth);

	if (line)
		snprintf(buf, size, "%s:%u", r->from->file, line);
	else
		snprintf(buf, size, "%s", r->from->file);
}

static int unknown(const struct reading *r, const char *section, const char *key, size_t nth, const char *const *known, size_t n)
{
	const char *near = config_nearest(key, known, n);
	char where[160];

	place(r, section, key, nth, where, sizeof where);
	if (near)
		return err_set(r->err, -EINVAL, "%s: unknown key \"%.60s\"; the nearest known one is \"%s\"", where, key, near);
	return err_set(r->err, -EINVAL, "%s: unknown key \"%.60s\"; see tracewrap config for those that are known", where, key);
}

static int wrong_kind(const struct reading *r, const char *section, const char *key, size_t nth, const char *right)
{
	char where[160];

	place(r, section, key, nth, where, sizeof where);
	return err_set(r->err, -EINVAL, "%s: \"%.60s\" is to be %s", where, *key ? key : section, right);
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static int check_keys(const struct reading *r, const cJSON *table, const char *section, size_t nth, const char *const *known, size_t n)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, table)
		if (!is_one_of(item->string, known, n))
			return unknown(r, section, item->string, nth, known, n);
	return 0;
}

/* ---- values ---- */

/** A word, a number or a truth value as a word; NULL: it is something else. */
static const char *word_of(const struct reading *r, const cJSON *v)
{
	if (cJSON_IsString(v))
		return arena_strdup(r->c->arena, v->valuestring);
	if (cJSON_IsNumber(v))
		return arena_printf(r->c->arena, "%.15g", v->valuedouble);
	if (cJSON_IsBool(v))
		return cJSON_IsTrue(v) ? "1" : "0";
	return NULL;
}

/** The words of a list, or the only one; NULL: it is neither. */
static const char *const *words_of(const struct reading *r, const cJSON *v, size_t *n)
{
	size_t many = cJSON_IsArray(v) ? (size_t)cJSON_GetArraySize(v) : 1;
	const char **words = arena_array(r->c->arena, many + 1, sizeof *words);
	const cJSON *item = cJSON_IsArray(v) ? v->child : v;

	for (*n = 0; item && *n < many; item = item->next)
		if (!(words[(*n)++] = word_of(r, item)))
			return NULL;
	return words;
}

static bool same(const struct config_entry *e, const char *const *items, size_t n)
{
	for (size_t i = 0; i < n && i < e->n; i++)
		if (strcmp(e->items[i], items[i]) != 0)
			return false;
	return e->n == n;
}

static int disagree(const struct reading *r, const struct config_entry *old, const struct config_entry *new)
{
	return err_set(r->err, -EINVAL, "%s:%u: %s = %.40s%s, but %s:%u has %.40s%s; keep one of them", new->file, new->line, new->key,
		       new->n ? new->items[0] : "[]", new->n > 1 ? "..." : "", old->file, old->line, old->n ? old->items[0] : "[]",
		       old->n > 1 ? "..." : "");
}

/** FULL: the key with its sections; KEY and SECTION: where to look for its line. */
static int add_entry(const struct reading *r, const char *full, const char *section, const char *key, const cJSON *v, bool list)
{
	struct config_entry e = {.key = arena_strdup(r->c->arena, full), .list = list, .file = r->from->file};
	const struct config_entry *old = config_find(r->c, full);

	if (list)
		e.items = words_of(r, v, &e.n);
	else if (!cJSON_IsArray(v))
		e.items = words_of(r, v, &e.n);
	if (!e.items)
		return wrong_kind(r, section, key, 0, list ? "a list of strings" : "a string or a number");
	e.line = config_line(r->from, section, key, 0);
	if (old && !same(old, e.items, e.n))
		return disagree(r, old, &e);
	if (!old)
		vec_push(&r->c->entries, e);
	return 0;
}

/* ---- tables ---- */

static int read_timeout(const struct reading *r, const cJSON *v)
{
	const cJSON *item;
	int rc = 0;

	if (!cJSON_IsObject(v)) {
		rc = add_entry(r, "test.timeout.all", "test", "timeout", v, false);
		return rc ? rc : add_entry(r, "test.timeout.file", "test", "timeout", v, false);
	}
	if ((rc = check_keys(r, v, "test.timeout", 0, timeout_keys, ARRAY_SIZE(timeout_keys))))
		return rc;
	cJSON_ArrayForEach(item, v) {
		char full[64];

		snprintf(full, sizeof full, "test.timeout.%s", item->string);
		if ((rc = add_entry(r, full, "test.timeout", item->string, item, false)))
			return rc;
	}
	return 0;
}

static int read_sets(const struct reading *r, const cJSON *v)
{
	const cJSON *item;

	if (!cJSON_IsObject(v))
		return wrong_kind(r, "test", "sets", 0, "a table of lists");
	cJSON_ArrayForEach(item, v) {
		const char *full = arena_printf(r->c->arena, "test.sets.%s", item->string);
		int rc = add_entry(r, full, "test.sets", item->string, item, true);

		if (rc)
			return rc;
	}
	return 0;
}

static int read_test(const struct reading *r, const cJSON *v)
{
	const cJSON *item;
	int rc;

	if (!cJSON_IsObject(v))
		return wrong_kind(r, "", "test", 0, "a table");
	if ((rc = check_keys(r, v, "test", 0, test_keys, ARRAY_SIZE(test_keys))))
		return rc;
	cJSON_ArrayForEach(item, v) {
		char full[64];

		snprintf(full, sizeof full, "test.%s", item->string);
		if (strcmp(item->string, "timeout") == 0)
			rc = read_timeout(r, item);
		else if (strcmp(item->string, "sets") == 0)
			rc = read_sets(r, item);
		else
			rc = add_entry(r, full, "test", item->string, item, true);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_flaky_row(const struct reading *r, const cJSON *row, size_t nth)
{
	struct config_flaky f = {.file = r->from->file, .line = config_line(r->from, "flaky", "", nth)};
	const char **to[] = {&f.test, &f.error, &f.note};
	int rc;

	if (!cJSON_IsObject(row))
		return wrong_kind(r, "", "flaky", 0, "an array of tables");
	if ((rc = check_keys(r, row, "flaky", nth, flaky_keys, ARRAY_SIZE(flaky_keys))))
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(flaky_keys); i++) {
		const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, flaky_keys[i]);

		if (v && !cJSON_IsString(v))
			return wrong_kind(r, "flaky", flaky_keys[i], nth, "a string");
		*to[i] = v ? word_of(r, v) : NULL;
	}
	if (!f.test || !*f.test)
		return wrong_kind(r, "flaky", "", nth, "rows of test = \"...\", error = \"...\"; this one has no test");
	vec_push(&r->c->flaky, f);
	return 0;
}

static int read_flaky(const struct reading *r, const cJSON *v)
{
	const cJSON *row;
	size_t nth = 0;
	int rc = 0;

	if (!cJSON_IsArray(v))
		return wrong_kind(r, "", "flaky", 0, "an array of tables");
	cJSON_ArrayForEach(row, v)
		if ((rc = read_flaky_row(r, row, nth++)))
			break;
	return rc;
}

static int read_affected(const struct reading *r, const cJSON *v)
{
	const cJSON *item;

	if (!cJSON_IsObject(v))
		return wrong_kind(r, "", "affected", 0, "a table of lists");
	cJSON_ArrayForEach(item, v) {
		struct config_affected a = {
			.pattern = arena_strdup(r->c->arena, item->string),
			.file = r->from->file,
			.line = config_line(r->from, "affected", item->string, 0),
		};

		if (!(a.targets = words_of(r, item, &a.n)))
			return wrong_kind(r, "affected", item->string, 0, "a list of strings");
		vec_push(&r->c->affected, a);
	}
	return 0;
}

/* ---- the whole ---- */

static const struct config_option *option_of(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->noptions; i++)
		if (strcmp(r->options[i].name, name) == 0)
			return &r->options[i];
	return NULL;
}

static int unknown_top(const struct reading *r, const char *key)
{
	const char *known[NAMES_MOST];
	size_t n = 0;

	for (size_t i = 0; i < r->noptions && n < NAMES_MOST; i++)
		known[n++] = r->options[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(own_lists) && n < NAMES_MOST; i++)
		known[n++] = own_lists[i];
	for (size_t i = 0; i < ARRAY_SIZE(own_texts) && n < NAMES_MOST; i++)
		known[n++] = own_texts[i];
	for (size_t i = 0; i < ARRAY_SIZE(own_tables) && n < NAMES_MOST; i++)
		known[n++] = own_tables[i];
	return unknown(r, "", key, 0, known, n);
}

static int read_key(const struct reading *r, const cJSON *v)
{
	const char *key = v->string;
	const struct config_option *option = option_of(r, key);

	if (strcmp(key, "test") == 0)
		return read_test(r, v);
	if (strcmp(key, "flaky") == 0)
		return read_flaky(r, v);
	if (strcmp(key, "affected") == 0)
		return read_affected(r, v);
	if (is_one_of(key, own_lists, ARRAY_SIZE(own_lists)))
		return add_entry(r, key, "", key, v, true);
	if (!option && !is_one_of(key, own_texts, ARRAY_SIZE(own_texts)))
		return unknown_top(r, key);
	if (option && option->has_value == cJSON_IsBool(v))
		return wrong_kind(r, "", key, 0, option->has_value ? "a string or a number" : "true or false");
	return add_entry(r, key, "", key, v, false);
}

/** In which line of the text the parser gave up. */
static unsigned line_at(const char *text, const char *at)
{
	unsigned line = 1;

	for (; text < at && *text; text++)
		line += *text == '\n';
	return line;
}

int config_add(struct config *c, const struct config_source *from, const struct config_option *options, size_t noptions, struct err *err)
{
	struct config_source kept = *from;
	const char *end = NULL;
	cJSON *root = cJSON_ParseWithLengthOpts(from->json, from->len, &end, false), *item;
	int rc = 0;

	kept.file = arena_strdup(c->arena, from->file);

	struct reading r = {c, &kept, options, noptions, err};

	if (!root)
		return err_set(err, -EINVAL, "%s:%u: this is no JSON", from->file, end ? line_at(from->json, end) : 1);
	if (!cJSON_IsObject(root))
		rc = err_set(err, -EINVAL, "%s: the settings are to be a table", from->file);
	else
		cJSON_ArrayForEach(item, root)
			if ((rc = read_key(&r, item)))
				break;
	cJSON_Delete(root);
	if (rc && err)
		text_clean(err->text, strlen(err->text)); /* a key may have a newline in it */
	return rc;
}

struct config *config_new(void)
{
	struct config *c = mem_alloc(sizeof *c);

	c->arena = arena_new();
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	vec_free(&c->entries);
	vec_free(&c->flaky);
	vec_free(&c->affected);
	arena_free(c->arena);
	mem_free(c);
}

const struct config_entry *config_find(const struct config *c, const char *key)
{
	for (size_t i = 0; i < c->entries.n; i++)
		if (strcmp(c->entries.at[i].key, key) == 0)
			return &c->entries.at[i];
	return NULL;
}

const char *config_text(const struct config *c, const char *key)
{
	const struct config_entry *e = config_find(c, key);

	return e && e->n ? e->items[0] : NULL;
}
