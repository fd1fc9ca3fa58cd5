"""What all end-to-end tests share: the program under test, waiting for conditions, and leaving nothing behind.

The program is $TRACEWRAP or build/tracewrap, the helpers are in $HELPERS or build/tests/helpers. This process is a child
subreaper: what a test leaves becomes our child, and is found by the mark in its environment, ended, and reported.
"""
import ctypes
import os
import signal
import time
import uuid
from pathlib import Path

import pytest

collect_ignore = ["suites"]  # what the tests run, in copies: no tests of tracewrap
ROOT = Path(__file__).resolve().parents[2]
PR_SET_CHILD_SUBREAPER = 36
MARK = "TRACEWRAP_TEST_MARK"
LIMIT = 30  # seconds; generous, for a busy machine: a condition that does not come in that time never comes


def read(path):
    """The text of a file, "" when it is not there (any more)."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def wait_for(condition, limit=LIMIT, what=None):
    """The first true value of CONDITION(); fails the test when there is none in time."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    pytest.fail(f"waited {limit} s in vain for {what or 'a condition'}")


def state(pid):
    """The state letter of /proc/PID/stat, "" when it is gone."""
    return (read(f"/proc/{pid}/stat").rpartition(")")[2].split() or [""])[0]


def gone(pid):
    """Has it ended? Whether it was reaped is its parent's business."""
    return state(pid) in ("", "Z", "X")


def parent(pid):
    return int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])


def children(pid):
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*") for child in read(task / "children").split()]


def comm(pid):
    return read(f"/proc/{pid}/comm").strip()


def alive(mark):
    """Processes with MARK in their environment that are no zombies."""
    word = f"{MARK}={mark}\0".encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            marked = word in Path(f"/proc/{name}/environ").read_bytes()
        except OSError:
            continue
        if marked and not gone(name):
            found.append(int(name))
    return found


def end_all(mark):
    """Kill what is left with this mark. Returns the command lines of those that had to be killed."""
    killed = {}
    while left := alive(mark):
        for pid in left:
            killed[pid] = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.002)
    return list(killed.values())


@pytest.fixture(scope="session", autouse=True)
def subreaper():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.fixture(scope="session")
def tracewrap():
    """Path of the program under test."""
    path = Path(os.environ.get("TRACEWRAP", ROOT / "build" / "tracewrap"))
    if not path.exists():
        pytest.fail(f"{path} is not there: run make")
    return str(path)


@pytest.fixture(scope="session")
def helpers():
    """The folder of the helper programs."""
    return Path(os.environ.get("HELPERS", ROOT / "build" / "tests" / "helpers"))


@pytest.fixture
def mark():
    """A word for the environment of all that a test starts: {MARK: mark}. What is left at the end is killed."""
    word = uuid.uuid4().hex
    yield word
    end_all(word)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:  # orphans that came to us
            pass
    except ChildProcessError:
        pass


@pytest.fixture
def marked_env(mark):
    return {**os.environ, MARK: mark}
