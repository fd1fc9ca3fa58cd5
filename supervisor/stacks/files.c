/* The files that are mapped into processes: opened once, by whatever way leads to the very inode, and copied.
 *
 * Copied, because a file that is written anew in place while it is mapped here would end us with SIGBUS; without what debuggers
 * alone want, which is most of it. A path may lead elsewhere by now (an upgrade), or nowhere (another mount namespace, a deleted
 * file).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "stacks/state.h"

/* A file beyond this is copied in the parts alone that symbols and unwinding need. */
enum { WHOLE_MOST = 64 << 20, SECTIONS_MOST = 4096, PAGE = 4096 };
#define FILE_MOST (INT64_C(8) << 30)
#define COPIED_MOST (UINT64_C(1) << 30) /* of all files together: the libraries of a large program are some hundred megabytes */

/* ---- reading ---- */

struct source {
	int fd;
	size_t size;
	uint8_t *to; /* as large as the file, zeroed */
	bool whole;  /* all of it was copied */
	uint64_t *copied; /* bytes of all files */
};

static bool copy_range(const struct source *s, uint64_t offset, uint64_t size)
{
	if (offset > s->size || size > s->size - offset || size > COPIED_MOST - *s->copied)
		return false;
	*s->copied += size;
	for (uint64_t done = 0; done < size;) {
		ssize_t n = pread(s->fd, s->to + offset + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	return true;
}

static bool starts_with(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* What the dynamic loader looks symbols up by is what every reading wants, and is little. The rest, most of a file, is for native stacks, and
 * for interpreters that hide. */
enum part { PART_DYNAMIC, PART_REST };

/** LARGE: of a file that is not copied as a whole. Writable data is looked at in the process, relocations nowhere. */
static bool wanted(const Elf64_Shdr *section, const char *name, bool large, enum part part)
{
	bool allocated = section->sh_flags & SHF_ALLOC;

	if (section->sh_type == SHT_NOBITS || section->sh_type == SHT_NULL || section->sh_type == SHT_RELA || section->sh_type == SHT_REL)
		return false;
	if (section->sh_type != SHT_PROGBITS)
		return part == (allocated ? PART_DYNAMIC : PART_REST); /* symbols, strings, notes */
	if (starts_with(name, ".gnu_debug"))
		return part == PART_DYNAMIC;
	if (part == PART_DYNAMIC || !allocated || section->sh_flags & SHF_WRITE)
		return false;
	return !large || starts_with(name, ".eh_frame");
}

static bool copy_sections(const struct source *s, enum part part)
{
	const Elf64_Ehdr *head = (const void *)s->to;
	uint64_t table = (uint64_t)head->e_shnum * sizeof(Elf64_Shdr);
	bool large = s->size > WHOLE_MOST;

	if (head->e_shentsize != sizeof(Elf64_Shdr) || !head->e_shnum || head->e_shnum > SECTIONS_MOST || head->e_shoff % 8 ||
	    head->e_shstrndx >= head->e_shnum || !copy_range(s, head->e_shoff, table))
		return false;

	const Elf64_Shdr *sections = (const void *)(s->to + head->e_shoff), *names = &sections[head->e_shstrndx];

	if (!names->sh_size || !copy_range(s, names->sh_offset, names->sh_size) || s->to[names->sh_offset + names->sh_size - 1])
		return false;
	for (int i = 0; i < head->e_shnum; i++) {
		const Elf64_Shdr *section = &sections[i];

		if (section->sh_name < names->sh_size &&
		    wanted(section, (const char *)s->to + names->sh_offset + section->sh_name, large, part) &&
		    !copy_range(s, section->sh_offset, section->sh_size))
			return false;
	}
	return true;
}

/** @return false: no ELF file, or it changed while it was copied. */
static bool copy_file(struct source *s)
{
	const Elf64_Ehdr *head = (const void *)s->to;

	if (s->size < PAGE ? !copy_range(s, 0, s->size) : !copy_range(s, 0, PAGE))
		return false;
	if (s->size < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	if (head->e_phentsize == sizeof(Elf64_Phdr))
		(void)copy_range(s, head->e_phoff, (uint64_t)head->e_phnum * sizeof(Elf64_Phdr));
	/* Without a table of sections (some packers drop it) what there is counts, up to the limit. */
	if (copy_sections(s, PART_DYNAMIC))
		return true;
	s->whole = s->size <= WHOLE_MOST && copy_range(s, 0, s->size);
	return s->whole;
}

static void load(struct stacks *all, struct file *f, int fd, const struct stat *st)
{
	struct source s = {.fd = fd, .size = (size_t)st->st_size, .copied = &all->copied};
	void *to;

	if (st->st_size <= 0 || st->st_size > FILE_MOST) {
		err_set(&f->why, 0, "its size is out of bounds");
		return;
	}
	to = mmap(NULL, s.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (to == MAP_FAILED) {
		err_set(&f->why, 0, "no memory for a copy: %m");
		return;
	}
	s.to = to;
	f->bytes = to;
	f->size = s.size;
	f->changed = st->st_mtim;
	if (!copy_file(&s))
		err_set(&f->why, 0, "no ELF file of this machine");
	else if (elf_open(f->bytes, f->size, &f->elf, &f->why) < 0)
		f->elf = NULL;
	f->rest_read = f->whole = s.whole;
	if (!f->elf) {
		munmap(f->bytes, f->size);
		f->bytes = NULL;
		f->size = 0;
	}
}

/* ---- finding ---- */

/** A regular file below the process's /proc folder; -1: none. */
static int open_below(const struct process_read *p, const char *path, struct stat *st)
{
	OWNED_FD fd = openat(p->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		return -1;
	return fd_take(&fd);
}

/** Does the first page of FD lie in memory where M is? Some file systems (overlayfs, btrfs) show other numbers in maps than
 *  stat(2) does. */
static bool same_first_page(const struct process_read *p, const struct mapping *m, int fd)
{
	uint8_t there[PAGE], here[PAGE];

	return m->offset == 0 && p->memory && memory_read(p->memory, m->start, there, sizeof there) &&
	       pread(fd, here, sizeof here, 0) == PAGE && memcmp(there, here, sizeof here) == 0;
}

static int open_path(const struct process_read *p, const struct mapping *m, struct stat *st)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "root%.*s", (int)m->path_len, m->path);

	if (m->deleted || m->path_len >= PATH_MAX || n < 0 || (size_t)n >= sizeof path)
		return -1;

	OWNED_FD fd = open_below(p, path, st);

	return fd >= 0 && (st->st_ino == m->inode || same_first_page(p, m, fd)) ? fd_take(&fd) : -1;
}

/** proc_pid_map_files(5): the very file, deleted or not; for that one needs CAP_CHECKPOINT_RESTORE. */
static int open_mapped(const struct process_read *p, const struct mapping *m, struct stat *st)
{
	char path[64];

	(void)snprintf(path, sizeof path, "map_files/%lx-%lx", m->start, m->end);
	return open_below(p, path, st);
}

/** proc_pid_exe(5): the program, deleted or not, for whoever may trace the process. */
static int open_program(const struct process_read *p, const struct mapping *m, struct stat *st)
{
	OWNED_FD fd = open_below(p, "exe", st);

	return fd >= 0 && st->st_ino == m->inode ? fd_take(&fd) : -1;
}

static struct file *new_file(struct stacks *st, const char *key)
{
	struct file *f = mem_alloc(sizeof *f);

	(void)snprintf(f->key, sizeof f->key, "%s", key);
	strmap_put(st->by_key, f->key, st->files.n);
	vec_push(&st->files, f);
	return f;
}

/** The file of M, by whatever way leads to it; -1: none does. */
static int open_file(const struct process_read *p, const struct mapping *m, struct stat *st)
{
	OWNED_FD fd = open_path(p, m, st);

	if (fd < 0)
		fd = open_mapped(p, m, st);
	if (fd < 0)
		fd = open_program(p, m, st);
	return fd_take(&fd);
}

struct file *file_of(struct process_read *p, const struct mapping *m)
{
	char key[sizeof((struct file *)0)->key];
	size_t i;

	(void)snprintf(key, sizeof key, "%s:%lu", m->device, m->inode);

	struct file *f = strmap_get(p->st->by_key, key, &i) ? p->st->files.at[i] : NULL;
	struct stat st;
	OWNED_FD fd = -1;

	if (f && (!f->failed_for || f->failed_for == p->pid))
		return f;
	if (!f)
		f = new_file(p->st, key);
	f->failed_for = 0; /* another process may have a way to it that the last one had not */
	if (!m->inode || !m->path_len || *m->path != '/') {
		err_set(&f->why, 0, "no file");
		return f;
	}
	fd = open_file(p, m, &st);
	f->failed_for = fd < 0 ? p->pid : 0;
	if (fd < 0)
		err_set(&f->why, 0, m->deleted ? "it is deleted, and can't be opened any more" : "it can't be opened");
	else
		load(p->st, f, fd, &st);
	return f;
}

/** Copy what was left out. What was asked of the file before does not know of it. */
static void load_rest(struct stacks *all, struct file *f, int fd)
{
	struct source s = {.fd = fd, .size = f->size, .to = f->bytes, .copied = &all->copied};
	struct err err;

	f->whole = copy_sections(&s, PART_REST);
	elf_close(f->elf);
	f->elf = NULL;
	if (elf_open(f->bytes, f->size, &f->elf, &err) < 0)
		f->elf = NULL;
	f->whole = f->whole && f->elf;
}

bool file_whole(struct process_read *p, const struct mapping *m, struct file *f)
{
	struct stat st;
	OWNED_FD fd = -1;

	if (!f->elf || f->rest_read)
		return f->whole;
	f->rest_read = true;
	fd = open_file(p, m, &st);
	if (fd >= 0 && (size_t)st.st_size == f->size && st.st_mtim.tv_sec == f->changed.tv_sec && st.st_mtim.tv_nsec == f->changed.tv_nsec)
		load_rest(p->st, f, fd);
	return f->whole;
}

struct file *file_at(struct process_read *p, const char *path)
{
	char full[PATH_MAX], key[sizeof((struct file *)0)->key];
	struct stat st;
	size_t i;
	int n = snprintf(full, sizeof full, "root%s", path);
	OWNED_FD fd = n > 0 && (size_t)n < sizeof full ? open_below(p, full, &st) : -1;

	if (fd < 0)
		fd = open_below(p, path, &st); /* an absolute path: our own root */
	if (fd < 0)
		return &p->st->none;
	(void)snprintf(key, sizeof key, "at %lx:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	if (strmap_get(p->st->by_key, key, &i))
		return p->st->files.at[i];

	struct file *f = new_file(p->st, key);

	load(p->st, f, fd, &st);
	if (f->elf && !f->rest_read) {
		f->rest_read = true;
		load_rest(p->st, f, fd);
	}
	return f;
}

void files_free(struct stacks *st)
{
	for (size_t i = 0; i < st->files.n; i++) {
		struct file *f = st->files.at[i];

		elf_close(f->elf);
		if (f->bytes)
			munmap(f->bytes, f->size);
		mem_free(f);
	}
	vec_free(&st->files);
	strmap_free(st->by_key);
}

/* ---- CPython's symbols ---- */

static uint64_t symbol(struct elf *e, const char *name)
{
	struct elf_symbol s;

	return elf_find(e, name, &s) ? s.value : 0;
}

static bool find_symbols(struct file *f)
{
	struct python_symbols *s = &f->python;
	struct elf_symbol runtime;

	if (!f->elf)
		return false;
	if (elf_find(f->elf, "_PyRuntime", &runtime)) {
		s->runtime = runtime.value;
		s->runtime_size = runtime.size;
	} else if (elf_section(f->elf, ".PyRuntime", &s->runtime, &s->runtime_size)) {
		s->by_section = true; /* what strip(1) leaves, from 3.10 on */
	} else {
		return false;
	}
	s->version = symbol(f->elf, "Py_Version");
	s->code_type = symbol(f->elf, "PyCode_Type");
	s->coro_type = symbol(f->elf, "PyCoro_Type");
	s->gen_type = symbol(f->elf, "PyGen_Type");
	s->async_gen_type = symbol(f->elf, "PyAsyncGen_Type");
	s->method_type = symbol(f->elf, "PyMethod_Type");
	return true;
}

const struct python_symbols *file_python(struct process_read *p, const struct mapping *m, struct file *f, const char *name)
{
	struct python_symbols *s = &f->python;

	if (f->symbols_read)
		return s;
	f->symbols_read = f->elf;
	s->known = find_symbols(f);
	/* Nothing exported: the static table may have it. Up to 3.10 its version is a constant of the file's. */
	if ((!s->known || s->by_section || !s->version) && file_whole(p, m, f)) {
		*s = (struct python_symbols){0};
		s->known = find_symbols(f);
		if (s->known && !s->version && !python_literal(f->bytes, f->size, python_minor_of_name(name), s->literal))
			*s->literal = '\0';
	}
	return s;
}

uint64_t file_asyncio(struct file *f)
{
	uint64_t size;

	if (f->elf && !f->asyncio_read && !elf_section(f->elf, ".AsyncioDebug", &f->asyncio, &size))
		f->asyncio = 0;
	f->asyncio_read = f->elf;
	return f->asyncio;
}
