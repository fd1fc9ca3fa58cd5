/* What the plug-in has told, line by line, and what the run's report found. */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "intent/intent.h"

struct outcomes *outcomes_new(void)
{
	struct outcomes *o = mem_alloc(sizeof *o);

	o->arena = arena_new();
	o->by_id = strmap_new();
	o->run = o->cache = "";
	return o;
}

void outcomes_free(struct outcomes *o)
{
	if (!o)
		return;
	vec_free(&o->tests);
	vec_free(&o->collect);
	vec_free(&o->hangs);
	strmap_free(o->by_id);
	arena_free(o->arena);
	mem_free(o);
}

/** A text of ROW; "" when there is none. */
static const char *text_of(struct outcomes *o, const cJSON *row, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, key);
	char *copy = arena_strdup(o->arena, cJSON_IsString(v) ? v->valuestring : "");

	for (char *c = copy; *c; c++)
		if ((*c < ' ' && *c != '\n' && *c >= 0) || *c == 0x7f)
			*c = ' ';
	return copy;
}

static double number_of(const cJSON *row, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, key);

	return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

static struct outcome_test *test_of(struct outcomes *o, const char *id)
{
	size_t at;

	if (!strmap_get(o->by_id, id, &at)) {
		at = o->tests.n;
		strmap_put(o->by_id, id, at);
		vec_push(&o->tests, (struct outcome_test){.id = id, .phase = "", .outcome = "", .file = "", .message = "", .text = ""});
	}
	return &o->tests.at[at];
}

static void take_failure(struct outcomes *o, const cJSON *row, struct outcome_test *t)
{
	double line = number_of(row, "line");

	t->file = text_of(o, row, "file");
	t->line = line > 0 && line < 1e9 ? (unsigned)line : 0;
	t->message = text_of(o, row, "message");
	t->text = text_of(o, row, "text");
}

/** One of the three phases of a test. A failure of the set-up or the tear-down is an error, as pytest counts it. */
static void take_report(struct outcomes *o, const cJSON *row, const struct config *config)
{
	struct outcome_test *t = test_of(o, text_of(o, row, "id"));
	const char *when = text_of(o, row, "when"), *outcome = text_of(o, row, "outcome");
	bool xfail = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "xfail")), call = strcmp(when, "call") == 0;

	t->seconds += number_of(row, "seconds");
	if (strcmp(outcome, "failed") == 0) {
		t->outcome = call ? "failed" : "error";
		t->phase = when;
		take_failure(o, row, t);
		t->flaky = config_flaky_of(config, t->id, *t->text ? t->text : t->message);
	} else if (strcmp(outcome, "skipped") == 0) {
		t->outcome = xfail ? "xfailed" : "skipped";
		t->phase = when;
	} else if (call) {
		t->outcome = xfail ? "xpassed" : "passed";
		t->phase = when;
	}
}

static void take_line(struct outcomes *o, const cJSON *row, const struct config *config)
{
	const char *event = text_of(o, row, "event");

	if (strcmp(event, "begin") == 0) {
		o->begun = true;
		o->cache = text_of(o, row, "cache");
	} else if (strcmp(event, "collected") == 0) {
		long n = (long)number_of(row, "n");

		o->collected = n > o->collected ? n : o->collected; /* each worker of xdist collects all */
	} else if (strcmp(event, "start") == 0) {
		test_of(o, text_of(o, row, "id"));
	} else if (strcmp(event, "report") == 0) {
		take_report(o, row, config);
	} else if (strcmp(event, "collect") == 0) {
		struct outcome_test t = {.id = text_of(o, row, "id"), .phase = "collect", .outcome = "error"};

		take_failure(o, row, &t);
		vec_push(&o->collect, t);
	} else if (strcmp(event, "interrupted") == 0) {
		o->interrupted = true;
	} else if (strcmp(event, "end") == 0) {
		o->ended = true;
	}
}

void outcomes_read(struct outcomes *o, const char *text, size_t len, const struct config *config)
{
	const char *end = text + len, *newline;

	for (; (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1) {
		cJSON *row = cJSON_ParseWithLength(text, (size_t)(newline - text));

		if (cJSON_IsObject(row))
			take_line(o, row, config);
		cJSON_Delete(row);
	}
}

/* ---- the run's report ---- */

static bool is_hang(const char *kind)
{
	static const char *const others[] = {"leaked-process", "zombie",    "leaked-listener", "stale-socket",
					    "leaked-shm",     "port-held", "backpressure",    "busy"};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(kind, others[i]) == 0)
			return false;
	return true;
}

static const char *below(const struct outcomes *o, const char *file)
{
	size_t n = o->folder ? strlen(o->folder) : 0;

	return n && strncmp(file, o->folder, n) == 0 && file[n] == '/' ? file + n + 1 : file;
}

/** The first line of the user's own code in the stacks of the finding: FILE:LINE. */
static const char *place_of(struct outcomes *o, const cJSON *finding)
{
	const cJSON *row, *thread, *frame;

	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(finding, "stacks"))
		cJSON_ArrayForEach(thread, cJSON_GetObjectItemCaseSensitive(row, "threads"))
			cJSON_ArrayForEach(frame, cJSON_GetObjectItemCaseSensitive(thread, "frames")) {
				const char *owner = text_of(o, frame, "owner"), *file = text_of(o, frame, "file");

				if (strcmp(owner, "own") == 0 && *file)
					return arena_printf(o->arena, "%s:%.0f", below(o, file), number_of(frame, "line"));
			}
	return NULL;
}

/** In which calls are they stuck? */
static bool all_poll(struct outcomes *o, const cJSON *finding)
{
	static const char *const polls[] = {"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6"};
	const cJSON *row;
	bool all = false;

	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(finding, "blocked")) {
		const char *call = text_of(o, row, "syscall");

		all = false;
		for (size_t i = 0; i < ARRAY_SIZE(polls); i++)
			all |= strcmp(call, polls[i]) == 0;
		if (!all)
			break;
	}
	return all;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

/** The only test that has begun and not ended; NULL: none, or several. */
static const char *running_test(const struct outcomes *o)
{
	const char *found = NULL;

	for (size_t i = 0; i < o->tests.n && !o->ended; i++) {
		if (*o->tests.at[i].outcome)
			continue;
		if (found)
			return NULL;
		found = o->tests.at[i].id;
	}
	return found;
}

static void take_finding(struct outcomes *o, const cJSON *row, const struct config *config)
{
	struct outcome_hang h = {
		.test = or_null(text_of(o, row, "test")),
		.phase = or_null(text_of(o, row, "phase")),
		.kind = text_of(o, row, "kind"),
		.certainty = text_of(o, row, "certainty"),
		.summary = text_of(o, row, "summary"),
		.advice = text_of(o, row, "advice"),
	};

	if (!is_hang(h.kind))
		return;
	h.at = place_of(o, row);
	h.polls = all_poll(o, row);
	h.test = h.test ? h.test : running_test(o);
	h.ended = strcmp(h.certainty, "proven") == 0 || strcmp(o->run, "stall") == 0;
	h.flaky = h.test ? config_flaky_of(config, h.test, NULL) : NULL;
	vec_push(&o->hangs, h);
	if (!h.test || !h.ended)
		return;

	struct outcome_test *t = test_of(o, h.test);

	if (*t->outcome && strcmp(t->outcome, "passed") != 0 && o->ended)
		return; /* pytest has told what became of it */
	t->outcome = "hung";
	t->kind = h.kind;
	t->phase = h.phase ? h.phase : "";
	t->flaky = h.flaky;
}

bool outcomes_read_report(struct outcomes *o, const char *json, size_t len, const struct config *config)
{
	cJSON *root = cJSON_ParseWithLength(json, len);
	const cJSON *schema = cJSON_GetObjectItemCaseSensitive(root, "schema"), *row;
	bool right = cJSON_IsString(schema) && strncmp(schema->valuestring, "tracewrap-report/", 17) == 0;

	if (right)
		o->run = text_of(o, root, "outcome");
	if (right)
		cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(root, "findings"))
			take_finding(o, row, config);
	cJSON_Delete(root);
	return right;
}

/* ---- counts ---- */

void outcomes_count(const struct outcomes *o, struct outcome_counts *out)
{
	long seen = 0;

	*out = (struct outcome_counts){.errors = (long)o->collect.n};
	for (size_t i = 0; i < o->tests.n; i++) {
		const char *what = o->tests.at[i].outcome;

		out->passed += strcmp(what, "passed") == 0;
		out->failed += strcmp(what, "failed") == 0;
		out->errors += strcmp(what, "error") == 0;
		out->skipped += strcmp(what, "skipped") == 0;
		out->xfailed += strcmp(what, "xfailed") == 0;
		out->xpassed += strcmp(what, "xpassed") == 0;
		out->hung += strcmp(what, "hung") == 0;
		seen += *what != '\0';
	}
	out->not_run = o->collected > seen ? o->collected - seen : 0;
}
