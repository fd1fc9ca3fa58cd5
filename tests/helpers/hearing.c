/* What the preload library tells, line by line: hearing FILE COMMAND [ARG...]. The command gets the library as tracewrap gives it; nobody
 * watches. Ends with the command's exit code, 128 + N by signal N; what outlives it is waited for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hear/hear.h"

/** kind pid tid child fd error status value_ns interval_ns socket_type token id parent|text */
static void write_events(struct hear *h, FILE *out)
{
	struct event ev;

	while (hear_next(h, &ev))
		fprintf(out, "%s %d %d %d %d %d %d %lld %lld %d %lld %lld %d|%s\n", event_kind_name(ev.kind), ev.pid, ev.tid, ev.child, ev.fd,
			ev.error, ev.status, (long long)ev.value_ns, (long long)ev.interval_ns, ev.socket_type, (long long)ev.token,
			(long long)ev.id, ev.parent, ev.text);
}

static int fail(const char *what)
{
	fprintf(stderr, "hearing: %s: %s\n", what, strerror(errno));
	return 120;
}

int main(int argc, char **argv)
{
	struct hear_options want = {.shim = true};
	struct hear *h;
	struct err err = {0};
	FILE *out = argc > 2 ? fopen(argv[1], "we") : NULL;
	int status, code = 120;
	pid_t pid, ended;

	if (!out)
		return fail("the file");
	if (hear_open(&want, &h, &err) < 0) {
		fprintf(stderr, "hearing: %s\n", err.text);
		return 120;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid == 0) {
		execvpe(argv[2], argv + 2, hear_environment(h, environ, argv[2]));
		_exit(127);
	}
	while ((ended = wait(&status)) > 0) {
		write_events(h, out);
		if (ended == pid)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	write_events(h, out);
	fprintf(out, "lost %llu\n", (unsigned long long)hear_lost(h));
	hear_close(h);
	return fclose(out) ? fail("the file") : code;
}
