/* What leaks.c gathers and leaks_end.c speaks of. Private to the room. */
#ifndef TRACEWRAP_WATCH_LEAKS_H
#define TRACEWRAP_WATCH_LEAKS_H

#include "watch/run.h"

/** What pytest is asked for, when nothing else tells the test: leaks_pytest.c. */
struct asked {
	char *test; /* NULL: not known */
	int times;
	int64_t again_ns; /* not before */
};

struct known_zombie {
	struct zombie_row row;
	struct process_facts is, parent;
	int64_t since_ns, until_ns;
	bool waited, reaped; /* reaped: by us, for its parent has ended */
	struct asked asked;
};

struct known_file { /* a socket file, or an object of /dev/shm */
	char path[sizeof "/dev/shm/" + sizeof(((struct shm_file *)0)->name)];
	uint64_t inode, device;
	pid_t maker; /* of the tree; 0: none was seen, so it is not ours */
	char *test;
	int64_t before_ns, seen_ns; /* it was not there at the first, and was at the second */
	bool by_ended; /* used by a process that lived on, until we ended it */
	struct asked asked;
};
typedef VEC(struct known_file) known_file_vec;

struct heard_path { /* of a socket file, by a bind that was heard */
	pid_t pid;
	int64_t at_ns;
	const char *path, *test;
	bool sure; /* the bind is known to have gone well */
};

struct failed_bind {
	struct held_address is;
	facts_vec who;
	char *test;
};

struct leaks_before {
	struct known_address {
		char address[64];
		facts_vec who;
	} ports[PORTS_MOST];
	size_t nports;
	shm_vec shm;
};

struct leaks {
	struct arena *arena; /* of all texts below */
	struct leak_tests *tests;
	VEC(struct known_zombie) zombies;
	known_file_vec sockets, shm;
	VEC(struct failed_bind) binds;
	VEC(struct heard_path) pending; /* not there yet: tried once more at the next pass */
	VEC(struct process_facts) left; /* when the command had ended */
	VEC(char *) left_tests;
	listener_vec left_listeners;
	int inotify_fd;
	int wakes; /* since the last pass */
	bool asleep; /* too many: no signals until the next pass */
	bool binds_heard;
	bool moved; /* somebody has, since sockets were last looked at */
	int64_t sockets_ns, sockets_again_ns;
	int asked; /* how often a pytest was */
	int64_t ask_again_ns;
	int64_t wall_ns, wall_error_ns; /* what CLOCK_REALTIME is ahead of CLOCK_BOOTTIME */
	int64_t wall_since_ns;          /* CLOCK_BOOTTIME: it has been so since then; 0: not known yet */
};

/** The test in which a child of PARENT, or PARENT itself, did something between the two moments; NULL: not known. */
const char *leaks_test_of(struct run *r, pid_t pid, pid_t parent, int64_t from_ns, int64_t to_ns);
/** Ask pytest itself for the tests of what is there and has none. Behind a pass. */
void leaks_ask(struct run *r, int64_t now_ns);
pid_t leaks_parent_of(struct run *r, pid_t pid); /* 0: not known */
/** Look now who of the tree has bound which file. */
void leaks_look_at_sockets(struct run *r, int64_t now_ns);
void leaks_look_at_shm(struct run *r);
bool leaks_file_there(const struct known_file *f);

#endif
