/* What the values of options may be, and what is said of one that is none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/values.h"

int value_duration(const char *where, const char *value, int64_t *out, struct err *err)
{
	if (duration_parse(value, out) == 0)
		return 0;
	return err_set(err, -EINVAL, "%s: \"%s\" is no duration; right are 500ms, 30s, 10m, 2h, or a number of seconds", where, value);
}

int value_word(const char *where, const char *value, const char *words, struct err *err)
{
	int index = 0;

	for (const char *w = words; w; index++) {
		const char *bar = strchr(w, '|');
		size_t len = bar ? (size_t)(bar - w) : strlen(w);

		if (strlen(value) == len && strncmp(value, w, len) == 0)
			return index;
		w = bar ? bar + 1 : NULL;
	}
	return err_set(err, -EINVAL, "%s: \"%s\" is not one of %s", where, value, words);
}

int value_file(const char *where, const char *value, const char **out, struct err *err)
{
	struct err why = {0};

	if (!*value)
		return err_set(err, -EINVAL, "%s: an empty name", where);
	if (watch_check_writable(value, &why) < 0)
		return err_set(err, -EINVAL, "%s %s", where, why.text);
	*out = value;
	return 0;
}

int value_report_dir(const char *where, const char *value, struct watch_options *w, struct err *err)
{
	struct err why = {0};
	char probe[4096];

	if (!*value || strlen(value) > 400)
		return err_set(err, -EINVAL, "%s: %s", where, *value ? "the name is too long" : "an empty name");
	/* Inside it when it exists, else beside it. */
	snprintf(probe, sizeof probe, "%s%s", value, access(value, F_OK) == 0 ? "/report" : "");
	if (watch_check_writable(probe, &why) < 0)
		return err_set(err, -EINVAL, "%s %s", where, why.text);
	w->report_dir = value;
	w->report_always = true;
	return 0;
}

int value_ports(const char *where, const char *value, struct watch_options *w, struct err *err)
{
	const char *wrong;

	if (watch_ports(w, value, &wrong) == 0)
		return 0;
	return err_set(err, -EINVAL, "%s: \"%s\" is no address; right are 1616, 127.0.0.1:1616, [::1]:1616, at most %d of them", where, wrong,
		       PORTS_MOST);
}

/* A later one replaces it: the command line wins over the environment. */
int value_mask(const char *where, const char *value, struct options *o, struct err *err)
{
	char why[120];
	int rc;

	if (o->watch.mask)
		regfree(&o->mask);
	o->watch.mask = NULL;
	rc = regcomp(&o->mask, value, REG_EXTENDED);
	if (rc) {
		regerror(rc, &o->mask, why, sizeof why);
		return err_set(err, -EINVAL, "%s: \"%s\" is no regular expression: %s", where, value, why);
	}
	o->watch.mask = &o->mask;
	return 0;
}
