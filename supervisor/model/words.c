/* Names of kinds, waits and roles: the vocabulary of saved snapshots, findings and reports. */
#include <string.h>

#include "model/words.h"

static const char *const object_kinds[] = {
	[OBJECT_UNKNOWN] = "unknown",   [OBJECT_FILE] = "file",	    [OBJECT_PIPE] = "pipe",   [OBJECT_UNIX] = "unix",
	[OBJECT_TCP] = "tcp",		[OBJECT_EVENTFD] = "eventfd", [OBJECT_TIMERFD] = "timerfd",
	[OBJECT_SIGNALFD] = "signalfd", [OBJECT_PIDFD] = "pidfd",   [OBJECT_EPOLL] = "epoll", [OBJECT_PTY] = "pty",
	[OBJECT_DEVICE] = "device",	[OBJECT_OTHER] = "other",   [OBJECT_UDP] = "udp",
};

static const char *const wait_ops[] = {
	[WAIT_RUN] = "run",     [WAIT_FDS] = "fds",	    [WAIT_CHILD] = "child",   [WAIT_VFORK] = "vfork",
	[WAIT_SLEEP] = "sleep", [WAIT_FUTEX] = "futex",	    [WAIT_FLOCK] = "flock",   [WAIT_SIGNAL] = "signal",
	[WAIT_STOPPED] = "stopped", [WAIT_TRACED] = "traced", [WAIT_DEAD] = "dead",
};

static const char *const alarm_uses[] = {
	[ALARM_IGNORED] = "no",
	[ALARM_MAYBE] = "maybe",
	[ALARM_CAUGHT] = "caught",
};

static const char *const finding_kinds[] = {
	[FINDING_PIPE_FULL] = "pipe-full", [FINDING_PIPE_EOF] = "pipe-eof",	[FINDING_LOCK] = "lock",
	[FINDING_FORK_LOCK] = "fork-lock", [FINDING_SOCKET] = "socket",		[FINDING_CHILD_WAIT] = "child-wait",
	[FINDING_TTY] = "tty",		   [FINDING_STOPPED] = "stopped",	[FINDING_DEADLOCK] = "deadlock",
	[FINDING_STALL] = "stall",	   [FINDING_BUSY] = "busy",
	[FINDING_BACKPRESSURE] = "backpressure",	   [FINDING_LEAKED_PROCESS] = "leaked-process",
	[FINDING_ZOMBIE] = "zombie",	   [FINDING_LEAKED_LISTENER] = "leaked-listener",
	[FINDING_STALE_SOCKET] = "stale-socket", [FINDING_LEAKED_SHM] = "leaked-shm",
	[FINDING_PORT_HELD] = "port-held",
};

static const char *const event_kinds[] = {
	"start", "fork", "exec", "exec-failed", "spawn", "spawned", "exit", "bind", "listen", "alarm", "timer", "pdeathsig", "test",
};
static const char *const roles[ROLE_COUNT] = {
	[ROLE_FULL] = "full",		  [ROLE_TTY] = "tty",	   [ROLE_STOPPED] = "stopped",
	[ROLE_FORK_LOCK] = "fork-lock",	  [ROLE_LOCK] = "lock",	   [ROLE_EOF] = "eof",
	[ROLE_TTY_READ] = "tty-read",	  [ROLE_SOCKET] = "socket", [ROLE_LOOP_SOCKET] = "loop+socket",
	[ROLE_LOOP_EOF] = "loop+eof",	  [ROLE_JOIN] = "join",	   [ROLE_SIGNAL] = "signal",
	[ROLE_CHILD] = "child",		  [ROLE_LOOP_CHILD] = "loop+child", [ROLE_LOOP] = "loop",
	[ROLE_OTHER] = "other",	  [ROLE_GIL] = "interpreter-lock",
};

static const char *word_of(const char *const *words, size_t n, size_t i)
{
	return i < n ? words[i] : "?";
}

static bool find_word(const char *const *words, size_t n, const char *word, size_t *i)
{
	for (*i = 0; *i < n; ++*i)
		if (strcmp(words[*i], word) == 0)
			return true;
	return false;
}

const char *object_kind_name(enum object_kind kind)
{
	return word_of(object_kinds, ARRAY_SIZE(object_kinds), kind);
}

enum object_kind object_kind_of_word(const char *word)
{
	size_t i;

	if (strcmp(word, "fifo") == 0)
		return OBJECT_PIPE;
	return find_word(object_kinds, ARRAY_SIZE(object_kinds), word, &i) ? (enum object_kind)i : OBJECT_OTHER;
}

const char *wait_op_word(enum wait_op op)
{
	return word_of(wait_ops, ARRAY_SIZE(wait_ops), op);
}

bool wait_op_of_word(const char *word, enum wait_op *op)
{
	size_t i;
	bool found = find_word(wait_ops, ARRAY_SIZE(wait_ops), word, &i);

	if (found)
		*op = (enum wait_op)i;
	return found;
}

const char *alarm_use_word(enum alarm_use use)
{
	return word_of(alarm_uses, ARRAY_SIZE(alarm_uses), use);
}

bool alarm_use_of_word(const char *word, enum alarm_use *use)
{
	size_t i;
	bool found = find_word(alarm_uses, ARRAY_SIZE(alarm_uses), word, &i);

	if (found)
		*use = (enum alarm_use)i;
	return found;
}

const char *finding_kind_name(enum finding_kind kind)
{
	return word_of(finding_kinds, ARRAY_SIZE(finding_kinds), kind);
}

const char *event_kind_name(enum event_kind kind)
{
	return word_of(event_kinds, ARRAY_SIZE(event_kinds), kind);
}

const char *role_name(enum role role)
{
	return word_of(roles, ARRAY_SIZE(roles), role);
}

bool finding_kind_of_word(const char *word, enum finding_kind *kind)
{
	size_t i;
	bool found = find_word(finding_kinds, ARRAY_SIZE(finding_kinds), word, &i);

	if (found)
		*kind = (enum finding_kind)i;
	return found;
}

bool role_of_word(const char *word, enum role *role)
{
	size_t i;
	bool found = find_word(roles, ARRAY_SIZE(roles), word, &i);

	if (found)
		*role = (enum role)i;
	return found;
}

bool finding_is_leak(const struct finding *f)
{
	return f->kind >= FINDING_LEAKED_PROCESS;
}

static const char *const leak_owners[] = {[OWNER_RUN] = "run", [OWNER_EARLIER] = "earlier", [OWNER_OTHER] = "other"};

const char *leak_owner_name(enum leak_owner owner)
{
	return word_of(leak_owners, ARRAY_SIZE(leak_owners), owner);
}

bool leak_owner_of_word(const char *word, enum leak_owner *owner)
{
	size_t i;
	bool found = find_word(leak_owners, ARRAY_SIZE(leak_owners), word, &i);

	if (found)
		*owner = (enum leak_owner)i;
	return found;
}

static const char *const outcomes[] = {
	[OUTCOME_PASS] = "pass",   [OUTCOME_FAIL] = "fail",		  [OUTCOME_HANG] = "hang",
	[OUTCOME_STALL] = "stall", [OUTCOME_INTERRUPTED] = "interrupted", [OUTCOME_ERROR] = "error",
};

const char *outcome_name(enum outcome o)
{
	return o < ARRAY_SIZE(outcomes) ? outcomes[o] : "error";
}

bool outcome_of_word(const char *word, enum outcome *o)
{
	size_t i;
	bool found = find_word(outcomes, ARRAY_SIZE(outcomes), word, &i);

	if (found)
		*o = (enum outcome)i;
	return found;
}

/* ---- stacks ---- */

const char *stack_quality_name(enum stack_quality quality)
{
	static const char *const names[] = {"none", "exact", "moving", "partial"};

	return names[quality];
}

const char *frame_owner_name(enum frame_owner owner)
{
	static const char *const names[] = {"own", "library", "runner", "glue"};

	return names[owner];
}

const char *lock_kind_name(enum lock_kind kind)
{
	static const char *const names[] = {"", "Lock", "RLock", "multiprocessing lock", "join", "GIL", "mutex", "parked"};

	return names[kind];
}

bool finding_is_stall(const struct finding *f)
{
	return f->kind == FINDING_STALL || f->kind == FINDING_BUSY || f->kind == FINDING_BACKPRESSURE;
}
