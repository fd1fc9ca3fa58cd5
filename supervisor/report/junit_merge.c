/* pytest's own JUnit file completed: the hung test, tests that never ran, what was left behind. All that pytest wrote stays, but for the
 * nameless element of the test that was interrupted. The file is walked tag by tag; it is not built anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/junit.h"

/** A tag: [at, end) is all of it, with its brackets. */
struct tag {
	const char *at, *end;
	bool closes, empty; /* </x>, <x/> */
};

static const char *past(const char *at, const char *mark)
{
	const char *found = strstr(at, mark);

	return found ? found + strlen(mark) : NULL;
}

/** The next tag at or behind AT; comments, declarations and CDATA are passed over. @return false: none, or the text is broken (*BROKEN). */
static bool next_tag(const char *at, struct tag *tag, bool *broken)
{
	while (at && (at = strchr(at, '<')) != NULL) {
		if (strncmp(at, "<!--", 4) == 0) {
			at = past(at, "-->");
		} else if (strncmp(at, "<![CDATA[", 9) == 0) {
			at = past(at, "]]>");
		} else if (at[1] == '?' || at[1] == '!') {
			at = past(at, ">");
		} else {
			char quote = '\0';
			const char *end = at + 1;

			for (; *end && (quote || *end != '>'); end++)
				if (quote ? *end == quote : *end == '"' || *end == '\'')
					quote = quote ? '\0' : *end;
			if (!*end)
				break;
			*tag = (struct tag){at, end + 1, at[1] == '/', end[-1] == '/'};
			return true;
		}
	}
	*broken = at != NULL;
	return false;
}

static bool is_named(const struct tag *tag, const char *name)
{
	const char *at = tag->at + 1 + tag->closes;
	size_t len = strlen(name);

	return strncmp(at, name, len) == 0 && strchr(" \t\r\n/>", at[len]);
}

/** The raw value of KEY, its length in LEN; NULL: there is none. */
static const char *raw_attribute(const struct tag *tag, const char *key, size_t *len)
{
	size_t n = strlen(key);

	for (const char *at = tag->at + 1; at < tag->end; at++) {
		const char *value, *end;

		if (*at == '"' || *at == '\'') { /* a value: not to be taken for a key */
			end = strchr(at + 1, *at);
			if (!end || end >= tag->end)
				return NULL;
			at = end;
			continue;
		}
		if ((at[-1] != ' ' && at[-1] != '\n' && at[-1] != '\t') || strncmp(at, key, n) != 0 || at[n] != '=')
			continue;
		value = at + n + 2;
		end = at[n + 1] == '"' || at[n + 1] == '\'' ? strchr(value, at[n + 1]) : NULL;
		if (!end || end >= tag->end)
			return NULL;
		*len = (size_t)(end - value);
		return value;
	}
	return NULL;
}

/** Append S with its references resolved, as far as pytest (xml.etree) writes them. */
static void add_plain(struct text *out, const char *s, size_t len)
{
	static const struct {
		const char *name;
		char is;
	} known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&#39;", '\''}};

	for (size_t i = 0; i < len;) {
		size_t k = 0;

		while (k < ARRAY_SIZE(known) &&
		       (len - i < strlen(known[k].name) || strncmp(s + i, known[k].name, strlen(known[k].name)) != 0))
			k++;
		text_addn(out, k < ARRAY_SIZE(known) ? &known[k].is : s + i, 1);
		i += k < ARRAY_SIZE(known) ? strlen(known[k].name) : 1;
	}
}

static bool attribute_is(const struct tag *tag, const char *key, const char *value)
{
	OWNED_TEXT plain = {0};
	size_t len;
	const char *raw = raw_attribute(tag, key, &len);

	if (!raw)
		return false;
	add_plain(&plain, raw, len);
	return strcmp(text_str(&plain), value) == 0;
}

/* ---- one run's file ---- */

struct merging {
	const struct run_report *r;
	bool leaks_fail;
	bool *done; /* of the findings: its test was there */
	struct text body;
	size_t cases, errors, skipped; /* cases: elements in the body; the others: those that are ours */
};

static bool is_case_of(const struct tag *tag, const char *test)
{
	OWNED_TEXT classname = {0};
	OWNED_TEXT name = {0};

	junit_names(test, &classname, &name);
	return attribute_is(tag, "name", text_str(&name)) && attribute_is(tag, "classname", text_str(&classname));
}

/** What belongs into the element TAG. */
static void add_findings(struct merging *m, const struct tag *tag)
{
	for (size_t i = 0; i < m->r->nfindings; i++) {
		const struct finding *f = m->r->findings[i];

		if (m->done[i] || !f->test || !is_case_of(tag, f->test))
			continue;
		m->done[i] = true;
		if (finding_is_leak(f))
			junit_leak(&m->body, m->r, f, m->leaks_fail);
		else
			junit_hang(&m->body, m->r, f);
		m->errors += !finding_is_leak(f) || m->leaks_fail;
	}
}

/** An element of a test, as it is or with more in it. */
static void copy_case(struct merging *m, const struct tag *tag)
{
	size_t len;

	if (tag->empty && !raw_attribute(tag, "name", &len))
		return; /* the interrupted test */
	m->cases++;
	if (!tag->empty) {
		text_addn(&m->body, tag->at, (size_t)(tag->end - tag->at));
		add_findings(m, tag);
		return;
	}

	size_t before = m->body.n;

	text_addn(&m->body, tag->at, (size_t)(tag->end - tag->at) - 2);
	text_add(&m->body, ">");

	size_t opened = m->body.n;

	add_findings(m, tag);
	if (m->body.n > opened) {
		text_add(&m->body, "</testcase>");
		return;
	}
	m->body.n = before;
	text_addn(&m->body, tag->at, (size_t)(tag->end - tag->at));
}

/** @return whether [FROM, TO) was walked to its end. */
static bool copy_body(struct merging *m, const char *from, const char *to)
{
	struct tag tag;
	bool broken = false;

	while (from < to && next_tag(from, &tag, &broken) && tag.at < to) {
		text_addn(&m->body, from, (size_t)(tag.at - from));
		if (!tag.closes && is_named(&tag, "testcase"))
			copy_case(m, &tag);
		else
			text_addn(&m->body, tag.at, (size_t)(tag.end - tag.at));
		from = tag.end;
	}
	if (from < to)
		text_addn(&m->body, from, (size_t)(to - from));
	return !broken;
}

static void add_new_cases(struct merging *m)
{
	struct junit_counts counts = {0};

	for (size_t i = 0; i < m->r->nfindings; i++) {
		const struct finding *f = m->r->findings[i];
		OWNED_TEXT content = {0};

		if (m->done[i])
			continue;
		if (finding_is_leak(f))
			junit_leak(&content, m->r, f, m->leaks_fail);
		else
			junit_hang(&content, m->r, f);
		m->errors += !finding_is_leak(f) || m->leaks_fail;
		m->cases++;
		junit_case(&m->body, f->test ? f->test : JUNIT_NO_TEST, f->detected_ns - f->onset_ns, text_str(&content));
	}
	junit_not_run(&m->body, m->r, &counts);
	m->cases += counts.tests;
	m->skipped += counts.skipped;
}

/** The opening tag of the suite with its counts brought up to date. */
static void add_opening(struct text *out, const struct tag *tag, const struct merging *m)
{
	static const char *const keys[] = {"tests", "errors", "skipped"};
	const char *from = tag->at;

	/* in the order in which they stand there */
	for (;;) {
		const char *first = NULL;
		size_t first_len = 0, which = 0, len;

		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			const char *at = raw_attribute(tag, keys[k], &len);

			if (at && at > from && (!first || at < first)) {
				first = at;
				first_len = len;
				which = k;
			}
		}
		if (!first)
			break;
		text_addn(out, from, (size_t)(first - from));
		text_addf(out, "%zu",
			  which == 0 ? m->cases : (size_t)strtoul(first, NULL, 10) + (which == 1 ? m->errors : m->skipped));
		from = first + first_len;
	}
	text_addn(out, from, (size_t)(tag->end - from));
}

/** The first suite, and where it ends: the last closing tag of one. */
static bool find_suite(const char *xml, struct tag *open, struct tag *close)
{
	struct tag tag;
	bool broken = false, found = false, ended = false, root_ended = false;

	for (const char *at = xml; next_tag(at, &tag, &broken); at = tag.end) {
		if (!found && !tag.closes && is_named(&tag, "testsuite")) {
			*open = tag;
			found = true;
		} else if (tag.closes && is_named(&tag, "testsuite")) {
			*close = tag;
			ended = true;
			root_ended = true;
		}
		if (tag.closes && is_named(&tag, "testsuites"))
			root_ended = true;
	}
	return found && ended && root_ended && !broken && !open->empty;
}

bool junit_complete(struct text *out, const struct run_report *r, const char *pytest, bool leaks_fail)
{
	struct arena *arena = arena_new();
	struct merging m = {.r = r, .leaks_fail = leaks_fail, .done = arena_array(arena, r->nfindings, sizeof *m.done)};
	struct tag open = {0}, close = {0};
	bool good = find_suite(pytest, &open, &close) && copy_body(&m, open.end, close.at);

	if (good) {
		add_new_cases(&m);
		text_addn(out, pytest, (size_t)(open.at - pytest));
		add_opening(out, &open, &m);
		text_addn(out, text_str(&m.body), m.body.n);
		text_add(out, close.at);
	}
	text_free(&m.body);
	arena_free(arena);
	return good;
}
