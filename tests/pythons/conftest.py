"""Fixtures of the tests over every Python; see README.md."""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
collect_ignore = ["targets"]  # what is looked at: no tests

import support  # noqa: E402


def pytest_generate_tests(metafunc):
    if "python" in metafunc.fixturenames:
        metafunc.parametrize("python", support.known() or [pytest.param(None, marks=pytest.mark.skip(reason="no Python 3.8 - 3.15 here"))],
                             ids=str)


def pytest_report_header():
    return "pythons: " + ", ".join(map(str, support.interpreters()))


@pytest.fixture
def start(python):
    """start("name", *args): the target, with all of its threads blocked; ended with the test."""
    running = []

    def begin(name, *args, **more):
        running.append(support.Target(more.pop("of", python), name, *args, **more))
        return running[-1]
    yield begin
    for target in running:
        target.end()
