/* The files of one task below /proc: stat, status, schedstat, syscall, cmdline. */
#include <string.h>

#include "parse/scan.h"

static void copy_name(char *to, size_t size, const char *from, size_t len)
{
	if (len > size - 1)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

/** Fields 4 to 52 are numbers; the ones that are wanted lie before field 49. */
static int parse_stat_numbers(struct cursor *c, struct stat_line *out)
{
	uint64_t field[49] = {0};
	int *small[9] = {[4] = &out->ppid, [5] = &out->pgrp, [7] = &out->tty, [8] = &out->tpgid};

	for (int i = 4; i < 49; i++) {
		int value;

		if (i < 9 && scan_int(c, &value)) {
			if (small[i])
				*small[i] = value;
			continue;
		}
		scan_blanks(c);
		scan_text(c, "-"); /* priority, nice: not wanted */
		if (!scan_number(c, 10, &field[i])) {
			/* A line that ends early lacks what is behind; the start time must be there. */
			if (i <= 22)
				return PARSE_MALFORMED;
			break;
		}
	}
	out->start_ticks = field[22];
	out->start_stack = field[28];
	out->arg_start = field[48];
	return 0;
}

int parse_stat(const char *text, size_t len, struct stat_line *out)
{
	struct cursor c = {text, len};
	const char *open = memchr(text, '(', len), *shut = memrchr(text, ')', len);

	*out = (struct stat_line){0};
	if (!open || !shut || shut < open || !scan_int(&c, &out->pid))
		return PARSE_MALFORMED;
	copy_name(out->comm, sizeof out->comm, open + 1, (size_t)(shut - open - 1));
	c = (struct cursor){shut + 1, len - (size_t)(shut + 1 - text)};
	scan_blanks(&c);
	if (c.left == 0 || *c.at < 'A' || *c.at > 'z')
		return PARSE_MALFORMED;
	out->state = *c.at;
	c.at++;
	c.left--;
	return parse_stat_numbers(&c, out);
}

static uint64_t field_number(const char *text, size_t len, const char *key, unsigned base)
{
	struct cursor value;
	uint64_t number = 0;

	return scan_field(text, len, key, &value) && scan_number(&value, base, &number) ? number : 0;
}

int parse_status(const char *text, size_t len, struct status_lines *out)
{
	struct cursor value;
	uint64_t tracer = field_number(text, len, "TracerPid:", 10);
	uint64_t threads = field_number(text, len, "Threads:", 10);

	*out = (struct status_lines){
		.sig_pending = field_number(text, len, "SigPnd:", 16),
		.shared_pending = field_number(text, len, "ShdPnd:", 16),
		.blocked = field_number(text, len, "SigBlk:", 16),
		.ignored = field_number(text, len, "SigIgn:", 16),
		.caught = field_number(text, len, "SigCgt:", 16),
		.tracer = tracer > INT32_MAX ? 0 : (pid_t)tracer,
		.threads = threads > UINT32_MAX ? 0 : (unsigned)threads,
		.switches = field_number(text, len, "voluntary_ctxt_switches:", 10) +
			    field_number(text, len, "nonvoluntary_ctxt_switches:", 10),
	};
	return scan_field(text, len, "Pid:", &value) ? 0 : PARSE_MALFORMED;
}

int parse_nspid(const char *text, size_t len, pid_t *inner, int *levels)
{
	struct cursor line;
	uint64_t number;

	*levels = 0;
	if (!scan_field(text, len, "NSpid:", &line))
		return PARSE_MALFORMED;
	for (scan_blanks(&line); scan_number(&line, 10, &number) && number && number <= INT32_MAX; scan_blanks(&line)) {
		*inner = (pid_t)number;
		++*levels;
	}
	return *levels ? 0 : PARSE_MALFORMED;
}

int parse_schedstat(const char *text, size_t len, struct schedstat *out)
{
	struct cursor c = {text, len};

	return scan_number(&c, 10, &out->ran_ns) && scan_number(&c, 10, &out->waited_ns) && scan_number(&c, 10, &out->runs) ?
		       0 :
		       PARSE_MALFORMED;
}

int parse_syscall(const char *text, size_t len, struct syscall_line *out)
{
	struct cursor c = {text, len};

	*out = (struct syscall_line){.number = -1};
	if (scan_text(&c, "running")) {
		out->running = true;
		return 0;
	}
	if (!scan_int(&c, &out->number) || out->number < -1)
		return PARSE_MALFORMED;
	for (int i = 0; out->number >= 0 && i < 6; i++) {
		scan_blanks(&c);
		if (!scan_text(&c, "0x") || !scan_number(&c, 16, &out->args[i]))
			return PARSE_MALFORMED;
	}
	/* Behind the arguments, or alone behind -1: the stack pointer and the program counter. */
	scan_blanks(&c);
	if (!scan_text(&c, "0x") || !scan_number(&c, 16, &out->stack_pointer))
		return 0;
	scan_blanks(&c);
	if (!scan_text(&c, "0x") || !scan_number(&c, 16, &out->program_counter))
		out->stack_pointer = 0;
	return 0;
}

char **parse_cmdline(const char *text, size_t len, struct arena *a)
{
	size_t n = 0, i = 0;

	while (len && text[len - 1] == '\0') /* setproctitle pads with them */
		len--;
	for (size_t k = 0; k < len; k++)
		n += text[k] == '\0';

	char **words = arena_array(a, n + 2, sizeof *words);

	for (size_t at = 0; at < len;) {
		size_t size = strnlen(text + at, len - at);

		words[i] = arena_strndup(a, text + at, size);
		text_clean(words[i++], size);
		at += size + 1;
	}
	return words;
}
