/* Which test ran when, in which process. */
#include <string.h>

#include "parse/parse.h"
#include "tree/state.h"

/* Long runs forget their first tests: who asks, asks soon. */
enum { SPANS_MOST = 16384, ANCESTORS_MOST = 256 };

static char *copy(const char *s, size_t n)
{
	char *to = mem_alloc(n + 1);

	memcpy(to, s, n);
	return to;
}

static void trim(struct tree *t)
{
	size_t drop = SPANS_MOST / 8;

	if (t->spans.n < SPANS_MOST)
		return;
	for (size_t i = 0; i < drop; i++)
		mem_free(t->spans.at[i].id);
	t->spans.n -= drop;
	memmove(t->spans.at, t->spans.at + drop, t->spans.n * sizeof *t->spans.at);
}

static struct test_span *last_of(const struct tree *t, pid_t pid)
{
	for (size_t i = t->spans.n; i-- > 0;)
		if (t->spans.at[i].pid == pid)
			return &t->spans.at[i];
	return NULL;
}

void test_ended(struct tree *t, pid_t pid, int64_t now_ns)
{
	struct test_span *last = last_of(t, pid);

	if (last && last->to_ns == NEVER_NS)
		last->to_ns = now_ns;
}

static void test_runs(struct tree *t, pid_t pid, const char *id, size_t len, int64_t now_ns, enum event_source source)
{
	struct test_span *last = last_of(t, pid);

	if (last && last->to_ns == NEVER_NS && strlen(last->id) == len && memcmp(last->id, id, len) == 0)
		return; /* its next phase */
	test_ended(t, pid, now_ns);
	trim(t);
	vec_push(&t->spans, (struct test_span){.pid = pid, .from_ns = now_ns, .to_ns = NEVER_NS, .id = copy(id, len)});
	if (t->history)
		history_test(t->history, pid, t->spans.at[t->spans.n - 1].id, now_ns, source);
}

static void test_is_over(struct tree *t, pid_t pid, int64_t now_ns, enum event_source source)
{
	const struct test_span *last = last_of(t, pid);

	if (last && last->to_ns == NEVER_NS && t->history)
		history_test(t->history, pid, "", now_ns, source);
	test_ended(t, pid, now_ns);
}

static void note_phase(struct test_span *s, const struct current_test *now, int64_t at_ns)
{
	size_t phase = *now->phase == 's' ? 0 : *now->phase == 'c' ? 1 : 2; /* setup, call, teardown: parse_current_test() */

	if (!s->phase_ns[phase])
		s->phase_ns[phase] = at_ns;
}

void test_event(struct tree *t, const struct event *ev)
{
	struct current_test now;

	if (parse_current_test(ev->text, strlen(ev->text), &now) == 0) {
		test_runs(t, ev->pid, now.id, now.id_len, ev->at_ns, ev->source);
		note_phase(last_of(t, ev->pid), &now, ev->at_ns);
	} else {
		test_is_over(t, ev->pid, ev->at_ns, ev->source);
	}
}

size_t tree_tests(const struct tree *t)
{
	return t->spans.n;
}

struct tree_test tree_test_nth(const struct tree *t, size_t i)
{
	const struct test_span *s = &t->spans.at[i];

	return (struct tree_test){s->pid, s->id, s->from_ns, s->to_ns, s->phase_ns[0], s->phase_ns[1], s->phase_ns[2]};
}

void tree_test_seen(struct tree *t, pid_t pid, const char *test, int64_t now_ns)
{
	if (test)
		test_runs(t, pid, test, strlen(test), now_ns, FROM_SAMPLER);
	else
		test_is_over(t, pid, now_ns, FROM_SAMPLER);
}

static bool covers(const struct test_span *s, int64_t at_ns)
{
	return s->from_ns <= at_ns && at_ns < s->to_ns;
}

const char *tree_test_at(const struct tree *t, pid_t pid, int64_t at_ns)
{
	for (int depth = 0; pid > 0 && depth < ANCESTORS_MOST; depth++) {
		const struct member *m = member_find(t, pid);

		for (size_t i = t->spans.n; i-- > 0;)
			if (t->spans.at[i].pid == pid && covers(&t->spans.at[i], at_ns))
				return t->spans.at[i].id;
		if (!m)
			return NULL;
		pid = m->ppid;
	}
	return NULL;
}

const char *tree_test_anywhere(const struct tree *t, int64_t at_ns)
{
	const char *found = NULL;

	for (size_t i = t->spans.n; i-- > 0;) {
		if (!covers(&t->spans.at[i], at_ns))
			continue;
		if (found && strcmp(found, t->spans.at[i].id) != 0)
			return NULL;
		found = t->spans.at[i].id;
	}
	return found;
}

bool tree_test_running(const struct tree *t)
{
	for (size_t i = t->spans.n; i-- > 0;)
		if (t->spans.at[i].to_ns == NEVER_NS)
			return true;
	return false;
}
