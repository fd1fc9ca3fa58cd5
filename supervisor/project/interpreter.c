/* Which Python is the project's: the cases A, B and uv of docs/run-tests.md. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "project/room.h"

#define MAJOR "{major}"
#define MINOR "{minor}"
#define VERSION_LIMIT_NS (10 * NS_PER_S)
#define SYNC_LIMIT_NS (1800 * NS_PER_S)

bool path_is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return n > 1 && strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/** PATTERN with other words in place of the two numbers. */
static void fill(const char *pattern, const char *major, const char *minor, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	while (*pattern && n + 16 < size) {
		bool is_major = strncmp(pattern, MAJOR, strlen(MAJOR)) == 0, is_minor = strncmp(pattern, MINOR, strlen(MINOR)) == 0;

		if (is_major || is_minor) {
			n += (size_t)snprintf(out + n, size - n, "%s", is_major ? major : minor);
			pattern += strlen(is_major ? MAJOR : MINOR);
		} else {
			out[n++] = *pattern++;
			out[n] = '\0';
		}
	}
}

void interpreter_name(const char *pattern, char *out, size_t size)
{
	const char *argv[] = {"python3", "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])", NULL};
	struct program program = {.argv = words_of_program(argv), .limit_ns = VERSION_LIMIT_NS};
	struct program_result r = {0};
	char major[8] = "", minor[8] = "";

	if (!strstr(pattern, MAJOR) && !strstr(pattern, MINOR)) {
		snprintf(out, size, "%s", pattern);
		return;
	}
	if (program_run(&program, &r, NULL) || r.code || sscanf(text_str(&r.out), "%7s %7s", major, minor) != 2)
		fill(pattern, "3", "13", out, size);
	else
		fill(pattern, major, minor, out, size);
	program_result_free(&r);
}

static bool take_venv(const char *folder, struct interpreter *out)
{
	char python[PATH_MAX + 16];

	snprintf(python, sizeof python, "%s/bin/python", folder);
	if (access(python, X_OK) < 0 || strlen(python) >= sizeof out->python)
		return false;
	strcpy(out->python, python);
	snprintf(out->venv, sizeof out->venv, "%s", folder);
	return true;
}

/** Of the folders that a pattern names, the one with the greatest version. */
static bool find_pattern(const struct project *p, const char *pattern, struct interpreter *out)
{
	char filled[256], whole[PATH_MAX + 300];
	glob_t found;
	size_t best = 0;
	bool any = false;

	fill(pattern, "[0-9]", "[0-9]*", filled, sizeof filled);
	snprintf(whole, sizeof whole, "%s%s%s", *filled == '/' ? "" : p->folder, *filled == '/' ? "" : "/", filled);
	if (glob(whole, GLOB_NOSORT, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct interpreter one;
		size_t n = strlen(found.gl_pathv[i]);
		bool better = !any || n > strlen(found.gl_pathv[best]) ||
			      (n == strlen(found.gl_pathv[best]) && strcmp(found.gl_pathv[i], found.gl_pathv[best]) > 0);

		if (better && take_venv(found.gl_pathv[i], &one)) {
			best = i;
			any = true;
		}
	}
	if (any)
		take_venv(found.gl_pathv[best], out);
	globfree(&found);
	return any;
}

/** Virtual environments are compared as they are named and as they really lie: a checkout may be reached by a link. */
static bool lies_here(const struct project *p, const char *folder)
{
	char real[PATH_MAX];

	return path_is_in(folder, p->top) || (realpath(folder, real) && path_is_in(real, p->top));
}

static const char *venv_pattern(const struct project *p)
{
	const char *pattern = config_text(p->config, "venv");

	return pattern ? pattern : ".venv";
}

static void set_remedy(const struct project *p, bool uv, struct interpreter *out)
{
	char name[128];

	interpreter_name(venv_pattern(p), name, sizeof name);
	snprintf(out->setting, sizeof out->setting, "UV_PROJECT_ENVIRONMENT=%.40s", name);
	if (uv)
		snprintf(out->remedy, sizeof out->remedy, "%s uv sync", out->setting);
	else
		snprintf(out->remedy, sizeof out->remedy, "python3 -m venv %.80s && %.80s/bin/python -m pip install pytest -e .", name, name);
}

static bool has_lock(const struct project *p)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof path, "%s/uv.lock", p->folder);
	return access(path, F_OK) == 0;
}

void interpreter_find(const struct project *p, const char *named, struct interpreter *out)
{
	const char *active = getenv("VIRTUAL_ENV"), *asked = named ? named : config_text(p->config, "python");
	char uv[PATH_MAX];
	bool have_uv;

	*out = (struct interpreter){.how = INTERPRETER_NONE};
	if (asked && program_find(asked, out->python, sizeof out->python)) {
		out->how = INTERPRETER_NAMED;
		return;
	}
	if (!asked && active && *active && lies_here(p, active) && take_venv(active, out))
		out->how = INTERPRETER_ACTIVE;
	else if (!asked && (find_pattern(p, venv_pattern(p), out) || find_pattern(p, ".venv", out)))
		out->how = INTERPRETER_FOLDER;
	if (out->how != INTERPRETER_NONE)
		return;
	have_uv = program_find("uv", uv, sizeof uv);
	set_remedy(p, have_uv, out);
	if (!asked && have_uv && has_lock(p)) {
		out->how = INTERPRETER_UV;
		snprintf(out->python, sizeof out->python, "%s", uv);
	}
}

size_t interpreter_words(const struct interpreter *i, const char *words[4])
{
	size_t n = 0;

	words[n++] = i->python;
	if (i->how == INTERPRETER_UV) {
		words[n++] = "run";
		words[n++] = "python";
	}
	words[n] = NULL;
	return n;
}

int interpreter_sync(const struct project *p, const struct interpreter *i, struct err *err)
{
	const char *argv[] = {"uv", "sync", NULL}, *env[] = {NULL, NULL};
	struct interpreter names = *i;
	char uv[PATH_MAX];
	struct program program = {.argv = words_of_program(argv), .env = env, .folder = p->folder, .limit_ns = SYNC_LIMIT_NS, .loud = true};
	struct program_result r = {0};

	if (!program_find("uv", uv, sizeof uv))
		return err_set(err, -ENOENT, "--sync: there is no uv here; get it (pip install uv), or make the environment yourself");
	if (!*names.setting)
		set_remedy(p, true, &names);
	env[0] = names.setting;

	int rc = program_run(&program, &r, err);

	program_result_free(&r);
	return rc ? rc : r.code;
}

size_t any_pythons(const struct project *p, char out[PYTHONS_MOST][PATH_MAX])
{
	static const char *const patterns[] = {"py{major}{minor}", ".venv", "venv"};
	const char *active = getenv("VIRTUAL_ENV");
	struct interpreter found;
	size_t n = 0;

	if (active && *active && take_venv(active, &found))
		strcpy(out[n++], found.python);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (find_pattern(p, patterns[i], &found))
			strcpy(out[n++], found.python);
	if (program_find("python3", out[n], PATH_MAX))
		n++;
	if (program_find("python", out[n], PATH_MAX))
		n++;
	if (access("/usr/bin/python3", X_OK) == 0)
		strcpy(out[n++], "/usr/bin/python3");
	return n;
}
