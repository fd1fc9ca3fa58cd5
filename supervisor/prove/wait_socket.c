/* Sockets: the holders of the peer, and the other holders of the own end, whose shutdown(2) ends a wait. What has a name is anybody's to
 * connect or send to, unless nobody outside the tree can reach it. */
#include "prove/wait.h"

static void peer_wakers(struct look *l, int socket, int peer, unsigned way)
{
	if (l->s->objects[peer].outside || !world_has_holder(&l->g->w, peer, END_BOTH))
		look_live(l, "the peer of %s is outside the tree", look_name(l, socket));
	look_holders(l, peer, END_BOTH, way);
}

static void name_wakers(struct look *l, const struct object *o)
{
	look_weak(l, NODE_ANYONE, 0);
	if (!o->private)
		look_assume(l, ASSUME_NO_OUTSIDE_CONNECT);
}

/** Room for a datagram is the receiver's to make, or (UDP) the network's. */
static void datagram_wakers(struct look *l, int socket, unsigned way)
{
	const struct object *o = &l->s->objects[socket];
	bool paired = o->peer >= 0 && (size_t)o->peer < l->s->nobjects;

	if (way & END_WRITE && (o->kind == OBJECT_UDP || !paired))
		look_live(l, "who makes room for what %s sends is not known", look_name(l, socket));
	if (o->peer == PEER_GONE)
		look_live(l, "the peer of %s is gone", look_name(l, socket));
	name_wakers(l, o);
	if (paired)
		peer_wakers(l, socket, o->peer, way);
}

static void socket_wakers(struct look *l, int socket, unsigned way)
{
	const struct object *o = &l->s->objects[socket];

	if (o->outside)
		look_live(l, "%s is also held outside the tree", look_name(l, socket));
	if (o->transit)
		look_live(l, "data for %s is under way", look_name(l, socket));
	if (o->scatters && way & END_WRITE) /* sock_alloc_send_pskb() waits for its own, wherever they are (net/core/sock.c) */
		look_live(l, "datagrams of %s may lie in the queues of others", look_name(l, socket));
	look_holders(l, socket, END_BOTH, way);
	if (o->listener)
		name_wakers(l, o);
	else if (o->datagram)
		datagram_wakers(l, socket, way);
	else if (o->peer == PEER_GONE)
		look_live(l, "the peer of %s is gone: readable", look_name(l, socket));
	else if (o->peer < 0 || (size_t)o->peer >= l->s->nobjects)
		look_live(l, "%s has no known peer", look_name(l, socket));
	else
		peer_wakers(l, socket, o->peer, way);
}

const struct object_class object_unix = {OBJECT_UNIX, socket_wakers};
const struct object_class object_tcp = {OBJECT_TCP, socket_wakers};
const struct object_class object_udp = {OBJECT_UDP, socket_wakers};
