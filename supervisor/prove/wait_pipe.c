/* Pipes and FIFOs: a reader waits for the holders of the writing end (data, or the end when all have closed it), a writer for
 * those of the reading end. */
#include "prove/wait.h"

static void pipe_wakers(struct look *l, int pipe, unsigned way)
{
	const struct object *o = &l->s->objects[pipe];
	unsigned ends = (way & END_READ ? END_WRITE : 0) | (way & END_WRITE ? END_READ : 0);
	unsigned own = world_ends_of(&l->g->w, pipe, l->t->proc);

	if (own) /* poll for input on a writing end tells that the readers have gone, and the other way round (pipe(7)) */
		ends |= way & ~own;
	if (o->outside & ends)
		look_live(l, "%s is also held outside the tree", look_name(l, pipe));
	if (!world_has_holder(&l->g->w, pipe, ends))
		look_live(l, "nobody known holds the other end of %s", look_name(l, pipe));
	if (o->named) {
		look_weak(l, NODE_ANYONE, 0);
		look_assume(l, ASSUME_NO_FIFO_OPEN);
	}
	look_holders(l, pipe, ends, way);
}

const struct object_class object_pipe = {OBJECT_PIPE, pipe_wakers};
