/* Answers of sock_diag(7): one message's payload. Attributes are read by hand, for the room stays pure. */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "parse/parse.h"

static uint32_t u32_at(const unsigned char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof value);
	return value;
}

static void unix_attribute(struct unix_socket *out, unsigned type, const unsigned char *value, size_t len)
{
	if (type == UNIX_DIAG_NAME) {
		out->named = len > 0;
		out->name = (const char *)value;
		out->name_len = len;
	} else if (type == UNIX_DIAG_RQLEN && len >= 8) { /* struct unix_diag_rqlen */
		out->receive_queue = u32_at(value);
	} else if (type == UNIX_DIAG_VFS && len >= 8) { /* struct unix_diag_vfs */
		out->file_inode = u32_at(value);
		out->file_device = u32_at(value + 4);
	}
	if (type == UNIX_DIAG_PEER && len >= 4)
		out->peer = u32_at(value);
	else if (type == UNIX_DIAG_ICONS) {
		out->waiting = value;
		out->nwaiting = len / 4;
	}
}

int parse_unix_diag(const void *data, size_t len, struct unix_socket *out)
{
	struct unix_diag_msg head;
	const unsigned char *at = data;

	*out = (struct unix_socket){0};
	if (len < sizeof head)
		return PARSE_MALFORMED;
	memcpy(&head, at, sizeof head);
	if (head.udiag_family != AF_UNIX)
		return PARSE_MALFORMED;
	out->inode = head.udiag_ino;
	out->type = head.udiag_type;
	out->state = head.udiag_state;
	for (size_t done = NLMSG_ALIGN(sizeof head); done + sizeof(struct rtattr) <= len;) {
		struct rtattr attr;

		memcpy(&attr, at + done, sizeof attr);
		if (attr.rta_len < sizeof attr || attr.rta_len > len - done)
			break;
		unix_attribute(out, attr.rta_type, at + done + sizeof attr, attr.rta_len - sizeof attr);
		done += NLMSG_ALIGN((size_t)attr.rta_len);
	}
	return 0;
}

uint32_t parse_unix_waiting(const struct unix_socket *u, size_t i)
{
	return i < u->nwaiting ? u32_at(u->waiting + 4 * i) : 0;
}

static struct inet_end inet_end(int family, const void *address, uint16_t port)
{
	struct inet_end end = {.port = (uint16_t)(port >> 8 | port << 8)};

	if (family == AF_INET) {
		end.address[10] = end.address[11] = 0xff;
		memcpy(end.address + 12, address, 4);
	} else {
		memcpy(end.address, address, 16);
	}
	return end;
}

int parse_inet_diag(const void *data, size_t len, struct inet_socket *out)
{
	struct inet_diag_msg m;

	if (len < sizeof m)
		return PARSE_MALFORMED;
	memcpy(&m, data, sizeof m);
	if (m.idiag_family != AF_INET && m.idiag_family != AF_INET6)
		return PARSE_MALFORMED;
	*out = (struct inet_socket){
		.inode = m.idiag_inode,
		.state = m.idiag_state,
		.receive_queue = m.idiag_rqueue,
		.send_queue = m.idiag_wqueue,
		.local = inet_end(m.idiag_family, m.id.idiag_src, m.id.idiag_sport),
		.remote = inet_end(m.idiag_family, m.id.idiag_dst, m.id.idiag_dport),
	};
	return 0;
}
