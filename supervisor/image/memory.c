/* The memory of a process through a cache of pages.
 *
 * A stack is scattered over some dozens of pages, and each is looked at hundreds of times: one page a miss is right there. The list of a
 * garbage collector goes through whole arenas (obmalloc.c: 256 KiB, 1 MiB from 3.10 on), where a system call for each page is most of
 * the cost. So who misses again and again within a window reads on to its end. The number of misses was measured: fewer cost what is
 * read in vain, for stacks and for collectors alike.
 */
#include <string.h>

#include "image/image.h"

enum { SLAB_PAGES = 64, FIRST_SLOTS = 256, WINDOWS = 64, MISSES = 4, DEFAULT_PAGES = 16384 };
/* Reads for each page of the budget, all in all: what is asked in vain again and again, of memory that makes no sense, ends as well. */
#define READS_A_PAGE UINT64_C(4096)

struct slot {
	uint64_t key;  /* number of the page + 1; 0: free */
	uint8_t *data; /* NULL: it can't be read */
};

struct memory {
	memory_fetch *fetch;
	void *who;
	size_t budget, fetches;
	uint64_t reads; /* that are left */
	bool spent;
	struct slot *slots; /* open addressing, a power of two, at most 3/4 full */
	size_t nslots, used;
	VEC(uint8_t *) slabs;
	size_t slab_used;          /* pages of the last slab */
	struct {
		uint64_t number; /* which window it is about; + 1 */
		unsigned misses;
	} windows[WINDOWS]; /* a hint: collisions do no harm */
	struct slot last;
};

struct memory *memory_new(memory_fetch *fetch, void *who, size_t most_pages)
{
	struct memory *m = mem_alloc(sizeof *m);

	*m = (struct memory){.fetch = fetch, .who = who, .budget = most_pages ? most_pages : DEFAULT_PAGES, .nslots = FIRST_SLOTS};
	m->reads = m->budget * READS_A_PAGE;
	m->slots = mem_alloc(m->nslots * sizeof *m->slots);
	return m;
}

static void drop_slabs(struct memory *m)
{
	for (size_t i = 0; i < m->slabs.n; i++)
		mem_free(m->slabs.at[i]);
	vec_free(&m->slabs);
	m->slab_used = 0;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	drop_slabs(m);
	mem_free(m->slots);
	mem_free(m);
}

void memory_forget(struct memory *m)
{
	drop_slabs(m);
	memset(m->slots, 0, m->nslots * sizeof *m->slots);
	memset(m->windows, 0, sizeof m->windows);
	m->used = 0;
	m->last = (struct slot){0};
}

bool memory_spent(const struct memory *m)
{
	return m->spent;
}

size_t memory_left(const struct memory *m)
{
	return m->budget;
}

size_t memory_fetches(const struct memory *m)
{
	return m->fetches;
}

/** Where KEY is, or the free slot where it belongs. */
static struct slot *slot_of(const struct memory *m, uint64_t key)
{
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (m->nslots - 1);

	while (m->slots[at].key && m->slots[at].key != key)
		at = (at + 1) & (m->nslots - 1);
	return &m->slots[at];
}

static void grow(struct memory *m)
{
	struct slot *old = m->slots;
	size_t nold = m->nslots;

	m->nslots *= 2;
	m->slots = mem_alloc(m->nslots * sizeof *m->slots);
	for (size_t i = 0; i < nold; i++)
		if (old[i].key)
			*slot_of(m, old[i].key) = old[i];
	mem_free(old);
}

static void put(struct memory *m, uint64_t key, uint8_t *data)
{
	if ((m->used + 1) * 4 > m->nslots * 3)
		grow(m);
	*slot_of(m, key) = (struct slot){key, data};
	m->used++;
	m->budget--;
}

/** Room for at least one page and at most *N, which tells how many it is. Of the slab, nothing is taken yet. */
static uint8_t *room(struct memory *m, size_t *n)
{
	if (!m->slabs.n || m->slab_used == SLAB_PAGES) {
		vec_push(&m->slabs, mem_grow(NULL, SLAB_PAGES, MEMORY_PAGE));
		m->slab_used = 0;
	}
	if (*n > SLAB_PAGES - m->slab_used)
		*n = SLAB_PAGES - m->slab_used;
	return m->slabs.at[m->slabs.n - 1] + m->slab_used * MEMORY_PAGE;
}

/** How many pages to read at once from the one of KEY on: up to the end of its window, or to what is known already. */
static size_t ahead(struct memory *m, uint64_t key)
{
	uint64_t window = (key - 1) / MEMORY_AHEAD + 1;
	size_t n = 1, most = MEMORY_AHEAD - (key - 1) % MEMORY_AHEAD, at = window % WINDOWS;

	if (m->windows[at].number != window) {
		m->windows[at].number = window;
		m->windows[at].misses = 0;
	}
	if (++m->windows[at].misses < MISSES)
		return 1;
	if (most > m->budget)
		most = m->budget;
	while (n < most && !slot_of(m, key + n)->key)
		n++;
	return n;
}

static struct slot *miss(struct memory *m, uint64_t key)
{
	if (!m->budget) {
		m->spent = true;
		return NULL;
	}

	uint64_t address = (key - 1) * MEMORY_PAGE;
	size_t n = ahead(m, key), got;
	uint8_t *to = room(m, &n);

	m->fetches++;
	got = m->fetch(m->who, address, to, n);
	if (!got && n > 1) { /* whoever reads all or nothing has said nothing of the first page yet */
		m->fetches++;
		got = m->fetch(m->who, address, to, 1);
	}
	if (got > n)
		got = n;
	if (!got)
		put(m, key, NULL);
	for (size_t i = 0; i < got; i++)
		put(m, key + i, to + i * MEMORY_PAGE);
	m->slab_used += got;
	return slot_of(m, key);
}

/** The bytes of the page of ADDRESS; NULL: can't be read. */
static const uint8_t *page(struct memory *m, uint64_t address)
{
	uint64_t key = address / MEMORY_PAGE + 1;

	if (!m->reads) {
		m->spent = true;
		return NULL;
	}
	m->reads--;
	if (m->last.key == key)
		return m->last.data;

	struct slot *slot = slot_of(m, key);

	if (!slot->key && !(slot = miss(m, key)))
		return NULL;
	m->last = *slot;
	return slot->data;
}

bool memory_read(struct memory *m, uint64_t address, void *buf, size_t size)
{
	uint8_t *to = buf;

	if (size > UINT64_MAX - address)
		return false;
	while (size) {
		size_t at = address % MEMORY_PAGE, n = MEMORY_PAGE - at;
		const uint8_t *from = page(m, address);

		if (!from)
			return false;
		if (n > size)
			n = size;
		memcpy(to, from + at, n);
		to += n;
		address += n;
		size -= n;
	}
	return true;
}

uint64_t memory_u64(struct memory *m, uint64_t address)
{
	uint64_t v;

	return memory_read(m, address, &v, sizeof v) ? v : 0;
}

uint32_t memory_u32(struct memory *m, uint64_t address)
{
	uint32_t v;

	return memory_read(m, address, &v, sizeof v) ? v : 0;
}

uint8_t memory_u8(struct memory *m, uint64_t address)
{
	uint8_t v;

	return memory_read(m, address, &v, sizeof v) ? v : 0;
}

bool memory_string(struct memory *m, uint64_t address, char *buf, size_t size)
{
	size_t n = 0;

	if (!size)
		return false;
	while (n + 1 < size && address <= UINT64_MAX - size) {
		size_t at = (address + n) % MEMORY_PAGE, more = MEMORY_PAGE - at;
		const uint8_t *from = page(m, address + n);

		if (!from)
			goto unreadable;
		if (more > size - 1 - n)
			more = size - 1 - n;

		const uint8_t *end = memchr(from + at, 0, more);

		if (end)
			more = (size_t)(end - (from + at));
		memcpy(buf + n, from + at, more);
		n += more;
		if (end)
			break;
	}
	buf[n] = '\0';
	return address <= UINT64_MAX - size;
unreadable:
	buf[0] = '\0';
	return false;
}
