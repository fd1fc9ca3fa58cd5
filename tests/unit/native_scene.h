/* A process as stacks/native.h wants it, without the rest of stacks/. */
#ifndef NATIVE_SCENE_H
#define NATIVE_SCENE_H

#include <sys/types.h>

#include "parse/parse.h"
#include "stacks/native.h"

enum { SCENE_FRAMES = 300 };

struct scene_file {
	char path[512];
	uint64_t inode;
	void *bytes;
	size_t size;
	struct elf *elf;
};

struct scene {
	pid_t pid;
	struct native_source source;
	struct memory *memory;
	struct text maps;
	VEC(struct mapping) pieces;
	VEC(struct scene_file) files;
	struct arena *arena;
	/* What was read. */
	struct native_frame frames[SCENE_FRAMES];
	struct frame named[SCENE_FRAMES];
	size_t n;
	bool whole;
	const char *why;
};

struct scene *scene_open(pid_t pid);
void scene_close(struct scene *s);
/** System call, stack pointer and program counter of TID, once it is blocked in system call NUMBER, or with -1 stopped outside of one. */
void scene_wait(pid_t pid, pid_t tid, int number, uint64_t *sp, uint64_t *pc);
/** Unwind and name. */
void scene_read(struct scene *s, struct unwinder *u, uint64_t sp, uint64_t pc);
/** Index of the frame of FUNCTION from FROM on, or -1. */
int scene_find(const struct scene *s, const char *function, size_t from);
/** For a failed test. */
void scene_print(const struct scene *s);

#endif
