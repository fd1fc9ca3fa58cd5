/* Helper threads of libraries that wait for their next piece of work: known by their whole stack, so that one which is at work,
 * or has anything of the user's under it, is none.
 */
#include <string.h>

#include "python/python.h"

struct step {
	const char *file, *function; /* how the path ends; without its class */
};

/** What may stand below: how the thread, or the program, began. */
static const struct step begins[] = {
	{"/threading.py", "run"},
	{"/threading.py", "_bootstrap_inner"},
	{"/threading.py", "_bootstrap"},
	{"/execnet/gateway_base.py", "run"},
	{"/execnet/gateway_base.py", "_perform_spawn"},
	{"<string>", "<module>"}, /* python -c */
};

enum { MOST_STEPS = 5 };

/** READS: its system call, read(2) or recv(2), is on the one descriptor that it lives from. Those that poll several, accept,
 *  or are woken by a lock are named for the reader alone. */
struct service {
	const char *name;
	bool reads;
	struct step steps[MOST_STEPS]; /* innermost first */
};

static const struct service services[] = {
	{"execnet receiver",
	 true,
	 {{"/execnet/gateway_base.py", "read"},
	  {"/execnet/gateway_base.py", "from_io"},
	  {"/execnet/gateway_base.py", "_thread_receiver"}}},
	{"execnet receiver", /* by a socket */
	 true,
	 {{"/execnet/gateway_socket.py", "read"},
	  {"/execnet/gateway_base.py", "from_io"},
	  {"/execnet/gateway_base.py", "_thread_receiver"}}},
	{"execnet worker without a task",
	 false,
	 {{"/threading.py", "wait"},
	  {"/threading.py", "wait"},
	  {"/execnet/gateway_base.py", "integrate_as_primary_thread"},
	  {"/execnet/gateway_base.py", "serve"},
	  {"/execnet/gateway_base.py", "serve"}}},
	{"multiprocessing resource tracker", true, {{"/multiprocessing/resource_tracker.py", "main"}}},
	{"multiprocessing fork server", false, {{"/selectors.py", "select"}, {"/multiprocessing/forkserver.py", "main"}}},
	{"multiprocessing resource sharer",
	 false,
	 {{"/socket.py", "accept"},
	  {"/multiprocessing/connection.py", "accept"},
	  {"/multiprocessing/connection.py", "accept"},
	  {"/multiprocessing/resource_sharer.py", "_serve"}}},
	{"multiprocessing queue feeder", false, {{"/threading.py", "wait"}, {"/multiprocessing/queues.py", "_feed"}}},
	{"multiprocessing pool: tasks", false, {{"/multiprocessing/pool.py", "_handle_tasks"}}},
	{"multiprocessing pool: workers",
	 false,
	 {{"/selectors.py", "select"},
	  {"/multiprocessing/connection.py", "wait"},
	  {"/multiprocessing/pool.py", "_wait_for_updates"},
	  {"/multiprocessing/pool.py", "_handle_workers"}}},
	{"multiprocessing pool: results",
	 true,
	 {{"/multiprocessing/connection.py", "_recv"},
	  {"/multiprocessing/connection.py", "_recv_bytes"},
	  {"/multiprocessing/connection.py", "recv"},
	  {"/multiprocessing/pool.py", "_handle_results"}}},
	{"concurrent.futures thread without work", false, {{"/concurrent/futures/thread.py", "_worker"}}},
	{"concurrent.futures process pool",
	 false,
	 {{"/selectors.py", "select"},
	  {"/multiprocessing/connection.py", "wait"},
	  {"/concurrent/futures/process.py", "wait_result_broken_or_wakeup"},
	  {"/concurrent/futures/process.py", "run"}}},
	{"trio thread without work", false, {{"/trio/_core/_thread_cache.py", "_work"}}},
};

/** Loops that are never left but by another thread's will, so that what stands below them does not matter. */
static const struct service endless[] = {
	{"multiprocessing manager", /* its main thread: looks once a second whether the end is wanted */
	 false,
	 {{"/threading.py", "wait"}, {"/threading.py", "wait"}, {"/multiprocessing/managers.py", "serve_forever"}}},
};

static bool is_step(const struct python_frame *f, const struct step *s)
{
	const char *dot = f->function ? strrchr(f->function, '.') : NULL, *name = dot ? dot + 1 : f->function;
	size_t n = f->file ? strlen(f->file) : 0, k = strlen(s->file);

	return name && strcmp(name, s->function) == 0 && n >= k && strcmp(f->file + n - k, s->file) == 0;
}

static bool is_beginning(const struct python_frame *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (is_step(f, &begins[i]))
			return true;
	return false;
}

/** @return how many frames the steps of S are, 0: they are others. A thread begins somewhere: a stack that ends with the loop is cut. */
static size_t count_steps(const struct service *s, const struct python_frame *frames, size_t n)
{
	size_t i = 0;

	for (; i < MOST_STEPS && s->steps[i].file; i++)
		if (i >= n || !is_step(&frames[i], &s->steps[i]))
			return 0;
	return i < n ? i : 0;
}

static bool fits(const struct service *s, const struct python_frame *frames, size_t n)
{
	size_t i = count_steps(s, frames, n), loop = i;

	for (; loop && i < n; i++)
		if (!is_beginning(&frames[i]))
			return false;
	return loop > 0;
}

const char *python_service(const struct python_frame *frames, size_t n, bool *reads)
{
	*reads = false;
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (!fits(&services[i], frames, n))
			continue;
		*reads = services[i].reads;
		return services[i].name;
	}
	for (size_t i = 0; i < ARRAY_SIZE(endless); i++)
		if (count_steps(&endless[i], frames, n))
			return endless[i].name;
	return NULL;
}
