/* trio's tasks. All is written in Python: slots of trio._core._run.Task, and locals of trio's own functions. */
#include <string.h>

#include "python/tasks.h"

/* Every task that waits does so in this file of trio's core. */
#define TRAPS "_core/_traps.py"

/** Where the package lies: LENGTH bytes of PATH, with the last slash. */
struct package {
	const char *path;
	size_t length;
};

static struct package package_of(const struct chain *c)
{
	const struct link *link = chain_inner(c, 0);
	size_t n = link ? strlen(link->file) : 0, tail = strlen(TRAPS);

	if (n <= tail || strcmp(link->file + n - tail, TRAPS) != 0)
		return (struct package){"", 0};
	return (struct package){link->file, n - tail};
}

static bool in_package(const struct link *link, const void *package)
{
	const struct package *p = package;

	return p->length && !strncmp(link->file, p->path, p->length);
}

static bool in_core(const struct link *link, const struct package *p)
{
	return in_package(link, p) && !strncmp(link->file + p->length, "_core/", 6);
}

static bool is_of(const struct link *link, const struct package *p, const char *file, const char *function)
{
	return in_package(link, p) && !strcmp(link->file + p->length, file) && !strcmp(own_name(link->function), function);
}

/** @return how many there are. */
static size_t add_children(struct tasks *t, uint64_t children, struct async_task *out)
{
	struct py_iter it = py_iter(t->py, children);
	size_t n = 0;

	while (py_next(t->py, &it) && tasks_go_on(t))
		if (task_class_of(t, it.key) == CLASS_TRIO && ++n <= TASKS_MOST_EDGES)
			add_edge(out, it.key);
	return n;
}

/** How many links are of the core, from the innermost on. */
static size_t core_links(const struct chain *c, const struct package *p)
{
	const struct link *link;
	size_t n = 0;

	while ((link = chain_inner(c, n)) && in_core(link, p))
		n++;
	return n;
}

/** In the core's own functions: a nursery's end, a descriptor. @return whether that says all. */
static bool core_waits(struct tasks *t, const struct package *p, const struct link *link, struct async_task *out)
{
	struct python *py = t->py;

	if (is_of(link, p, "_core/_run.py", "_nested_child_finished")) {
		size_t n = add_children(t, py_attr(py, py_local(py, &link->frame, "self"), "_children"), out);

		out->awaits = arena_printf(py->arena, "nursery of %zu", n);
		return true;
	}
	if (is_of(link, p, "_core/_io_epoll.py", "_epoll_wait") && local_fd(py, link, "fd", &out->fd))
		out->fd_writes = py_string_is(py, py_local(py, &link->frame, "attr_name"), "write_task");
	return false;
}

static void child_of(struct tasks *t, const struct package *p, const struct link *link, struct async_task *out)
{
	struct python *py = t->py;

	if (is_of(link, p, "_subprocess.py", "wait")) {
		out->child = pid_of(py, py_attr_path(py, py_local(py, &link->frame, "self"), "_proc.pid"));
		out->awaits = link_words(py, link); /* without a pidfd it goes through an event */
	} else if (is_of(link, p, "_subprocess_platform/waitid.py", "_waitid_system_task")) {
		out->child = pid_of(py, py_local(py, &link->frame, "pid"));
	}
}

/** A lock knows the task that has it, and takes it back from no other (trio/_sync.py, _LockImpl.release()). */
static void add_owner(struct tasks *t, const struct package *p, const struct link *link, struct async_task *out)
{
	uint64_t owner;

	if (!is_of(link, p, "_sync.py", "acquire"))
		return;
	owner = py_attr(t->py, py_local(t->py, &link->frame, "self"), "_owner");
	if (task_class_of(t, owner) == CLASS_TRIO && trio_coro(t, owner))
		add_edge(out, owner);
}

void trio_waits(struct tasks *t, const struct chain *c, struct async_task *out)
{
	struct package p = package_of(c);
	size_t core = core_links(c, &p);
	uint64_t edges[TASKS_MOST_EDGES];
	const struct link *link;
	bool told = false;

	/* A task that is to run next has what it will be told; none has that while it waits. */
	if (!core || c->running || !py_is_none(t->py, py_attr(t->py, out->id, "_next_send_fn")))
		return;
	out->waits_for = edges;
	for (size_t i = 0; i < core && !told; i++)
		told = core_waits(t, &p, chain_inner(c, i), out);
	link = told ? NULL : public_link(c, core, in_package, &p);
	if (!told)
		out->awaits = link_words(t->py, link ? link : chain_inner(c, core - 1));
	for (size_t i = core; (link = chain_inner(c, i)) && in_package(link, &p); i++) {
		child_of(t, &p, link, out);
		add_owner(t, &p, link, out);
	}
	out->waits_for = arena_memdup(t->py->arena, edges, out->nwaits_for * sizeof *edges);
}

uint64_t trio_coro(struct tasks *t, uint64_t task)
{
	uint64_t coro = py_attr(t->py, task, "coro");

	return py_is_generator(t->py, coro) && py_gen_state(t->py, coro) != PY_GEN_DONE ? coro : 0;
}

void trio_task(struct tasks *t, uint64_t task, struct async_task *out)
{
	const char *name = py_text(t->py, py_attr(t->py, task, "name"));
	uint64_t parent = py_attr_path(t->py, task, "_parent_nursery._parent_task");

	out->library = "trio";
	out->name = name ? name : "";
	out->parent = task_class_of(t, parent) == CLASS_TRIO ? parent : 0;
}
