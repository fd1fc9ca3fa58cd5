"""Looks like a hang, and is ended by an alarm some three seconds later: alarms.py WAY [PROGRAM]. One function for each way of setting it."""
import ctypes
import os
import signal
import subprocess
import sys
import threading

from role import role

LONG_S = 3
SYS_SETITIMER, SYS_ALARM = 38, 37
libc = ctypes.CDLL(None, use_errno=True)


class Timer(ctypes.Structure):
    _fields_ = [("interval_s", ctypes.c_long), ("interval_us", ctypes.c_long), ("s", ctypes.c_long), ("us", ctypes.c_long)]


def child(work):
    """WORK in a child that reads from a pipe whose other end it holds itself; the alarm has to end it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(reader, 0)
        os.set_inheritable(writer, True)
        work()
        os.read(0, 1)
        os._exit(1)
    role("reader", pid)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGALRM


def over_exec():
    child(lambda: (signal.alarm(LONG_S), os.execvp("cat", ["cat"])))


def over_shells():
    child(lambda: (signal.alarm(LONG_S), os.execvp("sh", ["sh", "-c", "exec sh -c 'exec env -i /bin/cat'"])))


def in_a_thread():
    def work():
        thread = threading.Thread(target=signal.setitimer, args=(signal.ITIMER_REAL, LONG_S))
        thread.start()
        thread.join()
    child(work)


def by_number():
    child(lambda: libc.syscall(ctypes.c_long(SYS_ALARM), ctypes.c_long(LONG_S)))


def timer_by_number():
    timer = Timer(0, 0, LONG_S, 0)
    child(lambda: libc.syscall(ctypes.c_long(SYS_SETITIMER), ctypes.c_long(0), ctypes.byref(timer), None))


def old_value_to_nowhere():
    timer = Timer(0, 0, LONG_S, 0)
    child(lambda: libc.setitimer(0, ctypes.byref(timer), ctypes.c_void_p(2**64 - 1)))


def before_the_child_of_subprocess():
    reader, writer = os.pipe()
    done = subprocess.run(["cat"], stdin=reader, pass_fds=[writer], preexec_fn=lambda: signal.alarm(LONG_S), check=False)
    assert done.returncode == -signal.SIGALRM


def by_a_program(program):
    child(lambda: os.execv(program, [program]))


globals()[sys.argv[1]](*sys.argv[2:])
