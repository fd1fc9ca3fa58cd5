/* project: what lies in a checkout and around it: its settings, its interpreter, its files, git, pytest's cache, our own history. Effects:
 * files are read, Python and git are asked. Nothing is written outside the report folder, but for what the user asks for by name.
 */
#ifndef TRACEWRAP_PROJECT_H
#define TRACEWRAP_PROJECT_H

#include <limits.h>

#include "config/config.h"
#include "sys/sys.h"

struct project {
	char top[PATH_MAX];    /* of the checkout: where .git is, else the working folder */
	char folder[PATH_MAX]; /* where the settings lie, else TOP: pytest is started there */
	char below[PATH_MAX];  /* the working folder below FOLDER, with a slash behind it; "": it is FOLDER, or not below it */
	bool git;              /* there is a .git */
	bool worktree;         /* TOP is a linked worktree (gitrepository-layout(5): its git folder has a `commondir`) */
	bool bare;             /* the working folder is a bare repository */
	struct config *config;
};

/** Find the checkout that we stand in and read its settings: tracewrap.json, tracewrap.toml, [tool.tracewrap] of pyproject.toml, of the nearest
 *  folder upwards that has any, not above the checkout. Costs a few calls where there are none; a Python is started only for TOML that
 *  has the text "tool.tracewrap" in it. @return 0, -EINVAL with one line. */
int project_open(struct project *p, const struct config_option *options, size_t noptions, struct err *err);
void project_close(struct project *p);

/* ---- programs ---- */

struct program {
	char *const *argv;
	const char *const *env; /* "A=b" beside our own; NULL-terminated; NULL: none */
	const char *folder;     /* NULL: ours */
	int64_t limit_ns;       /* it is killed then */
	bool loud;              /* its output is the user's (on standard error); else it is caught */
};

struct program_result {
	int code;      /* 128 + N when it died of a signal; 127: there is no such program */
	bool time_over;
	struct text out, errors;
};
void program_result_free(struct program_result *r);
/** @return 0, -errno when nothing could be started. */
int program_run(const struct program *p, struct program_result *r, struct err *err);
/** The path of a program in PATH; false: there is none. */
bool program_find(const char *name, char *out, size_t size);

/* ---- the interpreter ---- */

enum interpreter_case {
	INTERPRETER_NAMED,    /* --python */
	INTERPRETER_ACTIVE,   /* case A: $VIRTUAL_ENV lies in this checkout */
	INTERPRETER_FOLDER,   /* a virtual environment in the checkout, not active */
	INTERPRETER_UV,       /* there is a uv.lock, and uv is to find out */
	INTERPRETER_NONE,     /* case B */
};

struct interpreter {
	enum interpreter_case how;
	char venv[PATH_MAX];   /* its folder; "" */
	char python[PATH_MAX]; /* to be executed; of uv: uv itself */
	char setting[64];      /* of uv: "UV_PROJECT_ENVIRONMENT=py313"; "" */
	char remedy[256];      /* what makes the environment */
};

/** Never creates anything. */
void interpreter_find(const struct project *p, const char *named, struct interpreter *out);
/** The words that start Python: at most 3, NULL behind them. */
size_t interpreter_words(const struct interpreter *i, const char *words[4]);
/** "py{major}{minor}" -> "py313", by the python3 of PATH. */
void interpreter_name(const char *pattern, char *out, size_t size);
/** Run the remedy: uv sync. @return its exit code, or -errno. */
int interpreter_sync(const struct project *p, const struct interpreter *i, struct err *err);

/* ---- is it fit? ---- */

enum import_state {
	IMPORT_FINE,
	IMPORT_NO_PYTHON,  /* it does not even start */
	IMPORT_NO_PYTEST,
	IMPORT_FAILS,      /* of the package */
	IMPORT_ELSEWHERE,  /* case C: the package is not the one of this worktree */
};

struct import_check {
	enum import_state state;
	char pytest[32];        /* its version */
	char file[PATH_MAX];    /* of the package */
	char what[400];         /* the error, with its place */
};
/** PACKAGE NULL: pytest alone. */
void check_import(const struct project *p, const struct interpreter *i, const char *package, struct import_check *out);
/** The package's import name, of the settings or guessed from the project's name and what lies there; NULL: not known. */
const char *project_package(const struct project *p, char *buf, size_t size);

/** Something that changes with the sources, the tests, the settings and the environment. */
uint64_t project_fingerprint(const struct project *p, const struct interpreter *i);
/** Was WHAT ("import", "collect") good with that fingerprint? */
bool checked_get(const char *report_dir, const char *what, uint64_t fingerprint);
void checked_put(const char *report_dir, const char *what, uint64_t fingerprint);

/* ---- files ---- */

typedef VEC(char *) path_vec;
void path_vec_free(path_vec *v);
/** Files below FOLDER, relative to it, sorted: not those of hidden folders, virtual environments and the like. PYTHON: *.py alone. */
void project_files(const char *folder, bool python, path_vec *out);
/** Folders where tests are looked for, relative to the project's folder. */
const char *const *project_paths(const struct project *p, size_t *n);

/* ---- git ---- */

/** Paths, relative to the project's folder, that differ from REF, untracked ones as well. @return 0, -errno with one line: no git, no
 *  repository, a bare one, no such commit. */
int git_changed(const struct project *p, const char *ref, path_vec *out, struct err *err);
/** Is REF a commit here? */
bool git_is_commit(const struct project *p, const char *ref);

/* ---- pytest's cache ---- */

/** Read pytest's file of last failures; OUT gets its text, PATH its name. CACHE: its folder, where a run has told it; "": what pytest's own
 *  settings say. @return 0, SYS_GONE when there is none, -errno. */
int lastfailed_read(const struct project *p, const char *cache, struct text *out, char *path, size_t size, struct err *err);

/* ---- the plug-in that tells outcomes ---- */

/** Write it below REPORT_DIR, and put what loads it into this process's environment, for the command to inherit. OUTCOMES is the file
 *  that it is to write. @return 0, -errno. */
int outcomes_prepare(const char *report_dir, const char *outcomes, struct err *err);

/* ---- history.sqlite ---- */

struct past_test {
	const char *id, *phase, *outcome, *kind; /* KIND: of a hang; NULL */
	double seconds;
};
struct past_run {
	const char *name; /* of the run's folder */
	int64_t started_s;
	double seconds;
	int exit_code;
	const struct past_test *tests;
	size_t n;
};
/** One transaction. What is no such file is moved aside, and SAID gets a line about it. @return 0, -errno with the reason. */
int past_add(const char *report_dir, const struct past_run *run, struct text *said, struct err *err);

struct past_flaky {
	char *id;
	int64_t runs, failed, flips; /* FLIPS: how often it passed after it had not, or the other way round */
};
typedef VEC(struct past_flaky) past_flaky_vec;
/** Tests that changed between passing and failing or hanging, the most often first. @return 0, SYS_GONE when there is no file, -errno. */
int past_flaky(const char *report_dir, past_flaky_vec *out, struct err *err);
void past_flaky_free(past_flaky_vec *v);
/** Tests whose newest row says that they hung. @return as past_flaky(). */
int past_hung(const char *report_dir, path_vec *out, struct err *err);

#endif
