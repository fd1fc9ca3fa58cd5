/* The seccomp filter of the command and of all that it starts. */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "launch/trace.h"

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

/** Calls of another architecture are let through: libseccomp's own choice is to kill. Speculation stays as it was (SSB; before Linux
 *  5.16 a filter switched it off, at a price). Raw errors, for only they tell why. */
static int set_attributes(scmp_filter_ctx filter)
{
	int rc = 0;

	rc = rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	rc = rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	rc = rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	return rc;
}

/** With no_new_privs a setuid program runs without its privilege, so it is set only where the kernel asks for it: for those
 *  without CAP_SYS_ADMIN (seccomp(2)). */
static int load(scmp_filter_ctx filter)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

	rc = rc ? rc : seccomp_load(filter);
	if (rc != -EACCES)
		return rc;
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
	return rc ? rc : seccomp_load(filter);
}

int filter_load(enum launch_trace kind, int *listener)
{
	uint32_t action = kind == LAUNCH_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_TRACE(FILTER_TAG);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter ? set_attributes(filter) : -ENOMEM;

	*listener = -1;
	rc = rc ? rc : add_rules(filter, action);
	rc = rc ? rc : load(filter);
	if (!rc && kind == LAUNCH_NOTIFY)
		*listener = seccomp_notify_fd(filter);
	/* not released: libseccomp would close the listener's descriptor with it, and the exec frees all */
	return rc;
}
