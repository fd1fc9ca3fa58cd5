/* In which line a key stands. The library that has read the file tells no lines of what it has understood; a search of the text does,
 * for tables as people write them. Where it fails, no line is told. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *s)
{
	while (is_blank(*s))
		s++;
	return s;
}

/** "key =", "key.more =", "\"key\" :", at S? */
static bool begins_with_key(const char *s, const char *key)
{
	size_t n = strlen(key);
	char quote = *s == '"' || *s == '\'' ? *s : '\0';

	s += quote != '\0';
	if (strncmp(s, key, n) != 0)
		return false;
	s += n;
	if (quote && *s++ != quote)
		return false;
	s = skip_blanks(s);
	return *s == '=' || *s == ':' || *s == '.';
}

/** The name between the brackets of a header; ARRAY: it has two. NULL: LINE is none. */
static bool read_header(const char *line, char *name, size_t size, bool *array)
{
	size_t n = 0;

	line = skip_blanks(line);
	if (*line != '[')
		return false;
	*array = line[1] == '[';
	for (line += 1 + *array; *line && *line != ']' && *line != '\n'; line++)
		if (!is_blank(*line) && *line != '"' && n + 1 < size)
			name[n++] = *line;
	name[n] = '\0';
	return *line == ']';
}

static const char *next_line(const char *at)
{
	const char *newline = strchr(at, '\n');

	return newline ? newline + 1 : NULL;
}

static unsigned find_in_toml(const struct config_source *from, const char *section, const char *key, size_t nth)
{
	char want[128], child[256], name[256], at_section[256] = "";
	const char *root = from->whole ? "" : "tool.tracewrap";
	unsigned line = 1, header = 0;
	size_t seen = 0;
	bool array;

	snprintf(want, sizeof want, "%s%s%s", root, *root && *section ? "." : "", section);
	snprintf(child, sizeof child, "%s%s%s", want, *want ? "." : "", key);
	for (const char *at = from->text; at; at = next_line(at), line++) {
		if (read_header(at, name, sizeof name, &array)) {
			seen += strcmp(name, want) == 0 && array;
			strcpy(at_section, name);
			if (strcmp(name, want) == 0 && (!array || seen == nth + 1))
				header = line;
			if (*key && strcmp(name, child) == 0)
				return line;
		} else if (*key && strcmp(at_section, want) == 0 && (!seen || seen == nth + 1) && begins_with_key(skip_blanks(at), key)) {
			return line;
		}
	}
	return header;
}

/** A key inside of an inline table, or of JSON: the first that looks like it. */
static unsigned find_anywhere(const char *text, const char *key, size_t nth)
{
	unsigned line = 1;
	size_t seen = 0;

	if (!*key)
		return 0;
	for (const char *at = text; *at; at++) {
		bool begins = at == text || strchr(" \t\n{,", at[-1]);

		if (begins && begins_with_key(at, key) && seen++ == nth)
			return line;
		line += *at == '\n';
	}
	return 0;
}

unsigned config_line(const struct config_source *from, const char *section, const char *key, size_t nth)
{
	unsigned line = from->toml ? find_in_toml(from, section, key, nth) : 0;
	unsigned inner = from->toml ? 0 : find_anywhere(from->text, key, nth);

	if (from->toml && *key && *section && !line)
		inner = find_anywhere(from->text, key, nth);
	return line ? line : inner ? inner : from->toml ? 0 : find_anywhere(from->text, section, 0);
}
