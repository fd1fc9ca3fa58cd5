/* cli: the command line, subcommands, exit codes. One table of options yields the parser, `--help` and the environment variables.
 */
#ifndef TRACEWRAP_CLI_H
#define TRACEWRAP_CLI_H

#include "launch/launch.h"
#include "watch/watch.h"

enum subcommand { SUB_RUN, SUB_EXPLAIN, SUB_HELP, SUB_VERSION };

struct options {
	enum subcommand sub;
	struct watch_options watch;
	bool keep_sigint;
	enum launch_trace trace;
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

/** `tracewrap explain FILE`. @return the exit code: 124 proven, 3 suspected, 0 nothing stuck, 125. */
int explain_file(const struct options *opt);

#endif
