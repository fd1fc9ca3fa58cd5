/* The ring of events: made here, written by the processes of the tree, read here. */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "hear/state.h"

/* Between claim and publication lie some instructions. Who has not come so far by then was killed or stopped. */
#define STALL_NS (1 * NS_PER_S)

static const size_t ring_size = sizeof(struct wire_file) + (size_t)WIRE_SLOTS * WIRE_SLOT;

static struct wire_slot *slot_at(const struct ring *r, uint64_t pos)
{
	return &r->file->slot[pos & (WIRE_SLOTS - 1)];
}

static uint64_t round_of(uint64_t pos)
{
	return pos & ~(uint64_t)(WIRE_SLOTS - 1);
}

size_t ring_bytes(void)
{
	return ring_size;
}

void ring_begin(struct ring *r, void *at)
{
	*r = (struct ring){.file = at};
	r->file->version = WIRE_VERSION;
	r->file->slots = WIRE_SLOTS;
	r->file->magic = WIRE_MAGIC;
}

void ring_close(struct ring *r)
{
	if (r->file)
		munmap(r->file, ring_size);
	*r = (struct ring){0};
}

uint64_t ring_announce(struct ring *r, const char *file)
{
	struct wire_slot *s = slot_at(r, 0);
	/* what does not fit into one slot tells nothing that its end does not */
	size_t len = strlen(file), skip = len > sizeof s->text ? len - sizeof s->text : 0;

	*s = (struct wire_slot){.kind = WIRE_EXEC, .nslots = 1, .at_ns = sys_monotonic_ns(), .fd = -1};
	s->text_len = (uint32_t)(len - skip);
	memcpy(s->text, file + skip, len - skip);
	atomic_store(&r->file->head, 1);
	atomic_store(&s->turn, 1);
	return 0;
}

/** Give up what has been claimed at POS and not been published for too long. @return true when there is something to read again. */
static bool skip_stalled(struct ring *r, int64_t now_ns)
{
	uint64_t head = atomic_load(&r->file->head);

	if (head == r->pos) {
		r->stalled_ns = 0;
		return false;
	}
	if (!r->stalled_ns || r->stalled_pos != r->pos) {
		r->stalled_ns = now_ns;
		r->stalled_pos = r->pos;
		r->stalled_head = head - r->pos < WIRE_SLOTS ? head : r->pos + WIRE_SLOTS; /* more can't be claimed: a stranger's number */
		return false;
	}
	if (now_ns - r->stalled_ns < STALL_NS)
		return false;
	while (r->pos < r->stalled_head) {
		uint64_t turn = round_of(r->pos);

		if (!atomic_compare_exchange_strong(&slot_at(r, r->pos)->turn, &turn, turn + WIRE_SLOTS))
			break; /* published, after all or by another */
		r->skipped++;
		r->pos++;
	}
	r->stalled_ns = 0;
	return true;
}

static void copy_text(const struct ring *r, const struct wire_slot *s, uint32_t nslots, struct text *text)
{
	size_t left = s->text_len, room = sizeof s->text + (nslots - 1) * sizeof((struct wire_more *)0)->more;
	size_t n = left < sizeof s->text ? left : sizeof s->text;

	left = left < room ? left : room;
	text->n = 0;
	text_addn(text, s->text, n);
	left -= n;
	for (uint64_t pos = r->pos + 1; left; pos++) {
		const struct wire_more *more = (const struct wire_more *)slot_at(r, pos);

		n = left < sizeof more->more ? left : sizeof more->more;
		text_addn(text, more->more, n);
		left -= n;
	}
}

bool ring_next(struct ring *r, int64_t now_ns, struct wire_slot *s, struct text *text, uint64_t *pos)
{
	do {
		struct wire_slot *from = slot_at(r, r->pos);

		if (atomic_load_explicit(&from->turn, memory_order_acquire) != round_of(r->pos) + 1)
			continue;
		*s = *from;
		if (s->nslots < 1 || s->nslots > WIRE_MOST_SLOTS || s->nslots > atomic_load(&r->file->head) - r->pos)
			s->nslots = 1; /* not one of ours: go on behind it, and give back nothing that is not claimed yet */
		copy_text(r, s, s->nslots, text);
		*pos = r->pos;
		for (uint32_t i = 0; i < s->nslots; i++, r->pos++) /* the last one last: writers look at that */
			atomic_store_explicit(&slot_at(r, r->pos)->turn, round_of(r->pos) + WIRE_SLOTS, memory_order_release);
		r->stalled_ns = 0;
		return true;
	} while (skip_stalled(r, now_ns));
	return false;
}

uint64_t ring_lost(const struct ring *r)
{
	return r->file ? atomic_load(&r->file->lost) + r->skipped : 0;
}
