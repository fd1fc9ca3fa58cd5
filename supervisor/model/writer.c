/* JSON values as saved snapshots and stacks have them. */
#include <string.h>

#include "model/words.h"
#include "model/writer.h"

void put_comma(struct text *t)
{
	if (t->n && !strchr("{[,:", t->at[t->n - 1]))
		text_addc(t, ',', 1);
}

void put_str(struct text *t, const char *s)
{
	text_addc(t, '"', 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_addf(t, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			text_addf(t, "\\u%04x", *s);
		else
			text_addc(t, *s, 1);
	}
	text_addc(t, '"', 1);
}

void put_key(struct text *t, const char *key)
{
	put_comma(t);
	put_str(t, key);
	text_addc(t, ':', 1);
}

void put_id(struct text *t, int64_t id)
{
	put_comma(t);
	text_addf(t, "\"%lld\":", (long long)id);
}

void put_int(struct text *t, const char *key, int64_t value)
{
	put_key(t, key);
	text_addf(t, "%lld", (long long)value);
}

void put_count(struct text *t, const char *key, uint64_t value)
{
	put_key(t, key);
	text_addf(t, value <= EXACT_MOST ? "%llu" : "\"%llu\"", (unsigned long long)value);
}

void put_bool(struct text *t, const char *key, bool value)
{
	put_key(t, key);
	text_add(t, value ? "true" : "false");
}

void put_text(struct text *t, const char *key, const char *value)
{
	if (!value)
		return;
	put_key(t, key);
	put_str(t, value);
}

void put_seconds(struct text *t, int64_t ns)
{
	int64_t us;

	if (ns == NEVER_NS) {
		text_add(t, "null");
		return;
	}
	us = ns < 0 ? 0 : ns / 1000 + (ns % 1000 >= 500);
	if (us > SECONDS_MOST * 1000000)
		us = SECONDS_MOST * 1000000;
	text_addf(t, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

void put_ns(struct text *t, const char *key, int64_t ns)
{
	put_key(t, key);
	put_seconds(t, ns);
}

void put_pids(struct text *t, const char *key, const pid_t *pids, size_t n)
{
	put_key(t, key);
	text_add(t, "[");
	for (size_t i = 0; i < n; i++) {
		put_comma(t);
		text_addf(t, "%d", pids[i]);
	}
	text_add(t, "]");
}

void put_keys(struct text *t, const char *key, const char *const *words, size_t n)
{
	put_key(t, key);
	text_add(t, "[");
	for (size_t i = 0; i < n; i++) {
		put_comma(t);
		put_str(t, words[i]);
	}
	text_add(t, "]");
}
