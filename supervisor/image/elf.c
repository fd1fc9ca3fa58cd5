/* ELF files: what libelf makes of their heads, and where their bytes lie. Layout and words: elf(5), /usr/include/elf.h.
 *
 * libelf checks the section heads against the size of the file (elf_begin.c of elfutils); program headers are the file's word,
 * so each use of one is checked here.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "image/elf_state.h"

enum { MOST_SEGMENTS = 4096, MOST_NOTES = 64, MOST_ID = 64 };

#ifdef __aarch64__
#define OWN_MACHINE EM_AARCH64
#else
#define OWN_MACHINE EM_X86_64
#endif

/* ---- open ---- */

static const char *judge_kind(Elf *elf)
{
	GElf_Ehdr head;

	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return "not an ELF file";
	if (gelf_getclass(elf) != ELFCLASS64)
		return "not a 64-bit file";
	if (!gelf_getehdr(elf, &head))
		return "its head can't be read";
	if (head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_machine != OWN_MACHINE)
		return "of another machine";
	if (head.e_type != ET_EXEC && head.e_type != ET_DYN)
		return "neither a program nor a shared object";
	return NULL;
}

/** @return what is wrong, or NULL. */
static const char *read_segments(struct elf *e)
{
	size_t n;

	if (elf_getphdrnum(e->elf, &n) < 0 || n == 0 || n > MOST_SEGMENTS)
		return "its program headers can't be read";
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr head;

		if (!gelf_getphdr(e->elf, (int)i, &head))
			return "its program headers can't be read";
		vec_push(&e->segments, head);
	}
	return NULL;
}

int elf_open(const void *bytes, size_t size, struct elf **out, struct err *err)
{
	struct elf *e = mem_alloc(sizeof *e);
	const char *wrong = NULL;

	e->bytes = bytes;
	e->size = size;
	if (elf_version(EV_CURRENT) == EV_NONE)
		wrong = "libelf is of another version";
	/* It takes archives as well, and those it writes to. Ours never are one, and what libelf opens to read it does not
	 * write to (elf_memory() is an elf_begin() with ELF_C_READ, elf_memory.c): read-only memory will do, which the unit
	 * test uses. */
	else if (size < sizeof(Elf64_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		wrong = "not an ELF file";
	else
		e->elf = elf_memory((char *)(uintptr_t)bytes, size);
	if (!wrong)
		wrong = judge_kind(e->elf);
	if (!wrong)
		wrong = read_segments(e);
	if (wrong) {
		elf_close(e);
		return err_set(err, -EBADMSG, "%s", wrong);
	}
	*out = e;
	return 0;
}

void elf_close(struct elf *e)
{
	if (!e)
		return;
	elf_symbols_free(e);
	vec_free(&e->segments);
	vec_free(&e->rows);
	elf_end(e->elf);
	mem_free(e);
}

/* ---- where things lie ---- */

const uint8_t *elf_bytes(const struct elf *e, size_t *size)
{
	*size = e->size;
	return e->bytes;
}

/** How many bytes of the segment are in the file, as it is. */
static uint64_t present(const struct elf *e, const GElf_Phdr *head)
{
	if (head->p_offset >= e->size)
		return 0;
	return head->p_filesz < e->size - head->p_offset ? head->p_filesz : e->size - head->p_offset;
}

const uint8_t *elf_bytes_at(const struct elf *e, uint64_t address, size_t *available)
{
	for (size_t i = 0; i < e->segments.n; i++) {
		const GElf_Phdr *head = &e->segments.at[i];
		uint64_t into = address - head->p_vaddr;

		if (head->p_type == PT_LOAD && address >= head->p_vaddr && into < present(e, head)) {
			*available = present(e, head) - into;
			return e->bytes + head->p_offset + into;
		}
	}
	return NULL;
}

static uint64_t page_of(uint64_t address)
{
	return address & ~(uint64_t)(MEMORY_PAGE - 1);
}

bool elf_bias(const struct elf *e, uint64_t start, uint64_t offset, uint64_t *bias)
{
	const GElf_Phdr *found = NULL;

	for (size_t i = 0; i < e->segments.n; i++) {
		const GElf_Phdr *head = &e->segments.at[i];
		uint64_t first = page_of(head->p_offset);

		if (head->p_type != PT_LOAD || head->p_filesz == 0)
			continue;
		/* The kernel maps whole pages, so one page of the file may be the end of a segment and the start of the next. */
		if (first == offset) {
			found = head;
			break;
		}
		/* A part whose protection was changed is a mapping of its own (relro). */
		if (!found && offset > first && offset - head->p_offset < head->p_filesz && offset >= head->p_offset)
			found = head;
	}
	if (!found)
		return false;
	*bias = start - offset + found->p_offset - found->p_vaddr;
	return true;
}

bool elf_eh_frame(const struct elf *e, uint64_t *address, uint64_t *offset, uint64_t *size)
{
	for (size_t i = 0; i < e->segments.n; i++) {
		const GElf_Phdr *head = &e->segments.at[i];

		if (head->p_type != PT_GNU_EH_FRAME || head->p_filesz == 0 || present(e, head) < head->p_filesz)
			continue;
		*address = head->p_vaddr;
		*offset = head->p_offset;
		*size = head->p_filesz;
		return true;
	}
	return false;
}

bool elf_section(struct elf *e, const char *name, uint64_t *address, uint64_t *size)
{
	size_t names;

	if (elf_getshdrstrndx(e->elf, &names) < 0)
		return false;
	for (Elf_Scn *section = elf_nextscn(e->elf, NULL); section; section = elf_nextscn(e->elf, section)) {
		GElf_Shdr head;
		const char *own;

		if (!gelf_getshdr(section, &head) || !(head.sh_flags & SHF_ALLOC))
			continue;
		own = elf_strptr(e->elf, names, head.sh_name);
		if (own && strcmp(own, name) == 0) {
			*address = head.sh_addr;
			*size = head.sh_size;
			return true;
		}
	}
	return false;
}

/* ---- build id ---- */

static bool write_hex(const uint8_t *at, size_t n, char *buf, size_t size)
{
	if (n == 0 || n > MOST_ID || size < 2 * n + 1)
		return false;
	for (size_t i = 0; i < n; i++)
		snprintf(buf + 2 * i, 3, "%02x", at[i]);
	return true;
}

static bool id_in_notes(Elf_Data *data, char *buf, size_t size)
{
	size_t at = 0, next;

	if (!data || !data->d_buf)
		return false;
	for (int i = 0; i < MOST_NOTES; i++, at = next) {
		GElf_Nhdr note;
		size_t name, desc;

		next = gelf_getnote(data, at, &note, &name, &desc);
		if (next == 0)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof ELF_NOTE_GNU &&
		    memcmp((const char *)data->d_buf + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0)
			return write_hex((const uint8_t *)data->d_buf + desc, note.n_descsz, buf, size);
	}
	return false;
}

/** The sections first: in a file of debugging data the program headers are those of the file that it was split from. */
bool elf_build_id(const struct elf *e, char *buf, size_t size)
{
	for (Elf_Scn *section = elf_nextscn(e->elf, NULL); section; section = elf_nextscn(e->elf, section)) {
		GElf_Shdr head;

		if (gelf_getshdr(section, &head) && head.sh_type == SHT_NOTE &&
		    id_in_notes(elf_getdata(section, NULL), buf, size))
			return true;
	}
	for (size_t i = 0; i < e->segments.n; i++) {
		const GElf_Phdr *head = &e->segments.at[i];
		Elf_Type type = head->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;

		if (head->p_type == PT_NOTE && head->p_filesz && present(e, head) == head->p_filesz &&
		    head->p_offset <= INT64_MAX &&
		    id_in_notes(elf_getdata_rawchunk(e->elf, (int64_t)head->p_offset, head->p_filesz, type), buf, size))
			return true;
	}
	return false;
}
