/* Programs that block in a known place, for tests of native stacks. */
#ifndef NATIVE_TARGET_H
#define NATIVE_TARGET_H

#include "native_scene.h"

#define TARGET_C "tests/fixtures/native/target.c"
#define TARGET_CPP "tests/fixtures/native/target.cpp"

enum { TARGET_MOST_EXPECTED = 64 };

struct target_room {
	char dir[64];
	struct unwinder *u;
	bool has_cc, has_cpp;
};

struct target {
	pid_t pid, tid; /* tid: the one that blocks */
	uint64_t expected[TARGET_MOST_EXPECTED];
	size_t n;
	struct native_scene *scene;
};

int target_setup(void **state); /* of a group: *STATE is a struct target_room * */
int target_teardown(void **state);
/** Build SOURCE as NAME in the room. @return false: that can't be built here. */
bool target_build(const struct target_room *r, const char *compiler, const char *source, const char *name, const char *flags);
/** Run NAME until it has said where its functions return to. */
struct target target_start(const struct target_room *r, const char *name, const char *way, const char *how);
void target_end(struct target *t);
/** Read its stack once it is blocked in system call NUMBER. */
void target_look(const struct target_room *r, struct target *t, int number);
/** The frames go on at just the addresses that the target told, one after the other. @return index of the first. */
size_t target_expect_returns(const struct target *t);
void target_expect_whole(const struct target *t);
/** Functions NAMES, NULL-ended, follow each other somewhere, innermost first. */
void target_expect_names(const struct target *t, const char *const *names);
/** Start one, look, end it: its stack is whole, as it said. */
void target_expect_exact(const struct target_room *r, const char *name, const char *way, const char *how, int number);

#endif
