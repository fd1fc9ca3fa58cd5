/* Part of model.h's plain data: all that a report can say of a run, and its saved form, report.json.
 *
 * Reports are written from this, whether the run has just ended or was read from a file. Pointers are the owner's and stay so.
 */
#ifndef TRACEWRAP_MODEL_RUN_H
#define TRACEWRAP_MODEL_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct finding;
struct history;
struct process_row;
struct snapshot;

#define REPORT_SCHEMA "tracewrap-report/1"

enum outcome { OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_HANG, OUTCOME_STALL, OUTCOME_INTERRUPTED, OUTCOME_ERROR };
const char *outcome_name(enum outcome o);

struct signalled {
	pid_t pid;
	const char *signal; /* "SIGINT" */
	int64_t at_ns;      /* CLOCK_MONOTONIC; 0: not known */
};
struct survivor {
	pid_t pid;
	char state;
	const char *comm, *wchan;
};

/** One test in one process, from its setup to its teardown, as far as it was heard or seen. */
struct run_test {
	const char *test;
	pid_t pid;
	int64_t from_ns, to_ns;               /* NEVER_NS: it runs */
	int64_t setup_ns, call_ns, teardown_ns; /* when that phase began; 0: not heard */
};

/** What sits unread in a pipe or socket of a finding, copied without taking it out. */
struct run_log {
	const char *object; /* "pipe:[4711]" */
	const char *text;   /* fit to be shown, lines kept; the beginning, and after a gap the end */
	const char *file;   /* of the run's folder, where all that was copied lies; NULL: none */
	uint64_t bytes;     /* that were in it; more than TEXT has, perhaps */
};

struct run_report {
	const char *version;
	char **argv;
	enum outcome outcome;
	int exit_code;        /* tracewrap's own; 128 + N for a death by signal N */
	int64_t wall_start_s; /* seconds since the epoch */
	int64_t start_ns, end_ns; /* CLOCK_MONOTONIC; end_ns: now, when the report is written before the end */
	const char *mode;     /* "proc" */
	bool reaper;          /* orphans of the tree came to us */
	const char *const *blind_spots; /* NULL-terminated */
	struct finding *const *findings;
	size_t nfindings;
	const struct history *history; /* the processes; or, of a run that was read from a file, `rows` */
	const struct process_row *rows;
	size_t nrows, rows_dropped;
	bool library;       /* processes are to tell by the preload library: who does not is named */
	bool every_process; /* it has all that ever lived, but for those that were dropped */
	const struct run_test *tests; /* in the order in which they began */
	size_t ntests;
	const char *const *not_run; /* tests that pytest knows, and none was seen to run; NULL-terminated, or NULL */
	const struct run_log *logs;
	size_t nlogs;
	const struct signalled *signalled;
	size_t nsignalled;
	const struct survivor *survivors;
	size_t nsurvivors;
	bool ending;             /* the run is being ended, proof or not */
	bool complete;           /* false: written before the clean-up */
	const char *host, *kernel; /* NULL: not known */
	const char *folder;      /* that the command was run in: paths below it are shown without it; NULL: none */
	const char *report_path; /* as it is to be shown; NULL: none was written */
};

size_t run_count(const struct run_report *r); /* of processes */
const struct process_row *run_row(const struct run_report *r, size_t i);
size_t run_dropped(const struct run_report *r);

/** A run that was read from a file, with all that it points to. */
struct saved_run {
	struct run_report r;
	struct snapshot *owner; /* of the memory */
};

/** Read report.json. What is there must be right, what this version does not know is passed over.
 *  @return 0; -EINVAL: not JSON, cut off, no report, or of another version; ERR names the key and what would be right. */
int run_read(const char *text, size_t len, struct saved_run **out, struct err *err);
void run_free(struct saved_run *run); /* NULL is allowed */

#endif
