/* trace.json, for Perfetto and chrome://tracing: a track for each process, slices for its life, the phases of tests and the waits of a
 * finding, arrows for forks and for who waits for whom. The format: "Trace Event Format" (Chromium's document of 2016), in its JSON object form;
 * times are microseconds since the first of the runs began. */
#include <stdio.h>
#include <string.h>

#include "report/facts.h"
#include "report/value.h"

/* Several runs may have the same pids, on several hosts: each has numbers of its own. A pid is less than 2^22 (proc_sys_kernel(5)). */
enum { RUN_STEP = 1 << 22, TESTS_TID = 1, NAME_MOST_BYTES = 200 };

struct tracing {
	cJSON *events;
	const struct run_report *r;
	int64_t shift_ns; /* from the run's clock to that of the trace */
	int64_t base;     /* of its pids */
	unsigned flows;
};

/** What began before the run to the tick of the kernel's clock began with it. */
static int64_t micros(const struct tracing *t, int64_t at_ns)
{
	return at_ns + t->shift_ns > 0 ? (at_ns + t->shift_ns) / 1000 : 0;
}

static cJSON *event(struct tracing *t, const char *phase, const char *name, pid_t pid, int64_t tid)
{
	cJSON *e = add(t->events, cJSON_CreateObject());

	put(e, "ph", string(phase));
	put(e, "name", string_n(name, strnlen(name, NAME_MOST_BYTES)));
	put(e, "pid", number(t->base + pid));
	put(e, "tid", number(tid == TESTS_TID ? tid : t->base + tid));
	return e;
}

static cJSON *slice(struct tracing *t, const char *cat, const char *name, pid_t pid, int64_t tid, int64_t from_ns,
		    int64_t to_ns)
{
	cJSON *e = event(t, "X", name, pid, tid);

	put(e, "cat", string(cat));
	put(e, "ts", number(micros(t, from_ns)));
	put(e, "dur", number(to_ns > from_ns ? micros(t, to_ns) - micros(t, from_ns) : 0));
	return put(e, "args", cJSON_CreateObject());
}

static void name_track(struct tracing *t, const char *what, pid_t pid, int64_t tid, const char *name)
{
	cJSON *e = event(t, "M", what, pid, tid);

	put(put(e, "args", cJSON_CreateObject()), "name", string_n(name, strnlen(name, NAME_MOST_BYTES)));
}

static void arrow(struct tracing *t, const char *name, pid_t from_pid, pid_t from_tid, pid_t to_pid, pid_t to_tid,
		  int64_t at_ns)
{
	unsigned id = ++t->flows;

	for (int end = 0; end < 2; end++) {
		cJSON *e = event(t, end ? "f" : "s", name, end ? to_pid : from_pid, end ? to_tid : from_tid);

		put(e, "cat", string(name));
		put(e, "id", number(id));
		put(e, "ts", number(micros(t, at_ns)));
		if (end)
			put(e, "bp", string("e"));
	}
}

/* ---- processes ---- */

static int64_t end_of(const struct run_report *r, const struct process_row *p)
{
	int64_t end = p->ended_ns == NEVER_NS ? r->end_ns : p->ended_ns;

	return end < p->started_ns ? p->started_ns : end;
}

static const struct process_row *living(const struct run_report *r, struct idmap *last, pid_t pid, int64_t at_ns)
{
	size_t i;
	const struct process_row *p = idmap_get(last, (uint64_t)pid, &i) ? run_row(r, i) : NULL;

	return p && p->started_ns <= at_ns && at_ns <= end_of(r, p) ? p : NULL;
}

static void processes(struct tracing *t)
{
	struct idmap *last = idmap_new();
	char label[NAME_MOST_BYTES], name[NAME_MOST_BYTES + 64];

	for (size_t i = 0; i < run_count(t->r); i++) {
		const struct process_row *p = run_row(t->r, i);
		cJSON *args;

		idmap_put(last, (uint64_t)p->pid, i);
		fact_label(p, label, sizeof label);
		snprintf(name, sizeof name, "%s %d%s%.40s", label, (int)p->pid,
			 t->r->host ? " on " : "", t->r->host ? t->r->host : "");
		name_track(t, "process_name", p->pid, p->pid, name);
		args = slice(t, "process", label, p->pid, p->pid, p->started_ns, end_of(t->r, p));
		if (p->exit != EXIT_UNKNOWN)
			put(args, p->exit == EXIT_CODE ? "exit code" : "signal", number(p->exit_value));
		if (living(t->r, last, p->ppid, p->started_ns))
			arrow(t, "fork", p->ppid, p->ppid, p->pid, p->pid, p->started_ns);
	}
	idmap_free(last);
}

/* ---- tests ---- */

static void tests(struct tracing *t)
{
	static const char *const names[] = {"setup", "call", "teardown"};
	pid_t named = 0;

	for (size_t i = 0; i < t->r->ntests; i++) {
		const struct run_test *test = &t->r->tests[i];
		int64_t begin[] = {test->setup_ns, test->call_ns, test->teardown_ns};
		int64_t end = test->to_ns == NEVER_NS ? t->r->end_ns : test->to_ns;

		if (test->pid != named)
			name_track(t, "thread_name", test->pid, TESTS_TID, "tests");
		named = test->pid;
		slice(t, "test", test->test, test->pid, TESTS_TID, test->from_ns, end);
		for (int phase = 0; phase < 3; phase++) {
			int64_t to = end;

			for (int next = 2; next > phase; next--)
				to = begin[next] ? begin[next] : to;
			if (begin[phase])
				slice(t, "phase", names[phase], test->pid, TESTS_TID, begin[phase], to);
		}
	}
}

/* ---- findings ---- */

static const struct blocked *row_of(const struct finding *f, struct idmap *rows, pid_t tid)
{
	size_t i;

	return idmap_get(rows, (uint64_t)tid, &i) ? &f->blocked[i] : NULL;
}

/** A wait must lie within the life of its process: slices of a track nest. */
static void wait_slice(struct tracing *t, const struct finding *f, const struct blocked *b, struct idmap *starts)
{
	int64_t from = b->moved_ns ? b->moved_ns : f->onset_ns;
	OWNED_TEXT phrase = {0};
	size_t i;

	if (idmap_get(starts, (uint64_t)b->pid, &i) && run_row(t->r, i)->started_ns > from)
		from = run_row(t->r, i)->started_ns;
	phrase_wait(&phrase, f, b);
	if (b->tid != b->pid)
		name_track(t, "thread_name", b->pid, b->tid, b->comm ? b->comm : "");
	slice(t, "wait", text_str(&phrase), b->pid, b->tid, from, f->detected_ns);
}

static void finding(struct tracing *t, const struct finding *f, struct idmap *starts)
{
	struct idmap *rows = idmap_new();

	for (size_t i = 0; i < f->nblocked; i++) {
		idmap_put(rows, (uint64_t)f->blocked[i].tid, i);
		wait_slice(t, f, &f->blocked[i], starts);
	}
	for (size_t i = 0; i < f->nblocked; i++) {
		const struct blocked *b = &f->blocked[i];

		for (size_t e = 0; b->cause && e < b->nwaits_for; e++) {
			const struct blocked *to = row_of(f, rows, b->waits_for[e]);

			if (to && to->cause)
				arrow(t, "waits for", b->pid, b->tid, to->pid, to->tid, f->detected_ns);
		}
	}
	idmap_free(rows);
}

static void findings(struct tracing *t)
{
	struct idmap *starts = idmap_new();

	for (size_t i = 0; i < run_count(t->r); i++)
		idmap_put(starts, (uint64_t)run_row(t->r, i)->pid, i);
	for (size_t i = 0; i < t->r->nfindings; i++)
		if (!finding_is_leak(t->r->findings[i]))
			finding(t, t->r->findings[i], starts);
	idmap_free(starts);
}

void report_trace(const struct run_report *const *runs, size_t nruns, struct text *out)
{
	cJSON *root = need(cJSON_CreateObject());
	struct tracing t = {.events = put(root, "traceEvents", cJSON_CreateArray())};
	int64_t first = runs[0]->wall_start_s;
	char *printed;

	for (size_t i = 1; i < nruns; i++)
		first = runs[i]->wall_start_s < first ? runs[i]->wall_start_s : first;
	for (size_t i = 0; i < nruns; i++) {
		t.r = runs[i];
		t.base = (int64_t)i * RUN_STEP;
		t.shift_ns = (runs[i]->wall_start_s - first) * NS_PER_S - runs[i]->start_ns;
		processes(&t);
		tests(&t);
		findings(&t);
	}
	put(root, "displayTimeUnit", string("ms"));
	printed = cJSON_PrintUnformatted(root);
	if (!printed)
		base_oom();
	text_add(out, printed);
	text_add(out, "\n");
	cJSON_free(printed);
	cJSON_Delete(root);
}
