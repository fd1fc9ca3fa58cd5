/* --assume: what a verdict may take for granted. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static int unknown_name(const char *where, const char *item, size_t len, struct err *err)
{
	char names[160] = "";

	for (size_t i = 0, n = 0; i < ASSUMPTIONS && n < sizeof names; i++) {
		const struct assumption_row *row = &assumptions_default()->rows[i];

		if (row->bit != ASSUME_LIVE_INERT)
			n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", row->name);
	}
	return err_set(err, -EINVAL, "%s: \"%.*s\" is no assumption; there are %s", where, (int)len, item, names);
}

static int assume_one(const char *where, const char *item, size_t len, struct assumptions *as, struct err *err)
{
	const char *equals = memchr(item, '=', len);
	size_t name = equals ? (size_t)(equals - item) : len;
	char value[32];
	int64_t ns;
	int rc;

	snprintf(value, sizeof value, "%.*s", equals ? (int)(len - name - 1) : 0, equals ? equals + 1 : "");
	if (strcmp(value, "never") == 0)
		ns = NEVER_NS;
	else if (!equals || duration_parse(value, &ns) < 0)
		return err_set(err, -EINVAL, "%s: \"%.*s\" is not NAME=DURATION nor NAME=never", where, (int)len, item);
	rc = assumptions_set(as, item, name, ns);
	if (rc == -EPERM)
		return err_set(err, -EINVAL, "%s: what live processes do can't be taken for granted", where);
	return rc ? unknown_name(where, item, name, err) : 0;
}

int assume_parse(const char *where, const char *text, struct assumptions *as, struct err *err)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		int rc = assume_one(where, text, len, as, err);

		if (rc)
			return rc;
		text += len + (text[len] == ',');
	}
	return 0;
}
