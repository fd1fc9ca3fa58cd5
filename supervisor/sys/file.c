/* Writing files whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/sys.h"

static int write_all(int fd, const char *data, size_t size, const char *path, struct err *err)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "write %s: %m", path);
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/** What is no file is written, not replaced: a rename over /dev/null would be felt by everybody. */
static int write_device(const char *path, const char *data, size_t size, struct err *err)
{
	OWNED_FD fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, -errno, "open %s: %m", path);
	return write_all(fd, data, size, path, err);
}

/** A new file beside PATH, its name in TEMPORARY. */
static int open_beside(const char *path, struct text *temporary, struct err *err)
{
	for (int i = 0; i < 100; i++) {
		temporary->n = 0;
		text_addf(temporary, "%s.%d-%d.tmp", path, (int)getpid(), i);

		int fd = open(text_str(temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

		if (fd >= 0 || errno != EEXIST)
			return fd < 0 ? err_set(err, -errno, "create %s: %m", text_str(temporary)) : fd;
	}
	errno = EEXIST;
	return err_set(err, -EEXIST, "create %s: %m", text_str(temporary));
}

static int write_beside(const char *path, const char *data, size_t size, struct err *err)
{
	OWNED_TEXT temporary = {0};
	OWNED_FD fd = open_beside(path, &temporary, err);

	if (fd < 0)
		return fd;

	int rc = write_all(fd, data, size, path, err);

	if (!rc && fsync(fd) < 0)
		rc = err_set(err, -errno, "flush %s: %m", path);
	/* some file systems tell only here that the disk is full (close(2)) */
	if (close(fd_take(&fd)) < 0 && !rc)
		rc = err_set(err, -errno, "close %s: %m", path);
	if (!rc && rename(text_str(&temporary), path) < 0)
		rc = err_set(err, -errno, "rename %s to %s: %m", text_str(&temporary), path);
	if (rc)
		unlink(text_str(&temporary));
	return rc;
}

int sys_write_file(const char *path, const char *data, size_t size, struct err *err)
{
	struct stat st;
	bool there = !stat(path, &st);

	if (there && S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "write %s: %s", path, strerror(EISDIR));
	if (there && !S_ISREG(st.st_mode))
		return write_device(path, data, size, err);

	char *real = there ? realpath(path, NULL) : NULL; /* a link stays, its target is replaced */
	int rc = write_beside(real ? real : path, data, size, err);

	free(real);
	return rc;
}

int sys_make_dirs(const char *path, struct err *err)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (!n || n >= sizeof part) {
		errno = n ? ENAMETOOLONG : ENOENT;
		return err_set(err, -errno, "create folder %s: %m", path);
	}
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		struct stat st;

		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0777) < 0 && (errno != EEXIST || stat(part, &st) < 0 || !S_ISDIR(st.st_mode))) {
			if (errno == EEXIST)
				errno = ENOTDIR;
			return err_set(err, -errno, "create folder %s: %m", part);
		}
		if (i < n)
			part[i] = '/';
	}
	return 0;
}
