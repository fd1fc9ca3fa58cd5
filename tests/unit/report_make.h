/* Findings for tests of the report: from scenes (snap.h), from recorded snapshots. */
#ifndef TRACEWRAP_TESTS_REPORT_MAKE_H
#define TRACEWRAP_TESTS_REPORT_MAKE_H

#include "report/report.h"
#include "snap.h"

/** Prove and explain S, which is freed, as the watch loop would; onset and detection are set to 1.0 and 1.6 s. */
struct finding *make_finding(struct snapshot *s);
struct finding *make_stall(struct snapshot *s);
struct snapshot *read_recorded(const char *name);
/** The whole of a small file; NULL when there is none. free() it with mem_free(). */
char *read_small(const char *path);
/** A run with that one finding, begun at 0 and looked at after 2 s. */
struct run_report make_run(struct finding *const *f);

#endif
