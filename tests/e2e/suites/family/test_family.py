"""Tests that make processes and sockets."""
import os
import signal
import socket
import subprocess
import sys


def test_child():
    assert subprocess.run([sys.executable, "-c", "import os; os._exit(3)"]).returncode == 3


def test_killed():
    with subprocess.Popen(["sleep", "60"]) as child:
        child.kill()


def test_socket():
    with socket.socket() as held, socket.socket() as late:
        held.bind(("127.0.0.1", 0))
        held.listen()
        try:
            late.bind(held.getsockname())
        except OSError:
            pass
    signal.alarm(7)
    signal.alarm(0)


def test_fork():
    pid = os.fork()
    if pid == 0:
        os._exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
