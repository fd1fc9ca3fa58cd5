/* image: what a process consists of, as bytes: its memory, a page at a time through a cache, and the ELF files that are mapped
 * into it.
 *
 * Pure: pages come from a function of the caller's, files as bytes that are there already, so all of it runs on recorded or
 * random input. Nothing that is read here is trusted: every size, count and offset is checked against what there is.
 */
#ifndef TRACEWRAP_IMAGE_H
#define TRACEWRAP_IMAGE_H

#include "base/base.h"

/* ---- memory ---- */

enum { MEMORY_PAGE = 4096, MEMORY_AHEAD = 16 };

/** Read N pages from ADDRESS, a multiple of the page size, into BUF. @return how many, from the first on, could be read. */
typedef size_t memory_fetch(void *who, uint64_t address, void *buf, size_t n);

/** The memory of one process as it was when each page was first asked for. */
struct memory;
/** MOST_PAGES: the budget; a read beyond it fails, and so does any after 4096 for each page of it. */
struct memory *memory_new(memory_fetch *fetch, void *who, size_t most_pages);
void memory_free(struct memory *m);
/** Forget all pages: the next read sees the process as it is then. The budget goes on being spent. */
void memory_forget(struct memory *m);
/** All or nothing. @return false: not mapped, not readable, or the budget is spent (memory_spent()). */
bool memory_read(struct memory *m, uint64_t address, void *buf, size_t size);
bool memory_spent(const struct memory *m);
/** Pages of the budget that are left. */
size_t memory_left(const struct memory *m);
size_t memory_fetches(const struct memory *m); /* calls of the fetch function so far */
/** A number, 0 where it can't be read: for chains, where 0 ends them. */
uint64_t memory_u64(struct memory *m, uint64_t address);
uint32_t memory_u32(struct memory *m, uint64_t address);
uint8_t memory_u8(struct memory *m, uint64_t address);
/** A C string, cut to SIZE. @return false: not readable; BUF is "" then. */
bool memory_string(struct memory *m, uint64_t address, char *buf, size_t size);

/* ---- waits inside the C library (glibc) ---- */

/** A futex wait, by the arguments of its system call (futex(2)). */
struct futex_call {
	uint64_t word; /* address */
	uint32_t op, value;
};
enum futex_kind { FUTEX_OTHER, FUTEX_MUTEX, FUTEX_JOIN };
struct futex_holder {
	enum futex_kind kind;
	uint32_t tid; /* as the target's own PID namespace numbers it. That it is a living thread of the process is for the
		       * caller to check: these few words are all that tells a mutex from something else */
	bool only_it; /* nobody else can release it */
};
/** Who holds the pthread mutex that CALL waits for, or whose end a pthread_join awaits. Not known: FUTEX_OTHER. */
void image_futex(struct memory *m, const struct futex_call *call, struct futex_holder *out);

/* ---- ELF files (libelf) ---- */

/** A 64-bit file of this machine. Keeps a reference to the bytes, which the caller keeps alive: a private mapping, which may be
 *  read-only, or memory (libelf's elf_memory() takes a pointer that is not const, but does not write to a file that it only
 *  reads). A mapping of a file that is cut short meanwhile ends in SIGBUS, as everywhere. Not to be used by two threads at
 *  once. */
struct elf;
struct elf_symbol {
	const char *name; /* lives as long as the elf */
	uint64_t value, size; /* addresses of the file itself */
};
/** @return 0, or -EBADMSG with the reason in ERR. */
int elf_open(const void *bytes, size_t size, struct elf **out, struct err *err);
void elf_close(struct elf *e); /* NULL is allowed */
/** A defined symbol by its name: the dynamic table first, then the static one. Absolute and thread-local ones have no address,
 *  and don't count. */
bool elf_find(struct elf *e, const char *name, struct elf_symbol *out);
/** The function that ADDRESS lies in, by the static table where there is one, else the dynamic. Sorted once, at the first call.
 *  Of several names for one place the one with the fewest underscores in front. */
bool elf_function(struct elf *e, uint64_t address, struct elf_symbol *out);
/** A section that is loaded. */
bool elf_section(struct elf *e, const char *name, uint64_t *address, uint64_t *size);
/** Build id in hex, NUL-ended. @return false: it has none. */
bool elf_build_id(const struct elf *e, char *buf, size_t size);
/** What to add to the file's own addresses where its bytes from OFFSET on are mapped at START. @return false: no such segment.
 *  Where two segments lie in one page of the file, the first one of them is meant. */
bool elf_bias(const struct elf *e, uint64_t start, uint64_t offset, uint64_t *bias);
/** PT_GNU_EH_FRAME. @return false: it has none. OFFSET: in the file. */
bool elf_eh_frame(const struct elf *e, uint64_t *address, uint64_t *offset, uint64_t *size);
/** What PT_GNU_EH_FRAME would have, of a file without it: where each piece of code begins and its entry in .eh_frame lies,
 *  ascending, both from *BASE on, the file's own address of that section. Made at the first call. @return false: it has no
 *  entries. */
struct elf_row {
	int32_t start, entry;
};
bool elf_frame_table(struct elf *e, const struct elf_row **rows, size_t *n, uint64_t *base);
/** Bytes of the file at its own ADDRESS; NULL: not in it. *AVAILABLE: how many follow. */
const uint8_t *elf_bytes_at(const struct elf *e, uint64_t address, size_t *available);
/** The file's bytes, as given. */
const uint8_t *elf_bytes(const struct elf *e, size_t *size);

#endif
