/* Names of the system calls in which tasks are seen to block. */
#include <sys/syscall.h>

#include "parse/parse.h"

#define CALL(name) {SYS_##name, #name}

static const struct {
	int number;
	const char *name;
} calls[] = {
	CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64), CALL(preadv), CALL(pwritev),
	CALL(preadv2), CALL(pwritev2), CALL(recvfrom), CALL(recvmsg), CALL(recvmmsg), CALL(sendto), CALL(sendmsg),
	CALL(sendmmsg), CALL(splice), CALL(tee), CALL(vmsplice), CALL(sendfile), CALL(accept), CALL(accept4), CALL(connect),
	CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(epoll_wait), CALL(epoll_pwait), CALL(wait4),
	CALL(waitid), CALL(futex), CALL(flock), CALL(fcntl), CALL(pause), CALL(rt_sigsuspend), CALL(rt_sigtimedwait),
	CALL(nanosleep), CALL(clock_nanosleep), CALL(vfork), CALL(clone), CALL(clone3), CALL(fork), CALL(execve),
	CALL(execveat), CALL(open), CALL(openat), CALL(openat2), CALL(close), CALL(restart_syscall), CALL(io_uring_enter),
	CALL(io_getevents), CALL(io_pgetevents), CALL(msgrcv), CALL(msgsnd), CALL(semop), CALL(semtimedop),
	CALL(mq_timedreceive), CALL(mq_timedsend), CALL(fsync), CALL(fdatasync), CALL(sync), CALL(ioctl), CALL(ptrace),
	CALL(exit), CALL(exit_group), CALL(mmap), CALL(munmap), CALL(stat), CALL(lstat), CALL(newfstatat), CALL(statx),
	CALL(getdents64), CALL(unlink), CALL(unlinkat), CALL(rename), CALL(mkdir), CALL(rmdir), CALL(copy_file_range),
	CALL(getrandom), CALL(membarrier), CALL(rt_sigreturn), CALL(bind), CALL(listen), CALL(shutdown), CALL(kill),
#ifdef SYS_epoll_pwait2
	CALL(epoll_pwait2),
#endif
#ifdef SYS_futex_waitv
	CALL(futex_waitv),
#endif
};

const char *parse_call_name(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].number == number)
			return calls[i].name;
	return NULL;
}
