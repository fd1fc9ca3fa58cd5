"""Shared by test_launch*.py: the ways to start a command, and a command that writes down each signal that it gets.

Each situation is run plain and guarded, and the two must agree (docs/launch.md). Guarded means $TRACEWRAP where it is built, or
the helper guardrun, which is the launch alone; LAUNCH_PROGRAM=guardrun asks for it.
"""
import os
import re
import signal
import subprocess
import sys

import pexpect
import pytest

from conftest import ROOT, children, comm, read, state, wait_for

PYTHON = [sys.executable, "-S", "-E"]
FENCE = signal.SIGURG
STOP = signal.SIGUSR2

PROBE = r"""
import os, signal, sys
ours = set(signal.valid_signals()) - {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
signal.pthread_sigmask(signal.SIG_BLOCK, ours)
with open(sys.argv[1], "a", buffering=1) as out:
    print("ready", os.getpid(), file=out)
    while True:
        got = signal.sigwaitinfo(ours)
        print("sig", got.si_signo, got.si_code, file=out)
        if got.si_signo == signal.SIGUSR2:
            sys.exit(0)
"""


# How the launch is told to trace or to listen: the programs read the variable themselves.
MODE = os.environ.get("TRACEWRAP_MODE", "")
adopts = pytest.mark.skipif(MODE == "ptrace", reason="a tracer's death ends its tree, nobody is adopted: test_ptrace.py")


def guardrun():
    return os.path.join(os.environ.get("HELPERS", ROOT / "build" / "tests" / "helpers"), "guardrun")


def program():
    path = os.environ.get("TRACEWRAP", str(ROOT / "build" / "tracewrap"))
    if os.environ.get("LAUNCH_PROGRAM") != "guardrun" and os.path.exists(path):
        return path
    return guardrun()


def is_guardrun():
    return program() == guardrun()


WAYS = {"plain": [], "guarded": [program()]}


def inner_of(outer):
    """The supervisor below the outer process. The command may be quicker than it is with its name."""
    return wait_for(lambda: next((child for child in children(outer) if comm(child) == "tw-inner"), None), what="the inner process")


def status_of(argv, **how):
    """The raw wait status of a command."""
    child = subprocess.Popen(argv, **how)
    _, status = os.waitpid(child.pid, 0)
    child.returncode = 0
    return status


class Log:
    """What a probe has written."""

    def __init__(self, path):
        self.path = path

    def ready(self):
        """The pid of the probe, once it listens."""
        return int(wait_for(lambda: re.search(r"ready (\d+)\n", read(self.path)), what="the probe")[1])

    def all(self):
        return [(int(number), int(code)) for number, code in re.findall(r"sig (\d+) (-?\d+)\n", read(self.path))]

    def count(self, sig):
        return sum(number == sig for number, _ in self.all())

    def names(self):
        """All but fence and stop, in order; those of the kernel with a star."""
        return [signal.Signals(number).name[3:] + ("*" if code > 0 else "") for number, code in self.all()
                if number not in (FENCE, STOP)]

    def wait(self, sig, count=1):
        wait_for(lambda: self.count(sig) >= count, what=f"{signal.Signals(sig).name} at the probe: {self.all()}")

    def fence(self, outer):
        """Whatever was sent to OUTER before has arrived by now, or never will: signals keep their order."""
        before = self.count(FENCE)
        os.kill(outer, FENCE)
        self.wait(FENCE, before + 1)


class Probe(Log):
    """A started probe. `pid` is what was started, `command` the probe itself."""

    def __init__(self, way, path, prefix=(), **how):
        super().__init__(path)
        how = {"start_new_session": True, **how}
        self.process = subprocess.Popen([*prefix, *WAYS[way], *PYTHON, "-c", PROBE, str(path)], **how)
        self.pid = self.process.pid
        self.command = self.ready()

    def stop(self):
        """End the probe. @return how what was started ended."""
        try:
            os.kill(self.command, STOP)
        except ProcessLookupError:
            pass
        return self.process.wait(timeout=30)


class Shell:
    """An interactive bash on a terminal of its own."""

    def __init__(self, env, cwd):
        self.serial = 0
        env = {**env, "PS1": "@@ ", "TERM": "dumb"}
        self.io = pexpect.spawn("bash", ["--norc", "--noprofile", "-i"], timeout=30, encoding="utf8", env=env, echo=False, cwd=cwd)
        self.prompt()

    def prompt(self):
        self.io.expect("@@ ")

    def do(self, line):
        """What LINE prints. With a mark at its end, for prompts of background jobs come in between."""
        self.serial += 1
        self.io.sendline(f"{line}{' ' if line.endswith('&') else '; '}echo E''ND{self.serial}")
        self.io.expect(f"END{self.serial}\r?\n")
        printed = self.io.before
        self.prompt()
        return re.sub("@@ |\r|\x1b\\[\\?2004[hl]", "", printed).strip()

    def start(self, line):
        self.io.sendline(line)

    def close(self):
        self.io.close(force=True)


def states(pids):
    """What is stopped under a tracer shows t (ptrace(2), PTRACE_LISTEN)."""
    letters = "".join(state(pid) or "-" for pid in pids)
    return letters.replace("t", "T") if MODE == "ptrace" else letters


def wait_states(pids, wanted):
    """Wait until the states of PIDS match the regular expression WANTED, S and R being the same."""
    wait_for(lambda: re.fullmatch(wanted, states(pids).replace("R", "S")), what=f"states {wanted}, now {states(pids)}")
