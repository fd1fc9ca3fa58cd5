"""What a case tells of itself while it runs: see FORMAT.md of the corpus."""
import os
import time


def fact(*words):
    """Append one line to the file named by CASE_ROLES, if it is set."""
    if path := os.environ.get("CASE_ROLES"):
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(fd, (" ".join(map(str, words)) + "\n").encode())
        os.close(fd)


def role(name, pid=None):
    fact("role", name, pid or os.getpid())


def onset():
    fact("onset", time.monotonic())
