/* Descriptors -> objects: which of them are the same file, and what each kind tells of itself. */
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "observe/build.h"

static const struct {
	enum object_kind kind;
	const char *type;
} kinds[] = {
	[LINK_FILE] = {OBJECT_FILE, "file"},
	[LINK_PIPE] = {OBJECT_PIPE, "pipe"},
	[LINK_SOCKET] = {OBJECT_OTHER, "socket"},
	[LINK_PTS] = {OBJECT_PTY, "pty"},
	[LINK_PTMX] = {OBJECT_PTY, "pty"},
	[LINK_TTY] = {OBJECT_DEVICE, "device"},
	[LINK_DEVICE] = {OBJECT_DEVICE, "device"},
	[LINK_EVENTFD] = {OBJECT_EVENTFD, "eventfd"},
	[LINK_EPOLL] = {OBJECT_EPOLL, "epoll"},
	[LINK_TIMERFD] = {OBJECT_TIMERFD, "timerfd"},
	[LINK_SIGNALFD] = {OBJECT_SIGNALFD, "signalfd"},
	[LINK_PIDFD] = {OBJECT_PIDFD, "pidfd"},
	[LINK_INOTIFY] = {OBJECT_OTHER, "inotify"},
	[LINK_IO_URING] = {OBJECT_OTHER, "io_uring"},
	[LINK_ANON] = {OBJECT_OTHER, "anonymous inode"},
};

bool object_number_key(enum link_kind kind, uint64_t id, char key[48])
{
	switch (kind) {
	case LINK_PIPE:
		snprintf(key, 48, "pipe:[%llu]", (unsigned long long)id);
		break;
	case LINK_SOCKET:
		snprintf(key, 48, "socket:[%llu]", (unsigned long long)id);
		break;
	case LINK_PTS:
		snprintf(key, 48, "/dev/pts/%llu", (unsigned long long)id);
		break;
	case LINK_PTMX:
		snprintf(key, 48, "ptmx:%llu", (unsigned long long)id);
		break;
	default:
		return false;
	}
	return true;
}

static const char *clean_copy(struct builder *b, const char *s)
{
	char *copy = arena_strdup(b->arena, s);

	text_clean(copy, strlen(copy));
	return copy;
}

int object_named(struct builder *b, const char *key, bool *is_new)
{
	size_t i;

	*is_new = !strmap_get(b->by_key, key, &i);
	if (!*is_new)
		return (int)i;
	i = b->objects.n;
	strmap_put(b->by_key, key, i);

	vec_push(&b->objects, (struct object){.name = clean_copy(b, key), .type = "unknown", .kind = OBJECT_UNKNOWN,
					      .peer = PEER_NONE, .pid = -1});
	vec_push(&b->sources, (struct source){.kind = LINK_FILE, .fd = -1});
	return (int)i;
}

/* ---- which descriptors are one open file ---- */

bool objects_place(struct builder *b, enum link_kind kind, pid_t pid, int fd, size_t *place, bool *found)
{
	size_t low = 0, high = b->files.n;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct open_file *f = &b->files.at[middle];
		int order = f->kind != kind ? (f->kind < kind ? 2 : 1) :
					      sys_kcmp(pid, f->pid, KCMP_FILE, (unsigned long)fd, (unsigned long)f->fd);

		if (order < 0)
			return false;
		if (order == 0) {
			*found = true;
			*place = middle;
			return true;
		}
		if (order == 1)
			high = middle;
		else
			low = middle + 1;
	}
	*place = low;
	return true;
}

/** Who else holds it matters for these: another holder may change what it reports (epoll_ctl(2), timerfd_settime(2)). */
static bool needs_holders(enum link_kind kind)
{
	return kind == LINK_EPOLL || kind == LINK_TIMERFD || kind == LINK_SIGNALFD || kind == LINK_EVENTFD;
}

/** The object of an anonymous file, whose link and inode are those of all of its kind. Where kcmp does not work (containers may
 *  refuse it) all of one kind count as one, with all that any of them reports, so that no holder is missed. */
static int anonymous_object(struct builder *b, const struct seen_process *p, const struct seen_fd *f, const char *type,
			    bool *is_new)
{
	char key[80];
	size_t place;
	bool found;

	snprintf(key, sizeof key, "%s:%d:%d", type, p->pid, f->fd);
	if (!needs_holders(f->kind))
		return object_named(b, key, is_new);
	if (b->ob->no_kcmp || !objects_place(b, f->kind, p->details.lead, f->fd, &place, &found)) {
		b->ob->no_kcmp = true;
		return object_named(b, type, is_new);
	}
	if (found) {
		*is_new = false;
		return b->files.at[place].object;
	}

	struct open_file file = {f->kind, p->details.lead, f->fd, object_named(b, key, is_new)};

	vec_push(&b->files, file);
	memmove(&b->files.at[place + 1], &b->files.at[place], (b->files.n - 1 - place) * sizeof file);
	b->files.at[place] = file;
	return file.object;
}

static int object_of(struct builder *b, const struct seen_process *p, const struct seen_fd *f, bool *is_new)
{
	const char *link = text_str(&p->details.names) + f->name;
	char key[64];

	if (object_number_key(f->kind, f->id, key))
		return object_named(b, key, is_new);
	if (f->kind == LINK_EVENTFD && f->id != UINT64_MAX) {
		snprintf(key, sizeof key, "eventfd:%llu", (unsigned long long)f->id);
		return object_named(b, key, is_new);
	}
	if (f->fifo) {
		snprintf(key, sizeof key, "fifo:%llx:%llu", (unsigned long long)f->device, (unsigned long long)f->id);
		return object_named(b, key, is_new);
	}
	if (f->kind == LINK_FILE || f->kind == LINK_DEVICE || f->kind == LINK_TTY)
		return object_named(b, link, is_new);
	return anonymous_object(b, p, f, kinds[f->kind].type, is_new);
}

/* ---- what a kind tells of itself ---- */

static void add_targets(struct builder *b, int object)
{
	struct pending_target t = {.epoll = object};
	size_t first = b->targets.n;

	for (struct cursor c = {text_str(&b->ob->scratch), b->ob->scratch.n}; parse_next_tfd(&c, &t.target);) {
		t.same_before = 0;
		for (size_t i = first; i < b->targets.n; i++)
			t.same_before += b->targets.at[i].target.fd == t.target.fd;
		vec_push(&b->targets, t);
	}
}

/** What others may change while the holder sleeps is read for each snapshot. */
static void read_changing(struct builder *b, const struct seen_process *p, const struct seen_fd *f, int object)
{
	struct object *o = &b->objects.at[object];
	struct fdinfo info = {.pid = -1, .armed = true};
	proc_path path;

	snprintf(path, sizeof path, "%d/task/%d/fdinfo/%d", p->pid, p->details.lead, f->fd);

	bool ok = sys_read_file(b->ob->proc_fd, path, &b->ob->scratch, NULL) == 0 &&
		  parse_fdinfo(text_str(&b->ob->scratch), b->ob->scratch.n, &info) == 0;

	if (f->kind == LINK_TIMERFD)
		o->armed = o->armed || info.armed;
	else if (f->kind == LINK_SIGNALFD)
		o->takes_alarm = o->takes_alarm || (info.sigmask >> (SIGALRM - 1) & 1);
	else if (f->kind == LINK_PIDFD)
		o->pid = info.pid > 0 ? info.pid : -1;
	else if (f->kind == LINK_SOCKET && info.scm_fds)
		vec_push(&b->inflight, object);
	else if (f->kind == LINK_EPOLL && ok)
		add_targets(b, object);
	else if (f->kind == LINK_EPOLL) /* its descriptor was closed meanwhile */
		vec_push(&b->targets, (struct pending_target){.epoll = object, .target = {.fd = -1}});
}

static void describe(struct builder *b, const struct seen_process *p, const struct seen_fd *f, int object)
{
	struct object *o = &b->objects.at[object];

	o->kind = kinds[f->kind].kind;
	o->type = kinds[f->kind].type;
	b->sources.at[object] = (struct source){.kind = f->kind, .id = f->id, .holder = p, .fd = f->fd};
	if (f->fifo) {
		o->kind = OBJECT_PIPE;
		o->type = "pipe";
		o->name = clean_copy(b, text_str(&p->details.names) + f->name);
	}
	if (f->kind == LINK_ANON)
		o->type = clean_copy(b, text_str(&p->details.names) + f->name);
	b->has_sockets = b->has_sockets || f->kind == LINK_SOCKET;
}

static bool may_change(enum link_kind kind)
{
	return kind == LINK_TIMERFD || kind == LINK_SIGNALFD || kind == LINK_PIDFD || kind == LINK_SOCKET || kind == LINK_EPOLL;
}

void objects_of_process(struct builder *b, size_t i)
{
	const struct seen_process *p = b->ob->procs.at[i];
	struct process *to = &b->procs.at[i];

	to->fds = arena_array(b->arena, p->details.fds.n, sizeof *to->fds);
	for (size_t k = 0; k < p->details.fds.n; k++) {
		const struct seen_fd *f = &p->details.fds.at[k];
		bool is_new;
		int object = object_of(b, p, f, &is_new);

		if (is_new)
			describe(b, p, f, object);
		if (may_change(f->kind) && (is_new || (b->ob->no_kcmp && needs_holders(f->kind))))
			read_changing(b, p, f, object);
		if (f->named)
			b->objects.at[object].named = true;
		to->fds[to->nfds++] = (struct held_fd){f->fd, object, f->ends};
	}
}

/* ---- epoll ---- */

struct hits {
	VEC(int) objects; /* each once */
	bool exact;
};

static void add_hit(struct hits *h, int object)
{
	for (size_t i = 0; i < h->objects.n; i++)
		if (h->objects.at[i] == object)
			return;
	vec_push(&h->objects, object);
}

static bool holds(const struct process *p, int object)
{
	for (size_t i = 0; i < p->nfds; i++)
		if (p->fds[i].object == object)
			return true;
	return false;
}

/** Is descriptor FD of process P what the epoll watches? kcmp(2) knows. @return as sys_kcmp. */
static int is_target(struct builder *b, const struct pending_target *t, const struct seen_process *p, int fd)
{
	const struct source *epoll = &b->sources.at[t->epoll];
	struct kcmp_epoll_slot slot = {(uint32_t)epoll->fd, (uint32_t)t->target.fd, t->same_before};

	return sys_kcmp(p->details.lead, epoll->holder->details.lead, KCMP_EPOLL_TFD, (unsigned long)fd,
			(unsigned long)(uintptr_t)&slot);
}

/** The number in a `tfd` line was its number when it was added, in a process that held the epoll then: the inode decides, and
 *  where many files share one, kcmp does. Without that all of the inode are taken. */
static void hits_in_process(struct builder *b, const struct pending_target *t, size_t i, struct hits *h)
{
	const struct seen_process *p = b->ob->procs.at[i];
	const struct process *held = &b->procs.at[i];

	for (size_t k = 0; k < p->details.fds.n && !h->exact; k++) {
		const struct seen_fd *f = &p->details.fds.at[k];

		if (f->inode != t->target.inode)
			continue;

		int same = is_target(b, t, p, f->fd);

		if (same > 0)
			continue;
		if (same == 0) {
			h->objects.n = 0;
			h->exact = true;
		}
		add_hit(h, held->fds[k].object);
	}
}

static struct hits find_hits(struct builder *b, const struct pending_target *t)
{
	struct hits h = {0};
	char pipe[48], sock[48];
	size_t object;

	object_number_key(LINK_PIPE, t->target.inode, pipe);
	object_number_key(LINK_SOCKET, t->target.inode, sock);
	if (strmap_get(b->by_key, pipe, &object) || strmap_get(b->by_key, sock, &object)) {
		add_hit(&h, (int)object);
		return h;
	}
	for (size_t i = 0; i < b->procs.n && !h.exact; i++)
		if (holds(&b->procs.at[i], t->epoll))
			hits_in_process(b, t, i, &h);
	for (size_t i = 0; i < b->procs.n && !h.exact && h.objects.n == 0; i++)
		hits_in_process(b, t, i, &h);
	return h;
}

static void resolve_target(struct builder *b, const struct pending_target *t, struct watch_item *watch, size_t *n)
{
	unsigned way = (t->target.events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLRDNORM) ? END_READ : 0u) |
		       (t->target.events & (EPOLLOUT | EPOLLWRNORM) ? END_WRITE : 0u);
	struct hits h = find_hits(b, t);

	if (h.objects.n == 0) { /* nobody in the tree has it open under a number: it lives on, and may report anything */
		char key[80];
		bool is_new;

		snprintf(key, sizeof key, "epoll target of inode %llu", (unsigned long long)t->target.inode);
		add_hit(&h, object_named(b, key, &is_new));
	}
	for (size_t i = 0; i < h.objects.n; i++)
		watch[(*n)++] = (struct watch_item){h.objects.at[i], way ? way : END_READ};
	vec_free(&h.objects);
}

static void resolve_epoll(struct builder *b, int epoll)
{
	VEC(struct watch_item) watch = {0};

	for (size_t i = 0; i < b->targets.n; i++) {
		size_t n = 0;

		if (b->targets.at[i].epoll != epoll)
			continue;
		vec_reserve(&watch, watch.n + b->objects.n + 1); /* where kcmp fails a target may stand for many objects */
		resolve_target(b, &b->targets.at[i], watch.at + watch.n, &n);
		watch.n += n;
	}
	b->objects.at[epoll].watch = arena_memdup(b->arena, watch.at, watch.n * sizeof *watch.at);
	b->objects.at[epoll].nwatch = watch.n;
	vec_free(&watch);
}

void objects_resolve_epolls(struct builder *b)
{
	size_t n = b->objects.n;

	for (size_t i = 0; i < n; i++)
		if (b->objects.at[i].kind == OBJECT_EPOLL)
			resolve_epoll(b, (int)i);
}

void objects_pair_terminals(struct builder *b)
{
	size_t n = b->objects.n;

	for (size_t i = 0; i < n; i++) {
		enum link_kind kind = b->sources.at[i].kind;
		char key[48];
		bool is_new;

		if (b->objects.at[i].kind != OBJECT_PTY)
			continue;
		object_number_key(kind == LINK_PTS ? LINK_PTMX : LINK_PTS, b->sources.at[i].id, key);

		int peer = object_named(b, key, &is_new);

		b->objects.at[i].peer = peer;
		b->objects.at[peer].peer = (int)i;
		if (is_new)
			b->sources.at[peer].kind = kind == LINK_PTS ? LINK_PTMX : LINK_PTS;
	}
}
