/* A supervised run: what the options say is prepared, then the launch has the word. */
#include <stdio.h>

#include "cli/cli.h"
#include "observe/observe.h"

static int complain(const struct err *err)
{
	fprintf(stderr, "tracewrap: %s\n", err->text);
	return EXIT_TRACEWRAP;
}

int run_command(struct options *opt)
{
	struct err err = {0};
	struct launch *launch;
	struct launch_options how = {
		.argv = opt->command,
		.keep_sigint = opt->keep_sigint,
		.no_reaper = opt->watch.no_reaper,
		.keep_ours = {opt->watch.events_fd},
	};
	OWNED_TEXT timers = {0};

	mode_prepare(opt, &how);
	watch_timers(&timers);
	opt->watch.timers_before = text_str(&timers);
	opt->watch.closed_before = observe_closed_connections();
	opt->watch.before = watch_leaks_before(&opt->watch);
	if (launch_start(&how, &launch, &err) < 0)
		return complain(&err);
	watch_run(launch, &opt->watch); /* in the supervisor; the outer guard has stayed in launch_start() */
}

/** A run takes what it was not told from the settings of the project that it is started in. */
int run_configured(struct options *opt)
{
	struct config_option keys[OPTIONS_MOST];
	struct project p;
	struct err err = {0};

	if (project_open(&p, keys, options_keys(keys), &err) < 0 || options_configure(opt, p.config, &err) < 0)
		return complain(&err);
	return run_command(opt);
}
