/* cli: the command line, subcommands, exit codes. One table of options yields the parser, `--help` and the environment variables.
 */
#ifndef TRACEWRAP_CLI_H
#define TRACEWRAP_CLI_H

#include "watch/watch.h"

enum subcommand { SUB_RUN, SUB_EXPLAIN, SUB_REPORT, SUB_HELP, SUB_VERSION };

/** In the order of the words of --mode. */
enum mode_choice { CHOOSE_AUTO, CHOOSE_PROC, CHOOSE_PRELOAD, CHOOSE_PTRACE, CHOOSE_NOTIFY };

struct options {
	enum subcommand sub;
	struct watch_options watch;
	enum mode_choice mode;
	bool keep_sigint;
	const char *events; /* --events; NULL: nowhere */
	regex_t mask;       /* --mask, where watch.mask points to it */
	bool json;      /* explain: print the JSON object, not the screen */
	char **command; /* of a run; the file of explain */
};

/** Read the command line and the environment into OUT. argv is used, not copied.
 *  @return 0, or -EINVAL with one line that names the option and what would be right. */
int options_parse(int argc, char **argv, struct options *out, struct err *err);
/** The text of --help. */
void options_help(struct text *out);

/** "500ms", "30s", "10m", "2h", "1d", a plain number is seconds, "0" is off. @return 0, -EINVAL. */
int duration_parse(const char *text, int64_t *ns);

/** Decide how to watch, and open what that needs: fills opt.watch.mode, mode_reason, hear, and what the launch has to do for it. A mode that
 *  can't be had here gives way to a lesser one, but for those that the launch refuses (ptrace, notify). */
void mode_prepare(struct options *opt, struct launch_options *how);

/** `tracewrap explain FILE`. @return the exit code: 124 proven, 3 suspected, 0 nothing stuck, 125. */
int explain_file(const struct options *opt);

/** `tracewrap report FILE...`; its words are in opt.command. @return the exit code: 0, 125. */
int report_files(const struct options *opt);

#endif
