/* Descriptors: where their link points, what fdinfo says, which locks are held through them. */
#include <string.h>

#include "parse/scan.h"

static const struct {
	const char *name;
	enum link_kind kind;
} anonymous[] = {
	{"[eventfd]", LINK_EVENTFD}, {"[eventpoll]", LINK_EPOLL}, {"[timerfd]", LINK_TIMERFD}, {"[signalfd]", LINK_SIGNALFD},
	{"[pidfd]", LINK_PIDFD}, {"inotify", LINK_INOTIFY}, {"[io_uring]", LINK_IO_URING},
};

static bool whole_text(struct cursor c, const char *s)
{
	return c.left == strlen(s) && memcmp(c.at, s, c.left) == 0;
}

/** "[4711]" to the end. */
static bool bracketed(struct cursor c, uint64_t *number)
{
	return scan_text(&c, "[") && scan_number(&c, 10, number) && whole_text(c, "]");
}

static enum link_kind anonymous_kind(struct cursor name)
{
	for (size_t i = 0; i < ARRAY_SIZE(anonymous); i++)
		if (whole_text(name, anonymous[i].name))
			return anonymous[i].kind;
	return LINK_ANON;
}

/** "3" of "/dev/pts/3", of "/dev/pts/3 (deleted)", too. */
static bool terminal_index(struct cursor c, uint64_t *number)
{
	return scan_number(&c, 10, number) && (c.left == 0 || whole_text(c, " (deleted)"));
}

static bool ends_with(const char *text, size_t len, const char *s)
{
	size_t n = strlen(s);

	return len >= n && memcmp(text + len - n, s, n) == 0;
}

struct link_target parse_link(const char *text, size_t len)
{
	struct cursor c = {text, len};
	struct link_target out = {.kind = LINK_FILE, .deleted = ends_with(text, len, " (deleted)")};
	size_t shown = len - (out.deleted ? strlen(" (deleted)") : 0);

	if (scan_text(&c, "pipe:") && bracketed(c, &out.number))
		out.kind = LINK_PIPE;
	else if (scan_text(&c, "socket:") && bracketed(c, &out.number))
		out.kind = LINK_SOCKET;
	else if (scan_text(&c, "anon_inode:"))
		out.kind = anonymous_kind(c);
	else if (scan_text(&c, "/dev/pts/") && terminal_index(c, &out.number))
		out.kind = LINK_PTS;
	else if (ends_with(text, shown, "/ptmx") && *text == '/')
		out.kind = LINK_PTMX;
	else if (len == 8 && memcmp(text, "/dev/tty", 8) == 0)
		out.kind = LINK_TTY;
	else if (len > 5 && memcmp(text, "/dev/", 5) == 0 && (len < 9 || memcmp(text, "/dev/shm/", 9) != 0))
		out.kind = LINK_DEVICE;
	return out;
}

static void fdinfo_number(const char *text, size_t len, const char *key, unsigned base, uint64_t *out)
{
	struct cursor value;

	if (scan_field(text, len, key, &value))
		scan_number(&value, base, out);
}

/** "it_value: (39, 999983000)": what is left of a timer, zero when it is not armed. */
static void fdinfo_timer(const char *text, size_t len, struct fdinfo *out)
{
	struct cursor value;
	uint64_t seconds, ns;

	out->has_it_value = scan_field(text, len, "it_value:", &value);
	out->armed = !(out->has_it_value && scan_text(&value, "(") && scan_number(&value, 10, &seconds) &&
		       scan_text(&value, ",") && scan_number(&value, 10, &ns) && seconds == 0 && ns == 0);
}

int parse_fdinfo(const char *text, size_t len, struct fdinfo *out)
{
	uint64_t flags = UINT64_MAX, tty = UINT32_MAX, scm = 0, id = UINT64_MAX;
	struct cursor value;
	int pid = 0;

	*out = (struct fdinfo){0};
	fdinfo_number(text, len, "flags:", 8, &flags);
	if (flags > UINT32_MAX)
		return PARSE_MALFORMED;
	fdinfo_number(text, len, "ino:", 10, &out->inode);
	fdinfo_number(text, len, "tty-index:", 10, &tty);
	fdinfo_number(text, len, "scm_fds:", 10, &scm);
	fdinfo_number(text, len, "eventfd-id:", 10, &id);
	fdinfo_number(text, len, "sigmask:", 16, &out->sigmask);
	if (scan_field(text, len, "Pid:", &value) && !scan_int(&value, &pid))
		pid = -1;
	out->flags = (unsigned)flags;
	out->tty_index = tty > UINT32_MAX ? UINT32_MAX : (unsigned)tty;
	out->scm_fds = scm > UINT32_MAX ? UINT32_MAX : (unsigned)scm;
	out->has_eventfd_id = id != UINT64_MAX;
	out->eventfd_id = out->has_eventfd_id ? id : 0;
	out->pid = pid;
	fdinfo_timer(text, len, out);
	return 0;
}

bool parse_next_tfd(struct cursor *c, struct epoll_target *out)
{
	struct cursor line;

	while (parse_line(c, &line.at, &line.left)) {
		uint64_t events;

		if (!scan_text(&line, "tfd:") || !scan_int(&line, &out->fd) || !scan_behind(&line, "events:") ||
		    !scan_number(&line, 16, &events))
			continue;
		out->events = (uint32_t)events;
		out->inode = 0;
		if (scan_behind(&line, " ino:"))
			scan_number(&line, 16, &out->inode);
		return true;
	}
	return false;
}

/** "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF"; "->" behind the number marks one that is waited for. */
static bool held_lock(struct cursor line, struct file_lock *out)
{
	const char *word, *end = line.at + line.left;
	size_t len;

	for (int i = 0; i < 4; i++) { /* number, kind, mode, access */
		if (!scan_word(&line, &word, &len) || (len == 2 && memcmp(word, "->", 2) == 0))
			return false;
		if (i == 1)
			out->text = word;
	}
	if (!scan_int(&line, &out->pid) || !scan_word(&line, &word, &len) || len >= sizeof out->key)
		return false;
	memcpy(out->key, word, len);
	out->key[len] = '\0';
	out->len = (size_t)(end - out->text);
	return strchr(out->key, ':') != NULL;
}

/** "1: KIND ..." */
static bool is_lock_of(struct cursor line, const char *kind)
{
	const char *word;
	size_t len;

	return scan_word(&line, &word, &len) && scan_word(&line, &word, &len) && len == strlen(kind) && memcmp(word, kind, len) == 0;
}

bool parse_fdinfo_lease(const char *text, size_t len)
{
	struct cursor line, c = {text, len};

	while (parse_line(&c, &line.at, &line.left))
		if (scan_text(&line, "lock:") && is_lock_of(line, "LEASE"))
			return true;
	return false;
}

bool parse_next_fdinfo_lock(struct cursor *c, struct file_lock *out)
{
	struct cursor line;

	while (parse_line(c, &line.at, &line.left))
		if (scan_text(&line, "lock:") && held_lock(line, out))
			return true;
	return false;
}

bool parse_next_lock(struct cursor *c, struct file_lock *out)
{
	struct cursor line;

	while (parse_line(c, &line.at, &line.left))
		if (held_lock(line, out))
			return true;
	return false;
}
