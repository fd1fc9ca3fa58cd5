/* Where a task stands in the user's own code, and who holds the lock it waits for: lines below its row of the chain. Private to report/. */
#ifndef TRACEWRAP_REPORT_WHERE_H
#define TRACEWRAP_REPORT_WHERE_H

#include "report/facts.h"

/** A list of lines, without indent and newline, longer than a screen is wide perhaps. */
typedef VEC(char *) where_lines;
void where_free(where_lines *lines);

/** What stands in FILE behind the folder that holds libraries, as an import has it: "multiprocessing/queues.py". Else FILE itself. */
const char *where_library(const char *file);
/** The frame that a reader looks for first: the innermost of his own code; else the innermost that has a name. NULL: none. */
const struct frame *where_place(const struct stack *s);
/** "tests/test_x.py:18 in test_x: proc.wait()", FOLDER left away. */
void where_frame(struct text *out, const struct frame *f, const char *folder, size_t width);

/** Of one task. */
void where_task(const struct finding *f, const struct blocked *b, const char *folder, size_t width, where_lines *out);
/** Of a process: why it could not be read, and its async tasks. */
void where_process(const struct finding *f, pid_t pid, const char *folder, size_t width, where_lines *out);

#endif
