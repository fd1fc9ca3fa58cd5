"""A plug-in of pytest that forks, where no test runs, a child that nobody waits for. $WHEN: "collection" or "between"."""
import os

from role import role


def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    role("none", pid)


def pytest_collection_finish():
    if os.environ["WHEN"] == "collection":
        fork()


def pytest_runtest_logfinish(nodeid):
    if os.environ["WHEN"] == "between" and "short" in nodeid:
        fork()
