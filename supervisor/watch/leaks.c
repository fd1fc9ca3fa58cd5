/* What the run makes that may outlive it, gathered while it goes on: socket files, shared memory, zombies, the tests that ran. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "watch/leaks.h"

enum { ZOMBIES_MOST = 256, FILES_MOST = 2048, BINDS_MOST = 64 };
/* Who makes an object has it open then. Nobody of the tree seen with it in this time: it is not ours. */
#define SHM_TRY_NS (500 * NS_PER_MS)
/* So many wakes between two passes, and the folder is somebody's workshop: then a look at each pass must do. */
enum { WAKES_MOST = 50 };
/* Sockets that were bound since the last look: asked for when something moved, at most so often, and for at most one part in COST_SHARE of
 * a core. */
#define SOCKETS_GAP_NS (50 * NS_PER_MS)
enum { COST_SHARE = 200 };


/* ---- before the run ---- */

int watch_ports(struct watch_options *opt, const char *value, const char **wrong)
{
	size_t n = 0;

	memset(opt->ports, 0, sizeof opt->ports);
	*wrong = value;
	while (*value) {
		size_t len = strcspn(value, ",");
		char word[80];

		*wrong = value;
		if (n == PORTS_MOST || len >= sizeof word)
			return -EINVAL;
		snprintf(word, sizeof word, "%.*s", (int)len, value);
		if (!observe_address(word, opt->ports[n++], sizeof opt->ports[0]))
			return -EINVAL;
		value += len + (value[len] == ',');
	}
	return n ? 0 : -EINVAL;
}

struct leaks_before *watch_leaks_before(const struct watch_options *opt)
{
	struct leaks_before *b = mem_alloc(sizeof *b);

	for (size_t i = 0; i < PORTS_MOST && *opt->ports[i]; i++) {
		strcpy(b->ports[i].address, opt->ports[i]);
		observe_holders("tcp", opt->ports[i], &b->ports[i].who);
		b->nports++;
	}
	observe_shm_list(&b->shm);
	return b;
}

/* ---- tests ---- */

static void test_seen(void *data, pid_t pid, const char *test)
{
	struct run *r = data;

	leak_tests_seen(r->leaks->tests, pid, test, sys_monotonic_ns());
	events_test_seen(r, pid, test);
	stall_test_seen(r, pid, test);
}

pid_t leaks_parent_of(struct run *r, pid_t pid)
{
	for (size_t i = history_count(r->history); i-- > 0;)
		if (history_at(r->history, i)->pid == pid)
			return history_at(r->history, i)->ppid;
	return 0;
}

const char *leaks_test_of(struct run *r, pid_t pid, pid_t parent, int64_t from_ns, int64_t to_ns)
{
	enum { DEPTH_MOST = 64 };
	int64_t made_ns;
	const char *heard = tree_made_at(r->tree, pid, &made_ns) ? tree_test_at(r->tree, parent, made_ns) : NULL;

	if (heard)
		return heard;
	for (int depth = 0; parent > 1 && depth < DEPTH_MOST; depth++) {
		const char *test = leak_tests_at(r->leaks->tests, parent, from_ns, to_ns);

		if (test)
			return test;
		parent = leaks_parent_of(r, parent);
	}
	return leak_tests_at(r->leaks->tests, 0, from_ns, to_ns);
}

/* ---- shared memory ---- */

static struct known_file *find_file(known_file_vec *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->at[i].path, path) == 0)
			return &files->at[i];
	return NULL;
}

static bool was_before(const struct leaks_before *b, const struct shm_file *f)
{
	for (size_t i = 0; b && i < b->shm.n; i++)
		if (b->shm.at[i].inode == f->inode && strcmp(b->shm.at[i].name, f->name) == 0)
			return true;
	return false;
}

bool leaks_file_there(const struct known_file *f)
{
	struct stat st;

	return lstat(f->path, &st) == 0 && st.st_ino == f->inode && st.st_dev == f->device;
}

static struct shm_file shm_of(const struct known_file *k)
{
	struct shm_file f = {.inode = k->inode, .device = k->device};

	snprintf(f.name, sizeof f.name, "%s", k->path + strlen("/dev/shm/"));
	return f;
}

/** Who of the tree has it? While it is being made, that is who made it. */
static void find_maker(struct run *r, struct known_file *k)
{
	struct shm_file f = shm_of(k);
	struct process_facts facts;
	char test[1024];

	k->maker = observe_shm_user(r->observe, &f);
	if (!k->maker)
		return;
	if (observe_current_test(r->observe, k->maker, test, sizeof test))
		k->test = arena_strdup(r->leaks->arena, test);
	else if (observe_facts(k->maker, &facts) && *facts.test)
		k->test = arena_strdup(r->leaks->arena, facts.test);
}

static void find_makers(struct run *r, int64_t now_ns)
{
	known_file_vec *shm = &r->leaks->shm;

	for (size_t i = 0; i < shm->n; i++)
		if (!shm->at[i].maker && now_ns - shm->at[i].seen_ns < SHM_TRY_NS)
			find_maker(r, &shm->at[i]);
}

void leaks_look_at_shm(struct run *r)
{
	struct leaks *l = r->leaks;
	shm_vec now = {0};
	int64_t now_ns = sys_monotonic_ns();

	observe_shm_list(&now);
	for (size_t i = 0; i < l->shm.n;) { /* what has gone will not come back as the same */
		struct known_file *k = &l->shm.at[i];

		if (leaks_file_there(k))
			i++;
		else
			*k = l->shm.at[--l->shm.n];
	}
	for (size_t i = 0; i < now.n; i++) {
		struct known_file k = {.inode = now.at[i].inode, .device = now.at[i].device, .before_ns = now_ns, .seen_ns = now_ns};

		snprintf(k.path, sizeof k.path, "/dev/shm/%s", now.at[i].name);
		if (!was_before(r->opt->before, &now.at[i]) && !find_file(&l->shm, k.path) && l->shm.n < FILES_MOST)
			vec_push(&l->shm, k);
	}
	find_makers(r, now_ns);
	vec_free(&now);
}

/** Signals of the descriptor on or off. */
static void set_signals(struct leaks *l, bool on)
{
	l->asleep = !on;
	(void)fcntl(l->inotify_fd, F_SETFL, O_NONBLOCK | (on ? O_ASYNC : 0)); /* at worst each pass looks */
}

static void open_inotify(struct leaks *l)
{
	struct f_owner_ex me = {F_OWNER_PID, getpid()};

	l->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (l->inotify_fd < 0)
		return;
	if (inotify_add_watch(l->inotify_fd, "/dev/shm", IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0 ||
	    fcntl(l->inotify_fd, F_SETOWN_EX, &me) < 0 || fcntl(l->inotify_fd, F_SETSIG, launch_wake_signal()) < 0) {
		fd_closep(&l->inotify_fd);
		return;
	}
	set_signals(l, true);
}

void leaks_wake(struct run *r)
{
	_Alignas(struct inotify_event) char buf[4096];
	struct leaks *l = r->leaks;
	bool some = false;

	if (!l || l->inotify_fd < 0)
		return;
	while (read(l->inotify_fd, buf, sizeof buf) > 0)
		some = true;
	if (!some)
		return;
	if (!l->asleep && ++l->wakes > WAKES_MOST)
		set_signals(l, false);
	leaks_look_at_shm(r);
}

/* ---- socket files ---- */

/** A process that runs tests may have bound it in one and be in another now; what others have bound, they were made for. */
static char *test_of_socket(struct run *r, pid_t maker, int64_t before_ns, int64_t now_ns)
{
	struct process_facts facts;
	const char *test = leak_tests_at(r->leaks->tests, maker, before_ns, now_ns);

	if (!test && observe_facts(maker, &facts) && *facts.test)
		return arena_strdup(r->leaks->arena, facts.test);
	return test ? arena_strdup(r->leaks->arena, test) : NULL;
}

static void add_socket(struct run *r, const struct socket_file *f, const char *test, int64_t before_ns, int64_t now_ns)
{
	struct leaks *l = r->leaks;
	struct known_file *old = find_file(&l->sockets, f->path);
	struct known_file k = {.inode = f->inode, .device = f->device, .maker = f->pid, .before_ns = before_ns, .seen_ns = now_ns};

	if (old && old->inode == f->inode && old->device == f->device)
		return;
	snprintf(k.path, sizeof k.path, "%s", f->path);
	k.test = test ? arena_strdup(l->arena, test) : test_of_socket(r, f->pid, before_ns, now_ns);
	if (old)
		*old = k;
	else if (l->sockets.n < FILES_MOST)
		vec_push(&l->sockets, k);
}

void leaks_look_at_sockets(struct run *r, int64_t now_ns)
{
	struct leaks *l = r->leaks;
	socket_file_vec now = {0};
	int64_t begun_ns = sys_monotonic_ns(), before_ns = l->sockets_ns;

	l->moved = false;
	observe_socket_files(r->observe, &now);
	for (size_t i = 0; i < now.n; i++)
		add_socket(r, &now.at[i], NULL, before_ns, now_ns);
	vec_free(&now);
	l->sockets_ns = begun_ns;
	l->sockets_again_ns = now_ns + SOCKETS_GAP_NS + (sys_monotonic_ns() - begun_ns) * COST_SHARE;
}

/* ---- zombies ---- */

static void look_at_zombies(struct run *r, int64_t now_ns)
{
	struct leaks *l = r->leaks;
	zombie_vec now = {0};

	for (size_t i = 0; r->pass.changed && i < l->zombies.n; i++) {
		struct known_zombie *z = &l->zombies.at[i];

		if (!z->waited && !z->reaped && sys_process_start(z->row.pid, NULL) != z->row.start_ticks)
			z->waited = true;
	}
	observe_zombies(r->observe, now_ns, &now);
	for (size_t i = 0; i < now.n && l->zombies.n < ZOMBIES_MOST; i++) {
		struct known_zombie z = {.row = now.at[i], .since_ns = now_ns, .until_ns = now_ns};

		if (observe_facts(z.row.pid, &z.is) && observe_facts(z.row.parent, &z.parent))
			vec_push(&l->zombies, z);
	}
	vec_free(&now);
}

void leaks_orphan(struct run *r, pid_t pid)
{
	struct leaks *l = r->leaks;

	for (size_t i = 0; l && i < l->zombies.n; i++) {
		struct known_zombie *z = &l->zombies.at[i];

		if (z->row.pid == pid && !z->waited && !z->reaped) {
			z->reaped = true;
			z->until_ns = sys_monotonic_ns();
		}
	}
}

/* ---- binds that were heard ---- */

/* The clock of files goes in ticks (ktime_get_coarse_real_ts64() in fs/inode.c). */
#define FILE_TICK_NS (10 * NS_PER_MS)

/** Was the file made by that bind? In another mount namespace the path names another file; and where it is not known whether the bind
 *  went well, somebody else's may have been in its way. */
static bool made_then(const struct run *r, const struct heard_path *h, const struct stat *st)
{
	int64_t made_ns = st->st_ctim.tv_sec * NS_PER_S + st->st_ctim.tv_nsec;
	int64_t heard_ns = sys_clock_ns(CLOCK_REALTIME) - (sys_monotonic_ns() - h->at_ns);

	return h->sure ? made_ns + NS_PER_S >= r->wall_start_s * NS_PER_S : made_ns + FILE_TICK_NS >= heard_ns;
}

/** @return false: there is no such file, or not yet: a seccomp listener hears a bind before it is done. */
static bool bound_file(struct run *r, const struct heard_path *h)
{
	struct socket_file f = {.pid = h->pid};
	struct stat st;

	if (strlen(h->path) >= sizeof f.path || lstat(h->path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	if (!made_then(r, h, &st))
		return false;
	strcpy(f.path, h->path);
	f.inode = st.st_ino;
	f.device = st.st_dev;
	add_socket(r, &f, h->test, h->at_ns, h->at_ns);
	return true;
}

static void bound(struct run *r, const struct event *ev, const char *test)
{
	struct leaks *l = r->leaks;
	struct heard_path h = {.pid = ev->pid, .at_ns = ev->at_ns, .sure = ev->error == 0, .path = arena_strdup(l->arena, ev->text)};

	if (*ev->text != '/')
		return;
	/* asked now: by the time that the file is seen who bound it may be gone */
	h.test = test ? arena_strdup(l->arena, test) : test_of_socket(r, ev->pid, ev->at_ns, ev->at_ns);
	if (!bound_file(r, &h) && l->pending.n < FILES_MOST)
		vec_push(&l->pending, h);
}

void leaks_hear_binds(struct run *r)
{
	if (r->leaks)
		r->leaks->binds_heard = true;
}

void leaks_heard(struct run *r, const struct event *ev, const char *test)
{
	struct leaks *l = r->leaks;
	bool inet = *ev->text != '/' && *ev->text != '@';

	if (!l || ev->kind != EVENT_BIND)
		return;
	if (ev->error <= 0) /* below 0: a listener can't know */
		bound(r, ev, test);
	if (ev->error != EADDRINUSE || l->binds.n >= BINDS_MOST)
		return;

	struct failed_bind b = {.is = {.bind_failed = true, .seen_ns = ev->at_ns}};

	b.is.is.protocol = !inet ? "unix" : ev->socket_type == SOCK_DGRAM ? "udp" : "tcp";
	b.is.is.name = arena_strdup(l->arena, ev->text);
	b.test = test ? arena_strdup(l->arena, test) : NULL;
	observe_holders(b.is.is.protocol, ev->text, &b.who);
	vec_push(&l->binds, b);
}

/* ---- */

void leaks_begin(struct run *r)
{
	if (!r->observe)
		return;

	struct leaks *l = mem_alloc(sizeof *l);

	l->arena = arena_new();
	l->tests = leak_tests_new();
	l->sockets_ns = r->started_ns;
	open_inotify(l);
	r->leaks = l;
	leaks_look_at_shm(r);
	for (size_t i = 0; r->opt->before && i < r->opt->before->nports && r->opt->verbosity >= SAY_MORE; i++) {
		const struct known_address *a = &r->opt->before->ports[i];

		for (size_t k = 0; k < a->who.n; k++)
			say_line(r, "%s is held by %s[%d]", a->address, a->who.at[k].label, a->who.at[k].pid);
	}
}

void leaks_pass(struct run *r, int64_t now_ns)
{
	struct leaks *l = r->leaks;

	if (!l)
		return;
	observe_running_tests(r->observe, now_ns, test_seen, r);
	look_at_zombies(r, now_ns);
	leaks_ask(r, now_ns);
	l->moved = l->moved || r->pass.moved;
	if (l->moved && now_ns >= l->sockets_again_ns)
		leaks_look_at_sockets(r, now_ns);
	find_makers(r, now_ns);
	for (size_t i = 0; i < l->pending.n; i++)
		bound_file(r, &l->pending.at[i]);
	l->pending.n = 0;
	l->wakes = 0;
	if (l->asleep)
		set_signals(l, true);
}
