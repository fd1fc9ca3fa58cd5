/* Names by which others may reach what the tree waits for. A listener or datagram socket whose name nobody outside can use is private to the
 * tree; a mapping whose file has no name left has none. What can't be known is not private, and has a name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/un.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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

/** The process that only shows what signals the group was sent (launch/witness.c). It is renewed now and then, and a child of the outer guard;
 *  other children of that process may be strangers: `sh -c "server & exec tracewrap pytest"`. */
static bool is_witness(const struct observe *ob, pid_t pid)
{
	OWNED_TEXT text = {0};
	struct stat_line stat;
	proc_path path;

	snprintf(path, sizeof path, "%d/stat", pid);
	return ob->opt.skip[0] > 0 && sys_read_file(ob->proc_fd, path, &text, NULL) == 0 &&
	       parse_stat(text_str(&text), text.n, &stat) == 0 && stat.ppid == ob->opt.skip[0] && strcmp(stat.comm, "tw-witness") == 0;
}

/* ---- a network namespace ---- */

static bool has_loopback_alone(const struct observe *ob)
{
	OWNED_TEXT text = {0};

	return sys_read_file(ob->proc_fd, "self/net/dev", &text, NULL) == 0 && parse_net_is_loopback(text_str(&text), text.n);
}

/** ns/net is refused of who may do more than we; a file of /proc/PID/net is not, and has a number of its own in each namespace
 *  (get_proc_task_net() in fs/proc/proc_net.c, proc_alloc_inum() in fs/proc/generic.c). 0: it can't be read. */
static ino_t net_number(const struct observe *ob, const char *task)
{
	struct stat st;
	proc_path path;

	snprintf(path, sizeof path, "%s/net/dev", task);
	return fstatat(ob->proc_fd, path, &st, 0) == 0 ? st.st_ino : 0;
}

/** A thread may be in another one than its process (setns(2)). One that has ended has none: ENOENT. */
static bool is_elsewhere(const struct observe *ob, ino_t own, pid_t pid, pid_t tid)
{
	char task[40];
	ino_t net;

	snprintf(task, sizeof task, "%d/task/%d", pid, tid);
	net = net_number(ob, task);
	return net ? net != own : errno == ENOENT || errno == ESRCH;
}

static bool are_elsewhere(const struct observe *ob, ino_t own, pid_t pid)
{
	int_vec tids = {0};
	proc_path path;
	int rc;
	bool all;

	snprintf(path, sizeof path, "%d/task", pid);
	rc = sys_list_numbers(ob->proc_fd, path, &tids, NULL);
	all = rc == 0 || rc == SYS_GONE;
	for (size_t i = 0; i < tids.n && all; i++)
		all = is_elsewhere(ob, own, pid, tids.at[i]);
	vec_free(&tids);
	return all;
}

/** Where /proc hides processes (hidepid), init is hidden, too. */
static bool holds_tree_alone(const struct observe *ob)
{
	int_vec pids = {0};
	ino_t own = net_number(ob, "self");
	bool all = own && sys_list_numbers(ob->proc_fd, ".", &pids, NULL) == 0, init = false;

	for (size_t i = 0; i < pids.n && all; i++) {
		init |= pids.at[i] == 1;
		all = table_find(ob, pids.at[i]) || names_is_guard(ob, pids.at[i]) || are_elsewhere(ob, own, pids.at[i]) ||
		      is_witness(ob, pids.at[i]);
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

	OWNED_FD copy = sys_copy_fd(from->holder->pid, from->fd);
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

/* ---- shared memory ---- */

#define SHM "/dev/shm/"

static bool begins(const struct mapping *m, const char *with)
{
	return m->path_len >= strlen(with) && memcmp(m->path, with, strlen(with)) == 0;
}

/** /dev/shm, if it is what the file of M is in; NULL. */
static DIR *open_shm(const struct mapping *m)
{
	DIR *dir = opendir(SHM);
	struct stat st;
	char device[16] = "";

	if (dir && fstat(dirfd(dir), &st) == 0)
		snprintf(device, sizeof device, "%02x:%02x", major(st.st_dev), minor(st.st_dev));
	if (dir && strcmp(device, m->device) != 0) {
		closedir(dir);
		dir = NULL;
	}
	return dir;
}

/* More entries below /dev/shm are not looked through. */
enum { SHM_MOST = 20000 };

/** A folder that can't be read is another user's, who can't link what he may not write (protected_hardlinks in proc_sys_fs(5)). */
static bool is_looked_for(const FTSENT *e, const struct mapping *m)
{
	switch (e->fts_info) {
	case FTS_DNR:
	case FTS_DP:
		return false;
	case FTS_NS:
	case FTS_ERR:
		return e->fts_errno != ENOENT;
	default:
		return e->fts_statp->st_ino == m->inode;
	}
}

/** A file below /dev/shm has its names there, and nowhere else: link(2) does not leave a file system. For who may not ask the file itself. */
static bool is_gone_from_shm(const struct mapping *m)
{
	char shm[] = SHM, *const roots[] = {shm, NULL};
	DIR *dir = begins(m, SHM) ? open_shm(m) : NULL;
	FTS *all = dir ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL) : NULL;
	bool gone = all != NULL;
	FTSENT *e = NULL;

	for (int n = 0; gone && (errno = 0, e = fts_read(all)); n++)
		gone = n < SHM_MOST && !is_looked_for(e, m);
	gone = gone && !e && errno == 0;
	if (all)
		fts_close(all);
	if (dir)
		closedir(dir);
	return gone;
}

/** "(deleted)" is the name that it was mapped by: a semaphore of sem_open(3) is mapped by a temporary name and then gets its own
 *  (sysdeps/pthread/sem_open.c in glibc). SysV memory is reached by number for as long as it is there (shmctl(2)). */
bool names_has_mapping(const struct observe *ob, pid_t pid, const struct mapping *m)
{
	struct statx st;
	proc_path path;

	if (!m->deleted || begins(m, "/SYSV"))
		return true;
	if (begins(m, "/memfd:") || begins(m, "/dev/zero") || begins(m, "/anon_hugepage"))
		return false;
	snprintf(path, sizeof path, "%d/map_files/%llx-%llx", pid, (unsigned long long)m->start, (unsigned long long)m->end);
	if (statx(ob->proc_fd, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_NLINK, &st) == 0 && st.stx_mask & STATX_NLINK)
		return st.stx_nlink > 0;
	return !is_gone_from_shm(m);
}

/* ---- locks on files ---- */

/** What is not in the list may be locked on another machine, or by a server (NFS, CIFS, FUSE, 9p, GFS2), of which no table here knows.
 *  statfs(2) would ask that server; the list of mounts does not. */
bool names_locks_are_local(const struct observe *ob, pid_t pid, unsigned major, unsigned minor)
{
	static const char *const local[] = {"ext2", "ext3", "ext4",  "xfs",	"btrfs",    "f2fs",     "jfs",	    "reiserfs",	 "vfat",
					    "exfat", "ntfs3", "zfs", "bcachefs", "tmpfs", "devtmpfs", "ramfs", "hugetlbfs", "overlay", "squashfs"};
	OWNED_TEXT mounts = {0};
	char type[32];
	proc_path path;

	snprintf(path, sizeof path, "%d/mountinfo", pid);
	if (sys_read_file(ob->proc_fd, path, &mounts, NULL) ||
	    !parse_mount_type(text_str(&mounts), mounts.n, major, minor, type))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		if (strcmp(type, local[i]) == 0)
			return true;
	return false;
}

/* Names of semaphores that are made up for the processes of one program, where a child that does not share its parent's memory opens them by
 * name: a prefix, eight characters out of 37 (tempfile._RandomNameSequence), and sem_open(3) puts "sem." before it.
 * multiprocessing/synchronize.py: SemLock._make_name(); loky/backend/synchronize.py (joblib has it built in): the same with a pid. */
static bool is_random_name(const char *name)
{
	if (strncmp(name, "sem.mp-", 7) == 0)
		name += 7;
	else if (strncmp(name, "sem.loky-", 9) == 0)
		name += 9 + strspn(name + 9, "0123456789");
	else
		return false;
	name += *name == '-'; /* behind the pid */
	return name[-1] == '-' && strlen(name) == 8 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == 8;
}

static bool has_random_name(DIR *dir, ino_t inode)
{
	struct dirent *e;
	struct stat st;

	while ((e = readdir(dir)))
		if (e->d_ino == inode && is_random_name(e->d_name))
			return fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_ino == inode &&
			       st.st_nlink == 1 && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
	return false;
}

bool names_is_random(const struct mapping *m)
{
	DIR *dir = begins(m, SHM) ? open_shm(m) : NULL;
	bool random = dir && has_random_name(dir, m->inode);

	if (dir)
		closedir(dir);
	return random;
}
