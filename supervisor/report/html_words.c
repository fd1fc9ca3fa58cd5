/* Small things that many parts of the page write. */
#include <stdio.h>
#include <string.h>

#include "report/html.h"

void html_text(struct html *h, const char *s)
{
	esc_words(h->out, s);
}

void html_seconds(struct html *h, int64_t ns)
{
	double s = (double)ns / (double)NS_PER_S;

	if (s < 0.0995 && s > -1)
		text_addf(h->out, "%.0f ms", s * 1000);
	else if (s < 120)
		text_addf(h->out, "%.1f s", s);
	else if (s < 7200)
		text_addf(h->out, "%.0f min", s / 60);
	else
		text_addf(h->out, "%.1f h", s / 3600);
}

void html_who(struct html *h, const struct finding *f, pid_t pid)
{
	OWNED_TEXT who = {0};
	const char *bracket;

	word_who(&who, f, pid);
	bracket = strrchr(text_str(&who), '[');
	text_add(h->out, "<b>");
	esc_html(h->out, bracket ? (who.at[bracket - who.at] = '\0', who.at) : text_str(&who), HTML_NAME);
	text_addf(h->out, "</b> <span class=\"m\">%d</span>", (int)pid);
}

/** FILE without the folder of R, if it lies below that. */
static const char *below_folder(const struct run_report *r, const char *file)
{
	size_t n = r->folder ? strlen(r->folder) : 0;

	while (n && r->folder[n - 1] == '/')
		n--;
	return n && strncmp(file, r->folder, n) == 0 && file[n] == '/' ? file + n + 1 : file;
}

void html_place(struct html *h, const struct run_report *r, const struct frame *frame)
{
	if (!frame || !frame->file)
		return;
	esc_html_end(h->out, below_folder(r, frame->file), HTML_PATH);
	if (frame->line)
		text_addf(h->out, ":%d", frame->line);
}

/** As a shell would take it, for the reader's eye: words with a blank or a quote in them are quoted. */
void html_command(struct html *h, char *const *argv)
{
	OWNED_TEXT line = {0};

	for (; argv && *argv; argv++) {
		bool plain = **argv && !strpbrk(*argv, " \t\n'\"\\$&|<>;()*?[]#~`");

		text_add(&line, line.n ? " " : "");
		text_add(&line, plain ? "" : "'");
		text_add(&line, *argv);
		text_add(&line, plain ? "" : "'");
	}
	esc_html(h->out, text_str(&line), HTML_COMMAND);
}

void html_open_section(struct html *h, const char *id, size_t number, const char *title, const char *below)
{
	text_addf(h->out, "<section class=\"card\" id=\"%s%zu\"><h2>", id, number);
	html_text(h, title);
	text_add(h->out, "</h2>\n");
	if (*below) {
		text_add(h->out, "<p class=\"sub\">");
		html_text(h, below);
		text_add(h->out, "</p>\n");
	}
}

void html_close_section(struct html *h)
{
	text_add(h->out, "</section>\n");
}
