"""A suite with a pass, a failure, and a test in whose midst something may happen outside: it says when, and goes on when told."""
import os
import subprocess
import time
from pathlib import Path

WORD = Path("word")


def test_before():
    pass


def test_in_the_midst():
    subprocess.Popen(["sleep", "600"], start_new_session=True)      # nobody ends it
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        Path("begun").touch()
        while not WORD.exists():
            time.sleep(0.01)
        assert child.communicate(b"still here")[0] == b"still here"


def test_fails():
    assert os.getpid() == 0, "as it should"


def test_after():
    assert subprocess.run(["sh", "-c", "exit 3"]).returncode == 3
