/* What a word may have been meant to be. */
#include <string.h>

#include "config/config.h"

enum { WORD_MOST = 127 };

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/** Levenshtein's distance, row by row. */
size_t config_distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), row[WORD_MOST + 1];

	if (na > WORD_MOST || nb > WORD_MOST)
		return WORD_MOST;
	for (size_t k = 0; k <= nb; k++)
		row[k] = k;
	for (size_t i = 1; i <= na; i++) {
		size_t above_left = row[0];

		row[0] = i;
		for (size_t k = 1; k <= nb; k++) {
			size_t above = row[k];

			row[k] = least(above + 1, row[k - 1] + 1, above_left + (a[i - 1] != b[k - 1]));
			above_left = above;
		}
	}
	return row[nb];
}

const char *config_nearest(const char *word, const char *const *words, size_t n)
{
	size_t most = strlen(word) / 3 + 1, best = most + 1;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = config_distance(word, words[i]);

		if (d < best) {
			best = d;
			found = words[i];
		}
	}
	return found;
}
