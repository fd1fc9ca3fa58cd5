/* pytest's file of last failures, without asking pytest: where its cache lies is in one of four files of settings. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wordexp.h>

#include "project/room.h"

#define KEY "cache_dir"

/** In the order in which pytest takes the first that has its section (docs.pytest.org, "Initialization: determining rootdir and configfile"). */
static const struct {
	const char *file, *section;
	bool always; /* counts without the section */
} places[] = {
	{"pytest.ini", "[pytest]", true},
	{".pytest.ini", "[pytest]", true},
	{"pyproject.toml", "[tool.pytest.ini_options]", false},
	{"tox.ini", "[pytest]", false},
	{"setup.cfg", "[tool:pytest]", false},
};

/** The value of cache_dir in the section; false: there is no such section. */
static bool read_cache_dir(const char *text, const char *section, char *out, size_t size)
{
	bool inside = false, any = false;

	out[0] = '\0';
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		const char *line = at + strspn(at, " \t");
		int n = (int)strcspn(line, "\n");

		if (*line == '[') {
			inside = strncmp(line, section, strlen(section)) == 0;
			any |= inside;
		}
		if (!inside || strncmp(line, KEY, strlen(KEY)) != 0)
			continue;
		line += strlen(KEY);
		line += strspn(line, " \t");
		if (*line++ != '=')
			continue;
		line += strspn(line, " \t\"'");
		n = (int)strcspn(line, "\n\"'#");
		while (n && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
			n--;
		snprintf(out, size, "%.*s", n, line);
	}
	return any;
}

/** pytest expands "~" and variables in it. */
static void expand(char *value, size_t size)
{
	wordexp_t words;

	if (strpbrk(value, "$~") && wordexp(value, &words, WRDE_NOCMD) == 0) {
		if (words.we_wordc == 1)
			snprintf(value, size, "%s", words.we_wordv[0]);
		wordfree(&words);
	}
}

static void find_cache_dir(const struct project *p, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[PATH_MAX + 32];
		OWNED_TEXT text = {0};

		snprintf(path, sizeof path, "%s/%s", p->folder, places[i].file);
		if (sys_read_file(AT_FDCWD, path, &text, NULL))
			continue;
		if (read_cache_dir(text_str(&text), places[i].section, out, size) || places[i].always)
			break;
	}
	expand(out, size);
	if (!*out)
		snprintf(out, size, ".pytest_cache");
}

int lastfailed_read(const struct project *p, const char *cache, struct text *out, char *path, size_t size, struct err *err)
{
	char folder[PATH_MAX];
	int rc;

	if (*cache)
		snprintf(folder, sizeof folder, "%s", cache);
	else
		find_cache_dir(p, folder, sizeof folder);
	if (*folder == '/')
		snprintf(path, size, "%s/v/cache/lastfailed", folder);
	else
		snprintf(path, size, "%s/%s/v/cache/lastfailed", p->folder, folder);
	rc = sys_read_file(AT_FDCWD, path, out, err);
	if (rc == SYS_DENIED)
		return err_set(err, -EACCES, "%s: can't be read: %s", path, strerror(EACCES));
	return rc;
}
