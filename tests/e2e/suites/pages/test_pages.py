import subprocess

import pytest
from role import python, role


def test_before():
    pass


class TestNames:
    @pytest.mark.parametrize("name", ["<script>alert(1)</script>##[error]::error::"])
    def test_hangs(self, name):
        proc = subprocess.Popen(python("noisy.py"), stdout=subprocess.PIPE)
        role("writer", proc.pid)
        proc.wait()


def test_never_runs():
    pass


@pytest.mark.parametrize("n", range(2))
def test_neither_do_these(n):
    pass
