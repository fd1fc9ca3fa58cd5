/* Symbols of an ELF file: by name as the tables have them, by address once they were sorted. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "image/elf_state.h"

enum { LOOK_BACK = 16 };

/* ---- reading the tables ---- */

/** What is left of the section behind the symbol; 0: the symbol is not in it. */
static uint64_t room_in_section(struct elf *e, const GElf_Sym *sym)
{
	Elf_Scn *section = sym->st_shndx < SHN_LORESERVE ? elf_getscn(e->elf, sym->st_shndx) : NULL;
	GElf_Shdr head;

	if (!section || !gelf_getshdr(section, &head))
		return 0;
	return sym->st_value - head.sh_addr < head.sh_size ? head.sh_size - (sym->st_value - head.sh_addr) : 0;
}

/** Absolute and common symbols, and those of thread-local storage, have values that are no addresses. */
static bool has_address(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	return sym->st_shndx != SHN_UNDEF && sym->st_shndx != SHN_ABS && sym->st_shndx != SHN_COMMON && sym->st_value &&
	       type != STT_TLS && type != STT_SECTION && type != STT_FILE;
}

static void read_table(struct elf *e, Elf_Scn *section, const GElf_Shdr *head, elf_entries *out)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = data && data->d_buf && head->sh_entsize == sizeof(Elf64_Sym) ? data->d_size / sizeof(Elf64_Sym) : 0;

	if (n > INT_MAX)
		n = INT_MAX;
	vec_reserve(out, n);
	for (size_t i = 0; i < n; i++) {
		struct elf_entry entry = {0};
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || !has_address(&sym))
			continue;
		entry.symbol = (struct elf_symbol){elf_strptr(e->elf, head->sh_link, sym.st_name), sym.st_value, sym.st_size};
		if (!entry.symbol.name || !*entry.symbol.name)
			continue;
		entry.room = sym.st_size ? sym.st_size : room_in_section(e, &sym);
		entry.type = GELF_ST_TYPE(sym.st_info);
		entry.bind = GELF_ST_BIND(sym.st_info);
		vec_push(out, entry);
	}
}

static const elf_entries *table_of(struct elf *e, GElf_Word type, elf_entries *into, bool *read)
{
	if (*read)
		return into;
	*read = true;
	for (Elf_Scn *section = elf_nextscn(e->elf, NULL); section; section = elf_nextscn(e->elf, section)) {
		GElf_Shdr head;

		if (gelf_getshdr(section, &head) && head.sh_type == type) {
			read_table(e, section, &head, into);
			break; /* elf(5): there is at most one of each */
		}
	}
	return into;
}

static const elf_entries *dynamic_table(struct elf *e)
{
	return table_of(e, SHT_DYNSYM, &e->dynamics, &e->dynamic_read);
}

static const elf_entries *static_table(struct elf *e)
{
	return table_of(e, SHT_SYMTAB, &e->statics, &e->static_read);
}

void elf_symbols_free(struct elf *e)
{
	vec_free(&e->dynamics);
	vec_free(&e->statics);
	vec_free(&e->functions);
}

/* ---- by name ---- */

static bool find_in(const elf_entries *table, const char *name, struct elf_symbol *out)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->at[i].symbol.name, name) == 0) {
			*out = table->at[i].symbol;
			return true;
		}
	return false;
}

static void keep(struct elf *e, const char *name, bool found, const struct elf_symbol *symbol)
{
	struct elf_answer *a = &e->answers[e->nanswers % ELF_ANSWERS];
	size_t n = strlen(name);

	if (n >= sizeof a->name)
		return;
	memcpy(a->name, name, n + 1);
	a->found = found;
	a->symbol = found ? *symbol : (struct elf_symbol){0};
	e->nanswers++;
}

bool elf_find(struct elf *e, const char *name, struct elf_symbol *out)
{
	bool found;

	for (size_t i = 0; i < e->nanswers && i < ELF_ANSWERS; i++)
		if (strcmp(e->answers[i].name, name) == 0) {
			if (e->answers[i].found)
				*out = e->answers[i].symbol;
			return e->answers[i].found;
		}
	found = find_in(dynamic_table(e), name, out) || find_in(static_table(e), name, out);
	keep(e, name, found, out);
	return found;
}

/* ---- by address ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/** How little a name is one's own: a local one, then the underscores of a library's private aliases (libc: read, __read). */
static int rank(const struct elf_entry *entry)
{
	return (entry->bind == STB_LOCAL ? 16 : 0) + (int)strspn(entry->symbol.name, "_");
}

/** By address; at the same address the name to be shown last, as the search looks backwards. */
static int compare_entries(const void *left, const void *right)
{
	const struct elf_entry *a = left, *b = right;
	int order = compare_numbers(a->symbol.value, b->symbol.value);

	if (!order)
		order = compare_numbers(a->symbol.size != 0, b->symbol.size != 0);
	if (!order)
		order = rank(b) - rank(a);
	if (!order)
		order = compare_numbers(strlen(b->symbol.name), strlen(a->symbol.name));
	return order ? order : strcmp(b->symbol.name, a->symbol.name);
}

static void collect_functions(const elf_entries *table, elf_entries *out)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->at[i].type == STT_FUNC || table->at[i].type == STT_GNU_IFUNC ||
		    (table->at[i].type == STT_NOTYPE && table->at[i].bind != STB_LOCAL))
			vec_push(out, table->at[i]);
}

static void sort_functions(struct elf *e)
{
	elf_entries *all = &e->functions;
	const elf_entries *table = static_table(e)->n ? static_table(e) : dynamic_table(e);
	uint64_t next = UINT64_MAX;

	collect_functions(table, all);
	if (all->n)
		qsort(all->at, all->n, sizeof *all->at, compare_entries);
	/* One without a size ends where the next begins. */
	for (size_t i = all->n; i-- > 0;) {
		struct elf_entry *entry = &all->at[i];

		if (i + 1 < all->n && entry[1].symbol.value != entry->symbol.value)
			next = entry[1].symbol.value;
		if (!entry->symbol.size && entry->room > next - entry->symbol.value)
			entry->room = next - entry->symbol.value;
	}
	e->sorted = true;
}

/** How many functions begin at ADDRESS or before. */
static size_t begun_by(const elf_entries *all, uint64_t address)
{
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->at[middle].symbol.value <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/** Functions may lie in one another (hand-written entries), seldom deeper than one. */
bool elf_function(struct elf *e, uint64_t address, struct elf_symbol *out)
{
	if (!e->sorted)
		sort_functions(e);

	size_t n = begun_by(&e->functions, address);

	for (size_t i = n; i > 0 && n - i < LOOK_BACK; i--) {
		const struct elf_entry *entry = &e->functions.at[i - 1];

		if (address - entry->symbol.value < entry->room) {
			*out = entry->symbol;
			return true;
		}
	}
	return false;
}
