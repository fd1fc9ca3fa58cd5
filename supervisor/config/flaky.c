/* Is a failure one of those that are known to come and go? */
#include <string.h>

#include "config/config.h"

/** "a/b.py::t" is meant by "b.py::t" and by "t", not by "xb.py::t". */
static bool is_end_of(const char *test, size_t len, const char *row)
{
	size_t n = strlen(row);

	if (n > len || strncmp(test + len - n, row, n) != 0)
		return false;
	return n == len || test[len - n - 1] == '/' || test[len - n - 1] == ':';
}

static bool names(const struct config_flaky *f, const char *test)
{
	const char *bracket = strchr(test, '[');

	return is_end_of(test, strlen(test), f->test) || (bracket && is_end_of(test, (size_t)(bracket - test), f->test)) ||
	       (config_is_glob(f->test) && config_glob(f->test, test));
}

const struct config_flaky *config_flaky_of(const struct config *c, const char *test, const char *message)
{
	for (size_t i = 0; i < c->flaky.n; i++) {
		const struct config_flaky *f = &c->flaky.at[i];

		if (names(f, test) && (!message || !f->error || strstr(message, f->error)))
			return f;
	}
	return NULL;
}
