/* The channel: what the command gets, what can be entered, and where it can't be had. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hear/state.h"

enum { NOBODY = 65534 };

static struct hear *opened(void)
{
	struct hear_options want = {.shim = true};
	struct err err = {0};
	struct hear *h = NULL;

	if (hear_open(&want, &h, &err) < 0)
		fail_msg("%s", err.text);
	return h;
}

/** The value of NAME in ENV; NULL: it is not there. N counts the variables. */
static const char *value_of(char *const *env, const char *name, size_t *n)
{
	const char *value = NULL;

	for (*n = 0; env[*n]; (*n)++)
		if (!strncmp(env[*n], name, strlen(name)) && env[*n][strlen(name)] == '=')
			value = env[*n] + strlen(name) + 1;
	return value;
}

static void assert_preload(char *const *env, const char *users, const struct hear *h)
{
	char wanted[200];
	size_t n;

	snprintf(wanted, sizeof wanted, "%s%s%s", users, *users ? ":" : "", h->files.library);
	assert_string_equal(value_of(env, "LD_PRELOAD", &n), wanted);
}

static void environment(void **state)
{
	char *none[] = {NULL};
	char *some[] = {(char[]){"A=1"}, (char[]){"LD_PRELOAD=/u.so:/v.so"}, (char[]){"B="}, (char[]){"ASAN_OPTIONS=a=1"}, NULL};
	char *one[] = {(char[]){"ASAN_OPTIONS=a=1"}, (char[]){"ASAN_OPTIONS=b=1"}, NULL};
	struct hear *h = opened();
	char **env = hear_environment(h, none, "cat");
	struct event ev;
	char token[200];
	size_t n;

	(void)state;
	assert_preload(env, "", h);
	assert_string_equal(value_of(env, "ASAN_OPTIONS", &n), WIRE_ASAN);
	snprintf(token, sizeof token, "%s:%s:0", h->files.events, h->files.library);
	assert_string_equal(value_of(env, WIRE_VARIABLE, &n), token);
	assert_int_equal(n, 4);
	assert_true(hear_next(h, &ev));
	assert_int_equal(ev.kind, EVENT_EXEC);
	assert_string_equal(ev.text, "cat");
	assert_false(hear_next(h, &ev));
	hear_close(h);

	h = opened();
	env = hear_environment(h, some, "cat");
	assert_preload(env, "/u.so:/v.so", h);
	assert_string_equal(value_of(env, "ASAN_OPTIONS", &n), "a=1:" WIRE_ASAN);
	assert_int_equal((n - 4) % 2, 0);
	assert_string_equal(env[0], "A=1");
	assert_string_equal(env[2], "B=");
	assert_string_equal(some[1], "LD_PRELOAD=/u.so:/v.so"); /* as it was */
	hear_close(h);

	h = opened();
	env = hear_environment(h, one, "cat");
	assert_string_equal(env[0], "ASAN_OPTIONS=a=1:" WIRE_ASAN); /* the first counts */
	assert_string_equal(env[1], "ASAN_OPTIONS=b=1");
	value_of(env, "A", &n);
	assert_int_equal(n % 2, 0);
	hear_close(h);
}

static void descriptors(void **state)
{
	struct hear *h = opened();
	int fds[2];

	(void)state;
	hear_files(h, fds);
	assert_true(fds[0] >= 10 && fds[0] < fds[1]); /* out of the way */
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	hear_close(h);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
	hear_close(NULL);
}

/** In a child: what is changed there is gone afterwards. @return what it has returned. */
static int in_child(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/** 0: it can't be had, and ERR has that word. */
static int refused(const char *word)
{
	struct hear_options want = {.shim = true};
	struct err err = {0};
	struct hear *h = NULL;
	int fd = open("/", O_RDONLY | O_CLOEXEC), after;

	if (hear_open(&want, &h, &err) >= 0)
		return 1;
	after = open("/", O_RDONLY | O_CLOEXEC); /* nothing is left open */
	return h || after != fd + 1 || !strstr(err.text, word);
}

static int small_files(void)
{
	struct rlimit small = {4096, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_DFL);
	return setrlimit(RLIMIT_FSIZE, &small) ? 2 : refused("ulimit -f");
}

static int larger_files(void)
{
	struct rlimit small = {512 * 1024, RLIM_INFINITY};

	return setrlimit(RLIMIT_FSIZE, &small) ? 2 : refused("ulimit -f");
}

static int not_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 0) ? 2 : refused("looked at");
}

static int no_descriptors(void)
{
	struct rlimit few = {8, 8};

	return setrlimit(RLIMIT_NOFILE, &few) ? 2 : refused("descriptor");
}

static void not_to_be_had(void **state)
{
	(void)state;
	assert_int_equal(in_child(small_files), 0);
	assert_int_equal(in_child(larger_files), 0);
	assert_int_equal(in_child(not_dumpable), 0);
	assert_int_equal(in_child(no_descriptors), 0);
}

/* ---- what can be entered ---- */

static char folder[] = "/var/tmp/test_hear.XXXXXX", path[100];

static const char *file(const char *name, const char *words, mode_t mode)
{
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(words, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static const char *why_not(const char *command)
{
	const char *reason;

	return hear_can_enter(command, &reason) ? "" : reason;
}

static void enterable(void **state)
{
	char words[200];

	(void)state;
	assert_string_equal(why_not("/bin/true"), "");
	assert_string_equal(why_not("true"), "");
	assert_string_equal(why_not("sh"), "");
	assert_string_equal(why_not("/no/such"), "it can't be read");
	assert_string_equal(why_not("no-such-program"), "it can't be read");
	assert_string_equal(why_not("/"), "it can't be read");
	assert_string_equal(why_not(""), "it can't be read");
	assert_string_equal(why_not(file("text", "hello\n", 0755)), "it is no program of this machine");
	assert_string_equal(why_not(file("empty", "", 0755)), "it is no program of this machine");
	assert_string_equal(why_not(file("script", "#!/bin/sh\n", 0755)), "");
	assert_string_equal(why_not(file("spaces", "#!  \t/bin/sh -e \nexit", 0755)), "");
	assert_string_equal(why_not(file("lost", "#!/no/such\n", 0755)), "it can't be read");
	assert_string_equal(why_not(file("bare", "#!\n", 0755)), "it is no program of this machine");
	snprintf(words, sizeof words, "#!%s/circle\n", folder);
	assert_string_equal(why_not(file("circle", words, 0755)), "it can't be read");
	assert_false(hear_disturbs("/bin/true"));
	assert_false(hear_disturbs("no-such-program"));
}

static void machines(void **state)
{
	/* as far as e_phnum; no program headers: static */
	unsigned char head[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 2, [18] = 62, [20] = 1, [52] = 64, [54] = 56, [58] = 64};
	FILE *f;

	(void)state;
	for (int i = 0; i < 3; i++) {
		head[18] = i == 1 ? 183 /* aarch64 */ : 62;
		head[4] = i == 2 ? 1 : 2;
		file("program", "", 0755);
		f = fopen(path, "we");
		assert_non_null(f);
		assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
		fclose(f);
		assert_string_equal(why_not(path), i ? "it is a program of another architecture" : "it is a static program");
		assert_int_equal(hear_disturbs(path), i > 0);
	}
}

static int as_nobody(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return 2;
	return strcmp(why_not(path), "it runs with privileges of its own") != 0;
}

static void privileged(void **state)
{
	char command[200];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof path, "%s/true", folder);
	snprintf(command, sizeof command, "cp /bin/true %s", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(chmod(path, 04755), 0);
	assert_string_equal(why_not(path), ""); /* root gains nothing */
	assert_int_equal(in_child(as_nobody), 0);
	assert_int_equal(chmod(path, 02755), 0);
	assert_int_equal(in_child(as_nobody), 0);
}

static int begin(void **state)
{
	(void)state;
	return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -1;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(environment), cmocka_unit_test(descriptors), cmocka_unit_test(not_to_be_had),
		cmocka_unit_test(enterable),   cmocka_unit_test(machines),    cmocka_unit_test(privileged),
	};

	return cmocka_run_group_tests(all, begin, end);
}
