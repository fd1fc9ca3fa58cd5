/* Which interpreter is it, and is it what the table says? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/state.h"

enum { FIRST_WITH_BLOCK = 13, SECTION_PADDING = 64, MOST_TRIED = 64 };
enum { ALPHA = 0xa, BETA = 0xb };
static const char COOKIE[8] = "xdebugpy";
#define NOT_KNOWN_BUILD "built in a way that tracewrap does not know, its frames are not read"

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/** The length of "3.N.P" or "3.N.Prc1" at AT; 0: it is none. */
static size_t version_at(const uint8_t *at, const uint8_t *end, int *minor)
{
	const uint8_t *p = at + 2;
	int n = 0, parts = 0;

	for (; p < end && p - at < 15 && (digit(*p) || *p == '.'); p++) {
		if (*p == '.')
			parts++;
		else if (!parts)
			n = n * 10 + (*p - '0');
	}
	while (p < end && p - at < 15 && (digit(*p) || *p == 'a' || *p == 'b' || *p == 'r' || *p == 'c' || *p == '+'))
		p++;
	if (p == end || *p || parts != 1 || !digit(at[2]) || p[-1] == '.' || n > 99)
		return 0;
	*minor = n;
	return (size_t)(p - at);
}

static bool find_literal(const uint8_t *p, const uint8_t *end, const char *begin, int minor, char out[16])
{
	while ((p = memmem(p, (size_t)(end - p), begin, 3))) {
		int n = -1;
		size_t len = version_at(++p, end, &n);

		if (len && (minor >= 0 ? n == minor : py_offsets_of(n) != NULL)) {
			memcpy(out, p, len);
			out[len] = '\0';
			return true;
		}
	}
	return false;
}

/* A linker puts a string into the end of another one that ends so, as a prefix "/opt/python/3.9.18" does. */
bool python_literal(const void *bytes, size_t size, int minor, char out[16])
{
	const uint8_t *begin = bytes;

	return find_literal(begin, begin + size, "\0003.", minor, out) || find_literal(begin, begin + size, "/3.", minor, out);
}

int python_minor_of_name(const char *file)
{
	const char *p = strstr(file, "python3.");
	char *end;
	long n;

	if (!p || !digit((uint8_t)p[8]))
		return -1;
	n = strtol(p + 8, &end, 10);
	return n < 100 ? (int)n : -1;
}

/* patchlevel.h: PY_VERSION_HEX has a byte each for major, minor and patch, then a letter of the level and its number. */
static void name_version(struct python *py)
{
	static const char levels[16][3] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc"};
	uint32_t level = py->hex >> 4 & 15, minor = py->hex >> 16 & 255, patch = py->hex >> 8 & 255;
	int n = snprintf(py->version, sizeof py->version, "%u.%u.%u%s", py->hex >> 24, minor, patch, levels[level]);

	if (*levels[level] && n > 0 && (size_t)n < sizeof py->version)
		(void)snprintf(py->version + n, sizeof py->version - (size_t)n, "%u", py->hex & 15);
}

/** The version as the file tells it, where memory does not. */
static bool version_of_file(struct python *py)
{
	int minor = python_minor_of_name(py->at.file ? py->at.file : "");
	unsigned n = 0, patch = 0;

	if (py->at.literal && sscanf(py->at.literal, "3.%3u.%3u", &n, &patch) == 2 && n < 256 && patch < 256) {
		if (minor >= 0 && (unsigned)minor != n)
			return false;
		py->hex = 3u << 24 | n << 16 | patch << 8 | 0xf0;
		name_version(py);
		return true;
	}
	if (minor < 0)
		return false;
	py->hex = 3u << 24 | (uint32_t)minor << 16;
	(void)snprintf(py->version, sizeof py->version, "3.%d", minor);
	return true;
}

static bool read_version(struct python *py, const uint64_t *block, bool has_block)
{
	uint64_t word = 0;

	if (has_block)
		word = block[1];
	else if (py->at.version)
		word = memory_u64(py->m, py->at.version); /* const unsigned long Py_Version */
	if (word >> 24 != 3)
		return version_of_file(py);
	py->hex = (uint32_t)word;
	name_version(py);
	return true;
}

#define REFUSED(py, words, ...) arena_printf((py)->arena, "Python %s: " words, (py)->version __VA_OPT__(, ) __VA_ARGS__)

static bool size_fits(const struct python *py)
{
	uint64_t is = py->at.runtime_size, want = (uint64_t)py->o.rt_size;

	return py->at.by_section ? is >= want && is - want < SECTION_PADDING : is == want;
}

/** What follows the threads in the table are frames and objects, and the block has only some of their fields. Where one of these
 *  is elsewhere (Py_TRACE_REFS), the others are, too. */
static bool same_objects(const struct py_offsets *a, const struct py_offsets *b)
{
	size_t from = offsetof(struct py_offsets, fr_back);

	return memcmp((const char *)a + from, (const char *)b + from, sizeof *a - from) == 0;
}

/** Choose a row and lay the interpreter's own word over it. @return NULL, or why that can't be. */
static const char *choose(struct python *py, const uint64_t *block, bool has_block)
{
	const struct py_offsets *row = py_offsets_of(py->minor);

	if (!row)
		return REFUSED(py, "its frames are not known to this version of tracewrap");
	if ((py->hex >> 4 & 15) == ALPHA || (py->hex >> 4 & 15) == BETA)
		return REFUSED(py, "a pre-release, of which the frames are not known to this version of tracewrap");
	py->o = *row;
	if (py->minor < FIRST_WITH_BLOCK)
		return size_fits(py) ? NULL : REFUSED(py, NOT_KNOWN_BUILD);
	if (!has_block || !py_block_words(py->hex))
		return REFUSED(py, "it does not describe itself as it should, its frames are not read");
	py->free_threaded = block[2] & 1;
	if (py->free_threaded)
		return REFUSED(py, "a free-threaded build, of which the frames are not known to this version of tracewrap");
	if (!py_block_overlay(py->hex, block, &py->o) || !size_fits(py))
		return REFUSED(py, "what it says of itself does not fit its file, its frames are not read");
	return same_objects(&py->o, row) ? NULL : REFUSED(py, NOT_KNOWN_BUILD);
}

/** Is the innermost frame of a thread of INTERPRETER's one of code? 1: yes; 0: there is none; -1: it is something else. */
static int check_frames(struct python *py, uint64_t interpreter)
{
	uint64_t state = memory_u64(py->m, interpreter + (uint64_t)py->o.is_threads_head);
	int seen = 0;

	for (int i = 0; state && i < MOST_TRIED; i++, state = memory_u64(py->m, state + (uint64_t)py->o.ts_next)) {
		uint64_t frame = memory_u64(py->m, state + (uint64_t)py->o.ts_frame);
		const char *why = NULL;
		struct py_frame f;

		if (memory_u64(py->m, state + (uint64_t)py->o.ts_interp) != interpreter)
			return -1;
		if (frame && py->o.cframe_frame >= 0)
			frame = memory_u64(py->m, frame + (uint64_t)py->o.cframe_frame);
		if (py_frame_from(py, frame, &f, &why))
			return 1;
		if (why) /* the thread may be moving: another one may not */
			seen = -1;
	}
	return seen;
}

/** Compare what is there with what the row says. @return NULL, or why it is not believed. */
static const char *verify(struct python *py)
{
	uint64_t interpreter = 0;
	bool wrong = false;

	py->code_type = py->at.code_type;
	for (int i = 0; i < MOST_TRIED && (interpreter = py_next_interpreter(py, interpreter)); i++) {
		int is = check_frames(py, interpreter);

		if (is > 0)
			return py_name_of_type(py, py->code_type, NULL, 0) && strcmp(py->last_name, "code") == 0 ?
				       NULL :
				       REFUSED(py, "its objects are not where they should be, its frames are not read");
		wrong = wrong || is < 0;
	}
	return wrong ? REFUSED(py, "its threads are not where they should be, its frames are not read") : NULL;
}

struct python *python_open(struct memory *m, struct arena *arena, const struct python_where *where, const char **why)
{
	struct python *py = arena_alloc(arena, sizeof *py);
	uint64_t block[PY_BLOCK_WORDS] = {0};
	char cookie[sizeof COOKIE];

	*py = (struct python){.m = m, .arena = arena, .at = *where};
	*why = NULL;
	if (!memory_read(m, where->runtime, cookie, sizeof cookie)) {
		*why = "its memory can't be read";
		return NULL;
	}

	bool has_block = memcmp(cookie, COOKIE, sizeof cookie) == 0 && where->runtime_size >= sizeof block &&
			 memory_read(m, where->runtime, block, sizeof block);

	if (!read_version(py, block, has_block)) {
		*why = "an interpreter of Python whose version can't be found";
		return NULL;
	}
	py->minor = py->hex >> 16 & 255;
	*why = choose(py, block, has_block);
	if (!*why)
		*why = verify(py);
	return *why ? NULL : py;
}

const char *python_version(const struct python *py)
{
	return py->version;
}

bool python_free_threaded(const struct python *py)
{
	return py->free_threaded;
}
