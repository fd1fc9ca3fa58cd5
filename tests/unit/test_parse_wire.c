/* What the preload library writes, as an event; and what anybody else may write in its place. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cmocka.h>

#include "parse/parse.h"
#include "preload/wire.h"

static struct text text;

static int parse(const struct wire_slot *s, const void *words, size_t len, struct event *ev)
{
	text.n = 0;
	text_addn(&text, words, len);
	return parse_wire(s, &text, 7, ev);
}

/** A slot of that kind by thread 11 of process 10. */
#define BY(p, t, ...) (&(const struct wire_slot){.pid = (p), .tid = (t), .at_ns = 5, __VA_ARGS__})
#define SLOT(...)     BY(10, 11, __VA_ARGS__)

static struct event good(const struct wire_slot *s, const char *words)
{
	struct event ev;

	assert_int_equal(parse(s, words, strlen(words), &ev), 0);
	assert_int_equal(ev.source, FROM_SHIM);
	assert_int_equal(ev.id, 7);
	assert_int_equal(ev.at_ns, 5);
	return ev;
}

static void bad(const struct wire_slot *s)
{
	struct event ev;

	assert_int_equal(parse(s, "x", 1, &ev), PARSE_MALFORMED);
}

static void images(void **state)
{
	struct event ev = good(SLOT(.kind = WIRE_START, .value = 0x1f, .extra = 0x7ffc0010, .fd = 9), "/bin/true");

	(void)state;
	assert_int_equal(ev.kind, EVENT_START);
	assert_int_equal(ev.pid, 10);
	assert_int_equal(ev.tid, 11);
	assert_int_equal(ev.token, 0x1f);
	assert_int_equal(ev.image, 0x7ffc0010);
	assert_int_equal(ev.parent, 9);
	assert_int_equal(ev.fd, -1);
	assert_string_equal(ev.text, "/bin/true");
	ev = good(SLOT(.kind = WIRE_START, .value = -1, .fd = -3), "");
	assert_true(ev.token == NO_TOKEN);
	assert_int_equal(ev.parent, 0);

	ev = good(SLOT(.kind = WIRE_EXEC, .fd = 4), "ls");
	assert_int_equal(ev.kind, EVENT_EXEC);
	assert_int_equal(ev.parent, 4);
	assert_string_equal(ev.text, "ls");
	assert_int_equal(good(SLOT(.kind = WIRE_EXEC, .fd = -1), "ls").parent, 0);
	ev = good(SLOT(.kind = WIRE_EXEC_FAILED, .value = ENOENT, .extra = 3), "");
	assert_int_equal(ev.kind, EVENT_EXEC_FAILED);
	assert_int_equal(ev.error, ENOENT);
	assert_int_equal(ev.token, 3);
	ev = good(SLOT(.kind = WIRE_EXIT, .value = 300), "");
	assert_int_equal(ev.kind, EVENT_EXIT);
	assert_int_equal(ev.status, 300);
	assert_false(ev.exact);
}

static void children(void **state)
{
	struct event ev = good(SLOT(.kind = WIRE_FORK, .value = 20), "");

	(void)state;
	assert_int_equal(ev.kind, EVENT_FORK);
	assert_int_equal(ev.pid, 10);
	assert_int_equal(ev.child, 20);
	assert_int_equal(ev.tid, 11);
	/* the child's own word: from the same pair, and known by its tid */
	ev = good(SLOT(.kind = WIRE_BORN, .value = 9), "");
	assert_int_equal(ev.kind, EVENT_FORK);
	assert_int_equal(ev.pid, 9);
	assert_int_equal(ev.child, 10);
	assert_int_equal(ev.tid, 10);
	assert_int_equal(good(SLOT(.kind = WIRE_SPAWN), "prog").kind, EVENT_SPAWN);
	ev = good(SLOT(.kind = WIRE_SPAWNED, .value = 21, .extra = 2), "");
	assert_int_equal(ev.kind, EVENT_SPAWNED);
	assert_int_equal(ev.child, 21);
	assert_int_equal(ev.token, 2);
	assert_int_equal(good(SLOT(.kind = WIRE_SPAWNED, .value = -ENOENT), "").child, 0);
	for (const int64_t *v = (const int64_t[]){0, -1, INT64_MIN, INT64_C(1) << 31, INT64_MAX, 1}; *v != 1; v++) {
		bad(SLOT(.kind = WIRE_FORK, .value = *v));
		bad(SLOT(.kind = WIRE_BORN, .value = *v));
		assert_int_equal(good(SLOT(.kind = WIRE_SPAWNED, .value = *v), "").child, 0);
	}
}

static void sockets(void **state)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(1616), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/x\033.sock"};
	struct event ev;

	(void)state;
	assert_int_equal(parse(SLOT(.kind = WIRE_BIND, .fd = 3, .value = SOCK_STREAM, .error = EADDRINUSE), &four, sizeof four, &ev), 0);
	assert_int_equal(ev.kind, EVENT_BIND);
	assert_int_equal(ev.fd, 3);
	assert_int_equal(ev.error, EADDRINUSE);
	assert_int_equal(ev.socket_type, SOCK_STREAM);
	assert_string_equal(ev.text, "127.0.0.1:1616");
	assert_int_equal(parse(SLOT(.kind = WIRE_LISTEN, .fd = 3), &local, sizeof local, &ev), 0);
	assert_int_equal(ev.kind, EVENT_LISTEN);
	assert_null(strchr(ev.text, '\033'));
	assert_int_equal(strncmp(ev.text, "/run/x", 6), 0);
	/* every length of it, and no address at all */
	for (size_t n = 0; n < sizeof four; n++) {
		assert_int_equal(parse(SLOT(.kind = WIRE_BIND, .fd = 3), &four, n, &ev), 0);
		assert_string_equal(ev.text, "");
	}
	for (size_t n = 0; n < sizeof local; n++)
		assert_int_equal(parse(SLOT(.kind = WIRE_LISTEN, .fd = 3), &local, n, &ev), 0);
}

static void times(void **state)
{
	struct event ev = good(SLOT(.kind = WIRE_ALARM, .value = 8000000000, .extra = 1000), "");

	(void)state;
	assert_int_equal(ev.kind, EVENT_ALARM);
	assert_int_equal(ev.value_ns, 8000000000);
	assert_int_equal(ev.interval_ns, 1000);
	assert_int_equal(good(SLOT(.kind = WIRE_ALARM), "").value_ns, 0);
	bad(SLOT(.kind = WIRE_ALARM, .value = -1));
	bad(SLOT(.kind = WIRE_ALARM, .value = 1, .extra = UINT64_MAX));
	assert_int_equal(good(SLOT(.kind = WIRE_TIMER, .value = CLOCK_MONOTONIC, .error = EINVAL), "").kind, EVENT_TIMER);
	ev = good(SLOT(.kind = WIRE_PDEATHSIG, .value = SIGKILL), "");
	assert_int_equal(ev.kind, EVENT_PDEATHSIG);
	assert_int_equal(ev.status, SIGKILL);
}

static void tests(void **state)
{
	struct event ev = good(SLOT(.kind = WIRE_TEST), "test_a.py::test_b[\xc3\xa4] (call)");

	(void)state;
	assert_int_equal(ev.kind, EVENT_TEST);
	assert_string_equal(ev.text, "test_a.py::test_b[\xc3\xa4] (call)");
	assert_string_equal(good(SLOT(.kind = WIRE_TEST), "").text, "");
	/* what a terminal must not get; what stands behind a NUL */
	assert_int_equal(parse(SLOT(.kind = WIRE_TEST), "a\033[2J\nb\0hidden", 14, &ev), 0);
	assert_null(strchr(ev.text, '\033'));
	assert_null(strchr(ev.text, '\n'));
	assert_null(strstr(ev.text, "hidden"));
}

static void strangers(void **state)
{
	struct event ev;

	(void)state;
	bad(SLOT(.kind = 0));
	bad(SLOT(.kind = WIRE_TEST + 1));
	bad(SLOT(.kind = UINT32_MAX));
	for (uint32_t kind = WIRE_START; kind <= WIRE_TEST; kind++) {
		bad(BY(-1, 11, .kind = kind, .value = 5));
		bad(BY(10, 0, .kind = kind, .value = 5));
		bad(BY(10, INT32_MIN, .kind = kind, .value = 5));
		/* nobody but the supervisor's own announcement has no pid */
		if (kind != WIRE_EXEC)
			bad(BY(0, 0, .kind = kind, .value = 5));
	}
	assert_int_equal(parse(BY(0, 0, .kind = WIRE_EXEC), "make", 4, &ev), 0);
	assert_int_equal(ev.pid, 0);
}

static int done(void **state)
{
	(void)state;
	text_free(&text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(images), cmocka_unit_test(children), cmocka_unit_test(sockets),
		cmocka_unit_test(times),  cmocka_unit_test(tests),    cmocka_unit_test(strangers),
	};

	return cmocka_run_group_tests(all, NULL, done);
}
