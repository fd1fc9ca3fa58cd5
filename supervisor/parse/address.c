/* Socket addresses as bytes -> words. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "parse/parse.h"

/** A path, or "@name" in the abstract namespace (unix(7)), where the name may hold anything. */
static void unix_words(const char *path, size_t len, char *out, size_t size)
{
	size_t skip = len && path[0] == '\0' ? 1 : 0;
	size_t n = skip ? len - 1 : strnlen(path, len);

	snprintf(out, size, "%s%.*s", skip ? "@" : "", (int)n, path + skip);
	text_clean(out, strlen(out));
}

/** The words of an IPv6 address, shortened as RFC 5952 has it, but for mapped ones, which are shown as IPv4. */
static void ip6_words(const struct in6_addr *a, unsigned port, char *out, size_t size)
{
	char words[40] = "", *at = words;
	int best = -1, run = 0, longest = 1;
	unsigned group[8];

	for (int i = 0; i < 8; i++)
		group[i] = (unsigned)a->s6_addr[2 * i] << 8 | a->s6_addr[2 * i + 1];
	if (IN6_IS_ADDR_V4MAPPED(a)) {
		const uint8_t *v4 = a->s6_addr + 12;

		snprintf(out, size, "%u.%u.%u.%u:%u", v4[0], v4[1], v4[2], v4[3], port);
		return;
	}
	for (int i = 0; i < 8; i++) {
		run = group[i] ? 0 : run + 1;
		if (run > longest) {
			longest = run;
			best = i - run + 1;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			at += snprintf(at, sizeof words - (size_t)(at - words), "::");
			i += longest - 1;
			continue;
		}
		at += snprintf(at, sizeof words - (size_t)(at - words), "%s%x", i && at[-1] != ':' ? ":" : "", group[i]);
	}
	snprintf(out, size, "[%s]:%u", words, port);
}

int parse_address(const void *bytes, size_t len, char *out, size_t size)
{
	struct sockaddr_in6 six = {0};
	struct sockaddr_in four = {0};
	struct sockaddr_un local = {0};
	sa_family_t family;

	if (len < sizeof family || !size)
		return PARSE_MALFORMED;
	memcpy(&family, bytes, sizeof family);
	if (family == AF_INET && len >= sizeof four) {
		memcpy(&four, bytes, sizeof four);

		const uint8_t *a = (const uint8_t *)&four.sin_addr.s_addr, *p = (const uint8_t *)&four.sin_port;

		snprintf(out, size, "%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3], (unsigned)p[0] << 8 | p[1]);
		return 0;
	}
	if (family == AF_INET6 && len >= 24) { /* without sin6_scope_id, as old programs have it (ipv6(7)) */
		memcpy(&six, bytes, len < sizeof six ? len : sizeof six);

		const uint8_t *p = (const uint8_t *)&six.sin6_port;

		ip6_words(&six.sin6_addr, (unsigned)p[0] << 8 | p[1], out, size);
		return 0;
	}
	if (family == AF_UNIX) {
		memcpy(&local, bytes, len < sizeof local ? len : sizeof local);
		len = len < sizeof local ? len : sizeof local;
		unix_words(local.sun_path, len - sizeof family, out, size);
		return 0;
	}
	return PARSE_MALFORMED;
}
