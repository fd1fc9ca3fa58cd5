/* A trapped call: its arguments, read from the memory of who calls, as an event. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include "launch/trace.h"
#include "parse/parse.h"

#define NS_PER_US INT64_C(1000)
#define US_PER_S  1000000
/* No alarm is further away: it stands for "never" wherever moments are added up. */
#define FAR_S (INT64_C(1) << 31)

static bool is_relative_path(const struct sockaddr_storage *a, size_t len)
{
	const struct sockaddr_un *local = (const struct sockaddr_un *)a;

	return a->ss_family == AF_UNIX && len > offsetof(struct sockaddr_un, sun_path) && local->sun_path[0] &&
	       local->sun_path[0] != '/';
}

/** The address in words; a relative path is made absolute by the caller's own folder. */
static void put_address(pid_t tid, const struct sockaddr_storage *a, size_t len, struct trapped *t)
{
	char words[256], link[32], folder[4096];

	t->text[0] = '\0';
	if (parse_address(a, len, words, sizeof words))
		return;
	snprintf(link, sizeof link, "/proc/%d/cwd", (int)tid);
	if (!is_relative_path(a, len) || sys_readlink(AT_FDCWD, link, folder, sizeof folder, NULL)) {
		snprintf(t->text, sizeof t->text, "%s", words);
		return;
	}
	snprintf(t->text, sizeof t->text, "%s/%s", folder, words);
	text_clean(t->text, strlen(t->text));
}

static bool read_bind(pid_t tid, const uint64_t args[6], struct trapped *t)
{
	struct sockaddr_storage a = {0};
	int given = (int)args[2];
	size_t len = given < 0 ? 0 : (size_t)given < sizeof a ? (size_t)given : sizeof a;

	t->kind = EVENT_BIND;
	t->fd = (int)args[0];
	if (len && !sys_read_memory(tid, args[1], &a, len))
		put_address(tid, &a, len, t);
	return true;
}

/** @return -1 for what setitimer(2) refuses. */
static int64_t duration_ns(const struct timeval *t)
{
	if (t->tv_sec < 0 || t->tv_usec < 0 || t->tv_usec >= US_PER_S)
		return -1;
	if (t->tv_sec >= FAR_S)
		return FAR_S * NS_PER_S;
	return t->tv_sec * NS_PER_S + t->tv_usec * NS_PER_US;
}

static bool read_setitimer(pid_t tid, const uint64_t args[6], struct trapped *t)
{
	struct itimerval value = {0}; /* no new value disarms: kernel/time/itimer.c calls that a misfeature, and keeps it */

	if (args[1] && sys_read_memory(tid, args[1], &value, sizeof value))
		return false;
	t->kind = EVENT_ALARM;
	t->value_ns = duration_ns(&value.it_value);
	t->interval_ns = duration_ns(&value.it_interval);
	return t->value_ns >= 0 && t->interval_ns >= 0;
}

static bool read_alarm(const uint64_t args[6], struct trapped *t)
{
	struct timeval value = {.tv_sec = (time_t)(uint32_t)args[0]};

	t->kind = EVENT_ALARM;
	t->value_ns = duration_ns(&value);
	return true;
}

bool trapped_read(pid_t tid, int number, const uint64_t args[6], struct trapped *out)
{
	out->fd = -1;
	out->status = 0;
	out->value_ns = out->interval_ns = 0;
	out->text[0] = '\0';
	switch (number) {
	case SYS_bind:
		return read_bind(tid, args, out);
	case SYS_listen:
		out->kind = EVENT_LISTEN;
		out->fd = (int)args[0];
		return true;
	case SYS_setitimer:
		return read_setitimer(tid, args, out);
	case SYS_alarm:
		return read_alarm(args, out);
	case SYS_prctl:
		out->kind = EVENT_PDEATHSIG;
		out->status = (int)args[1];
		return true;
	default:
		return false;
	}
}

void trapped_ask_socket(pid_t pid, pid_t tid, struct trapped *t, bool named, int *socket_type)
{
	OWNED_FD copy = sys_copy_fd(pid, t->fd);
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof *socket_type;

	*socket_type = 0;
	if (copy < 0)
		return;
	if (getsockopt(copy, SOL_SOCKET, SO_TYPE, socket_type, &len) < 0)
		*socket_type = 0;
	len = sizeof a;
	if (named && !getsockname(copy, (struct sockaddr *)&a, &len))
		put_address(tid, &a, len < sizeof a ? len : sizeof a, t);
}

/** An alarm is armed even where the old value can't be written back (setitimer(2): EFAULT). */
bool trapped_done(const struct trapped *t, int64_t result)
{
	if (t->kind == EVENT_ALARM)
		return result >= 0 || result == -EFAULT;
	return result >= 0 || t->kind == EVENT_BIND || t->kind == EVENT_LISTEN;
}

struct event trapped_event(const struct trapped *t, pid_t pid, pid_t tid)
{
	return (struct event){
		.kind = t->kind,
		.at_ns = sys_monotonic_ns(),
		.pid = pid,
		.tid = tid,
		.fd = t->fd,
		.status = t->status,
		.token = NO_TOKEN,
		.value_ns = t->value_ns,
		.interval_ns = t->interval_ns,
		.text = t->text,
	};
}
