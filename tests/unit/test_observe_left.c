/* Who holds what: real sockets, objects and processes, the test being the supervisor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "observe/observe.h"

static struct observe *ob;
static pid_t child;

/** Fork one that does WORK and tells what it has made in NAME, then waits for its end. */
static void begin(void (*work)(char *name, size_t size), char *name, size_t size)
{
	struct observe_options opt = {.supervisor = getpid()};
	struct err err = {0};
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		char text[128] = "";

		work(text, sizeof text);
		if (write(fd[1], text, sizeof text) != sizeof text)
			_exit(1);
		for (;;)
			pause();
	}
	close(fd[1]);
	char text[128];

	assert_int_equal(read(fd[0], text, sizeof text), sizeof text);
	close(fd[0]);
	snprintf(name, size, "%s", text);
	opt.root = child;
	assert_int_equal(observe_open(&opt, &ob, &err), 0);
}

static int end(void **state)
{
	(void)state;
	observe_close(ob);
	ob = NULL;
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
	return 0;
}

static void listen_tcp(char *name, size_t size)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		_exit(1);
	snprintf(name, size, "0.0.0.0:%d", ntohs(a.sin_port));
}

static void a_wildcard_keeps_an_address(void **state)
{
	char name[128], address[64];
	listener_vec held = {0};
	facts_vec who = {0};

	(void)state;
	begin(listen_tcp, name, sizeof name);
	observe_listeners(ob, &held);
	assert_int_equal(held.n, 1);
	assert_string_equal(held.at[0].address, name);
	assert_int_equal(held.at[0].pid, child);
	assert_true(observe_address(strrchr(name, ':') + 1, address, sizeof address));
	observe_holders("tcp", address, &who);
	assert_int_equal(who.n, 1);
	assert_int_equal(who.at[0].pid, child);
	assert_int_equal(who.at[0].parent, getpid());
	assert_false(who.at[0].orphan);
	who.n = 0;
	observe_holders("udp", address, &who); /* another protocol, another namespace of ports */
	assert_int_equal(who.n, 0);
	vec_free(&who);
	vec_free(&held);
}

static void bind_unix(char *name, size_t size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name, size, "/tmp/tw-left-%d.sock", (int)getpid());
	strcpy(a.sun_path, name);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 1) < 0)
		_exit(1);
}

static void a_socket_file_is_in_use_while_bound(void **state)
{
	socket_file_vec files = {0};
	char name[128];
	struct stat st;

	(void)state;
	begin(bind_unix, name, sizeof name);
	observe_socket_files(ob, &files);
	assert_int_equal(files.n, 1);
	assert_string_equal(files.at[0].path, name);
	assert_int_equal(files.at[0].pid, child);
	assert_int_equal(stat(name, &st), 0);
	assert_true(observe_socket_in_use(st.st_ino, st.st_dev));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
	assert_false(observe_socket_in_use(st.st_ino, st.st_dev));
	unlink(name);
	vec_free(&files);
}

static void map_shm(char *name, size_t size)
{
	snprintf(name, size, "tw-left-%d", (int)getpid());

	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || ftruncate(fd, 4096) < 0 || mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(1);
	close(fd);
}

static void a_mapped_object_is_in_use(void **state)
{
	struct shm_file f = {.inode = 0};
	shm_vec all = {0};
	char name[128];

	(void)state;
	begin(map_shm, name, sizeof name);
	observe_shm_list(&all);
	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.at[i].name, name) == 0)
			f = all.at[i];
	assert_int_not_equal(f.inode, 0);
	assert_int_equal(observe_shm_user(ob, &f), child);
	assert_true(observe_shm_in_use(&f));
	f.inode++; /* another one of that name */
	assert_int_equal(observe_shm_user(ob, &f), 0);
	f.inode--;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
	assert_false(observe_shm_in_use(&f));
	shm_unlink(name);
	vec_free(&all);
}

static void fork_and_forget(char *name, size_t size)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	snprintf(name, size, "%d", (int)pid);
}

static void a_child_that_nobody_waits_for(void **state)
{
	struct observe_pass pass;
	struct err err = {0};
	zombie_vec found = {0};
	char name[128];

	(void)state;
	begin(fork_and_forget, name, sizeof name);
	for (int i = 0; i < 1000 && !found.n; i++) {
		int64_t now_ns = sys_monotonic_ns();

		assert_int_equal(observe_pass(ob, now_ns, NULL, &pass, &err), 0);
		observe_zombies(ob, now_ns, &found);
		usleep(10000);
	}
	assert_int_equal(found.n, 1);
	assert_int_equal(found.at[0].pid, atoi(name));
	assert_int_equal(found.at[0].parent, child);
	found.n = 0;
	observe_zombies(ob, sys_monotonic_ns(), &found); /* told once */
	assert_int_equal(found.n, 0);
	vec_free(&found);
}

static void addresses(void **state)
{
	static const struct {
		const char *text, *full;
	} rows[] = {
		{"1616", "127.0.0.1:1616"},     {"127.0.0.1:1616", "127.0.0.1:1616"}, {"[::1]:80", "[::1]:80"},
		{"[0:0::1]:80", "[::1]:80"},    {"0.0.0.0:65535", "0.0.0.0:65535"},   {"65536", NULL},
		{"0", NULL},                    {"", NULL},                           {"localhost:80", NULL},
		{"1.2.3:80", NULL},             {"[::1:80", NULL},                    {"::1:80", NULL},
		{"127.0.0.1:80x", NULL},        {"127.0.0.1:", NULL},                 {"127.0.0.1:-1", NULL},
		{"127.0.0.1: 80", NULL},        {":80", NULL},                        {"[]:80", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char full[64] = "";

		assert_int_equal(observe_address(rows[i].text, full, sizeof full), rows[i].full != NULL);
		if (rows[i].full)
			assert_string_equal(full, rows[i].full);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_wildcard_keeps_an_address, end),
		cmocka_unit_test_teardown(a_socket_file_is_in_use_while_bound, end),
		cmocka_unit_test_teardown(a_mapped_object_is_in_use, end),
		cmocka_unit_test_teardown(a_child_that_nobody_waits_for, end),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
