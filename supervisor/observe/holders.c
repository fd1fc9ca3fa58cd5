/* Who holds an address, and what there is to say of a process: of the whole machine, as far as it may be read. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "observe/diag.h"
#include "observe/state.h"

#define TEST_VARIABLE "PYTEST_CURRENT_TEST="
#define VENV_VARIABLE "VIRTUAL_ENV="

/* ---- one process ---- */

const char *observe_checkout(char *buf, size_t size)
{
	char git[4200];

	if (!getcwd(buf, size))
		return NULL;
	for (size_t n = strlen(buf); n > 1; n--) {
		if (buf[n] != '/' && buf[n] != '\0')
			continue;
		snprintf(git, sizeof git, "%.*s/.git", (int)n, buf);
		if (access(git, F_OK) == 0) {
			buf[n] = '\0';
			return buf;
		}
	}
	return buf;
}

/** A folder between the two that has a .git of its own is another checkout: a worktree is often made inside of its repository. */
static bool lies_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	char git[4200];

	if (n <= 1 || strncmp(path, folder, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return false;
	for (size_t at = strlen(path); at > n; at--) {
		if (path[at] != '/' && path[at] != '\0')
			continue;
		if ((size_t)snprintf(git, sizeof git, "%.*s/.git", (int)at, path) < sizeof git && access(git, F_OK) == 0)
			return false;
	}
	return true;
}

/** The value of a variable in "A=1\0B=2\0"; NAME with its '='. */
static const char *find_variable(const struct text *environ_text, const char *name)
{
	const char *at = text_str(environ_text), *end = at + environ_text->n;

	for (; at < end; at += strlen(at) + 1)
		if (strncmp(at, name, strlen(name)) == 0)
			return at + strlen(name);
	return NULL;
}

static void find_ties(pid_t pid, const char *argv0, const struct text *environ_text, struct process_facts *out)
{
	static const char *const links[] = {"cwd", "exe"};
	static const enum process_tie ties[] = {TIE_FOLDER, TIE_PROGRAM};
	char folder[4096], path[64], target[4096];
	const char *venv = find_variable(environ_text, VENV_VARIABLE);
	bool known = observe_checkout(folder, sizeof folder) != NULL;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
		if (sys_readlink(AT_FDCWD, path, target, sizeof target, NULL))
			continue;
		if (known && lies_in(target, folder))
			out->ties |= ties[i];
		if (ties[i] == TIE_PROGRAM && strrchr(target, '/'))
			out->python = strncmp(strrchr(target, '/') + 1, "python", 6) == 0;
	}
	/* The interpreter of a virtual environment is a link to one that lies elsewhere. */
	if (known && ((venv && lies_in(venv, folder)) || (argv0 && lies_in(argv0, folder))))
		out->ties |= TIE_VENV;
	out->in_checkout = out->ties != 0;
}

/** Init, or a service manager of a session, which takes orphans as well (PR_SET_CHILD_SUBREAPER in systemd.exec(5)). */
static bool adopts_orphans(pid_t pid)
{
	char path[32];
	OWNED_TEXT comm = {0};

	if (pid == 1)
		return true;
	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	return sys_read_file(AT_FDCWD, path, &comm, NULL) == 0 &&
	       (strcmp(text_str(&comm), "systemd\n") == 0 || strcmp(text_str(&comm), "init\n") == 0);
}

static void copy_test(const struct text *environ_text, struct process_facts *out)
{
	const char *value = find_variable(environ_text, TEST_VARIABLE);
	struct current_test test;

	if (!value || parse_current_test(value, strlen(value), &test) || test.id_len >= sizeof out->test)
		return;
	memcpy(out->test, test.id, test.id_len);
	out->test[test.id_len] = '\0';
	text_clean(out->test, test.id_len);
}

static void copy_words(const char *comm, const struct text *line, struct process_facts *out)
{
	struct arena *a = arena_new();
	struct process p = {.comm = comm, .argv = parse_cmdline(text_str(line), line->n, a)};
	OWNED_TEXT words = {0};

	process_label(&p, out->label, sizeof out->label);
	text_clean(out->label, strlen(out->label));
	for (size_t i = 0; i < line->n && i < sizeof out->command; i++)
		text_addc(&words, line->at[i] ? line->at[i] : ' ', 1);
	while (words.n && words.at[words.n - 1] == ' ')
		words.at[--words.n] = '\0';
	snprintf(out->command, sizeof out->command, "%s", text_str(&words));
	for (char *c = out->command; *c; c++)
		if (*c == '\n' || *c == '\t') /* of python -c */
			*c = ' ';
	text_clean(out->command, strlen(out->command));
	arena_free(a);
}

static int64_t start_ns(uint64_t ticks)
{
	long per_second = sysconf(_SC_CLK_TCK);
	int64_t tick_ns = NS_PER_S / (per_second > 0 ? per_second : 100);

	return (int64_t)ticks * tick_ns - (sys_clock_ns(CLOCK_BOOTTIME) - sys_monotonic_ns());
}

bool observe_facts(pid_t pid, struct process_facts *out)
{
	OWNED_TEXT text = {0};
	OWNED_TEXT line = {0};
	struct stat_line stat;
	char path[32];

	*out = (struct process_facts){.pid = pid};
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (sys_read_file(AT_FDCWD, path, &text, NULL) || parse_stat(text_str(&text), text.n, &stat))
		return false;
	out->parent = stat.ppid;
	out->state = stat.state;
	out->start_ticks = stat.start_ticks;
	out->started_ns = start_ns(stat.start_ticks);
	out->orphan = adopts_orphans(stat.ppid);
	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	if (sys_read_file(AT_FDCWD, path, &line, NULL))
		line.n = 0;
	copy_words(stat.comm, &line, out);
	snprintf(path, sizeof path, "/proc/%d/environ", pid);
	if (sys_read_file(AT_FDCWD, path, &text, NULL))
		text.n = 0;
	copy_test(&text, out);
	find_ties(pid, line.n ? text_str(&line) : NULL, &text, out);
	return true;
}

/* ---- addresses ---- */

bool observe_address(const char *text, char *out, size_t size)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	const char *colon = strrchr(text, ':'), *port_text = colon ? colon + 1 : text;
	char host[64], *end;
	size_t n = colon ? (size_t)(colon - text) : 0;
	long port = strtol(port_text, &end, 10);

	if (port_text[0] < '0' || port_text[0] > '9' || *end || port < 1 || port > UINT16_MAX || n >= sizeof host)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)n, text);
	if (!colon)
		strcpy(host, "127.0.0.1");
	four.sin_port = six.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &four.sin_addr) == 1)
		return parse_address(&four, sizeof four, out, size) == 0;
	if (n < 2 || host[0] != '[' || host[n - 1] != ']')
		return false;
	host[n - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, &six.sin6_addr) == 1 && parse_address(&six, sizeof six, out, size) == 0;
}

/** Who has bound A keeps B from being bound: the same, or one of them is a wildcard of the same port. */
static bool collide(const char *a, const char *b)
{
	const char *pa = strrchr(a, ':'), *pb = strrchr(b, ':');

	if (strcmp(a, b) == 0)
		return true;
	if (!pa || !pb || strcmp(pa, pb) != 0)
		return false;
	return strncmp(a, "0.0.0.0:", 8) == 0 || strncmp(a, "[::]:", 5) == 0 || strncmp(b, "0.0.0.0:", 8) == 0 ||
	       strncmp(b, "[::]:", 5) == 0;
}

static bool holds_any(int proc_fd, pid_t pid, const listener_vec *wanted)
{
	int_vec fds = {0};
	proc_path path;
	bool found = false;

	snprintf(path, sizeof path, "%d/fd", pid);
	if (sys_list_numbers(proc_fd, path, &fds, NULL))
		return false;
	for (size_t i = 0; i < fds.n && !found; i++) {
		char link[64];

		snprintf(path, sizeof path, "%d/fd/%d", pid, fds.at[i]);
		if (sys_readlink(proc_fd, path, link, sizeof link, NULL))
			continue;

		struct link_target to = parse_link(link, strlen(link));

		for (size_t k = 0; to.kind == LINK_SOCKET && k < wanted->n && !found; k++)
			found = wanted->at[k].inode == to.number;
	}
	vec_free(&fds);
	return found;
}

void observe_holders(const char *protocol, const char *address, facts_vec *out)
{
	listener_vec all = {0}, wanted = {0};
	bool local = *protocol == 'u' && protocol[1] == 'n';
	OWNED_FD proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int_vec pids = {0};

	diag_listeners(local ? WANT_UNIX : *protocol == 't' ? WANT_TCP : WANT_UDP, &all);
	for (size_t i = 0; i < all.n; i++)
		if (local ? strcmp(all.at[i].address, address) == 0 : collide(all.at[i].address, address))
			vec_push(&wanted, all.at[i]);
	if (wanted.n && proc_fd >= 0 && sys_list_numbers(proc_fd, ".", &pids, NULL) == 0) {
		for (size_t i = 0; i < pids.n; i++) {
			struct process_facts facts;

			if (holds_any(proc_fd, pids.at[i], &wanted) && observe_facts(pids.at[i], &facts))
				vec_push(out, facts);
		}
	}
	vec_free(&pids);
	vec_free(&all);
	vec_free(&wanted);
}
