/* Who else holds what the tree waits for. With enough rights all processes of the machine are asked. Where some refuse, or
 * this is not the machine's first pid namespace (holders may then be out of sight altogether), all that tracewrap inherited
 * counts as held outside, by both ends. */
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "observe/build.h"

/** Objects whose holders outside matter. An unknown one is the peer of such. */
static bool matters(const struct object *o)
{
	switch (o->kind) {
	case OBJECT_UNKNOWN:
	case OBJECT_PIPE:
	case OBJECT_UNIX:
	case OBJECT_TCP:
	case OBJECT_UDP:
	case OBJECT_PTY:
		return true;
	case OBJECT_FILE:
	case OBJECT_EVENTFD:
	case OBJECT_TIMERFD:
	case OBJECT_SIGNALFD:
	case OBJECT_PIDFD:
	case OBJECT_EPOLL:
	case OBJECT_DEVICE:
	case OBJECT_OTHER:
		return false;
	}
	return false;
}

/** The object that a link of another process names; FIFOs go by their path. */
static struct object *object_by_link(struct builder *b, const char *link, unsigned tty_index)
{
	struct link_target to = parse_link(link, strlen(link));
	char key[48];
	size_t i;

	if (to.kind == LINK_PTMX)
		to.number = tty_index;
	if (object_number_key(to.kind, to.number, key))
		return strmap_get(b->by_key, key, &i) && matters(&b->objects.at[i]) ? &b->objects.at[i] : NULL;
	for (i = 0; to.kind == LINK_FILE && i < b->objects.n; i++)
		if (b->objects.at[i].kind == OBJECT_PIPE && strcmp(b->objects.at[i].name, link) == 0)
			return &b->objects.at[i];
	return NULL;
}

/** The files without a name: all of a kind show the same link. */
static bool is_anonymous(enum link_kind kind)
{
	return kind == LINK_EVENTFD || kind == LINK_TIMERFD || kind == LINK_SIGNALFD || kind == LINK_EPOLL;
}

/** Did the tree begin with such a file, or can't that be known? */
static bool may_have_inherited_anonymous(const struct observe *ob)
{
	for (size_t i = 0; i < ob->opt.ninherited; i++)
		if (is_anonymous(parse_link(ob->opt.inherited[i], strlen(ob->opt.inherited[i])).kind))
			return true;
	return ob->opt.from_outside;
}

/** What is looked for in the tables of strangers. */
struct scan {
	struct builder *b;
	pid_t pid, tid; /* whose table it is */
	int dir_fd;     /* /proc/PID/task/TID */
	bool fifos, anonymous, inherited_anonymous;
	struct idmap *receivers; /* inodes of sockets that may have files in their queue */
	bool all_receivers;      /* which those are is not known */
	bool denied;
};

static bool has_fifo(const struct builder *b)
{
	for (size_t i = 0; i < b->objects.n; i++)
		if (b->objects.at[i].kind == OBJECT_PIPE && b->sources.at[i].kind == LINK_FILE)
			return true;
	return false;
}

static bool has_anonymous(const struct builder *b)
{
	for (size_t i = 0; i < b->objects.n; i++)
		if (b->sources.at[i].holder && is_anonymous(b->sources.at[i].kind))
			return true;
	return false;
}

static void note_stranger(struct observe *ob, pid_t pid)
{
	if (ob->opt.from_outside && (!ob->strangers.n || ob->strangers.at[ob->strangers.n - 1] != pid))
		vec_push(&ob->strangers, pid);
}

static struct fdinfo info_of(struct scan *sc, int fd)
{
	struct observe *ob = sc->b->ob;
	struct fdinfo info;
	proc_path path;

	snprintf(path, sizeof path, "fdinfo/%d", fd);
	if (sys_read_file(sc->dir_fd, path, &ob->scratch, NULL) || parse_fdinfo(text_str(&ob->scratch), ob->scratch.n, &info))
		return (struct fdinfo){.flags = O_RDWR, .tty_index = UINT32_MAX};
	return info;
}

/* ---- files without a name ---- */

/** Where files can't be compared: what the tree came with counts as held outside. */
static void held_by_heirs(struct scan *sc, int fd, enum link_kind kind)
{
	struct builder *b = sc->b;

	for (size_t i = 0; i < b->objects.n; i++) {
		const struct source *from = &b->sources.at[i];

		if (from->kind != kind || !from->holder || b->objects.at[i].outside)
			continue;
		if (sys_kcmp(from->holder->details.lead, sc->tid, KCMP_FILE, (unsigned long)from->fd, (unsigned long)fd) <= 0)
			b->objects.at[i].outside = END_BOTH;
	}
}

/** A tree may have such files from whoever began it, and it may have given them away (SCM_RIGHTS in unix(7)): that is known by comparing
 *  the files themselves. */
static void held_anonymously(struct scan *sc, int fd, enum link_kind kind)
{
	struct builder *b = sc->b;
	struct fdinfo info = kind == LINK_EVENTFD ? info_of(sc, fd) : (struct fdinfo){0};
	size_t place, object;
	bool found, known = true;
	char key[48];

	if (info.has_eventfd_id) {
		snprintf(key, sizeof key, "eventfd:%llu", (unsigned long long)info.eventfd_id);
		found = strmap_get(b->by_key, key, &object);
	} else {
		known = !b->ob->no_kcmp && objects_place(b, kind, sc->tid, fd, &place, &found);
		object = known && found ? (size_t)b->files.at[place].object : 0;
	}
	if (known && found)
		b->objects.at[object].outside = END_BOTH;
	else if (!known && sc->inherited_anonymous)
		held_by_heirs(sc, fd, kind);
}

/* ---- memory and locks ---- */

static void reaches_memory(struct builder *b, const char *key)
{
	for (size_t t = 0; t < b->tasks.n; t++)
		if (b->tasks.at[t].wait.op == WAIT_FUTEX && b->tasks.at[t].wait.key && strcmp(b->tasks.at[t].wait.key, key) == 0)
			b->tasks.at[t].wait.outside = true;
}

/** An open file may be mapped later; locks on it are named by its fdinfo. */
static void holds_file(struct scan *sc, int fd)
{
	struct builder *b = sc->b;
	struct statx st;
	proc_path path;
	struct file_lock lock;
	lock_key key;

	snprintf(path, sizeof path, "fd/%d", fd);
	if (statx(sc->dir_fd, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &st) < 0)
		return;
	snprintf(key, sizeof key, "%02x:%02x:%llu", st.stx_dev_major, st.stx_dev_minor, (unsigned long long)st.stx_ino);
	if (b->shared_keys.n)
		reaches_memory(b, key);
	if (!b->waits_lock || !family_waits_for(b, key))
		return;
	snprintf(path, sizeof path, "fdinfo/%d", fd);
	if (sys_read_file(sc->dir_fd, path, &b->ob->scratch, NULL))
		return;
	for (struct cursor c = {text_str(&b->ob->scratch), b->ob->scratch.n}; parse_next_fdinfo_lock(&c, &lock);)
		family_lock_outside(b, lock.key);
}

static void scan_mappings(struct scan *sc)
{
	struct builder *b = sc->b;
	const char **found;
	char dir[48];

	if (b->shared_keys.n == 0)
		return;
	found = arena_array(b->arena, b->shared_keys.n, sizeof *found);
	snprintf(dir, sizeof dir, "%d/task/%d", sc->pid, sc->tid);
	for (size_t n = mapped_keys(b, dir, found); n > 0; n--)
		reaches_memory(b, found[n - 1]);
}

/* ---- one table of descriptors ---- */

static void held_by(struct scan *sc, int fd, const char *link)
{
	struct fdinfo info = info_of(sc, fd);
	struct object *o = info.flags & O_PATH ? NULL : object_by_link(sc->b, link, info.tty_index);

	if (!o)
		return;
	note_stranger(sc->b->ob, sc->pid);
	if (o->kind == OBJECT_PIPE && (info.flags & O_ACCMODE) != O_RDWR)
		o->outside |= (info.flags & O_ACCMODE) == O_RDONLY ? END_READ : END_WRITE;
	else
		o->outside |= END_BOTH;
}

/** Files in the queue of a stranger's socket may be of the tree: which they are, nothing tells. */
static void receives(struct scan *sc, int fd, uint64_t inode)
{
	if ((sc->all_receivers || idmap_get(sc->receivers, inode, NULL)) && info_of(sc, fd).scm_fds > 0)
		vec_push(&sc->b->inflight, -1);
}

/** Cheap refusal before fdinfo is read: most descriptors are of no interest. */
static bool interesting(struct scan *sc, const char *link)
{
	struct link_target to = parse_link(link, strlen(link));

	return to.kind == LINK_PTMX || (to.kind == LINK_FILE && !sc->fifos ? false : object_by_link(sc->b, link, 0) != NULL);
}

/** The links of a process that has just been reaped are denied as well (proc_fd_access_allowed() in fs/proc/base.c). */
static bool still_there(const struct scan *sc)
{
	return sys_read_file(sc->dir_fd, "stat", &sc->b->ob->scratch, NULL) != SYS_GONE;
}

static void scan_descriptor(struct scan *sc, int fd)
{
	proc_path path;
	char link[4096];

	snprintf(path, sizeof path, "fd/%d", fd);

	int got = sys_readlink(sc->dir_fd, path, link, sizeof link, NULL);
	struct link_target to = got == 0 ? parse_link(link, strlen(link)) : (struct link_target){.kind = LINK_ANON};

	sc->denied = sc->denied || (got == SYS_DENIED && still_there(sc));
	if (sc->anonymous && is_anonymous(to.kind))
		held_anonymously(sc, fd, to.kind);
	if (to.kind == LINK_SOCKET)
		receives(sc, fd, to.number);
	if (to.kind == LINK_FILE && (sc->b->shared_keys.n || sc->b->waits_lock))
		holds_file(sc, fd);
	if (got == 0 && interesting(sc, link))
		held_by(sc, fd, link);
}

/** @return the number of descriptors in the table of a thread. */
static size_t scan_table(struct scan *sc)
{
	proc_path path;
	int_vec fds = {0};
	size_t n;

	snprintf(path, sizeof path, "%d/task/%d", sc->pid, sc->tid);

	OWNED_FD dir_fd = openat(sc->b->ob->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	sc->dir_fd = dir_fd;
	if (dir_fd >= 0 && sys_list_numbers(dir_fd, "fd", &fds, NULL) == SYS_DENIED)
		sc->denied = true;
	for (size_t i = 0; i < fds.n; i++)
		/* Of our own guards only what they speak through: the rest of what they hold they never read, write or close. */
		if (!names_is_guard(sc->b->ob, sc->pid) || fds.at[i] == STDERR_FILENO)
			scan_descriptor(sc, fds.at[i]);
	n = fds.n;
	vec_free(&fds);
	return n;
}

/** Threads share one table, but for one that made its own (unshare(2)) and for a leader that has ended, whose is empty. */
static void scan_process(struct scan *sc)
{
	int_vec tids = {0};
	proc_path path;
	pid_t last = 0;

	snprintf(path, sizeof path, "%d/task", sc->pid);
	if (sys_list_numbers(sc->b->ob->proc_fd, path, &tids, NULL) == SYS_DENIED)
		sc->denied = true;
	for (size_t i = 0; i < tids.n; i++) {
		sc->tid = tids.at[i];
		if (last && sys_kcmp(last, sc->tid, KCMP_FILES, 0, 0) <= 0)
			continue;
		if (scan_table(sc) == 0 && last)
			continue;
		last = sc->tid;
		if (!names_is_guard(sc->b->ob, sc->pid))
			scan_mappings(sc);
	}
	vec_free(&tids);
}

static void mark_inherited(struct builder *b)
{
	for (size_t i = 0; i < b->ob->opt.ninherited; i++) {
		const char *name = b->ob->opt.inherited[i];
		struct object *o = object_by_link(b, name, UINT32_MAX);

		if (o)
			o->outside = END_BOTH;
		for (size_t k = 0; k < b->objects.n; k++)
			if (strcmp(b->objects.at[k].name, name) == 0)
				b->objects.at[k].outside = END_BOTH;
	}
}

/** A peer that only others hold: it is what its other end is. */
static void name_peers(struct builder *b)
{
	for (size_t i = 0; i < b->objects.n; i++) {
		struct object *o = &b->objects.at[i];

		if (o->peer < 0 || b->objects.at[o->peer].kind != OBJECT_UNKNOWN || !b->objects.at[o->peer].outside)
			continue;
		b->objects.at[o->peer].kind = o->kind;
		b->objects.at[o->peer].type = o->type;
	}
}

static bool scan_all(struct builder *b)
{
	struct observe *ob = b->ob;
	int_vec pids = {0};
	struct scan sc = {.b = b, .fifos = has_fifo(b), .receivers = idmap_new(), .anonymous = has_anonymous(b)};
	bool blind = !names_all_in_sight(ob);

	sc.inherited_anonymous = sc.anonymous && may_have_inherited_anonymous(ob);
	sc.all_receivers = !sockets_under_way(b, sc.receivers);
	if (sys_list_numbers(ob->proc_fd, ".", &pids, NULL))
		blind = true;
	for (size_t i = 0; i < pids.n; i++) {
		sc.pid = pids.at[i];
		sc.denied = false;
		if (!table_find(ob, sc.pid))
			scan_process(&sc);
		blind = blind || sc.denied;
	}
	vec_free(&pids);
	idmap_free(sc.receivers);
	return blind;
}

void outside_scan(struct builder *b)
{
	struct observe *ob = b->ob;

	ob->strangers.n = 0;
	ob->blind_outside = scan_all(b);
	b->s->hidden_holders = ob->blind_outside && ob->opt.from_outside;
	if (ob->blind_outside)
		mark_inherited(b);
	name_peers(b);
}

size_t observe_strangers(const struct observe *ob, const pid_t **pids)
{
	*pids = ob->strangers.at;
	return ob->strangers.n;
}
