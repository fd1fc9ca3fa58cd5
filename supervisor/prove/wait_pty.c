/* Terminals: one side waits for the holders of the other, and for those of its own (pty(7)). */
#include "prove/wait.h"

static void pty_wakers(struct look *l, int side, unsigned way)
{
	const struct object *o = &l->s->objects[side];

	if (o->read_timer)
		look_live(l, "the terminal has a read timer");
	if (o->peer < 0 || (size_t)o->peer >= l->s->nobjects) {
		look_live(l, "the other side of the terminal is not known");
		return;
	}
	if (o->outside || l->s->objects[o->peer].outside)
		look_live(l, "the terminal is also held outside the tree");
	if (!world_has_holder(&l->g->w, o->peer, END_BOTH))
		look_live(l, "nobody known holds the other side of the terminal");
	look_holders(l, o->peer, END_BOTH, way);
	look_holders(l, side, END_BOTH, way);
}

const struct object_class object_pty = {OBJECT_PTY, pty_wakers};
