/* Which test of pytest ran when, by the reports that pytest itself keeps until its end.
 *
 * `TerminalReporter.stats` (_pytest/terminal.py) has a list of reports for each outcome, in the order in which they were
 * made. A report is of one phase of one test ("setup", "call", "teardown"), and from pytest 7.3 on has the moments of
 * time.time() at which that began and ended (`start`, `stop` in _pytest/reports.py; older ones have a length alone, and
 * nothing is said of them). A test is what lies between the start of its setup and the stop of its teardown, if no report of
 * another test lies there, too: then tests ran side by side.
 */
#include <stdlib.h>
#include <string.h>

#include "python/state.h"

enum { MOST_FRAMES = 4096, MOST_LISTS = 64, MOST_EVENTS = 256, MOST_REPORTS = 48, BEFORE = 3, MOST_NAMES = 64 };
/* Both phases of a test lie in one list, unless one of them failed. So many reports are looked at on that side of a moment. */

struct phase {
	bool setup; /* else teardown */
	int64_t start_ns, stop_ns;
	const char *id;
};

struct phases {
	struct phase at[MOST_EVENTS];
	size_t n;
	bool odd; /* more than there is room for, or what can't be */
};

/** "tests/test_a.py::TestB::test_c[1-2]" of a NodeId (_pytest/nodeid.py, from pytest 9.2 on): path, names, parameters. */
static const char *parts_of(struct python *py, uint64_t id)
{
	const char *all = py_text(py, py_attr(py, id, "path")), *params = py_text(py, py_attr(py, id, "params"));
	uint64_t names = py_attr(py, id, "names");
	size_t n = py_length(py, names);

	for (size_t i = 0; all && i < n; i++) {
		const char *name = i < MOST_NAMES ? py_text(py, py_item(py, names, i)) : NULL;

		all = name ? arena_printf(py->arena, "%s::%s", all, name) : NULL;
	}
	return all && params ? arena_printf(py->arena, "%s[%s]", all, params) : all;
}

/** The node id of a report or an item; NULL: it has none that can be read. */
static const char *id_of(struct python *py, uint64_t obj)
{
	static const char *const old[] = {"nodeid", "_nodeid"};
	const char *id = NULL;
	uint64_t parts;

	for (size_t i = 0; i < ARRAY_SIZE(old) && !id; i++)
		id = py_text(py, py_attr(py, obj, old[i]));
	if (id)
		return id;
	parts = py_attr(py, obj, "_id");
	id = py_text(py, py_attr(py, parts, "_str_cache")); /* as it was told, or was asked for once */
	return id ? id : parts_of(py, parts);
}

/** Seconds since the epoch, as time.time() has them. */
static bool moment(struct python *py, uint64_t obj, int64_t *ns)
{
	double s;

	if (!py_float(py, obj, &s) || !(s > 0 && s < 9e9))
		return false;
	*ns = (int64_t)(s * 1e9);
	return true;
}

/** When the phase of report I ended; 0: it is none, as those of the collection, which are in front. */
static int64_t stop_of(struct python *py, uint64_t list, size_t i)
{
	int64_t ns;

	return moment(py, py_attr(py, py_item(py, list, i), "stop"), &ns) ? ns : 0;
}

/** The first report of LIST that ended at NS or later. */
static size_t first_from(struct python *py, uint64_t list, size_t n, int64_t ns)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (stop_of(py, list, middle) < ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/** @return when it began; 0: it is no report of a test. */
static int64_t add_phase(struct python *py, uint64_t report, int64_t now_ns, struct phases *out)
{
	uint64_t when = py_attr(py, report, "when");
	struct phase p = {.setup = py_string_is(py, when, "setup")};

	if (!moment(py, py_attr(py, report, "start"), &p.start_ns) || !moment(py, py_attr(py, report, "stop"), &p.stop_ns))
		return 0;
	if (!p.setup && !py_string_is(py, when, "teardown"))
		return p.start_ns;
	p.id = id_of(py, report);
	if (!p.id || !*p.id || p.start_ns > p.stop_ns || p.stop_ns > now_ns || out->n == MOST_EVENTS)
		out->odd = true; /* somebody plays with the clock, or it is torn */
	else
		out->at[out->n++] = p;
	return p.start_ns;
}

/** The phases of LIST around FROM_NS to TO_NS: the last ones before, all within, the first behind. */
static void add_list(struct python *py, uint64_t list, int64_t from_ns, int64_t to_ns, int64_t now_ns, struct phases *out)
{
	size_t n = py_length(py, list), first = first_from(py, list, n, from_ns);
	size_t i = first > BEFORE ? first - BEFORE : 0;
	int behind = 0;

	for (size_t end = i + MOST_REPORTS; i < n && behind < 2; i++) {
		if (i == end) {
			out->odd = true;
			return;
		}
		behind += add_phase(py, py_item(py, list, i), now_ns, out) > to_ns;
	}
}

static int by_start(const void *left, const void *right)
{
	const struct phase *a = left, *b = right;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return a->stop_ns < b->stop_ns ? -1 : a->stop_ns > b->stop_ns;
}

static const char *same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0 ? a : NULL;
}

/** The test that ran all the time from FROM_NS to TO_NS. RUNNING: the id of the test that runs, or ran last; 0: not known. */
static const char *test_of(const struct phases *p, const char *running, int64_t from_ns, int64_t to_ns)
{
	size_t i = p->n;

	while (i > 0 && p->at[i - 1].start_ns > from_ns)
		i--;
	if (i == 0)
		return NULL;

	const struct phase *at = &p->at[i - 1];

	if (!at->setup)
		return i > 1 && p->at[i - 2].setup && at->stop_ns >= to_ns ? same(p->at[i - 2].id, at->id) : NULL;
	for (; i < p->n; i++) { /* set up anew: it is run again */
		const char *id = same(at->id, p->at[i].id);

		if (!id || !p->at[i].setup)
			return id && p->at[i].stop_ns >= to_ns ? id : NULL;
	}
	return same(at->id, running);
}

/** The outermost frame of the loop that runs the tests: those of pytester have one in another. */
static bool find_loop(struct python *py, const struct python_thread *threads, size_t n, struct py_frame *out)
{
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		const char *why = NULL;
		struct py_frame f;
		bool here = false;
		int depth = 0;

		if (threads[i].interpreter_id || !threads[i].frame)
			continue;
		for (bool more = py_frame_from(py, threads[i].frame, &f, &why); more; more = py_frame_outer(py, &f, &f, &why)) {
			if (++depth > MOST_FRAMES)
				return false;
			if (!py_frame_is(py, &f, "/_pytest/main.py", "pytest_runtestloop"))
				continue;
			*out = f;
			here = true;
		}
		if ((here && why) || (here && found))
			return false;
		found = found || here;
	}
	return found;
}

static void name_test(struct python *py, uint64_t stats, const char *running, int64_t now_ns, struct python_moment *m)
{
	struct phases phases = {0};
	struct py_iter it = py_iter(py, stats);

	for (int lists = 0; py_next(py, &it); lists++) {
		if (lists == MOST_LISTS)
			return;
		if (py_is_kind(py, it.value, PY_KIND_LIST))
			add_list(py, it.value, m->from_ns, m->to_ns, now_ns, &phases);
	}
	if (phases.odd || !phases.n)
		return;
	qsort(phases.at, phases.n, sizeof *phases.at, by_start);
	for (size_t i = 1; i < phases.n; i++)
		if (phases.at[i].start_ns < phases.at[i - 1].stop_ns)
			return; /* side by side, or the clock was set back */
	m->test = test_of(&phases, running, m->from_ns, m->to_ns);
}

bool python_pytest_tests(struct python *py, const struct python_thread *threads, size_t n, int64_t now_ns,
			 struct python_moment *at, size_t nat)
{
	struct py_frame loop;

	if (!find_loop(py, threads, n, &loop))
		return false;

	uint64_t plugins = py_attr_path(py, py_local(py, &loop, "session"), "config.pluginmanager._name2plugin");
	uint64_t stats = py_attr(py, py_dict_get(py, plugins, "terminalreporter"), "stats");
	const char *running = id_of(py, py_local(py, &loop, "item"));

	for (size_t i = 0; i < nat; i++)
		if (at[i].from_ns > 0 && at[i].from_ns <= at[i].to_ns && at[i].to_ns <= now_ns)
			name_test(py, stats, running, now_ns, &at[i]);
	return py_is_kind(py, stats, PY_KIND_DICT);
}
