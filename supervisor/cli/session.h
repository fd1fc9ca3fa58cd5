/* session: what the subcommands of a project begin with. Private to cli/. */
#ifndef TRACEWRAP_CLI_SESSION_H
#define TRACEWRAP_CLI_SESSION_H

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "doctor/doctor.h"

struct session {
	struct options *opt;
	struct project p;
	path_vec files;
	struct intent_place place;
	struct arena *arena;
};

/** Read the settings, go into the project's folder, read the words. FILES: list the sources, for targets.
 *  @return -1: go on; else the exit code, all is said then. */
int session_open(struct session *s, struct options *opt, bool files);
void session_close(struct session *s);

/** One line on standard error. @return 125. */
int session_fail(const struct err *err);

/* JSON, made fit to be shown; cJSON answers NULL when memory is out, and to nothing else. */
cJSON *json_put(cJSON *object, const char *key, cJSON *item);
cJSON *json_add(cJSON *array, cJSON *item);
cJSON *json_string(const char *s); /* null for NULL */
/** Print it with a newline, and free it. @return 0, or 125 when standard output is closed. */
int json_print(cJSON *root);

/** What failed or hung last time. @return 0, -errno. */
int session_last(struct session *s, last_vec *out, struct err *err);

/** The project's Python. @return 0; -EINVAL with one line that says how to come by one (case B). */
int session_interpreter(struct session *s, struct interpreter *out, struct err *err);
/** Is the package importable, and this checkout's? VERSION may be NULL. @return 0, -EINVAL with one line. */
int session_import(struct session *s, const struct interpreter *i, struct import_check *check, struct err *err);
/** Do all tests collect? @return 0, -EINVAL with one line. */
int session_collect(struct session *s, const struct interpreter *i, struct err *err);
/** The report folder, with a .gitignore in it. */
int session_folder(struct session *s, struct err *err);

/** What the settings say of leftovers. */
struct doctor_where session_where(const struct session *s, const char *ports[PORTS_MOST]);
bool session_is_set(const struct session *s, const char *option);

/** The text of a source, for the names of tests in it; DATA is the session. */
const char *session_source(void *data, const char *path);

#endif
