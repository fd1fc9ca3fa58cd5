/* The files of a checkout. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "project/room.h"

enum { DEPTH_MOST = 32, FILES_MOST = 200000 };

void path_vec_free(path_vec *v)
{
	for (size_t i = 0; i < v->n; i++)
		mem_free(v->at[i]);
	vec_free(v);
}

static void push(path_vec *v, const char *path)
{
	vec_push(v, strcpy(mem_alloc(strlen(path) + 1), path));
}

static bool is_skipped(const char *name)
{
	static const char *const names[] = {"__pycache__", "node_modules", "site-packages"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return *name == '.';
}

static bool is_python(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, ".py") == 0;
}

static bool is_folder(int fd, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR; /* a link to a folder is not followed: it may lead anywhere */
	return fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void walk(int above, const char *name, const char *prefix, unsigned depth, bool python, path_vec *out)
{
	int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char path[PATH_MAX];
	struct dirent *e;

	if (fd >= 0 && !dir)
		close(fd);
	if (!dir)
		return;
	/* A virtual environment: pyvenv.cfg, https://docs.python.org/3/library/venv.html */
	if (faccessat(fd, "pyvenv.cfg", F_OK, 0) == 0 && depth)
		goto done;
	while ((e = readdir(dir)) && out->n < FILES_MOST) {
		if (is_skipped(e->d_name) || (size_t)snprintf(path, sizeof path, "%s%s", prefix, e->d_name) >= sizeof path - 1)
			continue;
		if (!is_folder(fd, e)) {
			if (!python || is_python(e->d_name))
				push(out, path);
		} else if (depth < DEPTH_MOST) {
			strcat(path, "/");
			walk(fd, e->d_name, path, depth + 1, python, out);
		}
	}
done:
	closedir(dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void project_files(const char *folder, bool python, path_vec *out)
{
	walk(AT_FDCWD, folder, "", 0, python, out);
	if (out->n)
		qsort(out->at, out->n, sizeof *out->at, by_name);
}

const char *const *project_paths(const struct project *p, size_t *n)
{
	static const char *const usual[] = {"tests"}, *const here[] = {"."};
	const struct config_entry *e = config_find(p->config, "test.paths");
	char path[PATH_MAX + 16];

	if (e && e->n) {
		*n = e->n;
		return e->items;
	}
	*n = 1;
	snprintf(path, sizeof path, "%s/tests", p->folder);
	return access(path, F_OK) == 0 ? usual : here;
}
