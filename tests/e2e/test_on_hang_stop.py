"""--on-hang stop: what was proven to hang is told, then stopped and kept, until somebody continues or ends it."""
import os
import re
import signal

import pytest

from conftest import children, gone, state, wait_for
from launching import Shell, inner_of, wait_states
from support import PY, PYTEST, TRACEWRAP, Run, check_report, proves, read

pytestmark = proves

WAIT_BEFORE_READ = "test_pipes.py::test_wait_before_read"

# A child waits for a byte of a pipe whose writing end nobody but the two of them has; then it tells how it went.
STUCK = r"""
import os, sys, time
reader, writer = os.pipe()
os.set_inheritable(reader, True)
print("pipe", os.getpid(), writer, flush=True)
child = os.fork()
if not child:
    sys.exit(os.read(reader, 1)[0])
os.waitpid(child, 0)
sys.exit(7)
"""


def held(r, names=("pytest", "writer")):
    """The pids of those names, once all of the tree is stopped; the order of things is looked at as well."""
    r.until_said("tracewrap waits")
    pids = [r.roles()[name][-1] for name in names]
    wait_states(pids, "T" * len(pids))
    said = read(r.top / "err").decode()
    assert said.index("HANG proven") < said.index("report.html") < said.index("tracewrap waits")
    return pids


def stopped_run(**more):
    return Run(*PYTEST, "-q", WAIT_BEFORE_READ, suite="hang", options=("--on-hang", "stop"), **more)


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_told_stopped_then_ended(sig):
    with stopped_run() as r:
        pids = held(r)
        told = r.report()
        outer, inner = r.proc.pid, inner_of(r.proc.pid)
        assert told["findings"][0]["certainty"] == "proven" and not told["complete"]
        assert state(outer) in "SR" and state(inner) in "SR"     # we are not taken in by a stop of our own
        words = read(r.top / "err").decode()
        assert f"kill -CONT {pids[0]}" in words and f"kill {outer}" in words
        assert re.search(rf"gdb -p ({pids[0]}|{pids[1]})\b", words) and "py-spy dump --pid" in words
        r.proc.send_signal(sig)
        result = r.finish()
        assert result.code == 124 and not result.left, result
        report = result.report
        check_report(report, 124)
        assert report["outcome"] == "hang" and report["findings"][0] == told["findings"][0]
        signalled = {(row["pid"], row["signal"]) for row in report["cleanup"]["signalled"]}
        assert {(pid, "SIGSTOP") for pid in pids} <= signalled
        assert "by SIGSTOP" not in result.screen and "by SIGCONT" not in result.screen
        assert [row["pid"] for row in report["cleanup"]["signalled"] if row["signal"] == "SIGSTOP"][-1] == pids[0]


def byte_into(pid, fd, value):
    """From outside: what the child waits for."""
    with open(f"/proc/{pid}/fd/{fd}", "wb", buffering=0) as end:
        end.write(bytes([value]))


@pytest.mark.parametrize("mode", ["proc", "preload", "ptrace"])
def test_continued_and_freed(mode):
    with Run(PY, "-c", STUCK, options=("--on-hang", "stop", "--mode", mode)) as r:
        r.until_said("tracewrap waits")
        command, writer = map(int, re.search(rb"pipe (\d+) (\d+)", read(r.top / "out")).groups())
        child, = children(command)
        wait_states([command, child], "[Tt][Tt]")     # t: under a tracer
        byte_into(command, writer, 65)
        assert states_stay([command, child], "TT")
        os.kill(command, signal.SIGCONT)
        result = r.finish()
        assert result.code == 7 and not result.left, result
        assert "goes on\n" in result.screen      # "the run", or "the rest" when the command has ended by then
        report = result.report
        check_report(report, 7)
        assert (child, "SIGCONT") in {(row["pid"], row["signal"]) for row in report["cleanup"]["signalled"]}
        assert {row["pid"] for row in report["cleanup"]["signalled"]} <= {command, child}


def test_continued_by_way_of_tracewrap():
    """A SIGCONT to tracewrap is passed on, as ever."""
    with Run(PY, "-c", STUCK, options=("--on-hang", "stop")) as r:
        r.until_said("tracewrap waits")
        command, writer = map(int, re.search(rb"pipe (\d+) (\d+)", read(r.top / "out")).groups())
        wait_states([command], "T")
        byte_into(command, writer, 65)
        r.proc.send_signal(signal.SIGCONT)
        result = r.finish()
        assert result.code == 7 and not result.left, result


def states_stay(pids, wanted):
    """Two looks of a stopped process's switch counts, and its state."""
    def counts():
        return [re.findall(rb"ctxt_switches:\s*(\d+)", read(f"/proc/{pid}/status")) for pid in pids]
    before = counts()
    return "".join(state(pid) for pid in pids).upper() == wanted and counts() == before


def test_continued_and_not_freed():
    """It is stopped once: whoever continues it wants it to run. Told again, it goes on until somebody ends it."""
    with Run(PY, "-c", STUCK, options=("--on-hang", "stop")) as r:
        r.until_said("tracewrap waits")
        command = int(re.search(rb"pipe (\d+)", read(r.top / "out"))[1])
        wait_states([command], "T")
        os.kill(command, signal.SIGCONT)
        r.until_said("the run goes on")
        child, = children(command)
        wait_states([command, child], "SS")
        os.kill(r.proc.pid, signal.SIGTERM)
        result = r.finish()
        assert result.code == -signal.SIGTERM and not result.left, result
        assert result.screen.count("tracewrap waits") == 1


def test_command_killed_meanwhile():
    with stopped_run() as r:
        command, writer = held(r)
        os.kill(command, signal.SIGKILL)
        result = r.finish()
        assert result.code == -signal.SIGKILL and not result.left, result
        assert gone(writer)


@pytest.mark.parametrize("reaper", ["on", "off"])
def test_supervisor_killed_meanwhile(reaper):
    """Nobody is left who could go on with it: the tree is ended, as after a verdict, be it that it is no longer ours to wait for."""
    with Run(*PYTEST, "-q", WAIT_BEFORE_READ, suite="hang", options=("--on-hang", "stop", "--reaper", reaper)) as r:
        pids = held(r)
        os.kill(inner_of(r.proc.pid), signal.SIGKILL)
        result = r.finish()
        assert result.code == 124 and not result.left and all(map(gone, pids)), result


def test_outer_killed_meanwhile():
    with stopped_run() as r:
        pids = held(r)
        r.proc.send_signal(signal.SIGKILL)
        r.proc.wait()
        wait_for(lambda: all(map(gone, pids)), what="the end of the stopped tree")


@pytest.fixture
def shell(tmp_path, marked_env):
    one = Shell(marked_env, tmp_path)
    yield one
    one.close()


def on_terminal(shell, tmp_path):
    """The held command of an interactive shell: outer, command, descriptor of the pipe's writing end."""
    (tmp_path / "stuck.py").write_text(STUCK)
    shell.start(f"{TRACEWRAP} --on-hang stop {PY} stuck.py")
    shell.io.expect(r"pipe (\d+) (\d+)")
    command, writer = map(int, shell.io.match.groups())
    shell.io.expect("or kill (\\d+)")
    outer = int(shell.io.match[1])
    wait_states([command, outer], "TS")
    return outer, command, writer


def test_terminal_interrupt(shell, tmp_path):
    """The command, stopped, can't hear Ctrl-C; tracewrap does."""
    outer, command, _ = on_terminal(shell, tmp_path)
    shell.io.send("\x03")
    shell.prompt()
    assert shell.do("echo code $?").endswith("code 124")
    assert gone(outer) and gone(command)


def test_terminal_goes_on(shell, tmp_path):
    """No job was stopped, says the shell: it still waits for the one in front. Somebody elsewhere continues it."""
    outer, command, writer = on_terminal(shell, tmp_path)
    byte_into(command, writer, 66)
    os.kill(command, signal.SIGCONT)
    shell.prompt()
    assert "Stopped" not in shell.io.before
    assert shell.do("echo code $?").endswith("code 7")


def test_terminal_given_back(shell, tmp_path):
    """Ctrl-Z gives the shell its terminal, so that a debugger can be started there; fg goes on."""
    outer, command, writer = on_terminal(shell, tmp_path)
    shell.io.send("\x1a")
    shell.prompt()
    assert "Stopped" in shell.io.before or "Stopped" in shell.do("jobs")
    wait_states([outer, command], "TT")
    byte_into(command, writer, 67)
    shell.start("fg")
    shell.io.expect("the (run|rest) goes on")
    shell.prompt()
    assert shell.do("echo code $?").endswith("code 7")


def test_users_own_stop_is_followed(shell, tmp_path):
    """Before there is a hang, Ctrl-Z stops both, as ever."""
    shell.start(f"{TRACEWRAP} --on-hang stop sleep 300")
    outer = wait_for(lambda: next((pid for pid in children(shell.io.pid)), None), what="the job")
    command = wait_for(lambda: next(iter(children(inner_of(outer))), None), what="the command")
    shell.io.send("\x1a")
    shell.prompt()
    wait_states([outer, command], "TT")
    shell.do("kill -KILL %1")
