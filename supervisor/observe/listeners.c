/* Sockets that take what comes, and who of the tree holds them. sock_diag(7) answers for our own network namespace alone; those of
 * others are read from /proc/PID/net of a process that lives there. */
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "observe/diag.h"
#include "observe/state.h"

enum { STATE_UNBOUND_PEER = 7 /* TCP_CLOSE: a UDP socket without a peer (net/ipv4/udp.c) */ };

struct want {
	listener_vec *out;
	const char *protocol;
};

/* ---- one socket ---- */

static void add_inet(const struct want *w, const struct inet_socket *s)
{
	struct listener l = {.protocol = w->protocol, .inode = s->inode};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(s->local.port)};

	if (s->state != (*w->protocol == 't' ? SOCKET_LISTENS : STATE_UNBOUND_PEER) || !s->inode || !s->local.port)
		return;
	memcpy(&six.sin6_addr, s->local.address, sizeof six.sin6_addr);
	if (parse_address(&six, sizeof six, l.address, sizeof l.address) == 0)
		vec_push(w->out, l);
}

static void add_unix(const struct want *w, const struct unix_socket *u)
{
	struct listener l = {.protocol = "unix", .inode = u->inode, .file_inode = u->file_inode, .file_device = u->file_device};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = u->name_len < sizeof address.sun_path ? u->name_len : sizeof address.sun_path;

	if (!u->named || (u->state != SOCKET_LISTENS && u->type != SOCK_DGRAM))
		return;
	memcpy(address.sun_path, u->name, n);
	if (parse_address(&address, sizeof(sa_family_t) + n, l.address, sizeof l.address) == 0)
		vec_push(w->out, l);
}

/* ---- our own namespace ---- */

static int take_inet(const struct nlmsghdr *h, void *data)
{
	struct inet_socket s;

	if (parse_inet_diag(mnl_nlmsg_get_payload(h), mnl_nlmsg_get_payload_len(h), &s) == 0)
		add_inet(data, &s);
	return MNL_CB_OK;
}

static int take_unix(const struct nlmsghdr *h, void *data)
{
	struct unix_socket u;

	if (parse_unix_diag(mnl_nlmsg_get_payload(h), mnl_nlmsg_get_payload_len(h), &u) == 0)
		add_unix(data, &u);
	return MNL_CB_OK;
}

static bool ask_inet(struct mnl_socket *nl, int family, struct want *w)
{
	_Alignas(struct nlmsghdr) char buf[256];
	bool tcp = *w->protocol == 't';
	struct nlmsghdr *h = diag_request(buf, (unsigned)family + (tcp ? 0 : 100));
	struct inet_diag_req_v2 *req = mnl_nlmsg_put_extra_header(h, sizeof *req);

	req->sdiag_family = (uint8_t)family;
	req->sdiag_protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	req->idiag_states = 1u << (tcp ? SOCKET_LISTENS : STATE_UNBOUND_PEER);
	return diag_ask(nl, h, take_inet, w);
}

static bool ask_unix(struct mnl_socket *nl, struct want *w)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = diag_request(buf, 1);
	struct unix_diag_req *req = mnl_nlmsg_put_extra_header(h, sizeof *req);

	req->sdiag_family = AF_UNIX;
	req->udiag_states = UINT32_MAX;
	req->udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS;
	return diag_ask(nl, h, take_unix, w);
}

/** The tables of the network namespace that PID is in; "self" is ours. */
static bool read_inet_table(int proc_fd, const char *pid, struct want *w, bool v6)
{
	OWNED_TEXT text = {0};
	struct inet_socket s;
	char path[64];

	snprintf(path, sizeof path, "%s/net/%s%s", pid, w->protocol, v6 ? "6" : "");
	if (sys_read_file(proc_fd, path, &text, NULL))
		return false;
	for (struct cursor c = {text_str(&text), text.n}; parse_next_net_inet(&c, v6, &s);)
		add_inet(w, &s);
	return true;
}

static void read_unix_table(int proc_fd, const char *pid, struct want *w)
{
	OWNED_TEXT text = {0};
	struct unix_socket u;
	char path[64];

	snprintf(path, sizeof path, "%s/net/unix", pid);
	if (sys_read_file(proc_fd, path, &text, NULL))
		return;
	for (struct cursor c = {text_str(&text), text.n}; parse_next_net_unix(&c, &u);) {
		OWNED_TEXT name = {0};

		text_addn(&name, u.name, u.name_len);
		if (*text_str(&name) == '@') /* as a path it would begin with a slash, or be relative: an abstract one, then */
			name.at[0] = '\0';
		u.name = name.at;
		add_unix(w, &u);
	}
}

bool diag_listeners(unsigned want, listener_vec *out)
{
	struct want tcp = {out, "tcp"}, udp = {out, "udp"}, local = {out, "unix"};
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	bool ok = nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0;

	if (ok && want & WANT_TCP) {
		ok = ask_inet(nl, AF_INET, &tcp);
		ask_inet(nl, AF_INET6, &tcp); /* may be switched off */
	}
	/* udp_diag is a module of its own, which may not be there. */
	if (want & WANT_UDP && !(ok && ask_inet(nl, AF_INET, &udp)))
		ok = read_inet_table(-1, "/proc/self", &udp, false) && ok;
	if (want & WANT_UDP && !(ok && ask_inet(nl, AF_INET6, &udp)))
		read_inet_table(-1, "/proc/self", &udp, true);
	if (ok && want & WANT_UNIX)
		ok = ask_unix(nl, &local);
	if (nl)
		mnl_socket_close(nl);
	return ok;
}

/* ---- who of the tree holds them ---- */

static ino_t net_of(const struct observe *ob, pid_t pid)
{
	proc_path path;
	struct stat st;

	snprintf(path, sizeof path, "%d/ns/net", pid);
	return fstatat(ob->proc_fd, path, &st, 0) == 0 ? st.st_ino : 0;
}

/** Tables by namespace; a process may hold sockets of a namespace that it has left, which then are not found. */
struct space {
	ino_t net;
	listener_vec all;
};

static void read_space(const struct observe *ob, pid_t pid, struct space *s)
{
	char name[16];
	struct want tcp = {&s->all, "tcp"}, udp = {&s->all, "udp"}, local = {&s->all, "unix"};

	snprintf(name, sizeof name, "%d", pid);
	for (int v6 = 0; v6 < 2; v6++) {
		read_inet_table(ob->proc_fd, name, &tcp, v6);
		read_inet_table(ob->proc_fd, name, &udp, v6);
	}
	read_unix_table(ob->proc_fd, name, &local);
}

static void add_held(const struct observe *ob, pid_t pid, const listener_vec *all, listener_vec *out)
{
	int_vec fds = {0};
	proc_path path;

	snprintf(path, sizeof path, "%d/fd", pid);
	if (all->n == 0 || sys_list_numbers(ob->proc_fd, path, &fds, NULL))
		return;
	for (size_t i = 0; i < fds.n; i++) {
		char link[64];

		snprintf(path, sizeof path, "%d/fd/%d", pid, fds.at[i]);
		if (sys_readlink(ob->proc_fd, path, link, sizeof link, NULL))
			continue;

		struct link_target to = parse_link(link, strlen(link));

		for (size_t k = 0; to.kind == LINK_SOCKET && k < all->n; k++) {
			if (all->at[k].inode != to.number)
				continue;
			vec_push(out, all->at[k]);
			out->at[out->n - 1].pid = pid;
		}
	}
	vec_free(&fds);
}

void observe_listeners(struct observe *ob, listener_vec *out)
{
	VEC(struct space) spaces = {0};
	struct space own = {.net = ob->net_ns};

	diag_listeners(WANT_TCP | WANT_UDP | WANT_UNIX, &own.all);
	vec_push(&spaces, own);
	for (size_t i = 0; i < ob->procs.n; i++) {
		pid_t pid = ob->procs.at[i]->pid;
		ino_t net = net_of(ob, pid);
		size_t k = 0;

		while (net && k < spaces.n && spaces.at[k].net != net)
			k++;
		if (!net)
			continue;
		if (k == spaces.n) {
			vec_push(&spaces, (struct space){.net = net});
			read_space(ob, pid, &spaces.at[k]);
		}
		add_held(ob, pid, &spaces.at[k].all, out);
	}
	for (size_t i = 0; i < spaces.n; i++)
		vec_free(&spaces.at[i].all);
	vec_free(&spaces);
}

/* ---- socket files ---- */

/** The kernel's number of a device, MAJOR << 20 | MINOR (include/linux/kdev_t.h), and the low half of an inode. */
static bool is_file_of(const struct listener *l, uint64_t inode, uint64_t device)
{
	uint32_t kernel = (uint32_t)(major((dev_t)device) << 20 | minor((dev_t)device));

	return l->file_inode && l->file_inode == (uint32_t)inode && l->file_device == kernel;
}

/** The path as we see it. A relative one is of the folder that the holder is in, if it is the same file there. */
static bool find_file(const struct observe *ob, const struct listener *l, struct socket_file *out)
{
	struct stat st;
	char folder[512], path[32];

	snprintf(out->path, sizeof out->path, "%s", l->address);
	if (*out->path != '/') {
		snprintf(path, sizeof path, "%d/cwd", l->pid);
		if (sys_readlink(ob->proc_fd, path, folder, sizeof folder, NULL) ||
		    (size_t)snprintf(out->path, sizeof out->path, "%s/%s", folder, l->address) >= sizeof out->path)
			return false;
	}
	if (lstat(out->path, &st) < 0 || !S_ISSOCK(st.st_mode) || !is_file_of(l, st.st_ino, st.st_dev))
		return false;
	out->inode = st.st_ino;
	out->device = st.st_dev;
	out->pid = l->pid;
	return true;
}

/** Most sockets of a machine are strangers': each is looked for a few times, as its holder may be too new to be known. */
static bool is_new(struct observe *ob, uint32_t inode)
{
	enum { TRIES = 3 };
	size_t tries = 0;

	idmap_get(ob->sockets, inode, &tries);
	if (tries < TRIES)
		idmap_put(ob->sockets, inode, tries + 1);
	return tries < TRIES;
}

void observe_socket_files(struct observe *ob, socket_file_vec *out)
{
	listener_vec all = {0}, held = {0}, files = {0};
	struct socket_file file;

	diag_listeners(WANT_UNIX, &all);
	for (size_t i = 0; i < all.n; i++)
		if (all.at[i].file_inode && is_new(ob, all.at[i].inode))
			vec_push(&files, all.at[i]);
	for (size_t i = 0; i < ob->procs.n && files.n; i++)
		add_held(ob, ob->procs.at[i]->pid, &files, &held);
	for (size_t i = 0; i < held.n; i++)
		if (find_file(ob, &held.at[i], &file))
			vec_push(out, file);
	vec_free(&all);
	vec_free(&held);
	vec_free(&files);
}

bool observe_socket_in_use(uint64_t inode, uint64_t device)
{
	listener_vec all = {0};
	bool found = !diag_listeners(WANT_UNIX, &all); /* what can't be known is taken as in use */

	for (size_t i = 0; i < all.n && !found; i++)
		found = is_file_of(&all.at[i], inode, device);
	vec_free(&all);
	return found;
}
