"""Look without touching: a blocked writer that was watched for long is still in the same write, and every byte arrives."""
import json
import os
import signal
import time

import pytest
from support import PY, Run, batch, of, proves, read, result, status_of  # noqa: F401

SIGWAIT = b"128 "  # rt_sigtimedwait of x86-64
HOLD_S = 20        # how long each writer is held under watch: the length is the point, not a guess at when something happens


def state(pid):
    """All by which a process tells that it ran, was stopped, traced or signalled, or that its files were moved."""
    status = status_of(pid)
    names = ("State", "TracerPid", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "voluntary_ctxt_switches",
             "nonvoluntary_ctxt_switches", "Threads", "FDSize", "Seccomp")
    fds = sorted(set(os.listdir(f"/proc/{pid}/fd")) - {"2"})     # tracewrap speaks there, which moves the file's position
    return {
        "status": {name: status.get(name) for name in names},
        "syscall": read(f"/proc/{pid}/syscall"),
        "runs": read(f"/proc/{pid}/schedstat").split()[2:],
        "cpu": read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[11:13],
        "io": [line for line in read(f"/proc/{pid}/io").splitlines() if line.startswith((b"wchar", b"syscw"))],
        "files": [(fd, os.readlink(f"/proc/{pid}/fd/{fd}"), read(f"/proc/{pid}/fdinfo/{fd}")) for fd in fds],
        "personality": read(f"/proc/{pid}/personality"),
        "parent": status.get("PPid"),
    }


def held(kind):
    def job():
        with Run(PY, "hold.py", kind, suite="untouched", options=("--on-hang", "report"), limit=HOLD_S + 60) as r:
            pids = {name: r.until_role(name) for name in ("reader", "writer")}
            r.until(lambda: read(f"/proc/{pids['reader']}/syscall").startswith(SIGWAIT), "reader that waits for its signal")
            before = {name: state(pid) for name, pid in pids.items()}
            finding = r.until_finding()
            until = time.monotonic() + HOLD_S
            r.until(lambda: time.monotonic() > until, "end of the hold")
            after = {name: state(pid) for name, pid in pids.items()}
            os.kill(pids["reader"], signal.SIGUSR2)
            result = r.finish()
            result.before, result.after, result.told = before, after, finding
            return result
    return job


RUNS = {kind: held(kind) for kind in ("pipe", "terminal", "socketpair", "fifo")}
everywhere = of(*RUNS)


@everywhere
def test_nobody_moved(result):
    for name in ("reader", "writer"):
        assert result.before[name] == result.after[name]
    assert result.after["writer"]["syscall"].split()[0] == b"1"
    # By nature: a tracee has a tracer; it was not to move for that, either.
    assert (result.after["writer"]["status"]["TracerPid"] == "0") == (os.environ.get("TRACEWRAP_MODE") != "ptrace")


@everywhere
def test_every_byte_arrives_in_order(result):
    assert result.code == 0 and not result.left, result
    seen = json.loads(result.out)
    assert seen["before"] == seen["after"] > 0
    assert seen["same"]


@everywhere
def test_the_write_was_never_cut_short(result):
    seen = json.loads(result.out)
    assert seen["returned"] == seen["wanted"]


@everywhere
def test_part_of_the_write_had_been_taken(result):
    """Else the hold would show little: the data that waited were more than those of the short write before it."""
    assert json.loads(result.out)["before"] > 1000


@proves
@everywhere
def test_it_was_told_meanwhile(result):
    assert result.told["kind"] == "pipe-full"
    assert result.told["certainty"] == ("suspected" if result.report["command"][-1] == "fifo" else "proven")
    assert result.told["culprits"] == [result.role("writer")]


@proves
@of("pipe")
def test_what_the_verdict_takes_for_granted_is_told(result):
    """A signal from outside has set it free in the end: that nobody sends one was assumed."""
    assert "outside" in result.screen


@pytest.mark.parametrize("kind", RUNS)
def test_the_same_without_tracewrap(kind):
    """The programs themselves: what they print is not tracewrap's doing."""
    with Run(PY, "hold.py", kind, suite="untouched", wrap=False) as r:
        os.kill(r.until_role("reader"), signal.SIGUSR2)
        result = r.finish()
    assert result.code == 0
    seen = json.loads(result.out)
    assert seen["same"] and seen["returned"] == seen["wanted"] and seen["before"] == seen["after"] > 1000
