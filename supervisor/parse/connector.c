/* Messages of the proc connector: a struct cn_msg, and in it a struct proc_event (connector.h and cn_proc.h of the kernel). */
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <stddef.h>
#include <string.h>

#include "parse/parse.h"

/* Bits of proc_event.what, by their numbers: they stand inside the structure in older headers, in an enum of their own in newer. */
enum { WHAT_ACK = 0, WHAT_FORK = 1, WHAT_EXEC = 2 };
#define WHAT_EXIT 0x80000000U

enum { HEAD = offsetof(struct proc_event, event_data) };

static bool has(size_t len, size_t want)
{
	return len >= HEAD + want;
}

/** Older kernels send less behind an event than newer ones do: only what is used has to be there. */
static int take_event(uint32_t what, const struct proc_event *ev, size_t len, struct proc_message *out)
{
	switch (what) {
	case WHAT_ACK:
		out->kind = PROC_ACK;
		out->error = (int)ev->event_data.ack.err;
		return has(len, sizeof ev->event_data.ack) ? 0 : PARSE_MALFORMED;
	case WHAT_FORK:
		out->kind = PROC_FORK;
		out->tid = ev->event_data.fork.parent_pid;
		out->pid = ev->event_data.fork.parent_tgid;
		out->child_tid = ev->event_data.fork.child_pid;
		out->child = ev->event_data.fork.child_tgid;
		return has(len, sizeof ev->event_data.fork) ? 0 : PARSE_MALFORMED;
	case WHAT_EXEC:
		out->kind = PROC_EXEC;
		out->tid = ev->event_data.exec.process_pid;
		out->pid = ev->event_data.exec.process_tgid;
		return has(len, sizeof ev->event_data.exec) ? 0 : PARSE_MALFORMED;
	case WHAT_EXIT:
		out->kind = PROC_EXIT;
		out->tid = ev->event_data.exit.process_pid;
		out->pid = ev->event_data.exit.process_tgid;
		out->status = (int)ev->event_data.exit.exit_code;
		return has(len, offsetof(struct exit_proc_event, exit_signal)) ? 0 : PARSE_MALFORMED;
	default: /* uids, sessions, names, cores: nothing that the history is made of */
		return 0;
	}
}

int parse_proc_message(const void *data, size_t len, struct proc_message *out)
{
	struct cn_msg head;
	struct proc_event ev = {0};
	uint32_t what;

	*out = (struct proc_message){0};
	if (len < sizeof head)
		return PARSE_MALFORMED;
	memcpy(&head, data, sizeof head);
	len -= sizeof head;
	if (head.id.idx != CN_IDX_PROC || head.id.val != CN_VAL_PROC || head.len > len || head.len < HEAD)
		return PARSE_MALFORMED;
	len = head.len < sizeof ev ? head.len : sizeof ev;
	memcpy(&ev, (const char *)data + sizeof head, len);
	memcpy(&what, &ev, sizeof what);
	out->at_ns = (int64_t)ev.timestamp_ns;
	return take_event(what, &ev, len, out);
}
