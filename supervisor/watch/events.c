/* Each event as it happens: a line on standard error (-vv), a JSON line in a file (--events). Neither may ever hold the run up: what finds
 * no room is dropped in whole lines, and counted. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parse/parse.h"
#include "watch/leaks.h"
#include "watch/run.h"

/* What may wait for a slow reader, and how much of what goes to the screen is written at once. */
enum { PENDING_MOST = 1 << 20, ENTRIES_MOST = 4096 };
#define SCREEN_LIMIT_NS (100 * NS_PER_MS)
/* To which a start is known, proc_pid_stat(5). */
#define TICK_NS (10 * NS_PER_MS)

struct event_entry {
	int64_t since_ns;
	size_t order;
	char *line, *json; /* NULL: not wanted */
};

struct test_seen {
	pid_t pid;
	char *test;
};

struct events {
	bool to_screen, to_file;
	struct sys_writer writer;
	VEC(struct event_entry) entries; /* since the last push */
	VEC(struct test_seen) tests;     /* by the sampler */
	struct text lines;   /* for the screen */
	struct text pending; /* for the file, from `sent` on */
	size_t sent;
	uint64_t dropped;
	bool cut; /* the screen took a part of a line only */
};

/* ---- opening ---- */

static int open_number(const char *where, struct err *err)
{
	char *end;
	long n = strtol(where + 3, &end, 10);
	int flags, fd;

	if (where[3] < '0' || where[3] > '9' || *end || n > INT32_MAX)
		return err_set(err, -EINVAL, "%s: not the number of a descriptor; right is fd:3", where);
	flags = fcntl((int)n, F_GETFL);
	if (flags < 0)
		return err_set(err, -errno, "%s: %m", where);
	if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH))
		return err_set(err, -EBADF, "%s: not open for writing", where);
	fd = fcntl((int)n, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_set(err, -errno, "%s: %m", where) : fd;
}

int watch_open_events(const char *where, struct err *err)
{
	const int flags = O_CREAT | O_TRUNC | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;

	if (strncmp(where, "fd:", 3) == 0)
		return open_number(where, err);
	/* a FIFO that nobody reads yet can be opened for both (fifo(7)) */
	bool fifo = stat(where, &st) == 0 && S_ISFIFO(st.st_mode);
	int fd = open(where, flags | (fifo ? O_RDWR : O_WRONLY), 0666), up;

	if (fd < 0)
		return err_set(err, -errno, "%s: can't open it for writing: %m", where);
	if (fd > 2)
		return fd;
	up = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the guards keep nothing below */
	if (up < 0)
		err_set(err, -errno, "%s: %m", where);
	close(fd);
	return up;
}

void events_begin(struct run *r)
{
	const struct watch_options *opt = r->opt;

	if (!opt->events_fd && opt->verbosity < SAY_EVENTS)
		return;
	r->events = mem_alloc(sizeof *r->events);
	r->events->to_screen = opt->verbosity >= SAY_EVENTS;
	r->events->to_file = opt->events_fd > 0;
	if (r->events->to_file)
		r->events->writer = sys_writer_open(opt->events_fd);
}

/* ---- writing ---- */

static void push_lines(struct events *e)
{
	OWNED_TEXT whole = {0};

	if (e->lines.n == 0)
		return;
	text_add(&whole, e->cut ? "\n" : "");
	text_addn(&whole, e->lines.at, e->lines.n);
	/* who has let us wait once is waited for no more until there is room */
	e->cut = sys_say(whole.at, whole.n, e->cut ? 0 : SCREEN_LIMIT_NS) != 0;
	e->lines.n = 0;
}

/** Said once: a full disk, a reader that has gone. */
static void give_up(struct run *r, int error)
{
	struct events *e = r->events;

	e->to_file = false;
	sys_writer_close(&e->writer);
	if (r->opt->verbosity > SAY_HANGS)
		say_line(r, "events are written no more (--events): %s", strerror(error));
}

static void push_pending(struct run *r)
{
	struct events *e = r->events;

	while (e->to_file && e->sent < e->pending.n) {
		ssize_t n = sys_writer_write(&e->writer, e->pending.at + e->sent, e->pending.n - e->sent);

		if (n >= 0)
			e->sent += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			give_up(r, errno);
	}
	if (e->sent == 0)
		return;
	e->pending.n -= e->sent;
	memmove(e->pending.at, e->pending.at + e->sent, e->pending.n);
	e->sent = 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct event_entry *x = a, *y = b;

	if (x->since_ns != y->since_ns)
		return x->since_ns < y->since_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/** Those who tell come one after the other; what they have told since the last time is put in order. */
static void sort_out(struct events *e)
{
	if (e->entries.n)
		qsort(e->entries.at, e->entries.n, sizeof *e->entries.at, compare_entries);
	for (size_t i = 0; i < e->entries.n; i++) {
		struct event_entry *entry = &e->entries.at[i];

		if (entry->line)
			text_add(&e->lines, entry->line);
		if (entry->json && e->pending.n >= PENDING_MOST)
			e->dropped++;
		else if (entry->json)
			text_add(&e->pending, entry->json);
		mem_free(entry->line);
		mem_free(entry->json);
	}
	e->entries.n = 0;
}

static void push(struct run *r)
{
	sort_out(r->events);
	push_lines(r->events);
	push_pending(r);
}

void events_push(struct run *r)
{
	events_notes(r);
	if (r->events)
		push(r);
}

void events_end(struct run *r)
{
	struct events *e = r->events;

	if (!e)
		return;
	events_push(r);
	if (e->to_file)
		report_events_end(sys_monotonic_ns() - r->started_ns, e->dropped, &e->pending);
	push(r);
}

/* ---- what is told ---- */

static const char *label_of(const struct run *r, pid_t pid, struct arena *a)
{
	const struct process_row *row = pid > 0 ? history_last(r->history, pid) : NULL;
	char label[64];

	if (!row || !row->cmdline_len)
		return "";

	struct process p = {.argv = parse_cmdline(row->cmdline, row->cmdline_len, a)};
	const char *slash = p.argv[0] ? strrchr(p.argv[0], '/') : NULL;

	p.comm = slash ? slash + 1 : p.argv[0];
	process_label(&p, label, sizeof label);
	return arena_strdup(a, label);
}

static char *give_text(struct text *t)
{
	char *at = t->at;

	*t = (struct text){0};
	return at;
}

static void tell(struct run *r, struct report_event *what, int64_t at_ns)
{
	struct events *e = r->events;
	struct text_style style = {.color = false, .width = r->opt->width};
	struct arena *a = arena_new();
	struct text line = {0}, json = {0};

	what->since_ns = at_ns > r->started_ns ? at_ns - r->started_ns : 0;
	what->label = label_of(r, what->pid, a);
	what->parent_label = label_of(r, what->parent, a);
	if (what->kind == EVENT_EXEC || what->kind == EVENT_SPAWN)
		what->text = mask_text(r, what->text, a);
	if (e->to_screen)
		report_event_line(what, &style, &line);
	if (e->to_file)
		report_event_json(what, &json);
	arena_free(a);
	vec_push(&e->entries, (struct event_entry){what->since_ns, e->entries.n, give_text(&line), give_text(&json)});
	if (e->entries.n >= ENTRIES_MOST)
		push(r);
}

void events_heard(struct run *r, const struct event *ev)
{
	if (!r->events || (ev->kind != EVENT_BIND && ev->kind != EVENT_LISTEN && ev->kind != EVENT_ALARM && ev->kind != EVENT_TIMER))
		return;

	struct report_event what = {
		.kind = ev->kind,
		.source = ev->source,
		.pid = ev->pid,
		.text = ev->text,
		.error = ev->error,
		.socket_type = ev->socket_type,
		.value_ns = ev->value_ns,
		.interval_ns = ev->interval_ns,
	};

	tell(r, &what, ev->at_ns);
}

static void set_test(struct process_row *row, const char *test)
{
	row->test = test ? strcpy(mem_alloc(strlen(test) + 1), test) : NULL;
}

/** Whom the sampler alone has seen was made in the test that ran then: heard exactly, or else seen before and behind its start, which is
 *  known at its end. */
static void give_test(struct run *r, const struct history_note *note)
{
	struct process_row *row = history_last(r->history, note->pid);
	const char *test = NULL;

	if (!row || row->test || !r->tree || row->pid == launch_command(r->launch))
		return;
	test = tree_test_at(r->tree, note->pid, row->started_ns);
	if (!test && row->ppid > 0)
		test = tree_test_at(r->tree, row->ppid, row->started_ns);
	if (!test && note->kind == EVENT_EXIT && r->leaks && r->opt->mode != MODE_PRELOAD)
		test = leaks_test_of(r, row->pid, row->ppid, row->started_ns, row->started_ns + TICK_NS);
	set_test(row, test);
}

void events_test_seen(struct run *r, pid_t pid, const char *test)
{
	struct events *e = r->events;
	struct test_seen *known = NULL;

	if (!e || r->opt->mode == MODE_PRELOAD) /* there they are heard */
		return;
	test = test ? test : "";
	for (size_t i = 0; i < e->tests.n; i++)
		if (e->tests.at[i].pid == pid)
			known = &e->tests.at[i];
	if (known ? strcmp(known->test, test) == 0 : !*test)
		return;
	if (!known) {
		vec_push(&e->tests, (struct test_seen){.pid = pid});
		known = &e->tests.at[e->tests.n - 1];
	}
	mem_free(known->test);
	known->test = strcpy(mem_alloc(strlen(test) + 1), test);
	history_test(r->history, pid, test, sys_monotonic_ns(), FROM_SAMPLER);
}

void events_notes(struct run *r)
{
	struct history_note note;

	while (history_next_note(r->history, &note)) {
		struct report_event what = {
			.kind = note.kind,
			.source = note.source,
			.pid = note.pid,
			.parent = note.ppid == getpid() ? 0 : note.ppid, /* the command is ours, and orphans are now */
			.text = note.text ? note.text : "",
			.exit = note.exit,
			.exit_value = note.exit_value,
		};

		if ((note.kind == EVENT_FORK && note.source == FROM_SAMPLER) || note.kind == EVENT_EXIT)
			give_test(r, &note);
		if (r->events)
			tell(r, &what, note.at_ns);
	}
}
