/* The middle of the screen: who waits for whom. Private to report/. */
#ifndef TRACEWRAP_REPORT_CHAIN_H
#define TRACEWRAP_REPORT_CHAIN_H

#include "report/facts.h"

void chain_print(const struct finding *f, const struct text_style *style, struct text *out);
void style_begin(const struct text_style *style, const char *code, struct text *out); /* CODE as in console_codes(4): "1;31" */
void style_end(const struct text_style *style, struct text *out);

#endif
