/* Recorded snapshots of true hangs: each gives the kind, the culprits and the stuck set of index.json, also after it was
 * written and read again. Run from the repository's top folder. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "prove/prove.h"

#define FOLDER "tests/fixtures/snapshots/"
#define HORIZON_NS (3600 * NS_PER_S)

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = mem_alloc(1 << 20);

	if (!f)
		fail_msg("%s can't be opened (run from the top folder)", path);
	*len = fread(text, 1, (1 << 20) - 1, f);
	assert_true(feof(f));
	fclose(f);
	return text;
}

static struct snapshot *parse(const char *name, const char *text, size_t len)
{
	struct snapshot *s;
	struct err err = {0};

	if (snapshot_read(text, len, &s, &err))
		fail_msg("%s: %s", name, err.text);
	return s;
}

static void check_pids(const char *name, const char *what, const cJSON *expected, const pid_t *pids, size_t n)
{
	size_t i = 0;
	const cJSON *item;

	if ((size_t)cJSON_GetArraySize(expected) != n)
		fail_msg("%s: %zu %s, not %d", name, n, what, cJSON_GetArraySize(expected));
	cJSON_ArrayForEach(item, expected)
	{
		if (item->valueint != pids[i])
			fail_msg("%s: %s: %d, not %d", name, what, pids[i], item->valueint);
		i++;
	}
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t *p = a, *q = b;

	return (*p > *q) - (*p < *q);
}

static void check_stuck(const char *name, const cJSON *row, const struct snapshot *s, const struct proof *p)
{
	pid_t *tids = mem_alloc((s->ntasks + 1) * sizeof *tids);
	size_t n = 0;

	for (size_t t = 0; t < s->ntasks; t++)
		if (p->fates[t].stuck)
			tids[n++] = s->tasks[t].tid;
	qsort(tids, n, sizeof *tids, compare_pids);
	check_pids(name, "stuck", cJSON_GetObjectItem(row, "stuck"), tids, n);
	mem_free(tids);
	if (!p->whole || !p->root_stuck)
		fail_msg("%s: not proven as a whole", name);
}

static void check_assumptions(const char *name, const cJSON *row, unsigned assumptions)
{
	const cJSON *texts = cJSON_GetObjectItem(row, "assume");
	int n = 0;

	for (unsigned bit = 1; bit <= ASSUME_SERVICE_THREADS; bit <<= 1) {
		const cJSON *text;
		bool listed = false;

		if (!(assumptions & bit) || bit == ASSUME_HORIZON)
			continue;
		cJSON_ArrayForEach(text, texts)
			listed |= strcmp(text->valuestring, assumption_text(bit)) == 0;
		if (!listed)
			fail_msg("%s: \"%s\" is assumed", name, assumption_text(bit));
		n++;
	}
	assert_int_equal(n, cJSON_GetArraySize(texts));
}

static void check_finding(const char *name, const cJSON *row, const struct snapshot *s, const struct proof *p)
{
	struct finding *f = explain(s, p, &s->root, 1, PROVEN);
	const char *kind = cJSON_GetObjectItem(row, "kind")->valuestring;

	if (!f)
		fail_msg("%s: no finding", name);
	if (strcmp(kind, finding_kind_name(f->kind)) != 0)
		fail_msg("%s: %s, not %s", name, finding_kind_name(f->kind), kind);
	check_pids(name, "culprits", cJSON_GetObjectItem(row, "culprits"), f->culprits, f->nculprits);
	assert_int_equal(f->nblocked, p->nstuck);
	assert_int_equal(f->blocked[0].tid, s->root);
	finding_free(f);
}

static void check_snapshot(const char *name, const cJSON *row, const struct snapshot *s)
{
	struct proof *p = prove(s, &(struct prove_options){.horizon_ns = HORIZON_NS});

	check_stuck(name, row, s, p);
	/* two loops that wait for each other's message, and for whoever connects */
	assert_int_equal(prove_soft(NULL, p->assumptions & ~(unsigned)ASSUME_NO_ALARM),
			 strcmp(name, "idle-open-listener") == 0 ? ASSUME_NOBODY_AWAITED : 0);
	check_assumptions(name, row, p->assumptions);
	check_finding(name, row, s, p);
	proof_free(p);
}

static void recorded_hangs_are_proven(void **state)
{
	size_t len;
	char *text = read_file(FOLDER "index.json", &len);
	cJSON *index = cJSON_Parse(text), *row;

	(void)state;
	mem_free(text);
	assert_int_equal(cJSON_GetArraySize(index), 30);
	cJSON_ArrayForEach(row, index)
	{
		char path[256];
		OWNED_TEXT first = {0}, second = {0};
		struct snapshot *s, *again;

		snprintf(path, sizeof path, FOLDER "%s.json", row->string);
		text = read_file(path, &len);
		s = parse(row->string, text, len);
		mem_free(text);
		check_snapshot(row->string, row, s);
		snapshot_write(s, &first);
		again = parse(row->string, first.at, first.n);
		check_snapshot(row->string, row, again);
		snapshot_write(again, &second);
		assert_string_equal(text_str(&first), text_str(&second));
		snapshot_free(s);
		snapshot_free(again);
	}
	cJSON_Delete(index);
}

/** The same trees with one task that runs: nothing is proven any more. */
static void one_running_task_spoils_the_proof(void **state)
{
	size_t len;
	char *text = read_file(FOLDER "pipe-popen-wait.json", &len);
	struct snapshot *s = parse("pipe-popen-wait", text, len);
	struct proof *p;

	(void)state;
	mem_free(text);
	s->tasks[1].wait = (struct wait){.op = WAIT_RUN, .why = "moved", .timeout_ns = NEVER_NS};
	p = prove(s, &(struct prove_options){.horizon_ns = HORIZON_NS});
	assert_false(p->whole);
	assert_int_equal(p->nstuck, 0);
	proof_free(p);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_hangs_are_proven),
		cmocka_unit_test(one_running_task_spoils_the_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
