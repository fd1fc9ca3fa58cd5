/* The ladder: what to do next about a tree that shall end, as a function of the clock. */
#include "act/act.h"

#define KILL_LIMIT_NS  (5 * NS_PER_S)
#define STRETCH        3 /* grace, at most so many times, while processes still end */
#define PAUSE_LEAST_NS (NS_PER_MS / 5)
#define PAUSE_MOST_NS  (5 * NS_PER_MS)

void ladder_begin(struct ladder *l, int64_t now_ns, int64_t grace_ns)
{
	*l = (struct ladder){.rung = RUNG_GENTLE, .grace_ns = grace_ns < 0 ? 0 : grace_ns, .begun_ns = now_ns};
}

static void to_kill(struct ladder *l, int64_t now_ns)
{
	l->rung = RUNG_KILL;
	l->begun_ns = now_ns;
	l->until_ns = now_ns + KILL_LIMIT_NS;
	l->steps = 0;
}

static enum ladder_step next_gentle(struct ladder *l, int64_t now_ns, size_t left, bool hopeless)
{
	int64_t last_ns = l->begun_ns + STRETCH * l->grace_ns;
	bool fewer = left < l->left;

	l->left = left;
	if (!l->steps++) {
		l->begun_ns = now_ns;
		l->until_ns = now_ns + l->grace_ns;
		return LADDER_GENTLE;
	}
	if (fewer)
		l->until_ns = now_ns + l->grace_ns < last_ns ? now_ns + l->grace_ns : last_ns;
	if (!hopeless && now_ns < l->until_ns)
		return LADDER_WAIT;
	to_kill(l, now_ns);
	return LADDER_KILL;
}

enum ladder_step ladder_next(struct ladder *l, int64_t now_ns, size_t left, bool hopeless)
{
	if (left == 0)
		l->rung = RUNG_DONE;
	switch (l->rung) {
	case RUNG_GENTLE:
		return next_gentle(l, now_ns, left, hopeless);
	case RUNG_KILL:
		l->left = left;
		l->steps++;
		if (now_ns < l->until_ns)
			return LADDER_KILL;
		l->rung = RUNG_GIVEN_UP;
		return LADDER_GIVE_UP;
	case RUNG_GIVEN_UP:
		return LADDER_GIVE_UP;
	case RUNG_DONE:
		break;
	}
	return LADDER_END;
}

int64_t ladder_pause_ns(const struct ladder *l)
{
	unsigned doublings = l->steps < 8 ? l->steps : 8;
	int64_t pause_ns = PAUSE_LEAST_NS << doublings;

	return pause_ns < PAUSE_MOST_NS ? pause_ns : PAUSE_MOST_NS;
}

void ladder_hurry(struct ladder *l, int64_t now_ns)
{
	if (l->rung == RUNG_GENTLE)
		to_kill(l, now_ns);
}
