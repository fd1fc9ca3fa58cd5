"""What the suites share: telling the test outside which process is which, and waiting for conditions."""
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def role(name, pid=None):
    """Say that process PID (default: this one) is NAME."""
    fd = os.open(os.environ["TW_ROLES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(fd, f"{name} {pid or os.getpid()}\n".encode())
    os.close(fd)


def wait_for(condition):
    while not condition():
        time.sleep(0.01)


def blocked_in(pid, number):
    """Process PID sleeps in the system call with that number."""
    try:
        words = Path(f"/proc/{pid}/syscall").read_text().split()
    except OSError:
        return False
    return words[0] == str(number)


def python(script, *words):
    return [sys.executable, str(HERE / script), *map(str, words)]
