"""Children that don't go when they are asked to, beside a hang that ends the run."""
import os
import signal
import subprocess
from pathlib import Path

import pytest
from role import blocked_in, python, role, wait_for

PAUSE_CALL = 34    # syscall numbers of x86-64
WRITE_CALL = 1


def start(*words):
    child = subprocess.Popen(python("stubborn.py", *words), stdin=subprocess.DEVNULL)
    role("-".join(words), child.pid)
    wait_for(lambda: blocked_in(child.pid, PAUSE_CALL))
    return child


def hang():
    child = subprocess.Popen(python("chatty.py", 300_000), stdout=subprocess.PIPE)
    role("writer", child.pid)
    wait_for(lambda: blocked_in(child.pid, WRITE_CALL))
    child.wait()


@pytest.fixture
def cleaner():
    yield
    Path("teardown-ran").touch()


def test_all_kinds(cleaner):
    for signals in ("plain", "int", "int-term", "int-term-hup-quit"):
        start("ignore", signals)
    start("daemon")
    stopped = start("stopped")
    os.kill(stopped.pid, signal.SIGSTOP)
    hang()


def test_tidy():
    """Tidies up for a second when asked to go."""
    start("tidy")
    hang()


def test_spins():
    """Never ends when asked to go, and is never idle either."""
    start("spin")
    hang()
