/* config: the settings of a project: what there is, what a table of a file says, where each value came from. Pure.
 *
 * A table comes in as JSON, whatever it was written in, with the text that it was written in beside it, so that what is wrong is told
 * with file and line. Whoever calls knows the options of the command line; they are keys as well.
 */
#ifndef TRACEWRAP_CONFIG_H
#define TRACEWRAP_CONFIG_H

#include "base/base.h"

struct config_entry {
	const char *key;          /* "grace", "test.args", "test.sets.core" */
	const char *const *items; /* the words of a list; of anything else one */
	size_t n;
	bool list;
	const char *file; /* as it is to be shown */
	unsigned line;    /* 0: not known */
};

struct config_flaky {
	const char *test;  /* "test_x.py::test_y": the end of a test's name, without its parameters or with them */
	const char *error; /* occurs in what the test says when it fails; NULL: whatever it says */
	const char *note;  /* NULL: none */
	const char *file;
	unsigned line;
};

struct config_affected {
	const char *pattern; /* a glob of changed paths */
	const char *const *targets;
	size_t n;
	const char *file;
	unsigned line;
};

struct config {
	struct arena *arena;
	VEC(struct config_entry) entries;
	VEC(struct config_flaky) flaky;
	VEC(struct config_affected) affected;
};

struct config *config_new(void);
void config_free(struct config *c); /* NULL is allowed */

/** An option of the command line as a key: with a value, or a switch that is true or false. */
struct config_option {
	const char *name;
	bool has_value;
};

/** A file with a table. */
struct config_source {
	const char *file; /* as it is to be shown */
	const char *text; /* of the whole file */
	bool toml;        /* else it is JSON itself */
	bool whole;       /* the table is the whole file, not [tool.tracewrap] */
	const char *json; /* the table */
	size_t len;
};

/** Add a table to C. @return 0, or -EINVAL with one line: file, line, what is wrong, what would be right. A key that another file
 *  has set to something else is wrong. */
int config_add(struct config *c, const struct config_source *from, const struct config_option *options, size_t noptions, struct err *err);

const struct config_entry *config_find(const struct config *c, const char *key);
/** The only word of KEY; NULL: it is not set. */
const char *config_text(const struct config *c, const char *key);

/** The line of TEXT in which KEY of SECTION is set ("" : of the table itself); 0: it is not found. NTH counts tables of an array. */
unsigned config_line(const struct config_source *from, const char *section, const char *key, size_t nth);

/** The word of WORDS that WORD may have been meant to be; NULL: none is near. */
const char *config_nearest(const char *word, const char *const *words, size_t n);
/** How many characters to change, add or take away; texts of more than 127 are never near. */
size_t config_distance(const char *a, const char *b);

/** Does PATH match: "*" and "?" within a name, "**" over folders, "[a-c]", "{a,b}"; what nests too deeply matches nothing. */
bool config_glob(const char *pattern, const char *path);
/** Is there anything in it that is not taken literally? */
bool config_is_glob(const char *pattern);

/** The row of the flaky list that a failure of TEST ("tests/test_x.py::test_y[a]") with MESSAGE fits; NULL: none. MESSAGE NULL: not known,
 *  so that the test alone decides. */
const struct config_flaky *config_flaky_of(const struct config *c, const char *test, const char *message);

/** The table that `config --init` writes: "" for any project, "tractor"; NULL: there is no such. */
const char *config_template(const char *name);

#endif
