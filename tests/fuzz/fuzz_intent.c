/* Any bytes as what the subcommands read from files: settings, pytest's last failures, what the plug-in told, a report; and as a glob, a target.
 * clang -fsanitize=fuzzer,address,undefined */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "intent/intent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool exists(void *data, const char *path)
{
	(void)data;
	return path[0] != 'x';
}

static const char *source(void *data, const char *path)
{
	(void)path;
	return data;
}

static void tell(struct outcomes *o)
{
	struct outcome_end end = {.code = 1, .command = "c"};
	struct text out = {0};

	outcomes_screen(o, &end, &out);
	outcomes_json(o, &end, &out);
	text_free(&out);
}

/** Settings first, up to a NUL; the rest is read with them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config_option options[] = {{"grace", true}, {"worker", false}};
	static const char *const files[] = {"tests/test_a.py", "tests/ipc/test_b.py", "src/a.py"}, *const paths[] = {"tests"};
	struct text text = {0};
	struct config *c = config_new();
	struct arena *arena = arena_new();
	struct outcomes *o = outcomes_new();
	struct err err = {0};
	words_vec found = {0};
	last_vec last = {0};

	text_addn(&text, (const char *)data, size);

	size_t n = strlen(text_str(&text)), more = n < size ? n + 1 : n;
	const char *rest = text.at + more;
	struct config_source from = {.file = "f", .text = text.at, .toml = size % 2, .json = text.at, .len = n};
	struct intent_place place = {files, ARRAY_SIZE(files), paths, 1, "", c};

	if (config_add(c, &from, options, ARRAY_SIZE(options), &err) < 0 && (!*err.text || strchr(err.text, '\n')))
		__builtin_trap(); /* no text, or two lines */
	config_glob(text.at, rest);
	config_flaky_of(c, rest, rest);
	if (intent_resolve(&place, rest, arena, &found, &err) < 0 && (!*err.text || strchr(err.text, '\n')))
		__builtin_trap(); /* the same */
	intent_rot(&place, arena, source, text.at, &found);
	outcomes_read(o, rest, size - more, c);
	outcomes_read_report(o, rest, size - more, c);
	tell(o);
	last_read(rest, size - more, c, exists, NULL, arena, &last, &err);
	vec_free(&found);
	vec_free(&last);
	outcomes_free(o);
	config_free(c);
	arena_free(arena);
	text_free(&text);
	return 0;
}
