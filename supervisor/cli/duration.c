/* Durations as people write them. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
	const char *unit;
	int64_t ns;
} units[] = {
	{"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S}, {"", NS_PER_S},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/** Digits with at most one point, in thousandths; more than three places are beyond use and refused. */
static const char *read_thousandths(const char *text, int64_t *out)
{
	int64_t value = 0;
	int places = -1;

	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text) || (*text == '.' && places < 0); text++) {
		if (*text == '.') {
			places = 0;
			continue;
		}
		if (value > INT64_C(1000000000) || places >= 3)
			return NULL;
		value = value * 10 + (*text - '0');
		places += places >= 0;
	}
	for (places = places < 0 ? 0 : places; places < 3; places++)
		value *= 10;
	*out = value;
	return text;
}

int duration_parse(const char *text, int64_t *ns)
{
	int64_t thousandths, product;
	const char *unit = read_thousandths(text, &thousandths);

	for (size_t i = 0; unit && i < ARRAY_SIZE(units); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		if (__builtin_mul_overflow(thousandths, units[i].ns / 1000, &product))
			return -EINVAL;
		*ns = product;
		return 0;
	}
	return -EINVAL;
}
