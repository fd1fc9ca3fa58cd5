/* The parts of a JUnit file that are made here, whether pytest has written one or not. Private to report/. */
#ifndef TRACEWRAP_REPORT_JUNIT_H
#define TRACEWRAP_REPORT_JUNIT_H

#include "report/facts.h"

/** A node id as pytest's own file has it: "tests/test_x.py::TestC::test_m[a]" -> "tests.test_x.TestC", "test_m[a]" (_pytest/junitxml.py,
 *  mangle_test_address). */
void junit_names(const char *test, struct text *classname, struct text *name);

struct junit_counts {
	size_t tests, errors, skipped;
};

/** The <error> of a hang, with the post-mortem inside; the <error> or <system-err> of what was left behind. */
void junit_hang(struct text *out, const struct run_report *r, const struct finding *f);
void junit_leak(struct text *out, const struct run_report *r, const struct finding *f, bool fails);
/** The element of TEST with CONTENT inside. */
void junit_case(struct text *out, const char *test, int64_t took_ns, const char *content);
/** The elements of the tests that never ran. */
void junit_not_run(struct text *out, const struct run_report *r, struct junit_counts *counts);

/** What a hang without a known test is called. */
#define JUNIT_NO_TEST "tracewrap::run"

/** Complete PYTEST, the text of its own file. @return false: that is no such file; nothing was written. */
bool junit_complete(struct text *out, const struct run_report *r, const char *pytest, bool leaks_fail);

#endif
