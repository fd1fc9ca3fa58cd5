/* Line tables: Objects/lnotab_notes.txt up to 3.10, Objects/locations.md (3.11: pycore_code.h) afterwards. Pure functions on
 * bytes that nobody vouches for.
 */
#include "python/state.h"

enum { NO_LINE = 0, MOST_LINE = 1 << 24 };

/* Pairs: bytes of code, signed lines. The lines of a pair hold from behind its bytes on. */
static int by_lnotab(int line, const uint8_t *table, size_t size, int offset)
{
	int64_t at = 0, now = line;

	for (size_t i = 0; i + 1 < size; i += 2) {
		at += table[i];
		if (at > offset)
			break;
		now += (int8_t)table[i + 1];
	}
	return now > 0 && now < MOST_LINE ? (int)now : NO_LINE;
}

/* Pairs: bytes of code, signed lines that hold for these bytes; -128: these have none (PEP 626). */
static int by_pairs(int line, const uint8_t *table, size_t size, int offset)
{
	int64_t at = 0, now = line;

	for (size_t i = 0; i + 1 < size; i += 2) {
		int8_t more = (int8_t)table[i + 1];

		if (more != INT8_MIN)
			now += more;
		at += table[i];
		if (offset < at)
			return more != INT8_MIN && now > 0 && now < MOST_LINE ? (int)now : NO_LINE;
	}
	return NO_LINE;
}

struct bytes {
	const uint8_t *at;
	size_t size, i;
	bool torn;
};

/** Six bits a byte, the low ones first; bit 6: more follow. */
static uint32_t varint(struct bytes *b)
{
	uint32_t value = 0;
	unsigned shift = 0, byte;

	do {
		if (b->i >= b->size || shift > 30) {
			b->torn = true;
			return 0;
		}
		byte = b->at[b->i++];
		value |= (uint32_t)(byte & 63) << shift;
		shift += 6;
	} while (byte & 64);
	return value;
}

/* pycore_code.h: enum _PyCodeLocationInfoKind */
enum { ONE_LINE0 = 10, NO_COLUMNS = 13, LONG = 14, NONE = 15 };

/** What an entry of KIND adds to the line; its columns are passed over. */
static int64_t line_delta(struct bytes *b, int kind)
{
	uint32_t value;

	if (kind == NONE)
		return 0;
	if (kind < ONE_LINE0) { /* short: columns in one byte */
		b->i++;
		return 0;
	}
	if (kind < NO_COLUMNS) { /* two bytes of columns */
		b->i += 2;
		return kind - ONE_LINE0;
	}
	value = varint(b);
	if (kind == LONG) { /* end line, column, end column */
		varint(b);
		varint(b);
		varint(b);
	}
	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* Entries begin with a byte that has bit 7 set: kind in bits 3 to 6, length in code units less one in bits 0 to 2. */
static int by_locations(int line, const uint8_t *table, size_t size, int offset)
{
	struct bytes b = {table, size, 0, false};
	int64_t at = 0, now = line;

	while (b.i < b.size) {
		uint8_t head = b.at[b.i++];
		int kind = head >> 3 & 15;

		now += line_delta(&b, kind);
		at += ((head & 7) + 1) * 2;
		if (!(head & 128) || b.torn || b.i > b.size || now < -MOST_LINE || now > MOST_LINE)
			return NO_LINE;
		if (offset < at)
			return kind != NONE && now > 0 ? (int)now : NO_LINE;
	}
	return NO_LINE;
}

int py_line(int minor, int first_line, const uint8_t *table, size_t size, int offset)
{
	if (offset < 0) /* not begun: as PyCode_Addr2Line() has it */
		return first_line > 0 ? first_line : NO_LINE;
	if (minor <= 9)
		return by_lnotab(first_line, table, size, offset);
	if (minor == 10)
		return by_pairs(first_line, table, size, offset);
	return by_locations(first_line, table, size, offset);
}
