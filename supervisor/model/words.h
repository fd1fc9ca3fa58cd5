/* The words of the saved form, shared by its reader and its writer. Private to model/. */
#ifndef TRACEWRAP_MODEL_WORDS_H
#define TRACEWRAP_MODEL_WORDS_H

#include "model/model.h"

#define SNAPSHOT_SCHEMA "tracewrap-snapshot/1"
#define SNAPSHOT_GONE "gone" /* as a peer: the other end was closed */
#define SNAPSHOT_OUTSIDE "outside" /* in `inflight`: a socket that the tree does not hold */

/** Moments and durations are saved in whole microseconds, up to this many seconds, which a double still holds exactly. */
#define SECONDS_MOST INT64_C(1000000000)
/** Integers beyond this are saved as strings: a reader's double would round them. */
#define EXACT_MOST (UINT64_C(1) << 53)

const char *wait_op_word(enum wait_op op);
bool wait_op_of_word(const char *word, enum wait_op *op);
const char *alarm_use_word(enum alarm_use use);
bool alarm_use_of_word(const char *word, enum alarm_use *use);
bool finding_kind_of_word(const char *word, enum finding_kind *kind);
bool role_of_word(const char *word, enum role *role);
bool leak_owner_of_word(const char *word, enum leak_owner *owner);
bool outcome_of_word(const char *word, enum outcome *o);
enum object_kind object_kind_of_word(const char *word); /* OBJECT_OTHER for words that are not ours */

#endif
