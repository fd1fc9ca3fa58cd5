"""--rescue: a full pipe is given room, the run goes on, and the report says what came of it; or it is ended, and the report says why."""
import json

from support import PY, PYTEST, batch, of, proves, result, run  # noqa: F401

pytestmark = proves

SUITE = """
import os, socket, subprocess, sys
def child(code, **more):
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, **more)
def numbers(n):
    return b"".join(b"%d\\n" % i for i in range(n))
def prints(n):
    p = child(f"for i in range({n}): print(i)")
    p.wait()
    assert p.stdout.read() == numbers(n)
def test_small():
    prints(40_000)
def test_large():
    prints(400_000)
def test_two_writers():
    r, w = os.pipe()
    jobs = [subprocess.Popen([sys.executable, "-c", "import os; os.write(1, bytes(3_000_000))"], stdout=w) for _ in range(2)]
    for job in jobs:
        job.wait()
def test_socket():
    a, b = socket.socketpair()
    p = subprocess.Popen([sys.executable, "-c", "import os; os.write(1, bytes(3_000_000))"], stdout=a)
    p.wait()
"""


def rescued(test):
    return lambda: run(*PYTEST, "-q", "-k", test, "test_made.py", suite="hang", options=("--rescue", "--report-json", "r.json"),
                       inside=lambda r: (r.folder / "test_made.py").write_text(SUITE))


RUNS = {name: rescued(name) for name in ("small", "large", "two_writers", "socket")}
RUNS["lock"] = lambda: run(*PYTEST, "-q", "-k", "files_locked_crosswise", "test_others.py", suite="hang",
                           options=("--rescue", "--report-json", "r.json"))


def findings(result):
    return [f for f in json.loads((result.folder / "r.json").read_text())["findings"] if f["kind"] == "pipe-full" or f["rescue"]]


@of("small")
def test_a_larger_pipe_is_enough(result):
    assert result.code == 0 and not result.left and b"1 passed" in result.out, result
    (finding,) = findings(result)
    assert finding["certainty"] == "proven" and "moved on: the diagnosis is right" in finding["rescue"]


@of("large")
def test_all_comes_back_in_order(result):
    assert result.code == 0 and not result.left and b"1 passed" in result.out, result
    grown, spooled = findings(result)
    assert "moved on" in grown["rescue"] and "2688890 of them given back in order" in spooled["rescue"], spooled


@of("two_writers", "socket", "lock")
def test_what_can_not_be_done_is_said_and_the_run_ended(result):
    assert result.code == 124 and not result.left, result
    last = findings(result)[-1]
    assert "no room can be made" in last["rescue"], last
    assert b"no room can be made" in result.err
