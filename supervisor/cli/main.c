/* tracewrap: run a command, and prove it when it hangs for ever.
 *
 * The way of a run through the rooms (docs/internals.md):
 *   cli/      options, subcommands, exit codes                    you are here
 *   launch/   outer guard, witness, supervisor, command; their events
 *   observe/  /proc and sock_diag -> snapshot        parse/  the formats that they come in
 *   model/    snapshot, finding, history: plain data
 *   prove/    who can still move, who is stuck, why: pure
 *   report/   findings -> screen and JSON: pure
 *   act/      ending a tree, step by step
 *   watch/    the loop that joins them
 *   config/   settings    intent/  what `test` is asked for, and what came of it: pure
 *   project/  the checkout: settings, interpreter, git, pytest's cache    doctor/  what earlier runs have left
 *   sys/      thin wrappers                          base/   errors, memory, text, maps
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static int print_help(void)
{
	OWNED_TEXT help = {0};

	options_help(&help);
	fputs(text_str(&help), stdout);
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}

static int print_version(void)
{
	printf("tracewrap %s\n", TRACEWRAP_VERSION);
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}

static int complain(const struct err *err)
{
	fprintf(stderr, "tracewrap: %s\n", err->text);
	return EXIT_TRACEWRAP;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	struct options opt;

	launch_copy_args(argv); /* the guards show other words in place of the line that they came with */
	if (options_parse(argc, argv, &opt, &err) < 0)
		return complain(&err);
	switch (opt.sub) {
	case SUB_HELP:
		return print_help();
	case SUB_VERSION:
		return print_version();
	case SUB_EXPLAIN:
		return explain_file(&opt);
	case SUB_WHY:
		return why_pid(&opt);
	case SUB_REPORT:
		return report_files(&opt);
	case SUB_TEST:
		return command_test(&opt);
	case SUB_DOCTOR:
		return command_doctor(&opt);
	case SUB_LAST:
		return command_last(&opt);
	case SUB_CONFIG:
		return command_config(&opt);
	case SUB_COMPLETION:
		return command_completion(&opt);
	case SUB_RUN:
		break;
	}
	return run_configured(&opt);
}
