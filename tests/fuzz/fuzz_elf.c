/* Any bytes as an ELF file. The corpus should have some that are (make fuzz puts them there). clang -fsanitize=fuzzer,address,undefined */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
	if (strlen(name) > 1u << 30)
		__builtin_trap();
}

static void ask_symbols(struct elf *e, uint64_t address)
{
	static const char *const names[] = {"_PyRuntime", "Py_Version", "PyCode_Type", "main", "environ", ""};
	struct elf_symbol s;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (elf_find(e, names[i], &s))
			check_name(s.name);
	for (uint64_t step = 1; step < UINT64_C(1) << 40; step *= 4)
		if (elf_function(e, address + step, &s) || elf_function(e, step, &s))
			check_name(s.name);
}

static void ask_bytes(struct elf *e, uint64_t address)
{
	size_t available;
	const uint8_t *at = elf_bytes_at(e, address, &available);
	static volatile uint8_t seen;

	if (at && available) {
		seen = at[0];
		seen = at[available - 1];
	}
	(void)seen;
}

static void ask_entries(struct elf *e)
{
	const struct elf_row *rows;
	size_t n;
	uint64_t base;

	if (!elf_frame_table(e, &rows, &n, &base))
		return;
	for (size_t i = 1; i < n; i++)
		if (rows[i - 1].start > rows[i].start)
			__builtin_trap();
	for (size_t i = 0; i < n; i += 1 + n / 16)
		ask_bytes(e, base + (uint64_t)(int64_t)rows[i].entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);
	uint64_t address = 0, offset = 0, length = 0, bias;
	char id[64];
	struct elf *e = NULL;
	struct err err = {0};

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	if (elf_open(bytes, size, &e, &err) == 0) {
		ask_symbols(e, 0x400000);
		ask_entries(e);
		if (elf_section(e, ".PyRuntime", &address, &length))
			ask_bytes(e, address);
		if (elf_section(e, ".text", &address, &length)) {
			ask_bytes(e, address);
			ask_symbols(e, address);
		}
		if (elf_build_id(e, id, sizeof id) && strlen(id) >= sizeof id)
			__builtin_trap();
		(void)elf_build_id(e, id, 3);
		(void)elf_bias(e, 0x7f0000000000, 0x1000, &bias);
		(void)elf_bias(e, 0x7f0000000000, 0, &bias);
		if (elf_eh_frame(e, &address, &offset, &length))
			ask_bytes(e, address);
		ask_bytes(e, 0);
		ask_bytes(e, UINT64_MAX);
	}
	elf_close(e);
	free(bytes);
	return 0;
}
