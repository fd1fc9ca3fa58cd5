/* Values out of a JSON file, checked one by one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/reader.h"

static void add_path(struct text *t, const struct at *at)
{
	if (at->up)
		add_path(t, at->up);
	if (at->key)
		text_addf(t, "%.64s.", at->key);
}

void reader_fail(struct reader *r, const struct at *at, const char *key, const char *fmt, ...)
{
	OWNED_TEXT t = {0};
	va_list ap;

	if (r->rc)
		return;
	add_path(&t, at);
	text_addf(&t, "%.64s: ", key);
	va_start(ap, fmt);
	text_addv(&t, fmt, ap);
	va_end(ap);
	text_clean(t.at, t.n);
	r->rc = err_set(r->err, -EINVAL, "%s", text_str(&t));
}

static bool is_missing(const cJSON *json)
{
	return !json || cJSON_IsNull(json);
}

const cJSON *reader_optional(struct reader *r, const struct at *at, const char *key)
{
	const cJSON *json = r->rc ? NULL : cJSON_GetObjectItemCaseSensitive(at->json, key);

	return is_missing(json) ? NULL : json;
}

const cJSON *reader_required(struct reader *r, const struct at *at, const char *key)
{
	const cJSON *json = reader_optional(r, at, key);

	if (!json)
		reader_fail(r, at, key, "is missing");
	return json;
}

/* ---- values ---- */

int64_t reader_to_int(struct reader *r, const struct at *at, const char *key, const cJSON *json, int64_t least, int64_t most)
{
	double d = json ? json->valuedouble : 0;

	if (r->rc || !json)
		return 0;
	if (!cJSON_IsNumber(json)) {
		reader_fail(r, at, key, "is no number");
	} else if (!(d >= (double)least && d <= (double)most)) {
		reader_fail(r, at, key, "%g is out of range", d);
	} else if ((double)(int64_t)d != d) {
		reader_fail(r, at, key, "%g is no whole number", d);
	} else {
		return (int64_t)d;
	}
	return 0;
}

pid_t reader_get_pid(struct reader *r, const struct at *at, const char *key, int64_t least)
{
	return (pid_t)reader_to_int(r, at, key, reader_optional(r, at, key), least, INT32_MAX);
}

pid_t reader_need_pid(struct reader *r, const struct at *at, const char *key, int64_t least)
{
	return (pid_t)reader_to_int(r, at, key, reader_required(r, at, key), least, INT32_MAX);
}

static bool to_bool(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	if (json && !cJSON_IsBool(json))
		reader_fail(r, at, key, "is neither true nor false");
	return cJSON_IsTrue(json);
}

bool reader_get_bool(struct reader *r, const struct at *at, const char *key, bool fallback)
{
	const cJSON *json = reader_optional(r, at, key);

	return json ? to_bool(r, at, key, json) : fallback;
}

bool reader_need_bool(struct reader *r, const struct at *at, const char *key)
{
	return to_bool(r, at, key, reader_required(r, at, key));
}

char *reader_clean_copy(struct reader *r, const char *text)
{
	char *copy = arena_strdup(r->s->arena, text);

	text_clean(copy, strlen(copy));
	return copy;
}

static char *to_str(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	if (r->rc || !json)
		return NULL;
	if (!cJSON_IsString(json)) {
		reader_fail(r, at, key, "is no string");
		return NULL;
	}
	return reader_clean_copy(r, json->valuestring);
}

char *reader_get_str(struct reader *r, const struct at *at, const char *key)
{
	return to_str(r, at, key, reader_optional(r, at, key));
}

const char *reader_need_str(struct reader *r, const struct at *at, const char *key)
{
	const char *s = to_str(r, at, key, reader_required(r, at, key));

	return s ? s : "";
}

int64_t reader_to_ns(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	double d = json ? json->valuedouble : 0;

	if (r->rc || !json)
		return 0;
	if (!cJSON_IsNumber(json))
		reader_fail(r, at, key, "is no number of seconds");
	else if (!(d >= 0 && d <= (double)SECONDS_MOST))
		reader_fail(r, at, key, "%g s is out of range", d);
	else
		return (int64_t)(d * 1e6 + 0.5) * 1000;
	return 0;
}

int64_t reader_get_ns(struct reader *r, const struct at *at, const char *key, int64_t fallback)
{
	const cJSON *json = reader_optional(r, at, key);

	return json ? reader_to_ns(r, at, key, json) : fallback;
}

bool reader_parse_u64(const char *text, int base, uint64_t *value)
{
	char *end;

	if (!*text || strspn(text, "0123456789abcdef") != strlen(text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, base);
	return *end == '\0' && errno == 0;
}

uint64_t reader_get_count(struct reader *r, const struct at *at, const char *key)
{
	const cJSON *json = reader_optional(r, at, key);
	uint64_t value = 0;

	if (!json || !cJSON_IsString(json))
		return (uint64_t)reader_to_int(r, at, key, json, 0, EXACT_MOST);
	if (!reader_parse_u64(json->valuestring, 10, &value))
		reader_fail(r, at, key, "is no count");
	return value;
}

uint64_t reader_to_address(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	uint64_t value = 0;

	if (r->rc || !json)
		return 0;
	if (!cJSON_IsString(json) || strncmp(json->valuestring, "0x", 2) != 0 || !reader_parse_u64(json->valuestring + 2, 16, &value))
		reader_fail(r, at, key, "is no address like \"0x7f00\"");
	return value;
}

uint64_t reader_get_address(struct reader *r, const struct at *at, const char *key)
{
	return reader_to_address(r, at, key, reader_optional(r, at, key));
}

/** The ends that a string of the letters r and w names. */
unsigned reader_to_ends(struct reader *r, const struct at *at, const char *key, const cJSON *json)
{
	const char *word = cJSON_IsString(json) ? json->valuestring : "?";
	unsigned ends = 0;

	if (r->rc)
		return 0;
	for (; *word; word++) {
		if (*word != 'r' && *word != 'w') {
			reader_fail(r, at, key, "the ends must be \"r\", \"w\" or \"rw\"");
			return 0;
		}
		ends |= *word == 'r' ? END_READ : END_WRITE;
	}
	return ends;
}

pid_t reader_key_to_id(struct reader *r, const struct at *at, const char *key, int64_t least)
{
	uint64_t value;

	if (!reader_parse_u64(key, 10, &value) || value < (uint64_t)least || value > INT32_MAX) {
		reader_fail(r, at, key, "is no number of a process, task or descriptor");
		return 0;
	}
	return (pid_t)value;
}

/* ---- lists ---- */

const cJSON *reader_get_list(struct reader *r, const struct at *at, const char *key, size_t *n)
{
	const cJSON *json = reader_optional(r, at, key);

	*n = 0;
	if (!json)
		return NULL;
	if (!cJSON_IsArray(json)) {
		reader_fail(r, at, key, "is no list");
		return NULL;
	}
	*n = (size_t)cJSON_GetArraySize(json);
	return json;
}

struct at reader_get_object(struct reader *r, const struct at *up, const char *key)
{
	const cJSON *json = reader_required(r, up, key);

	if (json && !cJSON_IsObject(json)) {
		reader_fail(r, up, key, "is no object");
		json = NULL;
	}
	return (struct at){up, key, json};
}

struct at reader_step_into(struct reader *r, const struct at *at, const cJSON *json)
{
	const char *key = json->string ? json->string : "item"; /* of a list */

	if (!cJSON_IsObject(json))
		reader_fail(r, at, key, "is no object");
	return (struct at){at, key, json};
}

pid_t *reader_get_ids(struct reader *r, const struct at *at, const char *key, int64_t least, size_t *n)
{
	const cJSON *list = reader_get_list(r, at, key, n), *item;
	pid_t *pids = arena_array(r->s->arena, *n, sizeof *pids);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
		pids[i++] = (pid_t)reader_to_int(r, at, key, item, least, INT32_MAX);
	return pids;
}

pid_t *reader_get_pids(struct reader *r, const struct at *at, const char *key, size_t *n)
{
	return reader_get_ids(r, at, key, 1, n);
}

/** Strings, with a NULL behind the last. */
char **reader_get_strings(struct reader *r, const struct at *at, const char *key, size_t *n)
{
	const cJSON *list = reader_get_list(r, at, key, n), *item;
	char **words = arena_array(r->s->arena, *n + 1, sizeof *words);
	size_t i = 0;

	cJSON_ArrayForEach(item, list)
	{
		char *word = to_str(r, at, key, item);

		words[i++] = word ? word : arena_strdup(r->s->arena, "");
	}
	return words;
}

/** Keys of files and mappings; the same words under another type. */
const char **reader_get_keys(struct reader *r, const struct at *at, const char *key, size_t *n)
{
	char **words = reader_get_strings(r, at, key, n);
	const char **keys = arena_array(r->s->arena, *n, sizeof *keys);

	for (size_t i = 0; i < *n; i++)
		keys[i] = words[i];
	return keys;
}
