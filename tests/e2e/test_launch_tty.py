"""On a terminal, under an interactive shell: keys, job control, hang-up."""
import os
import re
import signal
import sys

import pexpect
import pytest

from conftest import gone, parent, state, wait_for
from launching import adopts, PROBE, PYTHON, WAYS, Log, Shell, inner_of, wait_states

BOTH = pytest.mark.parametrize("way", list(WAYS))


@pytest.fixture
def shell(tmp_path, marked_env):
    opened = []

    def start():
        opened.append(Shell(marked_env, tmp_path))
        return opened[-1]
    yield start
    for one in opened:
        one.close()


@pytest.fixture
def probe_file(tmp_path):
    (tmp_path / "probe.py").write_text(PROBE)
    return tmp_path / "log"


def command_line(way, *rest):
    return " ".join([*WAYS[way], *rest])


def probe_line(way, log):
    return command_line(way, *PYTHON, "probe.py", str(log))


def started_by(shell, way, command):
    """Outer process and command, or the command alone; and the inner process."""
    top = int(re.search(r"\d{2,}", shell.do("jobs -l"))[0])
    return ([top, command], inner_of(top)) if way == "guarded" else ([command], None)


@BOTH
def test_keys_and_resize(shell, probe_file, way):
    sh, log = shell(), Log(probe_file)
    sh.start(probe_line(way, probe_file))
    log.ready()
    for count, (send, sig) in enumerate([(lambda: sh.io.send("\x03"), signal.SIGINT), (lambda: sh.io.send("\x1c"), signal.SIGQUIT),
                                         (lambda: sh.io.setwinsize(40, 100), signal.SIGWINCH), (lambda: sh.io.send("\x03"), signal.SIGINT)]):
        send()
        wait_for(lambda: len(log.all()) == count + 1, what=f"{sig.name}: {log.all()}")
    command = log.ready()
    os.kill(command, signal.SIGUSR2)
    sh.prompt()
    assert log.names() == ["INT*", "QUIT*", "WINCH*", "INT*"]


def test_kill_behind_the_key(shell, probe_file):
    """A SIGINT to us alone after one from the terminal is not taken for the terminal's."""
    sh, log = shell(), Log(probe_file)
    sh.start(probe_line("guarded", probe_file))
    command = log.ready()
    sh.io.send("\x03")
    log.wait(signal.SIGINT)
    outer = parent(parent(command))
    log.fence(outer)
    os.kill(outer, signal.SIGINT)
    log.wait(signal.SIGINT, 2)
    log.fence(outer)
    assert log.names() == ["INT*", "INT"]
    os.kill(command, signal.SIGUSR2)
    sh.prompt()


@BOTH
def test_stop_background_foreground(shell, probe_file, way):
    sh, log = shell(), Log(probe_file)
    sh.start(probe_line(way, probe_file))
    command = log.ready()
    sh.io.send("\x1a")
    sh.prompt()
    assert "Stopped" in sh.do("jobs")
    pids, inner = started_by(sh, way, command)
    wait_states(pids, "T+")
    assert inner is None or state(inner) in "SR"
    sh.do("bg")
    wait_states(pids, "S+")
    assert "Running" in sh.do("jobs")
    sh.start("fg")
    log.wait(signal.SIGCONT)
    sh.io.send("\x03")
    log.wait(signal.SIGINT)
    sh.io.send("\x1a")
    sh.prompt()
    wait_states(pids, "T+")
    sh.start("fg")
    wait_states(pids, "S+")
    sh.io.send("\x1a")
    sh.prompt()
    wait_states(pids, "T+")
    os.kill(command, signal.SIGKILL)
    if way == "guarded":
        wait_for(lambda: gone(inner), what="the end of the run")
    sh.start("fg; echo rc=$?")
    sh.io.expect(r"rc=\d+")
    sh.prompt()
    assert log.count(signal.SIGINT) == 1


@BOTH
def test_signals_by_job(shell, probe_file, way):
    sh, log = shell(), Log(probe_file)
    sh.do(probe_line(way, probe_file) + " &")
    command = log.ready()
    pids, _ = started_by(sh, way, command)
    for action, wanted in [("kill -STOP %1", "T+"), ("kill -CONT %1", "S+"), (f"kill -TSTP {pids[0]}", "T+"), (f"kill -CONT {pids[0]}", "S+"),
                           (f"kill -STOP {pids[0]}", "T+"), (f"kill -CONT {pids[0]}", "S+"), (f"kill -STOP {command}", "T+"),
                           (f"kill -CONT {command}", "S+")]:
        sh.do(action)
        wait_states(pids, wanted)
        word = "Stopped" if wanted == "T+" else "Running"
        wait_for(lambda: word in sh.do("jobs"), what=f"{word} after {action}")
    sh.do("kill -INT %1")
    log.wait(signal.SIGINT)
    log.fence(pids[0])
    assert log.count(signal.SIGINT) == 1
    sh.do("kill -9 %1")
    wait_for(lambda: gone(command), what="the end of the command")


@BOTH
def test_reads_in_the_background(shell, way):
    sh = shell()
    sh.do(command_line(way, "cat") + " &")
    wait_for(lambda: "Stopped" in sh.do("jobs"), what="SIGTTIN")
    sh.start("fg")
    sh.io.expect("cat\r?\n")
    sh.io.sendline("hello")
    sh.io.expect("hello")
    sh.io.send("\x04")
    sh.prompt()


@BOTH
def test_writes_in_the_background(shell, way):
    sh = shell()
    sh.do("stty tostop")
    sh.do(command_line(way, "sh -c 'sleep 0.1; echo o''ut'") + " &")
    wait_for(lambda: "Stopped" in sh.do("jobs"), what="SIGTTOU")
    sh.start("fg")
    sh.io.expect("out\r")
    sh.prompt()


@BOTH
def test_stop_ignored_by_the_command(shell, probe_file, way):
    sh, log = shell(), Log(probe_file)
    sh.start(command_line(way, f"sh -c \"trap '' TSTP; exec {' '.join(PYTHON)} probe.py {probe_file}\""))
    command = log.ready()
    sh.io.send("\x1a")
    sh.io.send("\x03")
    log.wait(signal.SIGINT)
    assert state(command) != "T"
    os.kill(command, signal.SIGUSR2)
    sh.prompt()


@BOTH
def test_terminal_closed(shell, probe_file, way):
    sh, log = shell(), Log(probe_file)
    sh.start(probe_line(way, probe_file))
    command = log.ready()
    sh.io.close(force=False)
    log.wait(signal.SIGHUP)
    log.wait(signal.SIGCONT)
    os.kill(command, signal.SIGUSR2)
    wait_for(lambda: gone(command))
    assert {name.strip("*") for name in log.names()} == {"CONT", "HUP"}


@BOTH
def test_leader_of_a_closed_terminal(tmp_path, marked_env, probe_file, way):
    """Started as the leader of its session (docker run -t): the hang-up comes to the leader alone, and means the command."""
    argv = [*WAYS[way], *PYTHON, "probe.py", str(probe_file)]
    io = pexpect.spawn(argv[0], argv[1:], cwd=tmp_path, env=marked_env, timeout=30)
    log = Log(probe_file)
    command = log.ready()
    os.close(io.fileno())
    log.wait(signal.SIGHUP)
    os.kill(command, signal.SIGUSR2)
    io.closed, io.child_fd = True, -1
    wait_for(lambda: gone(command))
    assert log.count(signal.SIGHUP) == 1


@BOTH
def test_stop_in_an_orphaned_group(tmp_path, marked_env, probe_file, way):
    """Nobody could continue it, so the kernel ignores Ctrl-Z and SIGTSTP; our own session must not change that."""
    argv = [*WAYS[way], *PYTHON, "probe.py", str(probe_file)]
    io = pexpect.spawn(argv[0], argv[1:], cwd=tmp_path, env=marked_env, timeout=30)
    log = Log(probe_file)
    command = log.ready()
    io.send("\x1a")
    os.killpg(io.pid, signal.SIGTSTP)
    io.send("\x03")
    log.wait(signal.SIGINT)
    log.fence(io.pid)
    assert state(command) != "T" and state(io.pid) != "T"
    os.kill(command, signal.SIGUSR2)
    io.expect(pexpect.EOF)
    io.close()
    assert io.exitstatus == 0


@BOTH
def test_nohup(shell, probe_file, way):
    sh, log = shell(), Log(probe_file)
    sh.do(f"nohup {probe_line(way, probe_file)} > /dev/null 2>&1 &")
    command = log.ready()
    sh.start("exit")
    sh.io.expect(pexpect.EOF)
    sh.io.close(force=False)
    os.kill(command, signal.SIGINT)
    log.wait(signal.SIGINT)
    os.kill(command, signal.SIGUSR2)
    wait_for(lambda: gone(command))


@BOTH
def test_python_prompt(shell, way):
    sh = shell()
    sh.start(command_line(way, sys.executable, "-i -q -c 'import os'"))
    sh.io.expect(">>> ")
    sh.io.send("\x03")
    sh.io.expect("KeyboardInterrupt")
    sh.io.expect(">>> ")
    sh.io.sendline("print('fore' + 'ground', os.tcgetpgrp(0) == os.getpgrp(), os.get_terminal_size().columns)")
    sh.io.expect(r"foreground True \d+")
    sh.io.send("\x1a")
    sh.prompt()
    sh.start("fg")
    sh.io.expect("-q -c")
    sh.io.sendline("print('a' + 'b')")
    sh.io.expect("ab")
    sh.io.send("\x04")
    sh.prompt()


@BOTH
def test_interactive_shell_inside(shell, way):
    sh = shell()
    sh.start(command_line(way, "bash --norc --noprofile -i"))
    sh.prompt()
    sh.do("sleep 600 | cat &")
    sh.start("fg")
    sh.io.expect("sleep 600")
    sh.io.send("\x1a")
    sh.prompt()
    assert "Stopped" in sh.do("jobs")
    sh.do("kill -9 %1")
    sh.start("exit")
    sh.io.expect("exit")
    sh.prompt()
    assert sh.do("echo back") == "back"


@adopts
def test_adopted_on_a_terminal(shell, probe_file):
    """Job control goes on when the supervisor is dead."""
    sh, log = shell(), Log(probe_file)
    sh.do(probe_line("guarded", probe_file) + " &")
    command = log.ready()
    pids, inner = started_by(sh, "guarded", command)
    os.kill(inner, signal.SIGKILL)
    wait_for(lambda: gone(inner))
    sh.start("fg")
    sh.io.expect("probe.py")
    sh.io.send("\x03")
    log.wait(signal.SIGINT)
    sh.io.send("\x1a")
    sh.prompt()
    wait_states(pids, "TT")
    sh.start("fg")
    wait_states(pids, "SS")
    os.kill(command, signal.SIGUSR2)
    sh.prompt()
    assert log.count(signal.SIGINT) == 1
