"""Hangs that are gone because they were watched: none in the modes that touch nobody. In ptrace mode the figure is printed, and
documented in docs/modes.md."""
import pytest
from support import PY, Run

HANGS = [("SIGCHLD", "default"), ("SIGCHLD", "ignored"), ("SIGWINCH", "default"), ("SIGWINCH", "ignored"), ("SIGUSR1", "ignored"),
         ("SIGURG", "default")]


def dissolved(mode):
    """How many of the hangs end by themselves. Each other one is proven, or outlasts its time as suspected (a plain user's)."""
    count = 0
    for hang in HANGS:
        with Run(PY, "held.py", *hang, suite="dissolve", options=(f"--mode={mode}", "--timeout", "15")) as r:
            code = r.finish().code
        assert code in (0, 124), (mode, hang, code)
        count += code == 0
    return count


@pytest.mark.parametrize("mode", ["proc", "preload", "notify"])
def test_none_is_dissolved(mode):
    assert dissolved(mode) == 0


def test_how_many_are_dissolved_by_a_tracer(capsys):
    count = dissolved("ptrace")
    with capsys.disabled():
        print(f"\nhangs dissolved by --mode=ptrace: {count} of {len(HANGS)}")
    assert count > 0  # else the documentation, and the sentence in the report, warn of nothing
