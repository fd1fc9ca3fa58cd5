/* The post-mortem on one screen, what is said behind it, and the one line while the run goes on. */
#include <stdio.h>
#include <string.h>

#include "report/chain.h"
#include "report/page.h"

enum { WIDTH_LEAST = 40, FIELD = 9, REASON_MOST = 120, REASONS_MOST = 4 };

static const char *word_certainty(const struct finding *f)
{
	return f->certainty == PROVEN ? "HANG proven" : "hang suspected";
}

/** A word on the left, and behind it what it is about, in as many lines as that takes. */
static void print_field(struct text *out, const char *name, const char *value, size_t width)
{
	text_addf(out, "%-*s", FIELD, name);
	page_wrap(out, value, FIELD, FIELD, width);
	text_add(out, "\n");
}

static void print_heading(const struct run_report *r, const struct finding *f, const struct text_style *style, struct text *out)
{
	char left[64], right[64] = "";
	bool stall = finding_is_stall(f);
	double since_s = (double)(f->detected_ns - (stall ? r->start_ns : f->onset_ns)) / (double)NS_PER_S;

	snprintf(left, sizeof left, "== %s ", !stall ? word_certainty(f) : f->quiet_ns ? "no progress" : "time is over");
	if (since_s >= 0.05)
		snprintf(right, sizeof right, " %.1f s after %s", since_s, stall ? "the start" : "onset");

	size_t used = strlen(left) + strlen(right);

	style_begin(style, f->certainty == PROVEN ? "1;31" : "1;33", out);
	text_add(out, left);
	text_addc(out, '=', style->width > used + 2 ? style->width - used : 2);
	text_add(out, right);
	style_end(style, out);
	text_add(out, "\n");
}

static void print_opening(const struct finding *f, size_t width, struct text *out)
{
	OWNED_TEXT summary = {0};

	report_summary(f, &summary);
	page_wrap(out, text_str(&summary), 0, 0, width);
	text_add(out, "\n\n");
}

/** The test's name is one word, whatever is in it; the phase is never cut off. */
static void print_test(const struct finding *f, size_t width, struct text *out)
{
	char phase[16] = "";

	if (!f->test) {
		print_field(out, "test", "not known: no process of this run tells of a pytest test", width);
		return;
	}
	if (f->phase)
		snprintf(phase, sizeof phase, " (%.10s)", f->phase);
	text_addf(out, "%-*s", FIELD, "test");
	page_fit(out, f->test, width - FIELD - strlen(phase));
	page_fit(out, phase, sizeof phase);
	text_add(out, "\n");
}

static void print_fix(const struct finding *f, size_t width, struct text *out)
{
	OWNED_TEXT advice = {0};

	report_advice(f, &advice);
	print_field(out, "fix", text_str(&advice), width);
}

/** How to see it with one's own eyes: descriptors where a pipe or socket is the matter, Python's stack where it is not. */
static const char *check_of(const struct finding *f)
{
	switch (f->kind) {
	case FINDING_PIPE_FULL:
	case FINDING_PIPE_EOF:
	case FINDING_SOCKET:
	case FINDING_TTY:
		return "ls -l /proc/PID/fd; cat /proc/PID/syscall";
	case FINDING_STOPPED:
	case FINDING_CHILD_WAIT:
		return "ps -o pid,stat,wchan:20,args -p PID";
	case FINDING_LOCK:
	case FINDING_FORK_LOCK:
	case FINDING_DEADLOCK:
	case FINDING_STALL:
	case FINDING_BUSY:
	case FINDING_BACKPRESSURE:
		break;
	case FINDING_LEAKED_PROCESS:
	case FINDING_ZOMBIE:
	case FINDING_LEAKED_LISTENER:
	case FINDING_STALE_SOCKET:
	case FINDING_LEAKED_SHM:
		return "ps -o pid,ppid,stat,lstart,args -p PID; ss -lnp; ls -l /dev/shm";
	case FINDING_PORT_HELD:
		return "ss -lntup";
	}
	return "py-spy dump --nonblocking --pid PID";
}

static void print_check(const struct finding *f, size_t width, struct text *out)
{
	OWNED_TEXT check = {0};

	if (finding_is_stall(f))
		return;
	text_add(&check, check_of(f));
	text_add(&check, f->certainty == PROVEN ? "  (with --on-hang report)" : "  (while it hangs)");
	print_field(out, "check", text_str(&check), width);
}

/* ---- what it rests on, or why it is no proof ---- */

static void add_reason(struct text *out, size_t *n, const char *before, const char *reason)
{
	if (++*n > REASONS_MOST)
		return;
	text_add(out, before);
	page_fit(out, reason, REASON_MOST);
}

/** Those of MASK; FIRST stands before the first of them, NEXT before each other. @return how many there are. */
static size_t add_assumptions(struct text *out, const struct finding *f, unsigned mask, const char *first, const char *next)
{
	size_t n = 0;

	for (unsigned bit = 1; bit && bit <= f->assumptions; bit <<= 1)
		if (f->assumptions & mask & bit)
			add_reason(out, &n, n ? next : first, word_assumption((enum assumption)bit));
	return n;
}

static void print_assumptions(const struct finding *f, size_t width, struct text *out)
{
	OWNED_TEXT reasons = {0};

	if (add_assumptions(&reasons, f, ~0u, "", "; "))
		print_field(out, "rests on", text_str(&reasons), width);
}

/** @return how many reasons there are why somebody might still move. */
static size_t add_live(struct text *out, const struct finding *f, const char *first)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nlive; i++)
		add_reason(out, &n, n ? "; " : first, f->live[i]);
	if (n > REASONS_MOST)
		text_addf(out, "; and %zu more", n - REASONS_MOST);
	return n;
}

/** The first blind spot is what keeps a verdict that all else speaks for from being a proof.
 *  @return the assumption that it stands for, which need not be said again. */
static unsigned add_blind_spot(struct text *out, const struct run_report *r, const struct finding *f)
{
	if (f->nlive || !(f->assumptions & ASSUME_NO_ALARM) || !r->blind_spots || !r->blind_spots[0])
		return 0;
	text_add(out, "Not proven: ");

	size_t at = out->n;

	page_fit(out, r->blind_spots[0], REASON_MOST);
	if (out->at[at] >= 'A' && out->at[at] <= 'Z' && out->at[at + 1] >= 'a') /* a sentence, not an abbreviation */
		out->at[at] = (char)(out->at[at] - 'A' + 'a');
	return ASSUME_NO_ALARM;
}

static void print_doubts(const struct run_report *r, const struct finding *f, size_t width, struct text *out)
{
	OWNED_TEXT doubts = {0};
	bool stall = finding_is_stall(f);
	size_t live = add_live(&doubts, f, stall ? "Could still move: " : "Not proven: ");
	unsigned said = add_blind_spot(&doubts, r, f);

	if (doubts.n && doubts.at[doubts.n - 1] != '.')
		text_add(&doubts, ".");
	if (!stall) {
		bool first = !live && !said;

		if (add_assumptions(&doubts, f, ~said,
				    first ? "Not proven: this takes for granted that " : " And it takes for granted that ",
				    ", and that "))
			text_add(&doubts, ".");
		else if (first)
			text_add(&doubts, "Not proven yet.");
		if (!r->ending)
			text_add(&doubts, " Only a proof ends a run, so this one goes on.");
	}
	if (!doubts.n)
		return;
	page_wrap(out, text_str(&doubts), 0, 0, width);
	text_add(out, "\n\n");
}

/* ---- the whole ---- */

static void print_report_path(const struct run_report *r, size_t width, struct text *out)
{
	if (!r->report_path)
		return;
	text_addf(out, "%-*s", FIELD, "report");
	page_fit(out, r->report_path, width - FIELD);
	text_add(out, "\n");
}

void report_screen(const struct run_report *r, const struct finding *f, const struct text_style *style, struct text *out)
{
	struct text_style s = *style;

	s.width = s.width < WIDTH_LEAST ? WIDTH_LEAST : s.width;

	print_heading(r, f, &s, out);
	print_opening(f, s.width, out);
	chain_print(f, &s, out);
	if (f->nblocked)
		text_add(out, "\n");
	if (f->certainty == SUSPECTED)
		print_doubts(r, f, s.width, out);
	print_test(f, s.width, out);
	print_fix(f, s.width, out);
	print_check(f, s.width, out);
	if (f->certainty == PROVEN)
		print_assumptions(f, s.width, out);
	else if (!finding_is_stall(f)) /* no report_closing() follows a suspicion */
		print_report_path(r, s.width, out);
}

/* ---- behind the screen ---- */

/** Those that stop or continue are in the list as well. */
static bool may_end(const char *signal)
{
	return strcmp(signal, "SIGSTOP") != 0 && strcmp(signal, "SIGCONT") != 0;
}

/** A process that got several signals ended by the last. */
static bool is_last_of(const struct run_report *r, size_t at)
{
	for (size_t i = at + 1; i < r->nsignalled; i++)
		if (r->signalled[i].pid == r->signalled[at].pid && may_end(r->signalled[i].signal))
			return false;
	return may_end(r->signalled[at].signal);
}

static size_t count_last(const struct run_report *r, const char *signal)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nsignalled; i++)
		n += strcmp(r->signalled[i].signal, signal) == 0 && is_last_of(r, i);
	return n;
}

static void print_ended(const struct run_report *r, size_t width, struct text *out)
{
	OWNED_TEXT line = {0};
	size_t processes = 0, kinds = 0;

	for (size_t i = 0; i < r->nsignalled; i++)
		processes += is_last_of(r, i);
	if (processes == 0)
		return;
	text_addf(&line, "%zu process%s", processes, processes == 1 ? "" : "es");
	for (size_t i = 0; i < r->nsignalled; i++) {
		const char *signal = r->signalled[i].signal;
		bool again = !is_last_of(r, i);

		for (size_t k = 0; k < i && !again; k++)
			again = strcmp(r->signalled[k].signal, signal) == 0 && is_last_of(r, k);
		if (again)
			continue;
		text_add(&line, kinds++ ? ", " : " (");
		text_addf(&line, "%zu by %s", count_last(r, signal), signal);
	}
	text_add(&line, ")");
	print_field(out, "ended", text_str(&line), width);
}

static void print_survivors(const struct run_report *r, size_t width, struct text *out)
{
	enum { MOST = 4, COMM_MOST = 16, WCHAN_MOST = 40 };
	OWNED_TEXT line = {0};

	if (r->nsurvivors == 0)
		return;
	text_addf(&line, "%zu process%s could not be ended: ", r->nsurvivors, r->nsurvivors == 1 ? "" : "es");
	for (size_t i = 0; i < r->nsurvivors && i < MOST; i++) {
		const struct survivor *s = &r->survivors[i];
		char state[2] = {s->state, '\0'};

		text_add(&line, i ? ", " : "");
		page_fit(&line, s->comm ? s->comm : "?", COMM_MOST);
		text_addf(&line, "[%d] (state ", (int)s->pid);
		page_fit(&line, *state ? state : "?", 1);
		if (s->wchan && *s->wchan) {
			text_add(&line, " in ");
			page_fit(&line, s->wchan, WCHAN_MOST);
		}
		text_add(&line, ")");
	}
	if (r->nsurvivors > MOST)
		text_addf(&line, " and %zu more", r->nsurvivors - MOST);
	print_field(out, "left", text_str(&line), width);
}

void report_closing(const struct run_report *r, const struct text_style *style, struct text *out)
{
	size_t width = style->width < WIDTH_LEAST ? WIDTH_LEAST : style->width;

	print_ended(r, width, out);
	print_survivors(r, width, out);
	print_report_path(r, width, out);
}
