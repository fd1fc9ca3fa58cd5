/* `tracewrap completion SHELL`: what a shell is to know of the options, from their table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/session.h"

static const char *const subcommands[] = {"test", "doctor", "last", "config", "why", "explain", "report", "completion", "run"};

/** "a|b|c" is a list of words; DIR and FILE are paths. */
static bool is_choice(const char *value)
{
	return value && strchr(value, '|') && value[0] >= 'a' && value[0] <= 'z';
}

static void add_choices(const char *value, struct text *out)
{
	for (; *value; value++)
		text_addc(out, *value == '|' ? ' ' : *value, 1);
}

static void add_subcommands(struct text *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		text_addf(out, "%s%s", i ? " " : "", subcommands[i]);
}

/** In single quotes, for any of the three shells. */
static void add_quoted(const char *words, struct text *out)
{
	for (; *words; words++)
		if (*words == '\'' || *words == '`' || *words == '[' || *words == ']' || *words == ':' || *words == '\\')
			text_addc(out, *words == '`' ? ' ' : *words == '\'' ? ' ' : *words == ':' ? ',' : ' ', 1);
		else
			text_addc(out, *words, 1);
}

/* ---- bash ---- */

static void bash_options(struct text *out)
{
	for (size_t i = 0; i < options_count(); i++)
		text_addf(out, "%s--%s", i ? " " : "", options_row(i).name);
	for (size_t i = 0; i < command_options_count(); i++)
		text_addf(out, " --%s", command_options_row(i)->name);
}

static void bash(struct text *out)
{
	text_add(out, "_tracewrap() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} i\n\tcase $before in\n");
	for (size_t i = 0; i < options_count(); i++) {
		struct option_words row = options_row(i);

		if (!is_choice(row.value))
			continue;
		text_addf(out, "\t--%s) COMPREPLY=($(compgen -W '", row.name);
		add_choices(row.value, out);
		text_add(out, "' -- \"$word\")); return ;;\n");
	}
	text_add(out, "\tcompletion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\")); return ;;\n\tesac\n"
		      "\tif [[ $word == -* ]]; then\n\t\tCOMPREPLY=($(compgen -W '");
	bash_options(out);
	text_add(out, "' -- \"$word\"))\n\t\treturn\n\tfi\n"
		      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		      "\t\tif [[ ${COMP_WORDS[i]} != -* ]]; then COMPREPLY=($(compgen -f -- \"$word\")); return; fi\n"
		      "\tdone\n"
		      "\tCOMPREPLY=($(compgen -W '");
	add_subcommands(out);
	text_add(out, "' -- \"$word\") $(compgen -c -- \"$word\"))\n}\ncomplete -o default -F _tracewrap tracewrap\n");
}

/* ---- zsh ---- */

static void zsh_option(const char *name, char letter, const char *value, const char *help, struct text *out)
{
	size_t n = strcspn(help, ".;");

	OWNED_TEXT short_help = {0};

	text_addn(&short_help, help, n > 60 ? 60 : n);
	if (letter)
		text_addf(out, "\t\t'-%c[", letter), add_quoted(text_str(&short_help), out), text_add(out, "]' \\\n");
	text_addf(out, "\t\t'--%s%s[", name, !value ? "" : *value == '[' ? "=-" : "=");
	add_quoted(text_str(&short_help), out);
	text_add(out, "]");
	if (is_choice(value)) {
		text_addf(out, ":%s:(", name);
		add_choices(value, out);
		text_add(out, ")");
	} else if (value && *value != '[') {
		text_addf(out, ":%s:%s", name, strcmp(value, "DIR") == 0 ? "_directories" : strncmp(value, "FILE", 4) == 0 ? "_files" : "");
	}
	text_add(out, "' \\\n");
}

static void zsh(struct text *out)
{
	text_add(out, "#compdef tracewrap\n_tracewrap() {\n\t_arguments -S \\\n");
	for (size_t i = 0; i < options_count(); i++) {
		struct option_words row = options_row(i);

		zsh_option(row.name, row.letter, row.value, row.help, out);
	}
	for (size_t i = 0; i < command_options_count(); i++) {
		const struct command_option *row = command_options_row(i);

		zsh_option(row->name, '\0', row->value, row->help, out);
	}
	text_add(out, "\t\t'1: :_tracewrap_first' \\\n\t\t'*:: :_normal'\n}\n"
		      "_tracewrap_first() {\n\tcompadd ");
	add_subcommands(out);
	text_add(out, "\n\t_command_names -e\n}\n"
		      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _tracewrap \"$@\"; else compdef _tracewrap tracewrap; fi\n");
}

/* ---- fish ---- */

static void fish_option(const char *name, char letter, const char *value, const char *help, struct text *out)
{
	size_t n = strcspn(help, ".;");
	OWNED_TEXT short_help = {0};

	text_addn(&short_help, help, n > 60 ? 60 : n);
	text_addf(out, "complete -c tracewrap -l %s", name);
	if (letter)
		text_addf(out, " -s %c", letter);
	if (value && *value != '[')
		text_add(out, is_choice(value) ? " -x" : " -r");
	if (is_choice(value)) {
		text_add(out, " -a '");
		add_choices(value, out);
		text_add(out, "'");
	}
	text_add(out, " -d '");
	add_quoted(text_str(&short_help), out);
	text_add(out, "'\n");
}

static void fish(struct text *out)
{
	for (size_t i = 0; i < options_count(); i++) {
		struct option_words row = options_row(i);

		fish_option(row.name, row.letter, row.value, row.help, out);
	}
	for (size_t i = 0; i < command_options_count(); i++) {
		const struct command_option *row = command_options_row(i);

		fish_option(row->name, '\0', row->value, row->help, out);
	}
	text_add(out, "complete -c tracewrap -n __fish_use_subcommand -a '");
	add_subcommands(out);
	text_add(out, "'\ncomplete -c tracewrap -n __fish_use_subcommand -a '(__fish_complete_command)'\n"
		      "complete -c tracewrap -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n");
}

/* ---- the manual page: the section of options, for scdoc (docs/tracewrap.1.scd) ---- */

static void scdoc_escaped(const char *words, struct text *out)
{
	for (; *words; words++) {
		if (strchr("_*\\", *words))
			text_addc(out, '\\', 1);
		text_addc(out, *words, 1);
	}
}

static void scdoc_option(const char *name, char letter, const char *value, const char *help, struct text *out)
{
	if (letter)
		text_addf(out, "*-%c*, ", letter);
	text_addf(out, "*--%s*", name);
	if (value && *value == '[') {
		scdoc_escaped(value, out);
	} else if (value) {
		text_add(out, " _");
		scdoc_escaped(value, out);
		text_add(out, "_");
	}
	text_add(out, "\n\t");
	scdoc_escaped(help, out);
	text_add(out, "\n\n");
}

static void scdoc(struct text *out)
{
	for (size_t i = 0; i < options_count(); i++) {
		struct option_words row = options_row(i);

		scdoc_option(row.name, row.letter, row.value, row.help, out);
	}
	text_add(out, "# OPTIONS OF THE SUBCOMMANDS\n\n");
	for (size_t i = 0; i < command_options_count(); i++) {
		const struct command_option *row = command_options_row(i);

		scdoc_option(row->name, '\0', row->value, row->help, out);
	}
}

int command_completion(const struct options *opt)
{
	static const struct {
		const char *name;
		void (*write)(struct text *out);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}, {"scdoc", scdoc}};
	const char *shell = opt->command[0];
	OWNED_TEXT out = {0};
	struct err err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(shells) && shell && !opt->command[1]; i++)
		if (strcmp(shell, shells[i].name) == 0)
			shells[i].write(&out);
	if (!out.n) {
		err_set(&err, -EINVAL, "completion takes one shell: bash, zsh or fish");
		return session_fail(&err);
	}
	fputs(text_str(&out), stdout);
	return fflush(stdout) == 0 ? 0 : EXIT_TRACEWRAP;
}
