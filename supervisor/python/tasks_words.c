/* What a task awaits, in the words of its library. */
#include <stdlib.h>
#include <string.h>

#include "python/tasks.h"

enum { MOST_FD = 1 << 20 };

const char *own_name(const char *function)
{
	const char *dot = strrchr(function, '.');

	return dot ? dot + 1 : function;
}

static bool is_private(const char *name)
{
	return name[0] == '_' && strncmp(name, "__", 2) != 0;
}

/** A function inside another has no name that says much; a decorator gave its coroutine that of the function around which
 * it is. */
static const char *name_of(struct python *py, const struct link *link, char *buf, size_t size)
{
	const char *code;

	if (strstr(link->function, "<locals>") &&
	    py_string(py, memory_u64(py->m, link->gen + (uint64_t)py->o.gen_name), buf, size))
		return buf;
	/* A function that a library shows under another name, as trio its to_thread_run_sync(), is still called so by its
	 * code. */
	if (!strchr(link->function, '.') && (code = py_frame_function(py, &link->frame)))
		return own_name(code);
	return own_name(link->function);
}

const char *link_words(struct python *py, const struct link *link)
{
	char class[96], name[96];
	const char *own = name_of(py, link, name, sizeof name), *of = class;
	size_t n;

	if (!strchr(link->function, '.') || !py_type_name(py, py_local(py, &link->frame, "self"), class, sizeof class))
		return arena_strdup(py->arena, own);
	n = strlen(class);
	if (n >= 9 && !strcmp(class + n - 9, "EventLoop"))
		of = "loop"; /* it has other names in each program, and is only ever called so */
	while (*of == '_')
		of++;
	return arena_printf(py->arena, "%s.%s", of, own);
}

/* A method that is called by another one of its library does that one's work. What a plain function or an __aenter__() calls is
 * what the program handed to it. */
static bool does_its_work(const struct link *inner, const struct link *outer)
{
	const char *name = own_name(outer->function);

	return is_private(own_name(inner->function)) || (name != outer->function && strncmp(name, "__", 2) != 0);
}

const struct link *public_link(const struct chain *c, size_t from, bool (*inside)(const struct link *, const void *),
			       const void *of)
{
	const struct link *at = chain_inner(c, from), *outer, *found = at;

	if (!at || !inside(at, of))
		return NULL;
	for (size_t i = from + 1; (outer = chain_inner(c, i)) && inside(outer, of) && does_its_work(at, outer); i++) {
		at = outer;
		if (!is_private(own_name(at->function)))
			found = at;
	}
	return found;
}

void add_edge(struct async_task *task, uint64_t to)
{
	for (size_t i = 0; i < task->nwaits_for; i++)
		if (task->waits_for[i] == to)
			return;
	if (to && task->nwaits_for < TASKS_MOST_EDGES)
		task->waits_for[task->nwaits_for++] = to;
}

bool local_fd(struct python *py, const struct link *link, const char *name, int *fd)
{
	int64_t number;

	if (!py_int(py, py_local(py, &link->frame, name), &number) || number < 0 || number > MOST_FD)
		return false;
	*fd = (int)number;
	return true;
}

pid_t pid_of(struct python *py, uint64_t number)
{
	int64_t value;

	return py_int(py, number, &value) && value > 0 && value <= INT32_MAX ? (pid_t)value : 0;
}
