/* --help, from the tables of options. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { INDENT = 32, WIDTH = 80 };

static void add_wrapped(struct text *out, const char *words, size_t indent, size_t width)
{
	size_t column = indent;

	while (*words) {
		size_t len = strcspn(words, " ");
		bool first = column == indent;

		if (column + !first + len > width) {
			text_addc(out, '\n', 1);
			text_addc(out, ' ', indent);
			column = indent;
			first = true;
		}
		text_addc(out, ' ', !first);
		text_addn(out, words, len);
		column += !first + len;
		words += len + (words[len] == ' ');
	}
	text_addc(out, '\n', 1);
}

static void add_row(struct text *out, char letter, const char *name, const char *value, const char *help)
{
	char head[96];
	int n = snprintf(head, sizeof head, "  %c%c%c --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ', letter ? ',' : ' ', name,
			 value && *value != '[' ? " " : "", value ? value : "");

	text_add(out, head);
	if (n < INDENT - 1) {
		text_addc(out, ' ', (size_t)(INDENT - n));
	} else {
		text_addc(out, '\n', 1);
		text_addc(out, ' ', INDENT);
	}
	add_wrapped(out, help, INDENT, WIDTH);
}

void options_help(struct text *out)
{
	text_add(out, "usage: tracewrap [OPTION...] COMMAND [ARG...]\n"
		      "       tracewrap why [--json] [--snapshot FILE] PID\n"
		      "       tracewrap explain [--json] FILE\n"
		      "       tracewrap report [--html|--md|--junit|--trace|--github|--json] [-o FILE] FILE...\n"
		      "       tracewrap test [OPTION...] [TARGET...] [-- PYTEST-OPTION...]\n"
		      "       tracewrap doctor [--fix] | last [--flaky] | config [--init[=NAME]]\n"
		      "       tracewrap completion bash|zsh|fish\n\n"
		      "Run COMMAND as it would run without tracewrap, and prove it when it hangs for ever.\n"
		      "test: check the machine, build the project's pytest command, run it so, and say what\n"
		      "to do next. doctor: what keeps a run from being sound. last: what failed last time.\n"
		      "A command of such a name: tracewrap run test ...\n\n");
	for (size_t i = 0; i < options_count(); i++) {
		struct option_words row = options_row(i);

		add_row(out, row.letter, row.name, row.value, row.help);
	}
	text_add(out, "\nOf test, doctor, last and config (docs/run-tests.md):\n");
	for (size_t i = 0; i < command_options_count(); i++) {
		const struct command_option *row = command_options_row(i);

		add_row(out, '\0', row->name, row->value, row->help);
	}
	text_add(out, "\nD is a duration: 500ms, 30s, 10m, 2h, or a number of seconds. Each long option is also\n"
		      "an environment variable, TRACEWRAP_ON_HANG=report, and a key of [tool.tracewrap] in\n"
		      "pyproject.toml; the command line wins, then the environment.\n"
		      "Exit code: the command's own, or its death by signal; 122 something was left behind\n"
		      "(--leaks fail), 124 a hang was proven or the time was over, 125 tracewrap failed or\n"
		      "was misused, 126 the command can't be executed, 127 there is no such command.\n"
		      "why, explain: 124 proven, 3 suspected, 0 nothing is stuck. doctor: 0 fit, 1 not fit,\n"
		      "2 fit after something had to be killed. last: 0 nothing failed, 1 something did.\n");
}
