/* Blocked on descriptors: read, write, poll, select, epoll. Whoever could make one of them ready is a waker. */
#include "prove/wait.h"

static bool is_fds(const struct wait *w)
{
	return w->op == WAIT_FDS;
}

/** Without any descriptor (poll(NULL, 0, -1)) only the timeout and signals end it. */
static void fds_wakers(struct look *l, const struct wait *w)
{
	for (size_t i = 0; i < w->non && !l->live; i++) {
		if (w->on[i].object < 0)
			look_live(l, "descriptor %d was closed meanwhile", w->on[i].fd);
		else
			look_object(l, w->on[i].object, w->on[i].way);
	}
}

const struct wait_class wait_fds = {"fds", is_fds, fds_wakers};

/** Another holder may change the set (epoll_ctl(2)); each object of the set may become ready. Sets within sets are opened with
 *  a list of our own: how deep they go is for the file that is read to say. */
static void epoll_wakers(struct look *l, int epoll, unsigned way)
{
	VEC(int) todo = {0};

	(void)way;
	look_new(l, epoll, END_BOTH);
	vec_push(&todo, epoll);
	for (size_t i = 0; i < todo.n && !l->live; i++) {
		int at = todo.at[i];
		const struct object *o = &l->s->objects[at];

		if (o->outside)
			look_live(l, "%s is also held outside the tree", look_name(l, at));
		look_holders(l, at, END_BOTH, END_READ);
		for (size_t k = 0; k < o->nwatch && !l->live; k++) {
			int item = o->watch[k].object;
			bool inner = item >= 0 && (size_t)item < l->s->nobjects && l->s->objects[item].kind == OBJECT_EPOLL;

			if (!inner)
				look_object(l, item, o->watch[k].way);
			else if (look_new(l, item, END_BOTH))
				vec_push(&todo, item);
		}
	}
	vec_free(&todo);
}

const struct object_class object_epoll = {OBJECT_EPOLL, epoll_wakers};
