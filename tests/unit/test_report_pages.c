/* report.html, summary.md, annotations, JUnit and trace.json: well formed whatever the run's names are, and never too long. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "report_make.h"

static const char *const recorded[] = {
	"actor-peers-epoll", "actor-tree-day-timeout", "asyncio-lost-future", "child-wait-lost-signal", "eof-own-write-end",
	"eof-sibling-stdin", "fork-lock-c",	       "join-idle-thread",    "lock-flock-abba",	"lock-threads-abba",
	"mp-pool-dead-worker", "outer-runner",	       "pipe-grandchild",     "pty-full",		"socket-both-receive",
	"socketpair-full",   "stopped-child",	       "teardown-log-storm",  "tty-breakpoint",
};

#define PIPE "100 wait4(101) 11=r:pipe:[208121] argv=python,-m,pytest test=tests/test_a.py::test_b\n" \
	     "101 write(pipe:[208121]) 1=w:pipe:[208121] argv=python,convert.py parent=100\n"

static const char *const hostile[] = {
	"<script>alert(1)</script>",
	"\"><img src=x onerror=alert(1)>",
	"'-->]]></style><b>",
	"##[error]x",
	"::error::x",
	"a\n::error::x",
	"a%0A::error::x,y:z",
	"`|*_[x](http://e.vil)@me #1 www.e.vil",
	"\033[2J\033]0;owned\007",
	"\xff\xfe\x80",
	"\xe2\x80\xaegnp",
	"\xef\xbf\xbf\xef\xbf\xbe",
	"%s%n%1000d",
	"",
	"&amp;&lt;",
	"%%{init: {}}%%",
	"\"]\nclick n0 \"http://e.vil\"",
};

/* ---- well formed ---- */

static bool is_void(const char *name, size_t n)
{
	static const char *const names[] = {"meta", "br", "!doctype", "?xml"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && strncmp(names[i], name, n) == 0)
			return true;
	return false;
}

static bool is_known(const char *name, size_t n, const char *const *known)
{
	for (; *known; known++)
		if (strlen(*known) == n && strncmp(*known, name, n) == 0)
			return true;
	return false;
}

static const char *end_of_tag(const char *at)
{
	char quote = '\0';

	for (; *at && (quote || *at != '>'); at++)
		if (quote ? *at == quote : *at == '"')
			quote = quote ? '\0' : *at;
	return at;
}

/** Every tag is one of ours, and each is closed in its turn. */
static void check_tags(const char *name, const char *page, const char *const *known)
{
	struct {
		const char *at;
		size_t n;
	} open[64];
	size_t depth = 0;

	for (const char *at = page; (at = strchr(at, '<')) != NULL;) {
		bool closes = at[1] == '/';
		const char *word = at + 1 + closes, *end = end_of_tag(at);
		size_t n = strcspn(word, " >/");

		if (!*end)
			fail_msg("%s: a tag without an end: %.60s", name, at);
		if (!is_known(word, n, known))
			fail_msg("%s: not of ours: %.60s", name, at);
		if (closes) {
			if (!depth || open[depth - 1].n != n || strncmp(open[depth - 1].at, word, n) != 0)
				fail_msg("%s: closes what is not open: %.60s", name, at);
			depth--;
		} else if (end[-1] != '/' && !is_void(word, n)) {
			assert_true(depth < ARRAY_SIZE(open));
			open[depth].at = word;
			open[depth++].n = n;
		}
		at = end + 1;
	}
	if (depth)
		fail_msg("%s: %.*s stays open", name, (int)open[depth - 1].n, open[depth - 1].at);
}

static const char *const html_tags[] = {
	"!doctype", "html", "head", "meta", "title", "style", "body", "div", "header", "svg", "circle", "b", "span", "code", "nav", "a", "main",
	"section", "h1", "h2", "h3", "ul", "ol", "li", "p", "pre", "i", "g", "rect", "text", "path", "details", "summary", "table", "thead", "tbody",
	"tr", "th", "td", "dl", "dt", "dd", "br", "footer", NULL,
};
static const char *const junit_tags[] = {"?xml", "testsuites", "testsuite", "testcase", "error", "skipped", "system-err", NULL};

static void check_html(const char *name, const struct run_report *const *runs, size_t n)
{
	OWNED_TEXT page = {0};

	report_html(runs, n, &page);
	check_tags(name, text_str(&page), html_tags);
	for (const char *at = text_str(&page); *at; at++)
		assert_true((unsigned char)*at >= ' ' || *at == '\n');
	assert_null(strstr(text_str(&page), "\xe2\x80\xae"));
	for (const char *at = text_str(&page); (at = strstr(at, "href=\"")) != NULL; at++) /* the page itself, nothing else */
		assert_int_equal(at[strlen("href=\"")], '#');
}

static void check_junit(const char *name, const struct run_report *const *runs, size_t n)
{
	OWNED_TEXT page = {0};

	report_junit(runs, n, NULL, true, &page);
	check_tags(name, text_str(&page), junit_tags);
	assert_null(strstr(text_str(&page), "\xef\xbf\xbf"));
	assert_null(strstr(text_str(&page), "\xef\xbf\xbe"));
}

static void check_trace(const struct run_report *const *runs, size_t n)
{
	OWNED_TEXT page = {0};
	cJSON *root, *event;

	report_trace(runs, n, &page);
	root = cJSON_Parse(text_str(&page));
	assert_non_null(root);
	cJSON_ArrayForEach(event, cJSON_GetObjectItem(root, "traceEvents"))
	{
		assert_true(cJSON_IsString(cJSON_GetObjectItem(event, "ph")) && cJSON_IsString(cJSON_GetObjectItem(event, "name")));
		assert_true(cJSON_IsNumber(cJSON_GetObjectItem(event, "pid")) && cJSON_IsNumber(cJSON_GetObjectItem(event, "tid")));
	}
	cJSON_Delete(root);
}

/** Each line is a command of ours, and has no second one in it. */
static void check_github(const struct run_report *const *runs, size_t n)
{
	OWNED_TEXT page = {0};
	size_t errors = 0, warnings = 0;

	report_github(runs, n, NULL, &page);
	for (const char *line = text_str(&page); *line;) {
		size_t len = strcspn(line, "\n");

		errors += strncmp(line, "::error ", 8) == 0;
		warnings += strncmp(line, "::warning ", 10) == 0;
		assert_true(strncmp(line, "::error ", 8) == 0 || strncmp(line, "::warning ", 10) == 0);
		assert_null(memchr(line, '\r', len));
		line += len + (line[len] != '\0');
	}
	assert_true(errors <= 10 && warnings <= 10);
}

/** Between the quotes of a label stands nothing that ends it, or begins mark-up other than our own line breaks. */
static void check_mermaid(const char *name, const char *at, const char *end)
{
	static const char end_of_line[] = "<br/>";

	for (bool quoted = false; at < end; at++) {
		quoted ^= *at == '"';
		if (*at == '\n' && quoted)
			fail_msg("%s: a label is not closed: %.80s", name, at);
		if (*at == '%' || (*at == '<' && strncmp(at, end_of_line, strlen(end_of_line)) != 0))
			fail_msg("%s: %.80s", name, at);
		if (quoted && (*at == '`' || *at == ';') && at[-1] != 't' && at[-1] != 'p' && !(at[-1] >= '0' && at[-1] <= '9'))
			fail_msg("%s: %.80s", name, at);
	}
}

/** Nothing in it is taken for HTML, for a link, for a fence, or for a line of the graph. */
static void check_markdown(const char *name, const struct run_report *const *runs, size_t n)
{
	static const char *const wrong[] = {"<script", "<img", "x](", "@me", "www.e", "http://", "\n::", "\nclick"};
	OWNED_TEXT page = {0}, prose = {0};
	const char *s;

	report_markdown(runs, n, &page);
	assert_true(page.n < 60 * 1024);
	for (const char *at = text_str(&page); *at;) { /* Mermaid has rules of its own */
		const char *graph = strstr(at, "```mermaid"), *end = graph ? strstr(graph, "\n```\n") : NULL;

		assert_true(!graph || end);
		text_addn(&prose, at, graph ? (size_t)(graph - at) : strlen(at));
		check_mermaid(name, graph, end);
		at = end ? end + 5 : at + strlen(at);
	}
	s = text_str(&prose);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (strstr(s, wrong[i]))
			fail_msg("%s: %.60s", name, strstr(s, wrong[i]));
}

static void check_all(const char *name, const struct run_report *const *runs, size_t n)
{
	check_html(name, runs, n);
	check_junit(name, runs, n);
	check_trace(runs, n);
	check_github(runs, n);
	check_markdown(name, runs, n);
}

static void check_finding(const char *name, struct finding *f)
{
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);
	const struct run_report *runs[] = {&r, &r};

	check_all(name, runs, 1);
	check_all(name, runs, 2);
}

/* ---- findings ---- */

static void recorded_findings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(recorded); i++) {
		struct finding *f = make_finding(read_recorded(recorded[i]));

		check_finding(recorded[i], f);
		finding_free(f);
		f = make_stall(read_recorded(recorded[i]));
		check_finding(recorded[i], f);
		finding_free(f);
	}
}

static void kinds_that_do_not_fit(void **state)
{
	(void)state;
	for (int kind = FINDING_PIPE_FULL; kind <= FINDING_PORT_HELD; kind++)
		for (int empty = 0; empty < 2; empty++) {
			struct finding *f = make_finding(snap(PIPE));

			f->kind = (enum finding_kind)kind;
			if (empty)
				f->nblocked = f->nobjects = f->nculprits = 0;
			check_finding(finding_kind_name(f->kind), f);
			f->certainty = SUSPECTED;
			check_finding(finding_kind_name(f->kind), f);
			finding_free(f);
		}
}

/* ---- names ---- */

static void name_all(struct finding *f, const char *name, struct frame *frame)
{
	static struct async_task task;
	static struct stack stack;
	static struct process_stacks stacks;
	static struct finding_stacks row;

	*frame = (struct frame){.owner = FRAME_OWN, .function = name, .file = name, .line = 3, .source = name};
	task = (struct async_task){.library = name, .name = name, .awaits = name, .frames = frame, .nframes = 1, .fd = -1};
	stack = (struct stack){.tid = f->blocked[0].tid, .quality = STACK_PARTIAL, .why = name, .frames = frame, .nframes = 1,
			       .lock = {.kind = LOCK_LOCK, .type = name}};
	stacks = (struct process_stacks){.python = name, .why = name, .actor = name, .threads = &stack, .nthreads = 1, .tasks = &task, .ntasks = 1,
					 .tasks_cut = name};
	row = (struct finding_stacks){f->blocked[0].pid, &stacks};
	f->test = f->phase = f->rescue = name;
	for (size_t i = 0; i < f->nblocked; i++)
		f->blocked[i].label = f->blocked[i].comm = f->blocked[i].call = name;
	for (size_t i = 0; i < f->nobjects; i++) {
		f->objects[i].name = f->objects[i].type = name;
		for (size_t h = 0; h < f->objects[i].nholders; h++)
			f->objects[i].holders[h].label = name;
	}
	f->live = arena_array(f->arena, 1, sizeof *f->live);
	f->live[0] = name;
	f->nlive = 1;
	f->stacks = &row;
	f->nstacks = 1;
}

static void check_hostile(const char *name)
{
	struct finding *f = make_finding(snap(PIPE));
	struct frame frame;
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);
	const struct run_report *runs[] = {&r, &r};
	const struct signalled signalled = {7, name, 1};
	const struct survivor survivor = {8, 'D', name, name};
	const struct run_test test = {name, 100, 0, NS_PER_S, 1, 2, 3};
	const struct run_log log = {name, name, name, 5};
	const char *const not_run[] = {name, NULL}, *const spots[] = {name, NULL};
	char *line = mem_alloc(strlen(name) + 1), *argv[] = {line, line, NULL};
	struct process_row row = {.pid = 100, .cmdline = line, .cmdline_len = strlen(name) + 1, .ended_ns = NEVER_NS, .test = line};

	strcpy(line, name);
	name_all(f, name, &frame);
	r = (struct run_report){.version = name, .argv = argv, .outcome = OUTCOME_HANG, .end_ns = 2 * NS_PER_S, .mode = name, .blind_spots = spots,
				.findings = list, .nfindings = 1, .rows = &row, .nrows = 1, .tests = &test, .ntests = 1, .not_run = not_run, .logs = &log,
				.nlogs = 1, .signalled = &signalled, .nsignalled = 1, .survivors = &survivor, .nsurvivors = 1, .complete = true,
				.host = name, .kernel = name, .folder = name};
	for (int certainty = SUSPECTED; certainty <= PROVEN; certainty++) {
		f->certainty = (enum certainty)certainty;
		check_all(name, runs, 1);
		check_all(name, runs, 2);
	}
	r.nfindings = 0;
	check_all(name, runs, 1);
	finding_free(f);
	mem_free(line);
}

static void hostile_names_break_nothing(void **state)
{
	char *long_name = mem_alloc(100001);

	(void)state;
	memset(long_name, '<', 100000);
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		check_hostile(hostile[i]);
	check_hostile(long_name);
	mem_free(long_name);
}

static void nothing_commands_github(void **state)
{
	static const char name[] = "x%\r\n::error::y";
	struct finding *f = make_finding(snap(PIPE));
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);
	const struct run_report *runs[] = {&r};
	struct frame frame;
	OWNED_TEXT out = {0};

	(void)state;
	name_all(f, name, &frame);
	frame.file = "a,b:c.py";
	report_github(runs, 1, NULL, &out);
	assert_non_null(strstr(text_str(&out), "file=a%2Cb%3Ac.py,line=3,title=HANG "));
	assert_non_null(strstr(text_str(&out), "%0Atest: x%25??::error::y%0Afix: "));
	assert_ptr_equal(strchr(text_str(&out), '\n'), out.at + out.n - 1);
	finding_free(f);
}

/* ---- many ---- */

static void paths_are_those_of_the_checkout(void **state)
{
	struct finding *f = make_finding(snap(PIPE));
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);
	const struct run_report *runs[] = {&r};
	struct frame frame;
	OWNED_TEXT out = {0};

	(void)state;
	name_all(f, "x", &frame);
	frame.file = "/home/x/work/sub/tests/t.py";
	r.folder = "/home/x/work/sub";
	report_github(runs, 1, "/home/x/work", &out);
	assert_non_null(strstr(text_str(&out), "file=sub/tests/t.py,line=3"));
	out.n = 0;
	report_html(runs, 1, &out);
	assert_non_null(strstr(text_str(&out), "<code>tests/t.py:3</code>"));
	finding_free(f);
}

/** 1000 processes and 200 findings: a page of at most 2 MiB, annotations and summary within their limits. */
static void a_large_run(void **state)
{
	enum { PROCESSES = 1000, FINDINGS = 200, TESTS = 3000 };
	static struct process_row rows[PROCESSES];
	static struct run_test tests[TESTS];
	static char line[] = "/usr/bin/python\0actor.py";
	struct finding *list[FINDINGS];
	OWNED_TEXT text = {0}, html = {0};

	(void)state;
	text_add(&text, "10000 wait4(10001) r:pipe1 argv=python,-m,pytest\n10001 write(pipe1) 1=w:pipe1 argv=python,a.py\n");
	for (int i = 10002; i < 10000 + PROCESSES; i++)
		text_addf(&text, "%d wait4(10001) argv=python,actor.py\n", i);
	for (int i = 0; i < PROCESSES; i++)
		rows[i] = (struct process_row){.pid = 10000 + i, .ppid = 10000, .cmdline = line, .cmdline_len = sizeof line, .started_ns = i, .ended_ns = NEVER_NS};
	for (int i = 0; i < TESTS; i++)
		tests[i] = (struct run_test){"tests/test_x.py::test_y", 10000, i * NS_PER_MS, (i + 1) * NS_PER_MS, 0, 0, 0};
	for (int i = 0; i < FINDINGS; i++) {
		list[i] = make_finding(snap(i ? PIPE : text_str(&text)));
		list[i]->test = arena_printf(list[i]->arena, "tests/test_x.py::test_y[%d]", i);
	}

	struct run_report r = make_run(list);
	const struct run_report *runs[] = {&r};

	r.nfindings = FINDINGS;
	r.rows = rows;
	r.nrows = PROCESSES;
	r.tests = tests;
	r.ntests = TESTS;
	check_all("large", runs, 1);
	report_html(runs, 1, &html);
	assert_true(html.n <= 2 << 20);
	for (int i = 0; i < FINDINGS; i++)
		finding_free(list[i]);
}

/** The same kind at the same line in several runs stands once, with its hosts. */
static void the_same_of_several_hosts_stands_once(void **state)
{
	static const char *const hosts[] = {"alpha", "beta", "gamma", "alpha"};
	struct run_report r[ARRAY_SIZE(hosts)];
	const struct run_report *runs[ARRAY_SIZE(hosts)];
	struct finding *f = make_finding(snap(PIPE)), *other = make_finding(snap(PIPE));
	struct finding *same[] = {f}, *two[] = {f, other};
	struct frame frame;
	OWNED_TEXT html = {0}, md = {0};

	(void)state;
	name_all(f, "x.py", &frame);
	other->test = "tests/test_b.py::other";
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		r[i] = make_run(i == 1 ? two : same);
		r[i].nfindings = i == 1 ? 2 : 1;
		r[i].host = hosts[i];
		runs[i] = &r[i];
	}
	report_html(runs, ARRAY_SIZE(hosts), &html);
	report_markdown(runs, ARRAY_SIZE(hosts), &md);
	assert_non_null(strstr(text_str(&html), "4 of 4 runs, 3 hosts: alpha, beta, gamma<"));
	assert_non_null(strstr(text_str(&html), "1 of 4 runs, 1 host: beta<"));
	assert_non_null(strstr(text_str(&html), "id=\"f2\""));
	assert_null(strstr(text_str(&html), "id=\"f3\""));
	assert_non_null(strstr(text_str(&md), "4 of 4 runs, 3 hosts: alpha, beta, gamma"));
	finding_free(f);
	finding_free(other);
}

/* ---- JUnit ---- */

static void check_completed(const char *name, const char *pytest, const char *const *words)
{
	struct finding *f = make_finding(snap(PIPE));
	struct finding *const list[] = {f};
	static const char *const not_run[] = {"tests/test_a.py::test_z[a<b]", NULL};
	struct run_report r = make_run(list);
	const struct run_report *runs[] = {&r};
	OWNED_TEXT out = {0};

	f->test = "tests/test_a.py::TestC::test_b[x::y.py]";
	r.not_run = not_run;
	report_junit(runs, 1, pytest, false, &out);
	check_tags(name, text_str(&out), (const char *const[]){"?xml", "testsuites", "testsuite", "testcase", "error", "skipped", "system-err",
								"system-out", "failure", "properties", "property", "!", NULL});
	for (; *words; words++)
		if (!strstr(text_str(&out), *words))
			fail_msg("%s: no %s in %s", name, *words, text_str(&out));
	finding_free(f);
}

#define XML "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites name=\"pytest tests\"><testsuite name=\"pytest\" errors=\"1\" failures=\"2\" " \
	    "skipped=\"3\" tests=\"5\" time=\"1.284\">"

static void pytests_own_file_is_completed(void **state)
{
	(void)state;
	check_completed("interrupted",
			XML "<testcase classname=\"tests.test_a\" name=\"test_ok\" time=\"0.1\" /><testcase time=\"0.028\" /></testsuite></testsuites>",
			(const char *const[]){"errors=\"2\" failures=\"2\" skipped=\"4\" tests=\"3\" time=\"1.284\">",
					      "<testcase classname=\"tests.test_a\" name=\"test_ok\" time=\"0.1\" /><testcase classname=",
					      "<testcase classname=\"tests.test_a.TestC\" name=\"test_b[x::y.py]\" time=\"0.600\"><error type=\"tracewrap.hang\" message=\"Nobody",
					      "name=\"test_z[a&lt;b]\" time=\"0.000\"><skipped message=\"not run: the run hung\"/>", NULL});
	check_completed("counts that are none", "<testsuites><testsuite errors=\"\" skipped='' tests=\"x\" name=\"a\"></testsuite></testsuites>",
			(const char *const[]){"errors=\"1\" skipped='1' tests=\"2\"", NULL});
	check_completed("in its teardown",
			XML "<testcase classname=\"tests.test_a.TestC\" name=\"test_b[x::y.py]\" time=\"0.1\" /></testsuite></testsuites>",
			(const char *const[]){"tests=\"2\"", "name=\"test_b[x::y.py]\" time=\"0.1\" ><error type=\"tracewrap.hang\"", NULL});
	check_completed("with output",
			XML "<testcase classname='tests.test_a.TestC' name='test_b[x::y.py]' time='0.1'><system-out>a &lt;b&gt;</system-out></testcase>"
			    "</testsuite></testsuites>",
			(const char *const[]){"time='0.1'><error type=", "</error><system-out>a &lt;b&gt;</system-out></testcase>", NULL});
}

/** What is no such file is written whole. */
static void a_broken_file_is_not_completed(void **state)
{
	static const char *const broken[] = {
		"", "x", "<testsuites>", XML, XML "<testcase name=\"a\"", XML "<testcase name=\"a></testsuite></testsuites>", "<testsuite name=\"pytest\"/>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		check_completed(broken[i], broken[i], (const char *const[]){"<testsuite name=\"tracewrap\" tests=\"2\" failures=\"0\" errors=\"1\" skipped=\"1\"", NULL});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_findings),
		cmocka_unit_test(kinds_that_do_not_fit),
		cmocka_unit_test(hostile_names_break_nothing),
		cmocka_unit_test(nothing_commands_github),
		cmocka_unit_test(paths_are_those_of_the_checkout),
		cmocka_unit_test(a_large_run),
		cmocka_unit_test(the_same_of_several_hosts_stands_once),
		cmocka_unit_test(pytests_own_file_is_completed),
		cmocka_unit_test(a_broken_file_is_not_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
