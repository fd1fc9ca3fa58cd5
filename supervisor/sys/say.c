/* Words on standard error, which may be a pipe that nobody reads: never wait for a reader without bound. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "sys/sys.h"

#define SAY_LIMIT_NS (1 * NS_PER_S)

enum way {
	WAY_PLAIN, /* a file, a device: does not wait for anybody */
	WAY_SOCKET,
	WAY_REOPENED, /* our own non-blocking description; O_NONBLOCK on the inherited one would be everybody's */
	WAY_CAREFUL,  /* ... which we may not have: the pipe is another user's */
};

struct say {
	enum way way;
	int fd;
};

static struct say say_open(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0 || S_ISREG(st.st_mode))
		return (struct say){WAY_PLAIN, -1};
	if (S_ISSOCK(st.st_mode))
		return (struct say){WAY_SOCKET, -1};
	if (!S_ISFIFO(st.st_mode) && !isatty(STDERR_FILENO))
		return (struct say){WAY_PLAIN, -1};

	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? (struct say){WAY_CAREFUL, -1} : (struct say){WAY_REOPENED, fd};
}

static ssize_t write_careful(const char *data, size_t size)
{
	struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size < PIPE_BUF ? size : PIPE_BUF};
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n = pwritev2(STDERR_FILENO, &piece, 1, -1, RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP)
		return n;
	/* a pipe that polls as writable takes PIPE_BUF bytes at once (pipe(7)), if nobody else is quicker */
	if (poll(&room, 1, 0) <= 0 || !(room.revents & POLLOUT)) {
		errno = room.revents & POLLERR ? EPIPE : EAGAIN;
		return -1;
	}
	return write(STDERR_FILENO, piece.iov_base, piece.iov_len);
}

static ssize_t write_some(const struct say *s, const char *data, size_t size)
{
	switch (s->way) {
	case WAY_PLAIN:
		return write(STDERR_FILENO, data, size);
	case WAY_SOCKET:
		return send(STDERR_FILENO, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	case WAY_REOPENED:
		return write(s->fd, data, size);
	case WAY_CAREFUL:
		break;
	}
	return write_careful(data, size);
}

int sys_say(const char *data, size_t size, int64_t limit_ns)
{
	int64_t until_ns = sys_monotonic_ns() + limit_ns;
	struct say s = say_open();
	int rc = 0;

	while (size && !rc) {
		ssize_t n = write_some(&s, data, size);
		int64_t left_ms = (until_ns - sys_monotonic_ns()) / NS_PER_MS;
		struct pollfd room = {.fd = s.fd >= 0 ? s.fd : STDERR_FILENO, .events = POLLOUT};

		if (n >= 0) {
			data += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN && left_ms > 0) {
			/* in steps: who is woken together with others may find no room again */
			poll(&room, 1, left_ms < 20 ? (int)left_ms : 20);
		} else if (errno != EINTR) {
			rc = -errno;
		}
	}
	fd_closep(&s.fd);
	return rc;
}

int sys_sayf(const char *fmt, ...)
{
	OWNED_TEXT text = {0};
	va_list ap;

	va_start(ap, fmt);
	text_addv(&text, fmt, ap);
	va_end(ap);
	return sys_say(text_str(&text), text.n, SAY_LIMIT_NS);
}
