/* All parsers on the same bytes. clang -fsanitize=fuzzer,address,undefined; the first byte chooses. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "parse/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void values(unsigned which, const char *text, size_t len)
{
	struct stat_line stat;
	struct status_lines status;
	struct schedstat sched;
	struct syscall_line call;
	struct fdinfo info;
	struct current_test test;
	struct unix_socket local;
	struct inet_socket inet;
	struct proc_message message;
	int64_t now_ns;

	switch (which) {
	case 0: parse_stat(text, len, &stat); break;
	case 1: parse_status(text, len, &status); break;
	case 2: parse_schedstat(text, len, &sched); break;
	case 3: parse_syscall(text, len, &call); break;
	case 4: parse_fdinfo(text, len, &info); break;
	case 5: parse_current_test(text, len, &test); break;
	case 6: parse_link(text, len); break;
	case 7: parse_inet_diag(text, len, &inet); break;
	case 8: parse_timer_list_head(text, len, &now_ns); break;
	case 9: parse_proc_message(text, len, &message); break;
	default:
		if (parse_unix_diag(text, len, &local) == 0)
			for (size_t i = 0; i < local.nwaiting; i++)
				parse_unix_waiting(&local, i);
	}
}

static void walkers(const char *text, size_t len)
{
	struct cursor c;
	struct epoll_target target;
	struct mapping mapping;
	struct timer_entry alarm;
	struct file_lock lock;
	pid_t pid;

	for (c = (struct cursor){text, len}; parse_next_pid(&c, &pid);)
		;
	for (c = (struct cursor){text, len}; parse_next_tfd(&c, &target);)
		;
	for (c = (struct cursor){text, len}; parse_next_fdinfo_lock(&c, &lock);)
		;
	for (c = (struct cursor){text, len}; parse_next_lock(&c, &lock);)
		;
	parse_mount_type(text, len, 8, 1, (char[32]){0});
	parse_net_is_loopback(text, len);
	for (c = (struct cursor){text, len}; parse_next_mapping(&c, &mapping);)
		;
	for (c = (struct cursor){text, len}; parse_next_alarm(&c, &alarm);)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();

	if (size) {
		values(data[0] % 11, (const char *)data + 1, size - 1);
		walkers((const char *)data + 1, size - 1);
		parse_cmdline((const char *)data + 1, size - 1, a);
	}
	arena_free(a);
	return 0;
}
