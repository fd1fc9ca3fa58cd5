/* The current test of pytest, read from the live environment of its process: PYTEST_CURRENT_TEST changes with each test, while
 * /proc/PID/environ shows the start alone. The variable `environ` is in the executable (which has a copy of it) or in libc. */
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "observe/state.h"

#define VARIABLE "PYTEST_CURRENT_TEST="

enum { NAME_LENGTH = sizeof VARIABLE - 1, MOST_VARIABLES = 4096, BATCH = 64, MOST_VALUE = 16384, TRIES = 3 };

/* ---- the symbol, once a file ---- */

static bool is_environ(const char *name)
{
	return name && (strcmp(name, "environ") == 0 || strcmp(name, "__environ") == 0 || strcmp(name, "_environ") == 0);
}

/** Value of the symbol in one table of dynamic symbols, 0: it is not defined there. */
static uint64_t symbol_in(Elf *elf, Elf_Scn *section, const GElf_Shdr *head)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = head->sh_entsize ? head->sh_size / head->sh_entsize : 0;

	for (size_t i = 0; data && i < n && i < INT_MAX; i++) {
		GElf_Sym sym;

		if (gelf_getsym(data, (int)i, &sym) && sym.st_shndx != SHN_UNDEF &&
		    is_environ(elf_strptr(elf, head->sh_link, sym.st_name)))
			return sym.st_value;
	}
	return 0;
}

static uint64_t find_symbol(Elf *elf)
{
	for (Elf_Scn *section = elf_nextscn(elf, NULL); section; section = elf_nextscn(elf, section)) {
		GElf_Shdr head;
		uint64_t value;

		if (!gelf_getshdr(section, &head) || head.sh_type != SHT_DYNSYM)
			continue;
		value = symbol_in(elf, section, &head);
		if (value)
			return value;
	}
	return 0;
}

/** The address that the file's first page was linked for. */
static bool first_address(Elf *elf, uint64_t *address)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n && i < INT_MAX; i++) {
		GElf_Phdr head;

		if (gelf_getphdr(elf, (int)i, &head) && head.p_type == PT_LOAD && head.p_offset == 0) {
			*address = head.p_vaddr;
			return true;
		}
	}
	return false;
}

static uint64_t read_offset(int fd)
{
	uint64_t first = 0, value = 0;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return 0;

	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);

	if (!elf)
		return 0;
	if (elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 && first_address(elf, &first))
		value = find_symbol(elf);
	elf_end(elf);
	return value > first ? value - first : 0;
}

/** Regular files alone: opening anything else may wait or act. */
static int open_regular(int dir_fd, const char *path, struct stat *st)
{
	OWNED_FD fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		return -1;
	return fd_take(&fd);
}

/** @return 0 when the file has none. Another file of that name gives a wrong place, where no such variable is found. */
static uint64_t offset_in_file(struct observe *ob, const char *path)
{
	struct stat st;
	OWNED_FD fd = open_regular(ob->proc_fd, path, &st);

	if (fd < 0)
		return 0;

	struct symbol s = {st.st_dev, st.st_ino, (uint64_t)(st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec), 0};

	for (size_t i = 0; i < ob->symbols.n; i++) {
		const struct symbol *known = &ob->symbols.at[i];

		if (known->device == s.device && known->inode == s.inode && known->changed_ns == s.changed_ns)
			return known->offset;
	}
	s.offset = read_offset(fd);
	vec_push(&ob->symbols, s);
	return s.offset;
}

/* ---- the address, once an image ---- */

static bool is_libc(const struct mapping *m)
{
	const char *name = memrchr(m->path, '/', m->path_len);
	size_t len;

	if (!name)
		return false;
	name++;
	len = m->path_len - (size_t)(name - m->path);
	return (len >= 7 && (memcmp(name, "libc.so", 7) == 0 || memcmp(name, "libc-2.", 7) == 0)) ||
	       (len >= 7 && memcmp(name, "ld-musl", 7) == 0);
}

/** The executable's own, if it has one, else libc's. PID's maps are in ob->scratch. */
static uint64_t search_maps(struct observe *ob, pid_t pid)
{
	uint64_t in_libc = 0;
	struct mapping m;
	char path[PATH_MAX + 32], exe[PATH_MAX];

	snprintf(path, sizeof path, "%d/exe", pid);
	if (sys_readlink(ob->proc_fd, path, exe, sizeof exe, NULL))
		return 0;
	for (struct cursor c = {text_str(&ob->scratch), ob->scratch.n}; parse_next_mapping(&c, &m);) {
		bool is_exe = m.path_len == strlen(exe) && memcmp(m.path, exe, m.path_len) == 0;
		uint64_t offset;

		if (m.offset || m.path_len == 0 || *m.path != '/' || (!is_exe && (in_libc || !is_libc(&m))))
			continue;
		if (is_exe)
			snprintf(path, sizeof path, "%d/exe", pid);
		else
			snprintf(path, sizeof path, "%d/root%.*s", pid, (int)m.path_len, m.path);
		offset = offset_in_file(ob, path);
		if (offset && is_exe)
			return m.start + offset;
		if (offset)
			in_libc = m.start + offset;
	}
	return in_libc;
}

static uint64_t environ_address(struct observe *ob, struct seen_process *p, pid_t lead)
{
	proc_path path;

	/* Start of stack: another one after each exec; never 0 where memory may be read at all. */
	if (p->environ_image != p->stat.start_stack)
		p->environ_tries = 0;
	else if (p->environ_at || p->environ_tries >= TRIES) /* a try may come before libc is loaded */
		return p->environ_at;
	p->environ_image = p->stat.start_stack;
	p->environ_tries++;
	p->environ_at = 0;
	snprintf(path, sizeof path, "%d/task/%d/maps", p->pid, lead);
	if (sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) == 0)
		p->environ_at = search_maps(ob, p->pid);
	return p->environ_at;
}

/* ---- the variable ---- */

static size_t to_page_end(uint64_t addr)
{
	return 4096 - (size_t)(addr % 4096);
}

/** The bytes at ADDR up to a NUL, at most SIZE - 1. */
static bool read_string(pid_t pid, uint64_t addr, char *buf, size_t size)
{
	for (size_t n = 0; n < size - 1;) {
		size_t piece = to_page_end(addr + n);

		if (piece > size - 1 - n)
			piece = size - 1 - n;
		if (sys_read_memory(pid, addr + n, buf + n, piece) < 0)
			return false;
		if (memchr(buf + n, '\0', piece))
			return true;
		n += piece;
	}
	buf[size - 1] = '\0';
	return true;
}

/** The first bytes of N strings at once, as far as each one's page goes. @return how many of them could be read. */
static size_t read_names(pid_t pid, const uint64_t *at, size_t n, char names[BATCH][NAME_LENGTH])
{
	struct iovec local[BATCH], remote[BATCH];
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		size_t room = to_page_end(at[i]);
		size_t piece = room < NAME_LENGTH ? room : NAME_LENGTH;

		memset(names[i], 0, NAME_LENGTH);
		local[i] = (struct iovec){names[i], piece};
		remote[i] = (struct iovec){(void *)(uintptr_t)at[i], piece};
	}

	ssize_t got = process_vm_readv(pid, local, n, remote, n, 0);

	for (; done < n && got >= (ssize_t)local[done].iov_len; done++)
		got -= (ssize_t)local[done].iov_len;
	return done;
}

/** The prefix that could be read fits: all of it, or what was left of a page. */
static bool may_be_it(const char *name, uint64_t at)
{
	size_t room = to_page_end(at);

	return memcmp(name, VARIABLE, room < NAME_LENGTH ? room : NAME_LENGTH) == 0;
}

static bool variable_at(pid_t pid, uint64_t at, char *value, size_t size)
{
	return read_string(pid, at, value, size) && strncmp(value, VARIABLE, NAME_LENGTH) == 0;
}

/** One part of the table. @return 1 found, 0 go on, -1 the table ends or can't be read. */
static int search_batch(pid_t pid, const uint64_t *at, size_t n, char *value, size_t size)
{
	char names[BATCH][NAME_LENGTH];
	size_t present = 0;

	while (present < n && at[present])
		present++;

	size_t known = read_names(pid, at, present, names);

	for (size_t i = 0; i < present; i++)
		if ((i >= known || may_be_it(names[i], at[i])) && variable_at(pid, at[i], value, size))
			return 1;
	return present < n ? -1 : 0;
}

static bool read_variable(pid_t pid, uint64_t environ_at, char *value, size_t size)
{
	uint64_t table, at[BATCH];

	if (sys_read_memory(pid, environ_at, &table, sizeof table) < 0 || !table || table % sizeof table)
		return false;
	for (size_t done = 0; done < MOST_VARIABLES;) {
		uint64_t here = table + done * sizeof table;
		size_t n = to_page_end(here) / sizeof table;
		int rc;

		if (n > BATCH)
			n = BATCH;
		if (sys_read_memory(pid, here, at, n * sizeof *at) < 0)
			return false;
		rc = search_batch(pid, at, n, value, size);
		if (rc)
			return rc > 0;
		done += n;
	}
	return false;
}

/** The process may be changing it: two readings must agree. */
static bool read_agreed(pid_t pid, uint64_t environ_at, char *value, size_t size)
{
	char *again = mem_alloc(size);
	bool agreed = false;

	for (int i = 0; i < TRIES && !agreed && read_variable(pid, environ_at, value, size); i++)
		agreed = read_variable(pid, environ_at, again, size) && strcmp(value, again) == 0;
	mem_free(again);
	return agreed;
}

static char *clean_part(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_strndup(a, s, n);

	text_clean(copy, strlen(copy));
	return copy;
}

static void test_of_process(struct observe *ob, struct arena *a, struct seen_process *p, struct process *to, char *value)
{
	struct current_test test;
	uint64_t at;

	if (!p->details.lead || !p->details.readable || !p->stat.start_stack)
		return;
	at = environ_address(ob, p, p->details.lead);
	if (!at || !read_agreed(p->details.lead, at, value, MOST_VALUE))
		return;
	if (parse_current_test(value + NAME_LENGTH, strlen(value + NAME_LENGTH), &test))
		return;
	to->test = clean_part(a, test.id, test.id_len);
	to->phase = clean_part(a, test.phase, test.phase_len);
}

void observe_tests(struct observe *ob, struct snapshot *s)
{
	char *value = mem_alloc(MOST_VALUE);

	for (size_t i = 0; i < s->nprocs; i++) {
		struct seen_process *p = table_find(ob, s->procs[i].pid);

		if (p && p->start_ticks == s->procs[i].start_ticks && !s->procs[i].test)
			test_of_process(ob, s->arena, p, &s->procs[i], value);
	}
	mem_free(value);
}

/* ---- one process, while the run goes on ---- */

/* A process that has shown no test is asked again, ever more rarely: collecting tests may take a while. */
#define WAIT_LEAST_NS (100 * NS_PER_MS)
#define WAIT_MOST_NS (2 * NS_PER_S)
#define COST_SHARE 200

/** Its image may be another one since it was last looked at. */
static bool read_image(struct observe *ob, struct seen_process *p)
{
	struct stat_line stat;
	proc_path path;

	snprintf(path, sizeof path, "%d/stat", p->pid);
	if (sys_read_file(ob->proc_fd, path, &ob->scratch, NULL) || parse_stat(text_str(&ob->scratch), ob->scratch.n, &stat) ||
	    stat.start_ticks != p->start_ticks)
		return false;
	p->stat = stat;
	return stat.start_stack != 0 && stat.state != 'Z';
}

bool observe_current_test(struct observe *ob, pid_t pid, char *buf, size_t size)
{
	struct seen_process *p = table_find(ob, pid);
	char value[MOST_VALUE];
	struct current_test test;
	uint64_t at = p && p->tasks.n && read_image(ob, p) ? environ_address(ob, p, p->tasks.at[0].tid) : 0;

	if (!at || !read_agreed(p->tasks.at[0].tid, at, value, sizeof value) ||
	    parse_current_test(value + NAME_LENGTH, strlen(value + NAME_LENGTH), &test) || test.id_len >= size)
		return false;
	memcpy(buf, test.id, test.id_len);
	buf[test.id_len] = '\0';
	text_clean(buf, test.id_len);
	return true;
}

/** Only a Python can be pytest. */
static bool may_run_tests(const struct seen_process *p)
{
	return p->runs_tests || strncmp(p->stat.comm, "py", 2) == 0 || strncmp(p->stat.comm, "xdist", 5) == 0;
}

/** What is below one that runs tests has its variable by inheritance. */
static bool has_runner_above(const struct observe *ob, const struct seen_process *p)
{
	for (size_t depth = 0; depth < ob->procs.n; depth++) {
		p = table_find(ob, p->stat.ppid);
		if (!p)
			return false;
		if (p->runs_tests)
			return true;
	}
	return false;
}

static bool is_due(const struct observe *ob, const struct seen_process *p, int64_t now_ns)
{
	if (!may_run_tests(p) || has_runner_above(ob, p))
		return false;
	if (!p->runs_tests)
		return !p->test_asked_ns || now_ns - p->test_asked_ns >= p->test_wait_ns;
	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->tasks.at[i].moved_ns > p->test_asked_ns)
			return true;
	return p->test_ran;
}

static void note_wait(struct seen_process *p)
{
	p->test_wait_ns = p->test_wait_ns ? p->test_wait_ns * 2 : WAIT_LEAST_NS;
	if (p->test_wait_ns > WAIT_MOST_NS)
		p->test_wait_ns = WAIT_MOST_NS;
}

void observe_running_tests(struct observe *ob, int64_t now_ns, void (*seen)(void *data, pid_t pid, const char *test), void *data)
{
	char test[1024];
	int64_t begun_ns = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID); /* a busy machine makes the wall clock dear */

	if (now_ns < ob->tests_again_ns)
		return;
	for (size_t i = 0; i < ob->procs.n; i++) {
		struct seen_process *p = ob->procs.at[i];

		if (p->hidden || !p->tasks.n || !is_due(ob, p, now_ns))
			continue;

		bool has = observe_current_test(ob, p->pid, test, sizeof test);

		p->test_asked_ns = sys_monotonic_ns();
		p->test_ran = p->stat.state == 'R';
		if (has)
			p->runs_tests = true;
		else
			note_wait(p);
		if (p->runs_tests)
			seen(data, p->pid, has ? test : NULL);
	}
	ob->tests_again_ns = now_ns + (sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begun_ns) * COST_SHARE;
}
