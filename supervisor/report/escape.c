/* Text of the run made harmless in HTML, Markdown, Mermaid and workflow commands. */
#include <string.h>

#include "report/escape.h"
#include "report/page.h"

static const char *html_of(const char *at, size_t before)
{
	(void)before;
	switch (*at) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* CommonMark 2.4 lets any ASCII punctuation be escaped by a backslash; GitHub's mentions ("@name", "#12") and bare links ("http:", "www.")
 * are no mark-up that a backslash would stop, so what begins them goes as a character reference. */
static const char *markdown_of(const char *at, size_t before)
{
	switch (*at) {
	case '@':
		return "&#64;";
	case '#':
		return "&#35;";
	case ':':
		return at[1] == '/' ? "&#58;" : NULL;
	case '.':
		return before >= 3 && (at[-1] | 0x20) == 'w' && (at[-2] | 0x20) == 'w' ? "&#46;" : NULL;
	case '\\':
		return "\\\\";
	case '`':
		return "\\`";
	case '*':
		return "\\*";
	case '_':
		return "\\_";
	case '[':
		return "\\[";
	case ']':
		return "\\]";
	case '|':
		return "\\|";
	case '~':
		return "\\~";
	case '$':
		return "\\$";
	default:
		return html_of(at, before);
	}
}

/* Mermaid has references of its own, without the ampersand. */
static const char *mermaid_of(const char *at, size_t before)
{
	(void)before;
	switch (*at) {
	case '"':
		return "#quot;";
	case '#':
		return "#35;";
	case '<':
		return "#lt;";
	case '>':
		return "#gt;";
	case '&':
		return "#amp;";
	case '`':
		return "#96;";
	case '\\':
		return "#92;";
	case ';':
		return "#59;";
	case '%': /* "%%{...}%%" is a directive, wherever it stands */
		return "#37;";
	default:
		return NULL;
	}
}

/* As GitHub's own toolkit does: packages/core/src/command.ts, escapeData and escapeProperty. */
static const char *command_of(const char *at, size_t before)
{
	switch (*at) {
	case '[': /* "##[" began a command once, anywhere in a line */
		return before >= 2 && at[-1] == '#' && at[-2] == '#' ? " [" : NULL;
	case '%':
		return "%25";
	case '\r':
		return "%0D";
	case '\n':
		return "%0A";
	default:
		return NULL;
	}
}

static const char *property_of(const char *at, size_t before)
{
	return *at == ':' ? "%3A" : *at == ',' ? "%2C" : command_of(at, before);
}

/** What stands for the character AT, with so many before it; NULL: itself. */
typedef const char *instead_fn(const char *at, size_t before);

static void add_all(struct text *out, const char *s, size_t n, instead_fn *instead)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		const char *other = instead(s + i, i);

		if (!other)
			continue;
		text_addn(out, s + from, i - from);
		text_add(out, other);
		from = i + 1;
	}
	text_addn(out, s + from, n - from);
}

static void add_fit(struct text *out, const char *s, size_t most, instead_fn *instead)
{
	OWNED_TEXT fit = {0};

	page_fit(&fit, s, most);
	add_all(out, text_str(&fit), fit.n, instead);
}

void esc_html(struct text *out, const char *s, size_t most)
{
	add_fit(out, s, most, html_of);
}

void esc_html_end(struct text *out, const char *s, size_t most)
{
	OWNED_TEXT fit = {0};

	page_fit_end(&fit, s, most);
	add_all(out, text_str(&fit), fit.n, html_of);
}

void esc_words(struct text *out, const char *s)
{
	add_all(out, s, strlen(s), html_of);
}

void esc_lines(struct text *out, const char *s, size_t most)
{
	while (*s) {
		size_t len = strcspn(s, "\n");
		OWNED_TEXT line = {0};

		text_addn(&line, s, len);
		esc_html(out, text_str(&line), most);
		text_add(out, "\n");
		s += len + (s[len] != '\0');
	}
}

void esc_markdown(struct text *out, const char *s, size_t most)
{
	add_fit(out, s, most, markdown_of);
}

void esc_mermaid(struct text *out, const char *s, size_t most)
{
	add_fit(out, s, most, mermaid_of);
}

void esc_command(struct text *out, const char *s, size_t most)
{
	add_fit(out, s, most, command_of);
}

void esc_property(struct text *out, const char *s, size_t most)
{
	add_fit(out, s, most, property_of);
}

void esc_command_words(struct text *out, const char *s)
{
	add_all(out, s, strlen(s), command_of);
}
