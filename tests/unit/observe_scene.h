/* observe_scene: a situation of mkwait's, started as a child of the test, looked at once it stands still. The test must be a
 * child subreaper: it is the supervisor. */
#ifndef OBSERVE_SCENE_H
#define OBSERVE_SCENE_H

#include "observe/observe.h"

struct scene {
	struct observe *ob;
	struct snapshot *s;
	const struct task *task; /* the main thread of the first process */
	pid_t pid, other;        /* as mkwait said */
	int number;              /* for the test */
};

struct scene_options {
	pid_t skip;
	const char *const *inherited;
	size_t ninherited;
	int stdin_fd; /* 0: /dev/null */
};

/** Start NAME and take snapshots until the task waits in OP, for WHY (a part of wait.why; NULL: whatever it is). Skips the test
 *  where mkwait can't make it. */
struct scene scene_open(const char *name, enum wait_op op, const char *why, const struct scene_options *opt);
/** Start NAME alone. */
struct scene scene_start(const char *name, const struct scene_options *opt);
/** The same with any command that prints "ready PID PID". */
struct scene scene_start_command(char *const argv[], const struct scene_options *opt);
/** Look until CHECK is true; fails after a while. */
void scene_until(struct scene *sc, bool (*check)(struct scene *sc));
/** Take passes and a new snapshot; the task's wait in it. */
enum wait_op scene_look(struct scene *sc);
/** Until when observe_seed() says that the tree can't be stuck; -1: it says nothing. */
int64_t scene_seed_until(struct scene *sc);
void scene_close(struct scene *sc);
/** A teardown: nothing is left, whatever became of the test. */
int scene_kill_all(void **state);

#endif
