"""Hangs on pipes and what is like pipes, each in a test of its own."""
import multiprocessing
import os
import pty
import signal
import socket
import subprocess
import sys
import threading

import pytest
from role import python, role

BIG = 300_000
mp = multiprocessing.get_context("fork")


def chatty(**more):
    """A child that writes more than a pipe holds, to a standard output that is a pipe of ours."""
    child = subprocess.Popen(python("chatty.py", BIG), stdout=subprocess.PIPE, **more)
    role("writer", child.pid)
    return child


def test_quick():
    assert subprocess.run(python("chatty.py", 10), stdout=subprocess.PIPE, check=True).stdout == b"x" * 10


def test_wait_before_read():
    role("pytest")
    with chatty() as child:
        assert child.wait() == 0


class TestNames:
    @pytest.mark.parametrize("name", ["two words", "[in] brackets", "a::b"])
    def test_parametrized(self, name):
        if name == "[in] brackets":
            chatty().wait()

    def test_größe(self):
        chatty().wait()


@pytest.fixture
def slow_start():
    chatty().wait()
    yield


def test_hangs_in_setup(slow_start):
    pass


@pytest.fixture
def slow_stop():
    yield
    chatty().wait()


def test_hangs_in_teardown(slow_stop):
    pass


def test_multiprocessing_child():
    reader, writer = os.pipe()
    child = mp.Process(target=os.write, args=(writer, bytes(BIG)))
    child.start()
    role("writer", child.pid)
    child.join()


def test_forked_child():
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, bytes(BIG))
        os._exit(0)
    role("writer", pid)
    os.waitpid(pid, 0)


def fill(queue):
    role("writer")
    queue.put(bytes(BIG))


def test_queue_joined_before_get():
    queue = mp.Queue()
    child = mp.Process(target=fill, args=(queue,))
    child.start()
    child.join()


def test_socketpair():
    ours, theirs = socket.socketpair()
    child = subprocess.Popen(python("chatty.py", 2_000_000), stdout=theirs)
    theirs.close()
    role("writer", child.pid)
    child.wait()


def test_terminal():
    pid, master = pty.fork()
    if pid == 0:
        os.write(1, b"\r" * BIG)
        os._exit(0)
    role("writer", pid)
    os.waitpid(pid, 0)


def test_fifo(tmp_path):
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    child = subprocess.Popen([*python("chatty.py", BIG), str(tmp_path / "log")])
    role("writer", child.pid)
    child.wait()
    os.close(reader)


def test_end_of_file():
    """A daemon inherits the write end and stays."""
    child = subprocess.Popen(python("daemon.py"), stdout=subprocess.PIPE)
    assert child.wait() == 0
    child.stdout.read()


def test_child_that_waits_for_a_signal():
    child = subprocess.Popen(python("daemon.py", "stay"))
    child.wait()


def test_workers_of_a_controller():
    """Collected twice by name so that two workers of xdist hang in one each."""
    chatty().wait()


def test_workers_of_a_controller_too():
    chatty().wait()


def test_beside_idle_threads():
    """Threads that nobody will ever wake are stuck with the rest."""
    for _ in range(3):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    chatty().wait()


def test_crowd():
    """Many writers of one pipe, in many layers: all that there is to tell does not fit a screen."""
    reader, writer = os.pipe()
    children = [subprocess.Popen(python("chatty.py", BIG), stdout=writer) for _ in range(10)]
    children += [subprocess.Popen(["sh", "-c", f"{sys.executable} chatty.py {BIG}; true"], stdout=writer) for _ in range(5)]
    for child in children:
        child.wait()


@pytest.mark.parametrize("n", [1], ids=["x y " * 60])
def test_long_name(n):
    chatty().wait()


def test_unreadable_output_of_a_shell():
    child = subprocess.Popen(["sh", "-c", f"{sys.executable} chatty.py {BIG}; true"], stdout=subprocess.PIPE)
    role("shell", child.pid)
    child.wait()


def test_child_is_waited_for_and_would_be_killed():
    """The near-miss: the same full pipe, but a timer of the test ends it."""
    signal.signal(signal.SIGALRM, lambda *_: child.kill())
    child = chatty()
    signal.alarm(3)
    assert child.wait() == -signal.SIGKILL
