/* room: a run of `test`, and the clean-up that `test` and `doctor` share. Private to cli/. */
#ifndef TRACEWRAP_CLI_ROOM_H
#define TRACEWRAP_CLI_ROOM_H

#include "cli/session.h"

struct test_run {
	char **argv;         /* in: the command */
	const char *setting; /* in: "A=b" for its environment; "" */
	int code, signal;    /* SIGNAL: it died of that; 0: it did not */
	const char *name;    /* of its folder in runs/ */
	const char *outcomes, *report, *log; /* LOG NULL: its output was the user's */
};

/** Run it as `tracewrap COMMAND` would, in a child of ours, and wait. @return 0, -errno. */
int test_run_watched(struct session *s, struct test_run *run, struct err *err);
/** Put what was written into the folder of the run, and name it so. */
void test_run_keep(struct session *s, struct test_run *run);
/** As the run has ended. */
_Noreturn void test_run_die(int sig);

/** End and remove what is this checkout's. @return true when something had to be killed. */
bool doctor_clear(struct session *s);

#endif
