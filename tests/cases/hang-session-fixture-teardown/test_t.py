import subprocess, sys
import pytest
from facts import role, onset

@pytest.fixture(scope="session")
def service():
    proc = subprocess.Popen([sys.executable, "-c", "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    role("service", proc.pid)
    yield proc
    role("pytest")
    onset()
    assert proc.wait() == 0

@pytest.mark.parametrize("n", range(30))
def test_echo(service, n):
    service.stdin.write(f"word{n}\n")
    service.stdin.flush()
    assert service.stdout.readline() == f"WORD{n}\n"
