/* What verdicts take for granted, as data: what each assumption costs in waiting, and whether it may carry a proof. */
#include <errno.h>
#include <string.h>

#include "prove/prove.h"

/* Two looks this far apart span several rounds of the sampler. */
#define TWO_LOOKS_NS (250 * NS_PER_MS)
/* What an outsider or a ticker gets to show itself. */
#define RESTRAINT_NS (2 * NS_PER_S)
/* What rests on a library's known code: long enough for a thread that was only just between two pieces of work. */
#define KNOWN_CODE_NS (1 * NS_PER_S)

static const struct assumptions defaults = {{
	{ASSUME_NO_OUTSIDE_SIGNAL, "signals", "nobody outside the tree intervenes", RESTRAINT_NS, false},
	{ASSUME_NO_OUTSIDE_CONNECT, "connect", "nobody outside the tree connects", RESTRAINT_NS, false},
	{ASSUME_HORIZON, "horizon", "a timeout beyond the run's time budget is no progress", TWO_LOOKS_NS, false},
	{ASSUME_NO_ALARM, "alarms", "no alarm was armed", RESTRAINT_NS, true},
	{ASSUME_NO_FIFO_OPEN, "fifo", "nobody opens the FIFO by name", RESTRAINT_NS, true},
	{ASSUME_NO_SHM_OPEN, "shm", "nobody opens the shared object by name", RESTRAINT_NS, true},
	{ASSUME_LIVE_INERT, "live", "no live task of the tree signals the stuck ones or opens their files", RESTRAINT_NS, true},
	{ASSUME_SERVICE_THREADS, "service", "service threads touch nothing but their own descriptor", RESTRAINT_NS, true},
	{ASSUME_ALARMS_HEARD, "heard", "no alarm was armed past the C library", TWO_LOOKS_NS, false},
	{ASSUME_IDLE_WORKERS, "idle", "idle helper threads of a library only end, or wait again, when their time is over", KNOWN_CODE_NS, false},
	{ASSUME_NO_HIDDEN_HOLDER, "hidden", "no process that can't be read holds what is waited for", RESTRAINT_NS, true},
	{ASSUME_NOBODY_AWAITED, "listener", "nobody outside the tree is who the cause waits for at its address", RESTRAINT_NS, true},
	{ASSUME_NO_RANDOM_OPEN, "random", "nobody outside the tree opens a shared object by its random name", RESTRAINT_NS, false},
}};

const struct assumptions *assumptions_default(void)
{
	return &defaults;
}

int assumptions_set(struct assumptions *as, const char *name, size_t len, int64_t patience_ns)
{
	for (size_t i = 0; i < ASSUMPTIONS; i++) {
		struct assumption_row *row = &as->rows[i];

		if (strlen(row->name) != len || strncmp(row->name, name, len) != 0)
			continue;
		/* A live task may do anything: that it does not is never more than a hope. */
		if (row->bit == ASSUME_LIVE_INERT && patience_ns != NEVER_NS)
			return -EPERM;
		row->soft = patience_ns == NEVER_NS;
		if (!row->soft)
			row->patience_ns = patience_ns > TWO_LOOKS_NS ? patience_ns : TWO_LOOKS_NS;
		return 0;
	}
	return -ENOENT;
}

unsigned prove_soft(const struct assumptions *as, unsigned bits)
{
	unsigned soft = 0;

	for (size_t i = 0; i < ASSUMPTIONS; i++)
		if ((as ? as : &defaults)->rows[i].soft)
			soft |= (unsigned)(as ? as : &defaults)->rows[i].bit;
	return bits & soft;
}

int64_t prove_patience_ns(const struct assumptions *as, unsigned bits)
{
	int64_t longest_ns = TWO_LOOKS_NS;

	for (size_t i = 0; i < ASSUMPTIONS; i++) {
		const struct assumption_row *row = &(as ? as : &defaults)->rows[i];

		if (bits & (unsigned)row->bit && row->patience_ns > longest_ns)
			longest_ns = row->patience_ns;
	}
	return longest_ns;
}

const char *assumption_text(enum assumption bit)
{
	for (size_t i = 0; i < ASSUMPTIONS; i++)
		if (defaults.rows[i].bit == bit)
			return defaults.rows[i].text;
	return "something that has no name";
}
