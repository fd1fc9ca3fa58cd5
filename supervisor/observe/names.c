/* Whose names of sockets nobody outside the tree can use: they are private to it. What can't be known is not private. */
#include <errno.h>
#include <fcntl.h>
#include <linux/un.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "observe/build.h"

/* The kernel's number of the first pid namespace (PROC_PID_INIT_INO in include/linux/proc_ns.h). */
#define FIRST_PID_NS UINT64_C(0xeffffffc)

bool names_all_in_sight(const struct observe *ob)
{
	struct stat st;

	return fstatat(ob->proc_fd, "self/ns/pid", &st, 0) == 0 && st.st_ino == FIRST_PID_NS;
}

bool names_is_guard(const struct observe *ob, pid_t pid)
{
	return pid == ob->opt.supervisor || pid == ob->opt.skip[0] || pid == ob->opt.skip[1];
}

/* ---- a network namespace ---- */

static bool has_loopback_alone(const struct observe *ob)
{
	OWNED_TEXT text = {0};

	return sys_read_file(ob->proc_fd, "self/net/dev", &text, NULL) == 0 && parse_net_is_loopback(text_str(&text), text.n);
}

/** A thread may be in another one than its process (setns(2)). One that has ended has none: ENOENT (proc_ns_get_link() in fs/proc). */
static bool is_elsewhere(const struct observe *ob, pid_t pid, pid_t tid)
{
	struct stat st;
	proc_path path;

	snprintf(path, sizeof path, "%d/task/%d/ns/net", pid, tid);
	if (fstatat(ob->proc_fd, path, &st, 0) < 0)
		return errno == ENOENT || errno == ESRCH;
	return st.st_ino != ob->net_ns;
}

static bool are_elsewhere(const struct observe *ob, pid_t pid)
{
	int_vec tids = {0};
	proc_path path;
	int rc;
	bool all;

	snprintf(path, sizeof path, "%d/task", pid);
	rc = sys_list_numbers(ob->proc_fd, path, &tids, NULL);
	all = rc == 0 || rc == SYS_GONE;
	for (size_t i = 0; i < tids.n && all; i++)
		all = is_elsewhere(ob, pid, tids.at[i]);
	vec_free(&tids);
	return all;
}

/** Where /proc hides processes (hidepid), init is hidden, too. */
static bool holds_tree_alone(const struct observe *ob)
{
	int_vec pids = {0};
	bool all = sys_list_numbers(ob->proc_fd, ".", &pids, NULL) == 0, init = false;

	for (size_t i = 0; i < pids.n && all; i++) {
		init |= pids.at[i] == 1;
		all = table_find(ob, pids.at[i]) || names_is_guard(ob, pids.at[i]) || are_elsewhere(ob, pids.at[i]);
	}
	vec_free(&pids);
	return all && init;
}

/** The cheapest question first: on most machines it is the last. */
static bool net_is_private(struct builder *b)
{
	if (!b->net_asked)
		b->net_private = names_all_in_sight(b->ob) && has_loopback_alone(b->ob) && holds_tree_alone(b->ob);
	b->net_asked = true;
	return b->net_private;
}

/* ---- a path ---- */

/** The name that a socket was bound to may have been given to another file since, and its file another name (rename(2)): so the file itself
 *  is asked how many names it has, by SIOCUNIXFILE (unix_open_file() in net/unix/af_unix.c; it wants CAP_NET_ADMIN). */
static bool path_is_gone(const struct source *from)
{
	struct statx st;

	if (!from->holder)
		return false;

	OWNED_FD pidfd = sys_pidfd_open(from->holder->pid);
	OWNED_FD copy = pidfd < 0 ? -1 : sys_pidfd_getfd(pidfd, from->fd); /* one more holder, for microseconds */
	OWNED_FD file = copy < 0 ? -1 : ioctl(copy, SIOCUNIXFILE);

	return file >= 0 && statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &st) == 0 &&
	       st.stx_mask & STATX_NLINK && st.stx_nlink == 0;
}

void names_resolve(struct builder *b)
{
	for (size_t i = 0; i < b->objects.n; i++) {
		struct object *o = &b->objects.at[i];
		const struct source *from = &b->sources.at[i];

		if (!o->listener && !o->datagram)
			continue;
		if (from->address == ADDRESS_PATH)
			o->private = path_is_gone(from);
		else
			o->private = from->address == ADDRESS_NONE || net_is_private(b);
	}
}
