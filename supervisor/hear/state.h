/* state: what hear keeps. Private to the room. */
#ifndef TRACEWRAP_HEAR_STATE_H
#define TRACEWRAP_HEAR_STATE_H

#include "hear/hear.h"
#include "preload/wire.h"

/** The reading side of the ring (wire.h). */
struct ring {
	struct wire_file *file; /* mapped; NULL: there is none */
	uint64_t pos;           /* the next position to be read */
	uint64_t skipped;       /* events that were claimed and never published */
	uint64_t stalled_pos, stalled_head; /* what is waited for, and how far was claimed when that began */
	int64_t stalled_ns;                 /* 0: nothing is */
};

/** The bytes of a ring. */
size_t ring_bytes(void);
/** Begin with the zeros at AT. */
void ring_begin(struct ring *r, void *at);
void ring_close(struct ring *r);
/** Write the first event, before anybody else can: the command is about to be executed. @return its position. */
uint64_t ring_announce(struct ring *r, const char *file);
/** Copy the next event into S, its text into TEXT. NOW_NS: a writer that was killed between claim and publication is waited for some
 *  time. @return false: none. POS gets its position. */
bool ring_next(struct ring *r, int64_t now_ns, struct wire_slot *s, struct text *text, uint64_t *pos);
uint64_t ring_lost(const struct ring *r);

/** The library and the file of events: descriptors, and the paths by which others open them. */
#define FILES_EVENTS "tracewrap-events" /* what /proc/PID/maps shows of it */
struct files {
	int library_fd, events_fd;
	uint64_t inode; /* of the file of events */
	char library[WIRE_PATH_MOST], events[WIRE_PATH_MOST];
};

/** Make both; SIZE bytes of events are mapped at *AT. @return 0, -errno: they can't be had here. */
int files_make(struct files *f, size_t size, void **at, struct err *err);
void files_close(struct files *f);

/** The proc connector. */
struct connector {
	struct mnl_socket *socket; /* NULL: there is none */
	struct idmap *known;       /* pids of our tree -> living threads */
	uint64_t count, lost;
	struct nlmsghdr *at; /* in buf, LEFT bytes to go */
	int left;
	char buf[8192] __attribute__((aligned(8)));
};

/** Before the command is there, so that nothing of it is missed. @return false: it can't be had here. */
bool connector_open(struct connector *c);
/** COMMAND is known, and who comes of it. */
void connector_begin(struct connector *c, pid_t command);
int connector_fd(const struct connector *c); /* 0: none */
/** The next event of our tree; TEXT holds its text. */
bool connector_next(struct connector *c, struct text *text, struct event *out);
void connector_close(struct connector *c);

struct hear {
	struct connector connector;
	struct files files;
	struct ring ring;
	struct text text;
	char **env;
};

#endif
