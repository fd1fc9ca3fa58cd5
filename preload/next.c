/* The functions behind ours, what dlsym(RTLD_NEXT) would find. It is not used: before glibc 2.34 it lies in a library of its own that
 * most programs don't load, it takes a lock, and allocates when it finds nothing. Objects come in the order in which the
 * loader searches them (dl_iterate_phdr(3)); the formats are those of elf(5) and, for DT_GNU_HASH, of binutils (bfd/elflink.c). */
#include <elf.h>
#include <link.h>

#include "preload/shim.h"

static const char *const names[NEXT_COUNT] = {
#define X(name) #name,
	NEXT_NAMES(X)
#undef X
};
static uint32_t hashes[NEXT_COUNT];
static void *found[NEXT_COUNT];
static bool searched;
void *next_syscall;

#pragma weak dl_iterate_phdr

struct symbols { /* of one object */
	const char *base, *strings;
	const Elf64_Sym *at;
	const uint16_t *versions;
	const uint32_t *gnu, *sysv;
};

static bool in_object(const struct dl_phdr_info *info, const void *p)
{
	uintptr_t at = (uintptr_t)p - info->dlpi_addr;

	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const Elf64_Phdr *h = &info->dlpi_phdr[i];

		if (h->p_type == PT_LOAD && at >= h->p_vaddr && at - h->p_vaddr < h->p_memsz)
			return true;
	}
	return false;
}

/** Some loaders put addresses into the table (glibc), others leave offsets (musl, the vdso). */
static const void *place(const struct symbols *s, Elf64_Addr at)
{
	return at < (uintptr_t)s->base ? s->base + at : (const char *)at;
}

static bool read_symbols(const struct dl_phdr_info *info, struct symbols *s)
{
	const Elf64_Dyn *d = NULL;

	*s = (struct symbols){.base = (const char *)info->dlpi_addr};
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			d = (const Elf64_Dyn *)(s->base + info->dlpi_phdr[i].p_vaddr);
	for (; d && d->d_tag != DT_NULL; d++) {
		const void *at = place(s, d->d_un.d_ptr);

		switch (d->d_tag) {
		case DT_STRTAB: s->strings = at; break;
		case DT_SYMTAB: s->at = at; break;
		case DT_VERSYM: s->versions = at; break;
		case DT_GNU_HASH: s->gnu = at; break;
		case DT_HASH: s->sysv = at; break;
		default: break;
		}
	}
	return s->strings && s->at && (s->gnu || s->sysv);
}

static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void *symbol_if(const struct symbols *s, uint32_t i, const char *name)
{
	const Elf64_Sym *y = &s->at[i];

	if (y->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(y->st_info) != STT_FUNC || !same_name(s->strings + y->st_name, name))
		return NULL;
	if (s->versions && s->versions[i] & 0x8000) /* hidden: an older version, for programs that were linked with it */
		return NULL;
	return (void *)(uintptr_t)(s->base + y->st_value);
}

static void *find_gnu(const struct symbols *s, const char *name, uint32_t hash)
{
	const uint32_t buckets = s->gnu[0], first = s->gnu[1], words = s->gnu[2], shift = s->gnu[3];
	const uint64_t *bloom = (const uint64_t *)(s->gnu + 4);
	const uint32_t *bucket = (const uint32_t *)(bloom + words), *chain = bucket + buckets;
	uint64_t word = bloom[hash / 64 % words];

	if (!(word >> hash % 64 & word >> (hash >> shift) % 64 & 1) || !buckets)
		return NULL;
	for (uint32_t i = bucket[hash % buckets]; i >= first && i; i++) {
		uint32_t h = chain[i - first];
		void *at = (h | 1) == (hash | 1) ? symbol_if(s, i, name) : NULL;

		if (at || h & 1)
			return at;
	}
	return NULL;
}

static void *find_sysv(const struct symbols *s, const char *name)
{
	for (uint32_t i = 1; i < s->sysv[1]; i++) {
		void *at = symbol_if(s, i, name);

		if (at)
			return at;
	}
	return NULL;
}

static int look_into(struct dl_phdr_info *info, size_t size, void *behind_us)
{
	struct symbols s;

	(void)size;
	if (in_object(info, &shim)) {
		*(bool *)behind_us = true;
		return 0;
	}
	if (!*(bool *)behind_us || !read_symbols(info, &s))
		return 0;
	for (size_t i = 0; i < NEXT_COUNT; i++)
		if (!found[i])
			found[i] = s.gnu ? find_gnu(&s, names[i], hashes[i]) : find_sysv(&s, names[i]);
	return 0;
}

void next_find(void)
{
	bool behind_us = false;

	for (size_t i = 0; i < NEXT_COUNT; i++) {
		uint32_t hash = 5381;

		for (const char *c = names[i]; *c; c++)
			hash = hash * 33 + (unsigned char)*c;
		hashes[i] = hash;
	}
	if (dl_iterate_phdr)
		dl_iterate_phdr(look_into, &behind_us);
	next_syscall = found[NEXT_syscall];
	searched = true;
}

void *next_of(enum next_name name)
{
	if (!searched) /* another library's constructor, before ours */
		next_find();
	return found[name];
}
