/* scan: the few bounded steps that the parsers are made of. A step that does not fit returns false and leaves the cursor. */
#ifndef TRACEWRAP_PARSE_SCAN_H
#define TRACEWRAP_PARSE_SCAN_H

#include "parse/parse.h"

/** White space other than newlines. */
void scan_blanks(struct cursor *c);
/** Skips blanks, then takes digits of BASE (8, 10, 16; no prefix). False without a digit, or beyond 64 bits. */
bool scan_number(struct cursor *c, unsigned base, uint64_t *out);
/** The same with an optional '-', within 32 bits. */
bool scan_int(struct cursor *c, int *out);
/** Exactly that text. */
bool scan_text(struct cursor *c, const char *s);
/** Skips blanks, then the bytes up to the next blank. False when there are none. */
bool scan_word(struct cursor *c, const char **word, size_t *len);
/** Goes on behind the next S. False, and at the end, when there is none. */
bool scan_behind(struct cursor *c, const char *s);
/** The value of the line that begins with KEY, "Pid:". False when there is no such line. */
bool scan_field(const char *text, size_t len, const char *key, struct cursor *value);

#endif
