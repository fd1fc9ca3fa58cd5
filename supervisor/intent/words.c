/* The words behind `test`: tracewrap's options, targets, and what is pytest's. */
#include <errno.h>
#include <string.h>

#include "intent/intent.h"

/* Of pytest, its usual plug-ins and tractor. One that is missing costs a question, never a wrong run. */
static const char *const with_value[] = {
	"assert", "basetemp", "capture", "code-highlight", "color", "confcutdir", "config-file", "cov", "cov-config", "cov-report", "deselect", "dist",
	"durations", "durations-min", "hypothesis-seed", "ignore", "ignore-glob", "import-mode", "junit-prefix", "junit-xml", "junitxml",
	"last-failed-no-failures", "lfnf", "ll", "log-cli-level", "log-date-format", "log-file", "log-file-level", "log-format", "log-level",
	"maxfail", "maxprocesses", "numprocesses", "only-rerun", "override-ini", "pastebin", "pdbcls", "randomly-seed", "reruns", "reruns-delay",
	"rootdir", "show-capture", "spawn-backend", "tb", "timeout-method", "tpt-proto", "tx", "verbosity",
};
static const char *const switches[] = {
	"cache-clear", "co", "collect-only", "continue-on-collection-errors", "debug-mode", "disable-warnings", "doctest-modules", "exitfirst",
	"failed-first", "ff", "fixtures", "fixtures-per-test", "full-trace", "keep-duplicates", "last-failed", "lf", "markers", "new-first", "nf",
	"no-cov", "no-header", "no-showlocals", "no-summary", "noconftest", "pdb", "pyargs", "quiet", "runxfail", "setup-only", "setup-plan",
	"setup-show", "showlocals", "stepwise", "stepwise-skip", "strict", "strict-config", "strict-markers", "sw", "sw-skip", "tpdb", "trace",
	"verbose",
};
static const char letters_with_value[] = "kmnpoWcrd";
static const char letters_alone[] = "vqsxlh";

static bool is_one_of(const char *name, size_t n, const char *const *words, size_t nwords)
{
	for (size_t i = 0; i < nwords; i++)
		if (strlen(words[i]) == n && strncmp(words[i], name, n) == 0)
			return true;
	return false;
}

void intent_words_free(struct intent_words *w)
{
	vec_free(&w->targets);
	vec_free(&w->pytest);
}

/** Does the option of pytest at WORD take the next word? 1: it does, 0: it does not, -1: it is not known. */
static int takes_next(const char *word)
{
	const char *name = word + 2;
	size_t n = strcspn(word, "=") - 2;

	if (word[1] == '-') {
		if (word[2 + n] == '=' || is_one_of(name, n, switches, ARRAY_SIZE(switches)))
			return 0;
		return is_one_of(name, n, with_value, ARRAY_SIZE(with_value)) ? 1 : -1;
	}
	for (const char *c = word + 1; *c; c++) {
		if (strchr(letters_with_value, *c))
			return c[1] == '\0';
		if (!strchr(letters_alone, *c))
			return -1;
	}
	return 0;
}

struct sorting {
	char **at;
	const struct intent_reader *reader;
	struct intent_words *out;
};

static int take_pytest(struct sorting *s, struct err *err)
{
	const char *word = *s->at, *next = s->at[1];
	int takes = takes_next(word);

	vec_push(&s->out->pytest, word);
	if (!next || *next == '-' || takes == 0)
		return 0;
	if (takes < 0 && (*next == '@' || s->reader->is_target(s->reader->data, next)))
		return err_set(err, -EINVAL, "test: is \"%.60s\" the value of %.60s, or a target? Write %.60s=%.60s, or the target first", next, word, word,
			       next);
	vec_push(&s->out->pytest, *++s->at);
	return 0;
}

/** An option of tracewrap: --name, --name=value, --name value. */
static int take_ours(struct sorting *s, const char *name, const char *value, enum intent_arity arity, struct err *err)
{
	const char *next = s->at[1];

	if (arity == ARITY_SWITCH && value)
		return err_set(err, -EINVAL, "option \"--%s\" takes no value", name);
	if (arity == ARITY_VALUE && !value) {
		if (!next)
			return err_set(err, -EINVAL, "option \"--%s\" needs a value; see tracewrap --help", name);
		value = *++s->at;
	}
	if (arity == ARITY_OPTIONAL && !value && next && *next != '-' && *next != '@' && !s->reader->is_target(s->reader->data, next))
		value = *++s->at;
	return s->reader->option(s->reader->data, name, value, err);
}

static int take_option(struct sorting *s, struct err *err)
{
	const char *word = *s->at, *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	char name[64];

	if (strcmp(word, "-h") == 0)
		return s->reader->option(s->reader->data, "help", NULL, err);
	if (word[1] != '-' || n - 2 >= sizeof name)
		return take_pytest(s, err);
	memcpy(name, word + 2, n - 2);
	name[n - 2] = '\0';

	enum intent_arity arity = s->reader->arity(s->reader->data, name);

	if (arity == ARITY_NOT_OURS)
		return take_pytest(s, err);
	return take_ours(s, name, equals ? equals + 1 : NULL, arity, err);
}

int intent_read(char **words, const struct intent_reader *reader, struct intent_words *out, struct err *err)
{
	struct sorting s = {.at = words, .reader = reader, .out = out};
	int rc;

	for (; *s.at; s.at++) {
		const char *word = *s.at;

		if (strcmp(word, "--") == 0) {
			for (s.at++; *s.at; s.at++)
				vec_push(&out->pytest, *s.at);
			return 0;
		}
		if (*word != '-' || !word[1])
			vec_push(&out->targets, word);
		else if ((rc = take_option(&s, err)))
			return rc;
	}
	return 0;
}
