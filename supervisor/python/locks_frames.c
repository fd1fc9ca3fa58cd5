/* What frames have in hand, and which `with` blocks they are in. */
#include <string.h>

#include "python/locks.h"

enum {
	MOST_SLOTS = 256,
	MOST_WAITED = 8,
	MOST_BLOCKS = 64,
	MOST_MANAGERS = 4,
	METHOD_NAME = 24 /* PyDescrObject.d_name, descrobject.h */
};

bool lock_first_frame(struct python *py, const struct python_thread *t, struct py_frame *out)
{
	struct py_frame mark;

	if (!t->frame || !py_frame_open(py, t->frame, out))
		return false;
	mark = *out;
	return !mark.mark || py_frame_outer(py, &mark, out, NULL);
}

static bool is_builtin_method(struct python *py, uint64_t obj)
{
	char name[32];

	return py_type_name(py, obj, name, sizeof name) &&
	       (strcmp(name, "builtin_function_or_method") == 0 || strcmp(name, "builtin_method") == 0);
}

static bool show(struct python *py, uint64_t obj, lock_seen *seen, void *who)
{
	if (!obj)
		return false;
	if (is_builtin_method(py, obj))
		obj = memory_u64(py->m, obj + (uint64_t)py->o.cf_self);
	return obj && seen(py, obj, who);
}

bool lock_each_value(struct python *py, const struct py_frame *f, lock_seen *seen, void *who)
{
	size_t size = py_stack_size(py, f);

	for (int i = 0; i < f->nlocals && i < MOST_SLOTS; i++) {
		uint64_t obj = py_local_at(py, f, i), inside = py_cell(py, obj);

		if (show(py, inside ? inside : obj, seen, who))
			return true;
	}
	for (size_t i = 0; i < size && i < MOST_SLOTS; i++)
		if (show(py, py_stack_at(py, f, i), seen, who))
			return true;
	return false;
}

/** The object of a bound __exit__; 0: OBJ is none. */
static uint64_t bound_exit(struct python *py, uint64_t obj)
{
	char name[16];

	if (is_builtin_method(py, obj)) { /* methodobject.h: m_ml, of which the first word is the name */
		uint64_t def = memory_u64(py->m, obj + (uint64_t)py->o.cf_ml);

		return memory_string(py->m, memory_u64(py->m, def), name, sizeof name) && strcmp(name, "__exit__") == 0
			       ? memory_u64(py->m, obj + (uint64_t)py->o.cf_self)
			       : 0;
	}
	if (!py_is_type(py, obj, "method"))
		return 0;
	return py_string_is(py, memory_u64(py->m, memory_u64(py->m, obj + (uint64_t)py->o.me_func) + (uint64_t)py->o.fu_name),
			    "__exit__")
		       ? memory_u64(py->m, obj + (uint64_t)py->o.me_self)
		       : 0;
}

/** 3.14 on (LOAD_SPECIAL, Python/bytecodes.c): the function and its object lie in two slots, unless the method came bound. */
static bool is_exit_function(struct python *py, uint64_t obj)
{
	char name[32];
	uint64_t at;

	if (!py_type_name(py, obj, name, sizeof name))
		return false;
	if (strcmp(name, "method_descriptor") == 0 || strcmp(name, "wrapper_descriptor") == 0)
		at = obj + METHOD_NAME;
	else if (strcmp(name, "function") == 0)
		at = obj + (uint64_t)py->o.fu_name;
	else
		return false;
	return py_string_is(py, memory_u64(py->m, at), "__exit__");
}

static uint64_t exit_at(struct python *py, const struct py_frame *f, size_t i, size_t live)
{
	uint64_t obj = py_stack_at(py, f, i);

	if (!obj)
		return 0;
	if (py->minor >= 14 && i + 1 < live && is_exit_function(py, obj))
		return py_stack_at(py, f, i + 1);
	return bound_exit(py, obj);
}

/** Does the code call something `release`? co_names stands before co_varnames (cpython/code.h, 3.8 to 3.10), before
 *  co_exceptiontable afterwards. */
static bool names_release(struct python *py, const struct py_frame *f)
{
	uint64_t after = (uint64_t)(py->minor <= 10 ? py->o.co_varnames : py->o.co_exctable);
	uint64_t names = memory_u64(py->m, f->code + after - sizeof(uint64_t));

	if (!py_is_kind(py, names, PY_KIND_TUPLE))
		return true;
	for (size_t i = 0, n = py_length(py, names); i < n && i < PY_MOST_LOCALS; i++)
		if (py_string_is(py, py_item(py, names, i), "release"))
			return true;
	return false;
}

/** Locks that frames further in have let go of: Condition.wait gives back the lock that it was called under. */
struct let_go {
	uint64_t lock[MOST_WAITED];
	size_t n;
};

static void note_wait(struct python *py, const struct py_frame *f, struct let_go *gone)
{
	uint64_t lock;

	if (!py_frame_is(py, f, "/threading.py", "wait") && !py_frame_is(py, f, "/multiprocessing/synchronize.py", "wait"))
		return;
	lock = lock_beneath(py, py_local(py, f, "self"));
	if (lock && gone->n < MOST_WAITED)
		gone->lock[gone->n++] = lock;
}

static bool has_let_go(const struct let_go *gone, uint64_t lock)
{
	for (size_t i = 0; i < gone->n; i++)
		if (gone->lock[i] == lock)
			return true;
	return false;
}

/** The line of the `with` whose __exit__ is the topmost of DEPTH slots; 0: not known. From 3.11 on the handler of a `with`
 *  block has the line of its item (up to 3.12: of the statement), and lies inside of the block around: from handler to
 *  handler it goes outward. No other block that keeps the instruction has an __exit__ on top: the compiler's clean-up has an
 *  exception there. */
static int with_line(struct python *py, const struct py_frame *f, size_t depth)
{
	struct py_frame at = *f;
	struct py_block block;
	uint8_t *table;
	size_t size = py->minor >= 11 ? py_exception_table(py, f, &table) : 0;
	int line = 0;

	if (!size)
		return 0;
	for (int i = 0; i < MOST_BLOCKS && !line && py_exception_block(table, size, at.offset, &block) && block.handler >= 0;
	     i++) {
		at.offset = block.handler;
		if (block.keeps && block.depth == depth)
			line = py_frame_line(py, &at);
	}
	mem_free(table);
	return line;
}

/** A `with` of SELF, unless that is no lock, or was let go of further in. */
static void add_hold(struct locking *l, const struct let_go *gone, uint64_t self, struct lock_hold hold)
{
	hold.lock = lock_beneath(l->py, self);
	if (!hold.lock || has_let_go(gone, hold.lock))
		return;
	vec_push(&l->holds, hold);
}

/** The generator of a @contextmanager function that stands at its yield, in the `with` of SELF: what that is in the `with` of. */
static void holds_of_manager(struct locking *l, const struct let_go *gone, uint64_t self, struct lock_hold hold)
{
	uint64_t gen;
	struct py_frame f;
	size_t live;

	for (int i = 0; i < MOST_MANAGERS && lock_class_of(l->py, self) == CLASS_MANAGER; i++) {
		gen = py_attr(l->py, self, "gen");
		if (py_gen_state(l->py, gen) != PY_GEN_SUSPENDED || !py_gen_frame(l->py, gen, &f))
			return;
		live = py_stack_live(l->py, &f);
		hold.doubtful |= names_release(l->py, &f);
		self = 0;
		for (size_t k = 0; k < live && k < MOST_SLOTS; k++) {
			uint64_t inner = exit_at(l->py, &f, k, live);

			add_hold(l, gone, inner, hold);
			self = inner ? inner : self;
		}
	}
}

static void holds_of_frame(struct locking *l, const struct py_frame *f, const struct let_go *gone, struct lock_hold hold)
{
	size_t live = py_stack_live(l->py, f);

	for (size_t i = 0; i < live && i < MOST_SLOTS; i++) {
		uint64_t self = exit_at(l->py, f, i, live);
		bool manager = self && lock_class_of(l->py, self) == CLASS_MANAGER;

		if (!manager && !lock_beneath(l->py, self))
			continue;
		hold.line = with_line(l->py, f, l->py->minor >= 14 ? i + 2 : i + 1);
		hold.doubtful = names_release(l->py, f);
		if (manager)
			holds_of_manager(l, gone, self, hold);
		else
			add_hold(l, gone, self, hold);
	}
}

static void holds_of_thread(struct locking *l, size_t thread)
{
	struct let_go gone = {.n = 0};
	struct py_frame f, outer;
	bool more = lock_first_frame(l->py, &l->threads[thread], &f);

	for (long i = 0; more && i < PYTHON_MOST_FRAMES; i++, f = outer) {
		holds_of_frame(l, &f, &gone, (struct lock_hold){.thread = thread, .frame = i});
		note_wait(l->py, &f, &gone);
		more = py_frame_outer(l->py, &f, &outer, NULL);
	}
}

void lock_find_holds(struct locking *l)
{
	for (size_t i = 0; i < l->n && i < PYTHON_MOST_THREADS; i++)
		holds_of_thread(l, i);
}
