/* The seccomp filter of the command and of all that it starts. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "launch/trace.h"

#ifdef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define WAIT_KILLABLE_RECV SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#else
#define WAIT_KILLABLE_RECV (1U << 5)
#endif

enum { MOST_ROWS = 256, NEWEST_API = 5 };
enum { FILTER_TAG = 1 }; /* told by PTRACE_GETEVENTMSG; there is but one */

/** `which` and `option` are ints: the upper halves of their registers may hold anything. */
#define INT_ARGUMENT(n) SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (n))

static int add_rules(scmp_filter_ctx filter, uint32_t action)
{
	int rc = 0;

	rc = rc ? rc : seccomp_rule_add(filter, action, SCMP_SYS(bind), 0);
	rc = rc ? rc : seccomp_rule_add(filter, action, SCMP_SYS(listen), 0);
	rc = rc ? rc : seccomp_rule_add(filter, action, SCMP_SYS(alarm), 0);
	rc = rc ? rc : seccomp_rule_add(filter, action, SCMP_SYS(setitimer), 1, INT_ARGUMENT(ITIMER_REAL));
	rc = rc ? rc : seccomp_rule_add(filter, action, SCMP_SYS(prctl), 1, INT_ARGUMENT(PR_SET_PDEATHSIG));
	return rc;
}

/** libseccomp writes the program, and we load it: seccomp_load(3) of 2.5 can't ask for WAIT_KILLABLE_RECV, takes a listener
 *  of number 0 for none, and does not tell why the kernel refuses. Calls of another architecture are let through; its own choice
 *  is to kill. */
static int write_program(uint32_t action, int fd)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter ? 0 : -ENOMEM;

	rc = rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	rc = rc ? rc : add_rules(filter, action);
	rc = rc ? rc : seccomp_export_bpf(filter, fd);
	seccomp_release(filter);
	return rc;
}

/** @return a descriptor with NEW_LISTENER, else 0; or -errno. */
static int set_filter(unsigned flags, const struct sock_fprog *program)
{
	int rc = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);

	return rc < 0 ? -errno : rc;
}

/** Speculation stays as it was (SPEC_ALLOW; before Linux 5.16 a filter switched it off, at a price). A signal does not cut short
 *  a call that is being looked at (WAIT_KILLABLE_RECV, Linux 5.19). With no_new_privs a setuid program runs without its
 *  privilege, so it is set only where the kernel asks for it: for those without CAP_SYS_ADMIN (seccomp(2)). */
static int load(enum launch_trace kind, const struct sock_fprog *program)
{
	unsigned listen = kind == LAUNCH_NOTIFY ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
	unsigned killable = kind == LAUNCH_NOTIFY ? WAIT_KILLABLE_RECV : 0;
	int rc = set_filter(SECCOMP_FILTER_FLAG_SPEC_ALLOW | listen | killable, program);

	if (rc == -EACCES && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		rc = set_filter(SECCOMP_FILTER_FLAG_SPEC_ALLOW | listen | killable, program);
	return rc == -EINVAL && killable ? set_filter(SECCOMP_FILTER_FLAG_SPEC_ALLOW | listen, program) : rc;
}

int filter_load(enum launch_trace kind, int *listener)
{
	OWNED_FD fd = memfd_create("filter", MFD_CLOEXEC);
	struct sock_filter rows[MOST_ROWS];
	ssize_t size;
	int rc;

	*listener = -1;
	if (fd < 0)
		return -errno;
	seccomp_api_set(NEWEST_API); /* what this kernel can do it says when it is asked, in load() */
	rc = write_program(kind == LAUNCH_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_TRACE(FILTER_TAG), fd);
	if (rc)
		return rc;
	size = pread(fd, rows, sizeof rows, 0);
	if (size <= 0 || size == sizeof rows)
		return size < 0 ? -errno : -E2BIG;

	struct sock_fprog program = {.len = (unsigned short)((size_t)size / sizeof *rows), .filter = rows};

	rc = load(kind, &program);
	if (rc < 0)
		return rc;
	*listener = kind == LAUNCH_NOTIFY ? rc : -1;
	return 0;
}
