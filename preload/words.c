/* Strings without libc. memcpy and kin are here because compilers may call them whatever one writes; they stay inside. */
#include "preload/shim.h"

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);

void *memcpy(void *to, const void *from, size_t n)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return start;
}

void *memset(void *to, int c, size_t n)
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return start;
}

size_t word_len(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool word_begins(const char *s, const char *with)
{
	while (*with && *s == *with) {
		s++;
		with++;
	}
	return !*with;
}

bool word_same(const char *a, const char *b, size_t n)
{
	while (n && *a == *b) {
		a++;
		b++;
		n--;
	}
	return !n;
}

bool word_ends(const char *s, size_t n, const char *with)
{
	size_t len = word_len(with);

	return n >= len && word_same(s + n - len, with, len);
}

char *word_put(char *to, const char *s, size_t n)
{
	memcpy(to, s, n);
	return to + n;
}

char *word_hex(char *to, uint64_t value)
{
	int digits = 1;

	while (digits < 16 && value >> (4 * digits))
		digits++;
	for (int i = digits; i-- > 0;)
		*to++ = "0123456789abcdef"[value >> (4 * i) & 15];
	return to;
}

const char *word_read_hex(const char *s, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < 16; i++, s++) {
		if (*s >= '0' && *s <= '9')
			*value = *value << 4 | (uint64_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			*value = *value << 4 | (uint64_t)(*s - 'a' + 10);
		else
			break;
	}
	return s;
}
