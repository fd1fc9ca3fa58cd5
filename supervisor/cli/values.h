/* values: the values of options. Private to cli/.
 *
 * WHERE is what to blame: "--stall", "TRACEWRAP_STALL", a key of a file. VALUE is kept by reference.
 * @return 0 (value_word: see there), or -EINVAL with a line that says what would be right.
 */
#ifndef TRACEWRAP_CLI_VALUES_H
#define TRACEWRAP_CLI_VALUES_H

#include "cli/cli.h"

int value_duration(const char *where, const char *value, int64_t *out, struct err *err);
/** @return the index of VALUE among WORDS, "a|b|c" as the help prints them. */
int value_word(const char *where, const char *value, const char *words, struct err *err);
/** A file that can be written. */
int value_file(const char *where, const char *value, const char **out, struct err *err);
/** A folder that exists or can be made; it is not made before there is something to write. */
int value_report_dir(const char *where, const char *value, struct watch_options *w, struct err *err);
int value_ports(const char *where, const char *value, struct watch_options *w, struct err *err);
/** A regular expression (regex(7), extended), compiled into O. */
int value_mask(const char *where, const char *value, struct options *o, struct err *err);

#endif
