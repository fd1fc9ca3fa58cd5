/* JUnit XML, as Jenkins and its like read it. Where pytest could write its own file, that is completed (junit_merge.c); else it is written
 * whole, from what was heard: which tests ran and which one hung, though not how the others ended. */
#include <stdio.h>
#include <string.h>

#include "report/escape.h"
#include "report/junit.h"
#include "report/page.h"

enum { VALUE_MOST = 400, WORDS_MOST = 600, SCREEN_WIDTH = 100, LINE_MOST = 300 };

void junit_names(const char *test, struct text *classname, struct text *name)
{
	size_t params = strcspn(test, "["), to;
	const char *last = NULL;

	for (const char *at = test; (at = strstr(at, "::")) != NULL && (size_t)(at - test) < params; at += 2)
		last = at;
	to = last ? (size_t)(last - test) : 0;
	for (size_t i = 0; i < to;) {
		bool file_ends = strncmp(test + i, ".py", 3) == 0 && (i + 3 == to || test[i + 3] == ':');
		bool parted = strncmp(test + i, "::", 2) == 0;

		if (!file_ends)
			text_addn(classname, parted || test[i] == '/' ? "." : test + i, 1);
		i += file_ends ? 3 : parted ? 2 : 1;
	}
	text_add(name, last ? last + 2 : test);
}

static void attribute(struct text *out, const char *key, const char *value, size_t most)
{
	text_addf(out, " %s=\"", key);
	esc_html(out, value, most);
	text_add(out, "\"");
}

static void took(struct text *out, int64_t ns)
{
	text_addf(out, " time=\"%.3f\"", ns > 0 ? (double)ns / (double)NS_PER_S : 0.0);
}

void junit_case(struct text *out, const char *test, int64_t took_ns, const char *content)
{
	OWNED_TEXT classname = {0};
	OWNED_TEXT name = {0};

	junit_names(test, &classname, &name);
	text_add(out, "<testcase");
	attribute(out, "classname", text_str(&classname), VALUE_MOST);
	attribute(out, "name", text_str(&name), VALUE_MOST);
	took(out, took_ns);
	text_add(out, ">");
	text_add(out, content);
	text_add(out, "</testcase>\n");
}

static void message(struct text *out, const struct finding *f)
{
	OWNED_TEXT words = {0};

	report_summary(f, &words);
	attribute(out, "message", text_str(&words), WORDS_MOST);
}

void junit_hang(struct text *out, const struct run_report *r, const struct finding *f)
{
	struct text_style style = {.width = SCREEN_WIDTH, .folder = r->folder};
	OWNED_TEXT screen = {0};

	text_addf(out, "<error type=\"tracewrap.%s\"", finding_is_stall(f) ? "stall" : "hang");
	message(out, f);
	text_add(out, ">");
	report_screen(r, f, &style, &screen);
	esc_lines(out, text_str(&screen), LINE_MOST);
	text_add(out, "</error>");
}

void junit_leak(struct text *out, const struct run_report *r, const struct finding *f, bool fails)
{
	OWNED_TEXT words = {0};

	(void)r;
	if (fails) {
		text_add(out, "<error type=\"tracewrap.leak\"");
		message(out, f);
		text_add(out, ">");
	} else {
		text_add(out, "<system-err>");
		report_summary(f, &words);
		text_add(&words, " ");
	}
	report_advice(f, &words);
	esc_html(out, text_str(&words), page_width(text_str(&words)));
	text_add(out, fails ? "</error>" : "</system-err>");
}

void junit_not_run(struct text *out, const struct run_report *r, struct junit_counts *counts)
{
	for (const char *const *test = r->not_run; test && *test; test++) {
		junit_case(out, *test, 0, "<skipped message=\"not run: the run hung\"/>");
		counts->tests++;
		counts->skipped++;
	}
}

/* ---- written whole ---- */

static bool is_hang(const struct finding *f)
{
	return !finding_is_leak(f);
}

static void of_test(struct text *content, const struct run_report *r, const char *test, bool leaks_fail,
		    struct junit_counts *counts, bool *hung)
{
	size_t errors = 0;

	for (size_t i = 0; i < r->nfindings; i++) {
		const struct finding *f = r->findings[i];

		if (strcmp(f->test ? f->test : JUNIT_NO_TEST, test) != 0)
			continue;
		if (is_hang(f))
			junit_hang(content, r, f);
		else
			junit_leak(content, r, f, leaks_fail);
		errors += is_hang(f) || leaks_fail;
		*hung |= is_hang(f);
	}
	counts->errors += errors;
}

/** Pytest runs a test once in a process; --count and reruns do it again: the last one tells. */
static bool runs_again(const struct run_report *r, size_t i)
{
	for (size_t k = i + 1; k < r->ntests && k < i + 64; k++)
		if (strcmp(r->tests[k].test, r->tests[i].test) == 0)
			return true;
	return false;
}

static bool was_seen(const struct run_report *r, const char *test)
{
	for (size_t i = 0; i < r->ntests; i++)
		if (strcmp(r->tests[i].test, test) == 0)
			return true;
	return false;
}

static void seen_tests(struct text *out, const struct run_report *r, bool leaks_fail, struct junit_counts *counts)
{
	for (size_t i = 0; i < r->ntests; i++) {
		const struct run_test *t = &r->tests[i];
		OWNED_TEXT content = {0};
		bool hung = false;

		if (runs_again(r, i))
			continue;
		of_test(&content, r, t->test, leaks_fail, counts, &hung);
		if (!hung && r->outcome != OUTCOME_PASS) {
			text_add(&content,
				 "<skipped message=\"it ran; how it ended is not known, for pytest has written no file\"/>");
			counts->skipped++;
		}
		junit_case(out, t->test, (t->to_ns == NEVER_NS ? r->end_ns : t->to_ns) - t->from_ns, text_str(&content));
		counts->tests++;
	}
}

/** Findings of tests that nobody saw to run, and of none. */
static void other_findings(struct text *out, const struct run_report *r, bool leaks_fail, struct junit_counts *counts)
{
	for (size_t i = 0; i < r->nfindings; i++) {
		const struct finding *f = r->findings[i];
		const char *test = f->test ? f->test : JUNIT_NO_TEST;
		OWNED_TEXT content = {0};
		bool again = was_seen(r, test), hung = false;

		for (size_t k = 0; k < i && !again; k++)
			again = strcmp(r->findings[k]->test ? r->findings[k]->test : JUNIT_NO_TEST, test) == 0;
		if (again)
			continue;
		of_test(&content, r, test, leaks_fail, counts, &hung);
		junit_case(out, test, is_hang(f) ? f->detected_ns - f->onset_ns : 0, text_str(&content));
		counts->tests++;
	}
}

static void suite(struct text *out, const struct run_report *r, bool leaks_fail)
{
	struct junit_counts counts = {0};
	OWNED_TEXT cases = {0};

	seen_tests(&cases, r, leaks_fail, &counts);
	other_findings(&cases, r, leaks_fail, &counts);
	junit_not_run(&cases, r, &counts);
	text_addf(out, "<testsuite name=\"tracewrap\" tests=\"%zu\" failures=\"0\" errors=\"%zu\" skipped=\"%zu\"",
		  counts.tests, counts.errors, counts.skipped);
	took(out, r->end_ns - r->start_ns);
	if (r->host)
		attribute(out, "hostname", r->host, VALUE_MOST);
	text_add(out, ">\n");
	text_add(out, text_str(&cases));
	text_add(out, "</testsuite>\n");
}

void report_junit(const struct run_report *const *runs, size_t nruns, const char *pytest, bool leaks_fail, struct text *out)
{
	if (pytest && nruns == 1 && junit_complete(out, runs[0], pytest, leaks_fail))
		return;
	text_add(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>\n");
	for (size_t i = 0; i < nruns; i++)
		suite(out, runs[i], leaks_fail);
	text_add(out, "</testsuites>\n");
}
