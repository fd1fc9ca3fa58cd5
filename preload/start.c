/* The first and the last moments of an image. */
#include <elf.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload/shim.h"

#pragma weak gnu_get_libc_version
const char *gnu_get_libc_version(void);

struct shim shim;
/** Seen by a tracewrap that runs inside of another one's tree (supervisor/hear/). */
EXPORT const char trw_shim_is_here = 1;

/** One part of the variable, up to a colon. @return behind that, NULL: it is too long or the last. */
static const char *read_path(const char *from, char to[WIRE_PATH_MOST])
{
	size_t n = 0;

	while (from[n] && from[n] != ':')
		n++;
	if (*from != '/' || !from[n] || n >= WIRE_PATH_MOST)
		return NULL;
	*word_put(to, from, n) = '\0';
	return from + n + 1;
}

/** The parts of TRW_SHIM=EVENTS:LIBRARY:TOKEN. */
static bool read_variable(uint64_t *token)
{
	const char *value = NULL, *end;

	for (char **e = environ; e && *e; e++)
		if (word_begins(*e, WIRE_VARIABLE "="))
			value = *e + sizeof WIRE_VARIABLE;
	value = value ? read_path(value, shim.events) : NULL;
	value = value ? read_path(value, shim.library) : NULL;
	if (!value)
		return false;
	shim.elsewhere = *value == 'x';
	end = word_read_hex(value, token);
	if (end == value || *end)
		*token = NO_POSITION;
	return true;
}

/** Where argc lies on the stack, and the arrays behind it; NULL when that can't be told. */
static const uintptr_t *find_argc(char **argv)
{
	const uintptr_t *at = (const uintptr_t *)environ;

	if (gnu_get_libc_version) /* constructors get what main() gets; musl passes nothing */
		return argv ? (const uintptr_t *)argv - 1 : NULL;
	/* Is it the kernel's array still? The stack of the first thread lies above all else, so whatever is above this frame is of it.
	 * Below the array are a NULL, argv from its end on, and argc: the first word that is as large as the number of words. */
	if (at < (const uintptr_t *)__builtin_frame_address(0) || at[-1])
		return NULL;
	for (uintptr_t n = 0; n < 1 << 20; n++)
		if (at[-2 - (intptr_t)n] == n)
			return &at[-2 - (intptr_t)n];
	return NULL;
}

static const char *auxiliary_text(const char *const *env, uintptr_t type)
{
	const uintptr_t *aux;

	while (*env)
		env++;
	for (aux = (const uintptr_t *)(env + 1); aux[0] != AT_NULL; aux += 2)
		if (aux[0] == type)
			return (const char *)aux[1];
	return "";
}

__attribute__((constructor)) static void begin(int argc, char **argv)
{
	uint64_t token;
	const uintptr_t *at;
	const char *file = "";
	bool on_stack = false;

	(void)argc;
	next_find();
	if (!read_variable(&token))
		return;
	at = find_argc(argv);
	if (at) {
		const char *const *env = (const char *const *)(at + *at + 2); /* argv and its NULL */

		file = auxiliary_text(env, AT_EXECFN);
		on_stack = (const char *const *)environ == env; /* no other constructor has made it a new one */
	}
	shim.pid = (pid_t)sys(SYS_getpid);
	if (!shim.elsewhere)
		ring_open();
	stay_in_space();
	TELL(WIRE_START, .fd = (int)sys(SYS_getppid), .value = (int64_t)token, .extra = (uintptr_t)at, .text = file, .len = word_len(file));
	shim.known = true;
	hide(on_stack);
}

/* ---- the end ---- */

static void tell_exit(int code)
{
	TELL(WIRE_EXIT, .fd = -1, .value = code);
}

/** The end of main(): exit(3) is called inside libc then. */
__attribute__((destructor)) static void end(void)
{
	tell_exit(-1);
}

static _Noreturn void leave(int code)
{
	for (;;)
		sys(SYS_exit_group, code);
}

static _Noreturn void leave_by(void (*next)(int), int code)
{
	tell_exit(code);
	if (next)
		next(code);
	leave(code);
}

EXPORT _Noreturn void exit(int code)
{
	leave_by(NEXT(exit), code);
}

EXPORT _Noreturn void _exit(int code)
{
	leave_by(NEXT(_exit), code);
}

EXPORT _Noreturn void _Exit(int code)
{
	leave_by(NEXT(_Exit), code);
}

EXPORT _Noreturn void quick_exit(int code)
{
	leave_by(NEXT(quick_exit), code);
}
