/* What a thread waits for in the user's words: not the lock inside of an Event, but the Event; not the Event inside of a Queue,
 * but the Queue. The functions of the standard library that it waits through tell, and their `self`.
 */
#include <string.h>

#include "python/locks.h"

enum { NAME_FRAMES = 12 };

/** Where FUNCTION of FILE has a `self` of MODULE.CLASS, that is what is waited for. Derived classes come before their bases. */
struct word {
	const char *file, *function, *module, *class, *type;
	bool held; /* somebody has it, and gives it back */
};
#define IMPORTING "<frozen importlib._bootstrap>"
#define THREADING(function, class) {"/threading.py", function, "threading", class, "threading." class, false}
#define QUEUE(function, class) {"/queue.py", function, "queue", class, "queue." class, false}
#define SHARED(file, function, class) \
	{"/multiprocessing/" file ".py", function, "multiprocessing." file, class, "multiprocessing." file "." class, false}
static const struct word words[] = {
	THREADING("wait", "Condition"),
	THREADING("wait_for", "Condition"),
	THREADING("wait", "Event"),
	THREADING("wait", "Barrier"),
	{"/threading.py", "acquire", "threading", "BoundedSemaphore", "threading.BoundedSemaphore", true},
	{"/threading.py", "acquire", "threading", "Semaphore", "threading.Semaphore", true},
	QUEUE("get", "LifoQueue"),
	QUEUE("get", "PriorityQueue"),
	QUEUE("get", "Queue"),
	QUEUE("put", "LifoQueue"),
	QUEUE("put", "PriorityQueue"),
	QUEUE("put", "Queue"),
	QUEUE("join", "LifoQueue"),
	QUEUE("join", "PriorityQueue"),
	QUEUE("join", "Queue"),
	SHARED("synchronize", "wait", "Condition"),
	SHARED("synchronize", "wait_for", "Condition"),
	SHARED("synchronize", "wait", "Event"),
	SHARED("queues", "get", "Queue"),
	SHARED("queues", "put", "Queue"),
	SHARED("queues", "join", "JoinableQueue"),
	SHARED("queues", "get", "SimpleQueue"),
	SHARED("queues", "put", "SimpleQueue"),
	{"/concurrent/futures/_base.py", "result", "concurrent.futures._base", "Future", "concurrent.futures.Future", false},
	{"/concurrent/futures/_base.py", "exception", "concurrent.futures._base", "Future", "concurrent.futures.Future", false},
	{IMPORTING, "acquire", "_frozen_importlib", "_ModuleLock", "import lock", true},
};
#undef THREADING
#undef QUEUE
#undef SHARED

static const struct word *word_of(struct python *py, const struct py_frame *f, uint64_t *self)
{
	uint64_t obj = py_local(py, f, "self");

	if (!obj)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (py_frame_is(py, f, words[i].file, words[i].function) &&
		    lock_is_a(py, obj, words[i].module, words[i].class)) {
			*self = obj;
			return &words[i];
		}
	}
	return NULL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && strcmp(text + n - k, end) == 0;
}

static bool is_library(struct python *py, const struct py_frame *f)
{
	const char *file = py_frame_file(py, f);

	if (!file)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (ends_with(file, words[i].file))
			return true;
	return false;
}

/* A lock of its own for each module (importlib/_bootstrap.py): `owner` is an ident, and only its thread's release() wakes
 * others. */
bool lock_of_import(struct python *py, uint64_t obj, int64_t *owner)
{
	return lock_is_a(py, obj, "_frozen_importlib", "_ModuleLock") && py_int(py, py_attr(py, obj, "owner"), owner);
}

static const char *type_of(struct python *py, const struct word *word, uint64_t self)
{
	char name[128];

	if (strcmp(word->file, IMPORTING) != 0 || !py_string(py, py_attr(py, self, "name"), name, sizeof name))
		return word->type;
	return arena_printf(py->arena, "import lock of %s", name);
}

uint64_t lock_name(struct locking *l, const struct lock_waiter *w, struct python_lock *out)
{
	struct py_frame f, outer;
	uint64_t self = 0;
	bool more = lock_first_frame(l->py, w->thread, &f);

	for (int i = 0; more && i < NAME_FRAMES && is_library(l->py, &f); i++, f = outer) {
		const struct word *word = word_of(l->py, &f, &self);

		if (word) {
			out->type = type_of(l->py, word, self);
			out->signal = !word->held;
		}
		more = py_frame_outer(l->py, &f, &outer, NULL);
	}
	return self;
}
