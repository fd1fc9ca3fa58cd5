/* Objects: their types, and values that are numbers or text. */
#include <stdio.h>
#include <string.h>

#include "python/state.h"

/* object.h: PyObject_HEAD is 16 bytes where the GIL is; what comes next is at its own place in each struct. */
enum { AFTER_HEAD = 16, INT_DIGITS = 24, DIGIT_BITS = 30 /* longintrepr.h on all 64-bit builds */ };
enum { FLAG_HEAPTYPE = 9 };

uint64_t py_type(struct python *py, uint64_t obj)
{
	return obj && obj % 8 == 0 ? memory_u64(py->m, obj + (uint64_t)py->o.ob_type) : 0;
}

bool py_name_of_type(struct python *py, uint64_t type, char *buf, size_t size)
{
	if (!type || type != py->last_type) {
		uint64_t name = type ? memory_u64(py->m, type + (uint64_t)py->o.tp_name) : 0;

		py->last_type = 0;
		if (!name || !memory_string(py->m, name, py->last_name, sizeof py->last_name)) {
			if (size)
				buf[0] = '\0';
			return false;
		}
		text_clean(py->last_name, strlen(py->last_name));
		py->last_type = type;
	}
	if (size) {
		size_t n = strnlen(py->last_name, size - 1);

		memcpy(buf, py->last_name, n);
		buf[n] = '\0';
	}
	return true;
}

bool py_type_name(struct python *py, uint64_t obj, char *buf, size_t size)
{
	return py_name_of_type(py, py_type(py, obj), buf, size);
}

bool py_is_type(struct python *py, uint64_t obj, const char *name)
{
	char is[sizeof py->last_name];

	return py_type_name(py, obj, is, sizeof is) && strcmp(is, name) == 0;
}

static bool type_flag(struct python *py, uint64_t type, int bit)
{
	return type && memory_u64(py->m, type + (uint64_t)py->o.tp_flags) >> bit & 1;
}

bool py_is_kind(struct python *py, uint64_t obj, enum py_kind kind)
{
	return type_flag(py, py_type(py, obj), (int)kind);
}

bool py_full_type_name(struct python *py, uint64_t obj, char *buf, size_t size)
{
	uint64_t type = py_type(py, obj);
	char name[96], module[160];

	if (!py_name_of_type(py, type, name, sizeof name)) {
		if (size)
			buf[0] = '\0';
		return false;
	}

	bool heap = type_flag(py, type, FLAG_HEAPTYPE) && !strchr(name, '.');
	uint64_t dict = heap ? memory_u64(py->m, type + (uint64_t)py->o.tp_dict) : 0;
	bool known = dict && py_string(py, py_dict_get(py, dict, "__module__"), module, sizeof module);

	(void)snprintf(buf, size, "%s%s%s", known ? module : "", known ? "." : "", name);
	return true;
}

bool py_is_none(struct python *py, uint64_t obj)
{
	return py_is_type(py, obj, "NoneType");
}

/** Where the characters of a str are: unicodeobject.h. */
struct characters {
	uint64_t at;
	uint64_t length;
	unsigned width; /* 1, 2, 4 */
	bool ascii;
};

/* struct { unsigned interned:2, kind:3, compact:1, ascii:1, ... } state */
static bool characters_of(struct python *py, uint64_t obj, struct characters *c)
{
	uint32_t state;

	if (!py_is_kind(py, obj, PY_KIND_STR) || !memory_read(py->m, obj + (uint64_t)py->o.us_state, &state, sizeof state))
		return false;

	bool compact = state >> 5 & 1;

	c->width = state >> 2 & 7;
	c->ascii = state >> 6 & 1;
	c->length = memory_u64(py->m, obj + (uint64_t)py->o.us_length);
	if (c->width != 1 && c->width != 2 && c->width != 4)
		return false; /* up to 3.11 kind 0: a string of wchar_t that nobody has looked at yet */
	if (c->length > INT32_MAX)
		return false;
	/* Those of a subclass of str are elsewhere: PyUnicodeObject.data, which follows PyCompactUnicodeObject. */
	if (compact)
		c->at = obj + (uint64_t)(c->ascii ? py->o.us_ascii : py->o.us_compact);
	else
		c->at = memory_u64(py->m, obj + (uint64_t)py->o.us_compact);
	return c->at != 0;
}

static size_t encode(uint32_t c, char *to)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff) { /* half a pair: a byte of a file name that was no UTF-8 (PEP 383) */
		to[0] = '?';
		return 1;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

static uint32_t character(const uint8_t *raw, size_t i, unsigned width)
{
	uint32_t c = 0;

	memcpy(&c, raw + i * width, width); /* little endian, as the struct itself */
	return c;
}

/** As many of C's characters as fit into SIZE - 1 bytes. @return bytes, -1: not readable. */
static long decode(struct python *py, const struct characters *c, char *buf, size_t size)
{
	uint8_t raw[256];
	size_t used = 0;

	for (uint64_t done = 0; done < c->length;) {
		size_t n = sizeof raw / c->width;

		if (n > c->length - done)
			n = (size_t)(c->length - done);
		if (!memory_read(py->m, c->at + done * c->width, raw, n * c->width))
			return -1;
		for (size_t i = 0; i < n; i++) {
			char one[4];
			size_t len = encode(character(raw, i, c->width), one);

			if (used + len >= size)
				return (long)used;
			memcpy(buf + used, one, len);
			used += len;
		}
		done += n;
	}
	return (long)used;
}

bool py_string(struct python *py, uint64_t obj, char *buf, size_t size)
{
	struct characters c;
	long n = size && characters_of(py, obj, &c) ? decode(py, &c, buf, size) : -1;

	if (size)
		buf[n < 0 ? 0 : n] = '\0';
	if (n < 0)
		return false;
	text_clean(buf, (size_t)n); /* NUL included */
	return true;
}

const char *py_text(struct python *py, uint64_t obj)
{
	char buf[PY_TEXT];

	return py_string(py, obj, buf, sizeof buf) ? arena_strdup(py->arena, buf) : NULL;
}

bool py_string_is(struct python *py, uint64_t obj, const char *text)
{
	size_t n = strlen(text);
	char is[128];
	struct characters c;

	if (!characters_of(py, obj, &c) || !c.ascii || c.length != n)
		return false;
	return n <= sizeof is && memory_read(py->m, c.at, is, n) && memcmp(is, text, n) == 0;
}

/* Up to 3.11 ob_size counts the digits and has the sign; afterwards lv_tag: sign in two bits (0, 1: zero, 2: negative), digits
 * from bit 3 on (longintrepr.h). */
bool py_int(struct python *py, uint64_t obj, int64_t *out)
{
	uint64_t tag;
	uint32_t digits[3] = {0};
	size_t n;
	bool negative;

	if (!py_is_kind(py, obj, PY_KIND_INT) || !memory_read(py->m, obj + AFTER_HEAD, &tag, sizeof tag))
		return false;
	if (py->minor >= 12) {
		negative = (tag & 3) == 2;
		n = (tag & 3) == 1 ? 0 : tag >> 3;
	} else {
		negative = (int64_t)tag < 0;
		n = negative ? -tag : tag;
	}
	if (n > ARRAY_SIZE(digits) || !memory_read(py->m, obj + INT_DIGITS, digits, n * sizeof *digits))
		return false;

	__int128 value = 0;

	for (size_t i = n; i-- > 0;)
		value = (value << DIGIT_BITS) + digits[i];
	if (negative)
		value = -value;
	if (value < INT64_MIN || value > INT64_MAX)
		return false;
	*out = (int64_t)value;
	return true;
}

bool py_float(struct python *py, uint64_t obj, double *out)
{
	return py_is_type(py, obj, "float") && memory_read(py->m, obj + AFTER_HEAD, out, sizeof *out);
}

uint64_t py_cell(struct python *py, uint64_t obj)
{
	return py_is_type(py, obj, "cell") ? memory_u64(py->m, obj + AFTER_HEAD) : 0;
}

bool py_bytes(struct python *py, uint64_t obj, void *buf, size_t size, size_t *len)
{
	uint64_t n;

	if (!py_is_kind(py, obj, PY_KIND_BYTES) || !memory_read(py->m, obj + (uint64_t)py->o.by_size, &n, sizeof n) || n > size)
		return false;
	*len = (size_t)n;
	return memory_read(py->m, obj + (uint64_t)py->o.by_data, buf, *len);
}
