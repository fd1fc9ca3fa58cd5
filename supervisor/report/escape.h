/* Text of the run on its way into a page that has characters of its own. Each function makes it fit first (page.h) and cuts it to MOST
 * code points. Private to report/. */
#ifndef TRACEWRAP_REPORT_ESCAPE_H
#define TRACEWRAP_REPORT_ESCAPE_H

#include "base/base.h"

/** For HTML, XML and SVG, between tags and in attributes. */
void esc_html(struct text *out, const char *s, size_t most);
/** The end of it, for paths. */
void esc_html_end(struct text *out, const char *s, size_t most);
/** Our own words, with names from the run that were made fit already: escaped, not cut. */
void esc_words(struct text *out, const char *s);
/** Several lines, for a <pre>. */
void esc_lines(struct text *out, const char *s, size_t most);

/** For GitHub's Markdown: nothing in it begins a mark-up, a link, a mention or HTML. */
void esc_markdown(struct text *out, const char *s, size_t most);
/** For a label of Mermaid between double quotes. */
void esc_mermaid(struct text *out, const char *s, size_t most);
/** For the message of a workflow command, and for one of its properties. */
void esc_command(struct text *out, const char *s, size_t most);
void esc_property(struct text *out, const char *s, size_t most);
/** Our own words where they may hold newlines: for the message of a workflow command. */
void esc_command_words(struct text *out, const char *s);

#endif
