/* One event as a line for the screen, and as a JSON object. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "report/facts.h"
#include "report/page.h"
#include "report/value.h"

/* A test's or a file's name may be long; a line that is written in one piece to a pipe is at most PIPE_BUF (pipe(7)). */
enum { TEXT_MOST = 600, WHO_MOST = 24 };

/* ---- for the screen ---- */

static void add_who(struct text *out, const char *label, pid_t pid)
{
	page_fit(out, label && *label ? label : "process", WHO_MOST);
	text_addf(out, "[%d]", (int)pid);
}

static void add_bind(struct text *out, const struct report_event *e)
{
	bool listens = e->kind == EVENT_LISTEN;

	if (e->error < 0)
		text_add(out, listens ? "is about to listen on " : "is about to bind ");
	else if (e->error == 0)
		text_add(out, listens ? "listens on " : "bound ");
	else if (e->error == EADDRINUSE)
		text_add(out, listens ? "can't listen, in use: " : "can't bind, in use: ");
	else if (e->error == EACCES)
		text_add(out, listens ? "can't listen, no permission: " : "can't bind, no permission: ");
	else
		text_addf(out, "can't %s (errno %d) ", listens ? "listen on" : "bind", e->error);
}

static double in_seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static void add_alarm(struct text *out, const struct report_event *e)
{
	if (e->value_ns <= 0) {
		text_add(out, "has no alarm any more");
		return;
	}
	text_addf(out, "alarm in %.1f s", in_seconds(e->value_ns));
	if (e->interval_ns > 0)
		text_addf(out, ", then every %.1f s", in_seconds(e->interval_ns));
}

static void add_exit(struct text *out, const struct report_event *e)
{
	char name[16];

	if (e->exit == EXIT_CODE)
		text_addf(out, "ended with code %d", e->exit_value);
	else if (e->exit == EXIT_SIGNAL)
		text_addf(out, "was ended by %s", word_signal(e->exit_value, name));
	else
		text_add(out, "ended");
}

/** All but `text`. */
static void add_what(struct text *out, const struct report_event *e)
{
	switch (e->kind) {
	case EVENT_FORK:
		if (e->parent > 0)
			text_addf(out, "forked %d", (int)e->pid);
		else
			text_add(out, "began");
		break;
	case EVENT_EXEC:
		text_add(out, *e->text ? "ran " : "ran another program");
		break;
	case EVENT_BIND:
	case EVENT_LISTEN:
		add_bind(out, e);
		break;
	case EVENT_ALARM:
		add_alarm(out, e);
		break;
	case EVENT_TIMER:
		text_add(out, "made a timer");
		break;
	case EVENT_TEST:
		text_add(out, *e->text ? "test " : "its test is over");
		break;
	case EVENT_EXIT:
		add_exit(out, e);
		break;
	case EVENT_START:
	case EVENT_EXEC_FAILED:
	case EVENT_SPAWN:
	case EVENT_SPAWNED:
	case EVENT_PDEATHSIG:
		text_add(out, event_kind_name(e->kind));
		break;
	}
}

void report_event_line(const struct report_event *e, const struct text_style *style, struct text *out)
{
	OWNED_TEXT line = {0};

	text_addf(&line, "tracewrap: %.3f s  ", in_seconds(e->since_ns));
	if (e->kind == EVENT_FORK && e->parent > 0)
		add_who(&line, e->parent_label, e->parent);
	else
		add_who(&line, e->label, e->pid);
	text_add(&line, " ");
	add_what(&line, e);

	size_t used = page_width(text_str(&line)), room = used < style->width ? style->width - used : 0;

	page_fit(out, text_str(&line), style->width);
	if (e->text && *e->text && room > 3) {
		/* of paths and tests the end says more, of command lines the beginning */
		if (e->kind == EVENT_EXEC && strchr(e->text, ' '))
			page_fit(out, e->text, room);
		else
			page_fit_end(out, e->text, room);
	}
	text_add(out, "\n");
}

/* ---- as JSON ---- */

static cJSON *name_or_null(const char *text)
{
	OWNED_TEXT fit = {0};

	if (!text || !*text)
		return cJSON_CreateNull();
	page_fit(&fit, text, TEXT_MOST);
	return string(text_str(&fit));
}

static const char *source_name(enum event_source source)
{
	switch (source) {
	case FROM_SHIM:
		return "library";
	case FROM_TRACER:
		return "tracer";
	case FROM_LISTENER:
		return "filter";
	case FROM_CONNECTOR:
		return "kernel";
	case FROM_SAMPLER:
		break;
	}
	return "proc";
}

static void put_bind(cJSON *row, const struct report_event *e)
{
	put(row, "address", name_or_null(e->text));
	put(row, "socket", string(e->socket_type == SOCK_STREAM ? "stream" : e->socket_type == SOCK_DGRAM ? "datagram" :
				  e->socket_type == SOCK_SEQPACKET ? "seqpacket" : NULL));
	put(row, "errno", e->error < 0 ? cJSON_CreateNull() : number(e->error));
}

static void put_exit(cJSON *row, const struct report_event *e)
{
	char name[16];

	put(row, "code", e->exit == EXIT_CODE ? number(e->exit_value) : cJSON_CreateNull());
	put(row, "signal", string(e->exit == EXIT_SIGNAL ? word_signal(e->exit_value, name) : NULL));
}

static void put_what(cJSON *row, const struct report_event *e)
{
	switch (e->kind) {
	case EVENT_FORK:
		put(row, "parent", e->parent > 0 ? number(e->parent) : cJSON_CreateNull());
		break;
	case EVENT_EXEC:
		put(row, "file", name_or_null(e->text));
		break;
	case EVENT_BIND:
	case EVENT_LISTEN:
		put_bind(row, e);
		break;
	case EVENT_ALARM:
		put(row, "in_s", e->value_ns > 0 ? seconds(e->value_ns) : cJSON_CreateNull());
		put(row, "every_s", e->interval_ns > 0 ? seconds(e->interval_ns) : cJSON_CreateNull());
		break;
	case EVENT_TEST:
		put(row, "test", name_or_null(e->text));
		break;
	case EVENT_EXIT:
		put_exit(row, e);
		break;
	case EVENT_START:
	case EVENT_EXEC_FAILED:
	case EVENT_SPAWN:
	case EVENT_SPAWNED:
	case EVENT_TIMER:
	case EVENT_PDEATHSIG:
		break;
	}
}

/** To the microsecond. */
static cJSON *moment(int64_t since_ns)
{
	return cJSON_CreateNumber((double)(since_ns / 1000) / 1e6);
}

static void print_line(cJSON *row, struct text *out)
{
	char *printed = cJSON_PrintUnformatted(row);

	if (!printed)
		base_oom();
	text_add(out, printed);
	text_add(out, "\n");
	cJSON_free(printed);
	cJSON_Delete(row);
}

void report_event_json(const struct report_event *e, struct text *out)
{
	cJSON *row = need(cJSON_CreateObject());

	put(row, "t", moment(e->since_ns));
	put(row, "event", string(event_kind_name(e->kind)));
	put(row, "pid", number(e->pid));
	put(row, "label", name_or_null(e->label));
	put(row, "from", string(source_name(e->source)));
	put_what(row, e);
	print_line(row, out);
}

void report_events_end(int64_t since_ns, uint64_t dropped, struct text *out)
{
	cJSON *row = need(cJSON_CreateObject());

	put(row, "t", moment(since_ns));
	put(row, "event", string("end"));
	put(row, "dropped", number((int64_t)dropped));
	print_line(row, out);
}
