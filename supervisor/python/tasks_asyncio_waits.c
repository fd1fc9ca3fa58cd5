/* What a task of asyncio waits for: the future that it rests in, and the functions of asyncio that made it rest there. */
#include <stdlib.h>
#include <string.h>

#include "python/tasks.h"

enum { SOCKET_FD = 8, MOST_LOOPS = 64, MOST_WATCHED = 1 << 17, MOST_ARGUMENTS = 8 };

/** A file of the standard library's package: ".../python3.11/asyncio/locks.py". */
static bool in_asyncio(const struct link *link, const void *unused)
{
	const char *slash = strrchr(link->file, '/'), *python;

	(void)unused;
	if (!slash || slash - link->file < 9 || strncmp(slash - 8, "/asyncio", 8) != 0)
		return false;
	for (python = slash - 8; python > link->file && python[-1] != '/';)
		python--;
	return !strncmp(python, "python3", 7);
}

static bool is_of(const struct link *link, const char *file, const char *function)
{
	const char *slash = strrchr(link->file, '/');

	return in_asyncio(link, NULL) && !strcmp(slash + 1, file) && !strcmp(own_name(link->function), function);
}

/** @return whether TASK is one that has not ended. */
static bool add_task(struct tasks *t, struct async_task *out, uint64_t task)
{
	if (!task_is_asyncio(t, task) || !asyncio_coro(t, task))
		return false;
	add_edge(out, task);
	return true;
}

static void add_tasks(struct tasks *t, struct async_task *out, uint64_t container)
{
	struct py_iter it = py_iter(t->py, container);

	for (size_t n = 0; n < TASKS_MOST_EDGES && py_next(t->py, &it); n++)
		add_task(t, out, it.value ? it.value : it.key);
}

/** By the future itself: a task, what gather() and shield() return. *PLAIN: it is none of these. */
static const char *waiter_words(struct tasks *t, uint64_t waiter, struct async_task *out, bool *plain)
{
	char type[64];
	uint64_t children, hidden;
	const char *words;

	*plain = false;
	if (task_is_asyncio(t, waiter)) {
		add_task(t, out, waiter);
		return arena_printf(t->py->arena, "Task '%s'", asyncio_name(t, waiter));
	}
	if (!py_type_name(t->py, waiter, type, sizeof type))
		return NULL;
	children = !strcmp(type, "_GatheringFuture") ? py_attr(t->py, waiter, "_children") : 0;
	if (children) {
		add_tasks(t, out, children);
		return arena_printf(t->py->arena, "gather of %zu", py_length(t->py, children));
	}
	words = asyncio_future_words(t, waiter, &hidden);
	*plain = !hidden;
	add_task(t, out, hidden);
	return words;
}

/** Functions of asyncio that wait for tasks by a future of their own. */
static void add_awaited(struct tasks *t, const struct link *link, struct async_task *out)
{
	struct python *py = t->py;

	if (is_of(link, "taskgroups.py", "__aexit__") || is_of(link, "taskgroups.py", "_aexit"))
		add_tasks(t, out, py_attr(py, py_local(py, &link->frame, "self"), "_tasks"));
	else if (is_of(link, "tasks.py", "_wait"))
		add_tasks(t, out, py_local(py, &link->frame, "fs"));
	else if (is_of(link, "tasks.py", "wait_for") || is_of(link, "tasks.py", "_cancel_and_wait"))
		add_task(t, out, py_local(py, &link->frame, "fut"));
}

/* ---- descriptors and children ---- */

/* sock_*() of the loop: `fd` is theirs, or that of the socket (PySocketSockObject, Modules/socketmodule.h: the number comes
 * first). */
static bool socket_call_fd(struct tasks *t, const struct link *link, struct async_task *out)
{
	const char *name = own_name(link->function), *slash = strrchr(link->file, '/');
	struct python *py = t->py;
	uint64_t sock;
	int fd;

	name += name[0] == '_';
	if (!in_asyncio(link, NULL) || strcmp(slash + 1, "selector_events.py") != 0 || strncmp(name, "sock_", 5) != 0)
		return false;
	if (!local_fd(py, link, "fd", &fd)) {
		sock = py_local(py, &link->frame, "sock");
		if (!py_base_named(py, py_type(py, sock), "_socket.socket"))
			return false;
		fd = (int)memory_u32(py->m, sock + (uint64_t)py->o.ob_type + SOCKET_FD);
	}
	if (fd < 0)
		return false;
	out->fd = fd;
	out->fd_writes = !strncmp(name, "sock_send", 9) || !strcmp(name, "sock_connect");
	return true;
}

/** A stream's reader or writer: by its transport, of a socket or of a pipe. */
static bool stream_fd(struct tasks *t, const struct link *link, struct async_task *out)
{
	struct python *py = t->py;
	bool writes = is_of(link, "streams.py", "drain");
	uint64_t transport;
	int64_t fd;

	if (!writes && !is_of(link, "streams.py", "_wait_for_data"))
		return false;
	transport = py_attr(py, py_local(py, &link->frame, "self"), "_transport");
	if (!py_int(py, py_attr(py, transport, "_sock_fd"), &fd) && !py_int(py, py_attr(py, transport, "_fileno"), &fd))
		return false;
	if (fd < 0 || fd > 1 << 20)
		return false;
	out->fd = (int)fd;
	out->fd_writes = writes;
	return true;
}

static void watch(struct tasks *t, uint64_t loop, uint64_t future, int fd, bool writes)
{
	if (future && t->watched.n < MOST_WATCHED)
		vec_push(&t->watched, (struct watched){loop, future, fd, writes});
}

/** A handle's callback is a method of the future, or has it among its arguments. */
static void watch_handle(struct tasks *t, uint64_t loop, uint64_t handle, int fd, bool writes)
{
	struct python *py = t->py;
	uint64_t callback, args;
	char type[64];

	if (!handle || py_is_none(py, handle))
		return;
	callback = py_attr(py, handle, "_callback");
	args = py_attr(py, handle, "_args");
	/* A method of C that is told its class is a "builtin_method" (PyCMethod_Type): set_result() from 3.12 on. */
	if (!py_type_name(py, callback, type, sizeof type))
		return;
	if (!strcmp(type, "builtin_function_or_method") || !strcmp(type, "builtin_method"))
		watch(t, loop, memory_u64(py->m, callback + (uint64_t)py->o.cf_self), fd, writes);
	else if (!strcmp(type, "method"))
		watch(t, loop, memory_u64(py->m, callback + (uint64_t)py->o.me_self), fd, writes);
	for (size_t i = 0; i < py_length(py, args) && i < MOST_ARGUMENTS; i++)
		watch(t, loop, py_item(py, args, i), fd, writes);
}

static int by_future(const void *a, const void *b)
{
	const struct watched *x = a, *y = b;

	return (x->future > y->future) - (x->future < y->future);
}

/* selectors.SelectorKey: fileobj, fd, events, data; data is (reader, writer) of asyncio/selector_events.py. */
static void look_through(struct tasks *t, uint64_t loop)
{
	struct python *py = t->py;
	struct py_iter it = py_iter(py, py_attr_path(py, loop, "_selector._fd_to_key"));

	while (t->watched.n < MOST_WATCHED && tasks_go_on(t) && py_next(py, &it)) {
		uint64_t data = py_item(py, it.value, 3);
		int64_t fd;

		if (!py_int(py, py_item(py, it.value, 1), &fd) || fd < 0 || fd > INT32_MAX || py_length(py, data) != 2)
			continue;
		watch_handle(t, loop, py_item(py, data, 0), (int)fd, false);
		watch_handle(t, loop, py_item(py, data, 1), (int)fd, true);
	}
	if (t->watched.n)
		qsort(t->watched.at, t->watched.n, sizeof *t->watched.at, by_future);
}

static void need_loop(struct tasks *t, uint64_t loop)
{
	for (size_t i = 0; i < t->loops.n; i++)
		if (t->loops.at[i] == loop)
			return;
	if (!loop || t->loops.n >= MOST_LOOPS)
		return;
	vec_push(&t->loops, loop);
	look_through(t, loop);
}

bool asyncio_watched(struct tasks *t, uint64_t future, int *fd, bool *writes)
{
	struct watched key = {.future = future}, *found;

	need_loop(t, asyncio_loop_of(t->py, future));
	if (!t->watched.n)
		return false;
	found = bsearch(&key, t->watched.at, t->watched.n, sizeof *t->watched.at, by_future);
	if (!found)
		return false;
	*fd = found->fd;
	*writes = found->writes;
	return true;
}

/** transport._wait() of a subprocess; its `_pid` is the child's. */
static bool child_of(struct tasks *t, const struct link *link, struct async_task *out)
{
	if (!is_of(link, "base_subprocess.py", "_wait"))
		return false;
	out->child = pid_of(t->py, py_attr(t->py, py_local(t->py, &link->frame, "self"), "_pid"));
	return true;
}

/** The innermost frame that is no part of a future: those of Python have one in __await__(). */
static size_t first_frame(const struct chain *c)
{
	const struct link *link = chain_inner(c, 0);

	return link && is_of(link, "futures.py", "__await__") ? 1 : 0;
}

void asyncio_waits(struct tasks *t, const struct chain *c, uint64_t waiter, struct async_task *out)
{
	size_t from = first_frame(c);
	const struct link *link = public_link(c, from, in_asyncio, NULL);
	uint64_t edges[TASKS_MOST_EDGES];
	bool plain;

	if (!waiter || c->running)
		return; /* its turn comes without anybody's doing */
	out->waits_for = edges;
	out->awaits = waiter_words(t, waiter, out, &plain);
	if (link && plain)
		out->awaits = link_words(t->py, link);
	link = chain_inner(c, from);
	if (link && plain && is_of(link, "locks.py", "acquire"))
		out->awaits = asyncio_lock_words(t, out->awaits, py_local(t->py, &link->frame, "self"), out->id);
	for (size_t i = from; (link = chain_inner(c, i)) && in_asyncio(link, NULL); i++) {
		if (i == from)
			add_awaited(t, link, out);
		if (socket_call_fd(t, link, out) || stream_fd(t, link, out) || child_of(t, link, out))
			break;
	}
	if (out->fd < 0 && !out->child && !out->nwaits_for)
		asyncio_watched(t, waiter, &out->fd, &out->fd_writes);
	out->waits_for = arena_memdup(t->py->arena, edges, out->nwaits_for * sizeof *edges);
}
