/* Which test was seen when. */
#include <string.h>

#include "leaks/leaks.h"

/* Long runs forget their first tests: who asks, asks soon. */
enum { SPANS_MOST = 4096 };

struct span {
	pid_t pid;
	char *test;
	int64_t first_ns, last_ns; /* looks that saw it */
	bool open;                 /* no look has seen another since */
};

struct leak_tests {
	VEC(struct span) spans;
	pid_t only; /* the one process that was ever seen to run tests; -1: several */
};

struct leak_tests *leak_tests_new(void)
{
	return mem_alloc(sizeof(struct leak_tests));
}

void leak_tests_free(struct leak_tests *t)
{
	for (size_t i = 0; t && i < t->spans.n; i++)
		mem_free(t->spans.at[i].test);
	if (t)
		vec_free(&t->spans);
	mem_free(t);
}

static void trim(struct leak_tests *t)
{
	size_t drop = SPANS_MOST / 4;

	if (t->spans.n < SPANS_MOST)
		return;
	for (size_t i = 0; i < drop; i++)
		mem_free(t->spans.at[i].test);
	t->spans.n -= drop;
	memmove(t->spans.at, t->spans.at + drop, t->spans.n * sizeof *t->spans.at);
}

void leak_tests_seen(struct leak_tests *t, pid_t pid, const char *test, int64_t now_ns)
{
	for (size_t i = t->spans.n; i-- > 0;) {
		struct span *s = &t->spans.at[i];

		if (s->pid != pid)
			continue;
		if (s->open && test && strcmp(s->test, test) == 0) {
			s->last_ns = now_ns;
			return;
		}
		s->open = false;
		break;
	}
	if (!test)
		return;
	trim(t);

	size_t len = strlen(test);
	struct span s = {.pid = pid, .test = mem_alloc(len + 1), .first_ns = now_ns, .last_ns = now_ns, .open = true};

	memcpy(s.test, test, len);
	vec_push(&t->spans, s);
	t->only = t->only == 0 || t->only == pid ? pid : -1;
}

const char *leak_tests_at(const struct leak_tests *t, pid_t pid, int64_t from_ns, int64_t to_ns)
{
	if (pid == 0)
		pid = t->only;
	for (size_t i = t->spans.n; pid > 0 && i-- > 0;) {
		const struct span *s = &t->spans.at[i];

		if (s->pid == pid && s->first_ns <= from_ns && to_ns <= s->last_ns)
			return s->test;
	}
	return NULL;
}

size_t leak_tests_count(const struct leak_tests *t)
{
	return t->spans.n;
}

struct leak_test_span leak_tests_nth(const struct leak_tests *t, size_t i)
{
	const struct span *s = &t->spans.at[i];

	return (struct leak_test_span){s->pid, s->test, s->first_ns, s->last_ns, s->open};
}
