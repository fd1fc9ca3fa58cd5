/* Maps from numbers and from strings to numbers: uthash behind a typed face. */
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) base_oom()
#include <uthash.h>

#include "base/base.h"

struct id_entry {
	uint64_t key;
	size_t value;
	UT_hash_handle hh;
};

struct idmap {
	struct id_entry *head;
};

static struct id_entry *id_find(const struct idmap *m, uint64_t key)
{
	struct id_entry *e;

	HASH_FIND(hh, m->head, &key, sizeof key, e);
	return e;
}

struct idmap *idmap_new(void)
{
	return mem_alloc(sizeof(struct idmap));
}

void idmap_free(struct idmap *m)
{
	struct id_entry *e, *next;

	if (!m)
		return;
	HASH_ITER(hh, m->head, e, next)
	{
		HASH_DEL(m->head, e);
		free(e);
	}
	free(m);
}

void idmap_put(struct idmap *m, uint64_t key, size_t value)
{
	struct id_entry *e = id_find(m, key);

	if (!e) {
		e = mem_alloc(sizeof *e);
		e->key = key;
		HASH_ADD(hh, m->head, key, sizeof e->key, e);
	}
	e->value = value;
}

bool idmap_get(const struct idmap *m, uint64_t key, size_t *value)
{
	const struct id_entry *e = id_find(m, key);

	if (e && value)
		*value = e->value;
	return e != NULL;
}

void idmap_del(struct idmap *m, uint64_t key)
{
	struct id_entry *e = id_find(m, key);

	if (e) {
		HASH_DEL(m->head, e);
		free(e);
	}
}

struct str_entry {
	size_t value;
	UT_hash_handle hh;
	char key[];
};

struct strmap {
	struct str_entry *head;
};

static struct str_entry *str_find(const struct strmap *m, const char *key)
{
	struct str_entry *e;

	HASH_FIND(hh, m->head, key, strlen(key), e);
	return e;
}

struct strmap *strmap_new(void)
{
	return mem_alloc(sizeof(struct strmap));
}

void strmap_free(struct strmap *m)
{
	struct str_entry *e, *next;

	if (!m)
		return;
	HASH_ITER(hh, m->head, e, next)
	{
		HASH_DEL(m->head, e);
		free(e);
	}
	free(m);
}

void strmap_put(struct strmap *m, const char *key, size_t value)
{
	struct str_entry *e = str_find(m, key);

	if (!e) {
		size_t len = strlen(key);

		e = mem_alloc(sizeof *e + len + 1);
		memcpy(e->key, key, len);
		HASH_ADD(hh, m->head, key[0], len, e);
	}
	e->value = value;
}

bool strmap_get(const struct strmap *m, const char *key, size_t *value)
{
	const struct str_entry *e = str_find(m, key);

	if (e && value)
		*value = e->value;
	return e != NULL;
}
