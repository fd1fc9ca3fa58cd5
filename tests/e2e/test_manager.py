"""The main thread of a multiprocessing manager wakes once a second and does nothing: that hides no hang, and what other threads of it do counts."""
import json

from support import PY, batch, of, proves, result, run  # noqa: F401

#: `{serve}` is what a thread of the manager does before the lock is asked for, `{wait}` what the command then waits in.
PROGRAM = """
import multiprocessing as mp, threading
from multiprocessing.managers import SyncManager
class Desk:
    def __init__(self):
        self.lock = threading.Lock()
        self.lock.acquire()
    def later(self, seconds):
        threading.Timer(seconds, self.lock.release).start()
    def wait(self):
        self.lock.acquire()
class Desks(SyncManager):
    pass
Desks.register("Desk", Desk)
if __name__ == "__main__":
    with Desks(ctx=mp.get_context("fork")) as desks:
        desk = desks.Desk()
        {serve}
        {wait}
        code = 7
    raise SystemExit(code)
"""


def program(serve, wait="desk.wait()", *options):
    return lambda: run(PY, "-c", PROGRAM.format(serve=serve, wait=wait), suite="hang", options=("--report-json", "r.json", *options))


RUNS = {
    "hang": program("pass", "desk.wait()", "--timeout", "20s"),
    "beside": program("pass", "t = threading.Lock(); t.acquire(); t.acquire()", "--timeout", "20s"),
    # near-misses: a thread of the manager, or of the command, ends it
    "released": program("desk.later(5)"),
    "released beside": program("pass", "l = threading.Lock(); l.acquire(); threading.Timer(5, l.release).start(); l.acquire()"),
}


@proves
@of("hang", "beside")
def test_told_all_the_same(result):
    assert result.code == 124 and not result.left, result
    finding = result.finding()
    assert finding["kind"] == "lock"
    assert "idle helper threads" in json.dumps(finding)


@of("released", "released beside")
def test_who_is_released_is_not_called_hung(result):
    assert result.code == 7, result
    assert json.loads((result.folder / "r.json").read_text())["findings"] == []
