/* Saved snapshots: what is written is read back, and what is no snapshot is refused in one line that says where. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snap.h"

/* ---- written and read ---- */

static struct snapshot *parse(const char *text, size_t len)
{
	struct snapshot *s;
	struct err err = {0};

	if (snapshot_read(text, len, &s, &err))
		fail_msg("%s\n%s", err.text, text);
	return s;
}

static const char everything[] =
	"100 wait4(101) r:pipe7 0=w:pipe8 argv=/usr/bin/python3,-m,pytest chld test=t.py::a shm=k lock=f alarm=7.25 moved=12.5\n"
	"101 write(pipe7) timeout=1.5 forked vm=100 alrm=no timers\n"
	"102/101 futex(shm=k,named,outside)\n"
	"103/101 futex(owner=101)\n"
	"104 poll(r:unix1,w:unix1,r:closed) dark tracer=100\n"
	"105 epoll(epoll1)\n"
	"106 run(why-\"quoted\"-\\)\n"
	"107 traced(100)\n"
	"108 stop(tty)\n"
	"109 sigwait(alrm) alrm=caught\n"
	"110 dead\n"
	"111 flock(f)\n"
	"112 vfork\n"
	"113 sleep(3600.000001)\n"
	"114 futex(join=101)\n"
	"115 waitany(100,101)\n"
	"unix1 peer=unix2 outside=rw inflight\n"
	"tcp1 listener transit\n"
	"epoll1 watch=r:unix1,w:pts1,r:unknown1\n"
	"pts1 peer=ptm1 vtime\n"
	"tfd1 armed\n"
	"sfd1 alrm\n"
	"pidfd1 pid=101\n"
	"pidfd2 pid=-1\n"
	"unix3 peer=gone\n"
	"pipe7 named outside=w\n"
	"locks f 111 -1\n"
	"others began it\n"
	"locks g 5\n";

static void all_fields_come_back(void **state)
{
	struct snapshot *s = snap(everything), *again;
	OWNED_TEXT first = {0}, second = {0};

	(void)state;
	s->tasks[0].args[5] = UINT64_MAX;
	s->tasks[0].runs = UINT64_MAX;
	s->procs[0].start_ticks = (UINT64_C(1) << 53) + 1;
	s->procs[0].phase = "call";
	snapshot_write(s, &first);
	again = parse(first.at, first.n);
	snapshot_write(again, &second);
	assert_string_equal(text_str(&first), text_str(&second));
	assert_true(again->tasks[0].args[5] == UINT64_MAX);
	assert_true(again->tasks[0].runs == UINT64_MAX);
	assert_true(again->begun_by_others);
	assert_true(again->procs[0].start_ticks == (UINT64_C(1) << 53) + 1);
	assert_int_equal(again->tasks[0].moved_ns, 12500 * NS_PER_MS);
	assert_int_equal(again->procs[0].alarm_ns, 7250 * NS_PER_MS);
	assert_int_equal(snapshot_task(again, 113)->wait.timeout_ns, 3600 * NS_PER_S + 1000);
	assert_string_equal(snapshot_task(again, 106)->wait.why, "why-\"quoted\"-\\");
	assert_string_equal(again->procs[0].phase, "call");
	assert_string_equal(again->procs[0].argv[2], "pytest");
	assert_null(again->procs[0].argv[3]);
	assert_null(again->procs[1].test);
	assert_int_equal(snapshot_process(again, 104)->readable, false);
	assert_int_equal(snapshot_task(again, 104)->wait.on[2].object, -1);
	assert_true(again->alarms_known);
	snapshot_free(s);
	snapshot_free(again);
}

static void heard_alarms_stay_heard(void **state)
{
	struct snapshot *s = snap("100 wait4(101) heard alarm=2.5\n101 wait4(102) heard\n102 futex\nalarms unknown\n"), *again;
	OWNED_TEXT text = {0};

	(void)state;
	snapshot_write(s, &text);
	again = parse(text.at, text.n);
	assert_true(again->procs[0].alarm_heard);
	assert_int_equal(again->procs[0].alarm_ns, 2500 * NS_PER_MS);
	assert_true(again->procs[1].alarm_heard);
	assert_int_equal(again->procs[1].alarm_ns, NEVER_NS);
	assert_false(again->procs[2].alarm_heard);
	snapshot_free(again);
	snapshot_free(s);
}

static void unknown_alarms_stay_unknown(void **state)
{
	struct snapshot *s = snap("100 futex\nalarms unknown\n"), *again;
	OWNED_TEXT text = {0};

	(void)state;
	snapshot_write(s, &text);
	again = parse(text.at, text.n);
	assert_false(again->alarms_known);
	assert_int_equal(again->procs[0].alarm_ns, NEVER_NS);
	snapshot_free(s);
	snapshot_free(again);
}

/** Moments beyond what a double holds exactly are cut, and a name that comes twice gets two keys. */
static void odd_values_are_written_so_that_they_can_be_read(void **state)
{
	struct snapshot *s = snap("100 read(pipe1) w:pipe2 timeout=5\n"), *again;
	OWNED_TEXT first = {0}, second = {0};

	(void)state;
	s->tasks[0].wait.timeout_ns = NEVER_NS - 1;
	s->tasks[0].moved_ns = -5;
	s->tasks[0].state = '\n';
	s->objects[0].name = s->objects[1].name = "gone";
	snapshot_write(s, &first);
	again = parse(first.at, first.n);
	snapshot_write(again, &second);
	assert_string_equal(text_str(&first), text_str(&second));
	assert_int_equal(again->nobjects, 2);
	assert_int_equal(again->tasks[0].wait.timeout_ns, 1000000000 * NS_PER_S);
	snapshot_free(s);
	snapshot_free(again);
}

/* ---- refused ---- */

#define PROC(fields)                                                                                                   \
	"\"5\":{\"readable\":true,\"chld\":false,\"alrm\":\"no\",\"timer\":false,\"fds\":{\"0\":[\"o\",\"r\"]}" fields "}"
#define TASK(wait) "\"5\":{\"pid\":5,\"wait\":" wait "}"
#define FILE_OF(tasks, procs, objs, rest)                                                                              \
	"{\"t\":1.5,\"root\":5,\"tasks\":{" tasks "},\"procs\":{" procs "},\"objs\":{" objs "}" rest "}"
#define PLAIN "{\"op\":\"futex\"}"
#define GOOD FILE_OF(TASK(PLAIN), PROC(""), "", "")
#define WITH_WAIT(wait) FILE_OF(TASK(wait), PROC(""), "", "")
#define WITH_TASK(fields) FILE_OF("\"5\":{\"pid\":5,\"wait\":" PLAIN "," fields "}", PROC(""), "", "")
#define WITH_PROC(fields) FILE_OF(TASK(PLAIN), PROC("," fields), "", "")
#define WITH_OBJECT(fields) FILE_OF(TASK(PLAIN), PROC(""), "\"o\":{" fields "}", "")
#define WITH(rest) FILE_OF(TASK(PLAIN), PROC(""), "", "," rest)

static const struct {
	const char *text, *error; /* NULL: it is read */
} rows[] = {
	{GOOD, NULL},
	{" \n" GOOD " \r\n\t", NULL},
	{WITH("\"schema\":\"tracewrap-snapshot/1\",\"later\":[{}]"), NULL},
	{WITH("\"schema\":\"tracewrap-snapshot/2\""),
	 "schema: \"tracewrap-snapshot/2\", but this program reads \"tracewrap-snapshot/1\""},
	{WITH("\"schema\":1"), "schema: is no string"},
	{"", "the file is empty"},
	{" \n", "the file is empty"},
	{"{", "not JSON, or cut off, near byte "},
	{"{\"tasks\":", "not JSON, or cut off, near byte "},
	{GOOD "x", "not JSON, or cut off, near byte "},
	{GOOD GOOD, "not JSON, or cut off, near byte "},
	{"PK\3\4", "not JSON, or cut off, near byte 0"},
	{"{\"tasks\":NaN}", "not JSON, or cut off, near byte "},
	{"[]", "not a tracewrap snapshot: no JSON object"},
	{"7", "not a tracewrap snapshot: no JSON object"},
	{"{}", "not a tracewrap snapshot: no key \"tasks\""},
	{"{\"tasks\":{},\"procs\":{},\"objs\":{},\"root\":1}", "not a tracewrap snapshot: no key \"t\""},
	{"{\"tasks\":{},\"procs\":{},\"objs\":{},\"root\":1,\"t\":0}", NULL},
	{"{\"tasks\":[],\"procs\":{},\"objs\":{},\"root\":1,\"t\":0}", "tasks: is no object"},
	{"{\"tasks\":{},\"procs\":{},\"objs\":{},\"root\":\"1\",\"t\":0}", "root: is no number"},
	{"{\"tasks\":{},\"procs\":{},\"objs\":{},\"root\":0,\"t\":0}", "root: 0 is out of range"},
	{"{\"tasks\":{},\"procs\":{},\"objs\":{},\"root\":1.5,\"t\":0}", "root: 1.5 is no whole number"},
	{"{\"tasks\":{},\"procs\":{},\"objs\":{},\"root\":1e999,\"t\":0}", "root: inf is out of range"},
	{"{\"tasks\":{},\"procs\":{},\"objs\":{},\"root\":1,\"t\":-1}", "t: -1 s is out of range"},
	{"{\"tasks\":{},\"procs\":{},\"objs\":{},\"root\":1,\"t\":1e300}", "t: 1e+300 s is out of range"},
	{WITH_WAIT("{\"op\":\"slep\"}"), "tasks.5.wait.op: \"slep\" is no kind of wait"},
	{WITH_WAIT("{\"op\":\"sl\\nep\"}"), "tasks.5.wait.op: \"sl?ep\" is no kind of wait"},
	{WITH_WAIT("{\"op\":3}"), "tasks.5.wait.op: is no string"},
	{WITH_WAIT("{}"), "tasks.5.wait.op: is missing"},
	{WITH_WAIT("[]"), "tasks.5.wait: is no object"},
	{WITH_WAIT("{\"op\":\"sleep\",\"timeout\":\"5\"}"), "tasks.5.wait.timeout: is no number of seconds"},
	{WITH_WAIT("{\"op\":\"sleep\",\"timeout\":-1}"), "tasks.5.wait.timeout: -1 s is out of range"},
	{WITH_WAIT("{\"op\":\"sleep\",\"timeout\":86400}"), NULL},
	{WITH_WAIT("{\"op\":\"fds\"}"), "tasks.5.wait.on: is missing"},
	{WITH_WAIT("{\"op\":\"fds\",\"on\":{}}"), "tasks.5.wait.on: is no list"},
	{WITH_WAIT("{\"op\":\"fds\",\"on\":[3]}"), "tasks.5.wait.on: is no list of [object, ends, descriptor]"},
	{WITH_WAIT("{\"op\":\"fds\",\"on\":[[\"o\",\"r\"]]}"), "tasks.5.wait.on: is no list of [object, ends, descriptor]"},
	{WITH_WAIT("{\"op\":\"fds\",\"on\":[[\"o\",\"x\",1]]}"), "tasks.5.wait.on: the ends must be"},
	{WITH_WAIT("{\"op\":\"fds\",\"on\":[[7,\"r\",1]]}"), "tasks.5.wait.on: is no name of an object"},
	{WITH_WAIT("{\"op\":\"fds\",\"on\":[[\"o\",\"r\",1e10]]}"), "tasks.5.wait.on: 1e+10 is out of range"},
	{WITH_WAIT("{\"op\":\"fds\",\"on\":[[null,\"r\",1]]}"), NULL},
	{WITH_WAIT("{\"op\":\"child\"}"), "tasks.5.wait.pids: is missing"},
	{WITH_WAIT("{\"op\":\"child\",\"pids\":[0]}"), "tasks.5.wait.pids: 0 is out of range"},
	{WITH_WAIT("{\"op\":\"child\",\"pids\":[true]}"), "tasks.5.wait.pids: is no number"},
	{WITH_WAIT("{\"op\":\"flock\"}"), "tasks.5.wait.key: is missing"},
	{WITH_TASK("\"args\":[\"1\",\"ffffffffffffffff\"]"), NULL},
	{WITH_TASK("\"args\":[\"1ffffffffffffffff\"]"), "tasks.5.args: are no hexadecimal strings"},
	{WITH_TASK("\"args\":[\"-1\"]"), "tasks.5.args: are no hexadecimal strings"},
	{WITH_TASK("\"args\":[1]"), "tasks.5.args: are no hexadecimal strings"},
	{WITH_TASK("\"args\":[\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"]"), "tasks.5.args: are more than six"},
	{WITH_TASK("\"runs\":-1"), "tasks.5.runs: -1 is out of range"},
	{WITH_TASK("\"runs\":\"18446744073709551616\""), "tasks.5.runs: is no count"},
	{WITH_TASK("\"state\":\"SS\""), "tasks.5.state: is no single letter"},
	{FILE_OF("\"5\":{\"pid\":6,\"wait\":" PLAIN "}", PROC(""), "", ""), "task 5 is of process 6, which is not there"},
	{FILE_OF(TASK(PLAIN) "," TASK(PLAIN), PROC(""), "", ""), "task 5 comes twice"},
	{FILE_OF(TASK(PLAIN), PROC("") "," PROC(""), "", ""), "process 5 comes twice"},
	{FILE_OF("\"x\":{\"pid\":5,\"wait\":" PLAIN "}", PROC(""), "", ""), "tasks.x: is no number of a process"},
	{FILE_OF("\"5\":{\"wait\":" PLAIN "}", PROC(""), "", ""), "tasks.5.pid: is missing"},
	{FILE_OF("\"5\":7", PROC(""), "", ""), "tasks.5: is no object"},
	{WITH_PROC("\"tids\":[5]"), NULL},
	{WITH_PROC("\"tids\":[5,6]"), "procs.5.tids: 6 is no task of this process"},
	{WITH_PROC("\"tids\":[]"), "procs.5.tids: 0 are listed, but 1 are there"},
	{WITH_PROC("\"kids\":{}"), "procs.5.kids: is no list"},
	{WITH_PROC("\"shm\":[3]"), "procs.5.shm: is no string"},
	{WITH_PROC("\"forked\":1"), "procs.5.forked: is neither true nor false"},
	{WITH_PROC("\"moved\":false,\"lead\":null,\"net\":true,\"image\":[1]"), NULL},
	{FILE_OF(TASK(PLAIN), "\"5\":{}", "", ""), "procs.5.readable: is missing"},
	{FILE_OF(TASK(PLAIN), "\"5\":{\"readable\":true,\"chld\":false,\"alrm\":\"x\",\"timer\":false,\"fds\":{}}", "", ""),
	 "procs.5.alrm: \"x\" is no use of an alarm"},
	{FILE_OF(TASK(PLAIN), "\"5\":{\"readable\":true,\"chld\":false,\"alrm\":\"no\",\"timer\":false,\"fds\":{\"a\":[]}}", "", ""),
	 "procs.5.fds.a: is no number"},
	{FILE_OF(TASK(PLAIN), "\"5\":{\"readable\":true,\"chld\":false,\"alrm\":\"no\",\"timer\":false,\"fds\":{\"1\":4}}", "", ""),
	 "procs.5.fds.1: is no [object, ends]"},
	{WITH_OBJECT("\"type\":\"pipe\",\"outside\":\"\""), NULL},
	{WITH_OBJECT("\"type\":\"pipe\""), "objs.o.outside: is missing"},
	{WITH_OBJECT("\"type\":\"pipe\",\"outside\":\"q\""), "objs.o.outside: the ends must be"},
	{WITH_OBJECT("\"outside\":\"\""), "objs.o.type: is missing"},
	{WITH_OBJECT("\"type\":\"unix\",\"outside\":\"\",\"peer\":5"), "objs.o.peer: is no name of an object"},
	{WITH_OBJECT("\"type\":\"epoll\",\"outside\":\"\",\"watch\":[5]"), "objs.o.watch: is no list of [object, ends]"},
	{FILE_OF(TASK(PLAIN), PROC(""), "\"o\":{\"type\":\"pipe\",\"outside\":\"\"},\"o\":{}", ""), "objs.o: comes twice"},
	{WITH("\"inflight\":[5]"), "inflight: is no name of an object"},
	{WITH("\"locks\":{\"k\":[\"5\"]}"), "locks.k: is no number"},
	{WITH("\"locks\":[]"), "locks: is no object"},
	{WITH("\"alarms\":{\"5\":1,\"77\":2}"), NULL},
	{WITH("\"alarms\":{\"5\":true}"), "alarms.5: is no number of seconds"},
	{WITH("\"alarms\":3"), "alarms: is no object"},
};

static void bad_files_are_refused_in_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot *s;
		struct err err = {0};
		int rc = snapshot_read(rows[i].text, strlen(rows[i].text), &s, &err);

		if (rows[i].error ? rc != -EINVAL || s || !strstr(err.text, rows[i].error) || strchr(err.text, '\n') : rc != 0)
			fail_msg("%s\nrc %d, \"%s\", not \"%s\"", rows[i].text, rc, err.text, rows[i].error ? rows[i].error : "");
		snapshot_free(s);
	}
}

/** Every cut of a good file is refused, without a byte beyond the cut being read: each lies in memory of just its size. */
static void every_cut_is_refused(void **state)
{
	struct snapshot *s = snap(everything);
	OWNED_TEXT text = {0};

	(void)state;
	snapshot_write(s, &text);
	snapshot_free(s);
	for (size_t n = 0; n + 1 < text.n; n += n % 7 + 1) {
		char *cut = malloc(n ? n : 1);

		memcpy(cut, text.at, n);
		assert_int_equal(snapshot_read(cut, n, &s, NULL), -EINVAL);
		assert_null(s);
		free(cut);
	}
}

static void deep_nesting_is_refused(void **state)
{
	OWNED_TEXT text = {0};
	struct snapshot *s;
	struct err err = {0};

	(void)state;
	text_add(&text, "{\"tasks\":");
	text_addc(&text, '[', 200000);
	assert_int_equal(snapshot_read(text.at, text.n, &s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not JSON, or cut off"));
}

/** Unknown words for objects are kept, and what is only named is an object of which nothing is known. */
static void objects_that_are_only_named(void **state)
{
	static const char text[] = FILE_OF(
		TASK("{\"op\":\"fds\",\"on\":[[\"closed fd 3\",\"r\",3]]}"), PROC(""),
		"\"s\":{\"type\":\"unix\",\"outside\":\"\",\"peer\":\"t\"},\"i\":{\"type\":\"inotify\",\"outside\":\"\"},"
		"\"f\":{\"type\":\"fifo\",\"outside\":\"\"}",
		"");
	struct snapshot *s = parse(text, sizeof text - 1);

	(void)state;
	assert_int_equal(s->nobjects, 6);
	assert_int_equal(s->objects[0].peer, 3);
	assert_string_equal(s->objects[3].name, "t");
	assert_int_equal(s->objects[3].kind, OBJECT_UNKNOWN);
	assert_int_equal(s->objects[1].kind, OBJECT_OTHER);
	assert_string_equal(s->objects[1].type, "inotify");
	assert_int_equal(s->objects[2].kind, OBJECT_PIPE);
	assert_string_equal(s->objects[s->tasks[0].wait.on[0].object].name, "closed fd 3");
	snapshot_free(s);
}

/* ---- order and look-ups ---- */

static void index_sorts_and_finds(void **state)
{
	struct snapshot *s = snap("300 futex\n200/100 futex\n100 futex\n250/300 futex\n");

	(void)state;
	assert_int_equal(s->procs[0].pid, 100);
	assert_int_equal(s->procs[1].first_task, 2);
	assert_int_equal(s->procs[1].ntasks, 2);
	assert_int_equal(s->tasks[1].tid, 200);
	assert_int_equal(s->tasks[2].tid, 250);
	assert_int_equal(s->tasks[2].proc, 1);
	assert_ptr_equal(snapshot_task(s, 200), &s->tasks[1]);
	assert_ptr_equal(snapshot_process(s, 300), &s->procs[1]);
	assert_null(snapshot_process(s, 200));
	assert_null(snapshot_task(s, 7));
	assert_int_equal(snapshot_index(s, NULL), 0); /* twice is as good as once */
	snapshot_free(s);
	snapshot_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields_come_back),
		cmocka_unit_test(heard_alarms_stay_heard),
		cmocka_unit_test(unknown_alarms_stay_unknown),
		cmocka_unit_test(odd_values_are_written_so_that_they_can_be_read),
		cmocka_unit_test(bad_files_are_refused_in_one_line),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(objects_that_are_only_named),
		cmocka_unit_test(index_sorts_and_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
