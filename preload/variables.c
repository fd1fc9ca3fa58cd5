/* PYTEST_CURRENT_TEST, where pytest says what it is about to do; no other variable is told. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload/shim.h"

#define TEST "PYTEST_CURRENT_TEST"

static bool is_test(const char *name)
{
	return name && *name == 'P' && telling() && word_begins(name, TEST) && (!name[sizeof TEST - 1] || name[sizeof TEST - 1] == '=');
}

static void tell_test(const char *value)
{
	TELL(WIRE_TEST, .fd = -1, .text = value, .len = word_len(value));
}

static const char *test_now(void)
{
	for (char **e = environ; e && *e; e++)
		if (word_begins(*e, TEST "="))
			return *e + sizeof TEST;
	return "";
}

EXPORT int setenv(const char *name, const char *value, int overwrite)
{
	int rc = NEXT(setenv) ? NEXT(setenv)(name, value, overwrite) : libc_result(-ENOSYS);

	if (!rc && is_test(name) && !name[sizeof TEST - 1])
		tell_test(overwrite ? value : test_now());
	return rc;
}

EXPORT int putenv(char *string)
{
	int rc = NEXT(putenv) ? NEXT(putenv)(string) : libc_result(-ENOSYS);

	if (!rc && is_test(string)) /* without '=' it removes the variable (putenv(3), glibc) */
		tell_test(string[sizeof TEST - 1] ? string + sizeof TEST : "");
	return rc;
}

EXPORT int unsetenv(const char *name)
{
	int rc = NEXT(unsetenv) ? NEXT(unsetenv)(name) : libc_result(-ENOSYS);

	if (!rc && is_test(name))
		tell_test("");
	return rc;
}

EXPORT int clearenv(void)
{
	bool had = telling() && *test_now();
	int rc = NEXT(clearenv) ? NEXT(clearenv)() : libc_result(-ENOSYS);

	if (!rc && had)
		tell_test("");
	return rc;
}
