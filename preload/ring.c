/* The ring of events, as a writer sees it (wire.h). */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "preload/shim.h"

enum { FIRST = sizeof((struct wire_slot *)0)->text, MORE = sizeof((struct wire_more *)0)->more };
enum { TEXT_MOST = FIRST + (WIRE_MOST_SLOTS - 1) * MORE };
_Static_assert((WIRE_SLOTS & (WIRE_SLOTS - 1)) == 0, "positions are masked");

static const size_t ring_size = sizeof(struct wire_file) + (size_t)WIRE_SLOTS * WIRE_SLOT;

static struct wire_file *map_events(int fd)
{
	struct stat st;

	if (sys(SYS_fstat, fd, &st) < 0 || (size_t)st.st_size != ring_size)
		return NULL;

	long at = sys(SYS_mmap, NULL, ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at < 0 && at > -4096)
		return NULL;

	struct wire_file *f = (struct wire_file *)at;

	/* A first write maps one page, a first read the sixteen around it (do_fault_around() in mm/memory.c), which each end of a
	 * process would have to undo. */
	atomic_fetch_or_explicit(&f->head, 0, memory_order_relaxed);
	if (f->magic == WIRE_MAGIC && f->version == WIRE_VERSION && f->slots == WIRE_SLOTS)
		return f;
	sys(SYS_munmap, f, ring_size);
	return NULL;
}

static struct wire_slot *slot_at(uint64_t pos)
{
	return &shim.ring->slot[pos & (WIRE_SLOTS - 1)];
}

/** The same for the page of the events to come. */
static void touch_next(void)
{
	uint64_t pos = atomic_load_explicit(&shim.ring->head, memory_order_relaxed);

	atomic_fetch_or_explicit(&slot_at(pos)->turn, 0, memory_order_relaxed);
}

void ring_open(void)
{
	long fd = sys(SYS_openat, AT_FDCWD, shim.events, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	shim.ring = map_events((int)fd);
	sys(SYS_close, fd);
	if (shim.ring)
		touch_next();
}

static uint64_t round_of(uint64_t pos)
{
	return pos & ~(uint64_t)(WIRE_SLOTS - 1);
}

/** N slots in a row. The reader gives them back in order, so when the last one is free all are. */
static uint64_t claim(uint32_t n)
{
	struct wire_file *f = shim.ring;
	uint64_t pos = atomic_load_explicit(&f->head, memory_order_relaxed);

	for (;;) {
		uint64_t last = pos + n - 1, now;

		if (atomic_load_explicit(&slot_at(last)->turn, memory_order_acquire) == round_of(last)) {
			if (atomic_compare_exchange_weak_explicit(&f->head, &pos, pos + n, memory_order_relaxed, memory_order_relaxed))
				return pos;
			continue;
		}
		now = atomic_load_explicit(&f->head, memory_order_relaxed);
		if (now == pos) {
			atomic_fetch_add_explicit(&f->lost, 1, memory_order_relaxed);
			return NO_POSITION;
		}
		pos = now;
	}
}

static int64_t now_ns(void)
{
	struct timespec t = {0};

	sys(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put_text(uint64_t pos, const char *text, size_t len)
{
	size_t n = len < FIRST ? len : FIRST;

	word_put(slot_at(pos)->text, text, n);
	for (text += n, len -= n; len; text += n, len -= n) {
		struct wire_more *more = (struct wire_more *)slot_at(++pos);

		n = len < MORE ? len : MORE;
		word_put(more->more, text, n);
	}
}

uint64_t tell(const struct told *t)
{
	if (!shim.ring)
		return NO_POSITION;

	pid_t pid = (pid_t)sys(SYS_getpid);

	if (!own_number(pid))
		return NO_POSITION;

	int64_t at_ns = now_ns();
	size_t len = t->len < TEXT_MOST ? t->len : TEXT_MOST;
	uint32_t n = len > FIRST ? 1 + (uint32_t)((len - FIRST + MORE - 1) / MORE) : 1;
	uint64_t pos = claim(n);

	if (pos == NO_POSITION)
		return pos;

	struct wire_slot *s = slot_at(pos);
	uint64_t round = round_of(pos);

	s->kind = t->kind;
	s->nslots = n;
	s->at_ns = at_ns;
	s->pid = pid;
	s->tid = (int32_t)sys(SYS_gettid);
	s->fd = t->fd;
	s->error = t->error;
	s->value = t->value;
	s->extra = t->extra;
	s->text_len = (uint32_t)len;
	put_text(pos, t->text, len);
	atomic_compare_exchange_strong_explicit(&s->turn, &round, round + 1, memory_order_release, memory_order_relaxed);
	return pos;
}
