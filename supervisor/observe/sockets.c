/* Sockets: kinds and peers from sock_diag(7), through libmnl. Asked only when a process of the tree has a socket. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "observe/build.h"
#include "observe/diag.h"

/** A connecting unix socket that LISTENER has not accepted yet: its peer has no inode. */
struct connecting {
	uint32_t inode, listener;
};

struct socket_tables {
	VEC(struct unix_socket) locals; /* `name` is gone; name_len says whether it was a path */
	VEC(struct connecting) connecting;
	struct inet_table {
		VEC(struct inet_socket) all;
		struct idmap *by; /* inode -> index */
	} tcp, udp;
	struct idmap *by_local;
};

/* ---- asking ---- */

static int take_unix(const struct nlmsghdr *h, void *data)
{
	struct socket_tables *t = data;
	struct unix_socket u;

	if (parse_unix_diag(mnl_nlmsg_get_payload(h), mnl_nlmsg_get_payload_len(h), &u))
		return MNL_CB_OK;
	for (size_t i = 0; i < u.nwaiting; i++)
		vec_push(&t->connecting, (struct connecting){parse_unix_waiting(&u, i), u.inode});
	u.name_len = u.named && *u.name != '\0';
	u.waiting = NULL; /* the message is gone soon */
	u.name = NULL;
	u.nwaiting = 0;
	idmap_put(t->by_local, u.inode, t->locals.n);
	vec_push(&t->locals, u);
	return MNL_CB_OK;
}

static int take_inet(const struct nlmsghdr *h, void *data)
{
	struct inet_table *t = data;
	struct inet_socket s;

	if (parse_inet_diag(mnl_nlmsg_get_payload(h), mnl_nlmsg_get_payload_len(h), &s))
		return MNL_CB_OK;
	if (s.inode)
		idmap_put(t->by, s.inode, t->all.n);
	vec_push(&t->all, s);
	return MNL_CB_OK;
}

/** Send the request that lies in BUF and hand each answer to TAKE. False when the kernel refuses or does not know it. */
bool diag_ask(struct mnl_socket *nl, const struct nlmsghdr *request, mnl_cb_t take, void *data)
{
	size_t size = 32768; /* netlink(7): a smaller one may cut a dump's messages */
	char *buf = mem_alloc(size);
	unsigned port = mnl_socket_get_portid(nl);
	int rc = mnl_socket_sendto(nl, request, request->nlmsg_len) < 0 ? MNL_CB_ERROR : MNL_CB_OK;

	while (rc == MNL_CB_OK) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, size);

		rc = n < 0 ? (errno == EINTR ? MNL_CB_OK : MNL_CB_ERROR) :
			     mnl_cb_run(buf, (size_t)n, request->nlmsg_seq, port, take, data);
	}
	mem_free(buf);
	return rc == MNL_CB_STOP;
}

struct nlmsghdr *diag_request(char *buf, unsigned seq)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = seq;
	return h;
}

static bool ask_unix(struct mnl_socket *nl, struct socket_tables *t)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = diag_request(buf, 1);
	struct unix_diag_req *req = mnl_nlmsg_put_extra_header(h, sizeof *req);

	req->sdiag_family = AF_UNIX;
	req->udiag_states = UINT32_MAX;
	req->udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_NAME | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN;
	return diag_ask(nl, h, take_unix, t);
}

static bool ask_inet(struct mnl_socket *nl, int family, int protocol, struct inet_table *t)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = diag_request(buf, (unsigned)family + 100 * (unsigned)protocol);
	struct inet_diag_req_v2 *req = mnl_nlmsg_put_extra_header(h, sizeof *req);

	req->sdiag_family = (uint8_t)family;
	req->sdiag_protocol = (uint8_t)protocol;
	req->idiag_states = UINT32_MAX;
	return diag_ask(nl, h, take_inet, t);
}

static bool all_are_found(const struct builder *b, const struct socket_tables *t)
{
	for (size_t i = 0; i < b->objects.n; i++) {
		uint64_t inode = b->sources.at[i].id;

		if (b->sources.at[i].kind == LINK_SOCKET && !idmap_get(t->by_local, inode, NULL) && !idmap_get(t->tcp.by, inode, NULL))
			return false;
	}
	return true;
}

static bool tables_read(struct builder *b, struct socket_tables *t)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	bool ok = nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 && ask_unix(nl, t);

	if (ok && !all_are_found(b, t)) {
		ok = ask_inet(nl, AF_INET, IPPROTO_TCP, &t->tcp);
		ask_inet(nl, AF_INET6, IPPROTO_TCP, &t->tcp); /* may be switched off */
	}
	/* Where these are not told (udp_diag is a module of its own), who waits for one counts as live. */
	if (ok && !all_are_found(b, t) && ask_inet(nl, AF_INET, IPPROTO_UDP, &t->udp))
		ask_inet(nl, AF_INET6, IPPROTO_UDP, &t->udp);
	if (nl)
		mnl_socket_close(nl);
	return ok;
}

/* ---- peers ---- */

static int socket_object(struct builder *b, uint32_t inode)
{
	char key[48];
	bool is_new;

	object_number_key(LINK_SOCKET, inode, key);
	return object_named(b, key, &is_new);
}

static uint32_t unix_listener_of(const struct socket_tables *t, uint32_t inode)
{
	for (size_t i = 0; i < t->connecting.n; i++)
		if (t->connecting.at[i].inode == inode)
			return t->connecting.at[i].listener;
	return 0;
}

static int unix_peer(struct builder *b, const struct socket_tables *t, const struct unix_socket *u)
{
	uint32_t listener;

	if (u->state == SOCKET_LISTENS || (u->type == SOCK_DGRAM && !u->peer))
		return PEER_NONE;
	if (u->peer)
		return idmap_get(t->by_local, u->peer, NULL) ? socket_object(b, u->peer) : PEER_GONE;
	listener = unix_listener_of(t, u->inode);
	return listener ? socket_object(b, listener) : PEER_GONE;
}

static bool same_end(const struct inet_end *a, const struct inet_end *b)
{
	return a->port == b->port && memcmp(a->address, b->address, sizeof a->address) == 0;
}

static const struct inet_socket *tcp_peer(const struct socket_tables *t, const struct inet_socket *s)
{
	for (size_t i = 0; i < t->tcp.all.n; i++)
		if (same_end(&t->tcp.all.at[i].local, &s->remote) && same_end(&t->tcp.all.at[i].remote, &s->local))
			return &t->tcp.all.at[i];
	return NULL;
}

/** Who has not accepted the connection yet: the peer's inode is 0 then. */
static int tcp_listener(struct builder *b, const struct socket_tables *t, uint16_t port)
{
	for (size_t i = 0; i < t->tcp.all.n; i++)
		if (t->tcp.all.at[i].state == SOCKET_LISTENS && t->tcp.all.at[i].local.port == port && t->tcp.all.at[i].inode)
			return socket_object(b, t->tcp.all.at[i].inode);
	return PEER_NONE;
}

/** A connection that its server's kernel has not opened yet: it will, with the next answer, or when TCP_DEFER_ACCEPT is over (tcp(7)). */
static bool is_greeted(const struct socket_tables *t, const struct inet_socket *s, const struct inet_socket *peer)
{
	if (s->state != SOCKET_LISTENS)
		return peer && peer->state == SOCKET_GREETED;
	for (size_t i = 0; i < t->tcp.all.n; i++)
		if (t->tcp.all.at[i].state == SOCKET_GREETED && t->tcp.all.at[i].local.port == s->local.port)
			return true;
	return false;
}

/** With TCP_USER_TIMEOUT the kernel ends a connection whose data the peer has no room for (tcp_probe_timer() in net/ipv4/tcp_timer.c). */
static bool may_give_up(const struct builder *b, int socket)
{
	const struct source *from = socket < 0 ? NULL : &b->sources.at[socket];
	unsigned ms = 0;
	socklen_t size = sizeof ms;

	if (!from || !from->holder)
		return false;

	OWNED_FD copy = sys_copy_fd(from->holder->pid, from->fd);

	return copy < 0 || getsockopt(copy, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size) < 0 || ms > 0;
}

static void describe_tcp(struct builder *b, const struct socket_tables *t, size_t i, const struct inet_socket *s)
{
	const struct inet_socket *peer = s->state == SOCKET_LISTENS ? NULL : tcp_peer(t, s);
	int index = PEER_NONE;
	bool under_way = is_greeted(t, s, peer) || (peer && peer->send_queue && !s->receive_queue); /* netem, retransmission */

	if (peer && peer->inode)
		index = socket_object(b, peer->inode);
	else if (peer)
		index = tcp_listener(b, t, s->remote.port);

	under_way = under_way || (s->send_queue && may_give_up(b, (int)i)) || (peer && peer->send_queue && may_give_up(b, index));

	struct object *o = &b->objects.at[i];

	o->kind = OBJECT_TCP;
	o->type = "tcp";
	o->listener = s->state == SOCKET_LISTENS;
	b->sources.at[i].address = ADDRESS_NET;
	o->peer = index;
	o->transit = under_way;
}

static void describe_unix(struct builder *b, const struct socket_tables *t, size_t i, const struct unix_socket *u)
{
	int peer = unix_peer(b, t, u);
	struct object *o = &b->objects.at[i];

	o->kind = OBJECT_UNIX;
	o->type = "unix";
	o->scatters = u->type == SOCK_DGRAM;
	o->listener = u->state == SOCKET_LISTENS;
	/* anybody who knows its address may send to it, connected or not */
	o->datagram = u->type == SOCK_DGRAM && (u->named || !u->peer);
	o->peer = peer;
	b->sources.at[i].address = !u->named ? ADDRESS_NONE : u->name_len ? ADDRESS_PATH : ADDRESS_NET;
}

static bool is_any(const struct inet_end *e)
{
	static const unsigned char v4[16] = {[10] = 0xff, [11] = 0xff}, v6[16];

	return memcmp(e->address, v4, sizeof v4) == 0 || memcmp(e->address, v6, sizeof v6) == 0;
}

/** Who has the address that S sends to; one that has all addresses may have been connected by any of them. */
static const struct inet_socket *udp_peer(const struct inet_table *t, const struct inet_socket *s)
{
	for (size_t i = 0; i < t->all.n; i++) {
		const struct inet_socket *peer = &t->all.at[i];

		if (peer != s && peer->inode && peer->local.port == s->remote.port &&
		    (same_end(&peer->local, &s->remote) || is_any(&peer->local)))
			return peer;
	}
	return NULL;
}

/** What was sent and not received yet counts for its sender, wherever it is (sk_wmem_alloc in net/ipv4/udp_diag.c). */
static bool any_sends(const struct inet_table *t)
{
	for (size_t i = 0; i < t->all.n; i++)
		if (t->all.at[i].send_queue)
			return true;
	return false;
}

/** Connected to an address that nobody here has, it waits for somebody outside: without a peer it is live. */
static void describe_udp(struct builder *b, const struct socket_tables *t, size_t i, const struct inet_socket *s)
{
	const struct inet_socket *peer = s->remote.port ? udp_peer(&t->udp, s) : NULL;
	int index = peer ? socket_object(b, peer->inode) : PEER_NONE;
	struct object *o = &b->objects.at[i];

	o->kind = OBJECT_UDP;
	o->type = "udp";
	o->datagram = peer || !s->remote.port;
	o->peer = index;
	o->transit = !s->receive_queue && any_sends(&t->udp);
	b->sources.at[i].address = ADDRESS_NET;
}

/** Inode numbers of another network namespace's sockets are unique, too, but their peers can't be asked for from here. */
static void describe_socket(struct builder *b, const struct socket_tables *t, size_t i)
{
	const struct source *from = &b->sources.at[i];
	size_t k;

	if (from->holder && from->holder->details.foreign_net)
		b->objects.at[i].type = "socket in another network namespace";
	else if (idmap_get(t->by_local, from->id, &k))
		describe_unix(b, t, i, &t->locals.at[k]);
	else if (idmap_get(t->tcp.by, from->id, &k))
		describe_tcp(b, t, i, &t->tcp.all.at[k]);
	else if (idmap_get(t->udp.by, from->id, &k))
		describe_udp(b, t, i, &t->udp.all.at[k]);
}

void sockets_resolve(struct builder *b)
{
	struct socket_tables t = {.by_local = idmap_new(), .tcp.by = idmap_new(), .udp.by = idmap_new()};
	size_t n = b->objects.n;

	if (!tables_read(b, &t))
		b->ob->no_diag = true;
	for (size_t i = 0; i < n; i++)
		if (b->sources.at[i].kind == LINK_SOCKET && b->objects.at[i].kind == OBJECT_OTHER)
			describe_socket(b, &t, i);
	idmap_free(t.by_local);
	idmap_free(t.tcp.by);
	idmap_free(t.udp.by);
	vec_free(&t.locals);
	vec_free(&t.connecting);
	vec_free(&t.tcp.all);
	vec_free(&t.udp.all);
}

/* ---- what is under way ---- */

static bool is_of_tree(const struct builder *b, uint32_t inode)
{
	char key[48];
	size_t i;

	object_number_key(LINK_SOCKET, inode, key);
	return inode && strmap_get(b->by_key, key, &i) && b->sources.at[i].holder;
}

/** Connections to LISTENER whose maker has closed his end, and that it has not accepted: their inode is 0. */
static size_t closed_at(const struct socket_tables *t, uint32_t listener)
{
	size_t n = 0;

	for (size_t i = 0; i < t->connecting.n; i++)
		n += t->connecting.at[i].listener == listener && !t->connecting.at[i].inode;
	return n;
}

/** A connection that was not accepted yet has a queue, which nothing shows: what the tree has sent may be in it, or what somebody has
 *  sent who has closed his end. Such a one that is older than the run, of a daemon that never accepts, is none of the tree's; how old it
 *  is can't be known of a tree that others have begun. */
static bool waits_outside(const struct builder *b, const struct socket_tables *t)
{
	for (size_t i = 0; i < t->connecting.n; i++) {
		const struct connecting *c = &t->connecting.at[i];
		size_t before = 0;

		if (is_of_tree(b, c->listener))
			continue;
		if (b->ob->opt.closed_before)
			idmap_get(b->ob->opt.closed_before, c->listener, &before);
		if (c->inode ? is_of_tree(b, c->inode) : !b->ob->opt.from_outside && closed_at(t, c->listener) > before)
			return true;
	}
	return false;
}

static bool read_unix(struct socket_tables *t)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	bool ok = nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 && ask_unix(nl, t);

	if (nl)
		mnl_socket_close(nl);
	return ok;
}

struct idmap *observe_closed_connections(void)
{
	struct socket_tables t = {.by_local = idmap_new()};
	struct idmap *out = idmap_new();

	read_unix(&t);
	for (size_t i = 0; i < t.connecting.n; i++)
		if (!t.connecting.at[i].inode)
			idmap_put(out, t.connecting.at[i].listener, closed_at(&t, t.connecting.at[i].listener));
	idmap_free(t.by_local);
	vec_free(&t.locals);
	vec_free(&t.connecting);
	return out;
}

/** Of a stream at least one byte travels with each file (unix(7)). */
bool sockets_under_way(struct builder *b, struct idmap *receivers)
{
	struct socket_tables t = {.by_local = idmap_new()};
	bool ok = read_unix(&t);

	for (size_t i = 0; i < t.locals.n; i++) {
		const struct unix_socket *u = &t.locals.at[i];

		if (u->state != SOCKET_LISTENS && (u->receive_queue || u->type != SOCK_STREAM))
			idmap_put(receivers, u->inode, 1);
	}
	if (waits_outside(b, &t))
		vec_push(&b->inflight, -1);
	idmap_free(t.by_local);
	vec_free(&t.locals);
	vec_free(&t.connecting);
	return ok;
}
