/* ELF files as they are on this machine, and what is left of them when they are cut, stripped or broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image.h"

int known_function(int n);
extern int known_number;

int known_number = 7;

__attribute__((noinline)) int known_function(int n)
{
	return n * 3 + known_number;
}

/* Without a size, as some assembler code is. */
void sizeless(void);
__asm__(".text\n.globl sizeless\n.type sizeless, @function\nsizeless: nop\nnop\nret\n");

struct file {
	void *bytes; /* read-only: the reader must not write */
	size_t size;
	struct elf *elf;
};

static struct file map_file(const char *path)
{
	struct file f = {0};
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	f.size = (size_t)st.st_size;
	f.bytes = mmap(NULL, f.size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(f.bytes, MAP_FAILED);
	close(fd);
	return f;
}

static struct file open_file(const char *path)
{
	struct file f = map_file(path);
	struct err err = {0};

	assert_int_equal(elf_open(f.bytes, f.size, &f.elf, &err), 0);
	return f;
}

static void close_file(struct file *f)
{
	elf_close(f->elf);
	munmap(f->bytes, f->size);
}

/** First mapping of the file that ADDRESS lies in, from our own maps. PATH is that file. */
static void mapping_of(uint64_t address, uint64_t *start, uint64_t *offset, char path[PATH_MAX])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[PATH_MAX + 128];
	bool found = false;

	assert_non_null(maps);
	while (!found && fgets(line, sizeof line, maps)) {
		unsigned long from, to, off;

		path[0] = '\0';
		assert_true(sscanf(line, "%lx-%lx %*s %lx %*s %*s %4095[^\n]", &from, &to, &off, path) >= 3);
		found = from <= address && address < to;
		*start = from;
		*offset = off;
	}
	fclose(maps);
	assert_true(found);
}

/* ---- this program ---- */

static void own_symbols(void **state)
{
	struct file f = open_file("/proc/self/exe");
	struct elf_symbol symbol;
	uint64_t start, offset, bias, address = (uint64_t)(uintptr_t)known_function;
	char path[PATH_MAX];

	(void)state;
	mapping_of(address, &start, &offset, path);
	assert_true(elf_bias(f.elf, start, offset, &bias));
	assert_true(elf_find(f.elf, "known_function", &symbol));
	assert_int_equal(symbol.value + bias, address);
	assert_true(symbol.size > 0);
	assert_true(elf_function(f.elf, address - bias, &symbol));
	assert_string_equal(symbol.name, "known_function");
	assert_true(elf_function(f.elf, address - bias + symbol.size - 1, &symbol));
	assert_string_equal(symbol.name, "known_function");

	assert_true(elf_find(f.elf, "known_number", &symbol));
	assert_int_equal(symbol.value + bias, (uint64_t)(uintptr_t)&known_number);
	assert_int_equal(symbol.size, sizeof known_number);
	/* The bytes as they were before the program changed them. */
	size_t available;
	const uint8_t *at = elf_bytes_at(f.elf, symbol.value, &available);

	assert_non_null(at);
	assert_true(available >= sizeof known_number);
	assert_memory_equal(at, &(int){7}, sizeof(int));
	/* The data segment was mapped in parts; each gives the same. */
	mapping_of((uint64_t)(uintptr_t)&known_number, &start, &offset, path);
	uint64_t again = 0;

	assert_true(elf_bias(f.elf, start, offset, &again));
	assert_int_equal(again, bias);
	assert_false(elf_find(f.elf, "no_such_thing", &symbol));
	assert_false(elf_find(f.elf, "puts", &symbol)); /* used here, defined elsewhere */
	close_file(&f);
}

static void sizeless_symbol(void **state)
{
	struct file f = open_file("/proc/self/exe");
	struct elf_symbol symbol, other;

	(void)state;
	assert_true(elf_find(f.elf, "sizeless", &symbol));
	assert_int_equal(symbol.size, 0);
	assert_true(elf_function(f.elf, symbol.value + 2, &other));
	assert_string_equal(other.name, "sizeless");
	assert_false(elf_function(f.elf, 0, &other));
	assert_false(elf_function(f.elf, UINT64_MAX, &other));
	close_file(&f);
}

static void own_sections(void **state)
{
	struct file f = open_file("/proc/self/exe");
	uint64_t address, size, offset;
	size_t available;
	struct elf_symbol symbol;

	(void)state;
	assert_true(elf_section(f.elf, ".text", &address, &size));
	assert_true(elf_find(f.elf, "known_function", &symbol));
	assert_true(symbol.value >= address && symbol.value - address < size);
	assert_false(elf_section(f.elf, ".no_such_section", &address, &size));
	assert_true(elf_eh_frame(f.elf, &address, &offset, &size));

	const uint8_t *at = elf_bytes_at(f.elf, address, &available);

	assert_non_null(at);
	assert_ptr_equal(at, (const uint8_t *)f.bytes + offset);
	assert_true(available >= size);
	assert_int_equal(at[0], 1); /* version of .eh_frame_hdr, LSB Core 10.6.2 */
	assert_null(elf_bytes_at(f.elf, UINT64_MAX - 3, &available));
	assert_ptr_equal(elf_bytes(f.elf, &available), f.bytes);
	assert_int_equal(available, f.size);
	close_file(&f);
}

/** The table that is made says what the linker's own does: .eh_frame_hdr, LSB Core 10.6.2, in its usual encoding. */
static void expect_same_table(struct file *f)
{
	uint64_t address, offset, size, base;
	const struct elf_row *rows, *linked;
	uint32_t count;
	size_t n, at = 0;

	assert_true(elf_eh_frame(f->elf, &address, &offset, &size));

	const uint8_t *head = (const uint8_t *)f->bytes + offset;

	assert_memory_equal(head, "\x01\x1b\x03\x3b", 4);
	memcpy(&count, head + 8, sizeof count);
	linked = (const struct elf_row *)(const void *)(head + 12);
	assert_true(elf_frame_table(f->elf, &rows, &n, &base));
	assert_true(count > 0 && n >= count);
	/* A linker may leave out what it has dropped: each of its rows is among the made ones. */
	for (uint32_t i = 0; i < count; i++, at++) {
		while (at < n && rows[at].start + (int64_t)base < linked[i].start + (int64_t)address)
			at++;
		assert_true(at < n);
		assert_int_equal(rows[at].start + (int64_t)base, linked[i].start + (int64_t)address);
		assert_int_equal(rows[at].entry + (int64_t)base, linked[i].entry + (int64_t)address);
	}
}

static void unwind_entries(void **state)
{
	struct file f = open_file("/proc/self/exe");
	uint64_t start, offset;
	char path[PATH_MAX];

	(void)state;
	expect_same_table(&f);
	close_file(&f);
	mapping_of((uint64_t)(uintptr_t)getppid, &start, &offset, path);
	f = open_file(path);
	expect_same_table(&f);
	close_file(&f);
}

/* ---- libc ---- */

static void of_libc(void **state)
{
	uint64_t start, offset, bias, address = (uint64_t)(uintptr_t)getppid;
	char path[PATH_MAX], id[64];
	struct elf_symbol symbol;

	(void)state;
	mapping_of(address, &start, &offset, path);

	struct file f = open_file(path);

	assert_true(elf_bias(f.elf, start, offset, &bias));
	assert_true(elf_function(f.elf, address - bias, &symbol));
	assert_string_equal(symbol.name, "getppid"); /* and none of its private names */
	assert_true(elf_find(f.elf, "environ", &symbol));
	assert_true(elf_build_id(f.elf, id, sizeof id));
	assert_int_equal(strlen(id), 40);
	assert_int_equal(strspn(id, "0123456789abcdef"), 40);
	assert_false(elf_build_id(f.elf, id, 40)); /* no room for all of it */
	close_file(&f);
}

/** Each object that is loaded: what the dynamic linker says of it. */
static int compare_object(struct dl_phdr_info *info, size_t size, void *data)
{
	char path[PATH_MAX];
	uint64_t bias, start, offset;
	int *count = data;

	(void)size;
	if (*info->dlpi_name != '/')
		return 0;

	struct file f = open_file(info->dlpi_name);

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *head = &info->dlpi_phdr[i];
		uint64_t address, at, eh_size;
		size_t available;

		if (head->p_type == PT_LOAD && head->p_filesz) {
			mapping_of(info->dlpi_addr + head->p_vaddr, &start, &offset, path);
			assert_true(elf_bias(f.elf, start, offset, &bias));
			assert_int_equal(bias, info->dlpi_addr);
			assert_non_null(elf_bytes_at(f.elf, head->p_vaddr + head->p_filesz - 1, &available));
			assert_int_equal(available, 1);
		} else if (head->p_type == PT_GNU_EH_FRAME) {
			assert_true(elf_eh_frame(f.elf, &address, &at, &eh_size));
			assert_int_equal(address, head->p_vaddr);
			assert_int_equal(eh_size, head->p_filesz);
		}
	}
	close_file(&f);
	++*count;
	return 0;
}

static void all_loaded(void **state)
{
	int count = 0;

	(void)state;
	dl_iterate_phdr(compare_object, &count);
	assert_true(count >= 3); /* libc, the loader, cmocka */
}

/* ---- stripped, split ---- */

/** A copy in a folder of its own, made by COMMAND, which finds the name of this program in $FROM, that of the copy in $TO. */
static void make_copy(const char *command, char path[PATH_MAX])
{
	char exe[PATH_MAX] = "", dir[] = "/tmp/test_image-XXXXXX";

	assert_true(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
	assert_non_null(mkdtemp(dir));
	snprintf(path, PATH_MAX, "%s/copy", dir);
	setenv("FROM", exe, 1);
	setenv("TO", path, 1);
	assert_int_equal(system(command), 0);
}

static void remove_copy(char path[PATH_MAX])
{
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
}

static void stripped(void **state)
{
	struct file whole = open_file("/proc/self/exe");
	struct elf_symbol symbol, other;
	char path[PATH_MAX], id[129], same[129];

	(void)state;
	make_copy("strip -o \"$TO\" \"$FROM\"", path);

	struct file f = open_file(path);

	assert_false(elf_find(f.elf, "known_function", &symbol));
	assert_true(elf_find(whole.elf, "known_function", &symbol));
	assert_false(elf_function(f.elf, symbol.value, &other));
	if (elf_build_id(whole.elf, id, sizeof id)) {
		assert_true(elf_build_id(f.elf, same, sizeof same));
		assert_string_equal(id, same);
	}
	close_file(&f);
	remove_copy(path);
	close_file(&whole);
}

/** What was split off has the symbols and the build id, but no code. */
static void debugging_data(void **state)
{
	struct file whole = open_file("/proc/self/exe");
	struct elf_symbol symbol, other;
	char path[PATH_MAX], id[129], same[129];

	(void)state;
	make_copy("objcopy --only-keep-debug \"$FROM\" \"$TO\"", path);

	struct file f = open_file(path);

	assert_true(elf_find(whole.elf, "known_function", &symbol));
	assert_true(elf_function(f.elf, symbol.value + 1, &other));
	assert_string_equal(other.name, "known_function");
	assert_int_equal(other.value, symbol.value);
	if (elf_build_id(whole.elf, id, sizeof id)) {
		assert_true(elf_build_id(f.elf, same, sizeof same));
		assert_string_equal(id, same);
	}
	close_file(&f);
	remove_copy(path);
	close_file(&whole);
}

/* ---- broken ---- */

/** All that can be asked; what the answers point to lies within the file. */
static void ask_all(const uint8_t *bytes, size_t size)
{
	struct elf *e;
	struct err err = {0};
	struct elf_symbol symbol;
	uint64_t a = 0, b = 0, c = 0;
	size_t available;
	char id[129];

	if (elf_open(bytes, size, &e, &err)) {
		assert_true(*err.text);
		return;
	}
	if (elf_find(e, "known_function", &symbol))
		assert_true(strlen(symbol.name) < size);
	for (uint64_t at = 0; at < 1 << 20; at += 4099)
		if (elf_function(e, at, &symbol))
			assert_true(strlen(symbol.name) < size);
	elf_section(e, ".text", &a, &b);
	elf_build_id(e, id, sizeof id);
	elf_bias(e, 0x10000, 0x1000, &a);
	const struct elf_row *rows;
	size_t n;

	if (elf_frame_table(e, &rows, &n, &a))
		for (size_t i = 1; i < n; i++)
			assert_true(rows[i - 1].start <= rows[i].start);
	if (elf_eh_frame(e, &a, &b, &c))
		assert_true(b < size && c <= size - b);

	const uint8_t *at = elf_bytes_at(e, a, &available);

	if (at)
		assert_true(at >= bytes && available > 0 && available <= size - (size_t)(at - bytes));
	elf_close(e);
}

/** In memory that ends where the file does, so that the sanitizer sees what is read behind it. */
static void ask_copy(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, bytes, size);
	ask_all(copy, size);
	free(copy);
}

static void cut(void **state)
{
	struct file f = map_file("/proc/self/exe");

	(void)state;
	for (size_t size = 0; size < 1024; size += 7)
		ask_copy(f.bytes, size);
	for (size_t size = 1024; size < f.size; size += f.size / 61)
		ask_copy(f.bytes, size);
	munmap(f.bytes, f.size);
}

static uint32_t next_random(uint32_t *seed)
{
	return *seed = *seed * 1664525 + 1013904223;
}

/** Numbers of the heads, and of what they point to, replaced by others. */
static void changed(void **state)
{
	static const uint64_t odd[] = {
		0, 1, 0x7f, 0xffff, 0xffffffff, 0x7fffffffffffffff, 0xfffffffffffffff0, 0xffffffffffffffff};
	char path[PATH_MAX];
	uint32_t seed = 1;

	(void)state;
	make_copy("objcopy --strip-debug \"$FROM\" \"$TO\"", path);

	struct file f = map_file(path);
	uint8_t *copy = malloc(f.size);
	const Elf64_Ehdr *head = f.bytes;

	for (int i = 0; i < 1500; i++) {
		memcpy(copy, f.bytes, f.size);
		for (int k = 0; k < 1 + i % 3; k++) {
			size_t tables = head->e_shnum * sizeof(Elf64_Shdr), from = next_random(&seed) % 2 ? head->e_shoff : 0;
			size_t at = from + next_random(&seed) % (from ? tables - 8 : 1200), n = 1 + next_random(&seed) % 8;
			uint64_t value = next_random(&seed) % 3 ? odd[next_random(&seed) % 8] : next_random(&seed);

			memcpy(copy + (at & ~(size_t)1), &value, n);
		}
		ask_all(copy, f.size);
	}
	free(copy);
	close_file(&f);
	remove_copy(path);
}

static void random_bytes(void **state)
{
	uint8_t bytes[4096];
	uint32_t seed = 3;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
				   .e_type = ET_DYN,
				   .e_machine = EM_X86_64,
				   .e_version = EV_CURRENT,
				   .e_ehsize = sizeof head,
				   .e_phentsize = sizeof(Elf64_Phdr),
				   .e_shentsize = sizeof(Elf64_Shdr),
				   .e_phnum = 8,
				   .e_shnum = 9,
				   .e_shstrndx = 1,
				   .e_phoff = 64,
				   .e_shoff = 600};

		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)((next_random(&seed) >> 16) % 5 ? 0 : next_random(&seed) >> 16);
		if (i % 8)
			memcpy(bytes, &head, sizeof head);
		ask_copy(bytes, sizeof bytes);
	}
}

static void other_kinds(void **state)
{
	Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_DYN};
	struct err err = {0};
	struct elf *e = NULL;

	(void)state;
	assert_int_equal(elf_open("#!/bin/sh\n", 10, &e, &err), -EBADMSG);
	assert_string_equal(err.text, "not an ELF file");
	assert_int_equal(elf_open(&head, sizeof head, &e, &err), -EBADMSG);
	assert_string_equal(err.text, "not a 64-bit file");
	head.e_ident[EI_CLASS] = ELFCLASS64;
	head.e_ident[EI_VERSION] = EV_CURRENT;
	head.e_version = EV_CURRENT;
	head.e_machine = EM_S390;
	assert_int_equal(elf_open(&head, sizeof head, &e, &err), -EBADMSG);
	assert_string_equal(err.text, "of another machine");
	head.e_machine = EM_X86_64;
	head.e_type = ET_REL;
	assert_int_equal(elf_open(&head, sizeof head, &e, &err), -EBADMSG);
	assert_string_equal(err.text, "neither a program nor a shared object");
	head.e_type = ET_DYN;
	assert_int_equal(elf_open(&head, sizeof head, &e, &err), -EBADMSG);
	assert_string_equal(err.text, "its program headers can't be read");
	assert_null(e);
	elf_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_symbols),    cmocka_unit_test(sizeless_symbol), cmocka_unit_test(own_sections),
		cmocka_unit_test(unwind_entries), cmocka_unit_test(of_libc),         cmocka_unit_test(all_loaded),
		cmocka_unit_test(stripped),       cmocka_unit_test(debugging_data),  cmocka_unit_test(cut),
		cmocka_unit_test(changed),        cmocka_unit_test(random_bytes),    cmocka_unit_test(other_kinds),
	};

	return cmocka_run_group_tests_name("ELF files", tests, NULL, NULL);
}
