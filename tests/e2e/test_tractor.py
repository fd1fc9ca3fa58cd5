"""Real tractor actors: a suite that passes is left alone, and a registry that logs into an unread pipe is proven stuck."""
import re

import pytest
from support import SUITES, VENV_TRACTOR, Run, as_root, batch, of, proves, read, result, row_of, run  # noqa: F401

PY = VENV_TRACTOR / "bin" / "python"
PYTEST = (PY, "-m", "pytest", "-p", "no:cacheprovider", "-v")
STUCK = "test_daemon.py::test_many_requests"
#: The registry's address is fixed, so each run gets a network namespace of its own.
NETNS = ("/usr/bin/env", "python3", SUITES / "netns.py")

pytestmark = [pytest.mark.skipif(not PY.exists(), reason="no virtual environment with tractor (it wants Python 3.11)"), as_root]


def actors(*words, **more):
    return lambda: run(*PYTEST, *words, suite="tractor", before=map(str, NETNS), **more)


def plain_hang():
    """Without tracewrap the run is still there, with its daemon, when a generous time is over."""
    with Run(*PYTEST, STUCK, suite="tractor", before=map(str, NETNS), wrap=False, env={"DAEMON_LOG": "pipe"}) as r:
        daemon = r.until_role("daemon")
        words = r.until(lambda: (w := read(f"/proc/{daemon}/syscall").split()) and w[:2] == [b"1", b"0x2"] and w, "blocked write")
        return words, r.proc.poll()


RUNS = {
    "stuck": actors(STUCK, env={"DAEMON_LOG": "pipe"}),
    "actors": lambda: [actors("test_actors.py", wrap=wrap)() for wrap in (False, True)],
    "daemon": lambda: [actors(STUCK, wrap=wrap, env={"DAEMON_LOG": "file"})() for wrap in (False, True)],
    "stuck, plain": plain_hang,
}


def outcomes(result):
    return re.findall(r"^(\S+::\S+) (\w+)", result.out.decode(), re.MULTILINE)


@of("actors", "daemon")
def test_passes_unchanged(result):
    plain, wrapped = result
    assert plain.code == wrapped.code == 0, (plain, wrapped)
    assert outcomes(plain) == outcomes(wrapped) and outcomes(plain)
    assert {outcome for _, outcome in outcomes(plain)} == {"PASSED"}
    assert b"tracewrap" not in wrapped.err and not wrapped.left
    assert not (wrapped.folder / ".tracewrap").exists()


@of("stuck, plain")
def test_hangs_without_us(result):
    words, code = result
    assert words[0] == b"1" and code is None


@proves
@of("stuck")
def test_daemon_that_logs_into_an_unread_pipe(result):
    assert result.code == 124 and not result.left, result
    finding = result.finding()
    assert (finding["kind"], finding["certainty"]) == ("pipe-full", "proven"), result
    assert finding["culprits"] == [result.role("daemon")]
    assert finding["test"] == STUCK
    row = row_of(finding, result.role("daemon"))
    assert row["syscall"] == "write" and row["fd"] == 2 and row["object"].startswith("pipe:[")
