"""Look without touching, on the corpus: each of its blocked writers is held under watch, and is still in the same call afterwards, its stack and
those of all others that the report names having been read."""
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from support import PY, TOP, VENV, VENV_TRACTOR, Run, batch, of, result  # noqa: F401
from test_untouched import HOLD_S, state

CASES = Path(os.environ.get("CORPUS") or TOP.parent / "shared" / "corpus") / "cases"
WRITE_CALLS = {b"1", b"18", b"20", b"44", b"46", b"275"}     # write, pwrite64, writev, sendto, sendmsg, splice of x86-64
WRITE_NAMES = ("write", "pwrite64", "writev", "sendto", "sendmsg", "splice")


def interpreter(needs):
    """A Python that has pytest and NEEDS; None: nobody here has."""
    for venv in (VENV, VENV_TRACTOR):
        if all(list(venv.glob(f"lib/python3*/site-packages/{name.replace('-', '_').removeprefix('pytest_')}")) for name in needs):
            return str(venv / "bin" / "python")
    return None


def writers():
    """The cases in which somebody hangs in a write: name -> (what to run, the roles of those who write)."""
    found = {}
    for path in sorted(CASES.glob("*/case.json")):
        case = json.loads(path.read_text())
        python = interpreter(case["needs"])
        if case["truth"] == "hang" and case["kinds"][0] == "pipe-full" and python:
            found[path.parent.name] = [word.replace("{py}", python) for word in case["command"]], case["culprit"]
    return found


def pids_of(run, names):
    lines = [line.split() for line in (run.top / "case").read_text().splitlines()] if (run.top / "case").exists() else []
    return [int(words[2]) for words in lines if words[0] == "role" and words[1] in names]


def held(name, command, roles):
    def job():
        def inside(run):
            shutil.copytree(CASES / name, run.folder, dirs_exist_ok=True)
            run.env["CASE_ROLES"] = str(run.top / "case")
        with Run(*command, inside=inside, options=("--on-hang", "report"), limit=HOLD_S + 60) as r:
            finding = r.until_finding()
            tasks = [int(tid) for pid in pids_of(r, roles) if os.path.exists(f"/proc/{pid}") for tid in os.listdir(f"/proc/{pid}/task")]
            before = {tid: state(tid) for tid in tasks}
            until = time.monotonic() + HOLD_S
            r.until(lambda: time.monotonic() > until, "end of the hold")
            after = {tid: state(tid) for tid in tasks}
            return finding, before, after
    return job


RUNS = {name: held(name, *what) for name, what in writers().items()}


@pytest.mark.skipif(not RUNS, reason=f"no corpus at {CASES}")
def test_there_are_writers():
    assert len(RUNS) >= 8


@of(*RUNS)
def test_every_writer_is_where_it_was(result):
    finding, before, after = result
    assert finding["kind"] == "pipe-full"
    in_write = [tid for tid in before if before[tid]["syscall"].split()[0] in WRITE_CALLS]
    assert in_write, before
    for tid in in_write:
        assert before[tid] == after[tid]
        assert after[tid]["status"]["TracerPid"] == "0"


@of(*RUNS)
def test_whom_the_report_shows_in_a_write_is_in_it_afterwards(result):
    """A stop, however short, would have cut the write short, before the report was there. Here it was read while they stood still."""
    finding, _, after = result
    shown = {thread["tid"]: thread for row in finding["stacks"] for thread in row["threads"]}
    told = [row["tid"] for row in finding["blocked"] if row["syscall"] in WRITE_NAMES]
    assert told
    for tid in told:
        assert shown[tid]["quality"] in ("exact", "partial") and (shown[tid]["frames"] or shown[tid].get("native")), shown[tid]
        if tid in after:
            assert after[tid]["syscall"].split()[0] in WRITE_CALLS
    assert any(tid in after for tid in told)
