/* The command of pytest. */
#include <stdio.h>
#include <string.h>

#include "intent/intent.h"

/** What is given unless the settings or the user say otherwise (docs/run-tests.md, rule 2). */
static const char *const usual_args[] = {"-x", "--tb=short", "--no-header"};

/** Options that say the same thing; who gives one of a row does not want a default of the row. */
static const char *const alike[][4] = {
	{"-x", "--exitfirst", "--maxfail"},
	{"-s", "--capture"},
	{"--lf", "--last-failed"},
	{"-v", "--verbose", "-q", "--quiet"},
	{"-n", "--numprocesses"},
};

static bool is_named(const char *word, const char *option)
{
	size_t n = strcspn(option, "=");

	if (option[1] == '-')
		return strncmp(word, option, n) == 0 && (word[n] == '\0' || word[n] == '=');
	/* one letter, perhaps among others: "-xvs" */
	return word[0] == '-' && word[1] != '-' && strchr(word + 1, option[1]) && !strpbrk(word + 1, "kmnpoWcr=");
}

static bool has_option(const words_vec *words, const char *option)
{
	for (size_t i = 0; i < words->n; i++)
		if (is_named(words->at[i], option))
			return true;
	return false;
}

/** Does WORDS have the option, or one that says the same? */
static bool overrides(const words_vec *words, const char *option)
{
	if (has_option(words, option))
		return true;
	for (size_t row = 0; row < ARRAY_SIZE(alike); row++) {
		bool here = false;

		for (size_t i = 0; i < ARRAY_SIZE(alike[row]) && alike[row][i]; i++)
			here |= is_named(option, alike[row][i]);
		for (size_t i = 0; here && i < ARRAY_SIZE(alike[row]) && alike[row][i]; i++)
			if (has_option(words, alike[row][i]))
				return true;
	}
	return false;
}

static void add_defaults(const struct intent_place *in, const words_vec *pytest, words_vec *out)
{
	const struct config_entry *set = config_find(in->config, "test.args");
	const char *const *args = set ? set->items : usual_args;
	size_t n = set ? set->n : ARRAY_SIZE(usual_args);

	for (size_t i = 0; i < n; i++) {
		bool over = args[i][0] == '-' && overrides(pytest, args[i]);

		if (!over)
			vec_push(out, args[i]);
		else if (i + 1 < n && args[i][0] == '-' && args[i + 1][0] != '-')
			i++; /* its value */
	}
}

void intent_command(const struct intent_place *in, const char *const *python, const words_vec *targets, const words_vec *pytest,
                    words_vec *out)
{
	bool last_failed = has_option(pytest, "--lf") || has_option(pytest, "--last-failed");

	for (; *python; python++)
		vec_push(out, *python);
	vec_push(out, "-m");
	vec_push(out, "pytest");
	for (size_t i = 0; i < targets->n; i++)
		vec_push(out, targets->at[i]);
	for (size_t i = 0; i < in->npaths && !targets->n && !last_failed; i++)
		if (strcmp(in->paths[i], ".") != 0)
			vec_push(out, in->paths[i]);
	add_defaults(in, pytest, out);
	for (size_t i = 0; i < pytest->n; i++)
		vec_push(out, pytest->at[i]);
}

bool intent_is_whole(const struct intent_place *in, const words_vec *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		for (size_t k = 0; k < in->npaths; k++) {
			size_t n = strlen(targets->at[i]), nk = strlen(in->paths[k]);

			n -= n && targets->at[i][n - 1] == '/';
			nk -= nk && in->paths[k][nk - 1] == '/';
			if (strcmp(targets->at[i], ".") == 0 || (n == nk && strncmp(targets->at[i], in->paths[k], n) == 0))
				return true;
		}
	return targets->n == 0;
}

bool intent_is_interactive(const words_vec *pytest)
{
	static const char *const options[] = {"-s", "--pdb", "--trace", "--tpdb", "--debug-mode"};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (has_option(pytest, options[i]))
			return true;
	for (size_t i = 0; i < pytest->n; i++)
		if (strcmp(pytest->at[i], "--capture=no") == 0)
			return true;
	return false;
}

void intent_quote(const char *const *words, size_t n, struct text *out)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	for (size_t i = 0; i < n; i++) {
		const char *word = words[i];

		text_add(out, i ? " " : "");
		if (*word && !word[strspn(word, safe)]) {
			text_add(out, word);
			continue;
		}
		text_addc(out, '\'', 1);
		for (; *word; word++)
			if (*word == '\'')
				text_add(out, "'\\''");
			else
				text_addc(out, *word, 1);
		text_addc(out, '\'', 1);
	}
}
