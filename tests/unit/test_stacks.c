/* Readings of real processes that are no Python: few descriptors, many threads, processes that end, files that change. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "stacks/state.h"

enum { CHILDREN = 60, FEW_DESCRIPTORS = 40, THREADS = 50 };
static const struct stacks_options plain = {0};

static void *block(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/** A child of THREADS threads, each of which blocks for good once a byte of it has come. */
static pid_t child_of(int threads)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 1; i < threads; i++)
			if (pthread_create(&thread, NULL, block, NULL) != 0)
				_exit(1);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		block(NULL);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void more_than_there_are_descriptors(void **state)
{
	struct rlimit before, few;
	struct stacks *st = stacks_new();
	struct arena *arena = arena_new();
	pid_t pids[CHILDREN];
	struct process_stacks *out;

	(void)state;
	for (int i = 0; i < CHILDREN; i++)
		pids[i] = child_of(i ? 1 : THREADS);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){FEW_DESCRIPTORS, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	out = stacks_read(st, arena, pids, CHILDREN, &plain);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = 0; i < CHILDREN; i++) {
		assert_null(out[i].why);
		assert_null(out[i].python);
		assert_int_equal(out[i].nthreads, i ? 1 : THREADS);
		for (size_t k = 0; k < out[i].nthreads; k++) {
			assert_int_equal(out[i].threads[k].quality, STACK_NONE);
			assert_true(out[i].threads[k].runs > 0);
			assert_true(!k || out[i].threads[k].tid > out[i].threads[k - 1].tid);
		}
		end(pids[i]);
	}
	arena_free(arena);
	stacks_free(st);
}

static void what_has_ended_says_so(void **state)
{
	struct stacks *st = stacks_new();
	struct arena *arena = arena_new();
	pid_t pids[2];
	struct process_stacks *out;
	siginfo_t info;

	(void)state;
	pids[0] = child_of(1);
	end(pids[0]); /* its number is free */
	pids[1] = child_of(1);
	kill(pids[1], SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pids[1], &info, WEXITED | WNOWAIT), 0); /* a zombie */
	out = stacks_read(st, arena, pids, 2, &plain);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(out[i].why, "it has ended");
		assert_null(out[i].python);
	}
	end(pids[1]);
	arena_free(arena);
	stacks_free(st);
}

/* ---- files ---- */

/** This process, as one to be read. */
struct self {
	struct stacks *st;
	struct arena *arena;
	struct process_stacks out;
	struct process_read p;
};

static void self_open(struct self *s)
{
	*s = (struct self){.st = stacks_new(), .arena = arena_new()};
	s->p = (struct process_read){.st = s->st, .arena = s->arena, .opt = &plain, .pid = getpid(), .dir_fd = -1, .out = &s->out};
	assert_true(process_open(&s->p));
}

static void self_close(struct self *s)
{
	process_close(&s->p);
	arena_free(s->arena);
	stacks_free(s->st);
}

static const struct mapping *mapping_of(const struct self *s, const void *at)
{
	const struct mapping *m = mapping_at(&s->p, (uint64_t)(uintptr_t)at);

	assert_non_null(m);
	return m;
}

static void mappings_are_found(void **state)
{
	struct self s;
	const struct mapping *m;
	int local;

	(void)state;
	self_open(&s);
	m = mapping_of(&s, &local);
	assert_true(m->start <= (uint64_t)(uintptr_t)&local && m->end > (uint64_t)(uintptr_t)&local);
	for (size_t i = 0; i < s.p.maps.n; i++) {
		m = &s.p.maps.at[i];
		assert_ptr_equal(mapping_at(&s.p, m->start), m);
		assert_ptr_equal(mapping_at(&s.p, m->end - 1), m);
	}
	assert_null(mapping_at(&s.p, 0));
	assert_null(mapping_at(&s.p, UINT64_MAX));
	assert_int_equal(s.p.inner, getpid());
	assert_non_null(thread_by_inner(&s.p, getpid()));
	assert_null(thread_by_inner(&s.p, 1 << 30));
	self_close(&s);
}

static void the_program_is_an_elf_file(void **state)
{
	struct self s;
	struct elf_symbol symbol;
	const struct mapping *m;
	struct file *f;
	uint64_t bias;

	(void)state;
	self_open(&s);
	m = mapping_of(&s, (const void *)(uintptr_t)the_program_is_an_elf_file);
	f = file_of(&s.p, m);
	assert_non_null(f->elf);
	assert_ptr_equal(file_of(&s.p, m), f); /* opened once */
	assert_true(file_whole(&s.p, m, f));
	assert_true(elf_find(f->elf, "stacks_read", &symbol));
	assert_true(elf_bias(f->elf, m->start, m->offset, &bias));
	assert_true(symbol.value + bias == (uint64_t)(uintptr_t)stacks_read);
	assert_false(file_python(&s.p, m, f, "test")->known);
	assert_null(file_of(&s.p, mapping_of(&s, &symbol))->elf); /* the stack is no file */
	self_close(&s);
}

/** SIZE bytes as a new file, mapped; the file is gone or another one afterwards, as WHAT says. */
static void *map_file(const void *bytes, size_t size, char what)
{
	char path[] = "/tmp/test_stacks-XXXXXX", other[sizeof path + 2];
	OWNED_FD fd = mkostemp(path, O_CLOEXEC);
	void *at;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(at != MAP_FAILED);
	if (what == 'r') { /* as an upgrade does it */
		snprintf(other, sizeof other, "%s-n", path);

		OWNED_FD new = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		assert_int_equal(write(new, "something else", 14), 14);
		assert_int_equal(rename(other, path), 0);
	}
	if (what == 'd')
		assert_int_equal(unlink(path), 0);
	return at;
}

static void whatever_is_at_the_path_now(void **state)
{
	static const char kinds[] = {'d', 'r'};
	OWNED_FD fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *bytes;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(bytes != MAP_FAILED);
	for (size_t i = 0; i < sizeof kinds; i++) {
		void *at = map_file(bytes, (size_t)st.st_size, kinds[i]);
		struct self s;
		struct elf_symbol symbol;
		struct file *f;
		char path[128];

		self_open(&s);
		f = file_of(&s.p, mapping_of(&s, at));
		if (f->elf) { /* map_files may be had */
			assert_true(file_whole(&s.p, mapping_of(&s, at), f));
			assert_true(elf_find(f->elf, "stacks_read", &symbol));
		} else {
			assert_true(geteuid() != 0);
			assert_string_equal(f->why.text, "it is deleted, and can't be opened any more");
		}
		assert_true(mapping_of(&s, at)->deleted); /* one that another was renamed to is, too */
		snprintf(path, sizeof path, "%.*s", (int)mapping_of(&s, at)->path_len - 10, mapping_of(&s, at)->path);
		self_close(&s);
		munmap(at, (size_t)st.st_size);
		if (kinds[i] == 'r')
			assert_int_equal(unlink(path), 0);
	}
	munmap(bytes, (size_t)st.st_size);
}

static void what_is_no_elf_file(void **state)
{
	Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_DYN, .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT, .e_ehsize = sizeof head, .e_shoff = UINT64_MAX - 7, .e_shnum = 9, .e_shstrndx = 3,
			   .e_shentsize = sizeof(Elf64_Shdr), .e_phoff = UINT64_MAX - 8, .e_phnum = UINT16_MAX,
			   .e_phentsize = sizeof(Elf64_Phdr)};
	const struct {
		const void *bytes;
		size_t size;
	} rows[] = {{"#!/bin/sh\n", 10}, {"\177ELF", 4}, {&head, sizeof head}};

	(void)state;
	if (geteuid() != 0)
		skip(); /* a deleted file is had by map_files alone */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		void *at = map_file(rows[i].bytes, rows[i].size, 'd');
		struct self s;
		struct file *f;
		struct elf_symbol symbol;

		self_open(&s);
		f = file_of(&s.p, mapping_of(&s, at));
		if (f->elf) /* a head alone, with tables that are nowhere */
			assert_false(elf_find(f->elf, "main", &symbol));
		else
			assert_true(*f->why.text != '\0');
		assert_false(file_python(&s.p, mapping_of(&s, at), f, "python3.9")->known);
		self_close(&s);
		munmap(at, rows[i].size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_there_are_descriptors), cmocka_unit_test(what_has_ended_says_so),
		cmocka_unit_test(mappings_are_found), cmocka_unit_test(the_program_is_an_elf_file),
		cmocka_unit_test(whatever_is_at_the_path_now), cmocka_unit_test(what_is_no_elf_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
