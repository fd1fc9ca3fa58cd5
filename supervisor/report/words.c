/* The reader's words for what a finding holds. Names from the run are made fit here. */
#include <stdio.h>
#include <string.h>

#include "report/facts.h"
#include "report/page.h"

const char *word_verdict(const struct finding *f)
{
	if (finding_is_leak(f))
		return "Left behind";
	if (finding_is_stall(f))
		return f->quiet_ns ? "No progress" : "Time is over";
	return f->certainty == PROVEN ? "HANG proven" : "Hang suspected";
}

const char *word_stream(int fd)
{
	static const char *const streams[] = {"stdin", "stdout", "stderr"};

	return fd >= 0 && (size_t)fd < ARRAY_SIZE(streams) ? streams[fd] : NULL;
}

const char *word_thing(const struct finding_object *o)
{
	if (o->kind == OBJECT_PIPE)
		return o->named ? "FIFO" : "pipe";
	if (o->kind == OBJECT_PTY)
		return "terminal";
	if (o->kind == OBJECT_UNIX || o->kind == OBJECT_TCP || o->kind == OBJECT_UDP)
		return "socket";
	return "file";
}

/* prove/ has the same bits in the prover's words; here they stand behind "rests on: ". */
const char *word_assumption(enum assumption bit)
{
	switch (bit) {
	case ASSUME_NO_OUTSIDE_SIGNAL:
		return "nobody outside this run sends a signal to one of its processes";
	case ASSUME_NO_OUTSIDE_CONNECT:
		return "nobody outside this run connects to a listening socket of it";
	case ASSUME_HORIZON:
		return "a timeout longer than a run may take is no way out";
	case ASSUME_NO_ALARM:
		return "no alarm (signal.alarm, setitimer) was set, which can't be seen here";
	case ASSUME_NO_FIFO_OPEN:
		return "nobody opens the FIFO by its name";
	case ASSUME_NO_SHM_OPEN:
		return "nobody opens the shared memory by its name";
	case ASSUME_LIVE_INERT:
		return "those who still move neither signal the stuck ones nor open their files";
	case ASSUME_SERVICE_THREADS:
		return "threads that serve one descriptor touch no other";
	case ASSUME_ALARMS_HEARD:
		return "alarms are set through the C library, where tracewrap hears them";
	case ASSUME_IDLE_WORKERS:
		return "idle helper threads of a library only end, or wait again, when their time is over";
	case ASSUME_NO_HIDDEN_HOLDER:
		return "no process that can't be looked at holds what is waited for";
	case ASSUME_NOBODY_AWAITED:
		return "the cause, which waits at an address that anybody can reach, waits for nobody outside this run";
	case ASSUME_NO_RANDOM_OPEN:
		return "nobody outside this run opens the lock by its random name";
	}
	return "something that has no name";
}

/* Signals of Linux x86-64, signal(7). */
const char *word_signal(int number, char buf[16])
{
	static const char *const names[] = {
		"0",    "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
		"SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
		"TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
	};

	if (number >= 0 && (size_t)number < ARRAY_SIZE(names))
		snprintf(buf, 16, "SIG%s", names[number]);
	else
		snprintf(buf, 16, "SIG%d", number);
	return buf;
}

static const char *label_of(const struct finding *f, pid_t pid)
{
	const struct blocked *b = fact_row(f, pid);

	if (b && b->label && *b->label)
		return b->label;
	for (size_t i = 0; i < f->nobjects; i++)
		for (size_t h = 0; h < f->objects[i].nholders; h++)
			if (f->objects[i].holders[h].pid == pid && f->objects[i].holders[h].label)
				return f->objects[i].holders[h].label;
	return "process";
}

/** Blanks would let a line break within a name. */
static void join_words(struct text *t, size_t from)
{
	for (size_t i = from; i < t->n; i++)
		if (t->at[i] == ' ')
			t->at[i] = '_';
}

void word_who(struct text *out, const struct finding *f, pid_t pid)
{
	size_t from = out->n;

	page_fit(out, label_of(f, pid), LABEL_MOST);
	join_words(out, from);
	text_addf(out, "[%d]", (int)pid);
}

void word_name(struct text *out, const struct finding_object *o)
{
	size_t from = out->n;

	page_fit_end(out, o->name && *o->name ? o->name : word_thing(o), NAME_MOST);
	join_words(out, from);
}

void word_list(struct text *out, const struct finding *f, const pid_t *pids, size_t n)
{
	size_t most = n > LIST_MOST + 1 ? LIST_MOST : n; /* "and 1 more" is no shorter than its name */

	for (size_t i = 0; i < most; i++) {
		if (i)
			text_add(out, i + 1 == n ? " and " : ", ");
		word_who(out, f, pids[i]);
	}
	if (n > most)
		text_addf(out, " and %zu more", n - most);
	if (n == 0)
		text_add(out, "nobody");
}

const char *word_lock(const struct lock_wait *l)
{
	bool inner = !l->type || strncmp(l->type, "_thread.", 8) == 0;

	switch (l->kind) {
	case LOCK_GIL:
		return "interpreter's lock (GIL)";
	case LOCK_PARKED:
		return "lock";
	case LOCK_NONE:
	case LOCK_LOCK:
	case LOCK_RLOCK:
	case LOCK_SEMLOCK:
	case LOCK_JOIN:
	case LOCK_MUTEX:
		break;
	}
	return inner ? lock_kind_name(l->kind) : l->type;
}

void word_thread(struct text *out, const struct finding *f, pid_t from, pid_t pid, pid_t tid)
{
	if (pid != from)
		word_who(out, f, pid);
	if (pid != from && tid != pid)
		text_addf(out, " (thread %d)", (int)tid);
	else if (pid == from && tid == pid)
		text_add(out, "the main thread");
	else if (pid == from)
		text_addf(out, "thread %d", (int)tid);
}
