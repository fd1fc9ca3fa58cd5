/* wire: what the preload library writes and the supervisor reads. Plain data, the one header that both sides include.
 *
 * One file, mapped shared by each process of the tree: a header, then a ring of slots. An event takes one slot or several that
 * follow each other. A slot carries its turn, as in D. Vyukov's bounded queue, but counted in rounds, so that a file of zeros is an
 * empty ring: with ROUND = POS - POS % slots the slot of position POS (which only grows) is free when turn == ROUND, its event can be
 * read when the turn of its *first* slot is ROUND + 1 (the slots that follow stay as they were), and the reader gives each of them
 * back as ROUND + slots. Writers claim by moving `head` with one compare-and-swap, and publish with another, which fails when the
 * reader has passed over them (they were stopped or killed in between): nobody ever waits. An event that finds no room is counted in
 * `lost`.
 *
 * No descriptor stays open: the file is mapped by name (or by fork), and exec unmaps it.
 */
#ifndef TRACEWRAP_WIRE_H
#define TRACEWRAP_WIRE_H

#include <stdint.h>

/* Changes with every change of what follows; a library of another version stays silent. */
#define WIRE_VERSION 1
#define WIRE_MAGIC   UINT64_C(0x3165726977777274) /* "trwwire1", in the byte order of x86 */

/* TRW_SHIM=EVENTS:LIBRARY:TOKEN, beside LD_PRELOAD=LIBRARY. EVENTS and LIBRARY are paths below /proc/PID/fd of the outer process, which keeps
 * both as memory files to its end: nothing lies on a disk, and nothing is left when all of us are killed. TOKEN is the position of
 * the event by which the exec was announced, in hexadecimal; "-": there is none; "x": the image runs in another pid namespace, where
 * its numbers mean others, and has to be silent. */
#define WIRE_VARIABLE "TRW_SHIM"
/* What makes an AddressSanitizer run time bear a library in front of it; behind what the user has in ASAN_OPTIONS. */
#define WIRE_ASAN "verify_asan_link_order=0"
/* An empty variable that makes the number of ours even: where they are taken out, pairs of the auxiliary vector fill the gap. */
#define WIRE_PADDING "TRW_PAD="

enum { WIRE_PATH_MOST = 64 }; /* of EVENTS, of LIBRARY, the NUL included */

enum { WIRE_SLOT = 128, WIRE_SLOTS = 1 << 15, WIRE_MOST_SLOTS = 40 /* of one event: 5 KiB */ };

enum wire_kind {
	WIRE_START = 1,   /* an image has begun: value = token, extra = address of argc on its stack, fd = pid of its parent;
	                     text: AT_EXECFN */
	WIRE_BORN,        /* the child's side of fork: value = pid of its parent */
	WIRE_FORK,        /* the parent's side: value = pid of the child */
	WIRE_EXEC,        /* about to exec; text: the file, as it was given. The first one is written by the supervisor for the command, which
	                     has no pid yet: pid and tid are 0. fd = pid of its parent, which nobody else tells after vfork */
	WIRE_EXEC_FAILED, /* it did not: value = errno, extra = position of its WIRE_EXEC */
	WIRE_SPAWN,       /* posix_spawn and kin are about to; text: the file */
	WIRE_SPAWNED,     /* value = pid of the child, or -errno; extra = position of its WIRE_SPAWN */
	WIRE_EXIT,        /* value = exit code, as given to exit(3), _exit(2) and kin; -1: not known, main() has returned */
	WIRE_BIND,        /* fd, error; value = type of the socket (SOCK_STREAM ...); text: the address as bytes, struct sockaddr, with the
	                     port that the kernel chose. A path of a unix socket is made absolute where that fits */
	WIRE_LISTEN,      /* fd, error, value = type; text: the address that it is bound to */
	WIRE_ALARM,       /* ITIMER_REAL was set: value = ns until it expires (0: disarmed), extra = its interval in ns */
	WIRE_TIMER,       /* timer_create: value = clock, error */
	WIRE_PDEATHSIG,   /* value = signal, 0: none */
	WIRE_TEST,        /* PYTEST_CURRENT_TEST; text: its value, "" when it was unset */
};

struct wire_slot {
	_Atomic uint64_t turn;
	/* of the first slot of an event */
	uint32_t kind;
	uint32_t nslots;
	int64_t at_ns; /* CLOCK_MONOTONIC; of WIRE_BIND and WIRE_ALARM: when the call returned */
	int32_t pid, tid;
	int32_t fd, error; /* error: 0 or errno */
	int64_t value;
	uint64_t extra;
	uint32_t text_len;
	char text[WIRE_SLOT - 60]; /* goes on in `more` of the slots that follow */
};

struct wire_more {
	_Atomic uint64_t turn;
	char more[WIRE_SLOT - 8];
};

struct wire_file {
	uint64_t magic;
	uint32_t version, slots;
	_Atomic uint64_t head; /* the next position to be claimed */
	_Atomic uint64_t lost; /* events that found no room */
	char pad[128 - 32];
	struct wire_slot slot[];
};

_Static_assert(sizeof(struct wire_slot) == WIRE_SLOT && sizeof(struct wire_more) == WIRE_SLOT, "a slot is a slot");
_Static_assert(sizeof(struct wire_file) == 128, "the header has no holes");

#endif
