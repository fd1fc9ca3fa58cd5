/* sys: thin wrappers around what the kernel offers. Effects live here and in the rooms above; nothing here decides.
 *
 * Descriptors are O_CLOEXEC. No function prints. -errno and the text of ERR say what failed on which object.
 */
#ifndef TRACEWRAP_SYS_H
#define TRACEWRAP_SYS_H

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/base.h"

/* ---- owned descriptors ---- */

static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#define OWNED_FD __attribute__((cleanup(fd_closep))) int
static inline int fd_take(int *fd)
{
	int give = *fd;
	*fd = -1;
	return give;
}

/* ---- clocks ---- */

int64_t sys_monotonic_ns(void); /* CLOCK_MONOTONIC */
int64_t sys_clock_ns(int clock_id);
/** Sleep so long, or until a signal handler has run. */
void sys_sleep_ns(int64_t ns);

/* ---- reading below /proc (or a made-up tree in tests) ---- */

enum { SYS_GONE = 1, SYS_DENIED = 2 };

/** Read the whole file PATH, relative to DIR_FD, into OUT (replaced; NUL behind it).
 *  @return 0, SYS_GONE (ENOENT, ESRCH: the task has ended), SYS_DENIED (EACCES, EPERM), or -errno. */
int sys_read_file(int dir_fd, const char *path, struct text *out, struct err *err);
/** The same through a kept descriptor, from offset 0, at most CAP - 1 bytes. @return bytes, or -errno (-ESRCH: ended). */
ssize_t sys_pread_text(int fd, char *buf, size_t cap);
/** readlinkat into BUF, NUL-ended. @return as sys_read_file. */
int sys_readlink(int dir_fd, const char *path, char *buf, size_t cap, struct err *err);
/** Numeric names of a folder (tids, descriptors), ascending. @return as sys_read_file. */
typedef VEC(int) int_vec;
int sys_list_numbers(int dir_fd, const char *path, int_vec *out, struct err *err);

/* ---- processes ---- */

/** Signal PID through a pidfd, and only if its start time still is START_TICKS (stat field 22; pidfd_open(2): the descriptor
 *  then can't mean another process). @return 0, SYS_GONE, SYS_DENIED, -errno. */
int sys_signal_process(pid_t pid, uint64_t start_ticks, int sig);
/** Start time of PID in ticks since boot, 0 when gone. State letter in *STATE when not NULL. */
uint64_t sys_process_start(pid_t pid, char *state);
/** When PID began, of which START_TICKS is what sys_process_start() says: between *FROM_NS and *TO_NS of CLOCK_BOOTTIME. Some milliseconds.
 *  @return true: to some hundredths of a millisecond; false: this machine does not let us, and the tick is all that is known. */
bool sys_birth(pid_t pid, uint64_t start_ticks, int64_t *from_ns, int64_t *to_ns);
/** All descendants of PID, itself not, children before grandchildren, by the children of every thread (proc_pid_children(5)).
 *  Those in SKIP and what is below them are left out. A child whose /proc entry can't be seen (hidepid) is listed, too. */
typedef struct {
	pid_t pid, parent;
	uint64_t start_ticks; /* 0: not readable */
	char state;           /* 0: not readable */
} sys_process;
typedef VEC(sys_process) process_vec;
int sys_descendants(pid_t pid, const pid_t *skip, size_t nskip, process_vec *out, struct err *err);

int sys_pidfd_open(pid_t pid); /* -errno */
/** A copy of descriptor FD of PID: one more holder of the file, so to be closed at once. @return -errno when it is refused. */
int sys_copy_fd(pid_t pid, int fd);
/** kcmp(2). @return 0 the same, > 0 different, -errno not known. */
int sys_kcmp(pid_t a, pid_t b, int type, unsigned long x, unsigned long y);
/** process_vm_readv(2); all or nothing. @return 0 or -errno. */
int sys_read_memory(pid_t pid, uint64_t addr, void *buf, size_t size);

/* ---- signals ---- */

const char *sys_signal_name(int sig, char buf[16]); /* "SIGINT", "SIGRTMIN+3" */

/* ---- files and words ---- */

/** Write a file under a temporary name beside it, flush it, rename it. Nothing of it is left on failure. */
int sys_write_file(const char *path, const char *data, size_t size, struct err *err);
int sys_make_dirs(const char *path, struct err *err); /* as mkdir -p, 0777 & umask */
/** To write to FD, which is not ours alone, without ever waiting for a reader. FD stays the caller's. */
struct sys_writer {
	int way, fd, own_fd;
};
struct sys_writer sys_writer_open(int fd);
/** @return bytes, or -1 and errno; EAGAIN: no room now. */
ssize_t sys_writer_write(const struct sys_writer *w, const char *data, size_t size);
void sys_writer_close(struct sys_writer *w);
/** Write to standard error without ever waiting longer than LIMIT_NS for a reader; what does not fit by then is dropped.
 *  @return 0; -EAGAIN when something was dropped, -errno. */
int sys_say(const char *data, size_t size, int64_t limit_ns);
int sys_sayf(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
