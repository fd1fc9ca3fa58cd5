#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "native_scene.h"
#include "sys/sys.h"

static size_t fetch(void *who, uint64_t address, void *buf, size_t n)
{
	const struct native_scene *s = who;
	struct iovec local = {buf, n * MEMORY_PAGE}, remote = {(void *)(uintptr_t)address, n * MEMORY_PAGE};
	ssize_t got = process_vm_readv(s->pid, &local, 1, &remote, 1, 0);

	return got > 0 ? (size_t)got / MEMORY_PAGE : 0;
}

static void ask_for_loop(struct native_scene *s, struct native_piece *piece)
{
	for (size_t i = 0; i < s->files.n; i++)
		if (s->files.at[i].elf == piece->elf && elf_find(piece->elf, NATIVE_LOOP, &s->files.at[i].loop))
			piece->loop = &s->files.at[i].loop;
}

static struct elf *open_elf(struct native_scene *s, const struct mapping *m)
{
	struct native_scene_file file = {.inode = m->inode};
	char path[640];
	struct stat st;
	int fd;

	for (size_t i = 0; i < s->files.n; i++)
		if (s->files.at[i].inode == m->inode)
			return s->files.at[i].elf;
	snprintf(path, sizeof path, "/proc/%d/map_files/%lx-%lx", s->pid, (unsigned long)m->start, (unsigned long)m->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) { /* wants CAP_CHECKPOINT_RESTORE, or CAP_SYS_ADMIN before 5.9 */
		snprintf(path, sizeof path, "/proc/%d/root%.*s", s->pid, (int)m->path_len, m->path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_ino == m->inode && st.st_size > 0) {
		file.size = (size_t)st.st_size;
		file.bytes = mmap(NULL, file.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		if (file.bytes == MAP_FAILED)
			file.bytes = NULL;
		else
			elf_open(file.bytes, file.size, &file.elf, NULL);
	}
	if (fd >= 0)
		close(fd);
	vec_push(&s->files, file);
	return file.elf;
}

/** vdso(7) is in memory alone. */
static struct elf *open_vdso(struct native_scene *s, const struct mapping *m)
{
	if (!s->vdso) {
		s->vdso = mem_alloc(m->end - m->start);
		if (memory_read(s->memory, m->start, s->vdso, m->end - m->start))
			elf_open(s->vdso, m->end - m->start, &s->vdso_elf, NULL);
	}
	return s->vdso_elf;
}

static bool piece_at(void *who, uint64_t address, struct native_piece *out)
{
	struct native_scene *s = who;

	for (size_t i = 0; i < s->pieces.n; i++) {
		const struct mapping *m = &s->pieces.at[i];

		if (address < m->start || address >= m->end)
			continue;
		*out = (struct native_piece){.start = m->start, .end = m->end, .executable = m->executable};
		out->path = m->path_len ? m->path : NULL;
		out->path_len = m->path_len;
		out->elf = m->inode ? open_elf(s, m) : NULL;
		if (m->path_len == 6 && memcmp(m->path, "[vdso]", 6) == 0)
			out->elf = open_vdso(s, m);
		if (out->elf && !elf_bias(out->elf, m->start, m->offset, &out->bias))
			out->elf = NULL;
		if (out->elf)
			ask_for_loop(s, out);
		return true;
	}
	return false;
}

struct native_scene *native_scene_open(pid_t pid)
{
	struct native_scene *s = mem_alloc(sizeof *s);
	char path[64];
	struct mapping m;

	s->pid = pid;
	s->arena = arena_new();
	s->memory = memory_new(fetch, s, 4096);
	s->source = (struct native_source){s, s->memory, piece_at, NULL};
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	if (sys_read_file(AT_FDCWD, path, &s->maps, NULL))
		abort();
	for (struct cursor c = {text_str(&s->maps), s->maps.n}; parse_next_mapping(&c, &m);)
		vec_push(&s->pieces, m);
	return s;
}

void native_scene_close(struct native_scene *s)
{
	for (size_t i = 0; i < s->files.n; i++) {
		elf_close(s->files.at[i].elf);
		if (s->files.at[i].bytes)
			munmap(s->files.at[i].bytes, s->files.at[i].size);
	}
	elf_close(s->vdso_elf);
	mem_free(s->vdso);
	vec_free(&s->files);
	vec_free(&s->pieces);
	text_free(&s->maps);
	memory_free(s->memory);
	arena_free(s->arena);
	mem_free(s);
}

void native_scene_wait(pid_t pid, pid_t tid, int number, uint64_t *sp, uint64_t *pc)
{
	struct text line = {0};
	struct syscall_line call;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", pid, tid);
	for (int i = 0; i < 100000; i++) {
		int rc = sys_read_file(AT_FDCWD, path, &line, NULL);

		if (rc == 0 && parse_syscall(text_str(&line), line.n, &call) == 0 && !call.running && call.number == number) {
			*sp = call.stack_pointer;
			*pc = call.program_counter;
			text_free(&line);
			return;
		}
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	fprintf(stderr, "task %d never came to system call %d\n", tid, number);
	abort();
}

void native_scene_read(struct native_scene *s, struct unwinder *u, uint64_t sp, uint64_t pc)
{
	memory_forget(s->memory);
	s->n = native_unwind(u, &s->source, sp, pc, s->frames, SCENE_FRAMES, &s->whole, &s->why);
	native_loops_mark(&s->source, s->frames, s->n);
	for (size_t i = 0; i < s->n; i++)
		native_name(&s->source, s->arena, &s->frames[i], &s->named[i]);
}

int native_scene_find(const struct native_scene *s, const char *function, size_t from)
{
	for (size_t i = from; i < s->n; i++)
		if (s->named[i].function && strcmp(s->named[i].function, function) == 0)
			return (int)i;
	return -1;
}

void native_scene_print(const struct native_scene *s)
{
	for (size_t i = 0; i < s->n; i++)
		fprintf(stderr, "  %2zu %#lx sp %#lx %s %s%s\n", i, (unsigned long)s->frames[i].pc,
			(unsigned long)s->frames[i].sp, s->named[i].function ? s->named[i].function : "?",
			s->named[i].file ? s->named[i].file : "?", s->frames[i].loop ? " LOOP" : "");
	fprintf(stderr, "  %s\n", s->whole ? "whole" : s->why);
}
