/* A growing text, and making text from elsewhere fit to be shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static void text_room(struct text *t, size_t more)
{
	if (t->cap - t->n > more)
		return;
	t->cap = (t->n + more + 1) * 3 / 2;
	t->at = mem_grow(t->at, t->cap, 1);
}

void text_addn(struct text *t, const char *s, size_t n)
{
	text_room(t, n);
	if (n)
		memcpy(t->at + t->n, s, n);
	t->n += n;
	t->at[t->n] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_addn(t, s, strlen(s));
}

void text_addc(struct text *t, char c, size_t times)
{
	text_room(t, times);
	memset(t->at + t->n, c, times);
	t->n += times;
	t->at[t->n] = '\0';
}

void text_addv(struct text *t, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);

	must(n >= 0);
	text_room(t, (size_t)n);
	vsnprintf(t->at + t->n, (size_t)n + 1, fmt, again);
	va_end(again);
	t->n += (size_t)n;
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_addv(t, fmt, ap);
	va_end(ap);
}

const char *text_str(const struct text *t)
{
	return t->at ? t->at : "";
}

void text_free(struct text *t)
{
	free(t->at);
	*t = (struct text){0};
}

/** Length of the valid, printable UTF-8 sequence at S, 0 when there is none. Overlong forms, surrogates, values beyond
 *  U+10FFFF, and the control characters of both halves of Latin-1 are refused (RFC 3629). */
static size_t printable_at(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char mask, lead, bits;
		uint32_t least;
	} forms[] = {{0x80, 0x00, 7, 0x20}, {0xe0, 0xc0, 5, 0xa0}, {0xf0, 0xe0, 4, 0x800}, {0xf8, 0xf0, 3, 0x10000}};

	for (size_t len = 1; len <= ARRAY_SIZE(forms); len++) {
		if ((s[0] & forms[len - 1].mask) != forms[len - 1].lead)
			continue;
		if (len > n)
			return 0;

		uint32_t value = s[0] & ((1u << forms[len - 1].bits) - 1);

		for (size_t i = 1; i < len; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			value = value << 6 | (s[i] & 0x3f);
		}
		if (value < forms[len - 1].least || value == 0x7f || value > 0x10ffff || (value & ~0x7ffu) == 0xd800)
			return 0;
		return len;
	}
	return 0;
}

void text_clean(char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = printable_at((const unsigned char *)s + i, n - i);

		if (len == 0)
			s[i] = '?';
		i += len ? len : 1;
	}
}
