/* The value of PYTEST_CURRENT_TEST. */
#include <string.h>

#include "parse/parse.h"

static bool known_phase(const char *s, size_t len)
{
	static const char *const phases[] = {"setup", "call", "teardown"};

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
		if (len == strlen(phases[i]) && memcmp(s, phases[i], len) == 0)
			return true;
	return false;
}

int parse_current_test(const char *text, size_t len, struct current_test *out)
{
	const char *open = memrchr(text, '(', len);

	/* The node id may hold blanks and brackets, the phase none: the last " (" begins it. */
	if (!open || open < text + 1 || open[-1] != ' ' || text[len - 1] != ')')
		return PARSE_MALFORMED;
	*out = (struct current_test){
		.id = text,
		.id_len = (size_t)(open - 1 - text),
		.phase = open + 1,
		.phase_len = (size_t)(text + len - 1 - (open + 1)),
	};
	if (!known_phase(out->phase, out->phase_len) || !memmem(out->id, out->id_len, "::", 2))
		return PARSE_MALFORMED;
	return 0;
}
