/* Real images of Python processes, of which the input changes some bytes, lengths and pointers; or, where it says so, nothing but random
 * pages. An input: number of the image, flags, number of changes, the changes, bytes for pages that the image does not have.
 * Images: $FUZZ_IMAGES (make fuzz records them). clang -fsanitize=fuzzer,address,undefined */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { MOST_IMAGES = 64, MOST_PAGES = 1500 };
enum { ALL_RANDOM = 1, UNKNOWN_IS_RANDOM = 2, PART_AT = 4 }; /* flags; from bit 4 on, which part is walked */

struct image {
	struct record_head head;
	struct record_page *pages;
};

/** One change of an image. */
struct change {
	uint16_t page, offset;
	uint8_t kind, arg;
	uint16_t value;
};

struct input {
	const struct image *image;
	uint8_t flags;
	const struct change *changes;
	size_t nchanges;
	const uint8_t *bytes;
	size_t nbytes;
};

static struct image images[MOST_IMAGES];
static size_t nimages;

static bool load(const char *file, struct image *out)
{
	FILE *in = fopen(file, "re");
	bool ok = in && fread(&out->head, sizeof out->head, 1, in) == 1 && !memcmp(out->head.magic, RECORD_MAGIC, 8);

	if (ok) {
		out->pages = calloc(out->head.pages, sizeof *out->pages);
		ok = out->pages && fread(out->pages, sizeof *out->pages, out->head.pages, in) == out->head.pages;
	}
	if (in)
		fclose(in);
	return ok;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = getenv("FUZZ_IMAGES");
	DIR *dir = opendir(folder ? folder : "build/fuzz/images");
	char file[4096];

	(void)argc;
	(void)argv;
	for (struct dirent *entry; dir && nimages < MOST_IMAGES && (entry = readdir(dir));) {
		snprintf(file, sizeof file, "%s/%s", folder ? folder : "build/fuzz/images", entry->d_name);
		if (entry->d_name[0] != '.' && load(file, &images[nimages]))
			nimages++;
	}
	if (dir)
		closedir(dir);
	if (!nimages) {
		fprintf(stderr, "fuzz_python: no images in $FUZZ_IMAGES\n");
		exit(2);
	}
	return 0;
}

static void put(uint8_t *page, const struct change *c, uint64_t value)
{
	memcpy(page + (c->offset % MEMORY_PAGE & ~7u), &value, sizeof value);
}

static void apply(const struct input *in, const struct change *c, uint8_t *page)
{
	const struct image *image = in->image;
	uint64_t old;

	memcpy(&old, page + (c->offset % MEMORY_PAGE & ~7u), sizeof old);
	switch (c->kind % 6) {
	case 0: page[c->offset % MEMORY_PAGE] ^= c->arg; break;
	case 1: put(page, c, image->pages[c->value % image->head.pages].address + c->arg * UINT64_C(16)); break;
	case 2: put(page, c, c->value | (uint64_t)c->arg << 16); break;
	case 3: put(page, c, ~(uint64_t)c->value << (c->arg & 63)); break;
	case 4: put(page, c, old + (uint64_t)((int64_t)(int8_t)c->arg * 8)); break;
	case 5: put(page, c, old ^ UINT64_C(1) << (c->arg & 63)); break;
	}
}

static long page_of(const struct image *image, uint64_t address)
{
	size_t low = 0, high = image->head.pages;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (image->pages[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < image->head.pages && image->pages[low].address == address ? (long)low : -1;
}

/** A page made of the input's own bytes, another one for each address. */
static bool fill(const struct input *in, uint64_t address, uint8_t *page)
{
	size_t at = in->nbytes ? (size_t)(address / MEMORY_PAGE * 37 % in->nbytes) : 0;

	if (!in->nbytes)
		return false;
	for (size_t i = 0; i < MEMORY_PAGE; i++)
		page[i] = in->bytes[(at + i) % in->nbytes];
	return true;
}

static bool fetch_page(const struct input *in, uint64_t address, uint8_t *page)
{
	long at = in->flags & ALL_RANDOM ? -1 : page_of(in->image, address);

	if (at < 0)
		return in->flags & (ALL_RANDOM | UNKNOWN_IS_RANDOM) && fill(in, address, page);
	memcpy(page, in->image->pages[at].bytes, MEMORY_PAGE);
	for (size_t i = 0; i < in->nchanges; i++)
		if (in->changes[i].page % in->image->head.pages == (size_t)at)
			apply(in, &in->changes[i], page);
	return true;
}

static size_t fetch(void *who, uint64_t address, void *buf, size_t n)
{
	size_t got = 0;

	while (got < n && fetch_page(who, address + got * MEMORY_PAGE, (uint8_t *)buf + got * MEMORY_PAGE))
		got++;
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};
	struct python_where where;
	struct change *changes;
	struct memory *m;

	if (size < 3)
		return 0;
	in.image = &images[data[0] % nimages];
	in.flags = data[1];
	in.nchanges = data[2] % 16;
	if (in.nchanges > (size - 3) / sizeof *changes)
		in.nchanges = (size - 3) / sizeof *changes;
	changes = calloc(in.nchanges + 1, sizeof *changes);
	if (!changes)
		return 0;
	memcpy(changes, data + 3, in.nchanges * sizeof *changes);
	in.changes = changes;
	in.bytes = data + 3 + in.nchanges * sizeof *changes;
	in.nbytes = size - 3 - in.nchanges * sizeof *changes;
	where = record_where(&in.image->head);
	m = memory_new(fetch, &in, MOST_PAGES);
	walk_python(m, &where, 1u << (in.flags >> PART_AT & 3));
	memory_free(m);
	free(changes);
	return 0;
}
