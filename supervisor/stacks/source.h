/* The source lines of frames. Private to stacks/. */
#ifndef TRACEWRAP_STACKS_SOURCE_H
#define TRACEWRAP_STACKS_SOURCE_H

#include "model/model.h"

/** Texts of source files as PID sees them, each read once; freed with the reading. */
struct sources;
struct sources *sources_new(void);
void sources_free(struct sources *s);
/** Fill in `source` of the Python frames of P, in ARENA. A file that was changed since the process began is not shown: its lines may
 *  be others by now. */
void sources_fill(struct sources *s, struct arena *arena, pid_t pid, struct process_stacks *p);

#endif
