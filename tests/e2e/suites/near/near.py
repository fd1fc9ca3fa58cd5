"""Looks like a hang for some three seconds, and ends by itself with 0: near.py WAY. One function for each way."""
import ctypes
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import tty

from role import blocked_in, role, wait_for

LONG_S = 3
BIG = 300_000
READ, WRITE, EXIT_THREAD, TIMERFD_CREATE, TIMERFD_SETTIME, TIMER_CREATE, TIMER_SETTIME = 0, 1, 60, 283, 286, 222, 223
libc = ctypes.CDLL(None, use_errno=True)


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


def end_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def alarm_over_exec():
    """No handler is left after the exec: the alarm ends cat."""
    reader, writer = os.pipe()
    os.dup2(reader, 0)

    def work():
        signal.alarm(LONG_S)
        os.execvp("cat", ["cat"])
    assert end_of(child(work)) == -signal.SIGALRM


def alarm_with_handler():
    rang = []
    signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    signal.setitimer(signal.ITIMER_REAL, LONG_S)
    signal.pause()
    assert rang


def receive_timeout():
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", LONG_S, 0))
    try:
        ours.recv(1)
    except BlockingIOError:
        return
    raise AssertionError


def send_timeout():
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", LONG_S, 0))
    while True:
        try:
            ours.send(bytes(BIG), socket.MSG_DONTWAIT)
        except BlockingIOError:
            break
    try:
        ours.send(bytes(BIG))
    except BlockingIOError:
        return
    raise AssertionError


def terminal_with_vtime():
    master, slave = pty.openpty()
    tty.setraw(slave)
    attributes = termios.tcgetattr(slave)
    attributes[6][termios.VMIN] = 0
    attributes[6][termios.VTIME] = LONG_S * 10
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    assert os.read(slave, 1) == b""


def sibling_kills():
    pid = child(signal.pause)
    child(lambda: (time.sleep(LONG_S), os.kill(pid, signal.SIGKILL)))
    assert end_of(pid) == -signal.SIGKILL


def sibling_drains():
    reader, writer = os.pipe()
    pid = child(os.write, writer, bytes(BIG))
    wait_for(lambda: blocked_in(pid, WRITE))

    helper = subprocess.Popen([sys.executable, __file__, "drain", str(pid), str(reader)])
    assert end_of(pid) == 0
    assert helper.wait() == 0


def drain(pid, fd):
    """Not a descriptor in common: the pipe is opened anew through /proc."""
    time.sleep(LONG_S)
    fd, left = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY), BIG
    while left:
        left -= len(os.read(fd, left))


def fifo_by_name():
    os.mkfifo("a.fifo")
    fd = os.open("a.fifo", os.O_RDWR)
    subprocess.Popen(["sh", "-c", f"sleep {LONG_S}; echo late >a.fifo"])
    assert os.read(fd, 10) == b"late\n"


def dead_leader():
    """The first thread ends, another ends the process later."""
    def work():
        threading.Thread(target=lambda: (time.sleep(LONG_S), os._exit(7))).start()
        libc.syscall(EXIT_THREAD, 0)
    assert end_of(child(work)) == 7


def shutdown_by_another_holder():
    ours, theirs = socket.socketpair()
    child(lambda: (time.sleep(LONG_S), ours.shutdown(socket.SHUT_RD)))
    assert ours.recv(1) == b""


def timerfd():
    fd = libc.syscall(TIMERFD_CREATE, 1, 0)
    assert fd >= 0 and libc.syscall(TIMERFD_SETTIME, fd, 0, struct.pack("qqqq", 0, 0, LONG_S, 0), None) == 0
    assert len(os.read(fd, 8)) == 8


def timerfd_in_epoll():
    fd, epoll = libc.syscall(TIMERFD_CREATE, 1, 0), select.epoll()
    assert libc.syscall(TIMERFD_SETTIME, fd, 0, struct.pack("qqqq", 0, 0, LONG_S, 0), None) == 0
    epoll.register(fd)
    assert epoll.poll()[0][0] == fd


def posix_timer():
    timer, rang = ctypes.c_int(), []
    signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    assert libc.syscall(TIMER_CREATE, 1, None, ctypes.byref(timer)) == 0
    assert libc.syscall(TIMER_SETTIME, timer, 0, struct.pack("qqqq", 0, 0, LONG_S, 0), None) == 0
    signal.pause()
    assert rang


def poll_timeout():
    reader, writer = os.pipe()
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    assert poll.poll(LONG_S * 1000) == []


def select_timeout():
    reader, writer = os.pipe()
    assert select.select([reader], [], [], LONG_S) == ([], [], [])


def epoll_timeout():
    reader, writer = os.pipe()
    epoll = select.epoll()
    epoll.register(reader)
    assert epoll.poll(LONG_S) == []


def futex_timeout():
    assert not threading.Event().wait(LONG_S)


def lock_timeout():
    lock = threading.Lock()
    lock.acquire()
    assert not lock.acquire(timeout=LONG_S)


def signal_timeout():
    assert signal.sigtimedwait({signal.SIGUSR1}, LONG_S) is None


def sleeping_child():
    assert end_of(child(time.sleep, LONG_S)) == 0


def computing_child():
    def work():
        until = time.process_time() + LONG_S
        while time.process_time() < until:
            pass
    assert end_of(child(work)) == 0


def file_lock_given_back():
    file, (reader, writer) = open("lock", "w"), os.pipe()

    def work():
        with open("lock", "w") as mine:
            fcntl.flock(mine, fcntl.LOCK_EX)
            os.write(writer, b".")
            time.sleep(LONG_S)
    pid = child(work)
    os.read(reader, 1)
    fcntl.flock(file, fcntl.LOCK_EX)
    assert end_of(pid) == 0


def slow_reader():
    """Full for most of the time, but the reader takes a page now and then."""
    reader, writer = os.pipe()
    pid = child(os.write, writer, bytes(BIG))
    os.close(writer)
    got = 0
    while part := os.read(reader, BIG // 15):
        got += len(part)
        time.sleep(LONG_S / 20)
    assert got == BIG and end_of(pid) == 0


def outside_writes_late():
    role("waits")
    assert sys.stdin.readline() == "late\n"


def outside_answers_late(port):
    with socket.create_connection(("127.0.0.1", int(port))) as sock:
        role("waits")
        assert sock.recv(10) == b"late"


globals()[sys.argv[1]](*sys.argv[2:])
