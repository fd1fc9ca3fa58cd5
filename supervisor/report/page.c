/* Laying out text in columns: what fits, where to break, what to leave out. */
#include <string.h>

#include "report/page.h"

#define ELLIPSIS "..."
enum { ELLIPSIS_WIDTH = sizeof ELLIPSIS - 1 };

static size_t sequence_length(const char *s)
{
	size_t len = 1;

	while (((unsigned char)s[len] & 0xc0) == 0x80)
		len++;
	return len;
}

static size_t width_n(const char *s, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width += ((unsigned char)s[i] & 0xc0) != 0x80;
	return width;
}

size_t page_width(const char *s)
{
	return width_n(s, strlen(s));
}

/** Bytes of the first WIDTH code points of S, at most N. */
static size_t bytes_of(const char *s, size_t n, size_t width)
{
	size_t i = 0;

	for (; width && i < n; width--)
		i += sequence_length(s + i);
	return i;
}

/** Marks without a width of their own that change how their neighbours are shown: direction (Unicode's UAX 9), joiners,
 *  separators of lines and paragraphs, byte order marks, tags. */
static bool is_unseen(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},
		{0x2060, 0x206f}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}, {0xfffe, 0xffff},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/** Of valid UTF-8. */
static uint32_t decode(const char *s, size_t len)
{
	static const unsigned char masks[] = {0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (unsigned char)s[0] & masks[len > 4 ? 3 : len - 1];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

static void add_seen(struct text *out, const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = sequence_length(s + i);
		if (is_unseen(decode(s + i, len)))
			text_add(out, "?");
		else
			text_addn(out, s + i, len);
	}
}

/** Append the first N bytes of S, which is valid UTF-8, cut to MOST code points. */
static void add_cut(struct text *out, const char *s, size_t n, size_t most)
{
	if (width_n(s, n) <= most) {
		add_seen(out, s, n);
		return;
	}
	if (most > ELLIPSIS_WIDTH)
		add_seen(out, s, bytes_of(s, n, most - ELLIPSIS_WIDTH));
	text_addn(out, ELLIPSIS, most < ELLIPSIS_WIDTH ? most : ELLIPSIS_WIDTH);
}

void page_fit(struct text *out, const char *s, size_t most)
{
	OWNED_TEXT copy = {0};

	text_add(&copy, s);
	text_clean(copy.at, copy.n);
	add_cut(out, copy.at, copy.n, most);
}

void page_fit_end(struct text *out, const char *s, size_t most)
{
	OWNED_TEXT copy = {0};
	size_t width;

	text_add(&copy, s);
	text_clean(copy.at, copy.n);
	width = width_n(copy.at, copy.n);
	if (width <= most) {
		add_seen(out, copy.at, copy.n);
		return;
	}
	must(most > ELLIPSIS_WIDTH);

	size_t skip = bytes_of(copy.at, copy.n, width - (most - ELLIPSIS_WIDTH));

	text_add(out, ELLIPSIS);
	add_seen(out, copy.at + skip, copy.n - skip);
}

/** Bytes of the word at S. A number is not parted from the "fd" before it. */
static size_t word_length(const char *s)
{
	size_t n = strcspn(s, " ");

	while (s[n] == ' ' && n >= 2 && memcmp(s + n - 2, "fd", 2) == 0)
		n += 1 + strcspn(s + n + 1, " ");
	return n;
}

size_t page_take(const char *s, size_t width)
{
	size_t taken = 0;

	for (size_t end = 0; s[end];) {
		end += strspn(s + end, " ");
		end += word_length(s + end);
		if (taken && width_n(s, end) > width)
			break;
		taken = end;
	}
	return taken;
}

void page_wrap(struct text *out, const char *s, size_t col, size_t indent, size_t width)
{
	bool first = true; /* of its line */

	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		size_t n = word_length(s), w = width_n(s, n);

		if (col + !first + w > width && col > indent) {
			text_add(out, "\n");
			text_addc(out, ' ', indent);
			col = indent;
			first = true;
		}
		if (!first)
			text_add(out, " ");
		col += !first;
		add_cut(out, s, n, width > col ? width - col : 1);
		col += w;
		first = false;
		s += n;
	}
}
