/* The screens of recorded hangs and of scenes, whole, as files in tests/fixtures/report/; and what must hold of any screen.
 * UPDATE=1 in the environment accepts new ones: look at the difference before they are committed. Run from the top folder. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report_make.h"

#define FOLDER "tests/fixtures/report/"
enum { SCREEN_LINES = 26 };

static const char *const recorded[] = {
	"actor-peers-epoll",
	"actor-tree-day-timeout",
	"actor-tree-pidfd",
	"asyncio-lost-future",
	"child-wait-lost-signal",
	"eof-daemon",
	"eof-own-write-end",
	"eof-sibling-stdin",
	"fork-lock-c",
	"fork-lock-python",
	"idle-open-listener",
	"join-idle-thread",
	"lock-flock-abba",
	"lock-killed-holder",
	"lock-processes-abba",
	"lock-threads-abba",
	"mp-pool-dead-worker",
	"mp-queue-join-first",
	"outer-runner",
	"pipe-grandchild",
	"pipe-popen-wait",
	"pty-full",
	"socket-both-receive",
	"socketpair-full",
	"stderr-while-stdout",
	"stopped-child",
	"teardown-log-storm",
	"tty-background-read",
	"tty-breakpoint",
	"trio-process-wait",
};

#define PYTEST "100 wait4(101) 11=r:pipe:[208121] argv=python,-m,pytest test=tests/test_a.py::test_b"

static const struct {
	const char *name, *text;
} scenes[] = {
	{"scene-capture", PYTEST "\n101 write(pipe:[208121]) 1=w:pipe:[208121] argv=python,convert.py parent=100\n"},
	{"scene-live", PYTEST "\n101 write(pipe:[208121]) 1=w:pipe:[208121] argv=python,convert.py parent=100\n"
			      "102 sleep(8) argv=sh,x.sh parent=101\n"},
	{"scene-alarms",
	 PYTEST "\n101 write(pipe:[208121]) 1=w:pipe:[208121] argv=python,convert.py parent=100\nalarms unknown\n"},
	{"scene-victims",
	 PYTEST "\n103/100 futex\n104/100 futex\n101 write(pipe:[208121]) 1=w:pipe:[208121] argv=python,a.py parent=100\n"
		"105 wait4(101) parent=100 argv=sh,b.sh\n106 wait4(101) parent=100 argv=sh,c.sh\n"},
	{"scene-two-readers",
	 "100 wait4(101) r:pipe1 argv=python,-m,pytest\n101 write(pipe1) argv=python,a.py\n102 wait4(101) r:pipe1 argv=sh,b.sh "
	 "parent=100\n"},
	{"scene-only-itself", "100 wait4(101) argv=python,-m,pytest\n101 write(pipe1) r:pipe1 argv=python,a.py\n"},
	{"scene-close-stdin", "100 wait4(101) w:pipe1 argv=python,-m,pytest\n101 read(pipe1) 4=r:pipe1 argv=python,a.py\n"},
	{"scene-tty-read", "100 wait4(101) rw:ptm1 argv=python,-m,pytest\n101 read(pts1) argv=python,a.py\npts1 peer=ptm1\n"},
	{"scene-listener", "100 accept(tcp1) argv=python,serve.py\ntcp1 listener\n"},
	{"scene-one-lock", "100 futex argv=python,a.py\n"},
	{"scene-child-pause",
	 "100 poll(r:pidfd1) argv=python,-m,pytest\n101 pause argv=python,a.py parent=100\npidfd1 pid=101\n"},
};

static void print(struct finding *f, unsigned width, bool color, const char *const *blind, struct text *out)
{
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);
	struct text_style style = {.color = color, .width = width};

	r.blind_spots = blind;
	report_screen(&r, f, &style, out);
}

/* ---- what must hold of any screen ---- */

static void check_line(const char *name, const char *line, size_t n, unsigned width)
{
	size_t points = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c < 0x20 || c == 0x7f)
			fail_msg("%s: control character %d", name, c);
		points += (c & 0xc0) != 0x80;
	}
	if (points > width)
		fail_msg("%s: %zu columns of %u: %.*s", name, points, width, (int)n, line);
	if (n && line[n - 1] == ' ')
		fail_msg("%s: blank at the end: %.*s", name, (int)n, line);
}

static void strip_color(const char *s, struct text *out)
{
	for (; *s; s++) {
		if (*s == '\033')
			s += strcspn(s, "m");
		else
			text_addn(out, s, 1);
	}
}

static void check_screen(const char *name, struct finding *f, unsigned width, const char *const *blind)
{
	OWNED_TEXT plain = {0}, color = {0}, stripped = {0}, again = {0};
	size_t lines = 0;

	print(f, width, false, blind, &plain);
	for (const char *s = text_str(&plain), *end; *s; s = end + 1, lines++) {
		end = strchr(s, '\n');
		assert_non_null(end);
		check_line(name, s, (size_t)(end - s), width);
	}
	if (width >= 80 && lines > SCREEN_LINES)
		fail_msg("%s: %zu lines\n%s", name, lines, text_str(&plain));
	print(f, width, true, blind, &color);
	strip_color(text_str(&color), &stripped);
	assert_string_equal(text_str(&plain), text_str(&stripped));
	assert_string_not_equal(text_str(&plain), text_str(&color));

	text_addn(&again, plain.at, plain.n); /* fit as it is: nothing would be replaced */
	text_clean(again.at, strlen(again.at));
	for (size_t i = 0; i < again.n; i++)
		assert_true(again.at[i] == plain.at[i] || plain.at[i] == '\n');
}

static void check_any(const char *name, struct finding *f, const char *const *blind)
{
	static const unsigned widths[] = {40, 41, 47, 60, 80, 132};

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++)
		check_screen(name, f, widths[i], blind);
}

/* ---- whole screens ---- */

static void compare(const char *name, const struct text *screen)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof path, FOLDER "%s.txt", name);
	if (getenv("UPDATE")) {
		file = fopen(path, "wb");
		assert_non_null(file);
		assert_int_equal(fwrite(text_str(screen), 1, screen->n, file), screen->n);
		assert_int_equal(fclose(file), 0);
	}

	char *expected = read_small(path);

	if (!expected)
		fail_msg("%s: no such file; UPDATE=1 makes it", path);
	if (strcmp(expected, text_str(screen)) != 0)
		fail_msg("%s differs:\n%s", path, text_str(screen));
	mem_free(expected);
}

static void check_whole(const char *name, struct finding *f, const char *const *blind)
{
	OWNED_TEXT screen = {0};

	print(f, 80, false, blind, &screen);
	compare(name, &screen);
	check_any(name, f, blind);
	finding_free(f);
}

static void recorded_screens(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(recorded); i++)
		check_whole(recorded[i], make_finding(read_recorded(recorded[i])), NULL);
}

static void scene_screens(void **state)
{
	static const char *const blind[] = {"Armed alarms can't be read here.", NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		check_whole(scenes[i].name, make_finding(snap(scenes[i].text)),
			    strstr(scenes[i].name, "alarms") ? blind : NULL);
}

static void stall_screen(void **state)
{
	(void)state;
	check_whole("scene-stall", make_stall(snap("100 wait4(101) argv=sh,a.sh\n101 sleep(60)\n102 run parent=100\n")), NULL);
}

static void a_long_chain_is_folded(void **state)
{
	OWNED_TEXT text = {0};

	(void)state;
	text_add(&text, "100 wait4(101) r:pipe1 argv=python,-m,pytest\n");
	for (int i = 101; i < 130; i++)
		text_addf(&text, "%d wait4(%d) argv=python,actor%d.py\n", i, i + 1, i);
	text_add(&text, "130 write(pipe1) 2=w:pipe1 argv=python,last.py\n");
	check_whole("scene-long-chain", make_finding(snap(text_str(&text))), NULL);
}

static void many_writers_are_counted(void **state)
{
	OWNED_TEXT text = {0};

	(void)state;
	text_add(&text, "100 waitany(101,102,103,104,105,106,107,108) r:pipe1 argv=python,-m,pytest\n");
	for (int i = 101; i < 109; i++)
		text_addf(&text, "%d write(pipe1) 2=w:pipe1 argv=python,actor.py\n", i);
	check_whole("scene-many-writers", make_finding(snap(text_str(&text))), NULL);
}

static void a_thousand_tasks(void **state)
{
	OWNED_TEXT text = {0}, json = {0};

	(void)state;
	text_add(&text, "10000 wait4(10001) r:pipe1 argv=python,-m,pytest\n10001 write(pipe1) 1=w:pipe1 argv=python,a.py\n");
	for (int i = 10002; i < 11000; i++)
		text_addf(&text, "%d/10000 futex\n", i);

	struct finding *f = make_finding(snap(text_str(&text)));
	struct finding *const list[] = {f};
	struct run_report r = make_run(list);

	assert_int_equal(f->nstuck, 1000);
	report_json(&r, &json);
	assert_true(json.n > 1000);
	check_whole("scene-thousand", f, NULL);
}

/* ---- what the names of a run may not do ---- */

static const char *const hostile[] = {
	"\033[2J\033]0;owned\007",
	"a\nb\rc\td",
	"\xff\xfe\x80",
	"\xe2\x80\xae"
	"gnp.exe",
	"\xe2\x80\x8b\xe2\x81\xa6x",
	"== HANG proven ==",
	"%s%n%1000d",
	"\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x90\x8d",
	"",
	" ",
	"x y z",
	"\xc2\x9b"
	"31m",
};

static struct finding *with_names(const char *name)
{
	struct finding *f = make_finding(snap(scenes[0].text));

	f->test = f->phase = name;
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
	return f;
}

static void check_hostile(const char *name)
{
	static const char *const unseen[] = {"\xe2\x80\xae", "\xe2\x80\x8b", "\xe2\x81\xa6", "\xc2\x9b"};
	struct finding *f = with_names(name);

	for (int certainty = SUSPECTED; certainty <= PROVEN; certainty++) {
		OWNED_TEXT screen = {0};
		struct finding *const list[] = {f};
		struct run_report r = make_run(list);

		f->certainty = (enum certainty)certainty;
		print(f, 80, false, NULL, &screen);
		for (size_t i = 0; i < ARRAY_SIZE(unseen); i++)
			assert_null(strstr(text_str(&screen), unseen[i]));
		assert_null(strchr(text_str(&screen), '\033'));
		report_closing(&r, &(struct text_style){.width = 80}, &screen);
	}
	finding_free(f);
}

static void hostile_names_break_nothing(void **state)
{
	char *long_name = mem_alloc(100001);

	(void)state;
	memset(long_name, 'x', 100000);
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		check_hostile(hostile[i]);
	check_hostile(long_name);
	mem_free(long_name);
}

static void long_names_keep_to_the_width(void **state)
{
	char long_name[600];
	struct finding *f;

	(void)state;
	memset(long_name, 'n', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	f = with_names(long_name);
	f->phase = "call";
	check_any("long", f, NULL);

	OWNED_TEXT screen = {0};

	print(f, 80, false, NULL, &screen);
	assert_non_null(strstr(text_str(&screen), "... (call)\n")); /* the phase is not cut off */
	assert_non_null(strstr(text_str(&screen), "nnn...[101]"));  /* nor is the pid */
	finding_free(f);
}

/** All kinds, with nothing in them. */
static void empty_findings(void **state)
{
	(void)state;
	for (int kind = FINDING_PIPE_FULL; kind <= FINDING_PORT_HELD; kind++) {
		struct finding *f = make_finding(snap(scenes[0].text));
		OWNED_TEXT summary = {0}, advice = {0};

		f->kind = (enum finding_kind)kind;
		f->nblocked = f->nobjects = f->nculprits = 0;
		f->test = NULL;
		for (int certainty = SUSPECTED; certainty <= PROVEN; certainty++) {
			f->certainty = (enum certainty)certainty;
			check_any(finding_kind_name(f->kind), f, NULL);
		}
		report_summary(f, &summary);
		report_advice(f, &advice);
		assert_true(summary.n > 10 && summary.at[summary.n - 1] == '.' && summary.at[0] >= 'A' && summary.at[0] <= 'Z');
		assert_true(advice.n > 10 && advice.at[advice.n - 1] == '.');
		finding_free(f);
	}
}

/** Every kind, of a finding that holds what another kind is about. */
static void kinds_that_do_not_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		for (int kind = FINDING_PIPE_FULL; kind <= FINDING_PORT_HELD; kind++) {
			struct finding *f = make_finding(snap(scenes[i].text));

			f->kind = (enum finding_kind)kind;
			f->prompt_or_stdin = true;
			check_any(scenes[i].name, f, NULL);
			finding_free(f);
		}
}

/* ---- behind the screen ---- */

static void closing_tells_what_was_ended(void **state)
{
	static const struct signalled signalled[] = {{7, "SIGINT", 0}, {8, "SIGINT", 0}, {9, "SIGINT", 0}, {9, "SIGKILL", 0}};
	static const struct survivor survivors[] = {{9, 'D', "nfsd\033", "rpc_wait"}};
	struct run_report r = make_run(NULL);
	OWNED_TEXT out = {0}, none = {0};

	(void)state;
	r.nfindings = 0;
	report_closing(&r, &(struct text_style){.width = 80}, &none);
	assert_string_equal(text_str(&none), "report   .tracewrap/last/report.json\n");
	r.signalled = signalled;
	r.nsignalled = ARRAY_SIZE(signalled);
	r.survivors = survivors;
	r.nsurvivors = 1;
	report_closing(&r, &(struct text_style){.width = 80}, &out);
	assert_string_equal(text_str(&out), "ended    3 processes (2 by SIGINT, 1 by SIGKILL)\n"
					    "left     1 process could not be ended: nfsd?[9] (state D in rpc_wait)\n"
					    "report   .tracewrap/last/report.json\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_screens),
		cmocka_unit_test(scene_screens),
		cmocka_unit_test(stall_screen),
		cmocka_unit_test(a_long_chain_is_folded),
		cmocka_unit_test(many_writers_are_counted),
		cmocka_unit_test(a_thousand_tasks),
		cmocka_unit_test(hostile_names_break_nothing),
		cmocka_unit_test(long_names_keep_to_the_width),
		cmocka_unit_test(empty_findings),
		cmocka_unit_test(kinds_that_do_not_fit),
		cmocka_unit_test(closing_tells_what_was_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
