/* doctor: what earlier runs of this checkout have left on the machine, and clearing it away. Effects.
 *
 * What belongs to somebody else is told and never touched. A process is known by what ties it to the checkout (its folder, program, virtual
 * environment, the test that it was started in), by being orphaned, and by the address that it holds; never by its name.
 */
#ifndef TRACEWRAP_DOCTOR_H
#define TRACEWRAP_DOCTOR_H

#include <limits.h>

#include "act/act.h"
#include "config/config.h"
#include "observe/observe.h"

enum left_kind { LEFT_ADDRESS, LEFT_PROCESS, LEFT_SOCKET, LEFT_SHM };

enum left_owner {
	LEFT_OURS,     /* of an earlier run of this checkout: may be cleared away */
	LEFT_PERHAPS,  /* an orphan of this checkout, not known to be of a test: only together with a held address or a stale socket */
	LEFT_RUNNING,  /* of a run of this checkout that goes on */
	LEFT_STRANGER, /* somebody else's */
};

struct leftover {
	enum left_kind kind;
	enum left_owner owner;
	char name[256];          /* the address, or file; "" for a process */
	struct process_facts who; /* pid 0: nobody */
};
typedef VEC(struct leftover) leftover_vec;

struct doctor_where {
	const char *const *ports; /* as observe_address() takes them */
	size_t nports;
	const struct config_entry *sockets, *shm; /* globs, with variables in them; NULL: none */
	pid_t parent; /* whose descendants are left over as well, whatever they are; 0: nobody's */
	bool processes; /* look for processes that hold nothing, too: costs a reading of all */
};

/** @return whether anything keeps a run from beginning: a held address, a stale socket. */
bool doctor_look(const struct doctor_where *where, leftover_vec *out);

struct doctor_log {
	struct act_log act;
	size_t killed;    /* how many had to be killed */
	size_t removed;
	struct text said; /* a line for each thing that could not be done */
};
void doctor_log_free(struct doctor_log *log);
/** SIGINT, wait at most GRACE_NS, SIGKILL; then the files. */
void doctor_fix(const leftover_vec *left, int64_t grace_ns, struct doctor_log *log);
/** Would doctor_fix() do anything about it? */
bool doctor_clears(const leftover_vec *all, const struct leftover *one);

/** One line: what it is, who, since when, whose. */
void doctor_words(const struct leftover *left, struct text *out);
const char *doctor_owner_name(enum left_owner owner);

#endif
