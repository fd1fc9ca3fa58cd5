import subprocess
import sys
from pathlib import Path

import pytest

from crew.client import Client


@pytest.fixture
def level():
    return "warning"


@pytest.fixture
def registry(level):
    """A registry daemon for each test. Its log goes where its output goes."""
    daemon = subprocess.Popen([sys.executable, "-m", "crew.daemon", level], cwd=Path(__file__).parent,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    yield Client(daemon)
    daemon.kill()                               # actors that it has left end with their standard input
    daemon.wait()
