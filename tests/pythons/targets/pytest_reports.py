"""pytest, with some tests behind it, in one of them: it tells moments, and which test it was in then. argv: where pytest lies."""
import os
import sys
import time

sys.path.insert(0, sys.argv[1])

import pytest  # noqa: E402

from _target import FOLDER, say  # noqa: E402

MOMENTS = []  # [time.time(), test or None]
TESTS = '''
import pytest, sys
import __main__ as target


@pytest.fixture
def slow():
    target.note("test_made.py::test_fixture")
    yield
    target.note("test_made.py::test_fixture")


def test_short():
    target.note("test_made.py::test_short")


def test_fixture(slow):
    target.note("test_made.py::test_fixture")


@pytest.mark.skip
def test_skipped():
    pass


@pytest.fixture
def broken():
    target.note("test_made.py::test_broken_setup")
    raise RuntimeError


def test_broken_setup(broken):
    pass


@pytest.fixture
def torn():
    yield
    target.note("test_made.py::test_broken_teardown")
    raise RuntimeError


def test_broken_teardown(torn):
    target.note("test_made.py::test_broken_teardown")


@pytest.mark.parametrize("i", range(3000))
def test_many(i):
    if i % 500 == 0:
        target.note("test_made.py::test_many[%d]" % i)


def test_failing():
    target.note("test_made.py::test_failing")
    assert False


def test_now():
    target.note("test_made.py::test_now")
    target.rest()


def test_never():
    pass


target.note(None)
'''


def note(test):
    """A moment that is apart from all others."""
    time.sleep(0.002)
    MOMENTS.append([time.time(), test])
    time.sleep(0.002)


def rest():
    note("test_made.py::test_now")
    say(pid=os.getpid(), threads={}, last=True, moments=MOMENTS)
    os.read(0, 1)


class Between:
    """What is no test's: behind its teardown, in front of its setup, after the collection."""

    def pytest_collection_finish(self):
        note(None)

    def pytest_runtest_logstart(self, nodeid):
        if "many" not in nodeid:
            note(None)

    def pytest_runtest_logfinish(self, nodeid):
        if "many" not in nodeid:
            note(None)


sys.modules["__main__"].__dict__.update(note=note, rest=rest)
path = os.path.join(FOLDER, "test_made.py")
with open(path, "w") as file:
    file.write(TESTS)
note(None)
sys.stdout = open(os.devnull, "w")  # ours is the one that say() writes to
pytest.main(["-q", "-p", "no:cacheprovider", "--capture=no", "--rootdir", FOLDER, "--color=no", *sys.argv[2:], path], plugins=[Between()])
