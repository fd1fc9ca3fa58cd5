/* What the screen can do. */
#include <stdlib.h>
#include <string.h>
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
