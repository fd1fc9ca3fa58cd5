/* What a reader would call a process: the script or module that it runs. */
#include <stdio.h>
#include <string.h>

#include "model/model.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/** NAME is WORD, or WORD and a version: "python3.11", "python3-dbg". */
static bool is_versioned(const char *name, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(name, word, len) != 0)
		return false;
	name += len;
	name += strspn(name, "0123456789.");
	return *name == '\0' || strcmp(name, "-dbg") == 0 || strcmp(name, "d") == 0;
}

static bool is_python(const char *name)
{
	return is_versioned(name, "python") || is_versioned(name, "pypy");
}

static bool is_shell(const char *name)
{
	static const char *const shells[] = {"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "busybox"};

	if (*name == '-') /* a login shell */
		name++;
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (strcmp(name, shells[i]) == 0)
			return true;
	return false;
}

/** The module or script in the arguments of Python, NULL when it has none (-c, standard input). Options as in python(1). */
static const char *python_runs(char *const *arg)
{
	for (; *arg; arg++) {
		const char *a = *arg;

		if (a[0] != '-')
			return a;
		if (a[1] == '\0')
			return NULL;
		if (a[1] == '-') {
			if (strcmp(a, "--check-hash-based-pycs") == 0 && arg[1])
				arg++;
			continue;
		}
		const char *takes = strpbrk(a + 1, "cmXW"); /* these four end a cluster of letters: the rest is their value */

		if (!takes)
			continue;
		if (*takes == 'c')
			return NULL;
		if (*takes == 'm')
			return takes[1] ? takes + 1 : arg[1];
		if (takes[1] == '\0' && arg[1])
			arg++;
	}
	return NULL;
}

/** The script in the arguments of a shell, NULL when it has none. */
static const char *shell_runs(char *const *arg)
{
	for (; *arg; arg++) {
		const char *a = *arg;

		if (a[0] != '-' && a[0] != '+')
			return a;
		if (a[1] == '-') {
			bool takes = strcmp(a, "--rcfile") == 0 || strcmp(a, "--init-file") == 0;

			if (takes && arg[1])
				arg++;
			continue;
		}
		if (a[0] == '-' && strpbrk(a + 1, "cs"))
			return NULL;
		if (strpbrk(a + 1, "oO") && arg[1])
			arg++;
	}
	return NULL;
}

/** The last part of PATH that tells something: of /x/tool/__main__.py that is "tool". */
static void copy_name(const char *path, char *buf, size_t size)
{
	size_t len = strlen(path);
	const char *name = base_name(path);

	if (strcmp(name, "__main__.py") == 0 && name > path + 1) {
		len = (size_t)(name - path) - 1;
	} else {
		while (len > 1 && path[len - 1] == '/')
			len--;
	}
	size_t start = len;

	while (start > 0 && path[start - 1] != '/')
		start--;
	snprintf(buf, size, "%.*s", (int)(len - start), path + start);
}

void process_label(const struct process *p, char *buf, size_t size)
{
	const char *runs = NULL;

	if (p->argv && p->argv[0]) {
		const char *name = base_name(p->argv[0]);

		if (is_python(name))
			runs = python_runs(p->argv + 1);
		else if (is_shell(name))
			runs = shell_runs(p->argv + 1);
	}
	if (runs && *runs)
		copy_name(runs, buf, size);
	else
		snprintf(buf, size, "%s", p->comm && *p->comm ? p->comm : "?");
}
