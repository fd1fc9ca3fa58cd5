/* hear: what /proc can't show, told by the processes themselves or by the kernel. Sources of events, one beside the other:
 *
 *   the preload library   binds, alarms, forks and execs, the current test (preload/, wire.h)
 *   the proc connector    every fork, exec and exit of the machine, where it can be had (connector(7), cn_proc.h)
 *
 * Nothing here decides; the events go to tree/. What a tracer or a seccomp listener tells comes from launch/, whose business they are.
 */
#ifndef TRACEWRAP_HEAR_H
#define TRACEWRAP_HEAR_H

#include "model/model.h"
#include "sys/sys.h"

struct hear;

struct hear_options {
	bool shim;      /* the preload library; */
	bool connector; /* the proc connector, quietly left out where there is none */
};

/** Will COMMAND, looked for as execvp(3) does, load a library that is preloaded? When not, *REASON says why: "it is a static program". */
bool hear_can_enter(const char *command, const char **reason);

/** Is it one of another architecture? Its loader would complain of our library on stderr. */
bool hear_disturbs(const char *command);

/** To be called before the forks of launch/. Makes what the library needs: it and the file of events, as memory files.
 *  @return 0; -errno: not to be had here, ERR says why, and nothing is left. */
int hear_open(const struct hear_options *opt, struct hear **out, struct err *err);

/** The environment for the command: ENVIRON_NOW and ours behind it, what the user has in LD_PRELOAD and ASAN_OPTIONS kept in front.
 *  Lives as long as H. NULL when no library is to be loaded. ANNOUNCED gets the path of the command, for the event that announces it. */
char **hear_environment(struct hear *h, char *const *environ_now, const char *announced);
/** The descriptors that the outer process has to keep to its end, ascending; 0: none. Whoever is of the tree opens them by /proc. */
void hear_files(const struct hear *h, int fds[2]);

/** The descriptor that the supervisor has to keep: the connector's; 0: none. */
int hear_keeps(const struct hear *h);

/** In the supervisor, once the command is there. */
void hear_begin(struct hear *h, pid_t command);
/** The next event; its text is good until the next call. Never waits. @return false: none now. */
bool hear_next(struct hear *h, struct event *out);
/** Does PID have the file of events mapped? Then it is of this run: it has it by fork, or loads the library. */
bool hear_knows(const struct hear *h, pid_t pid);
/** Events that were lost so far: what is known of alarms is void then. */
uint64_t hear_lost(const struct hear *h);
bool hear_has_connector(const struct hear *h);
/** How often the connector had no room: the history is not complete then, and nothing else is concerned. */
uint64_t hear_connector_lost(const struct hear *h);
void hear_close(struct hear *h); /* NULL is allowed */

#endif
