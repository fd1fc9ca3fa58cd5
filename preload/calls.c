/* Calls that go through: libc does them, we tell what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "preload/shim.h"

/* ---- bind(2), listen(2) ---- */

enum { FAMILY = offsetof(struct sockaddr_un, sun_path) };

/** A relative path made absolute, where that fits into an address. */
static void make_absolute(struct sockaddr_un *a, socklen_t *len)
{
	char cwd[sizeof a->sun_path];
	size_t path = 0;
	long n;

	while (FAMILY + path < *len && a->sun_path[path])
		path++;
	if (!path || a->sun_path[0] == '/')
		return;
	n = sys(SYS_getcwd, cwd, sizeof cwd); /* with its NUL, in whose place the slash comes */
	if (n <= 0 || cwd[0] != '/' || (size_t)n + path >= sizeof a->sun_path)
		return;
	cwd[n - 1] = '/';
	for (size_t i = path; i-- > 0;)
		a->sun_path[(size_t)n + i] = a->sun_path[i];
	word_put(a->sun_path, cwd, (size_t)n);
	*len = (socklen_t)(FAMILY + (size_t)n + path);
}

static int socket_type(int fd)
{
	int type = 0;
	socklen_t len = sizeof type;

	return sys(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ? 0 : type;
}

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_un local;
	struct sockaddr_storage all;
};

static void tell_address(uint32_t kind, int fd, int error, union address *a, socklen_t len)
{
	if (len > FAMILY && a->any.sa_family == AF_UNIX)
		make_absolute(&a->local, &len);
	TELL(kind, .fd = fd, .error = error, .value = socket_type(fd), .text = (const char *)a, .len = len);
}

static socklen_t bound_address(int fd, union address *a)
{
	socklen_t len = sizeof *a;

	if (sys(SYS_getsockname, fd, a, &len) < 0)
		return 0;
	return len < sizeof *a ? len : sizeof *a;
}

/** These errors come before the kernel has read the address, or instead (__sys_bind() in net/socket.c): it may be anything. */
static bool unread(int error)
{
	return error == EBADF || error == ENOTSOCK || error == EFAULT;
}

EXPORT int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	int rc = NEXT(bind) ? NEXT(bind)(fd, address, len) : libc_result(sys(SYS_bind, fd, address, len));
	union address a = {0};

	if (!telling())
		return rc;
	if (!rc) { /* the kernel may have chosen the port, or the name (unix(7), autobind) */
		len = bound_address(fd, &a);
	} else if (unread(error_of(rc)) || len > sizeof a || !address) {
		len = 0;
	} else {
		word_put((char *)&a, (const char *)address, len);
	}
	tell_address(WIRE_BIND, fd, error_of(rc), &a, len);
	return rc;
}

EXPORT int listen(int fd, int backlog)
{
	int rc = NEXT(listen) ? NEXT(listen)(fd, backlog) : libc_result(sys(SYS_listen, fd, backlog));
	union address a = {0};

	if (telling())
		tell_address(WIRE_LISTEN, fd, error_of(rc), &a, bound_address(fd, &a));
	return rc;
}

/* ---- alarms and timers ---- */

static int64_t ns_of(const struct timeval *t)
{
	return (int64_t)t->tv_sec * 1000000000 + (int64_t)t->tv_usec * 1000;
}

static void tell_timer(const struct itimerval *t)
{
	TELL(WIRE_ALARM, .fd = -1, .value = ns_of(&t->it_value), .extra = (uint64_t)ns_of(&t->it_interval));
}

EXPORT int setitimer(__itimer_which_t which, const struct itimerval *new, struct itimerval *old)
{
	static const struct itimerval off;
	struct itimerval now;
	int rc = NEXT(setitimer) ? NEXT(setitimer)(which, new, old) : libc_result(sys(SYS_setitimer, which, new, old));

	/* Linux takes NULL for a timer of zeros (setitimer(2), BUGS) */
	if (!rc && (int)which == ITIMER_REAL)
		tell_timer(new ? new : &off);
	else if ((int)which == ITIMER_REAL && error_of(rc) == EFAULT && old && !sys(SYS_getitimer, which, &now))
		tell_timer(&now); /* armed; only the old value could not be told */
	return rc;
}

EXPORT unsigned alarm(unsigned seconds)
{
	unsigned rc = NEXT(alarm) ? NEXT(alarm)(seconds) : (unsigned)sys(SYS_alarm, seconds);

	TELL(WIRE_ALARM, .fd = -1, .value = (int64_t)seconds * 1000000000);
	return rc;
}

EXPORT useconds_t ualarm(useconds_t usecs, useconds_t interval)
{
	useconds_t rc;

	if (!NEXT(ualarm))
		return (useconds_t)libc_result(-ENOSYS);
	rc = NEXT(ualarm)(usecs, interval);
	if (rc != (useconds_t)-1)
		TELL(WIRE_ALARM, .fd = -1, .value = (int64_t)usecs * 1000, .extra = (uint64_t)interval * 1000);
	return rc;
}

EXPORT int timer_create(clockid_t clock, struct sigevent *event, timer_t *timer)
{
	int rc = NEXT(timer_create) ? NEXT(timer_create)(clock, event, timer) : libc_result(-ENOSYS);

	TELL(WIRE_TIMER, .fd = -1, .value = clock, .error = error_of(rc));
	return rc;
}

EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;
	int rc;

	va_start(ap, option);
	for (size_t i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long); /* as libc's: whatever lies there when fewer were given */
	va_end(ap);
	rc = NEXT(prctl) ? NEXT(prctl)(option, a[0], a[1], a[2], a[3]) : libc_result(sys(SYS_prctl, option, a[0], a[1], a[2], a[3]));
	if (!rc && option == PR_SET_PDEATHSIG)
		TELL(WIRE_PDEATHSIG, .fd = -1, .value = (int64_t)a[0]);
	return rc;
}
