/* Words, files and names: standard error may be anything, a report may not fit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sys/sys.h"

#define WORDS "tracewrap: words\n"

struct place {
	char dir[64];
	int stderr_fd; /* the real one */
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	snprintf(p->dir, sizeof p->dir, "/tmp/test_sys-XXXXXX");
	if (!mkdtemp(p->dir) || chdir(p->dir) < 0)
		return -1;
	p->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[96];

	close(p->stderr_fd);
	snprintf(command, sizeof command, "rm -rf %s", p->dir);
	free(p);
	return chdir("/") || system(command);
}

/** sys_say() with FD as standard error. */
static int say_to(const struct place *p, int fd, const char *data, size_t size, int64_t limit_ns)
{
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);

	int rc = sys_say(data, size, limit_ns);

	assert_int_equal(dup2(p->stderr_fd, STDERR_FILENO), STDERR_FILENO);
	return rc;
}

/** They may come in parts: a terminal gets its line from the kernel in the kernel's own time. */
static void expect_words(int fd, const char *words)
{
	char got[256] = "";
	size_t all = 0;

	while (all < strlen(words)) {
		ssize_t n = read(fd, got + all, sizeof got - 1 - all);

		assert_true(n > 0);
		all += (size_t)n;
	}
	assert_string_equal(got, words);
}

static void fill(int fd)
{
	static const char block[4096];
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	for (size_t size = sizeof block; size; size /= 2)
		while (write(fd, block, size) > 0)
			;
	fcntl(fd, F_SETFL, flags);
}

static void to_a_pipe(void **state)
{
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(say_to(*state, pair[1], WORDS, strlen(WORDS), NS_PER_S), 0);
	expect_words(pair[0], WORDS);
	fill(pair[1]);
	assert_int_equal(say_to(*state, pair[1], WORDS, strlen(WORDS), 20 * NS_PER_MS), -EAGAIN);
	assert_false(fcntl(pair[1], F_GETFL) & O_NONBLOCK); /* that flag is everybody's */
	close(pair[0]);
	close(pair[1]);
}

static void to_a_slow_reader(void **state)
{
	static char much[300000];
	int pair[2];

	memset(much, 'x', sizeof much);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);

	pid_t reader = fork();

	if (!reader) {
		char buf[777];
		size_t all = 0;
		ssize_t n;

		close(pair[1]);
		while ((n = read(pair[0], buf, sizeof buf)) > 0)
			all += (size_t)n;
		_exit(all == sizeof much ? 0 : 1);
	}
	close(pair[0]);
	assert_int_equal(say_to(*state, pair[1], much, sizeof much, 30 * NS_PER_S), 0);
	close(pair[1]);

	int status;

	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
}

static void to_nobody(void **state)
{
	int pair[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	close(pair[0]);
	assert_true(say_to(*state, pair[1], WORDS, strlen(WORDS), NS_PER_S) < 0);
	close(pair[1]);
	signal(SIGPIPE, SIG_DFL);
}

static void to_a_socket(void **state)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(say_to(*state, pair[1], WORDS, strlen(WORDS), NS_PER_S), 0);
	expect_words(pair[0], WORDS);
	fill(pair[1]);
	assert_int_equal(say_to(*state, pair[1], WORDS, strlen(WORDS), 20 * NS_PER_MS), -EAGAIN);
	close(pair[0]);
	assert_int_equal(say_to(*state, pair[1], WORDS, strlen(WORDS), NS_PER_S), -EPIPE); /* and no SIGPIPE */
	close(pair[1]);
}

static void to_a_terminal(void **state)
{
	int outside, inside;

	assert_int_equal(openpty(&outside, &inside, NULL, NULL, NULL), 0);
	assert_int_equal(say_to(*state, inside, WORDS, strlen(WORDS), NS_PER_S), 0);
	expect_words(outside, "tracewrap: words\r\n");
	do /* the kernel carries from one buffer to the next in its own time, so there may be room again */
		fill(inside);
	while (!say_to(*state, inside, WORDS, strlen(WORDS), 20 * NS_PER_MS));
	close(inside);
	close(outside);
}

/** A file is shared with the command: what we say goes where its offset is. */
static void to_a_file(void **state)
{
	struct text got = {0};
	int fd = open("log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, "before ", 7), 7);
	assert_int_equal(say_to(*state, fd, WORDS, strlen(WORDS), NS_PER_S), 0);
	assert_int_equal(write(fd, "after", 5), 5);
	close(fd);
	assert_int_equal(sys_read_file(AT_FDCWD, "log", &got, NULL), 0);
	assert_string_equal(text_str(&got), "before " WORDS "after");
	text_free(&got);
}

static void to_a_full_disk(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(say_to(*state, fd, WORDS, strlen(WORDS), NS_PER_S), -ENOSPC);
	close(fd);
}

/** The pipe is another user's: it can't be opened again. */
static void to_a_pipe_of_another(void **state)
{
	const struct place *p = *state;
	int pair[2], status;

	if (geteuid() != 0)
		skip(); /* needs root, to become somebody else */
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);

	pid_t other = fork();

	if (!other) {
		if (setgid(65534) || setuid(65534))
			_exit(9);
		if (say_to(p, pair[1], WORDS, strlen(WORDS), NS_PER_S))
			_exit(1);
		fill(pair[1]);
		_exit(say_to(p, pair[1], WORDS, strlen(WORDS), 20 * NS_PER_MS) == -EAGAIN ? 0 : 2);
	}
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	close(pair[0]);
	close(pair[1]);
}

/* ---- files ---- */

static size_t entries(void)
{
	return system("test -z \"$(ls -A | grep tmp)\"") == 0;
}

static void expect_file(const char *path, const char *want)
{
	struct text got = {0};

	assert_int_equal(sys_read_file(AT_FDCWD, path, &got, NULL), 0);
	assert_string_equal(text_str(&got), want);
	text_free(&got);
}

static void file_is_written_and_replaced(void **state)
{
	struct err err = {0};
	struct stat st;

	(void)state;
	umask(022);
	assert_int_equal(sys_write_file("report", "one", 3, &err), 0);
	expect_file("report", "one");
	assert_int_equal(stat("report", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(symlink("report", "last"), 0);
	assert_int_equal(sys_write_file("last", "two", 3, &err), 0);
	expect_file("report", "two");
	assert_int_equal(lstat("last", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_true(entries());
}

static void file_fails_whole(void **state)
{
	struct rlimit small = {4, RLIM_INFINITY}, old;
	struct err err = {0};

	(void)state;
	assert_int_equal(sys_write_file("kept", "old", 3, &err), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);

	int rc = sys_write_file("kept", "too long for it", 15, &err);

	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, -EFBIG);
	assert_non_null(strstr(err.text, "kept"));
	expect_file("kept", "old");
	assert_true(entries());
	assert_int_equal(sys_write_file("no/such/folder", "x", 1, &err), -ENOENT);
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(sys_write_file("folder", "x", 1, &err), -EISDIR);
}

static void device_is_not_replaced(void **state)
{
	struct err err = {0};
	struct stat st;

	(void)state;
	assert_int_equal(sys_write_file("/dev/null", "x", 1, &err), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(sys_write_file("/dev/full", "x", 1, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "/dev/full"));
}

static void folders(void **state)
{
	struct err err = {0};
	struct stat st;

	(void)state;
	assert_int_equal(sys_make_dirs("a/b//c/", &err), 0);
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(sys_make_dirs("a/b", &err), 0);
	assert_int_equal(sys_make_dirs("/", &err), 0);
	assert_int_equal(sys_write_file("a/file", "", 0, &err), 0);
	assert_int_equal(sys_make_dirs("a/file/d", &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "a/file"));
	assert_int_equal(sys_make_dirs("", &err), -ENOENT);
}

/* ---- signals ---- */

static void names(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(sys_signal_name(SIGINT, buf), "SIGINT");
	assert_string_equal(sys_signal_name(SIGSYS, buf), "SIGSYS");
	assert_string_equal(sys_signal_name(SIGRTMIN, buf), "SIGRTMIN");
	assert_string_equal(sys_signal_name(SIGRTMIN + 3, buf), "SIGRTMIN+3");
	assert_string_equal(sys_signal_name(SIGRTMAX, buf), "SIGRTMIN+30");
	assert_string_equal(sys_signal_name(0, buf), "signal 0");
	assert_string_equal(sys_signal_name(-1, buf), "signal -1");
	assert_string_equal(sys_signal_name(INT_MIN, buf), "signal -2147483");
}

static void signal_to_the_right_one(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		for (;;)
			pause();

	uint64_t start = sys_process_start(pid, NULL);

	assert_int_equal(sys_signal_process(pid, start + 1, SIGTERM), SYS_GONE);
	assert_int_equal(sys_signal_process(pid, 0, SIGTERM), SYS_GONE);
	assert_int_equal(sys_signal_process(0, start, SIGTERM), -EINVAL);
	assert_int_equal(sys_signal_process(-1, start, SIGTERM), -EINVAL);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(sys_signal_process(pid, start, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, SIGTERM);
	assert_int_equal(sys_signal_process(pid, start, SIGTERM), SYS_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_a_pipe),
		cmocka_unit_test(to_a_slow_reader),
		cmocka_unit_test(to_nobody),
		cmocka_unit_test(to_a_socket),
		cmocka_unit_test(to_a_terminal),
		cmocka_unit_test(to_a_file),
		cmocka_unit_test(to_a_full_disk),
		cmocka_unit_test(to_a_pipe_of_another),
		cmocka_unit_test(file_is_written_and_replaced),
		cmocka_unit_test(file_fails_whole),
		cmocka_unit_test(device_is_not_replaced),
		cmocka_unit_test(folders),
		cmocka_unit_test(names),
		cmocka_unit_test(signal_to_the_right_one),
	};

	return cmocka_run_group_tests_name("words, files, signals", tests, setup, teardown);
}
