/* Calls by their number, syscall(2): an alarm that is set so must be heard, too, or a hang would be proven that it is going to end. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "preload/shim.h"

/* All others go on to libc's with each register and the stack as they are: whatever a clone or a vfork by number needs of them. */
__asm__(".text\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	"	endbr64\n"
	"	cmp $37, %rdi\n" /* alarm */
	"	je 1f\n"
	"	cmp $38, %rdi\n" /* setitimer */
	"	je 1f\n"
	"	cmp $157, %rdi\n" /* prctl */
	"	je 1f\n"
	"	mov next_syscall(%rip), %rax\n"
	"	test %rax, %rax\n"
	"	je 1f\n"
	"	jmp *%rax\n"
	"1:	jmp by_number\n"
	".size syscall, . - syscall\n");
_Static_assert(SYS_alarm == 37 && SYS_setitimer == 38 && SYS_prctl == 157, "the numbers above");

__attribute__((used)) long by_number(long n, long a, long b, long c, long d, long e, long f);

long by_number(long n, long a, long b, long c, long d, long e, long f)
{
	long rc;

	switch (n) {
	case SYS_alarm:
		return alarm((unsigned)a);
	case SYS_setitimer:
		return setitimer((__itimer_which_t)a, (const struct itimerval *)b, (struct itimerval *)c);
	case SYS_prctl:
		return prctl((int)a, b, c, d, e);
	default: /* before the functions behind ours were looked up */
		rc = sys(n, a, b, c, d, e, f);
		if (rc >= -4095 && rc < 0) {
			*__errno_location() = (int)-rc;
			return -1;
		}
		return rc;
	}
}
