/* report: findings -> text. Pure: everything goes into a buffer; who writes it where is the caller's business.
 *
 * Text from the run (command lines, names) is data: made fit to be shown before it is printed, and never longer than its place.
 */
#ifndef TRACEWRAP_REPORT_H
#define TRACEWRAP_REPORT_H

#include "model/model.h"

struct text_style {
	bool color;
	unsigned width; /* columns, at least 40 */
	const char *folder; /* paths below it are shown without it; NULL: none */
};

/** The JSON object of the report contract ("tracewrap-report/1"), ended by a newline. */
void report_json(const struct run_report *r, struct text *out);

/* ---- pages for people: of one run, or of several merged; at least one ---- */

/** report.html: one file, without network, without script. */
void report_html(const struct run_report *const *runs, size_t nruns, struct text *out);
/** summary.md, for the page of a CI job: Markdown with a Mermaid graph, below 60 KiB. */
void report_markdown(const struct run_report *const *runs, size_t nruns, struct text *out);
/** Annotations of GitHub Actions, a line each. ROOT: the checkout, below which its paths are; NULL: the run's folder. */
void report_github(const struct run_report *const *runs, size_t nruns, const char *root, struct text *out);
/** JUnit XML. PYTEST: the text of pytest's own file, which is completed then, if there is just one run; NULL, or what is none: written whole.
 *  LEAKS_FAIL: what was left behind is an error of its test. */
void report_junit(const struct run_report *const *runs, size_t nruns, const char *pytest, bool leaks_fail, struct text *out);
/** trace.json, for Perfetto and chrome://tracing. */
void report_trace(const struct run_report *const *runs, size_t nruns, struct text *out);

/** The post-mortem: one screen that says what is wrong, where, who waits for whom, on what, and what to do. */
void report_screen(const struct run_report *r, const struct finding *f, const struct text_style *style, struct text *out);
/** Where a task stands in the user's own code, as an indented line; nothing when that is not known. S may be NULL. */
void report_place(const struct stack *s, const struct text_style *style, struct text *out);
/** What was cleaned up and where the report lies: printed behind the screen once it is known. */
void report_closing(const struct run_report *r, const struct text_style *style, struct text *out);

/** What was left behind, and which address was held: one block for all such findings of R. Nothing when there are none. */
void report_leaks(const struct run_report *r, const struct text_style *style, struct text *out);

/** One event, for those who follow a run while it goes on. */
struct report_event {
	enum event_kind kind; /* EVENT_FORK: `pid` has begun, made by `parent` */
	enum event_source source;
	int64_t since_ns; /* since the start of the run */
	pid_t pid, parent; /* parent: 0: not known */
	const char *label, *parent_label; /* see process_label(); "": not known */
	const char *text; /* file, address, test; "": none */
	int error, socket_type;
	enum exit_kind exit;
	int exit_value;
	int64_t value_ns, interval_ns;
};

/** As one line for the screen, as wide as STYLE allows. */
void report_event_line(const struct report_event *e, const struct text_style *style, struct text *out);
/** As one JSON object in one line (docs/events.md). */
void report_event_json(const struct report_event *e, struct text *out);
/** The last line of such a file. */
void report_events_end(int64_t since_ns, uint64_t dropped, struct text *out);

/** In the reader's words. */
void report_summary(const struct finding *f, struct text *out); /* one sentence */
void report_advice(const struct finding *f, struct text *out);  /* what to change */

#endif
