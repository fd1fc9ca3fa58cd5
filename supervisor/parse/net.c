/* The tables of sockets below /proc/PID/net. */
#include <string.h>
#include <sys/socket.h>

#include "parse/scan.h"

/** The 32-bit words of an address, each printed as a number in the order of the machine (net/ipv4/tcp_ipv4.c, "%08X"). */
static bool scan_address(struct cursor *c, bool v6, unsigned char address[16])
{
	size_t words = v6 ? 4 : 1, at = v6 ? 0 : 12;

	memset(address, 0, 16);
	if (!v6)
		address[10] = address[11] = 0xff;
	for (size_t i = 0; i < words; i++) {
		struct cursor eight = {c->at, c->left < 8 ? c->left : 8};
		uint64_t value;
		uint32_t word;

		if (eight.left < 8 || !scan_number(&eight, 16, &value) || eight.left)
			return false;
		word = (uint32_t)value;
		memcpy(address + at + 4 * i, &word, 4);
		c->at += 8;
		c->left -= 8;
	}
	return true;
}

static bool scan_end(struct cursor *c, bool v6, struct inet_end *end)
{
	uint64_t port;

	scan_blanks(c);
	if (!scan_address(c, v6, end->address) || !scan_text(c, ":") || !scan_number(c, 16, &port) || port > UINT16_MAX)
		return false;
	end->port = (uint16_t)port;
	return true;
}

static bool skip_words(struct cursor *c, size_t n)
{
	const char *word;
	size_t len;

	while (n-- > 0)
		if (!scan_word(c, &word, &len))
			return false;
	return true;
}

/** "  0: 0100007F:0650 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4711 ..." */
static bool inet_line(struct cursor c, bool v6, struct inet_socket *out)
{
	uint64_t state, inode;

	*out = (struct inet_socket){0};
	if (!skip_words(&c, 1) || !scan_end(&c, v6, &out->local) || !scan_end(&c, v6, &out->remote) || !scan_number(&c, 16, &state) ||
	    !skip_words(&c, 5) || !scan_number(&c, 10, &inode) || inode > UINT32_MAX)
		return false;
	out->state = (int)(state & 0xff);
	out->inode = (uint32_t)inode;
	return true;
}

bool parse_next_net_inet(struct cursor *c, bool v6, struct inet_socket *out)
{
	struct cursor line;

	while (parse_line(c, &line.at, &line.left))
		if (inet_line(line, v6, out))
			return true;
	return false;
}

#define ACCEPTS 0x10000 /* __SO_ACCEPTCON, include/linux/net.h */

/** "0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/x.sock" */
static bool unix_line(struct cursor c, struct unix_socket *out)
{
	uint64_t flags, type, inode;

	*out = (struct unix_socket){0};
	if (!skip_words(&c, 3) || !scan_number(&c, 16, &flags) || !scan_number(&c, 16, &type) || !skip_words(&c, 1) ||
	    !scan_number(&c, 10, &inode) || inode > UINT32_MAX || c.left < 2)
		return false;
	out->type = (int)(type & 0xff);
	out->state = flags & ACCEPTS ? SOCKET_LISTENS : 0;
	out->inode = (uint32_t)inode;
	out->named = true;
	out->name = c.at + 1; /* one blank stands before it, and it may begin with others */
	out->name_len = c.left - 1;
	return true;
}

bool parse_next_net_unix(struct cursor *c, struct unix_socket *out)
{
	struct cursor line;

	while (parse_line(c, &line.at, &line.left))
		if (unix_line(line, out))
			return true;
	return false;
}

/** Two lines of headings, then "    lo: NUMBERS" for each interface (net/core/net-procfs.c). */
bool parse_net_is_loopback(const char *text, size_t len)
{
	struct cursor c = {text, len};
	bool any = false;

	if (!scan_behind(&c, "\n") || !scan_behind(&c, "\n"))
		return false;
	while (c.left) {
		scan_blanks(&c);
		if (!scan_text(&c, "lo:"))
			return false;
		any = true;
		scan_behind(&c, "\n");
	}
	return any;
}
