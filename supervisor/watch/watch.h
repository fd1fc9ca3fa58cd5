/* watch: the loop that joins the rooms. Events of the launch and passes of the sampler come in; looks, verdicts, reports and the
 * clean-up go out. When to look and when to speak is decided by a pure part (watch/policy.h), so that it can be tested.
 */
#ifndef TRACEWRAP_WATCH_H
#define TRACEWRAP_WATCH_H

#include <regex.h>

#include "hear/hear.h"
#include "launch/launch.h"
#include "prove/prove.h"

enum on_stall { ON_STALL_REPORT, ON_STALL_KILL };
enum on_hang { ON_HANG_KILL, ON_HANG_REPORT, ON_HANG_STOP, ON_HANG_RESCUE };

/** How to watch. All modes sample /proc, on which a verdict stands; they differ in what they hear besides. */
enum mode { MODE_PROC, MODE_PRELOAD, MODE_PTRACE, MODE_NOTIFY };
const char *mode_name(enum mode mode);
enum leaks_choice { LEAKS_WARN, LEAKS_FAIL, LEAKS_IGNORE };


/** Addresses that the run needs; what was there before the command was started. */
struct leaks_before;
enum { PORTS_MOST = 16 };

enum verbosity { SAY_HANGS = -1, SAY_NORMAL = 0, SAY_MORE = 1, SAY_EVENTS = 2 };

struct watch_options {
	char **argv; /* the command */
	enum on_hang on_hang;
	int64_t timeout_ns; /* bound of the whole run, stops not counted; 0: none */
	int64_t stall_ns;   /* so long without progress is told; 0: never */
	enum on_stall on_stall;
	int64_t test_timeout_ns; /* bound of one test, all phases together; 0: none */
	int64_t grace_ns;   /* between SIGINT and SIGKILL */
	int64_t horizon_ns; /* a wait that ends later than this is no progress */
	const struct assumptions *assume; /* what each assumption costs; NULL: the defaults */
	const char *report_dir;
	bool report_always; /* the folder was asked for by name: write it for a healthy run, too */
	const char *report_json;   /* NULL: no such file */
	const char *save_snapshot; /* NULL: no such file */
	const char *junit;         /* NULL: no such file */
	const regex_t *mask;       /* what matches it in a command line is written nowhere; NULL: nothing is kept back */
	bool github;               /* annotations on standard error, and nothing of the run's text may be taken for one */
	const char *step_summary;  /* a file of the CI job to append summary.md to; NULL: none */
	const char *workspace;     /* the checkout as GitHub knows it; NULL */
	enum verbosity verbosity;
	bool no_reaper; /* orphans are not ours: see launch_options */
	bool worker;    /* several of us share the report folder */
	int events_fd; /* where each event goes as a JSON line; 0: nowhere */
	enum mode mode;
	const char *mode_reason; /* why it is not the mode that was asked for, or the best there is; NULL: it is */
	struct hear *hear;       /* NULL: nothing is heard */
	enum leaks_choice leaks;
	char ports[PORTS_MOST][64]; /* "127.0.0.1:1616"; "": the rest is empty */
	struct leaks_before *before; /* watch_leaks_before() */
	const char *timers_before; /* watch_timers(), read before the command was started */
	struct idmap *closed_before; /* observe_closed_connections(), likewise */
	bool color;
	unsigned width; /* columns of the text screen */
};

/** The exit code of tracewrap's own verdicts and troubles (those of timeout(1) and env(1)). */
enum { EXIT_SUSPECTED = 3, EXIT_LEAKED = 122, EXIT_HANG = 124, EXIT_TRACEWRAP = 125, EXIT_CANNOT_EXEC = 126, EXIT_NOT_FOUND = 127 };

/** Watch the command that L has just started until it has ended, and end the same way. */
_Noreturn void watch_run(struct launch *l, const struct watch_options *opt);

/** The alarms that are armed on this machine, to be read before the command is started: they are none of the run's. OUT stays empty
 *  where they can't be read. */
void watch_timers(struct text *out);

/** Who holds the addresses, and what lies in /dev/shm: to be looked at before the command is started. */
struct leaks_before *watch_leaks_before(const struct watch_options *opt);
/** Read "ADDRESS[,ADDRESS...]" into OPT->ports. @return 0, -EINVAL. */
int watch_ports(struct watch_options *opt, const char *value, const char **wrong);

/** What `tracewrap why` has found out. */
struct why {
	struct snapshot *snapshot; /* NULL: there was none that held together */
	struct proof *proof;
	struct finding *finding;   /* NULL: nothing is stuck */
	bool unsteady;             /* processes came and went at each look */
};
/** Look at PID and its descendants, which others have begun, until there is a verdict, some seconds at most. why_free() OUT.
 *  @return 0; -ESRCH: there is no such process, or it has ended meanwhile. */
int watch_why(pid_t pid, const struct watch_options *opt, struct why *out, struct err *err);
void why_free(struct why *w);

/** Open WHERE, a file's name or "fd:N", for watch_options.events_fd. @return the descriptor, our own; -errno. */
int watch_open_events(const char *where, struct err *err);

/** The report folder must be usable before a run is begun that names it: can FILE be written beside its folder's other files?
 *  @return 0, or -errno with the reason. */
int watch_check_writable(const char *file, struct err *err);

#endif
