/* What the tracer or the listener has heard, on its way to the main thread. */
#include <stdlib.h>
#include <string.h>

#include "launch/trace.h"

struct heard {
	pthread_t main;
	pthread_mutex_t lock;
	VEC(struct change) changes;
	VEC(struct event) events;
	size_t next_change, next_event;
	int_vec listening;
	uint64_t last_id;
	_Atomic bool woken, urgent;
	char *text, *words; /* of the event that was handed out last */
};

struct heard *heard_new(pthread_t main)
{
	struct heard *h = mem_alloc(sizeof *h);

	h->main = main;
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

/** Most events wake nobody: the main thread looks for them in each of its rounds. Who binds may be gone by then, and with him the test
 *  that he was started in. */
static void wake(struct heard *h)
{
	if (!atomic_exchange(&h->woken, true) && pthread_kill(h->main, GUARD_HEARD))
		atomic_store(&h->woken, false); /* the queue of signals is full (RLIMIT_SIGPENDING): the next tick will do */
}

void heard_change(struct heard *h, struct change change)
{
	pthread_mutex_lock(&h->lock);
	vec_push(&h->changes, change);
	pthread_mutex_unlock(&h->lock);
	wake(h);
}

bool heard_next_change(struct heard *h, struct change *out)
{
	bool any;

	atomic_store(&h->woken, false); /* before the look: what comes behind it wakes again */
	pthread_mutex_lock(&h->lock);
	any = h->next_change < h->changes.n;
	if (any)
		*out = h->changes.at[h->next_change++];
	else
		h->changes.n = h->next_change = 0;
	pthread_mutex_unlock(&h->lock);
	return any;
}

static char *copy(const char *data, size_t len)
{
	char *out = mem_alloc(len + 1);

	if (len)
		memcpy(out, data, len);
	return out;
}

void heard_event(struct heard *h, struct event ev)
{
	ev.text = copy(ev.text ? ev.text : "", ev.text ? strlen(ev.text) : 0);
	ev.words = ev.words ? copy(ev.words, ev.words_len) : NULL;
	pthread_mutex_lock(&h->lock);
	ev.id = h->last_id++;
	vec_push(&h->events, ev);
	pthread_mutex_unlock(&h->lock);
	if (ev.kind == EVENT_BIND) {
		atomic_store(&h->urgent, true);
		wake(h);
	}
}

bool heard_urgent(struct heard *h)
{
	return atomic_exchange(&h->urgent, false);
}

bool heard_next_event(struct heard *h, struct event *out)
{
	bool any;

	free(h->text);
	free(h->words);
	h->text = h->words = NULL;
	pthread_mutex_lock(&h->lock);
	any = h->next_event < h->events.n;
	if (any)
		*out = h->events.at[h->next_event++];
	else
		h->events.n = h->next_event = 0;
	pthread_mutex_unlock(&h->lock);
	if (any) {
		memcpy(&h->text, &out->text, sizeof h->text);
		memcpy(&h->words, &out->words, sizeof h->words);
	}
	return any;
}

void heard_listens(struct heard *h, pid_t tid, bool listens)
{
	pthread_mutex_lock(&h->lock);
	if (listens)
		vec_push(&h->listening, tid);
	for (size_t i = 0; !listens && i < h->listening.n; i++)
		if (h->listening.at[i] == tid)
			h->listening.at[i] = h->listening.at[--h->listening.n];
	pthread_mutex_unlock(&h->lock);
}

bool heard_is_listening(struct heard *h, pid_t tid)
{
	bool found = false;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->listening.n && !found; i++)
		found = h->listening.at[i] == tid;
	pthread_mutex_unlock(&h->lock);
	return found;
}
