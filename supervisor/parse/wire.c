/* What the preload library wrote -> an event. Any process of the tree may write anything there. */
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "parse/parse.h"
#include "preload/wire.h"

enum { ADDRESS_MOST = 128 };

/** Pids are positive; the announcement of the command has none yet. */
static bool pid_fits(const struct wire_slot *s)
{
	return s->pid > 0 ? s->tid > 0 : s->pid == 0 && s->kind == WIRE_EXEC;
}

static int put_address(struct text *text)
{
	char words[ADDRESS_MOST];
	bool known = parse_address(text_str(text), text->n, words, sizeof words) == 0;

	text->n = 0;
	text_add(text, known ? words : "");
	return 0;
}

static void put_words(struct text *text)
{
	size_t n = text->n ? strnlen(text->at, text->n) : 0;

	text->n = n;
	text_add(text, ""); /* the NUL */
	if (n)
		text_clean(text->at, n);
}

static bool is_pid(int64_t value)
{
	return value > 0 && value <= INT32_MAX;
}

static void put_parent(struct event *ev)
{
	ev->parent = ev->fd > 0 ? ev->fd : 0;
	ev->fd = -1;
}

static int by_kind(const struct wire_slot *s, struct text *text, struct event *ev)
{
	switch ((enum wire_kind)s->kind) {
	case WIRE_START:
		ev->kind = EVENT_START;
		put_parent(ev);
		ev->token = (uint64_t)s->value;
		ev->image = s->extra;
		return 0;
	case WIRE_BORN:
	case WIRE_FORK:
		if (!is_pid(s->value))
			return PARSE_MALFORMED;
		ev->kind = EVENT_FORK;
		ev->pid = s->kind == WIRE_BORN ? (pid_t)s->value : s->pid;
		ev->child = s->kind == WIRE_BORN ? s->pid : (pid_t)s->value;
		ev->tid = s->kind == WIRE_BORN ? ev->child : s->tid;
		return 0;
	case WIRE_EXEC:
		ev->kind = EVENT_EXEC;
		put_parent(ev);
		return 0;
	case WIRE_EXEC_FAILED:
		ev->kind = EVENT_EXEC_FAILED;
		ev->error = (int)(uint16_t)s->value;
		ev->token = s->extra;
		return 0;
	case WIRE_SPAWN:
		ev->kind = EVENT_SPAWN;
		return 0;
	case WIRE_SPAWNED:
		ev->kind = EVENT_SPAWNED;
		ev->child = is_pid(s->value) ? (pid_t)s->value : 0;
		ev->token = s->extra;
		return 0;
	case WIRE_EXIT:
		ev->kind = EVENT_EXIT;
		ev->status = (int)s->value;
		return 0;
	case WIRE_BIND:
	case WIRE_LISTEN:
		ev->kind = s->kind == WIRE_BIND ? EVENT_BIND : EVENT_LISTEN;
		ev->socket_type = (int)(uint16_t)s->value;
		return put_address(text);
	case WIRE_ALARM:
		if (s->value < 0 || (int64_t)s->extra < 0)
			return PARSE_MALFORMED;
		ev->kind = EVENT_ALARM;
		ev->value_ns = s->value;
		ev->interval_ns = (int64_t)s->extra;
		return 0;
	case WIRE_TIMER:
		ev->kind = EVENT_TIMER;
		return 0;
	case WIRE_PDEATHSIG:
		ev->kind = EVENT_PDEATHSIG;
		ev->status = (int)(uint16_t)s->value;
		return 0;
	case WIRE_TEST:
		ev->kind = EVENT_TEST;
		return 0;
	}
	return PARSE_MALFORMED;
}

int parse_wire(const struct wire_slot *s, struct text *text, uint64_t pos, struct event *out)
{
	int rc;

	*out = (struct event){
		.source = FROM_SHIM,
		.id = pos,
		.at_ns = s->at_ns,
		.pid = s->pid,
		.tid = s->tid,
		.fd = s->fd,
		.error = s->error,
		.token = NO_TOKEN,
	};
	if (!pid_fits(s))
		return PARSE_MALFORMED;
	rc = by_kind(s, text, out);
	put_words(text);
	out->text = text_str(text);
	return rc;
}
