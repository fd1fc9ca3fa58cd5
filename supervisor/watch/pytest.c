/* What pytest itself leaves on disk: which tests it knows (its cache), and where its JUnit file goes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "watch/run.h"

/* _pytest/cacheprovider.py: NFPlugin writes all node ids that were ever collected when a session ends, an interrupted one, too. */
#define NODE_IDS  ".pytest_cache/v/cache/nodeids"
#define FILE_MOST (INT64_C(32) << 20)
enum { NOT_RUN_MOST = 10000 };

/** Does the command line, which may name files, folders and node ids, take in TEST? */
static bool is_wanted(char *const *argv, const char *test)
{
	bool named = false;

	for (char *const *arg = argv + (*argv != NULL); *arg; arg++) {
		char path[600];
		size_t len = strcspn(*arg, ":");
		const char *word = strncmp(*arg, "./", 2) == 0 ? *arg + 2 : *arg;
		size_t n = strlen(word);

		snprintf(path, sizeof path, "%.*s", (int)len, *arg);
		if (**arg == '-' || !strpbrk(*arg, "/.:") || access(path, F_OK) < 0)
			continue;
		named = true;
		while (n && word[n - 1] == '/')
			n--;
		if (n == 0 || strcmp(word, ".") == 0 || (strncmp(test, word, n) == 0 && (!test[n] || strchr("/:[", test[n]))))
			return true;
	}
	return !named;
}

static void note_seen(const struct run_report *report, struct strmap *seen)
{
	for (size_t i = 0; i < report->ntests; i++)
		strmap_put(seen, report->tests[i].test, i);
	for (size_t i = 0; i < report->nfindings; i++)
		if (report->findings[i]->test)
			strmap_put(seen, report->findings[i]->test, i);
}

/** The file, if this run's pytest has written it. */
static bool read_ids(const struct run *r, struct text *out)
{
	struct stat st;
	char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", *r->folder ? r->folder : ".", NODE_IDS);
	return stat(path, &st) == 0 && st.st_mtime >= r->wall_start_s && st.st_size <= FILE_MOST &&
	       sys_read_file(AT_FDCWD, path, out, NULL) == 0;
}

const char *const *pytest_not_run(const struct run *r, const struct run_report *report, struct arena *arena)
{
	OWNED_TEXT file = {0};
	struct strmap *seen;
	const cJSON *item;
	const char **list;
	size_t n = 0;
	cJSON *ids;

	if (!report->ntests || !read_ids(r, &file))
		return NULL;
	ids = cJSON_ParseWithLength(text_str(&file), file.n);
	if (!cJSON_IsArray(ids)) {
		cJSON_Delete(ids);
		return NULL;
	}
	seen = strmap_new();
	note_seen(report, seen);
	list = arena_array(arena, NOT_RUN_MOST + 1, sizeof *list);
	cJSON_ArrayForEach(
		item, ids) if (n < NOT_RUN_MOST && cJSON_IsString(item) && !strmap_get(seen, item->valuestring, NULL) &&
			       is_wanted(r->opt->argv, item->valuestring)) list[n++] = arena_strdup(arena, item->valuestring);
	strmap_free(seen);
	cJSON_Delete(ids);
	return list;
}

/** Pytest takes the long option by any unique beginning, too; these are the ways in which it is written. */
const char *pytest_junit(char *const *argv, struct arena *arena)
{
	static const char *const names[] = {"--junitxml", "--junit-xml"};
	const char *found = NULL;

	for (; argv && *argv; argv++)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			size_t n = strlen(names[i]);

			if (strncmp(*argv, names[i], n) != 0)
				continue;
			if ((*argv)[n] == '=')
				found = arena_strdup(arena, *argv + n + 1);
			else if (!(*argv)[n] && argv[1])
				found = argv[1];
		}
	return found;
}
