/* Errors as values, and the two ways in which this program ends itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

int err_set(struct err *err, int rc, const char *fmt, ...)
{
	int saved = errno;

	if (err) {
		va_list ap;

		va_start(ap, fmt);
		errno = saved;
		vsnprintf(err->text, sizeof err->text, fmt, ap);
		va_end(ap);
	}
	errno = saved;
	return rc;
}

void base_bug(const char *what, const char *file, int line)
{
	fprintf(stderr, "tracewrap: internal error: %s (%s:%d)\n", what, file, line);
	abort();
}

void base_oom(void)
{
	static const char message[] = "tracewrap: out of memory\n";

	fwrite(message, 1, sizeof message - 1, stderr);
	abort();
}
