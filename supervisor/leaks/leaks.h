/* leaks: what a run has left behind, and who holds what it needs. Pure: plain data of what is there goes in, findings come out.
 *
 * Spoken at the end of a run alone: what pytest ends itself, a daemon of the session for example, is no leak, nor what ends by itself
 * in the moment behind the command's end. In doubt nothing is said: a stranger's object must never be called ours.
 */
#ifndef TRACEWRAP_LEAKS_H
#define TRACEWRAP_LEAKS_H

#include "model/model.h"

/* ---- which test ran when, as far as looks can tell ---- */

/** Two looks that see the same test say that it ran all the time between them, for no test runs twice in one process. Between two
 *  looks that see different ones nothing is known. */
struct leak_tests;
struct leak_tests *leak_tests_new(void);
void leak_tests_free(struct leak_tests *t);
void leak_tests_seen(struct leak_tests *t, pid_t pid, const char *test, int64_t now_ns); /* TEST NULL: none runs */
/** The test that PID was in from FROM_NS to TO_NS; NULL: none, or not known. PID 0: of all processes, when only one ran tests. */
const char *leak_tests_at(const struct leak_tests *t, pid_t pid, int64_t from_ns, int64_t to_ns);

/** The spans that are remembered, in the order in which they began: the looks that saw a test, first and last. */
struct leak_test_span {
	pid_t pid;
	const char *test;
	int64_t first_ns, last_ns;
	bool open; /* no look has seen another since */
};
size_t leak_tests_count(const struct leak_tests *t);
struct leak_test_span leak_tests_nth(const struct leak_tests *t, size_t i);

/* ---- what is there ---- */

struct left_process { /* a process of the tree that lives on when the command and the moment of grace are over */
	struct leak_process is;
	pid_t parent;
	char state;
	const char *test; /* the one that made it; NULL: not known */
};

struct left_listener { /* a listening socket, a bound UDP or datagram socket */
	struct leak_thing is;
	pid_t pid;      /* who holds it, of the tree */
	bool inherited; /* tracewrap was started with it */
};

struct left_zombie { /* ended, and not waited for when it was last looked at */
	struct leak_process is, parent;
	int64_t since_ns, until_ns; /* when it was seen as such: first, last */
	bool waited;                /* its parent has waited for it after all */
	const char *test;
};

struct left_file { /* a socket file or a shared-memory object */
	const char *name;
	bool there;    /* still, and the same one */
	bool made;     /* by a process of the tree, during the run: seen */
	bool in_use;   /* a socket is bound to it; it is open or mapped */
	bool by_ended; /* who used it lived on and was ended by us: said with that process */
	bool kept;     /* in a folder that pytest keeps and clears itself (tmp_path) */
	pid_t maker;   /* 0: not known */
	const char *test;
};

struct held_address { /* an address of the configuration, or one that a bind failed for */
	struct leak_thing is;
	const struct leak_process *who; /* the holders; n 0: nobody was found */
	size_t nwho;
	enum leak_owner owner;
	bool before;       /* seen when the run began */
	bool bind_failed;  /* with EADDRINUSE, heard */
	const char *test;  /* of the failing bind; NULL */
	int64_t seen_ns;
};

struct leaks_input {
	int64_t now_ns;
	pid_t root;
	bool failed;      /* the command has ended with something else than 0 */
	bool binds_heard; /* a bind that fails would have been heard */
	const struct left_process *processes;
	size_t nprocesses;
	const struct left_listener *listeners;
	size_t nlisteners;
	const struct left_zombie *zombies;
	size_t nzombies;
	const struct left_file *sockets, *shm;
	size_t nsockets, nshm;
	const struct held_address *held;
	size_t nheld;
};

typedef VEC(struct finding *) finding_vec;

/** A zombie that was not waited for in this time never will be, for all that its parent shows. */
#define ZOMBIE_NS NS_PER_S

/** Add the findings to OUT: each to be freed with finding_free(). */
void leaks_find(const struct leaks_input *in, finding_vec *out);

#endif
