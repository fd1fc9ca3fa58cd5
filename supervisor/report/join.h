/* Findings of several runs as one list: the same thing found on several hosts stands once. Private to report/. */
#ifndef TRACEWRAP_REPORT_JOIN_H
#define TRACEWRAP_REPORT_JOIN_H

#include "report/facts.h"

struct joined {
	const struct run_report *r; /* the first run that has it */
	const struct finding *f;
	size_t run, last_run;       /* the indices of that run, and of the last one that has it */
	size_t times;               /* in so many runs */
	const char *hosts;          /* "a, b and 3 more": of those runs, each once; "" when none is known */
	size_t nhosts;
};

struct joined_list {
	struct joined *at;
	size_t n;
	size_t nhangs; /* the first of them: hangs and stalls; what was left behind follows */
};

/** In ARENA: proven hangs first, then suspected ones, then what was left behind; else as they came. */
struct joined_list join_findings(const struct run_report *const *runs, size_t n, struct arena *arena);

/** Where the reader of F should look: the frame of the user's own code that the advice is about; NULL: not known. */
const struct frame *join_place(const struct finding *f);

#endif
