/* intent: what `tracewrap test` is asked for -> the command of pytest, and what pytest told -> what to say and to do next. Pure.
 *
 * Paths are relative to the project's folder, where pytest is started.
 */
#ifndef TRACEWRAP_INTENT_H
#define TRACEWRAP_INTENT_H

#include "config/config.h"

typedef VEC(const char *) words_vec;

/* ---- the words behind `test` ---- */

enum intent_arity { ARITY_NOT_OURS, ARITY_SWITCH, ARITY_VALUE, ARITY_OPTIONAL };

/** Whoever reads the words knows the options of tracewrap, and what lies in the project. */
struct intent_reader {
	void *data;
	enum intent_arity (*arity)(void *data, const char *name);
	int (*option)(void *data, const char *name, const char *value, struct err *err);
	bool (*is_target)(void *data, const char *word);
};

struct intent_words {
	words_vec targets; /* as they were written */
	words_vec pytest;  /* options for pytest, with their values, and all behind "--" */
};
void intent_words_free(struct intent_words *w);

/** Sort the words. Options of pytest that take a value are known by name; of one that is not known the next word is the value when it is no
 *  target, and an error when it may be both. @return 0, -EINVAL. */
int intent_read(char **words, const struct intent_reader *reader, struct intent_words *out, struct err *err);

/* ---- targets ---- */

struct intent_place {
	const char *const *files; /* *.py of the project, sorted */
	size_t nfiles;
	const char *const *paths; /* where tests are looked for */
	size_t npaths;
	const char *below; /* the user's folder, with a slash behind it; "" */
	const struct config *config;
};

/** What WORD names: a file, a folder, a glob, a bare name below `paths`, a node id, a set ("@core"). Appended to OUT, in ARENA.
 *  @return 0, -EINVAL with one line that lists the nearest, or those among which it does not decide. */
int intent_resolve(const struct intent_place *in, const char *word, struct arena *arena, words_vec *out, struct err *err);
bool intent_is_test_file(const char *path);
/** Is there such a file or folder? */
bool intent_exists(const struct intent_place *in, const char *path);

/** Changed paths -> targets, by the affected table; changed tests are targets themselves. UNMATCHED gets sources that no row is for. */
int intent_affected(const struct intent_place *in, const char *const *changed, size_t n, struct arena *arena, words_vec *targets,
                    words_vec *unmatched, struct err *err);
/** Rows of the tables that match nothing: one line each. SOURCE gives a file's text, for the names of tests in it; NULL: it can't be
 *  read. */
void intent_rot(const struct intent_place *in, struct arena *arena, const char *(*source)(void *data, const char *path), void *data,
                words_vec *out);

/* ---- the command ---- */

/** PYTHON: the words that start the interpreter. TARGETS empty: the whole suite, but with --lf none is named. */
void intent_command(const struct intent_place *in, const char *const *python, const words_vec *targets, const words_vec *pytest,
                    words_vec *out);
/** Does it run the whole suite? */
bool intent_is_whole(const struct intent_place *in, const words_vec *targets);
/** Somebody may sit at a prompt: -s, --pdb, --tpdb and the like. */
bool intent_is_interactive(const words_vec *pytest);
/** WORDS for a shell. */
void intent_quote(const char *const *words, size_t n, struct text *out);

/* ---- what came of it ---- */

struct outcome_test {
	const char *id, *phase, *outcome; /* "passed", "failed", "error", "skipped", "xfailed", "xpassed", "hung", "" while it runs */
	const char *kind; /* of a hang; NULL */
	double seconds;
	const char *file; /* of a failure; "" */
	unsigned line;
	const char *message, *text;
	const struct config_flaky *flaky; /* it is on the list */
};

struct outcome_hang {
	const char *test, *phase, *kind, *certainty, *at; /* AT: file:line of the cause; NULL, as PHASE and TEST may be */
	const char *summary, *advice;
	bool polls; /* each task that is stuck waits in a poll, none in a write: no full pipe is the cause */
	bool ended; /* a proof, or the end of --timeout: the run was ended in it */
	const struct config_flaky *flaky;
};

struct outcomes {
	struct arena *arena;
	bool begun, ended; /* pytest has told of its beginning, of its end */
	bool interrupted;  /* and that somebody has ended it by SIGINT */
	const char *run; /* the outcome of the run's report; "" */
	const char *cache; /* pytest's own folder, as it has found it; "" */
	const char *folder; /* to be set: paths below it are told without it; NULL: none */
	long collected;
	VEC(struct outcome_test) tests;   /* in the order in which they began */
	VEC(struct outcome_test) collect; /* files that could not be collected */
	VEC(struct outcome_hang) hangs;
	struct strmap *by_id;
};
struct outcomes *outcomes_new(void);
void outcomes_free(struct outcomes *o);
/** The lines of the plug-in; a last one that was cut off is left out. */
void outcomes_read(struct outcomes *o, const char *text, size_t len, const struct config *config);
/** The findings of the run's report. @return false: this is no such report. */
bool outcomes_read_report(struct outcomes *o, const char *json, size_t len, const struct config *config);

struct outcome_counts {
	long passed, failed, errors, skipped, xfailed, xpassed, hung, not_run;
};
void outcomes_count(const struct outcomes *o, struct outcome_counts *out);

/** How the run ended, for the last words. */
struct outcome_end {
	int code;          /* of tracewrap */
	bool interrupted;
	bool time_over;    /* --timeout, and no proof of a hang */
	double timeout_s, seconds;
	const char *report, *log; /* as they are to be shown; NULL: none */
	const char *command;      /* as for a shell */
	const char *const *notes; /* lines that were said before: leftovers, warnings */
	size_t nnotes;
};
/** One sentence, or command: what to do next. */
void outcomes_next(const struct outcomes *o, const struct outcome_end *end, struct text *out);
/** The last words on the screen. */
void outcomes_screen(const struct outcomes *o, const struct outcome_end *end, struct text *out);
/** The same for a program. */
void outcomes_json(const struct outcomes *o, const struct outcome_end *end, struct text *out);

/* ---- what failed last time ---- */

struct last_failure {
	const char *id;
	bool hung;
	const struct config_flaky *flaky;
};
typedef VEC(struct last_failure) last_vec;
/** pytest's file of last failures -> tests that are there: EXISTS says of which files that is so. @return 0, -EINVAL when it was cut off. */
int last_read(const char *json, size_t len, const struct config *config, bool (*exists)(void *data, const char *path), void *data,
              struct arena *arena, last_vec *out, struct err *err);
void last_add_hung(const char *id, const struct config *config, struct arena *arena, last_vec *out);

#endif
