/* watch: the loop that joins the rooms. Events of the launch and passes of the sampler come in; looks, verdicts, reports and the
 * clean-up go out. When to look and when to speak is decided by a pure part (watch/policy.h), so that it can be tested.
 */
#ifndef TRACEWRAP_WATCH_H
#define TRACEWRAP_WATCH_H

#include "launch/launch.h"

enum on_hang { ON_HANG_KILL, ON_HANG_REPORT };

enum verbosity { SAY_HANGS = -1, SAY_NORMAL = 0, SAY_MORE = 1 };

struct watch_options {
	char **argv; /* the command */
	const char *mode; /* how it is watched, for the report: "proc", "ptrace", "notify" */
	enum on_hang on_hang;
	int64_t timeout_ns; /* bound of the whole run, stops not counted; 0: none */
	int64_t grace_ns;   /* between SIGINT and SIGKILL */
	int64_t horizon_ns; /* a wait that ends later than this is no progress */
	const char *report_dir;
	bool report_always; /* the folder was asked for by name: write it for a healthy run, too */
	const char *report_json;   /* NULL: no such file */
	const char *save_snapshot; /* NULL: no such file */
	enum verbosity verbosity;
	const char *timers_before; /* watch_timers(), read before the command was started */
	bool color;
	unsigned width; /* columns of the text screen */
};

/** The exit code of tracewrap's own verdicts and troubles (those of timeout(1) and env(1)). */
enum { EXIT_HANG = 124, EXIT_TRACEWRAP = 125, EXIT_CANNOT_EXEC = 126, EXIT_NOT_FOUND = 127 };

/** Watch the command that L has just started until it has ended, and end the same way. */
_Noreturn void watch_run(struct launch *l, const struct watch_options *opt);

/** The alarms that are armed on this machine, to be read before the command is started: they are none of the run's. OUT stays empty
 *  where they can't be read. */
void watch_timers(struct text *out);

/** The report folder must be usable before a run is begun that names it: can FILE be written beside its folder's other files?
 *  @return 0, or -errno with the reason. */
int watch_check_writable(const char *file, struct err *err);

#endif
