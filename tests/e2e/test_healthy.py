"""Nothing is wrong: nobody notices that tracewrap is there."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pexpect
import pytest
from support import PY, PYTEST, TRACEWRAP, Run, as_root, batch, of, read, result, run  # noqa: F401

NEAR_MISSES = ("alarm_over_exec", "alarm_with_handler", "receive_timeout", "send_timeout", "terminal_with_vtime", "sibling_kills",
               "sibling_drains", "fifo_by_name", "dead_leader", "shutdown_by_another_holder", "timerfd", "timerfd_in_epoll",
               "posix_timer", "poll_timeout", "select_timeout", "epoll_timeout", "futex_timeout", "lock_timeout",
               "signal_timeout", "sleeping_child", "computing_child", "file_lock_given_back", "slow_reader")
SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE,
           signal.SIGUSR1, signal.SIGQUIT, signal.SIGRTMIN)
CODES = (0, 1, 2, 3, 4, 5, 7, 120, 124, 125, 126, 127, 255)


# Pairs: plain and under tracewrap ---------------------------------------------------------------------------------------

def alike(text, result):
    """Leave out what differs from run to run: times, folders, process ids in pytest's words."""
    if os.environ.get("TRACEWRAP_MODE") in ("ptrace", "notify"):
        text = re.sub(rb"\b(Seccomp|TracerPid):\s+\d+", rb"\1", text)      # by nature: there is a filter, and a tracer
    text = text.replace(str(result.mark).encode(), b"MARK").replace(str(result.top).encode(), b"TOP")
    return re.sub(rb"\d+\.\d+ ?s(econds)?\b|0x[0-9a-f]{6,}", b"TIME", text)


def pair(*command, **more):
    def job():
        results = []
        for wrap in (False, True):
            with Run(*command, wrap=wrap, **more) as r:
                result = r.finish()
                result.mark, result.top = r.mark, r.top
                results.append(result)
        return results
    return job


def healthy(*words, **more):
    return pair(*PYTEST, *words, suite="healthy", **more)


def typed_in():
    """A megabyte on standard input arrives whole, and what is not read stays there for the next reader."""
    data = b"".join(b"%07d\n" % n for n in range(130_000))
    results = []
    for wrap in (False, True):
        reader, writer = os.pipe()
        feeder = threading.Thread(target=lambda: (feed(writer, data), os.close(writer)))
        feeder.start()
        with Run("sh", "-c", "head -c 8 | cat; cat", stdin=reader, wrap=wrap) as r:
            os.close(reader)
            result = r.finish()
            result.mark, result.top = r.mark, r.top
            results.append(result)
        feeder.join()
        assert result.out == data
    return results


def feed(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


PAIRS = {
    "outcomes": healthy("test_outcomes.py", "-rA"),
    "not captured": healthy("test_outcomes.py", "-s", "-q"),
    "capture": healthy("test_capture.py", "-v"),
    "processes": healthy("test_processes.py", "-v"),
    "xdist": healthy("test_processes.py", "test_capture.py", "-q", "-n", "2"),
    "interrupted": healthy("test_interrupted.py"),
    "inner error": healthy("-p", "crash", "test_capture.py", "-q"),
    "usage error": healthy("--no-such-option"),
    "nothing collected": healthy("-k", "nothing_at_all", "test_capture.py"),
    "large output": pair(PY, "-c", "import sys\nfor n in range(200_000): print(n, 'x' * 50); n % 40 or print(n, file=sys.stderr)"),
    "what it was given": pair(PY, "self.py", "a word", "", suite="healthy"),
    "no standard input": pair(PY, "self.py", suite="healthy", before=("sh", "-c", 'exec "$@" <&-', "sh")),
    "typed in": typed_in,
}
EXITS = {f"exit {code}": pair("sh", "-c", f"echo out; echo err >&2; exit {code}") for code in CODES}
DEATHS = {f"death by {sig.name}": pair("sh", "-c", f"ulimit -c 0; echo out; kill -{int(sig)} $$; exec sleep 60") for sig in SIGNALS}


# Near-misses --------------------------------------------------------------------------------------------------------------

def near(way):
    return lambda: run(PY, "near.py", way, suite="near", options=("--report-json", "report.json"))


def outside_writes_late():
    reader, writer = os.pipe()
    with Run(PY, "near.py", "outside_writes_late", suite="near", options=("--report-json", "report.json"), stdin=reader) as r:
        os.close(reader)
        r.until_role("waits")
        return late(r, lambda: (os.write(writer, b"late\n"), os.close(writer)))


def outside_answers_late():
    with socket.create_server(("127.0.0.1", 0)) as server, \
            Run(PY, "near.py", "outside_answers_late", server.getsockname()[1], suite="near",
                options=("--report-json", "report.json")) as r:
        peer, _ = server.accept()
        r.until_role("waits")
        with peer:
            return late(r, lambda: peer.sendall(b"late"))


def late(r, act):
    """ACT when the run has waited as long as the near-misses do: time enough to call it a hang."""
    until = time.monotonic() + 3
    r.until(lambda: time.monotonic() > until, "end of the wait")
    act()
    return r.finish()


NEAR = {way: near(way) for way in NEAR_MISSES} | {
    "outside_writes_late": outside_writes_late, "outside_answers_late": outside_answers_late}
RUNS = PAIRS | NEAR | EXITS | DEATHS


# ---------------------------------------------------------------------------------------------------------------------------

@of(*PAIRS, *EXITS, *DEATHS)
def test_the_same_with_and_without(result):
    plain, wrapped = result
    assert plain.code == wrapped.code, (plain, wrapped)
    assert alike(plain.out, plain) == alike(wrapped.out, wrapped)
    assert alike(plain.err, plain) == alike(wrapped.err, wrapped)
    assert not wrapped.left


@of(*PAIRS)
def test_no_folder_is_left(result):
    _, wrapped = result
    assert not (wrapped.folder / ".tracewrap").exists()


@of("processes", "xdist", "capture")
def test_the_pair_shows_something(result):
    """Suites that fail alike would be alike, too."""
    assert [r.code for r in result] == [0, 0], result


@pytest.mark.parametrize(("result", "code"), [("outcomes", 1), ("interrupted", 2), ("inner error", 3), ("usage error", 4),
                                              ("nothing collected", 5)], indirect=["result"])
def test_exit_codes_of_pytest(result, code):
    assert [r.code for r in result] == [code, code], result


@of("what it was given", "no standard input")
def test_nothing_of_ours_in_the_environment(result):
    plain, wrapped = ({line for line in alike(r.out, r).splitlines() if b"TRACEWRAP" in line.upper()} for r in result)
    assert result[1].code == 0 and b"TW_MARK" in result[1].out
    assert wrapped <= plain, "what names us names a folder, and does so without us as well"
    assert not any(line.upper().startswith(b"TRACEWRAP") and not line.startswith(b"TRACEWRAP_MODE ") for line in wrapped)


@of(*NEAR)
def test_near_miss(result):
    assert result.code == 0, result
    assert not result.left
    report = json.loads(read(result.folder / "report.json"))
    assert report["outcome"] == "pass" and report["exit_code"] == 0
    assert report["findings"] == []
    assert b"proven" not in result.err, result


@of(*NEAR)
def test_near_miss_ran_long_enough(result):
    """A near-miss that is over at once misses nothing."""
    assert json.loads(read(result.folder / "report.json"))["duration_s"] > 2.0


# A terminal ----------------------------------------------------------------------------------------------------------------

def on_terminal(words):
    env = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
           "PYTHONDONTWRITEBYTECODE": "1"}
    with Run("true", suite="healthy", wrap=False) as r:
        r.proc.wait()
        child = pexpect.spawn(words[0], list(map(str, words[1:])), cwd=r.folder, env=env, dimensions=(30, 97), timeout=60)
        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus, child.signalstatus, re.sub(rb"\d+\.\d+s", b"TIME", child.before.replace(str(r.top).encode(), b"TOP"))


def test_colours_and_width_of_a_terminal():
    words = [*PYTEST, "-v", "test_outcomes.py", "test_capture.py"]
    plain, wrapped = on_terminal(words), on_terminal([TRACEWRAP, *words])
    assert plain == wrapped
    assert b"\x1b[32m" in wrapped[2] and wrapped[0] == 1


# An earlier run has left a folder ------------------------------------------------------------------------------------------------

def test_last_stays_the_last():
    """A folder of an earlier hang is there: the healthy run is then the last one, and says so."""
    result = run("true", inside=lambda r: (r.folder / ".tracewrap").mkdir())
    assert result.code == 0 and result.err == b""
    assert result.report["outcome"] == "pass" and result.report["findings"] == []
