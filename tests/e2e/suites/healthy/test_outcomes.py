"""One of each outcome."""
import sys

import pytest


def test_passes():
    print("to standard output")
    print("to standard error", file=sys.stderr)


def test_fails():
    print("before the failure")
    assert [1, 2] == [1, 3]


@pytest.mark.skip(reason="a reason")
def test_skipped():
    pass


@pytest.mark.xfail
def test_expected_to_fail():
    raise ValueError("expected")


@pytest.fixture
def broken():
    raise RuntimeError("no such thing")


def test_error(broken):
    pass
