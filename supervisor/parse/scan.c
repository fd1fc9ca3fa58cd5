/* Bounded steps through a text. */
#include <string.h>

#include "parse/scan.h"

static void advance(struct cursor *c, size_t n)
{
	c->at += n;
	c->left -= n;
}

bool parse_line(struct cursor *c, const char **line, size_t *len)
{
	if (c->left == 0)
		return false;

	const char *end = memchr(c->at, '\n', c->left);

	*line = c->at;
	*len = end ? (size_t)(end - c->at) : c->left;
	advance(c, *len + (end != NULL));
	return true;
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r';
}

void scan_blanks(struct cursor *c)
{
	while (c->left && is_blank(*c->at))
		advance(c, 1);
}

static unsigned digit_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return (unsigned)(ch - '0');
	if (ch >= 'a' && ch <= 'f')
		return (unsigned)(ch - 'a') + 10;
	if (ch >= 'A' && ch <= 'F')
		return (unsigned)(ch - 'A') + 10;
	return 99;
}

bool scan_number(struct cursor *c, unsigned base, uint64_t *out)
{
	struct cursor at = *c;
	uint64_t value = 0;
	bool some = false;

	scan_blanks(&at);
	for (; at.left && digit_value(*at.at) < base; advance(&at, 1)) {
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(*at.at), &value))
			return false;
		some = true;
	}
	if (some) {
		*out = value;
		*c = at;
	}
	return some;
}

bool scan_int(struct cursor *c, int *out)
{
	struct cursor at = *c;
	uint64_t value;

	scan_blanks(&at);

	bool minus = scan_text(&at, "-");

	if (!scan_number(&at, 10, &value) || value > (uint64_t)INT32_MAX)
		return false;
	*out = minus ? -(int)value : (int)value;
	*c = at;
	return true;
}

bool scan_text(struct cursor *c, const char *s)
{
	size_t n = strlen(s);

	if (c->left < n || memcmp(c->at, s, n) != 0)
		return false;
	advance(c, n);
	return true;
}

bool scan_word(struct cursor *c, const char **word, size_t *len)
{
	struct cursor at = *c;

	scan_blanks(&at);
	*word = at.at;
	while (at.left && !is_blank(*at.at) && *at.at != '\n')
		advance(&at, 1);
	*len = (size_t)(at.at - *word);
	if (*len)
		*c = at;
	return *len != 0;
}

bool scan_behind(struct cursor *c, const char *s)
{
	size_t n = strlen(s);
	const char *hit = c->left >= n ? memmem(c->at, c->left, s, n) : NULL;

	advance(c, hit ? (size_t)(hit - c->at) + n : c->left);
	return hit != NULL;
}

bool scan_field(const char *text, size_t len, const char *key, struct cursor *value)
{
	struct cursor c = {text, len}, line = {0};

	while (parse_line(&c, &line.at, &line.left)) {
		if (scan_text(&line, key)) {
			scan_blanks(&line);
			*value = line;
			return true;
		}
	}
	return false;
}

bool parse_next_pid(struct cursor *c, pid_t *pid)
{
	int value;

	while (c->left && *c->at == '\n')
		advance(c, 1);
	if (!scan_int(c, &value) || value <= 0)
		return false;
	*pid = value;
	return true;
}
