/* When a process began: birth PID prints "exact" or "tick" and two moments of CLOCK_BOOTTIME, in ns, around it. */
#include <stdio.h>
#include <stdlib.h>

#include "sys/sys.h"

int main(int argc, char **argv)
{
	pid_t pid = argc == 2 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
	uint64_t start = pid > 0 ? sys_process_start(pid, NULL) : 0;
	int64_t from_ns, to_ns;

	if (!start) {
		fprintf(stderr, "usage: birth PID\n");
		return 2;
	}

	bool exact = sys_birth(pid, start, &from_ns, &to_ns);

	printf("%s %lld %lld\n", exact ? "exact" : "tick", (long long)from_ns, (long long)to_ns);
	return fflush(stdout) == 0 ? 0 : 1;
}
