/* Making room in a full pipe: a larger one, or its content taken out and given back in order (pipe(7), F_SETPIPE_SZ in fcntl(2)).
 *
 * Duplicates of the tree's own ends are used, and closed as soon as may be: one of the writing end withholds the end of the file, one of
 * the reading end SIGPIPE. O_NONBLOCK belongs to the open file and so to the tree: poll(2) stands in for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "act/act.h"

enum { GROW_MOST = 1 << 20, PAGE = 4096 };

/** /proc/sys/fs/pipe-max-size: what an unprivileged process may ask for. */
static int most_size(void)
{
	OWNED_TEXT text = {0};
	long most = sys_read_file(AT_FDCWD, "/proc/sys/fs/pipe-max-size", &text, NULL) == 0 ? strtol(text_str(&text), NULL, 10) : 0;

	return most > 0 && most < GROW_MOST ? (int)most : GROW_MOST;
}

int act_grow_pipe(pid_t pid, int fd, int *before, int *after, struct err *err)
{
	OWNED_FD copy = sys_copy_fd(pid, fd);
	int size = most_size();

	if (copy < 0)
		return err_set(err, copy, "its descriptor can't be had: %s", strerror(-copy));
	*before = *after = fcntl(copy, F_GETPIPE_SZ);
	if (*before < 0)
		return err_set(err, -errno, "it is no pipe");
	/* EPERM: the user has too many large ones (pipe-user-pages-soft): half of it may still be had */
	for (; size > *before; size /= 2) {
		*after = fcntl(copy, F_SETPIPE_SZ, size);
		if (*after > *before)
			return 0;
		*after = *before;
	}
	return err_set(err, -ENOSPC, "it has %d bytes already, and may have no more", *before);
}

/* ---- the spool ---- */

int act_spool_open(struct act_spool *s, pid_t writer, int write_fd, pid_t reader, int read_fd, size_t most, struct err *err)
{
	int size;

	*s = (struct act_spool){.most = most, .read_fd = -1, .write_fd = -1, .writer = -1};
	s->writer = sys_pidfd_open(writer);
	s->write_fd = sys_copy_fd(writer, write_fd);
	s->read_fd = sys_copy_fd(reader, read_fd);
	if (s->writer < 0 || s->write_fd < 0 || s->read_fd < 0) {
		act_spool_close(s);
		return err_set(err, -EPERM, "its descriptors can't be had");
	}
	size = fcntl(s->write_fd, F_GETPIPE_SZ);
	s->room = size > 0 ? (size_t)size : PAGE;
	return 0;
}

/** All that is in it now; reading what is there does not block. */
static int drain(struct act_spool *s)
{
	char part[65536];
	int there = 0;

	while (ioctl(s->read_fd, FIONREAD, &there) == 0 && there > 0) {
		ssize_t n;

		if (s->data.n + (size_t)there > s->most)
			return -ENOSPC;
		n = read(s->read_fd, part, (size_t)there < sizeof part ? (size_t)there : sizeof part);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		text_addn(&s->data, part, (size_t)n);
	}
	return 0;
}

int act_spool_take(struct act_spool *s, int limit_ms)
{
	struct pollfd on[2] = {{.fd = s->read_fd, .events = POLLIN}, {.fd = s->writer, .events = POLLIN}};
	int rc;

	if (poll(on, 2, limit_ms) < 0 && errno != EINTR)
		return -errno;
	rc = drain(s);
	if (rc)
		return rc;
	/* What it wrote last was written before its end could be seen, and is taken out by now. */
	return on[1].revents & POLLIN ? 1 : 0;
}

int act_spool_give(struct act_spool *s, int limit_ms)
{
	struct pollfd on = {.fd = s->write_fd, .events = POLLOUT};
	size_t left = s->data.n - s->given;

	if (left == 0)
		return 1;
	if (poll(&on, 1, limit_ms) < 0 && errno != EINTR)
		return -errno;
	if (!(on.revents & POLLOUT)) /* POLLERR: nobody is left to read */
		return on.revents & POLLERR ? -EPIPE : 0;

	/* There is room for a page at least: PIPE_BUF bytes never block then (pipe(7)). */
	ssize_t n = write(s->write_fd, s->data.at + s->given, left < PIPE_BUF ? left : PIPE_BUF);

	if (n < 0)
		return -errno;
	s->given += (size_t)n;
	return s->given == s->data.n;
}

void act_spool_close(struct act_spool *s)
{
	fd_closep(&s->read_fd);
	fd_closep(&s->write_fd);
	fd_closep(&s->writer);
	text_free(&s->data);
}
