/* The parts of report.html. Each writes whole elements; what comes from the run goes through escape.h. Private to report/. */
#ifndef TRACEWRAP_REPORT_HTML_H
#define TRACEWRAP_REPORT_HTML_H

#include "report/escape.h"
#include "report/graph.h"
#include "report/join.h"

/** What the parts share. */
struct html {
	struct text *out;
	const struct run_report *const *runs;
	size_t nruns;
	struct joined_list all;
	struct arena *arena;
};

/** One finding on its way into the page. */
struct html_finding {
	const struct joined *j;
	const struct run_report *r;
	const struct finding *f;
	size_t number; /* of its sections' ids, from 1 */
};

enum { HTML_NAME = 60, HTML_PATH = 120, HTML_LINE = 240, HTML_COMMAND = 400 };

void html_style(struct text *out); /* the style sheet */

/* html_words.c: small things that many parts write */
void html_text(struct html *h, const char *s); /* our own words and figures, escaped */
void html_seconds(struct html *h, int64_t ns); /* "0.6 s", "12 min" */
void html_who(struct html *h, const struct finding *f, pid_t pid); /* <b>convert.py</b> <span>[23590]</span> */
/** "tests/conftest.py:18", below the folder of R; nothing when there is no file. */
void html_place(struct html *h, const struct run_report *r, const struct frame *frame);
void html_command(struct html *h, char *const *argv);
void html_open_section(struct html *h, const char *id, size_t number, const char *title, const char *below);
void html_close_section(struct html *h);

/* one part each */
void html_verdict(struct html *h, const struct html_finding *x, bool first);
void html_no_verdict(struct html *h);                  /* of runs without a hang */
void html_graph(struct html *h, const struct html_finding *x);
void html_fix(struct html *h, const struct html_finding *x);
void html_timeline(struct html *h, const struct html_finding *x); /* X NULL: of all runs */
void html_stacks(struct html *h, const struct html_finding *x);
void html_logs(struct html *h, const struct html_finding *x);
void html_proof(struct html *h, const struct html_finding *x);
void html_leaks(struct html *h);
void html_cleanup(struct html *h, const struct run_report *r);
void html_run(struct html *h, const struct run_report *r);
void html_tests(struct html *h);                       /* the slowest, the peak of processes */

#endif
