/* Which tasks of a finding a screen has room for. Private to report/. */
#ifndef TRACEWRAP_REPORT_PLAN_H
#define TRACEWRAP_REPORT_PLAN_H

#include "report/facts.h"

enum place {
	PLACE_ALSO,    /* a victim: counted with those that wait like it */
	PLACE_SHOWN,   /* a line of its own */
	PLACE_BETWEEN, /* of the chain or the cause, folded for want of room */
};

/** Of each row of f->blocked its place: on the way from the command to the cause, in the cause, or beside. When there is room
 *  for MOST lines only, the root, the culprits and the cause come first. The array lies in ARENA. */
enum place *plan_rows(const struct finding *f, size_t most, struct arena *arena);
/** Both wait for the same thing in the same way. */
bool plan_alike(const struct blocked *a, const struct blocked *b);

#endif
