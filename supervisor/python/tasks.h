/* Private to python/: what tasks*.c share. Coroutines are followed by what they await; which of them a task runs, its library
 * knows. */
#ifndef TRACEWRAP_PYTHON_TASKS_H
#define TRACEWRAP_PYTHON_TASKS_H

#include "python/state.h"

/* Of one process. Beyond these the list is cut, and says so. */
enum {
	TASKS_MOST = 20000,
	TASKS_MOST_OBJECTS = 3000000,
	TASKS_MOST_GENERATORS = 1000000,
	TASKS_MOST_FRAMES = 60000, /* of all tasks together */
	TASKS_MOST_EDGES = 1000,   /* of one task */
};

enum task_class {
	CLASS_OTHER,
	CLASS_COROUTINE,
	CLASS_ASYNC_GENERATOR,
	CLASS_GENERATOR,
	CLASS_ASYNCIO,    /* _asyncio.Task, and what is derived from it */
	CLASS_PY_ASYNCIO, /* asyncio.tasks.Task as written in Python */
	CLASS_TRIO,
};

/** A coroutine, generator or async generator that is not done. */
struct coro {
	uint64_t at;
	enum task_class class;
	enum py_gen_state state;
	uint64_t next; /* the coroutine or generator that it awaits; 0: none of these */
	bool taken;    /* another awaits it, or a task runs it */
};

/** An object of a task class. */
struct task_object {
	uint64_t at;
	enum task_class class;
};

/** A future that some descriptor's callback is to settle. */
struct watched {
	uint64_t loop, future;
	int fd;
	bool writes;
};

/** A task that is in an `async with` block. */
struct async_hold {
	uint64_t lock, task; /* the object in the block; 0: it has been given back */
};

struct type_slot {
	uint64_t type; /* 0: free */
	enum task_class class;
};

struct tasks {
	struct python *py;
	const struct python_tasks_limit *limit;
	const char *cut;
	bool over;              /* tasks_go_on() said so once */
	size_t steps;           /* calls of tasks_go_on() */
	size_t frames;          /* of all chains so far */
	size_t pages;           /* of the memory's budget, when the walk began */
	VEC(struct coro) coros; /* by address, once all are there */
	VEC(struct task_object) objects;
	VEC(struct watched) watched;
	VEC(uint64_t) loops; /* that were looked through for `watched` */
	VEC(struct async_hold) holds;
	bool holds_known;
	VEC(struct async_task) found;
	struct type_slot *types; /* open addressing, a power of two, at most 3/4 full */
	size_t ntypes, types_used;
	int task_coro; /* where _asyncio.Task has its coroutine; 0: not known yet, -1: not found */
};

/** One coroutine of a chain of awaits. */
struct link {
	uint64_t gen;
	struct py_frame frame;
	const char *function, *file; /* "" where they can't be read */
};

/** What a task rests in: innermost last here, as it is found from the task's own function on. */
struct chain {
	VEC(struct link) links;
	uint64_t end; /* the object that the innermost one awaits; 0: none */
	bool running;
};

/* ---- tasks.c ---- */
/** Is there time left? To be asked in each turn of a loop that a process has the length of; `cut` is set when not. */
bool tasks_go_on(struct tasks *t);
/** What became of `objects` and `coros`; all but the result is freed. */
size_t tasks_show(struct tasks *t, struct async_task **out);

/* ---- tasks_types.c ---- */
enum task_class task_class_of_type(struct tasks *t, uint64_t type); /* never 0 */
enum task_class task_class_of(struct tasks *t, uint64_t obj);
bool task_is_asyncio(struct tasks *t, uint64_t obj);

/* ---- tasks_walk.c ---- */
/** Fill `coros` and `objects` from the garbage collector's lists. */
void tasks_walk(struct tasks *t);
/** Put OBJ to those. CLASS: no CLASS_OTHER. */
void tasks_keep(struct tasks *t, uint64_t obj, enum task_class class);

/* ---- tasks_chain.c ---- */
/** What GEN awaits, out of the wrapper that it may lie in: a coroutine, a future, anything; 0: it does not await. */
uint64_t gen_delegates(struct python *py, uint64_t gen);
void tasks_link(struct tasks *t);
struct coro *tasks_coro(struct tasks *t, uint64_t at); /* NULL: none such */
/** Follow GEN inward. */
void chain_follow(struct tasks *t, uint64_t gen, struct chain *c);
void chain_free(struct chain *c);
/** Link I counted from the innermost outward; NULL beyond the end. */
const struct link *chain_inner(const struct chain *c, size_t i);
/** The frames as they are shown, innermost first. */
void chain_show(struct tasks *t, const struct chain *c, struct async_task *out);

/* ---- tasks_words.c ---- */
const char *own_name(const char *function); /* "wait" of "Event.wait" */
/** "Event.wait": the function of LINK, by the class of its own `self`. */
const char *link_words(struct python *py, const struct link *link);
/** Of the library's links from FROM outward, while INSIDE says so: the one by which the program called it. NULL: none is. */
const struct link *public_link(const struct chain *c, size_t from, bool (*inside)(const struct link *, const void *),
			       const void *of);
void add_edge(struct async_task *task, uint64_t to);
bool local_fd(struct python *py, const struct link *link, const char *name, int *fd);
pid_t pid_of(struct python *py, uint64_t number); /* an int object; 0: no pid */

/* ---- tasks_asyncio.c, tasks_asyncio_future.c, tasks_asyncio_locks.c, tasks_asyncio_waits.c, tasks_trio.c ---- */
/** The lists that asyncio keeps for debuggers from 3.14 on, into `objects`. */
void asyncio_lists(struct tasks *t);
/** Coroutine of a task; 0: it is over. */
uint64_t asyncio_coro(struct tasks *t, uint64_t task);
const char *asyncio_name(struct tasks *t, uint64_t task);
uint64_t asyncio_waiter(struct tasks *t, uint64_t task);
uint64_t asyncio_loop_of(struct python *py, uint64_t future);
/** What a future stands for. *TASK: the one that it hides; 0: none. */
const char *asyncio_future_words(struct tasks *t, uint64_t future, uint64_t *task);
/** AWAITS, and which tasks are in a block of LOCK. */
const char *asyncio_lock_words(struct tasks *t, const char *awaits, uint64_t lock, uint64_t waiter);
void asyncio_waits(struct tasks *t, const struct chain *c, uint64_t waiter, struct async_task *out);
bool asyncio_watched(struct tasks *t, uint64_t future, int *fd, bool *writes);

void trio_task(struct tasks *t, uint64_t task, struct async_task *out);
uint64_t trio_coro(struct tasks *t, uint64_t task);
void trio_waits(struct tasks *t, const struct chain *c, struct async_task *out);

#endif
