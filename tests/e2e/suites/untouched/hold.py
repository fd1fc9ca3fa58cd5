"""A child is blocked in one long write to KIND; another waits for SIGUSR2, then reads all and prints what it saw as JSON.

    hold.py pipe|terminal|socketpair|fifo
"""
import fcntl
import json
import os
import pty
import signal
import socket
import struct
import sys
import termios
import time
import tty

from role import blocked_in, role, wait_for

WRITE_CALL = 1     # syscall number of x86-64
SIZE = {"pipe": 1_000_000, "terminal": 100_000, "socketpair": 3_000_000, "fifo": 1_000_000}
FIRST = 1000       # written before, so that the long write finds some room taken
TAKEN = {"terminal": 4095}   # what must wait to be read before all is still: a terminal's are moved there by a thread of the kernel


def pattern(size):
    """Bytes that tell where they belong; none that a terminal would change."""
    line = b"%08d" * 64
    numbers = range(0, size // 8 + 64, 64)
    return b"".join(line % tuple(range(n, n + 64)) for n in numbers)[:size]


def waiting(fd):
    """How many bytes can be read."""
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]


def ends(kind):
    if kind == "pipe":
        return os.pipe()
    if kind == "socketpair":
        ours, theirs = socket.socketpair()
        return ours.detach(), theirs.detach()
    if kind == "terminal":
        master, slave = pty.openpty()
        tty.setraw(slave)
        return master, slave
    os.mkfifo("log.fifo")
    reader = os.open("log.fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open("log.fifo", os.O_WRONLY)
    os.set_blocking(reader, True)
    return reader, writer


def write_all(fd, data, result):
    """One call for all but the first bytes; what it returned goes to RESULT. A signal in its midst would make it short."""
    for sig in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(sig, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    os.write(fd, data[:FIRST])
    os.write(result, b"%d" % os.write(fd, data[FIRST:]))


def still(fd, writer, taken):
    """The writer is in its long write, the room is full, and a moment later nothing is different."""
    def look():
        return blocked_in(writer, WRITE_CALL) and waiting(fd)
    first = look()
    time.sleep(0.05)
    return first and first >= taken and first == look()


def read_when_told(fd, data, writer, result, taken):
    """Wait for the signal, then read all and say what was seen."""
    wait_for(lambda: still(fd, writer, taken))
    before = waiting(fd)
    role("reader")
    signal.sigwait({signal.SIGUSR2})
    after, got = waiting(fd), bytearray()
    while len(got) < len(data) and (part := os.read(fd, 65536)):
        got += part
    print(json.dumps({"before": before, "after": after, "same": got == data, "returned": int(os.read(result, 100)),
                      "wanted": len(data) - FIRST}), flush=True)


def child(work, *words):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(*words)
            code = 0
        finally:
            os._exit(code)
    return pid


def main(kind):
    data = pattern(SIZE[kind])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    reader, writer = ends(kind)
    result, result_writer = os.pipe()

    def write():
        os.close(reader)
        os.close(result)
        write_all(writer, data, result_writer)

    def read():
        os.close(writer)
        os.close(result_writer)
        read_when_told(reader, data, pid, result, TAKEN.get(kind, FIRST + 1))

    pid = child(write)
    pids = [pid, child(read)]
    role("writer", pid)
    for fd in (reader, writer, result, result_writer):
        os.close(fd)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids))


main(sys.argv[1])
