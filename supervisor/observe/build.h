/* build: a snapshot under construction. Private to the room.
 *
 * Until snapshot_index(), procs.at[i] is of ob->procs.at[i]; nothing walks the table before that.
 */
#ifndef TRACEWRAP_OBSERVE_BUILD_H
#define TRACEWRAP_OBSERVE_BUILD_H

#include "observe/state.h"

/** What kind of name others may reach a socket by. */
enum address_kind { ADDRESS_NONE, ADDRESS_NET, ADDRESS_PATH }; /* NET: of the network namespace, abstract ones too (unix(7)) */

/** Beside each object: where its facts come from. */
struct source {
	enum link_kind kind;
	enum address_kind address;
	uint64_t id;
	const struct seen_process *holder; /* one of the tree that holds it, NULL: none */
	int fd;
};

/** An epoll's target before it is resolved. */
struct pending_target {
	int epoll;
	struct epoll_target target;
	unsigned same_before; /* targets of the same number before it in the same epoll */
};

/** One open anonymous file; they are kept in the order of kcmp(2). */
struct open_file {
	enum link_kind kind;
	pid_t pid;
	int fd, object;
};

struct builder {
	struct observe *ob;
	struct snapshot *s;
	struct arena *arena;
	int64_t now_ns;
	VEC(struct object) objects;
	VEC(struct source) sources;
	struct strmap *by_key;
	VEC(struct open_file) files;
	VEC(struct pending_target) targets;
	VEC(struct process) procs;
	VEC(struct task) tasks;
	VEC(struct lock_holder) locks;
	VEC(int) inflight;
	VEC(const char *) shared_keys; /* shared memory in which somebody waits */
	bool waits_fds, waits_lock, has_sockets;
	bool net_asked, net_private; /* names.c: of our network namespace, once asked */
};

/* ---- objects.c ---- */

/** Index of the object that KEY names; made as OBJECT_UNKNOWN when it is new. */
int object_named(struct builder *b, const char *key, bool *is_new);
/** All descriptors of procs.at[I]. */
void objects_of_process(struct builder *b, size_t i);
/** Where (PID, FD) belongs in the order of KIND's open files. *FOUND: there is the same one. False when kcmp(2) refuses. */
bool objects_place(struct builder *b, enum link_kind kind, pid_t pid, int fd, size_t *place, bool *found);
/** Resolve the targets of epolls, once the descriptors of all are there. */
void objects_resolve_epolls(struct builder *b);
/** Both sides of each terminal. */
void objects_pair_terminals(struct builder *b);
/** "/dev/pts/3", "ptmx:3", "pipe:[1]": the key of what every process sees by the same number. False for other kinds. */
bool object_number_key(enum link_kind kind, uint64_t id, char key[48]);

/* ---- sockets.c ---- */

/** Kinds and peers of all sockets, by sock_diag(7). */
void sockets_resolve(struct builder *b);

/* ---- names.c ---- */

/** Which listeners and datagram sockets nobody outside the tree can reach. */
void names_resolve(struct builder *b);
/** Has the file of M, a mapping of PID's, a name, or a number, by which somebody else could map it? */
bool names_has_mapping(const struct observe *ob, pid_t pid, const struct mapping *m);
/** Is a lock on a file of this device, as process PID sees it, one among the processes of this machine alone? */
bool names_locks_are_local(const struct observe *ob, pid_t pid, unsigned major, unsigned minor);
/** Is the one name that the file of M has made up at random, by a library that tells it to the processes that it starts, and no other
 *  user's? */
bool names_is_random(const struct mapping *m);
/** Is this the machine's first pid namespace, so that no process is out of sight? */
bool names_all_in_sight(const struct observe *ob);
/** One of tracewrap's own. */
bool names_is_guard(const struct observe *ob, pid_t pid);

/** Are files on their way to a socket that the tree does not hold? Notes it, and in RECEIVERS the unix sockets that may have files in their
 *  queue. @return false: that can't be told. */
bool sockets_under_way(struct builder *b, struct idmap *receivers);

/* ---- outside.c ---- */

/** Ends held, and shared memory mapped, by processes that are not of the tree. */
void outside_scan(struct builder *b);

/* ---- family.c ---- */

/** Who runs his parent's image, who shares memory or descriptors with whom. */
void family_resolve(struct builder *b);
/** Shared mappings in which somebody waits, by process. */
void family_mappings(struct builder *b);
/** Locks held, by process and by the kernel's table. */
void family_locks(struct builder *b);
/** Does a task of the tree wait for a lock on the file KEY? */
bool family_waits_for(const struct builder *b, const char *key);
/** Somebody outside the tree holds a lock on the file KEY. */
void family_lock_outside(struct builder *b, const char *key);
/** Add to KEYS the keys of shared_keys that the map of DIR ("PID/task/TID") has. @return how many; BUF is scratch. */
size_t mapped_keys(struct builder *b, const char *dir, const char **keys);

/* ---- waits.c ---- */

/** What T, a task of procs.at[I], waits for. */
struct wait wait_of(struct builder *b, size_t i, const struct seen_task *t);

#endif
