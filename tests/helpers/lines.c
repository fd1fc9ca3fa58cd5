/* Compares our decoder of line tables with the interpreter's own answers. Reads records from standard input until its end:
 *     int32 minor version, first line, size of the table, instructions; the table; int32 line of each instruction, -1: it has none
 * and says what it has seen. Ends with 1 where a line differs, 2 where a record is torn. See tests/pythons/test_lines.py. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "python/state.h"

#define MOST_SHOWN 10

struct record {
	int32_t minor, first, size, n;
};

struct counts {
	uint64_t codes, instructions, different;
};

static void show(const struct record *r, const uint8_t *table, int32_t at, int ours, int32_t theirs)
{
	printf("3.%d, first line %d, instruction %d: line %d, not %d; table", r->minor, r->first, at, theirs, ours);
	for (int32_t i = 0; i < r->size && i < 64; i++)
		printf(" %02x", table[i]);
	printf("\n");
}

static void compare(const struct record *r, const uint8_t *table, const int32_t *lines, struct counts *c)
{
	c->codes++;
	for (int32_t i = 0; i < r->n; i++) {
		int ours = py_line(r->minor, r->first, table, (size_t)r->size, 2 * i);

		c->instructions++;
		if (ours != (lines[i] < 0 ? 0 : lines[i]) && c->different++ < MOST_SHOWN)
			show(r, table, i, ours, lines[i]);
	}
}

/** @return 1, 0 at the end, -1: torn. */
static int take(struct counts *c)
{
	struct record r;
	uint8_t *table;
	int32_t *lines;
	bool whole;

	if (fread(&r, sizeof r, 1, stdin) != 1)
		return feof(stdin) ? 0 : -1;
	if (r.size < 0 || r.n < 0)
		return -1;
	table = mem_alloc((size_t)r.size + 1);
	lines = mem_alloc(((size_t)r.n + 1) * sizeof *lines);
	whole = fread(table, 1, (size_t)r.size, stdin) == (size_t)r.size && fread(lines, sizeof *lines, (size_t)r.n, stdin) == (size_t)r.n;
	if (whole)
		compare(&r, table, lines, c);
	mem_free(table);
	mem_free(lines);
	return whole ? 1 : -1;
}

int main(void)
{
	struct counts c = {0};
	int rc;

	while ((rc = take(&c)) > 0)
		;
	printf("%" PRIu64 " code objects, %" PRIu64 " instructions, %" PRIu64 " different\n", c.codes, c.instructions, c.different);
	return rc < 0 ? 2 : c.different ? 1 : 0;
}
