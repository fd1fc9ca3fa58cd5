"""The command waits for its child before it reads what that one writes: a hang, for ever. Then a signal comes that the child does not
care for, SIGNAL by its default or IGNORED by its wish. Traced, the write is woken by it, returns short, and the child ends.

    held.py SIGNAL default|ignored
"""
import os
import signal
import sys

from role import blocked_in, wait_for

WRITE_CALL = 1


def write_and_end(fd, sig, ignored):
    if ignored:
        signal.signal(sig, signal.SIG_IGN)
    me = os.getpid()
    if not os.fork():
        wait_for(lambda: blocked_in(me, WRITE_CALL))
        if sig != signal.SIGCHLD:  # which is sent by this end
            os.kill(me, sig)
        os._exit(0)
    os.write(fd, b"x" * 200_000)
    os._exit(0)


reader, writer = os.pipe()
child = os.fork()
if not child:
    os.close(reader)
    write_and_end(writer, signal.Signals[sys.argv[1]], sys.argv[2] == "ignored")
os.close(writer)
os.waitpid(child, 0)
