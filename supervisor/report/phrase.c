/* What a task waits for, in the words that stand behind its name. */
#include <string.h>

#include "report/facts.h"

/** "pipe:[4711]", "terminal /dev/pts/3": a name that says what it is stands alone. */
static void add_object(struct text *out, const struct finding_object *o)
{
	if (!o->name || (strncmp(o->name, "pipe:[", 6) != 0 && strncmp(o->name, "socket:[", 8) != 0))
		text_addf(out, "%s ", word_thing(o));
	word_name(out, o);
}

/** "stdout (fd 1), pipe:[4711]", "pipe:[4711] (fd 7)"; FALLBACK when the object is not known. */
static void add_target(struct text *out, const struct finding *f, const struct blocked *b, const char *fallback)
{
	const struct finding_object *o = fact_object(f, b->object);
	const char *stream = word_stream(b->fd);

	if (stream)
		text_addf(out, "%s (fd %d), ", stream, b->fd);
	if (o)
		add_object(out, o);
	else
		text_add(out, fallback);
	if (!stream && b->fd >= 0)
		text_addf(out, " (fd %d)", b->fd);
}

/** The processes that B waits for, without its own where there are others: threads of an event loop's own are its helpers. */
static void add_waited(struct text *out, const struct finding *f, const struct blocked *b)
{
	pids_vec others = {0};

	for (size_t i = 0; i < b->nwaits_for_pids; i++)
		if (b->nwaits_for_pids == 1 || b->waits_for_pids[i] != b->pid)
			vec_push(&others, b->waits_for_pids[i]);
	word_list(out, f, others.at, others.n);
	vec_free(&others);
}

static void add_child(struct text *out, const struct finding *f, const struct blocked *b)
{
	text_add(out, "waits for ");
	if (b->nwaits_for_pids > 1)
		text_add(out, "the first of ");
	if (b->nwaits_for_pids)
		add_waited(out, f, b);
	else
		text_add(out, "a child");
	text_add(out, " to end");
}

/** @return false: nothing is known of it but that it is one. */
static bool add_known_lock(struct text *out, const struct finding *f, const struct blocked *b)
{
	const struct lock_wait *l = fact_lock(f, b);

	if (!l)
		return false;
	if (!l->nowners) {
		if (l->kind == LOCK_PARKED || l->kind == LOCK_JOIN)
			return false;
		text_addf(out, "waits for the %s", word_lock(l));
		if (l->owner_gone)
			text_add(out, ", whose owner is no thread of this process: it was held when this was forked");
		return true;
	}
	text_add(out, "waits for ");
	if (l->kind != LOCK_JOIN)
		text_addf(out, "the %s held by ", word_lock(l));
	for (size_t i = 0; i < l->nowners && i < LIST_MOST; i++) {
		text_add(out, i ? ", " : "");
		word_thread(out, f, b->pid, l->owners[i].pid, l->owners[i].tid);
	}
	if (l->kind == LOCK_JOIN)
		text_add(out, " to end");
	return true;
}

static void add_lock(struct text *out, const struct finding *f, const struct blocked *b)
{
	if (add_known_lock(out, f, b))
		return;
	if (fact_is_file_lock(b)) {
		text_add(out, "waits for a file lock");
		if (b->nwaits_for_pids) {
			text_add(out, " of ");
			add_waited(out, f, b);
		}
		return;
	}
	if (b->nwaits_for_pids == 1 && b->waits_for_pids[0] == b->pid) {
		text_add(out, "waits for a lock, queue or event of ");
		if (b->nwaits_for == 1)
			text_addf(out, "its thread %d", (int)b->waits_for[0]);
		else
			text_add(out, "its other threads");
	} else if (b->nwaits_for_pids) {
		text_add(out, "waits for a lock or semaphore shared with ");
		add_waited(out, f, b);
	} else {
		text_add(out,
			 finding_is_stall(f) ? "waits for a lock" : "waits for a lock that nobody is left to release");
	}
}

static void add_socket(struct text *out, const struct finding *f, const struct blocked *b)
{
	const struct finding_object *o = fact_object(f, b->object);

	if (o && o->listener) {
		text_add(out, "waits for somebody to connect to ");
		add_target(out, f, b, "a socket");
		return;
	}
	text_add(out, "waits for a message");
	if (b->nwaits_for_pids) {
		text_add(out, " from ");
		add_waited(out, f, b);
	}
	if (fact_is_socket(o)) {
		text_add(out, " on ");
		add_target(out, f, b, "");
	}
}

static void add_loop(struct text *out, const struct finding *f, const struct blocked *b)
{
	text_add(out, "its event loop waits for ");
	if (!b->nwaits_for_pids || (b->nwaits_for_pids == 1 && b->waits_for_pids[0] == b->pid)) {
		text_add(out, finding_is_stall(f) ? "events" : "an event that nobody is left to cause");
		return;
	}
	if (b->role == ROLE_LOOP_EOF)
		text_add(out, "data or the end of a pipe from ");
	else if (b->role == ROLE_LOOP_SOCKET)
		text_add(out, "a message from ");
	add_waited(out, f, b);
	if (b->role == ROLE_LOOP_CHILD)
		text_add(out, " to end");
}

static void add_other(struct text *out, const struct blocked *b)
{
	if (!b->call || !*b->call)
		text_add(out, "runs, or its wait is not known");
	else if (strstr(b->call, "nanosleep"))
		text_add(out, "sleeps");
	else
		text_addf(out, "waits in %s", b->call);
}

static void add_timeout(struct text *out, int64_t timeout_ns)
{
	int64_t s = timeout_ns / NS_PER_S;

	if (timeout_ns == NEVER_NS)
		return;
	if (s < 120)
		text_addf(out, " (up to %.1f s)", (double)timeout_ns / (double)NS_PER_S);
	else if (s < 7200)
		text_addf(out, " (up to %lld min)", (long long)(s + 30) / 60);
	else
		text_addf(out, " (up to %lld h)", (long long)(s + 1800) / 3600);
}

/** What follows "a". */
static const char *fork_lock_word(const struct finding *f, const struct blocked *b)
{
	const struct lock_wait *l = fact_lock(f, b);

	return !l ? " lock" : l->kind == LOCK_RLOCK ? "n RLock" : l->kind == LOCK_MUTEX ? " mutex" : " lock";
}

static void add_by_role(struct text *out, const struct finding *f, const struct blocked *b)
{
	switch (b->role) {
	case ROLE_FULL:
		text_add(out, "waits for room in ");
		add_target(out, f, b, "a pipe");
		break;
	case ROLE_EOF:
		text_add(out, "waits for data or the end of ");
		add_target(out, f, b, "a pipe");
		break;
	case ROLE_TTY_READ:
		text_add(out, "waits for input from ");
		add_target(out, f, b, "its terminal");
		break;
	case ROLE_TTY:
		text_add(out, "was stopped when it used its terminal from the background");
		break;
	case ROLE_STOPPED:
		text_add(out, "is stopped and waits for SIGCONT");
		break;
	case ROLE_FORK_LOCK:
		text_addf(out, "waits for a%s that was held when it was forked", fork_lock_word(f, b));
		break;
	case ROLE_LOCK:
		add_lock(out, f, b);
		break;
	case ROLE_SOCKET:
		add_socket(out, f, b);
		break;
	case ROLE_JOIN:
		text_add(out, "waits for its thread ");
		if (b->nwaits_for)
			text_addf(out, "%d ", (int)b->waits_for[0]);
		text_add(out, "to end");
		break;
	case ROLE_GIL:
		text_add(out, "waits for the interpreter's lock, which thread ");
		if (b->nwaits_for)
			text_addf(out, "%d ", (int)b->waits_for[0]);
		text_add(out, "keeps");
		break;
	case ROLE_SIGNAL:
		text_add(out,
			 finding_is_stall(f) ? "waits for a signal" : "waits for a signal that nobody is left to send");
		break;
	case ROLE_CHILD:
		add_child(out, f, b);
		break;
	case ROLE_LOOP:
	case ROLE_LOOP_CHILD:
	case ROLE_LOOP_EOF:
	case ROLE_LOOP_SOCKET:
		add_loop(out, f, b);
		break;
	case ROLE_OTHER:
	case ROLE_COUNT:
		add_other(out, b);
		break;
	}
}

void phrase_wait(struct text *out, const struct finding *f, const struct blocked *b)
{
	add_by_role(out, f, b);
	add_timeout(out, b->timeout_ns);
}

static const char *short_of(const struct blocked *b)
{
	switch (b->role) {
	case ROLE_FULL:
		return "waits for room to write itself";
	case ROLE_TTY:
	case ROLE_STOPPED:
		return "is stopped";
	case ROLE_FORK_LOCK:
	case ROLE_LOCK:
		return fact_is_file_lock(b) ? "waits for a file lock" : "waits for a lock";
	case ROLE_EOF:
		return "waits for data or the end of another pipe";
	case ROLE_TTY_READ:
		return "waits for input from a terminal";
	case ROLE_SOCKET:
	case ROLE_LOOP_SOCKET:
		return "waits for a message on a socket";
	case ROLE_JOIN:
		return "waits for one of its threads to end";
	case ROLE_GIL:
		return "waits for the interpreter's lock";
	case ROLE_SIGNAL:
		return "waits for a signal that nobody is left to send";
	case ROLE_CHILD:
		return "waits for a child to end";
	case ROLE_LOOP:
	case ROLE_LOOP_CHILD:
	case ROLE_LOOP_EOF:
		return "waits in its event loop for something else";
	case ROLE_OTHER:
	case ROLE_COUNT:
		break;
	}
	return "waits for something else";
}

void phrase_wait_short(struct text *out, const struct finding *f, const struct blocked *b)
{
	if (!fact_awaits_end(b) || b->nwaits_for_pids != 1) {
		text_add(out, short_of(b));
		return;
	}
	text_add(out, "waits for ");
	word_who(out, f, b->waits_for_pids[0]);
	text_add(out, " to end");
}
