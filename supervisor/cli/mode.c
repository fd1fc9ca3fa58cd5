/* Which way of watching: what was asked for, or the best that works here. */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static char *keep(const char *words)
{
	return strcpy(mem_alloc(strlen(words) + 1), words);
}

/** Whoever listens makes the kernel write a message for each fork and end of each process and thread of the machine: 16000 threads took 1.07 of
 *  their time, 15000 vforks 1.16 (tests/bench). So it is for who asks to be told of each event. */
static bool wants_connector(const struct options *opt)
{
	return opt->watch.events_fd || opt->watch.verbosity > SAY_MORE;
}

/** Open the channel of the preload library. @return why not; NULL: it is open. The words live as long as the program. */
static const char *open_shim(struct options *opt)
{
	struct hear_options want = {.shim = true, .connector = wants_connector(opt)};
	struct err err = {0};

	return hear_open(&want, &opt->watch.hear, &err) < 0 ? keep(err.text) : NULL;
}

static void open_connector(struct options *opt)
{
	struct hear_options want = {.connector = true};
	struct err err = {0};

	if (hear_open(&want, &opt->watch.hear, &err) < 0)
		opt->watch.hear = NULL; /* an extra: nothing is said of it */
}

/** By default a command that can't load the library is not bothered with it; asked for by name, its children may profit, unless its own
 *  loader would complain. */
static bool wants_shim(struct options *opt)
{
	const char *reason;

	if (opt->mode == CHOOSE_PRELOAD && !hear_disturbs(opt->command[0]))
		return true;
	if (opt->mode == CHOOSE_PRELOAD)
		opt->mode = CHOOSE_AUTO;
	if (opt->mode != CHOOSE_AUTO)
		return false;
	if (hear_can_enter(opt->command[0], &reason))
		return true;
	opt->watch.mode_reason = reason;
	return false;
}

void mode_prepare(struct options *opt, struct launch_options *how)
{
	opt->watch.mode = MODE_PROC;
	if (opt->mode == CHOOSE_PTRACE || opt->mode == CHOOSE_NOTIFY) {
		how->trace = opt->mode == CHOOSE_PTRACE ? LAUNCH_PTRACE : LAUNCH_NOTIFY;
		opt->watch.mode = opt->mode == CHOOSE_PTRACE ? MODE_PTRACE : MODE_NOTIFY;
	}
	if (wants_shim(opt)) {
		opt->watch.mode_reason = open_shim(opt);
		if (!opt->watch.mode_reason)
			opt->watch.mode = MODE_PRELOAD;
		else if (opt->watch.verbosity > SAY_HANGS)
			sys_sayf("tracewrap: %s; watching through /proc alone: binds, alarms and the moments at which tests begin are not heard\n",
				 opt->watch.mode_reason);
	}
	if (!opt->watch.hear && wants_connector(opt) && opt->mode != CHOOSE_PTRACE) /* a tracer tells all that the connector would */
		open_connector(opt);
	if (opt->watch.hear)
		how->keep_ours[1] = hear_keeps(opt->watch.hear);
	if (opt->watch.mode != MODE_PRELOAD)
		return;
	how->env = hear_environment(opt->watch.hear, environ, opt->command[0]);
	hear_files(opt->watch.hear, how->keep);
}
