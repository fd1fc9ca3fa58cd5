/* Why the stuck set is stuck: kind, culprits, chain and evidence. */
#include "prove/explain.h"

struct finding *explain(const struct snapshot *s, const struct proof *p, const pid_t *focus, size_t nfocus,
			enum certainty certainty)
{
	struct arena *scratch = arena_new();
	struct explaining x = {.s = s, .p = p, .w = world_make(s, scratch), .scratch = scratch};
	struct finding *f = NULL;

	must(p->ntasks == s->ntasks);
	x.opened = arena_array(scratch, s->nobjects, sizeof *x.opened);
	if (explain_cause(&x, focus, nfocus)) {
		explain_kind(&x);
		f = explain_finding(&x, certainty);
	}
	vec_free(&x.reach);
	vec_free(&x.cause);
	vec_free(&x.culprits);
	arena_free(scratch);
	return f;
}
