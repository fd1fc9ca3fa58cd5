/* JSON values as saved snapshots and stacks have them: each function writes one value, put_key() a key with the comma before it. The text
 * itself knows whether one is needed. Private to model/.
 */
#ifndef TRACEWRAP_MODEL_WRITER_H
#define TRACEWRAP_MODEL_WRITER_H

#include "model/model.h"

void put_comma(struct text *t);
void put_str(struct text *t, const char *s);
void put_key(struct text *t, const char *key);
void put_id(struct text *t, int64_t id);
void put_int(struct text *t, const char *key, int64_t value);
/** A number, or a string of digits where a double could not hold it. */
void put_count(struct text *t, const char *key, uint64_t value);
void put_bool(struct text *t, const char *key, bool value);
/** Nothing for NULL. */
void put_text(struct text *t, const char *key, const char *value);
/** To the microsecond; null for NEVER_NS. */
void put_seconds(struct text *t, int64_t ns);
void put_ns(struct text *t, const char *key, int64_t ns);
void put_pids(struct text *t, const char *key, const pid_t *pids, size_t n);
void put_keys(struct text *t, const char *key, const char *const *words, size_t n);

#endif
