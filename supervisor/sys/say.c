/* Words on standard error, which may be a pipe that nobody reads: never wait for a reader without bound. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
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

struct sys_writer sys_writer_open(int fd)
{
	struct sys_writer w = {WAY_PLAIN, fd, -1};
	struct stat st;
	char path[32];

	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
		return w;
	if (S_ISSOCK(st.st_mode)) {
		w.way = WAY_SOCKET;
		return w;
	}
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return w;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	w.own_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	w.way = w.own_fd < 0 ? WAY_CAREFUL : WAY_REOPENED;
	return w;
}

void sys_writer_close(struct sys_writer *w)
{
	fd_closep(&w->own_fd);
}

static ssize_t write_careful(int fd, const char *data, size_t size)
{
	struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size < PIPE_BUF ? size : PIPE_BUF};
	struct pollfd room = {.fd = fd, .events = POLLOUT};
	ssize_t n = pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP)
		return n;
	/* a pipe that polls as writable takes PIPE_BUF bytes at once (pipe(7)), if nobody else is quicker */
	if (poll(&room, 1, 0) <= 0 || !(room.revents & POLLOUT)) {
		errno = room.revents & POLLERR ? EPIPE : EAGAIN;
		return -1;
	}
	return write(fd, piece.iov_base, piece.iov_len);
}

ssize_t sys_writer_write(const struct sys_writer *w, const char *data, size_t size)
{
	switch ((enum way)w->way) {
	case WAY_PLAIN:
		return write(w->fd, data, size);
	case WAY_SOCKET:
		return send(w->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	case WAY_REOPENED:
		return write(w->own_fd, data, size);
	case WAY_CAREFUL:
		break;
	}
	return write_careful(w->fd, data, size);
}

int sys_say(const char *data, size_t size, int64_t limit_ns)
{
	int64_t until_ns = sys_monotonic_ns() + limit_ns;
	struct sys_writer s = sys_writer_open(STDERR_FILENO);
	int rc = 0;

	while (size && !rc) {
		ssize_t n = sys_writer_write(&s, data, size);
		int64_t left_ms = (until_ns - sys_monotonic_ns()) / NS_PER_MS;
		struct pollfd room = {.fd = s.own_fd >= 0 ? s.own_fd : STDERR_FILENO, .events = POLLOUT};

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
	sys_writer_close(&s);
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
