/* Globs as people write them in tables of paths. Matching is bounded: a pattern of many stars over a long path gives up, and matches nothing. */
#include <string.h>

#include "config/config.h"

enum { DEPTH_MOST = 64, STEPS_MOST = 200000, PATTERN_MOST = 1024 };

struct matching {
	unsigned steps;
};

static bool match(struct matching *m, const char *p, const char *s, unsigned depth);

/** One character of "[a-c]" or "[!a]"; END is behind it. NULL: the bracket is never closed, and stands for itself. */
static const char *match_class(const char *p, char c, bool *ok)
{
	bool negated = p[1] == '!' || p[1] == '^', found = false;
	const char *at = p + 1 + negated, *first = at;

	for (; *at && (*at != ']' || at == first); at++) {
		if (at[1] == '-' && at[2] && at[2] != ']') {
			found |= c >= at[0] && c <= at[2];
			at += 2;
		} else {
			found |= *at == c;
		}
	}
	*ok = found != negated && c != '/' && c;
	return *at ? at + 1 : NULL;
}

/** The brace that closes the one at P; NULL: none. */
static const char *closing(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		depth += *p == '{';
		depth -= *p == '}';
		if (depth == 0)
			return p;
	}
	return NULL;
}

/** Each alternative with the rest of the pattern behind it. */
static bool match_braces(struct matching *m, const char *p, const char *end, const char *s, unsigned depth)
{
	const char *from = p + 1;
	int inner = 0;

	for (const char *at = from; at <= end; at++) {
		char whole[PATTERN_MOST];
		size_t n = (size_t)(at - from), rest = strlen(end + 1);

		inner += *at == '{';
		inner -= *at == '}' && at < end;
		if (inner || (*at != ',' && at < end))
			continue;
		if (n + rest >= sizeof whole)
			return false;
		memcpy(whole, from, n);
		memcpy(whole + n, end + 1, rest + 1);
		if (match(m, whole, s, depth + 1))
			return true;
		from = at + 1;
	}
	return false;
}

static bool match_star(struct matching *m, const char *p, const char *s, unsigned depth)
{
	bool folders = p[1] == '*';
	const char *rest = p + 1;

	while (*rest == '*')
		rest++;
	if (folders && *rest == '/') { /* any number of whole folders, none as well */
		if (match(m, rest + 1, s, depth + 1))
			return true;
		for (; *s; s++)
			if (*s == '/' && match(m, rest + 1, s + 1, depth + 1))
				return true;
		return false;
	}
	for (;; s++) {
		if (match(m, rest, s, depth + 1))
			return true;
		if (!*s || (*s == '/' && !folders))
			return false;
	}
}

static bool match(struct matching *m, const char *p, const char *s, unsigned depth)
{
	if (depth > DEPTH_MOST)
		return false;
	for (; *p; p++, s++) {
		const char *end;
		bool ok;

		if (++m->steps > STEPS_MOST)
			return false;
		if (*p == '*')
			return match_star(m, p, s, depth);
		if (*p == '{' && (end = closing(p)))
			return match_braces(m, p, end, s, depth);
		if (*p == '[' && (end = match_class(p, *s, &ok))) {
			if (!ok)
				return false;
			p = end - 1;
		} else if (*p == '?') {
			if (!*s || *s == '/')
				return false;
		} else {
			p += *p == '\\' && p[1];
			if (*p != *s)
				return false;
		}
	}
	return !*s;
}

bool config_glob(const char *pattern, const char *path)
{
	struct matching m = {0};

	return match(&m, pattern, path, 0);
}

bool config_is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[{") != NULL;
}
