/* diag: asking sock_diag(7), through libmnl. Private to the room. */
#ifndef TRACEWRAP_OBSERVE_DIAG_H
#define TRACEWRAP_OBSERVE_DIAG_H

#include <libmnl/libmnl.h>

#include "observe/observe.h"
#include "parse/parse.h"

/* sockets.c */
/** The head of a request for a dump, in BUF. */
struct nlmsghdr *diag_request(char *buf, unsigned seq);
/** Send REQUEST and hand each answer to TAKE. False when the kernel refuses or does not know it. */
bool diag_ask(struct mnl_socket *nl, const struct nlmsghdr *request, mnl_cb_t take, void *data);

/* listeners.c */
/** All sockets of our network namespace that take what comes: TCP listening, UDP bound, unix listening or bound datagram ones.
 *  WANT: which. Pids stay empty. @return false when the table can't be read. */
enum { WANT_TCP = 1, WANT_UDP = 2, WANT_UNIX = 4 };
bool diag_listeners(unsigned want, listener_vec *out);


#endif
