/* The launch alone: guardrun COMMAND [ARG...]. Passes each signal on, ends what the command leaves, ends as the command did.
 * GUARDRUN_CRASH=running|ended|verdict makes the supervisor fault: right after the start; once the command has ended; after a
 * verdict with code 124 that a SIGUSR1 calls for. GUARDRUN_CODE=N ends with that code whatever the command did.
 * TRACEWRAP_MODE=ptrace|notify traces or listens; GUARDRUN_EVENTS=FILE gets a line for each thing that is heard so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "act/act.h"
#include "launch/launch.h"

#define TICK_NS       (200 * NS_PER_MS)
#define KILL_LIMIT_NS (5 * NS_PER_S)

struct run {
	struct launch *launch;
	const char *crash;
	FILE *events;
};

/** kind source pid child fd error status value_ns interval_ns socket_type exact image text|words */
static void write_events(const struct run *r)
{
	struct event ev;

	while (launch_heard(r->launch, &ev)) {
		if (!r->events)
			continue;
		fprintf(r->events, "%s %d %d %d %d %d %d %lld %lld %d %d %llx %s|", event_kind_name(ev.kind), ev.source, ev.pid, ev.child,
			ev.fd, ev.error, ev.status, (long long)ev.value_ns, (long long)ev.interval_ns, ev.socket_type, ev.exact,
			(unsigned long long)ev.image, ev.text);
		for (size_t i = 0; i < ev.words_len; i++)
			fputc(ev.words[i] && ev.words[i] != '\n' ? ev.words[i] : ' ', r->events);
		fputc('\n', r->events);
	}
	if (r->events)
		fflush(r->events);
}

static enum launch_trace wanted_mode(void)
{
	const char *mode = getenv("TRACEWRAP_MODE");

	return !mode ? LAUNCH_UNTRACED : !strcmp(mode, "ptrace") ? LAUNCH_PTRACE : !strcmp(mode, "notify") ? LAUNCH_NOTIFY : LAUNCH_UNTRACED;
}

static void crash_at(const struct run *r, const char *point)
{
	static const struct rlimit no_core = {0, 0};
	volatile int *volatile nowhere = NULL;

	if (strcmp(r->crash, point) != 0)
		return;
	setrlimit(RLIMIT_CORE, &no_core);
	*nowhere = 1;
}

static void take_signal(const struct run *r, int sig)
{
	if (sig == SIGUSR1 && !strcmp(r->crash, "verdict")) {
		launch_verdict(r->launch, 124);
		crash_at(r, "verdict");
	}
	launch_forward(r->launch, sig);
}

static void take_event(const struct run *r, const struct launch_event *ev, const char *name)
{
	const char *code = getenv("GUARDRUN_CODE");

	switch (ev->kind) {
	case LAUNCH_SIGNAL:
		take_signal(r, ev->value);
		break;
	case LAUNCH_EXEC_FAILED:
		sys_sayf("guardrun: %s: %s\n", name, strerror(ev->value));
		break;
	case LAUNCH_ENDED:
		crash_at(r, "ended");
		act_end_tree(NULL, 0, KILL_LIMIT_NS, NULL);
		write_events(r);
		if (code)
			launch_finish_code(r->launch, atoi(code));
		launch_finish_status(r->launch, ev->status);
	case LAUNCH_OUTER_GONE:
		act_end_tree(NULL, 0, KILL_LIMIT_NS, NULL);
		launch_finish_code(r->launch, 125);
	case LAUNCH_TICK:
	case LAUNCH_STOPPED:
	case LAUNCH_CONTINUED:
	case LAUNCH_ORPHAN:
		break;
	}
}

int main(int argc, char **argv)
{
	struct run r = {.crash = getenv("GUARDRUN_CRASH") ? getenv("GUARDRUN_CRASH") : ""};
	struct err err = {0};

	launch_copy_args(argv);

	struct launch_options opt = {.argv = argv + 1, .keep_sigint = getenv("GUARDRUN_KEEP_SIGINT") != NULL, .trace = wanted_mode()};

	if (argc < 2 || launch_start(&opt, &r.launch, &err) < 0) {
		fprintf(stderr, "guardrun: %s\n", argc < 2 ? "no command" : err.text);
		return 125;
	}
	if (getenv("GUARDRUN_EVENTS"))
		r.events = fopen(getenv("GUARDRUN_EVENTS"), "we");
	crash_at(&r, "running");
	for (;;) {
		struct launch_event ev;

		if (launch_next(r.launch, sys_monotonic_ns() + TICK_NS, &ev, &err) < 0)
			return 125;
		write_events(&r);
		take_event(&r, &ev, argv[1]);
	}
}
