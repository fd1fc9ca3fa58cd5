/* What history.c and history_told.c share. Private to the room. */
#ifndef TRACEWRAP_MODEL_HISTORY_H
#define TRACEWRAP_MODEL_HISTORY_H

#include "model/model.h"

struct gone {
	uint64_t serial; /* of the row */
	struct history_note note;
};

struct history {
	VEC(struct process_row *) rows; /* as they were first seen */
	struct idmap *by_start; /* pid and start -> index in rows; not those without a start */
	struct idmap *latest;   /* pid -> index in rows of its last one */
	VEC(pid_t) unseen;      /* were begun by an event, and may not have been seen by the sampler */
	size_t most, nended, dropped;
	VEC(struct history_note) notes;
	size_t next_note;
	VEC(struct gone) gone; /* not noted yet: how they ended may be on its way */
	uint64_t serial;
};

struct process_row *history_latest(const struct history *h, pid_t pid);
/** A new row, the last of its pid. */
struct process_row *history_add(struct history *h, pid_t pid, uint64_t start_ticks);
void history_end(struct history *h, struct process_row *row, int64_t at_ns, enum exit_kind exit, int value);
void history_trim(struct history *h);
/** WORDS become its command line. */
void history_set_words(struct process_row *row, const char *words, size_t len);
/** TEXT may be NULL; LEN bytes of it are kept, NULs as blanks. */
void history_note(struct history *h, const struct history_note *note, const char *text, size_t len);

#endif
