/* What to change, and how to see it with one's own eyes. */
#include <string.h>

#include "report/html.h"
#include "report/page.h"

static const char from[] = ".wait(", to[] = ".communicate(";

/** A statement that waits for a process whose pipe nobody reads, and does nothing with the result: "proc.wait()". */
static const char *find_wait(const struct finding *f, const char *source)
{
	const char *wait = f->kind == FINDING_PIPE_FULL ? strstr(source, from) : NULL;

	return wait && strcspn(source, " =(") > (size_t)(wait - source) && source[strlen(source) - 1] == ')' ? wait : NULL;
}

/** The line itself, and what it may become, where that is known. */
static void show_line(struct html *h, const struct html_finding *x, const struct frame *frame)
{
	const char *wait = find_wait(x->f, frame->source);

	text_add(h->out, "<h3><code>");
	html_place(h, x->r, frame);
	text_add(h->out, "</code></h3>\n<pre>");
	text_add(h->out, wait ? "<span class=\"del\">- " : "<span class=\"del\">");
	esc_html(h->out, frame->source, HTML_LINE);
	if (wait) {
		OWNED_TEXT line = {0};

		text_addn(&line, frame->source, (size_t)(wait - frame->source));
		text_add(&line, to);
		text_add(&line, wait + strlen(from));
		text_add(h->out, "</span>\n<span class=\"add\">+ ");
		esc_html(h->out, text_str(&line), HTML_LINE);
	}
	text_add(h->out, "</span></pre>\n");
}

/** What came of --rescue. */
static void show_rescue(struct html *h, const struct html_finding *x)
{
	html_open_section(h, "rescue", x->number, "The experiment", "tracewrap tried to set it free (--rescue), and watched.");
	text_add(h->out, "<p>");
	esc_html(h->out, x->f->rescue, 4 * HTML_LINE);
	text_add(h->out, "</p>\n");
	html_close_section(h);
}

static void show_rerun(struct html *h, const struct html_finding *x)
{
	if (!x->r->argv || !*x->r->argv)
		return;
	html_open_section(h, "again", x->number, "See it yourself", "The hang stays as it is, for a debugger.");
	text_add(h->out, "<pre>tracewrap --on-hang stop ");
	html_command(h, x->r->argv);
	text_add(h->out, "</pre>\n<p class=\"sub\">Then, with a PID of the graph:</p>\n<pre>ls -l /proc/PID/fd; cat "
			 "/proc/PID/syscall\npy-spy dump --pid PID</pre>\n");
	html_close_section(h);
}

void html_fix(struct html *h, const struct html_finding *x)
{
	OWNED_TEXT advice = {0};
	const struct frame *frame = join_place(x->f);

	report_advice(x->f, &advice);
	text_add(h->out, "<div class=\"two\">\n");
	html_open_section(h, "fix", x->number, "How to fix it", "");
	text_add(h->out, "<p>");
	html_text(h, text_str(&advice));
	text_add(h->out, "</p>\n");
	if (frame && frame->source && frame->file)
		show_line(h, x, frame);
	html_close_section(h);
	if (x->f->rescue)
		show_rescue(h, x);
	else
		show_rerun(h, x);
	text_add(h->out, "</div>\n");
}
