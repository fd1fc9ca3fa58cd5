"""trio keeps a worker thread for ten seconds after its last piece of work, in a wait with a timeout. It only ends then, so nobody waits for it."""
import json
import os

import pytest
from support import VENV_TRACTOR, batch, of, proves, result, run  # noqa: F401

PY = VENV_TRACTOR / "bin" / "python"
pytestmark = pytest.mark.skipif(not os.access(PY, os.X_OK), reason="no environment with trio")

HANGS = """
import os, threading, trio, trio._core._thread_cache
trio._core._thread_cache.IDLE_TIMEOUT = 60      # alarms of strangers, which delay a proof, are over before
r, w = os.pipe()
lock = threading.Lock()
lock.acquire()
def later():
    lock.acquire(timeout=4)
    os.write(w, b"x")
async def main():
    await trio.to_thread.run_sync(int)
    {before}
    os.read(r, 1)
    os._exit(7)
trio.run(main)
"""


def program(before, *options):
    return lambda: run(PY, "-c", HANGS.format(before=before), suite="hang", options=("--report-json", "r.json", *options))


RUNS = {
    "idle": program("pass"),
    # near-misses: the worker has work, or it is a thread of the user's, in the same wait
    "at work": program("trio.lowlevel.start_thread_soon(later, lambda result: None)"),
    "of the user": program("threading.Thread(target=later).start()"),
}


@proves
@of("idle")
def test_left_out_and_named(result):
    assert result.code == 124 and not result.left, result
    finding = result.finding()
    assert (finding["kind"], finding["certainty"]) == ("pipe-eof", "proven")
    assert finding["detected_s"] - finding["onset_s"] < 60
    assert "idle helper threads" in json.dumps(finding)
    assert "idle helper threads" in " ".join(result.screen.split())


@of("at work", "of the user")
def test_whose_timeout_is_progress(result):
    assert result.code == 7, result
    findings = json.loads((result.folder / "r.json").read_text())["findings"]
    assert [f for f in findings if f["certainty"] == "proven"] == []
