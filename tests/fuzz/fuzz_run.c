/* Whatever bytes a saved report holds: it is refused, or read and turned into every page without a fault; and what was read is written as it is
 * read again. */
#include <string.h>

#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void convert(const struct run_report *r)
{
	const struct run_report *runs[] = {r, r};
	struct text out = {0};

	report_html(runs, 2, &out);
	report_markdown(runs, 1, &out);
	report_github(runs, 1, NULL, &out);
	report_junit(runs, 2, NULL, true, &out);
	report_trace(runs, 2, &out);
	text_free(&out);
}

static void complete(const char *xml, const struct run_report *r)
{
	struct text out = {0};

	report_junit(&r, 1, xml, false, &out);
	text_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text first = {0}, second = {0}, copy = {0};
	struct saved_run *run, *again;
	struct err err = {0};
	char *none[] = {NULL};

	text_addn(&copy, (const char *)data, size); /* pytest's own file is text with an end */
	complete(text_str(&copy), &(struct run_report){.argv = none});
	text_free(&copy);
	if (run_read((const char *)data, size, &run, &err)) {
		must(err.text[0] && !strchr(err.text, '\n'));
		return 0;
	}
	convert(&run->r);
	report_json(&run->r, &first);
	must(run_read(first.at, first.n, &again, &err) == 0);
	report_json(&again->r, &second);
	must(strcmp(text_str(&first), text_str(&second)) == 0);
	text_free(&first);
	text_free(&second);
	run_free(run);
	run_free(again);
	return 0;
}
