/* The proc connector: the kernel tells of every fork, exec and exit of the machine (drivers/connector/cn_proc.c). It does so in the first
 * pid, user and network namespaces alone, and before Linux 6.6 only to whoever may administer the network; elsewhere it is quietly left
 * out. What it tells is for the history: it knows nothing of alarms. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>

#include "hear/state.h"
#include "parse/parse.h"

/* Read at passes only: between two of them the whole machine's events must find room. Not memory that is taken, but a bound. */
enum { ROOM = 32 << 20 };

static int fill(struct connector *c)
{
	ssize_t n = recv(mnl_socket_get_fd(c->socket), c->buf, sizeof c->buf, MSG_DONTWAIT);

	c->at = (struct nlmsghdr *)(void *)c->buf;
	c->left = n > 0 ? (int)n : 0;
	return n < 0 ? -errno : 0;
}

/** The next message, of whatever process. */
static bool next_message(struct connector *c, struct proc_message *m)
{
	for (;;) {
		while (c->left > 0 && mnl_nlmsg_ok(c->at, c->left)) {
			const struct nlmsghdr *head = c->at;

			c->at = mnl_nlmsg_next(head, &c->left);
			if (!parse_proc_message(mnl_nlmsg_get_payload(head), mnl_nlmsg_get_payload_len(head), m))
				return true;
		}

		int rc = fill(c);

		if (rc == -ENOBUFS)
			c->lost++; /* at least one; the rest is there (netlink(7)) */
		else if (rc < 0 && rc != -EINTR)
			return false;
	}
}

static bool ask(struct connector *c)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(uint32_t)] = {0};
	struct nlmsghdr *head = mnl_nlmsg_put_header(buf);
	struct cn_msg *body = mnl_nlmsg_put_extra_header(head, sizeof *body + sizeof(uint32_t));
	const uint32_t listen = PROC_CN_MCAST_LISTEN;

	head->nlmsg_type = NLMSG_DONE;
	body->id = (struct cb_id){CN_IDX_PROC, CN_VAL_PROC};
	body->len = sizeof listen;
	memcpy(body->data, &listen, sizeof listen);
	return mnl_socket_sendto(c->socket, head, head->nlmsg_len) >= 0;
}

/** The kernel answers before sendto(2) returns (cn_rx_skb), or, in another namespace, not at all. */
static bool is_answered(struct connector *c)
{
	struct proc_message m;

	while (next_message(c, &m))
		if (m.kind == PROC_ACK)
			return m.error == 0;
	return false;
}

bool connector_open(struct connector *c)
{
	const int room = ROOM;
	int fd;

	*c = (struct connector){.socket = mnl_socket_open2(NETLINK_CONNECTOR, SOCK_CLOEXEC | SOCK_NONBLOCK)};
	if (!c->socket)
		return false;
	fd = mnl_socket_get_fd(c->socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	c->known = idmap_new();
	if (fd <= STDERR_FILENO /* a standard stream was closed, and the guards put /dev/null there */ ||
	    mnl_socket_bind(c->socket, CN_IDX_PROC, MNL_SOCKET_AUTOPID) < 0 || !ask(c) || !is_answered(c)) {
		connector_close(c);
		return false;
	}
	return true;
}

void connector_begin(struct connector *c, pid_t command)
{
	if (c->socket)
		idmap_put(c->known, (uint64_t)command, 1);
}

int connector_fd(const struct connector *c)
{
	return c->socket ? mnl_socket_get_fd(c->socket) : 0;
}

void connector_close(struct connector *c)
{
	if (c->socket)
		mnl_socket_close(c->socket);
	idmap_free(c->known);
	*c = (struct connector){0};
}

/* ---- one event of our tree ---- */

static bool forked(struct connector *c, const struct proc_message *m, struct event *out)
{
	size_t threads;

	if (m->child_tid != m->child) { /* a thread */
		if (idmap_get(c->known, (uint64_t)m->child, &threads))
			idmap_put(c->known, (uint64_t)m->child, threads + 1);
		return false;
	}
	if (!idmap_get(c->known, (uint64_t)m->pid, NULL))
		return false;
	idmap_put(c->known, (uint64_t)m->child, 1);
	out->kind = EVENT_FORK;
	out->child = m->child;
	return true;
}

/** The message does not say what: whoever still runs is asked for it. */
static bool execed(struct connector *c, const struct proc_message *m, struct text *text, struct event *out)
{
	char path[32], file[4096];

	if (!idmap_get(c->known, (uint64_t)m->pid, NULL))
		return false;
	idmap_put(c->known, (uint64_t)m->pid, 1); /* the other threads are gone (execve(2)) */
	text->n = 0;
	snprintf(path, sizeof path, "/proc/%d/exe", (int)m->pid);
	text_add(text, sys_readlink(AT_FDCWD, path, file, sizeof file, NULL) ? "" : file);
	text_clean(text->at, text->n);
	out->kind = EVENT_EXEC;
	out->text = text_str(text);
	return true;
}

/** Each thread's end is told of; the last one's is the end of the process, whichever it was. */
static bool exited(struct connector *c, const struct proc_message *m, struct event *out)
{
	size_t threads;

	if (!idmap_get(c->known, (uint64_t)m->pid, &threads))
		return false;
	if (threads > 1) {
		idmap_put(c->known, (uint64_t)m->pid, threads - 1);
		return false;
	}
	idmap_del(c->known, (uint64_t)m->pid);
	out->kind = EVENT_EXIT;
	out->status = m->status;
	out->exact = true;
	return true;
}

bool connector_next(struct connector *c, struct text *text, struct event *out)
{
	struct proc_message m;

	while (c->socket && next_message(c, &m)) {
		bool ours = false;

		*out = (struct event){.source = FROM_CONNECTOR, .id = c->count++, .at_ns = m.at_ns, .pid = m.pid, .tid = m.tid,
				      .fd = -1, .token = NO_TOKEN, .text = ""};
		if (m.kind == PROC_FORK)
			ours = forked(c, &m, out);
		else if (m.kind == PROC_EXEC)
			ours = execed(c, &m, text, out);
		else if (m.kind == PROC_EXIT)
			ours = exited(c, &m, out);
		if (ours)
			return true;
	}
	return false;
}
