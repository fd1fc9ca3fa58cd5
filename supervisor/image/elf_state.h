/* An ELF file as elf.c and elf_symbols.c share it. */
#ifndef TRACEWRAP_IMAGE_ELF_STATE_H
#define TRACEWRAP_IMAGE_ELF_STATE_H

#include <gelf.h>
#include <libelf.h>

#include "image/image.h"

/** A defined symbol that has an address. */
struct elf_entry {
	struct elf_symbol symbol;
	uint64_t room; /* how far it goes: its size; without one, to the end of its section */
	unsigned char type, bind;
};
typedef VEC(struct elf_entry) elf_entries;

/** A name that was asked for, and what came of it. */
struct elf_answer {
	char name[40]; /* longer ones are not kept */
	bool found;
	struct elf_symbol symbol;
};
enum { ELF_ANSWERS = 16 };

struct elf {
	const uint8_t *bytes;
	size_t size;
	Elf *elf;
	VEC(GElf_Phdr) segments;
	bool dynamic_read, static_read, sorted;
	elf_entries dynamics, statics;
	elf_entries functions; /* by address, once sorted */
	struct elf_answer answers[ELF_ANSWERS]; /* the same few names are asked for with each frame */
	size_t nanswers;
	bool rows_read;
	VEC(struct elf_row) rows;
};

void elf_symbols_free(struct elf *e);

#endif
