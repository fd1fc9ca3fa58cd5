/* Snapshots from a few lines of text, for tests.
 *
 * One line is one task, or one object. Order does not matter, but the first task is of the root. A task:
 *
 *   TID[/PID] WAIT [WORD...]     "100 wait4(101) r:pipe7", "102/100 futex(owner=100)"
 *
 * WAIT is one of
 *   run  run(WHY)  dead  vfork  pause  stop  stop(tty)  traced(PID)
 *   read(OBJ) write(OBJ) recv(OBJ) accept(OBJ) epoll(OBJ) read(closed)   its process holds the end that this takes
 *   poll(r:OBJ,w:OBJ,...) or poll()
 *   wait4(PID,...)  waitany(PID,...)    sleep(SECONDS)    sigwait  sigwait(alrm)
 *   futex(gil=TID)
 *   futex  futex(owner=TID)  futex(word=TID)  futex(join=TID)  futex(shm=KEY)  futex(shm=KEY,named)  futex(shm=KEY,outside)  futex(shm=KEY,random)
 *   flock(KEY)
 * WORD is one of
 *   r:OBJ w:OBJ rw:OBJ [N=r:OBJ: as descriptor N]   timeout=SECONDS   idle=WHOSE  kids  serves=WHOM  mourns  deaths   full (says nothing, for readers)
 *   chld  alrm=no|maybe|caught  alarm=SECONDS  heard  timers  filesignals  dark  forked  vm=PID  shm=KEY  lock=KEY  parent=PID  tracer=PID
 *   argv=WORD,WORD  test=ID  moved=SECONDS
 * A parent's children are found by `parent`, or are those that it waits for.
 *
 * An object is made by its first mention; the beginning of its name is its kind: pipe, unix, tcp, udp, efd, tfd, sfd, pidfd, epoll,
 * pts, ptm, file, dev, unknown; anything else is an object of which nothing is known. A line of its own gives it more:
 *
 *   OBJ WORD...                  peer=OBJ|gone  outside=r|w|rw  named  listener  datagram  private  scatters  transit  armed  alrm  vtime  pid=PID
 *                                watch=r:OBJ,w:OBJ  inflight
 * And: "locks KEY PID...", "stray KEY", "alarms unknown", "others began it", "hidden holders", "away it is" (a file, to a socket outside), "root PID".
 */
#ifndef TRACEWRAP_TESTS_SNAP_H
#define TRACEWRAP_TESTS_SNAP_H

#include "prove/prove.h"

/** Fails the running test when TEXT makes no sense. snapshot_free() it. */
struct snapshot *snap(const char *text);

#endif
