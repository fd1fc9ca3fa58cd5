/* Who else holds what the tree waits for. With enough rights all processes of the machine are asked. Where some refuse, or
 * this is not the machine's first pid namespace (holders may then be out of sight altogether), all that tracewrap inherited
 * counts as held outside, by both ends. */
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>

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

/** A tree may have inherited such files from whoever began it: that is known by comparing the files themselves. Refused: taken for the
 *  same. */
static void held_anonymously(struct builder *b, pid_t pid, int fd, enum link_kind kind)
{
	for (size_t i = 0; i < b->objects.n; i++) {
		const struct source *from = &b->sources.at[i];

		if (from->kind != kind || !from->holder || b->objects.at[i].outside)
			continue;
		if (sys_kcmp(from->holder->details.lead, pid, KCMP_FILE, (unsigned long)from->fd, (unsigned long)fd) <= 0)
			b->objects.at[i].outside = END_BOTH;
	}
}

/** Did the tree begin with such a file, or can't that be known? */
static bool may_have_inherited_anonymous(const struct observe *ob)
{
	for (size_t i = 0; i < ob->opt.ninherited; i++)
		if (is_anonymous(parse_link(ob->opt.inherited[i], strlen(ob->opt.inherited[i])).kind))
			return true;
	return ob->opt.from_outside;
}

static bool has_fifo(const struct builder *b)
{
	for (size_t i = 0; i < b->objects.n; i++)
		if (b->objects.at[i].kind == OBJECT_PIPE && b->sources.at[i].kind == LINK_FILE)
			return true;
	return false;
}

static void note_stranger(struct observe *ob, pid_t pid)
{
	if (ob->opt.from_outside && (!ob->strangers.n || ob->strangers.at[ob->strangers.n - 1] != pid))
		vec_push(&ob->strangers, pid);
}

static void held_by(struct builder *b, pid_t pid, int dir_fd, int fd, const char *link)
{
	struct fdinfo info = {.flags = O_RDWR, .tty_index = UINT32_MAX};
	proc_path path;

	snprintf(path, sizeof path, "fdinfo/%d", fd);
	if (sys_read_file(dir_fd, path, &b->ob->scratch, NULL) == 0 &&
	    parse_fdinfo(text_str(&b->ob->scratch), b->ob->scratch.n, &info))
		info = (struct fdinfo){.flags = O_RDWR, .tty_index = UINT32_MAX};
	if (info.flags & O_PATH)
		return;

	struct object *o = object_by_link(b, link, info.tty_index);

	if (!o)
		return;
	note_stranger(b->ob, pid);
	if (o->kind == OBJECT_PIPE && (info.flags & O_ACCMODE) != O_RDWR)
		o->outside |= (info.flags & O_ACCMODE) == O_RDONLY ? END_READ : END_WRITE;
	else
		o->outside |= END_BOTH;
}

/** Cheap refusal before fdinfo is read: most descriptors are of no interest. */
static bool interesting(struct builder *b, const char *link, bool fifos)
{
	struct link_target to = parse_link(link, strlen(link));

	return to.kind == LINK_PTMX || (to.kind == LINK_FILE && !fifos ? false : object_by_link(b, link, 0) != NULL);
}

/** The links of a process that has just been reaped are denied as well (proc_fd_access_allowed() in fs/proc/base.c). */
static bool still_there(struct builder *b, int dir_fd)
{
	return sys_read_file(dir_fd, "stat", &b->ob->scratch, NULL) != SYS_GONE;
}

/** @return false when the process refuses: to list its descriptors, or, to a root without CAP_SYS_PTRACE, to say what they are
 *  (proc(5)). */
static bool scan_process(struct builder *b, pid_t pid, bool fifos, bool anonymous)
{
	proc_path path;
	int_vec fds = {0};

	snprintf(path, sizeof path, "%d", pid);

	OWNED_FD dir_fd = openat(b->ob->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = dir_fd < 0 ? SYS_GONE : sys_list_numbers(dir_fd, "fd", &fds, NULL);

	for (size_t i = 0; i < fds.n; i++) {
		char link[4096];
		int got;

		/* Of our own guards only what they speak through: the rest of what they hold they never read, write or
		 * close. */
		if (names_is_guard(b->ob, pid) && fds.at[i] != STDERR_FILENO)
			continue;
		snprintf(path, sizeof path, "fd/%d", fds.at[i]);
		got = sys_readlink(dir_fd, path, link, sizeof link, NULL);
		enum link_kind kind = got == 0 ? parse_link(link, strlen(link)).kind : LINK_ANON;

		if (anonymous && is_anonymous(kind))
			held_anonymously(b, pid, fds.at[i], kind);
		if (got == 0 && interesting(b, link, fifos))
			held_by(b, pid, dir_fd, fds.at[i], link);
		else if (got == SYS_DENIED && rc == 0 && still_there(b, dir_fd))
			rc = SYS_DENIED;
	}
	vec_free(&fds);
	return rc != SYS_DENIED;
}

static void scan_mappings(struct builder *b, pid_t pid)
{
	const char **found;
	char dir[16];

	if (b->shared_keys.n == 0)
		return;
	found = arena_array(b->arena, b->shared_keys.n, sizeof *found);
	snprintf(dir, sizeof dir, "%d", pid);
	for (size_t n = mapped_keys(b, dir, found); n > 0; n--)
		for (size_t t = 0; t < b->tasks.n; t++)
			if (b->tasks.at[t].wait.key && strcmp(b->tasks.at[t].wait.key, found[n - 1]) == 0)
				b->tasks.at[t].wait.outside = true;
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

void outside_scan(struct builder *b)
{
	struct observe *ob = b->ob;
	int_vec pids = {0};
	bool fifos = has_fifo(b), anonymous = may_have_inherited_anonymous(ob), blind = !names_all_in_sight(ob);

	ob->strangers.n = 0;
	if (sys_list_numbers(ob->proc_fd, ".", &pids, NULL))
		blind = true;
	for (size_t i = 0; i < pids.n; i++) {
		if (table_find(ob, pids.at[i]))
			continue;
		if (!scan_process(b, pids.at[i], fifos, anonymous))
			blind = true;
		if (!names_is_guard(ob, pids.at[i]))
			scan_mappings(b, pids.at[i]);
	}
	vec_free(&pids);
	ob->blind_outside = blind;
	b->s->hidden_holders = blind && ob->opt.from_outside;
	if (blind)
		mark_inherited(b);
	name_peers(b);
}

size_t observe_strangers(const struct observe *ob, const pid_t **pids)
{
	*pids = ob->strangers.at;
	return ob->strangers.n;
}
