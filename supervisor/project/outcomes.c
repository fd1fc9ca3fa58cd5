/* The plug-in for pytest that tells what came of each test: put where the command finds it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "project/room.h"

#define NAME "tracewrap_outcomes"

extern const char outcomes_source[], outcomes_source_end[];

/** FIRST before what VARIABLE has, with a separator between. */
static void put_first(const char *variable, const char *first, const char *separator)
{
	const char *old = getenv(variable);
	size_t n = strlen(first);
	OWNED_TEXT value = {0};

	if (old && strncmp(old, first, n) == 0 && (old[n] == '\0' || old[n] == *separator))
		return; /* of a run before, for the check of the collection */
	text_add(&value, first);
	if (old && *old) {
		text_add(&value, separator);
		text_add(&value, old);
	}
	setenv(variable, text_str(&value), 1);
}

int outcomes_prepare(const char *report_dir, const char *outcomes, struct err *err)
{
	char folder[PATH_MAX], path[PATH_MAX + 64], real[PATH_MAX];
	int rc;

	snprintf(folder, sizeof folder, "%s/plugin", report_dir);
	if ((rc = sys_make_dirs(folder, err)) < 0)
		return rc;
	if (!realpath(folder, real))
		return err_set(err, -errno, "%s: %m", folder);
	snprintf(path, sizeof path, "%s/" NAME ".py", real);
	if ((rc = sys_write_file(path, outcomes_source, (size_t)(outcomes_source_end - outcomes_source), err)) < 0)
		return rc;
	put_first("PYTHONPATH", real, ":");
	put_first("PYTEST_PLUGINS", NAME, ",");
	setenv("TRACEWRAP_OUTCOMES", outcomes, 1);
	return 0;
}
