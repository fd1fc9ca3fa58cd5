"""What a plain user's tests do."""
import os
import subprocess
import sys

from role import python, role


def test_passes():
    assert subprocess.run(["echo", "hello"], stdout=subprocess.PIPE, check=True).stdout == b"hello\n"


def test_hangs():
    child = subprocess.Popen(python("chatty.py", 300_000), stdout=subprocess.PIPE)
    role("writer", child.pid)
    child.wait()


def test_hangs_unreadable():
    """The same, but the child lets nobody look into it (prctl(2), PR_SET_DUMPABLE)."""
    child = subprocess.Popen(python("closed.py"), stdout=subprocess.PIPE)
    role("writer", child.pid)
    child.wait()
