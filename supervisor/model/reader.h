/* Values out of a JSON file, with errors that say where: what reading a snapshot is made of. Private to model/.
 *
 * The first failure sticks to the reader (reader.rc); after it every getter returns its fallback and does nothing, so that the
 * code that uses them reads like the format.
 */
#ifndef TRACEWRAP_MODEL_READER_H
#define TRACEWRAP_MODEL_READER_H

#include <cjson/cJSON.h>

#include "model/words.h"

struct reader {
	struct snapshot *s;
	struct strmap *names; /* of objects -> index */
	VEC(struct object) objects;
	struct err *err;
	int rc;
};

/** A JSON object and the way to it. */
struct at {
	const struct at *up;
	const char *key;
	const cJSON *json;
};

/** "tasks.12.wait.KEY: ..."; only the first one counts. */
void reader_fail(struct reader *r, const struct at *at, const char *key, const char *fmt, ...) PRINTF_LIKE(4, 5);

/** A member that may be missing or null: NULL then. */
const cJSON *reader_optional(struct reader *r, const struct at *at, const char *key);
const cJSON *reader_required(struct reader *r, const struct at *at, const char *key);

/* Of a value at hand; NULL gives 0. */
int64_t reader_to_int(struct reader *r, const struct at *at, const char *key, const cJSON *json, int64_t least, int64_t most);
int64_t reader_to_ns(struct reader *r, const struct at *at, const char *key, const cJSON *json);
unsigned reader_to_ends(struct reader *r, const struct at *at, const char *key, const cJSON *json); /* "r", "w", "rw" */
/** The number of a process, task or descriptor that is a key. */
pid_t reader_key_to_id(struct reader *r, const struct at *at, const char *key, int64_t least);
char *reader_clean_copy(struct reader *r, const char *text);
/** Digits of BASE and nothing else. */
bool reader_parse_u64(const char *text, int base, uint64_t *value);
/** "0x7f00": a double can't hold one. */
uint64_t reader_to_address(struct reader *r, const struct at *at, const char *key, const cJSON *json);

/* Of a member. */
pid_t reader_get_pid(struct reader *r, const struct at *at, const char *key, int64_t least);
pid_t reader_need_pid(struct reader *r, const struct at *at, const char *key, int64_t least);
bool reader_get_bool(struct reader *r, const struct at *at, const char *key, bool fallback);
bool reader_need_bool(struct reader *r, const struct at *at, const char *key);
char *reader_get_str(struct reader *r, const struct at *at, const char *key); /* NULL when it is missing */
const char *reader_need_str(struct reader *r, const struct at *at, const char *key);
int64_t reader_get_ns(struct reader *r, const struct at *at, const char *key, int64_t fallback);
/** A count: a number, or a string of digits where a double could not hold it. */
uint64_t reader_get_count(struct reader *r, const struct at *at, const char *key);
uint64_t reader_get_address(struct reader *r, const struct at *at, const char *key); /* 0 when it is missing */

/** The array under KEY, NULL when it is missing. N: its length. */
const cJSON *reader_get_list(struct reader *r, const struct at *at, const char *key, size_t *n);
pid_t *reader_get_ids(struct reader *r, const struct at *at, const char *key, int64_t least, size_t *n);
pid_t *reader_get_pids(struct reader *r, const struct at *at, const char *key, size_t *n);
char **reader_get_strings(struct reader *r, const struct at *at, const char *key, size_t *n); /* a NULL behind the last */
const char **reader_get_keys(struct reader *r, const struct at *at, const char *key, size_t *n);

/** The object under KEY; its json is NULL when there was a failure. */
struct at reader_get_object(struct reader *r, const struct at *up, const char *key);
/** The member that an iteration over AT stands on, as an object. */
struct at reader_step_into(struct reader *r, const struct at *at, const cJSON *json);

/* stack_read.c */
/** The member "stacks" of a process; NULL when it is missing. */
struct process_stacks *reader_get_stacks(struct reader *r, const struct at *up);
/** The same of an object at hand. */
struct process_stacks *reader_stacks_of(struct reader *r, const struct at *at);

/* snapshot_read.c */
/** The whole text as one JSON value, NULL with an error otherwise. cJSON limits the depth to 1000. */
cJSON *reader_parse(const char *text, size_t len, struct err *err);

/* finding_read.c */
/** A finding of a report whose run began at START_NS, in an arena of its own; NULL when there was a failure. */
struct finding *reader_finding_of(struct reader *r, const struct at *at, int64_t start_ns);
/** A moment since START_NS, before it perhaps; FALLBACK when it is missing. */
int64_t reader_get_moment(struct reader *r, const struct at *at, const char *key, int64_t start_ns, int64_t fallback);

#endif
