/* Events as lines for the screen, and as JSON lines. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "report/report.h"

#define MS NS_PER_MS
#define AT .since_ns = 1234567890, .pid = 12, .label = "pytest"

static const struct {
	struct report_event e;
	const char *line, *json;
} rows[] = {
	{{AT, .kind = EVENT_FORK, .source = FROM_SHIM, .parent = 7, .parent_label = "make", .text = ""},
	 "tracewrap: 1.235 s  make[7] forked 12\n",
	 "{\"t\":1.234567,\"event\":\"fork\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"parent\":7}\n"},
	{{AT, .kind = EVENT_FORK, .source = FROM_SAMPLER, .text = ""},
	 "tracewrap: 1.235 s  pytest[12] began\n",
	 "{\"t\":1.234567,\"event\":\"fork\",\"pid\":12,\"label\":\"pytest\",\"from\":\"proc\",\"parent\":null}\n"},
	{{AT, .kind = EVENT_EXEC, .source = FROM_TRACER, .text = "/bin/sh -c true"},
	 "tracewrap: 1.235 s  pytest[12] ran /bin/sh -c true\n",
	 "{\"t\":1.234567,\"event\":\"exec\",\"pid\":12,\"label\":\"pytest\",\"from\":\"tracer\",\"file\":\"/bin/sh -c true\"}\n"},
	{{.pid = 12, .label = "", .kind = EVENT_EXEC, .source = FROM_CONNECTOR, .text = ""},
	 "tracewrap: 0.000 s  process[12] ran another program\n",
	 "{\"t\":0,\"event\":\"exec\",\"pid\":12,\"label\":null,\"from\":\"kernel\",\"file\":null}\n"},
	{{AT, .kind = EVENT_BIND, .text = "127.0.0.1:1616", .socket_type = SOCK_STREAM},
	 "tracewrap: 1.235 s  pytest[12] bound 127.0.0.1:1616\n",
	 "{\"t\":1.234567,\"event\":\"bind\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"address\":\"127.0.0.1:1616\","
	 "\"socket\":\"stream\",\"errno\":0}\n"},
	{{AT, .kind = EVENT_BIND, .text = "[::1]:80", .error = EADDRINUSE, .socket_type = SOCK_DGRAM},
	 "tracewrap: 1.235 s  pytest[12] can't bind, in use: [::1]:80\n",
	 "{\"t\":1.234567,\"event\":\"bind\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"address\":\"[::1]:80\","
	 "\"socket\":\"datagram\",\"errno\":98}\n"},
	{{AT, .kind = EVENT_LISTEN, .source = FROM_LISTENER, .text = "/run/x.sock", .error = -1},
	 "tracewrap: 1.235 s  pytest[12] is about to listen on /run/x.sock\n",
	 "{\"t\":1.234567,\"event\":\"listen\",\"pid\":12,\"label\":\"pytest\",\"from\":\"filter\",\"address\":\"/run/x.sock\","
	 "\"socket\":null,\"errno\":null}\n"},
	{{AT, .kind = EVENT_LISTEN, .text = "127.0.0.1:1616"},
	 "tracewrap: 1.235 s  pytest[12] listens on 127.0.0.1:1616\n", NULL},
	{{AT, .kind = EVENT_ALARM, .text = "", .value_ns = 7000 * MS},
	 "tracewrap: 1.235 s  pytest[12] alarm in 7.0 s\n",
	 "{\"t\":1.234567,\"event\":\"alarm\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"in_s\":7,\"every_s\":null}\n"},
	{{AT, .kind = EVENT_ALARM, .text = "", .value_ns = 500 * MS, .interval_ns = 1500 * MS},
	 "tracewrap: 1.235 s  pytest[12] alarm in 0.5 s, then every 1.5 s\n",
	 "{\"t\":1.234567,\"event\":\"alarm\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"in_s\":0.5,\"every_s\":1.5}\n"},
	{{AT, .kind = EVENT_ALARM, .text = ""}, "tracewrap: 1.235 s  pytest[12] has no alarm any more\n", NULL},
	{{AT, .kind = EVENT_TIMER, .text = ""},
	 "tracewrap: 1.235 s  pytest[12] made a timer\n",
	 "{\"t\":1.234567,\"event\":\"timer\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\"}\n"},
	{{AT, .kind = EVENT_TEST, .text = "tests/test_a.py::test_b[x y]"},
	 "tracewrap: 1.235 s  pytest[12] test tests/test_a.py::test_b[x y]\n",
	 "{\"t\":1.234567,\"event\":\"test\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"test\":\"tests/test_a.py::test_b[x y]\"}\n"},
	{{AT, .kind = EVENT_TEST, .text = ""}, "tracewrap: 1.235 s  pytest[12] its test is over\n",
	 "{\"t\":1.234567,\"event\":\"test\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"test\":null}\n"},
	{{AT, .kind = EVENT_EXIT, .source = FROM_CONNECTOR, .text = "", .exit = EXIT_CODE, .exit_value = 3},
	 "tracewrap: 1.235 s  pytest[12] ended with code 3\n",
	 "{\"t\":1.234567,\"event\":\"exit\",\"pid\":12,\"label\":\"pytest\",\"from\":\"kernel\",\"code\":3,\"signal\":null}\n"},
	{{AT, .kind = EVENT_EXIT, .text = "", .exit = EXIT_SIGNAL, .exit_value = SIGKILL},
	 "tracewrap: 1.235 s  pytest[12] was ended by SIGKILL\n",
	 "{\"t\":1.234567,\"event\":\"exit\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"code\":null,\"signal\":\"SIGKILL\"}\n"},
	{{AT, .kind = EVENT_EXIT, .text = ""}, "tracewrap: 1.235 s  pytest[12] ended\n",
	 "{\"t\":1.234567,\"event\":\"exit\",\"pid\":12,\"label\":\"pytest\",\"from\":\"library\",\"code\":null,\"signal\":null}\n"},
};

static void events_are_told(void **state)
{
	const struct text_style style = {.width = 80};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED_TEXT line = {0};
		OWNED_TEXT json = {0};

		report_event_line(&rows[i].e, &style, &line);
		report_event_json(&rows[i].e, &json);
		assert_string_equal(text_str(&line), rows[i].line);
		if (rows[i].json)
			assert_string_equal(text_str(&json), rows[i].json);
	}
}

/** One line, as wide as asked for, whatever the names are; and one that a pipe takes in one piece (PIPE_BUF). */
static void names_are_made_fit(void **state)
{
	const struct text_style style = {.width = 60};
	static char longest[5000];
	struct report_event e = {AT, .kind = EVENT_TEST, .text = longest};
	OWNED_TEXT line = {0};
	OWNED_TEXT json = {0};

	(void)state;
	memset(longest, '\033', sizeof longest - 5);
	strcpy(longest + sizeof longest - 5, "\nend");
	e.label = "a\nvery\033[31mlong label that goes on and on";
	report_event_line(&e, &style, &line);
	report_event_json(&e, &json);
	assert_true(line.n <= 61 && json.n < 4096);
	for (const struct text *t = &line; t; t = t == &line ? &json : NULL) {
		assert_ptr_equal(strchr(t->at, '\n'), t->at + t->n - 1);
		assert_null(strchr(t->at, '\033'));
	}
	assert_non_null(strstr(line.at, "...end\n"));

	cJSON *row = cJSON_Parse(json.at);

	assert_non_null(row);
	cJSON_Delete(row);
}

static void the_last_line_counts_what_is_missing(void **state)
{
	OWNED_TEXT json = {0};

	(void)state;
	report_events_end(2500 * MS, 7, &json);
	assert_string_equal(text_str(&json), "{\"t\":2.5,\"event\":\"end\",\"dropped\":7}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_told),
		cmocka_unit_test(names_are_made_fit),
		cmocka_unit_test(the_last_line_counts_what_is_missing),
	};

	return cmocka_run_group_tests_name("report event", tests, NULL, NULL);
}
