/* What is around us: the screen, a CI's job. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

enum { WIDTH_MOST = 120, WIDTH_DEFAULT = 80, WIDTH_LEAST = 40 };

bool screen_color(int choice)
{
	const char *no = getenv("NO_COLOR"), *force = getenv("FORCE_COLOR"), *cli = getenv("CLICOLOR_FORCE");
	const char *term = getenv("TERM");

	if (choice)
		return choice == 1;
	if (no && *no)
		return false;
	if ((force && *force && strcmp(force, "0") != 0) || (cli && *cli && strcmp(cli, "0") != 0))
		return true;
	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

unsigned screen_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col > WIDTH_MOST ? WIDTH_MOST : size.ws_col < WIDTH_LEAST ? WIDTH_LEAST : size.ws_col;
}

/** As GitHub's documentation of its default variables has it: always "true" in a workflow. */
bool around_github(void)
{
	const char *actions = getenv("GITHUB_ACTIONS");

	return actions && strcmp(actions, "true") == 0;
}

/** What the job wants to be told, and where. */
void around_job(struct watch_options *w)
{
	const char *summary = getenv("GITHUB_STEP_SUMMARY"), *workspace = getenv("GITHUB_WORKSPACE");

	w->step_summary = w->github && summary && *summary ? summary : NULL;
	w->workspace = workspace && *workspace ? workspace : NULL;
}

/** A machine waits for the end, and no human: GitHub, GitLab and most others set CI to a word for yes. */
bool around_ci(void)
{
	const char *ci = getenv("CI");

	return ci && *ci && strcmp(ci, "0") != 0 && strcasecmp(ci, "false") != 0;
}
