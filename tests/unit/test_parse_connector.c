/* Messages of the proc connector, whole and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <linux/cn_proc.h>
#include <linux/connector.h>

#include "parse/parse.h"

/** A copy of its own, for the sanitizer to see what is read behind its end. */
static char *exact(const char *text, size_t len)
{
	char *copy = mem_alloc(len ? len : 1);

	memcpy(copy, text, len);
	return copy;
}

/** A message as the connector sends it, WHAT with the event data of EV. */
static size_t connector_message(unsigned char *buf, uint32_t what, const struct proc_event *ev)
{
	struct cn_msg head = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof *ev};

	memcpy(buf, &head, sizeof head);
	memcpy(buf + sizeof head, ev, sizeof *ev);
	memcpy(buf + sizeof head, &what, sizeof what);
	return sizeof head + sizeof *ev;
}

static void connector_messages(void **state)
{
	unsigned char buf[sizeof(struct cn_msg) + sizeof(struct proc_event)];
	struct proc_event ev = {.timestamp_ns = 77};
	struct proc_message m;

	(void)state;
	ev.event_data.fork = (struct fork_proc_event){11, 10, 21, 20};
	assert_int_equal(parse_proc_message(buf, connector_message(buf, 1, &ev), &m), 0);
	assert_int_equal(m.kind, PROC_FORK);
	assert_int_equal(m.at_ns, 77);
	assert_int_equal(m.tid, 11);
	assert_int_equal(m.pid, 10);
	assert_int_equal(m.child_tid, 21);
	assert_int_equal(m.child, 20);

	ev.event_data.exec = (struct exec_proc_event){12, 12};
	assert_int_equal(parse_proc_message(buf, connector_message(buf, 2, &ev), &m), 0);
	assert_int_equal(m.kind, PROC_EXEC);
	assert_int_equal(m.pid, 12);

	ev.event_data.exit = (struct exit_proc_event){.process_pid = 13, .process_tgid = 12, .exit_code = 3 << 8};
	assert_int_equal(parse_proc_message(buf, connector_message(buf, 0x80000000U, &ev), &m), 0);
	assert_int_equal(m.kind, PROC_EXIT);
	assert_int_equal(m.pid, 12);
	assert_int_equal(m.tid, 13);
	assert_int_equal(m.status, 3 << 8);

	ev.event_data.ack.err = 1;
	assert_int_equal(parse_proc_message(buf, connector_message(buf, 0, &ev), &m), 0);
	assert_int_equal(m.kind, PROC_ACK);
	assert_int_equal(m.error, 1);

	assert_int_equal(parse_proc_message(buf, connector_message(buf, 0x200, &ev), &m), 0); /* a new name */
	assert_int_equal(m.kind, PROC_OTHER);
}

static void connector_messages_cut(void **state)
{
	unsigned char buf[sizeof(struct cn_msg) + sizeof(struct proc_event)];
	struct proc_event ev = {.timestamp_ns = 77};
	struct proc_message m;
	size_t len = connector_message(buf, 1, &ev);

	(void)state;
	for (size_t n = 0; n < len; n++) { /* its own length goes beyond the end */
		unsigned char *part = (unsigned char *)exact((const char *)buf, n);

		assert_int_equal(parse_proc_message(part, n, &m), PARSE_MALFORMED);
		mem_free(part);
	}
	buf[offsetof(struct cn_msg, len)] = offsetof(struct proc_event, event_data) + sizeof ev.event_data.fork;
	assert_int_equal(parse_proc_message(buf, len, &m), 0); /* of a kernel that sends no more than this */
	buf[offsetof(struct cn_msg, len)]--;
	assert_int_equal(parse_proc_message(buf, len, &m), PARSE_MALFORMED);
	connector_message(buf, 1, &ev);
	buf[0] = 9; /* another connector's */
	assert_int_equal(parse_proc_message(buf, len, &m), PARSE_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(connector_messages), cmocka_unit_test(connector_messages_cut)};

	return cmocka_run_group_tests_name("parse the connector", tests, NULL, NULL);
}
