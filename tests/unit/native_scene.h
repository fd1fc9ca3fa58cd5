/* A process as stacks/native.h wants it, without the rest of stacks/. */
#ifndef NATIVE_SCENE_H
#define NATIVE_SCENE_H

#include <sys/types.h>

#include "parse/parse.h"
#include "stacks/native.h"

enum { SCENE_FRAMES = 300 };

struct native_scene_file {
	char path[512];
	uint64_t inode;
	void *bytes;
	size_t size;
	struct elf *elf;
	struct elf_symbol loop;
};

struct native_scene {
	pid_t pid;
	struct native_source source;
	struct memory *memory;
	struct text maps;
	VEC(struct mapping) pieces;
	VEC(struct native_scene_file) files;
	struct arena *arena;
	void *vdso;
	struct elf *vdso_elf;
	/* What was read. */
	struct native_frame frames[SCENE_FRAMES];
	struct frame named[SCENE_FRAMES];
	size_t n;
	bool whole;
	const char *why;
};

struct native_scene *native_scene_open(pid_t pid);
void native_scene_close(struct native_scene *s);
/** System call, stack pointer and program counter of TID, once it is blocked in system call NUMBER, or with -1 stopped outside
 *  of one. */
void native_scene_wait(pid_t pid, pid_t tid, int number, uint64_t *sp, uint64_t *pc);
/** Unwind and name. */
void native_scene_read(struct native_scene *s, struct unwinder *u, uint64_t sp, uint64_t pc);
/** Index of the frame of FUNCTION from FROM on, or -1. */
int native_scene_find(const struct native_scene *s, const char *function, size_t from);
/** For a failed test. */
void native_scene_print(const struct native_scene *s);

#endif
