/* Findings for tests of the report. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report_make.h"

static const struct prove_options options = {.horizon_ns = 600 * NS_PER_S};

static void set_times(struct finding *f)
{
	f->onset_ns = NS_PER_S;
	f->detected_ns = 1600 * NS_PER_MS;
}

struct finding *make_finding(struct snapshot *s)
{
	struct proof *p = prove(s, &options);
	bool proven = p->whole && p->root_stuck && !prove_soft(NULL, p->assumptions);
	struct finding *f = explain(s, p, &s->root, 1, proven ? PROVEN : SUSPECTED);

	proof_free(p);
	snapshot_free(s);
	assert_non_null(f);
	set_times(f);
	return f;
}

struct finding *make_stall(struct snapshot *s)
{
	struct proof *p = prove(s, &options);
	struct finding *f = explain_stall(s, p, &(struct stall_facts){0});

	proof_free(p);
	snapshot_free(s);
	set_times(f);
	return f;
}

char *read_small(const char *path)
{
	enum { MOST = 1 << 20 };
	FILE *file = fopen(path, "rb");
	char *text;

	if (!file)
		return NULL;
	text = mem_alloc(MOST);
	assert_true(fread(text, 1, MOST - 1, file) < MOST - 1);
	assert_int_equal(fclose(file), 0);
	return text;
}

struct snapshot *read_recorded(const char *name)
{
	char path[256];
	struct snapshot *s = NULL;
	struct err err = {0};

	snprintf(path, sizeof path, "tests/fixtures/snapshots/%s.json", name);

	char *text = read_small(path);

	if (!text)
		fail_msg("%s can't be opened (run from the top folder)", path);
	if (snapshot_read(text, strlen(text), &s, &err))
		fail_msg("%s: %s", path, err.text);
	mem_free(text);
	return s;
}

struct run_report make_run(struct finding *const *f)
{
	static char command[] = "pytest", folder[] = "tests/";
	static char *argv[] = {command, folder, NULL};

	return (struct run_report){
		.version = "1.2.3",
		.argv = argv,
		.outcome = OUTCOME_HANG,
		.exit_code = 124,
		.end_ns = 2 * NS_PER_S,
		.mode = "proc",
		.findings = f,
		.nfindings = 1,
		.report_path = ".tracewrap/last/report.json",
	};
}
