/* Tables: the memory map of a process, the armed timers of the machine. */
#include <string.h>

#include "parse/scan.h"

/** "55d0-55e0 rw-s 00001000 08:01 4711    /dev/shm/x (deleted)" */
static bool mapping_line(struct cursor c, struct mapping *out)
{
	const char *flags, *device;
	size_t nflags, ndevice;

	*out = (struct mapping){0};
	if (!scan_number(&c, 16, &out->start) || !scan_text(&c, "-") || !scan_number(&c, 16, &out->end) ||
	    !scan_word(&c, &flags, &nflags) || nflags < 4 || !scan_number(&c, 16, &out->offset) ||
	    !scan_word(&c, &device, &ndevice) || ndevice >= sizeof out->device || !scan_number(&c, 10, &out->inode))
		return false;
	memcpy(out->device, device, ndevice);
	out->readable = flags[0] == 'r';
	out->executable = flags[2] == 'x';
	out->shared = flags[3] == 's';
	scan_blanks(&c);
	out->path = c.at;
	out->path_len = c.left;
	out->deleted = c.left >= 10 && memcmp(c.at + c.left - 10, " (deleted)", 10) == 0;
	return true;
}

bool parse_next_mapping(struct cursor *c, struct mapping *out)
{
	struct cursor line;

	while (parse_line(c, &line.at, &line.left))
		if (mapping_line(line, out))
			return true;
	return false;
}

/** "36 35 98:0 /top /where rw,noatime master:1 - ext3 /dev/root rw"; a dash ends the optional fields. */
static bool mount_line(struct cursor line, unsigned major, unsigned minor, char type[32])
{
	uint64_t skipped, a, b;
	const char *word;
	size_t len;

	if (!scan_number(&line, 10, &skipped) || !scan_number(&line, 10, &skipped) || !scan_number(&line, 10, &a) ||
	    !scan_text(&line, ":") || !scan_number(&line, 10, &b) || a != major || b != minor || !scan_behind(&line, " - ") ||
	    !scan_word(&line, &word, &len) || len >= 32)
		return false;
	memcpy(type, word, len);
	type[len] = '\0';
	return true;
}

bool parse_mount_type(const char *text, size_t len, unsigned major, unsigned minor, char type[32])
{
	struct cursor c = {text, len}, line;

	while (parse_line(&c, &line.at, &line.left))
		if (mount_line(line, major, minor, type))
			return true;
	return false;
}

static bool scan_ns(struct cursor *c, int64_t *out)
{
	uint64_t value;

	if (!scan_number(c, 10, &value) || value > INT64_MAX)
		return false;
	*out = (int64_t)value;
	return true;
}

bool parse_timer_list_head(const char *text, size_t len, int64_t *now_ns)
{
	struct cursor c = {text, len};

	return scan_text(&c, "Timer List Version") && scan_behind(&c, "\nnow at ") && scan_ns(&c, now_ns);
}

/** " #3: <000000005e0a1b2c>, it_real_fn, S:01". The address may be missing or "(ptrval)": 0 then. */
static bool alarm_line(struct cursor line, uint64_t *timer)
{
	struct cursor address = line;

	*timer = 0;
	if (!scan_behind(&line, ", it_real_fn"))
		return false;
	if (scan_behind(&address, "<"))
		scan_number(&address, 16, timer);
	return true;
}

bool parse_next_alarm(struct cursor *c, struct timer_entry *out)
{
	struct cursor line;

	while (parse_line(c, &line.at, &line.left)) {
		if (!alarm_line(line, &out->timer))
			continue;
		if (parse_line(c, &line.at, &line.left) && scan_behind(&line, "expires at ") &&
		    scan_ns(&line, &out->expires_ns))
			return true;
	}
	return false;
}
