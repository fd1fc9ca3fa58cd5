/* The subcommands that know the project: their options, and reading their words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const struct command_option rows[] = {
	{"test doctor", "python", "FILE", "test, doctor: the interpreter to use, instead of the project's virtual environment"},
	{"test", "dry-run", NULL, "test: print the command for a shell, and end. doctor --fix, config --init: say what would be done"},
	{"test", "lf", NULL, "test: what failed or hung last time"},
	{"test", "changed", "[=REF]", "test: the tests that the changes since REF affect. Default: HEAD"},
	{"test doctor", "sync", NULL, "test, doctor: make or update the virtual environment with uv"},
	{"test", "no-check", NULL, "test: do not look at package, addresses and sockets before"},
	{"test doctor", "fix", NULL, "test, doctor: end what earlier runs have left: SIGINT, --grace, SIGKILL; remove their sockets and shared memory"},
	{"doctor", "collect", NULL, "doctor: do all tests collect?"},
	{"doctor", "parent", "PID", "doctor: the descendants of that process are leftovers, too"},
	{"last", "flaky", NULL, "last: tests that passed and failed by turns, from .tracewrap/history.sqlite"},
	{"config", "init", "[=tractor]", "config: write a table of settings into pyproject.toml"},
};

size_t command_options_count(void)
{
	return ARRAY_SIZE(rows);
}

const struct command_option *command_options_row(size_t i)
{
	return &rows[i];
}

const char *command_name(enum subcommand sub)
{
	static const char *const names[] = {
		[SUB_RUN] = "run", [SUB_EXPLAIN] = "explain", [SUB_WHY] = "why", [SUB_REPORT] = "report", [SUB_TEST] = "test", [SUB_DOCTOR] = "doctor", [SUB_LAST] = "last",
		[SUB_CONFIG] = "config", [SUB_COMPLETION] = "completion", [SUB_HELP] = "help", [SUB_VERSION] = "version",
	};

	return names[sub];
}

struct parsing {
	struct options *o;
	const struct intent_place *place;
};

static const struct command_option *row_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/** Of `test`, pytest's own --verbose, --quiet and --color stay pytest's. */
static enum intent_arity arity(void *data, const char *name)
{
	static const char *const of_pytest[] = {"verbose", "quiet", "color"};
	const struct parsing *p = data;
	const struct command_option *row = row_named(name);

	if (row)
		return !row->value ? ARITY_SWITCH : *row->value == '[' ? ARITY_OPTIONAL : ARITY_VALUE;
	for (size_t i = 0; i < ARRAY_SIZE(of_pytest) && p->o->sub == SUB_TEST; i++)
		if (strcmp(name, of_pytest[i]) == 0)
			return ARITY_NOT_OURS;
	return options_arity(name);
}

static int set_parent(struct command_options *cmd, const char *value, struct err *err)
{
	char *end;
	long pid = strtol(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || pid < 2 || pid > INT32_MAX)
		return err_set(err, -EINVAL, "--parent: \"%.40s\" is no process id", value);
	cmd->parent = (pid_t)pid;
	return 0;
}

static bool is_of(const struct command_option *row, const char *command)
{
	return strstr(row->commands, command) != NULL || (strcmp(row->name, "dry-run") == 0 && strcmp(command, "last") != 0);
}

static int option(void *data, const char *name, const char *value, struct err *err)
{
	struct parsing *p = data;
	struct command_options *cmd = &p->o->cmd;
	const struct command_option *row = row_named(name);
	const struct {
		const char *name;
		bool *at;
	} switches[] = {{"dry-run", &cmd->dry_run}, {"lf", &cmd->last_failed}, {"sync", &cmd->sync},     {"no-check", &cmd->no_check},
			{"fix", &cmd->fix},         {"collect", &cmd->collect}, {"flaky", &cmd->flaky}};

	if (!row)
		return options_set(p->o, name, value, err);
	if (!is_of(row, command_name(p->o->sub)))
		return err_set(err, -EINVAL, "%s: option \"--%s\" is not for it; see tracewrap --help", command_name(p->o->sub), name);
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (strcmp(name, switches[i].name) == 0)
			*switches[i].at = true;
	if (strcmp(name, "python") == 0)
		cmd->python = value;
	else if (strcmp(name, "changed") == 0)
		cmd->changed = value ? value : "";
	else if (strcmp(name, "init") == 0)
		cmd->init = value ? value : "";
	else if (strcmp(name, "parent") == 0)
		return set_parent(cmd, value, err);
	return 0;
}

static bool is_target(void *data, const char *word)
{
	const struct parsing *p = data;
	struct arena *a;
	words_vec found = {0};
	bool is;

	if (!p->place)
		return false;
	a = arena_new();
	is = intent_resolve(p->place, word, a, &found, NULL) == 0 || strchr(word, '/') || strstr(word, "::");
	vec_free(&found);
	arena_free(a);
	return is;
}

/** Without pytest behind it, a word that is left is a mistake, but for the short names of our own options. */
static int take_short(struct options *o, const char *word, struct err *err)
{
	if (strcmp(word, "-n") == 0 && o->sub == SUB_DOCTOR)
		o->cmd.dry_run = true;
	else if (strcmp(word, "-q") == 0)
		return options_set(o, "quiet", NULL, err);
	else if (strcmp(word, "-v") == 0)
		return options_set(o, "verbose", NULL, err);
	else
		return err_set(err, -EINVAL, "%s: unknown option \"%.60s\"; see tracewrap --help", command_name(o->sub), word);
	return 0;
}

static int check_targets(const struct options *o, struct err *err)
{
	const words_vec *targets = &o->cmd.words.targets;
	size_t most = o->sub == SUB_COMPLETION || o->cmd.init ? 1 : 0;

	if (o->sub != SUB_TEST && targets->n > most)
		return err_set(err, -EINVAL, "%s: \"%.60s\" is one word too many; see tracewrap --help", command_name(o->sub), targets->at[most]);
	return 0;
}

int command_parse(struct options *o, const struct intent_place *place, struct err *err)
{
	struct parsing p = {o, place};
	struct intent_reader reader = {.data = &p, .arity = arity, .option = option, .is_target = is_target};
	words_vec left = {0};
	int rc = intent_read(o->command, &reader, &o->cmd.words, err);

	if (o->sub != SUB_TEST && o->sub != SUB_HELP && !rc) {
		left = o->cmd.words.pytest;
		for (size_t i = 0; i < left.n && !rc; i++)
			rc = take_short(o, left.at[i], err);
	}
	return rc ? rc : check_targets(o, err);
}
