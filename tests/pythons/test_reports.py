"""Which test of pytest ran when, by its own reports: as the tests themselves have told."""
import json
import subprocess

import pytest

from support import HELPERS, LIMIT, TOP

PYTEST = {"old": TOP / "build" / "pytest-old", "new": TOP / "build" / "pytest-new"}  # tests/setup.sh pythons makes them
MARGIN_NS = 1_000_000  # the targets keep still for twice as long around each moment


def ask(pid, stretches):
    words = [str(ns) for stretch in stretches for ns in stretch]
    done = subprocess.run([HELPERS / "ran", str(pid), *words], capture_output=True, timeout=LIMIT, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def library(python, request):
    folder = PYTEST[request.param]
    if not folder.exists() or python.root or python.version < ((3, 10) if request.param == "new" else (3, 8)):
        pytest.skip(f"no {folder.name} for this Python")
    return folder


@pytest.mark.parametrize("library", PYTEST, indirect=True)
def test_moments(start, library):
    target = start("pytest_reports", library)
    moments = [(int(s * 1e9), test) for s, test in target.told["moments"]]
    told = ask(target.pid, [(ns - MARGIN_NS, ns + MARGIN_NS) for ns, _ in moments])
    assert told == [test for _, test in moments]
    # from one into the next: one test's only if no other lies between
    pairs = [((left, right), a if a == b else None) for (left, a), (right, b) in zip(moments, moments[1:])]
    assert ask(target.pid, [stretch for stretch, _ in pairs]) == [test for _, test in pairs]


def test_who_runs_no_tests(start):
    assert ask(start("threads").pid, [(1, 2)]) is False
