"""`tracewrap explain FILE`: the same verdict from the saved snapshot, elsewhere and later."""
import json
import subprocess

import pytest
from support import PYTEST, TOP, TRACEWRAP, batch, check_finding, of, proves, result, run  # noqa: F401

RECORDED = TOP / "tests" / "fixtures" / "snapshots"
#: The exit code of each certainty; None: nothing is stuck.
CODES = {"proven": 124, "suspected": 3, None: 0}


def explain(path, *words):
    return subprocess.run([TRACEWRAP, "explain", *words, path], capture_output=True, text=True, timeout=30, cwd="/")


def saved(*command, options=(), **more):
    return lambda: run(*command, options=("--save-snapshot", "saved.json", *options), **more)


RUNS = {
    "proven": saved(*PYTEST, "-q", "test_pipes.py::test_wait_before_read", suite="hang"),
    "suspected": saved(*PYTEST, "-q", "test_pipes.py::test_fifo", suite="hang", options=("--timeout", "6s")),
    "alive": saved("sleep", "60", options=("--timeout", "2s")),
}


def again(result):
    done = explain(result.folder / "saved.json", "--json")
    assert done.stderr == ""
    report = json.loads(done.stdout)
    for finding in report["findings"]:
        check_finding(finding)
    assert report["exit_code"] == done.returncode or done.returncode == 3
    return done.returncode, report["findings"]


@proves
@of("proven", "suspected")
def test_same_verdict(result):
    code, (finding,) = again(result)
    first = result.finding()
    assert code == CODES[first["certainty"]]
    for key in ("kind", "certainty", "test", "phase", "culprits", "summary", "advice"):
        assert finding[key] == first[key]
    for now, then in zip(finding["blocked"], first["blocked"], strict=True):
        assert [now[key] for key in ("pid", "tid", "comm", "syscall", "fd", "object", "waits_for")] == \
            [then[key] for key in ("pid", "tid", "comm", "syscall", "fd", "object", "waits_for")]


@proves
@of("proven")
def test_screen(result):
    done = explain(result.folder / "saved.json")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (124, "")
    assert max(map(len, lines)) <= 80 and len(lines) <= 30
    assert "test_pipes.py::test_wait_before_read" in done.stdout and f"[{result.role('writer')}]" in done.stdout


@of("alive")
def test_nothing_is_stuck(result):
    code, findings = again(result)
    assert (code, findings) == (0, [])
    assert result.finding()["kind"] == "stall"
    assert explain(result.folder / "saved.json").returncode == 0


@pytest.mark.skipif(not (RECORDED / "index.json").exists(), reason="no recorded snapshots")
def test_recorded_snapshots():
    """Runs recorded elsewhere, each with the kind that is right."""
    index = json.loads((RECORDED / "index.json").read_text())
    assert index
    for name in index:
        done = explain(next(RECORDED.glob(f"{name}*")), "--json")
        assert done.returncode in (0, 3, 124) and done.stderr == "", (name, done)
