/* Snapshots from a few lines of text, see snap.h. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snap.h"

enum { MOST = 64 };

struct draft {
	struct snapshot *s;
	struct arena *a;
	VEC(struct object) objects;
	VEC(struct process) procs;
	VEC(struct task) tasks;
	VEC(struct lock_holder) locks;
	VEC(const char *) strays;
	VEC(int) inflight;
};

static bool starts(const char *text, const char *with, const char **rest)
{
	size_t n = strlen(with);

	if (strncmp(text, with, n) != 0)
		return false;
	*rest = text + n;
	return true;
}

static int64_t seconds(const char *text)
{
	return (int64_t)(strtod(text, NULL) * 1e9);
}

static pid_t number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text)
		fail_msg("snap: \"%s\" is no number", text);
	return (pid_t)n;
}

static enum object_kind kind_of_name(const char *name)
{
	static const struct {
		const char *prefix;
		enum object_kind kind;
	} rows[] = {
		{"pipe", OBJECT_PIPE},	   {"unix", OBJECT_UNIX},   {"tcp", OBJECT_TCP},   {"udp", OBJECT_UDP}, {"efd", OBJECT_EVENTFD},
		{"tfd", OBJECT_TIMERFD},   {"sfd", OBJECT_SIGNALFD}, {"pidfd", OBJECT_PIDFD}, {"epoll", OBJECT_EPOLL},
		{"pts", OBJECT_PTY},	   {"ptm", OBJECT_PTY},	    {"file", OBJECT_FILE}, {"dev", OBJECT_DEVICE},
		{"unknown", OBJECT_UNKNOWN},
	};
	const char *rest;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (starts(name, rows[i].prefix, &rest))
			return rows[i].kind;
	return OBJECT_OTHER;
}

static int object_of(struct draft *d, const char *name)
{
	enum object_kind kind = kind_of_name(name);

	for (size_t i = 0; i < d->objects.n; i++)
		if (strcmp(d->objects.at[i].name, name) == 0)
			return (int)i;
	vec_push(&d->objects, (struct object){
				      .name = arena_strdup(d->a, name),
				      .type = kind == OBJECT_OTHER ? "inotify" : object_kind_name(kind),
				      .kind = kind,
				      .peer = PEER_NONE,
			      });
	return (int)d->objects.n - 1;
}

static struct process *process_of(struct draft *d, pid_t pid)
{
	for (size_t i = 0; i < d->procs.n; i++)
		if (d->procs.at[i].pid == pid)
			return &d->procs.at[i];
	vec_push(&d->procs, (struct process){
				    .pid = pid,
				    .vm = pid,
				    .comm = "prog",
				    .readable = true,
				    .alarm_use = ALARM_MAYBE,
				    .alarm_ns = NEVER_NS,
				    .argv = arena_array(d->a, MOST, sizeof(char *)),
				    .kids = arena_array(d->a, MOST, sizeof(pid_t)),
				    .fds = arena_array(d->a, MOST, sizeof(struct held_fd)),
				    .shm = arena_array(d->a, MOST, sizeof(char *)),
				    .locks = arena_array(d->a, MOST, sizeof(char *)),
			    });
	return &d->procs.at[d->procs.n - 1];
}

static void add_kid(struct process *p, pid_t kid)
{
	for (size_t i = 0; i < p->nkids; i++)
		if (p->kids[i] == kid)
			return;
	must(p->nkids < MOST);
	p->kids[p->nkids++] = kid;
}

/** The number of a descriptor of P with ENDS of OBJECT, a new one from 3 on unless one is given. */
static int hold(struct process *p, int object, unsigned ends, int fd)
{
	for (size_t i = 0; i < p->nfds && fd < 0; i++)
		if (p->fds[i].object == object && p->fds[i].ends == ends)
			return p->fds[i].fd;
	must(p->nfds < MOST);
	if (fd < 0)
		fd = (int)p->nfds + 3;
	p->fds[p->nfds++] = (struct held_fd){fd, object, ends};
	return fd;
}

static unsigned ends_of(const char *text, const char **rest)
{
	if (starts(text, "rw:", rest))
		return END_BOTH;
	if (starts(text, "r:", rest))
		return END_READ;
	return starts(text, "w:", rest) ? END_WRITE : 0;
}

/* ---- waits ---- */

/** Ends that a descriptor for a wait on OBJECT has: sockets, terminals and the like are open both ways. */
static unsigned own_ends(const struct draft *d, int object, unsigned way)
{
	return d->objects.at[object].kind == OBJECT_PIPE ? way : END_BOTH;
}

static void wait_on(struct draft *d, struct process *p, struct wait *w, const char *name, unsigned way)
{
	struct wait_target *on = &w->on[w->non++];
	unsigned ends;

	must(w->non <= MOST);
	if (strcmp(name, "closed") == 0) {
		*on = (struct wait_target){-1, way, 9};
		return;
	}
	on->object = object_of(d, name);
	on->way = way;
	ends = own_ends(d, on->object, way);
	for (size_t i = 0; i < p->nfds; i++) {
		if (p->fds[i].object == on->object && (p->fds[i].ends & ends) == ends) {
			on->fd = p->fds[i].fd;
			return;
		}
	}
	on->fd = hold(p, on->object, ends, -1);
}

static void set_fds(struct draft *d, struct process *p, struct wait *w, const char *call, char *args)
{
	unsigned way = strcmp(call, "write") == 0 ? END_WRITE : END_READ;
	bool poll = strcmp(call, "poll") == 0;
	char *save;

	w->op = WAIT_FDS;
	w->why = strcmp(call, "epoll") == 0 ? "epoll_wait" : strcmp(call, "write") == 0 || poll ? arena_strdup(d->a, call) : "read";
	w->on = arena_array(d->a, MOST, sizeof *w->on);
	for (char *arg = strtok_r(args, ",", &save); arg; arg = strtok_r(NULL, ",", &save)) {
		const char *name = arg;

		if (poll)
			way = ends_of(arg, &name);
		wait_on(d, p, w, name, way);
	}
}

static void set_child(struct draft *d, struct process *p, struct wait *w, bool any, char *args)
{
	char *save;

	w->op = WAIT_CHILD;
	w->any = any;
	w->pids = arena_array(d->a, MOST, sizeof *w->pids);
	for (char *arg = strtok_r(args, ",", &save); arg; arg = strtok_r(NULL, ",", &save)) {
		w->pids[w->npids++] = number(arg);
		add_kid(p, number(arg));
	}
}

static void set_futex(struct draft *d, struct wait *w, char *args)
{
	const char *value;
	char *save;

	w->op = WAIT_FUTEX;
	for (char *arg = strtok_r(args, ",", &save); arg; arg = strtok_r(NULL, ",", &save)) {
		if (starts(arg, "owner=", &value))
			w->owner = w->owner_word = number(value);
		else if (starts(arg, "word=", &value))
			w->owner_word = number(value);
		else if (starts(arg, "join=", &value))
			w->join = number(value);
		else if (starts(arg, "shm=", &value))
			w->key = arena_strdup(d->a, value);
		else if (starts(arg, "gil=", &value)) {
			w->gil = true;
			w->owner = number(value);
		} else if (strcmp(arg, "named") == 0)
			w->named = true;
		else if (strcmp(arg, "random") == 0)
			w->named = w->random = true;
		else if (strcmp(arg, "outside") == 0)
			w->outside = true;
		else
			fail_msg("snap: futex(%s)?", arg);
	}
}

static bool set_plain(struct draft *d, struct wait *w, const char *call, const char *args)
{
	static const struct {
		const char *word;
		enum wait_op op;
	} rows[] = {
		{"run", WAIT_RUN},	 {"dead", WAIT_DEAD},	   {"vfork", WAIT_VFORK}, {"pause", WAIT_SIGNAL},
		{"sigwait", WAIT_SIGNAL}, {"stop", WAIT_STOPPED}, {"traced", WAIT_TRACED}, {"sleep", WAIT_SLEEP},
		{"flock", WAIT_FLOCK},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(call, rows[i].word) != 0)
			continue;
		w->op = rows[i].op;
		w->why = w->op == WAIT_RUN && *args ? arena_strdup(d->a, args) : NULL;
		w->takes_alarm = w->op == WAIT_SIGNAL && strcmp(args, "alrm") == 0;
		w->tty = w->op == WAIT_STOPPED && strcmp(args, "tty") == 0;
		w->tracer = w->op == WAIT_TRACED ? number(args) : 0;
		w->timeout_ns = w->op == WAIT_SLEEP && *args ? seconds(args) : NEVER_NS;
		w->key = w->op == WAIT_FLOCK && *args ? arena_strdup(d->a, args) : NULL;
		return true;
	}
	return false;
}

static void set_wait(struct draft *d, struct process *p, struct task *t, char *word)
{
	char none[1] = "", *args = strchr(word, '('), *end = args ? strrchr(args, ')') : NULL;
	struct wait *w = &t->wait;

	if (end) {
		*args++ = '\0';
		*end = '\0';
	} else {
		args = none;
	}
	w->timeout_ns = NEVER_NS;
	t->call = arena_strdup(d->a, word);
	if (set_plain(d, w, word, args))
		return;
	if (strcmp(word, "wait4") == 0 || strcmp(word, "waitany") == 0)
		set_child(d, p, w, word[4] == 'a', args);
	else if (strcmp(word, "futex") == 0)
		set_futex(d, w, args);
	else
		set_fds(d, p, w, word, args);
}

/* ---- words behind a task ---- */

static void set_argv(struct draft *d, struct process *p, const char *list)
{
	char *copy = arena_strdup(d->a, list), *save;
	size_t n = 0;

	for (char *arg = strtok_r(copy, ",", &save); arg; arg = strtok_r(NULL, ",", &save))
		p->argv[n++] = arg;
}

static bool set_process_word(struct draft *d, struct process *p, const char *word)
{
	const char *v;

	if (strcmp(word, "chld") == 0)
		p->catches_chld = true;
	else if (strcmp(word, "timers") == 0)
		p->posix_timers = true;
	else if (strcmp(word, "filesignals") == 0)
		p->file_signals = true;
	else if (strcmp(word, "mourns") == 0)
		p->mourns = true;
	else if (strcmp(word, "dark") == 0)
		p->readable = false;
	else if (strcmp(word, "forked") == 0)
		p->forked = true;
	else if (starts(word, "alrm=", &v))
		p->alarm_use = *v == 'n' ? ALARM_IGNORED : *v == 'c' ? ALARM_CAUGHT : ALARM_MAYBE;
	else if (starts(word, "alarm=", &v))
		p->alarm_ns = seconds(v);
	else if (strcmp(word, "heard") == 0)
		p->alarm_heard = true;
	else if (strcmp(word, "deaths") == 0)
		p->deaths_heard = true;
	else if (starts(word, "vm=", &v))
		p->vm = number(v);
	else if (starts(word, "shm=", &v))
		p->shm[p->nshm++] = arena_strdup(d->a, v);
	else if (starts(word, "lock=", &v))
		p->locks[p->nlocks++] = arena_strdup(d->a, v);
	else if (starts(word, "tracer=", &v))
		p->tracer = number(v);
	else if (starts(word, "parent=", &v))
		p->ppid = number(v);
	else if (starts(word, "argv=", &v))
		set_argv(d, p, v);
	else if (starts(word, "test=", &v))
		p->test = arena_strdup(d->a, v);
	else
		return false;
	return true;
}

static void set_task_word(struct draft *d, struct process *p, struct task *t, const char *word)
{
	const char *equal = strchr(word, '='), *held = word, *name;
	int fd = -1;
	unsigned ends;

	if (word[0] >= '0' && word[0] <= '9' && equal) {
		fd = number(word);
		held = equal + 1;
	}
	ends = ends_of(held, &name);
	if (ends)
		hold(p, object_of(d, name), ends, fd);
	else if (starts(word, "idle=", &name))
		t->wait.idle = arena_strdup(d->a, name);
	else if (strcmp(word, "kids") == 0)
		t->wait.has_kids = true;
	else if (starts(word, "serves=", &name))
		t->wait.serves = arena_strdup(d->a, name);
	else if (starts(word, "timeout=", &name))
		t->wait.timeout_ns = seconds(name);
	else if (starts(word, "moved=", &name))
		t->moved_ns = seconds(name);
	else if (!set_process_word(d, p, word) && strcmp(word, "full") != 0)
		fail_msg("snap: \"%s\"?", word);
}

/** Words first, for they may say which descriptor the wait is on; of the wait itself a timeout comes after it. */
static void add_task(struct draft *d, const char *id, char **words, size_t n)
{
	const char *slash = strchr(id, '/');
	struct task t = {.tid = number(id), .pid = number(slash ? slash + 1 : id), .comm = "prog", .state = 'S'};
	struct process *p = process_of(d, t.pid);

	if (n == 0)
		fail_msg("snap: %s has no wait", id);
	for (size_t i = 1; i < n; i++)
		set_task_word(d, p, &t, words[i]);
	set_wait(d, p, &t, words[0]);
	for (size_t i = 1; i < n; i++)
		if (strncmp(words[i], "timeout=", 8) == 0)
			set_task_word(d, p, &t, words[i]);
	vec_push(&d->tasks, t);
	if (!d->s->root)
		d->s->root = t.pid;
}

/* ---- objects and the rest ---- */

static void set_watch(struct draft *d, int object, const char *list)
{
	struct watch_item *watch = arena_array(d->a, MOST, sizeof *watch);
	char *copy = arena_strdup(d->a, list), *save;
	size_t n = 0;

	for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		const char *name = item;
		unsigned way = ends_of(item, &name);

		watch[n++] = (struct watch_item){object_of(d, name), way};
	}
	d->objects.at[object].watch = watch;
	d->objects.at[object].nwatch = n;
}

static void set_object_word(struct draft *d, int object, const char *word)
{
	struct object *o = &d->objects.at[object];
	const char *v;

	if (starts(word, "outside=", &v))
		o->outside = (strchr(v, 'r') ? END_READ : 0) | (strchr(v, 'w') ? END_WRITE : 0);
	else if (strcmp(word, "peer=gone") == 0)
		o->peer = PEER_GONE;
	else if (starts(word, "pid=", &v))
		o->pid = number(v);
	else if (strcmp(word, "named") == 0)
		o->named = true;
	else if (strcmp(word, "listener") == 0)
		o->listener = true;
	else if (strcmp(word, "datagram") == 0)
		o->datagram = true;
	else if (strcmp(word, "private") == 0)
		o->private = true;
	else if (strcmp(word, "scatters") == 0)
		o->scatters = true;
	else if (strcmp(word, "transit") == 0)
		o->transit = true;
	else if (strcmp(word, "armed") == 0)
		o->armed = true;
	else if (strcmp(word, "alrm") == 0)
		o->takes_alarm = true;
	else if (strcmp(word, "vtime") == 0)
		o->read_timer = true;
	else if (strcmp(word, "inflight") == 0)
		vec_push(&d->inflight, object);
	else if (starts(word, "watch=", &v))
		set_watch(d, object, v);
	else if (!starts(word, "peer=", &v))
		fail_msg("snap: \"%s\"?", word);
	else { /* peers know each other; object_of() may move the array */
		int peer = object_of(d, v);

		d->objects.at[object].peer = peer;
		d->objects.at[peer].peer = object;
	}
}

static void add_line(struct draft *d, char *line)
{
	char *words[MOST], *save;
	size_t n = 0;

	for (char *w = strtok_r(line, " \t", &save); w && n < MOST; w = strtok_r(NULL, " \t", &save))
		words[n++] = w;
	if (n == 0)
		return;
	if (words[0][0] >= '0' && words[0][0] <= '9') {
		add_task(d, words[0], words + 1, n - 1);
	} else if (strcmp(words[0], "stray") == 0) {
		vec_push(&d->strays, arena_strdup(d->a, words[1]));
	} else if (strcmp(words[0], "locks") == 0) {
		for (size_t i = 2; i < n; i++)
			vec_push(&d->locks, (struct lock_holder){arena_strdup(d->a, words[1]), number(words[i])});
	} else if (strcmp(words[0], "alarms") == 0) {
		d->s->alarms_known = false;
	} else if (strcmp(words[0], "others") == 0) {
		d->s->begun_by_others = true;
	} else if (strcmp(words[0], "away") == 0) {
		vec_push(&d->inflight, -1);
	} else if (strcmp(words[0], "hidden") == 0) {
		d->s->hidden_holders = true;
	} else if (strcmp(words[0], "root") == 0) {
		d->s->root = number(words[1]);
	} else {
		int object = object_of(d, words[0]);

		for (size_t i = 1; i < n; i++)
			set_object_word(d, object, words[i]);
	}
}

static void note_strays(const struct draft *d, struct snapshot *s)
{
	for (size_t i = 0; i < s->ntasks; i++)
		for (size_t k = 0; k < d->strays.n; k++)
			if (s->tasks[i].wait.op == WAIT_FLOCK && strcmp(s->tasks[i].wait.key, d->strays.at[k]) == 0)
				s->tasks[i].wait.outside = true;
}

static void finish(struct draft *d)
{
	struct snapshot *s = d->s;
	struct err err = {0};

	for (size_t i = 0; i < d->procs.n; i++)
		if (d->procs.at[i].ppid)
			add_kid(process_of(d, d->procs.at[i].ppid), d->procs.at[i].pid);
	s->procs = arena_memdup(d->a, d->procs.at, d->procs.n * sizeof *s->procs);
	s->nprocs = d->procs.n;
	s->tasks = arena_memdup(d->a, d->tasks.at, d->tasks.n * sizeof *s->tasks);
	s->ntasks = d->tasks.n;
	s->objects = arena_memdup(d->a, d->objects.at, d->objects.n * sizeof *s->objects);
	s->nobjects = d->objects.n;
	s->locks = arena_memdup(d->a, d->locks.at, d->locks.n * sizeof *s->locks);
	s->nlocks = d->locks.n;
	note_strays(d, s);
	s->inflight = arena_memdup(d->a, d->inflight.at, d->inflight.n * sizeof *s->inflight);
	s->ninflight = d->inflight.n;
	vec_free(&d->procs);
	vec_free(&d->tasks);
	vec_free(&d->objects);
	vec_free(&d->locks);
	vec_free(&d->strays);
	vec_free(&d->inflight);
	if (snapshot_index(s, &err))
		fail_msg("snap: %s", err.text);
}

struct snapshot *snap(const char *text)
{
	struct snapshot *s = snapshot_new();
	struct draft d = {.s = s, .a = s->arena};
	char *copy = arena_strdup(s->arena, text), *save;

	s->taken_ns = 1000 * NS_PER_S;
	s->alarms_known = true;
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		add_line(&d, line);
	finish(&d);
	return s;
}
