/* Laying out text in columns. Private to report/.
 *
 * Widths are code points. What comes from the run is made fit first: no control character, no stray byte, and none of the marks
 * that turn or hide the text around them reaches the screen.
 */
#ifndef TRACEWRAP_REPORT_PAGE_H
#define TRACEWRAP_REPORT_PAGE_H

#include "base/base.h"

size_t page_width(const char *s);
/** Append S made fit, cut with "..." to at most MOST code points. */
void page_fit(struct text *out, const char *s, size_t most);
/** The same, with the beginning cut off: a path. */
void page_fit_end(struct text *out, const char *s, size_t most);
/** Append S word by word in columns INDENT to WIDTH; COL is the column that the cursor is in. A word that is longer than a line
 *  is cut with "...", none is broken. No newline at the end. */
void page_wrap(struct text *out, const char *s, size_t col, size_t indent, size_t width);
/** The part of S that fits into WIDTH columns, in whole words. @return its bytes; at least one word when there is any. */
size_t page_take(const char *s, size_t width);

#endif
