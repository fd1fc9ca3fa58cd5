"""Nothing goes on, and nothing is proven: told once, or ended, with what is known of the reason."""
import json
import os
import pty
import subprocess

from support import ENVIRON, PY, PYTEST, TRACEWRAP, batch, check_report, of, proves, result, run  # noqa: F401

BACKPRESSURE = """
import os, sys, time
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, bytes(300000))
    os._exit(0)
time.sleep({seconds})
sys.exit(7)
"""
SLOW = """
import time
def test_slow():
    time.sleep(30)
def test_quick():
    pass
"""
MANY = """
import time, pytest
@pytest.mark.parametrize("n", range(6))
def test_some(n):
    time.sleep(0.7)
"""
XDIST = """
import subprocess, sys, time, pytest
def test_stuck():
    p = subprocess.Popen([sys.executable, "-c", "print('x' * 200000)"], stdout=subprocess.PIPE)
    p.wait()
@pytest.mark.parametrize("n", range(8))
def test_others(n):
    time.sleep(1)
"""


def code(text, *options, **more):
    return lambda: run(PY, "-c", text, suite="hang", options=options, **more)


def made(r, text):
    (r.folder / "test_made.py").write_text(text)


def suite(text, *options):
    return lambda: run(*PYTEST, "-q", "test_made.py", suite="hang", options=options, inside=lambda r: made(r, text))


POOL = """
import multiprocessing
def begin():
    raise ValueError
def test_pool():
    with multiprocessing.get_context("fork").Pool(2, begin) as pool:
        pool.apply(abs, [1])
"""

KILL = ("--stall", "2s", "--on-stall", "kill")

RUNS = {
    "busy": code("while True: pass", *KILL),
    "sleep": code("import time; time.sleep(300)", *KILL),
    "backpressure": code(BACKPRESSURE.format(seconds=300), *KILL),
    "suspected": lambda: run("sh", "-c", "sleep 300 & exec $0 -c 'import os; r, w = os.pipe(); os.read(r, 1)'", PY, suite="hang",
                             options=("--stall", "4s", "--on-stall", "kill")),
    "CI": code("import time; time.sleep(300)", "--stall", "2s", env={"CI": "true"}),
    "only told": code("import time; time.sleep(4); raise SystemExit(7)", "--stall", "1s", "--report-json", "r.json"),
    "test": suite(SLOW, "--test-timeout", "2s"),
    "xdist": lambda: run(*PYTEST, "-q", "-n", "2", "test_made.py", suite="hang", inside=lambda r: made(r, XDIST),
                         options=("--stall", "4s", "--on-stall", "kill", "--report-json", "r.json")),
    "loop": lambda: run("sh", "-c", "while :; do sleep 0.1; done", suite="hang", options=("--stall", "3s", "--on-stall", "kill")),
    "pool": suite(POOL, "--stall", "3s", "--on-stall", "kill"),
    # near-misses: something goes on all the time
    "steps": lambda: run("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sh -c \"sleep 1; : $i\"; done; exit 7", suite="hang",
                         options=("--stall", "1500ms", "--on-stall", "kill")),
    "output": lambda: run("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done; exit 7", suite="hang", options=KILL),
    "processes": lambda: run("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 0.5; done; exit 7", suite="hang", options=KILL),
    "tests": suite(MANY, "--stall", "2s", "--on-stall", "kill", "--test-timeout", "3s"),
}


def the_stall(result):
    assert result.code == 124 and not result.left, result
    check_report(result.report, 124)
    assert result.report["outcome"] == "stall"
    finding = result.finding()
    assert finding["certainty"] == "suspected"
    return finding


@of("busy")
def test_busy(result):
    assert the_stall(result)["kind"] == "busy"
    assert "processors are busy" in " ".join(result.screen.split())


@of("sleep", "CI")
def test_stall(result):
    assert the_stall(result)["kind"] == "stall"
    assert "sleeps, up to" in " ".join(result.screen.split())      # what it rests on
    assert "this one goes on" not in result.screen


@of("backpressure")
def test_backpressure(result):
    finding = the_stall(result)
    assert finding["kind"] == "backpressure"
    assert finding["culprits"] and all(b["syscall"] == "write" for b in finding["blocked"] if b["culprit"])


@of("suspected")
def test_a_suspicion_ends_with_the_stall(result):
    finding = the_stall(result)
    # an alarm that somebody else on this machine has armed meanwhile may be its own: then it is no suspicion, but a stall
    assert finding["kind"] == "pipe-eof" or "waits in read, up to" in " ".join(result.screen.split())


@of("only told")
def test_told_and_left_alone(result):
    assert result.code == 7, result
    assert b"no progress" in result.err
    assert json.loads((result.folder / "r.json").read_text())["findings"] == []


@of("test")
def test_a_test_has_a_time_of_its_own(result):
    finding = the_stall(result)
    assert finding["test"] == "test_made.py::test_slow"
    assert b"--test-timeout" in result.err


@of("xdist")
def test_a_stuck_worker_is_ended_alone(result):
    assert result.code == 1 and not result.left, result         # pytest's own
    assert b"crashed while running 'test_made.py::test_stuck'" in result.out
    assert b"8 passed" in result.out, result.out
    report = json.loads((result.folder / "r.json").read_text())
    (finding,) = report["findings"]
    assert finding["test"] == "test_made.py::test_stuck" and finding["certainty"] == "suspected"
    assert {s["signal"] for s in report["cleanup"]["signalled"]} <= {"SIGSTOP", "SIGKILL"} and report["cleanup"]["survivors"] == []
    assert b"ending it alone" in result.err


@of("loop", "pool")
def test_the_same_once_more_is_no_progress_for_ever(result):
    finding = the_stall(result)
    assert finding["kind"] in ("stall", "busy") and finding["churns"]
    assert finding["quiet_s"] >= 4
    assert "come and go" in finding["summary"]


@of("output", "processes", "steps")
def test_who_goes_on_is_left_alone(result):
    assert result.code == 7 and b"no progress" not in result.err, result


@of("tests")
def test_tests_that_pass_are_progress(result):
    assert result.code == 0 and b"no progress" not in result.err, result


def test_a_human_may_take_his_time():
    """Somebody is asked at a terminal: the clock stands. Another job's time ends the test."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen([TRACEWRAP, "-v", "--stall", "1s", "--on-stall", "kill", PY, "-c", "import sys; input(); sys.exit(7)"],
                            stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=ENVIRON)
    os.close(theirs)
    told = next((line for line in done.stderr if b"the clock of --stall stands" in line), None)
    assert told and done.poll() is None
    os.write(ours, b"yes\n")
    assert done.wait(60) == 7 and b"no progress" not in done.stderr.read()
    os.close(ours)
