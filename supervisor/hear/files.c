/* The library and the file of events, as memory files that the outer process keeps: whoever may look at that process opens them by
 * /proc/PID/fd/N. Nothing lies on a disk, so nothing must be removed, whoever is killed; no place has to be found that takes files and
 * lets programs be loaded; and a write into the ring is no business of a file system's journal. Who can't look at us (another user,
 * another user namespace) is not listened to, as with a file that is ours alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "hear/state.h"

extern const char hear_library[], hear_library_end[];

/* Above the numbers that programs count on, and below a low limit of descriptors. */
enum { LOWEST = 10 };

/* Linux 6.3: without it a machine that is set so (sysctl vm.memfd_noexec) maps nothing of it as code. Older ones refuse it. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int make_memory_file(const char *name, unsigned flags, int *out, struct err *err)
{
	OWNED_FD low = memfd_create(name, MFD_CLOEXEC | flags);

	if (low < 0 && errno == EINVAL && flags)
		low = memfd_create(name, MFD_CLOEXEC);
	if (low < 0)
		return err_set(err, -errno, "memory files can't be had: %m");
	/* 0 to 2 may have been free: they are the command's */
	*out = fcntl(low, F_DUPFD_CLOEXEC, LOWEST);
	return *out < 0 ? err_set(err, -errno, "no descriptor left: %m") : 0;
}

static int write_library(int fd, struct err *err)
{
	size_t size = (size_t)(hear_library_end - hear_library);
	void *at;

	for (size_t done = 0; done < size;) {
		ssize_t n = pwrite(fd, hear_library + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, n < 0 ? -errno : -EIO, "write the library: %m");
		done += (size_t)n;
	}
	at = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0); /* as the loader is going to do */
	if (at == MAP_FAILED)
		return err_set(err, -errno, "a library can't be loaded from memory here: %m");
	munmap(at, size);
	return fchmod(fd, 0755) < 0 ? err_set(err, -errno, "chmod of the library: %m") : 0;
}

/** Beyond the limit the kernel sends SIGXFSZ (setrlimit(2)), for memory files, too. */
static bool too_large(size_t size)
{
	size_t library = (size_t)(hear_library_end - hear_library);
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return false;
	return limit.rlim_cur < size || limit.rlim_cur < library;
}

static int make_events(int fd, size_t size, void **at, struct err *err)
{
	if (ftruncate(fd, (off_t)size) < 0 || fchmod(fd, 0600) < 0)
		return err_set(err, -errno, "the file of events: %m");
	*at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *at == MAP_FAILED ? err_set(err, -errno, "the file of events: mmap: %m") : 0;
}

void files_close(struct files *f)
{
	fd_closep(&f->events_fd);
	fd_closep(&f->library_fd);
}

int files_make(struct files *f, size_t size, void **at, struct err *err)
{
	struct stat st;
	int rc;

	*f = (struct files){.library_fd = -1, .events_fd = -1};
	/* Who may not be traced shows others nothing of his descriptors (proc(5), PR_SET_DUMPABLE). */
	if (prctl(PR_GET_DUMPABLE) != 1)
		return err_set(err, -EPERM, "this program may not be looked at by those that it starts (privileges, or not readable)");
	if (too_large(size))
		return err_set(err, -EFBIG, "the file of events is larger than files may be here (ulimit -f)");
	if ((rc = make_memory_file("libtracewrap.so", MFD_EXEC, &f->library_fd, err)) < 0 ||
	    (rc = write_library(f->library_fd, err)) < 0 ||
	    (rc = make_memory_file(FILES_EVENTS, 0, &f->events_fd, err)) < 0 || (rc = make_events(f->events_fd, size, at, err)) < 0) {
		files_close(f);
		return rc;
	}
	f->inode = fstat(f->events_fd, &st) < 0 ? 0 : st.st_ino;
	snprintf(f->events, sizeof f->events, "/proc/%d/fd/%d", (int)getpid(), f->events_fd);
	snprintf(f->library, sizeof f->library, "/proc/%d/fd/%d", (int)getpid(), f->library_fd);
	if (access(f->events, R_OK | W_OK) < 0 || access(f->library, R_OK) < 0) {
		rc = err_set(err, -errno, "%s: %m", f->events);
		files_close(f);
		return rc;
	}
	return 0;
}
