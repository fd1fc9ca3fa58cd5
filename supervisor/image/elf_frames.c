/* Unwind entries of a file whose linker made no table of them: static programs. Format: LSB Core 10.6.1, "The .eh_frame
 * section". */
#include <stdlib.h>
#include <string.h>

#include "image/elf_state.h"

enum { MOST_ENTRIES = 1 << 21, MOST_SHIFT = 63, ENCODING_OMIT = 0xff, RELATIVE_TO_ITSELF = 0x10 };

/** Bytes that are read one after the other; at the end `at` is NULL for good. */
struct bytes {
	const uint8_t *at, *end;
};

static uint64_t take(struct bytes *b, size_t size)
{
	uint64_t value = 0;

	if (!b->at || (size_t)(b->end - b->at) < size) {
		b->at = NULL;
		return 0;
	}
	memcpy(&value, b->at, size);
	b->at += size;
	return value;
}

static uint64_t take_leb(struct bytes *b)
{
	uint64_t value = 0, byte = 0x80;

	for (unsigned shift = 0; byte & 0x80 && b->at; shift += 7) {
		byte = take(b, 1);
		if (shift <= MOST_SHIFT)
			value |= (byte & 0x7f) << shift;
	}
	return value;
}

/** By the low four bits of an encoding (DW_EH_PE_*); 0: not one that is used. */
static size_t encoded_size(uint8_t encoding)
{
	switch (encoding & 15) {
	case 0: case 4: case 12: return 8;
	case 2: case 10: return 2;
	case 3: case 11: return 4;
	default: return 0;
	}
}

static int64_t extend(uint64_t value, size_t size, bool is_signed)
{
	if (is_signed && size == 4)
		return (int32_t)value;
	if (is_signed && size == 2)
		return (int16_t)value;
	return (int64_t)value;
}

/** How the entries of a CIE write where they begin; ENCODING_OMIT: not known. */
static uint8_t read_cie(struct bytes b)
{
	uint8_t encoding = 0, version = (uint8_t)take(&b, 1);
	const char *words = (const char *)b.at;
	const uint8_t *nul = b.at ? memchr(b.at, '\0', (size_t)(b.end - b.at)) : NULL;

	if (!nul)
		return ENCODING_OMIT;
	b.at = nul + 1;
	take_leb(&b);
	take_leb(&b);
	if (version == 1)
		take(&b, 1);
	else
		take_leb(&b);
	if (*words != 'z')
		return *words ? ENCODING_OMIT : 0;
	take_leb(&b);
	for (const char *word = words + 1; *word && b.at; word++) {
		if (*word == 'R')
			encoding = (uint8_t)take(&b, 1);
		else if (*word == 'L')
			take(&b, 1);
		else if (*word == 'P')
			take(&b, encoded_size((uint8_t)take(&b, 1)));
	}
	return b.at ? encoding : ENCODING_OMIT;
}

/** One entry of the section, which begins at SECTION (the file's own address BASE). */
static void read_entry(struct elf *e, const uint8_t *section, uint64_t base, struct bytes entry, const uint8_t *begin)
{
	const uint8_t *field = entry.at;
	uint64_t back = take(&entry, 4);
	struct bytes cie;
	uint8_t encoding;
	size_t size;
	int64_t start;

	if (!entry.at || back == 0 || back > (uint64_t)(field - section))
		return;
	cie = (struct bytes){field - back, entry.end};
	take(&cie, 8); /* its length, and the zero that makes it one */
	encoding = read_cie(cie);
	size = encoded_size(encoding);
	if (encoding == ENCODING_OMIT || size == 0 || (encoding & 0xf0 & ~RELATIVE_TO_ITSELF))
		return;
	start = (encoding & RELATIVE_TO_ITSELF) ? (int64_t)base + (entry.at - section) : 0;
	start += extend(take(&entry, size), size, encoding & 8);
	start -= (int64_t)base;
	if (entry.at && start >= INT32_MIN && start <= INT32_MAX && begin - section <= INT32_MAX)
		vec_push(&e->rows, (struct elf_row){(int32_t)start, (int32_t)(begin - section)});
}

static int compare_rows(const void *left, const void *right)
{
	const struct elf_row *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

static void read_section(struct elf *e, const uint8_t *section, size_t size, uint64_t base)
{
	struct bytes all = {section, section + size};

	for (size_t i = 0; i < MOST_ENTRIES; i++) {
		const uint8_t *begin = all.at;
		uint64_t length = take(&all, 4);

		/* 0 ends the section; what is longer than 4 GiB does not occur. */
		if (!all.at || length == 0 || length > (uint64_t)(all.end - all.at))
			break;
		read_entry(e, section, base, (struct bytes){all.at, all.at + length}, begin);
		all.at += length;
	}
	if (e->rows.n)
		qsort(e->rows.at, e->rows.n, sizeof *e->rows.at, compare_rows);
}

bool elf_frame_table(struct elf *e, const struct elf_row **rows, size_t *n, uint64_t *base)
{
	uint64_t size;
	size_t available;
	const uint8_t *section;

	if (!elf_section(e, ".eh_frame", base, &size))
		return false;
	if (!e->rows_read) {
		e->rows_read = true;
		section = elf_bytes_at(e, *base, &available);
		if (section)
			read_section(e, section, size < available ? size : available, *base);
	}
	*rows = e->rows.at;
	*n = e->rows.n;
	return *n > 0;
}
