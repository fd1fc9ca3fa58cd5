/* Does the package import, and is it the one of this checkout? With something that changes when the answer may. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "project/room.h"

#define IMPORT_LIMIT_NS (120 * NS_PER_S)

/* First as a subprocess of a test would import it, not from the working folder; then as `python -m pytest` does, with it. */
static const char importer[] =
	"import sys,json\n"
	"cwd=sys.path.pop(0)\n"
	"r={}\n"
	"try:\n import pytest; r['pytest']=pytest.__version__\n"
	"except ImportError as e:\n r['no_pytest']=str(e)\n"
	"def place(e):\n"
	" t=e.__traceback__; at=''\n"
	" while t:\n"
	"  f=t.tb_frame.f_code.co_filename\n"
	"  if not f.startswith('<'): at='%s:%d'%(f,t.tb_lineno)\n"
	"  t=t.tb_next\n"
	" return at\n"
	"name=sys.argv[1]\n"
	"def take():\n"
	" m=__import__(name); r['file']=getattr(m,'__file__',None) or list(getattr(m,'__path__',['']))[0]\n"
	"try:\n"
	" if name:\n"
	"  try: take()\n"
	"  except ModuleNotFoundError as e:\n"
	"   if e.name!=name: raise\n"
	"   sys.path.insert(0,cwd); take()\n"
	"except BaseException as e:\n"
	" at=place(e); r['error']=type(e).__name__+': '+str(e); r['at']='' if at.startswith('<') else at\n"
	"print('\\n'+json.dumps(r))\n";

static const char *string_at(const cJSON *root, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(root, key);

	return cJSON_IsString(v) && *v->valuestring ? v->valuestring : NULL;
}

/** A worktree's package must lie in it; elsewhere an installed copy is all right. */
static bool is_elsewhere(const struct project *p, const char *file)
{
	char real[PATH_MAX], top[PATH_MAX];

	return p->worktree && realpath(file, real) && realpath(p->top, top) && !path_is_in(real, top);
}

static void judge(const struct project *p, const cJSON *root, struct import_check *out)
{
	const char *file = string_at(root, "file"), *error = string_at(root, "error"), *at = string_at(root, "at");

	snprintf(out->pytest, sizeof out->pytest, "%s", string_at(root, "pytest") ? string_at(root, "pytest") : "");
	snprintf(out->file, sizeof out->file, "%s", file ? file : "");
	if (error) {
		out->state = IMPORT_FAILS;
		snprintf(out->what, sizeof out->what, "%.180s%s%.200s", at ? at : "", at ? ": " : "", error);
	} else if (!*out->pytest) {
		out->state = IMPORT_NO_PYTEST;
	} else if (file && is_elsewhere(p, file)) {
		out->state = IMPORT_ELSEWHERE;
	}
	text_clean(out->what, strlen(out->what));
}

/** What a program printed last: others may print while they are imported. */
static const char *last_line(const struct text *t)
{
	const char *at = text_str(t), *end = at + t->n;

	while (end > at && end[-1] == '\n')
		end--;
	while (end > at && end[-1] != '\n')
		end--;
	return end;
}

void check_import(const struct project *p, const struct interpreter *i, const char *package, struct import_check *out)
{
	const char *argv[8], *env[] = {*i->setting ? i->setting : NULL, NULL};
	size_t n = interpreter_words(i, argv);
	struct program program = {.argv = words_of_program(argv), .env = env, .folder = p->folder, .limit_ns = IMPORT_LIMIT_NS};
	struct program_result r = {0};

	argv[n++] = "-c";
	argv[n++] = importer;
	argv[n++] = package ? package : "";
	argv[n] = NULL;
	*out = (struct import_check){.state = IMPORT_FINE};

	int rc = program_run(&program, &r, NULL);
	cJSON *root = rc ? NULL : cJSON_Parse(last_line(&r.out));

	if (root) {
		judge(p, root, out);
	} else {
		const char *words = last_line(&r.errors);

		out->state = IMPORT_NO_PYTHON;
		snprintf(out->what, sizeof out->what, "%.*s",
			 r.time_over ? 30 : (int)strcspn(words, "\n"), r.time_over ? "it has not ended in 120 s" : words);
	}
	cJSON_Delete(root);
	program_result_free(&r);
}

const char *project_package(const struct project *p, char *buf, size_t size)
{
	const char *set = config_text(p->config, "package"), *name = config_text(p->config, "project.name");
	static const char *const places[][2] = {{"", "/__init__.py"}, {"src/", "/__init__.py"}, {"", ".py"}};

	if (set || !name) {
		snprintf(buf, size, "%s", set ? set : "");
		return set ? buf : NULL;
	}
	snprintf(buf, size, "%s", name);
	for (char *c = buf; *c; c++)
		*c = *c == '-' || *c == '.' ? '_' : *c;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[PATH_MAX + 300];

		snprintf(path, sizeof path, "%s/%s%s%s", p->folder, places[i][0], buf, places[i][1]);
		if (access(path, F_OK) == 0)
			return buf;
	}
	return NULL;
}

/* ---- what changes ---- */

static uint64_t mix_file(uint64_t hash, const char *path)
{
	struct stat st;

	hash = hash_bytes(hash, path, strlen(path));
	if (stat(path, &st) < 0)
		return hash;
	hash = hash_bytes(hash, &st.st_mtim, sizeof st.st_mtim);
	return hash_bytes(hash, &st.st_size, sizeof st.st_size);
}

/** What is installed: pip and uv change the folder. */
static uint64_t mix_packages(uint64_t hash, const struct interpreter *i)
{
	char pattern[PATH_MAX + 64];
	glob_t found;

	hash = mix_file(hash, i->python);
	hash = hash_bytes(hash, i->setting, strlen(i->setting));
	snprintf(pattern, sizeof pattern, "%s/lib/python*/site-packages", i->venv);
	if (!*i->venv || glob(pattern, 0, NULL, &found) != 0)
		return hash;
	for (size_t k = 0; k < found.gl_pathc; k++)
		hash = mix_file(hash, found.gl_pathv[k]);
	globfree(&found);
	return hash;
}

uint64_t project_fingerprint(const struct project *p, const struct interpreter *i)
{
	static const char *const settings[] = {"pyproject.toml", "tracewrap.toml", "tracewrap.json", "pytest.ini", "tox.ini", "setup.cfg", "uv.lock"};
	uint64_t hash = mix_packages(HASH_BEGIN, i);
	char path[2 * PATH_MAX];
	path_vec files = {0};

	for (size_t k = 0; k < ARRAY_SIZE(settings); k++) {
		snprintf(path, sizeof path, "%s/%s", p->folder, settings[k]);
		hash = mix_file(hash, path);
	}
	project_files(p->folder, true, &files);
	for (size_t k = 0; k < files.n; k++) {
		snprintf(path, sizeof path, "%s/%s", p->folder, files.at[k]);
		hash = mix_file(hash, path);
	}
	path_vec_free(&files);
	return hash;
}

bool checked_get(const char *report_dir, const char *what, uint64_t fingerprint)
{
	char path[PATH_MAX], want[32];
	OWNED_TEXT text = {0};

	snprintf(path, sizeof path, "%s/checked-%s", report_dir, what);
	snprintf(want, sizeof want, "%016llx\n", (unsigned long long)fingerprint);
	return sys_read_file(AT_FDCWD, path, &text, NULL) == 0 && strcmp(text_str(&text), want) == 0;
}

/** An extra: where it can't be written, the check is made again. */
void checked_put(const char *report_dir, const char *what, uint64_t fingerprint)
{
	char path[PATH_MAX], text[32];
	int n = snprintf(text, sizeof text, "%016llx\n", (unsigned long long)fingerprint);

	snprintf(path, sizeof path, "%s/checked-%s", report_dir, what);
	sys_write_file(path, text, (size_t)n, NULL);
}
