/* Annotations: workflow commands of GitHub Actions, on standard error. A step shows at most 10 errors and 10 warnings. */
#include <string.h>

#include "report/escape.h"
#include "report/join.h"
#include "report/page.h"

enum { MOST = 10, PATH = 300, TEST = 300 };

/** FILE as GitHub knows it, below ROOT. */
static const char *below(const char *file, const char *root)
{
	size_t n = root ? strlen(root) : 0;

	while (n && root[n - 1] == '/')
		n--;
	return n && strncmp(file, root, n) == 0 && file[n] == '/' ? file + n + 1 : file;
}

static void title(struct text *out, const struct finding *f)
{
	text_addf(out, "title=%s%%3A ", word_verdict(f));
	esc_property(out, finding_kind_name(f->kind), 40);
}

static void annotation(struct text *out, const struct joined *j, const char *root, bool error)
{
	const struct frame *place = join_place(j->f);
	OWNED_TEXT words = {0};

	text_add(out, error ? "::error " : "::warning ");
	if (place && place->file && place->line) {
		text_add(out, "file=");
		esc_property(out, below(place->file, root ? root : j->r->folder), PATH);
		text_addf(out, ",line=%d,", place->line);
	}
	title(out, j->f);
	text_add(out, "::");
	report_summary(j->f, &words);
	if (j->f->test) {
		text_add(&words, "\ntest: ");
		page_fit(&words, j->f->test, TEST);
	}
	text_add(&words, "\nfix: ");
	report_advice(j->f, &words);
	esc_command_words(out, text_str(&words));
	text_add(out, "\n");
}

static bool is_error(const struct finding *f)
{
	return !finding_is_leak(f) && (f->certainty == PROVEN || finding_is_stall(f));
}

static void of_level(const struct joined_list *all, const char *root, bool error, struct text *out)
{
	size_t n = 0, nth = 0;

	for (size_t i = 0; i < all->n; i++)
		n += is_error(all->at[i].f) == error;
	for (size_t i = 0; i < all->n; i++) {
		if (is_error(all->at[i].f) != error)
			continue;
		if (n > MOST && nth == MOST - 1) {
			text_addf(out, "::%s title=tracewrap::and %zu more: see report.html\n", error ? "error" : "warning",
				  n - nth);
			return;
		}
		annotation(out, &all->at[i], root, error);
		nth++;
	}
}

void report_github(const struct run_report *const *runs, size_t nruns, const char *root, struct text *out)
{
	struct arena *arena = arena_new();
	struct joined_list all = join_findings(runs, nruns, arena);

	of_level(&all, root, true, out);
	of_level(&all, root, false, out);
	arena_free(arena);
}
