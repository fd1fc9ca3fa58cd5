/* state: what tree keeps of each process and each test. Private to the room. */
#ifndef TRACEWRAP_TREE_STATE_H
#define TRACEWRAP_TREE_STATE_H

#include "tree/tree.h"

/** What is known of the alarms of one process. A fork clears them, exec keeps them (setitimer(2)). */
struct hearing {
	bool heard;          /* all images since its fork were listened to */
	bool announced;      /* ... and it is about to exec: `exec_id`, `exec_name` */
	bool image_known;
	uint64_t image;      /* of the image that is listened to now */
	uint64_t exec_id;
	int64_t expires_ns;  /* NEVER_NS: none armed */
	int64_t interval_ns;
};

/** One process, living or not. Ended ones stay for a while: their children ask for them. */
struct member {
	pid_t pid, ppid; /* ppid: who made it; 0: not known */
	int64_t made_ns; /* when it was first heard of */
	bool ended;
	bool told_by_parent, told_by_itself; /* the two sides of its fork */
	bool told_by_kernel; /* the connector */
	bool unspoken;       /* ... and nobody else has told anything of it: as to alarms it was never heard of */
	struct hearing hearing;
};

/** An exec or spawn that was announced, until the image that came of it has begun. */
struct announcement {
	uint64_t id;
	pid_t pid; /* who announced it; 0: the command's first exec */
	bool spawn, used;
	uint64_t name; /* hash of the last component of the file */
};

/** One test from its setup to its teardown, in one process. */
struct test_span {
	pid_t pid;
	int64_t from_ns, to_ns; /* NEVER_NS: it runs */
	int64_t phase_ns[3];    /* when setup, call, teardown began; 0: not heard */
	char *id;
};

struct tree {
	pid_t root;
	struct history *history;
	bool hears_all, lost;
	VEC(struct member) members;
	struct idmap *by_pid;
	VEC(pid_t) ended; /* the oldest first */
	size_t ended_first;
	VEC(struct announcement) announcements;
	size_t announcement_next; /* a ring once it is full */
	VEC(struct test_span) spans;
	VEC(struct tree_bind) binds;
};

/* ---- members.c ---- */

struct member *member_find(const struct tree *t, pid_t pid); /* NULL: never heard of */
/** The member PID, a new one of which nothing is known if need be. Pointers to others are void after this. */
struct member *member_need(struct tree *t, pid_t pid);
/** PID is a fresh child of PARENT (0: not known). */
struct member *member_begin(struct tree *t, pid_t pid, pid_t parent);
void member_end(struct tree *t, pid_t pid);

/* ---- hearing.c ---- */

void hearing_fork(struct tree *t, const struct event *ev);
void hearing_announce(struct tree *t, const struct event *ev, bool spawn);
void hearing_exec_failed(struct tree *t, const struct event *ev);
void hearing_exec_done(struct tree *t, const struct event *ev);
void hearing_start(struct tree *t, const struct event *ev);
void hearing_alarm(struct tree *t, const struct event *ev);

/* ---- told.c ---- */

/** What the event adds to the history. */
void told_event(struct tree *t, const struct event *ev);

/* ---- tests.c ---- */

void test_event(struct tree *t, const struct event *ev);
void test_ended(struct tree *t, pid_t pid, int64_t now_ns);

#endif
