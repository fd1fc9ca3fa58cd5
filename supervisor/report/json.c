/* report.json: the report contract ("tracewrap-report/1"), and more keys beside it. */
#include <stdio.h>
#include <string.h>

#include "report/facts.h"
#include "report/value.h"

static cJSON *since_start(const struct run_report *r, int64_t at_ns)
{
	return seconds(at_ns - r->start_ns);
}

static cJSON *duration_or_null(int64_t ns)
{
	return ns == NEVER_NS ? cJSON_CreateNull() : seconds(ns);
}

static cJSON *pid_array(const pid_t *pids, size_t n)
{
	cJSON *array = need(cJSON_CreateArray());

	for (size_t i = 0; i < n; i++)
		add(array, number(pids[i]));
	return array;
}

static cJSON *text_string(void (*write)(const struct finding *, struct text *), const struct finding *f)
{
	OWNED_TEXT t = {0};

	write(f, &t);
	return string_n(text_str(&t), t.n);
}

/* ---- a finding ---- */

static void put_edges(cJSON *row, const struct blocked *b)
{
	put(row, "waits_for", pid_array(b->waits_for, b->nwaits_for));
	put(row, "waits_for_count", number((int64_t)b->nwaits_for_all));
	put(row, "waits_for_pids", pid_array(b->waits_for_pids, b->nwaits_for_pids));
}

static cJSON *blocked_row(const struct run_report *r, const struct finding *f, const struct blocked *b)
{
	const struct finding_object *o = fact_object(f, b->object);
	cJSON *row = need(cJSON_CreateObject()), *args;
	char hex[24];

	put(row, "pid", number(b->pid));
	put(row, "tid", number(b->tid));
	put(row, "comm", string(b->comm ? b->comm : ""));
	put(row, "label", string(b->label ? b->label : ""));
	put(row, "syscall", string(b->call ? b->call : ""));
	args = put(row, "args", cJSON_CreateArray());
	for (size_t i = 0; i < ARRAY_SIZE(b->args); i++) {
		snprintf(hex, sizeof hex, "0x%llx", (unsigned long long)b->args[i]);
		add(args, cJSON_CreateString(hex));
	}
	put(row, "fd", b->fd >= 0 ? number(b->fd) : cJSON_CreateNull());
	put(row, "object", o ? string(o->name ? o->name : "") : cJSON_CreateNull());
	put(row, "object_index", o ? number(b->object) : cJSON_CreateNull());
	put_edges(row, b);
	put(row, "role", string(role_name(b->role)));
	put(row, "cause", cJSON_CreateBool(b->cause));
	put(row, "culprit", cJSON_CreateBool(b->culprit));
	put(row, "timeout_s", duration_or_null(b->timeout_ns));
	put(row, "still_since_s", b->moved_ns ? since_start(r, b->moved_ns) : cJSON_CreateNull());
	return row;
}

static const char *ends_name(unsigned ends)
{
	static const char *const names[] = {"", "read", "write", "both"};

	return names[ends & END_BOTH];
}

static cJSON *object_row(const struct finding *f, const struct finding_object *o)
{
	const struct finding_object *peer = fact_object(f, o->peer);
	cJSON *row = need(cJSON_CreateObject()), *holders;

	put(row, "name", string(o->name ? o->name : ""));
	put(row, "type", string(o->type ? o->type : ""));
	put(row, "kind", string(object_kind_name(o->kind)));
	put(row, "named", cJSON_CreateBool(o->named));
	holders = put(row, "holders", cJSON_CreateArray());
	for (size_t i = 0; i < o->nholders; i++) {
		const struct object_holder *h = &o->holders[i];
		cJSON *holder = add(holders, cJSON_CreateObject());

		put(holder, "pid", number(h->pid));
		put(holder, "fd", number(h->fd));
		put(holder, "ends", string(ends_name(h->ends)));
		put(holder, "label", string(h->label ? h->label : ""));
	}
	put(row, "outside", string(ends_name(o->outside)));
	put(row, "peer", peer ? string(peer->name ? peer->name : "") : cJSON_CreateNull());
	put(row, "peer_index", peer ? number(o->peer) : cJSON_CreateNull());
	put(row, "peer_gone", cJSON_CreateBool(o->peer == PEER_GONE));
	put(row, "listener", cJSON_CreateBool(o->listener));
	return row;
}

/** As they are in a saved snapshot. */
static cJSON *stacks_row(const struct finding_stacks *row)
{
	OWNED_TEXT t = {0};

	stacks_write(&t, row->pid, row->stacks);
	return cJSON_CreateRaw(text_str(&t));
}

static void put_lists(cJSON *to, const struct run_report *r, const struct finding *f)
{
	cJSON *list = put(to, "blocked", cJSON_CreateArray());

	for (size_t i = 0; i < f->nblocked; i++)
		add(list, blocked_row(r, f, &f->blocked[i]));
	list = put(to, "objects", cJSON_CreateArray());
	for (size_t i = 0; i < f->nobjects; i++)
		add(list, object_row(f, &f->objects[i]));
	list = put(to, "stacks", cJSON_CreateArray());
	for (size_t i = 0; i < f->nstacks; i++)
		add(list, stacks_row(&f->stacks[i]));
	list = put(to, "assumptions", cJSON_CreateArray());
	for (unsigned bit = 1; bit && bit <= f->assumptions; bit <<= 1)
		if (f->assumptions & bit)
			add(list, string(word_assumption((enum assumption)bit)));
	put(to, "assumption_bits", number(f->assumptions));
	list = put(to, "live", cJSON_CreateArray());
	for (size_t i = 0; i < f->nlive; i++)
		add(list, string(f->live[i]));
}

static cJSON *leak_process(const struct run_report *r, const struct leak_process *p)
{
	cJSON *row = need(cJSON_CreateObject());

	put(row, "pid", number(p->pid));
	put(row, "label", string(p->label ? p->label : ""));
	put(row, "command", string(p->command ? p->command : ""));
	put(row, "started_s", p->started_ns ? since_start(r, p->started_ns) : cJSON_CreateNull());
	return row;
}

/** What was left behind, or is held. Null for a hang. */
static cJSON *leak_object(const struct run_report *r, const struct finding *f)
{
	cJSON *row, *list;

	if (!finding_is_leak(f))
		return cJSON_CreateNull();
	row = need(cJSON_CreateObject());
	list = put(row, "things", cJSON_CreateArray());
	for (size_t i = 0; i < f->leak.nthings; i++) {
		cJSON *thing = add(list, cJSON_CreateObject());

		put(thing, "protocol", string(f->leak.things[i].protocol));
		put(thing, "name", string(f->leak.things[i].name));
	}
	list = put(row, "processes", cJSON_CreateArray());
	for (size_t i = 0; i < f->leak.nwho; i++)
		add(list, leak_process(r, &f->leak.who[i]));
	put(row, "parent", f->leak.parent.pid ? leak_process(r, &f->leak.parent) : cJSON_CreateNull());
	put(row, "whose", string(leak_owner_name(f->leak.owner)));
	put(row, "before", cJSON_CreateBool(f->leak.before));
	put(row, "done", string(f->leak.done));
	return row;
}

static cJSON *finding_row(const struct run_report *r, const struct finding *f)
{
	cJSON *row = need(cJSON_CreateObject());

	put(row, "kind", string(finding_kind_name(f->kind)));
	put(row, "certainty", string(f->certainty == PROVEN ? "proven" : "suspected"));
	put(row, "test", string(f->test));
	put(row, "phase", string(f->phase));
	put(row, "onset_s", since_start(r, f->onset_ns));
	put(row, "detected_s", since_start(r, f->detected_ns));
	put(row, "culprits", pid_array(f->culprits, f->nculprits));
	put(row, "summary", text_string(report_summary, f));
	put(row, "advice", text_string(report_advice, f));
	put(row, "rescue", string(f->rescue));
	put(row, "quiet_s", seconds(f->quiet_ns));
	if (f->churns)
		put(row, "churns", cJSON_CreateBool(true));
	put(row, "test_late", cJSON_CreateBool(f->test_late));
	put(row, "prompt_or_stdin", cJSON_CreateBool(f->prompt_or_stdin));
	put(row, "root", number(f->root));
	put(row, "stuck", number((int64_t)f->nstuck));
	put(row, "tasks", number((int64_t)f->ntasks));
	put(row, "horizon_s", duration_or_null(f->horizon_ns));
	put(row, "leak", leak_object(r, f));
	put_lists(row, r, f);
	return row;
}

/* ---- processes ---- */

static cJSON *words(const char *line, size_t len)
{
	cJSON *array = need(cJSON_CreateArray());

	for (size_t i = 0; i < len;) {
		const char *end = memchr(line + i, '\0', len - i);
		size_t n = end ? (size_t)(end - line) - i : len - i;

		add(array, string_n(line + i, n));
		i += n + 1;
	}
	return array;
}

static cJSON *exit_of(const struct process_row *p)
{
	char name[16];
	cJSON *exit;

	if (p->exit == EXIT_UNKNOWN)
		return cJSON_CreateNull();
	exit = need(cJSON_CreateObject());
	if (p->exit == EXIT_CODE)
		put(exit, "code", number(p->exit_value));
	else
		put(exit, "signal", string(word_signal(p->exit_value, name)));
	return exit;
}

static cJSON *processes(const struct run_report *r)
{
	cJSON *array = need(cJSON_CreateArray());

	for (size_t i = 0; i < run_count(r); i++) {
		const struct process_row *p = run_row(r, i);
		cJSON *row = add(array, cJSON_CreateObject());

		put(row, "pid", number(p->pid));
		put(row, "ppid", number(p->ppid));
		put(row, "cmdline", words(p->cmdline, p->cmdline ? p->cmdline_len : 0));
		put(row, "started_s", since_start(r, p->started_ns));
		put(row, "ended_s", p->ended_ns == NEVER_NS ? cJSON_CreateNull() : since_start(r, p->ended_ns));
		put(row, "exit", exit_of(p));
		put(row, "test", string(p->test));
		put(row, "heard", r->library ? cJSON_CreateBool(p->speaks) : cJSON_CreateNull());
	}
	return array;
}

/* ---- tests, logs ---- */

static cJSON *moment_or_null(const struct run_report *r, int64_t at_ns)
{
	return at_ns && at_ns != NEVER_NS ? since_start(r, at_ns) : cJSON_CreateNull();
}

static cJSON *tests(const struct run_report *r)
{
	cJSON *array = need(cJSON_CreateArray());

	for (size_t i = 0; i < r->ntests; i++) {
		const struct run_test *t = &r->tests[i];
		cJSON *row = add(array, cJSON_CreateObject());

		put(row, "test", string(t->test));
		put(row, "pid", number(t->pid));
		put(row, "started_s", since_start(r, t->from_ns));
		put(row, "ended_s", moment_or_null(r, t->to_ns));
		put(row, "setup_s", moment_or_null(r, t->setup_ns));
		put(row, "call_s", moment_or_null(r, t->call_ns));
		put(row, "teardown_s", moment_or_null(r, t->teardown_ns));
	}
	return array;
}

/** Lines stay lines. */
static cJSON *log_text(const char *text)
{
	OWNED_TEXT copy = {0};

	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n"), from = copy.n;

		text_addn(&copy, line, len);
		text_clean(copy.at + from, len);
		text_add(&copy, line[len] ? "\n" : "");
		line += len + (line[len] != '\0');
	}
	return cJSON_CreateString(text_str(&copy));
}

static cJSON *logs(const struct run_report *r)
{
	cJSON *array = need(cJSON_CreateArray());

	for (size_t i = 0; i < r->nlogs; i++) {
		const struct run_log *l = &r->logs[i];
		cJSON *row = add(array, cJSON_CreateObject());

		put(row, "object", string(l->object));
		put(row, "bytes", number((int64_t)l->bytes));
		put(row, "file", string(l->file));
		put(row, "text", log_text(l->text));
	}
	return array;
}

/* ---- the run ---- */

/** "2026-01-31T12:00:00Z". Days to year, month, day as the Gregorian calendar has it, in years that begin in March. */
static cJSON *utc(int64_t wall_s)
{
	int64_t days = wall_s / 86400, rest = wall_s % 86400;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	days += 719468; /* from 0000-03-01 */

	int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * of_year + 2) / 153, day = of_year - (153 * month + 2) / 5 + 1;
	int64_t year = year_of_era + era * 400 + (month >= 10);
	char buf[64];

	month += month < 10 ? 3 : -9;
	snprintf(buf, sizeof buf, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ", (long long)year, (long long)month,
		 (long long)day, (long long)(rest / 3600), (long long)(rest / 60 % 60), (long long)(rest % 60));
	return cJSON_CreateString(buf);
}

static cJSON *cleanup(const struct run_report *r)
{
	cJSON *object = need(cJSON_CreateObject()), *list, *row;

	list = put(object, "signalled", cJSON_CreateArray());
	for (size_t i = 0; i < r->nsignalled; i++) {
		row = add(list, cJSON_CreateObject());
		put(row, "pid", number(r->signalled[i].pid));
		put(row, "signal", string(r->signalled[i].signal ? r->signalled[i].signal : ""));
		put(row, "at_s", moment_or_null(r, r->signalled[i].at_ns));
	}
	list = put(object, "survivors", cJSON_CreateArray());
	for (size_t i = 0; i < r->nsurvivors; i++) {
		const struct survivor *s = &r->survivors[i];

		row = add(list, cJSON_CreateObject());
		put(row, "pid", number(s->pid));
		put(row, "state", string_n(&s->state, s->state ? 1 : 0));
		put(row, "comm", string(s->comm ? s->comm : ""));
		put(row, "wchan", string(s->wchan ? s->wchan : ""));
	}
	return object;
}

static void put_run(cJSON *root, const struct run_report *r)
{
	cJSON *list;

	put(root, "schema", string(REPORT_SCHEMA));
	put(root, "version", string(r->version ? r->version : ""));
	list = put(root, "command", cJSON_CreateArray());
	for (char **arg = r->argv; arg && *arg; arg++)
		add(list, string(*arg));
	put(root, "outcome", string(outcome_name(r->outcome)));
	put(root, "exit_code", number(r->exit_code));
	put(root, "complete", cJSON_CreateBool(r->complete));
	put(root, "started", utc(r->wall_start_s));
	put(root, "started_monotonic_s", seconds(r->start_ns));
	put(root, "duration_s", seconds(r->end_ns - r->start_ns));
	put(root, "reaper", cJSON_CreateBool(r->reaper));
	put(root, "mode", string(r->mode ? r->mode : ""));
	put(root, "host", string(r->host));
	put(root, "kernel", string(r->kernel));
	put(root, "folder", string(r->folder));
	list = put(root, "blind_spots", cJSON_CreateArray());
	for (const char *const *spot = r->blind_spots; spot && *spot; spot++)
		add(list, string(*spot));
}

void report_json(const struct run_report *r, struct text *out)
{
	cJSON *root = need(cJSON_CreateObject()), *list;
	char *printed;

	put_run(root, r);
	list = put(root, "findings", cJSON_CreateArray());
	for (size_t i = 0; i < r->nfindings; i++)
		add(list, finding_row(r, r->findings[i]));
	put(root, "processes", processes(r));
	put(root, "processes_dropped", number((int64_t)run_dropped(r)));
	put(root, "processes_complete", cJSON_CreateBool(r->every_process));
	put(root, "tests", tests(r));
	list = put(root, "not_run", cJSON_CreateArray());
	for (const char *const *test = r->not_run; test && *test; test++)
		add(list, string(*test));
	put(root, "logs", logs(r));
	put(root, "cleanup", cleanup(r));
	printed = cJSON_Print(root);
	if (!printed)
		base_oom();
	text_add(out, printed);
	text_add(out, "\n");
	cJSON_free(printed);
	cJSON_Delete(root);
}
