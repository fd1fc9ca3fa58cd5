"""How often which signal arrives, whoever it is sent to."""
import os
import signal
import subprocess

import pytest

from conftest import alive, wait_for
from launching import adopts, Probe, WAYS, inner_of, is_guardrun, program, wait_states

pytestmark = pytest.mark.usefixtures("mark")


@pytest.fixture
def probe(tmp_path, marked_env):
    started = []

    def start(way, **how):
        started.append(Probe(way, tmp_path / f"{way}{len(started)}", env=marked_env, cwd=tmp_path, stderr=subprocess.DEVNULL, **how))
        return started[-1]
    yield start
    for one in started:
        one.stop()


SENT = ["TERM", "INT", "HUP", "QUIT", "CONT", "WINCH", "IO", "USR1", "RTMIN"]


@pytest.mark.parametrize("name", SENT)
@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["kill", "killpg"])
def test_arrives_once(probe, send, name):
    sig = getattr(signal, "SIG" + name)
    if name == "USR1" and send == os.kill and not is_guardrun():
        pytest.skip("SIGUSR1 to tracewrap is a question to tracewrap")
    seen = {}
    for way in WAYS:
        one = probe(way)
        send(one.pid, sig)
        one.wait(sig)
        one.fence(one.pid)
        seen[way] = one.names()
    assert seen == {"plain": [name], "guarded": [name]}


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["kill", "killpg"])
def test_fifty_of_them(probe, send):
    """One after the other; none is lost, none comes twice."""
    one = probe("guarded")
    for count in range(1, 51):
        send(one.pid, signal.SIGIO)
        one.wait(signal.SIGIO, count)
    one.fence(one.pid)
    assert one.count(signal.SIGIO) == 50


def test_to_us_behind_one_to_the_group(probe):
    """The witness forgets what it saw: the same signal to us alone, later, is not taken for one to the group."""
    one = probe("guarded")
    for send in (os.killpg, os.kill, os.killpg, os.kill):
        before = one.count(signal.SIGHUP)
        send(one.pid, signal.SIGHUP)
        one.wait(signal.SIGHUP, before + 1)
        one.fence(one.pid)
    assert one.names() == ["HUP"] * 4


def test_to_the_inner_process(probe):
    """It is taken as sent to tracewrap."""
    one = probe("guarded")
    os.kill(inner_of(one.pid), signal.SIGHUP)
    one.wait(signal.SIGHUP)
    one.fence(one.pid)
    assert one.names() == ["HUP"]


def test_alarm_that_exec_kept(tmp_path, marked_env):
    """A timer set before our exec signals us, and means the command."""
    for way, prefix in WAYS.items():
        script = "import os, signal, sys; signal.setitimer(signal.ITIMER_REAL, 0.4); os.execvp(sys.argv[1], sys.argv[1:])"
        process = subprocess.run(["python3", "-S", "-E", "-c", script, *prefix, "sleep", "600"], cwd=tmp_path, env=marked_env, timeout=30,
                                 stderr=subprocess.DEVNULL)
        assert process.returncode == -signal.SIGALRM, way


@pytest.mark.parametrize("option, expected", [([], ["TERM", "CONT"]), (["-s", "INT"], ["INT", "CONT"])], ids=["TERM", "INT"])
def test_below_timeout(tmp_path, marked_env, option, expected):
    """timeout(1) signals the pid, and then the group."""
    seen = {way: set() for way in WAYS}
    for attempt in range(3):
        for way in WAYS:
            one = Probe(way, tmp_path / f"{way}{attempt}", prefix=["timeout", *option, "0.5"], env=marked_env, cwd=tmp_path)
            one.wait(signal.SIGCONT)
            one.wait(getattr(signal, "SIG" + expected[0]))
            os.killpg(one.pid, signal.SIGIO)  # behind all that timeout sent
            one.wait(signal.SIGIO)
            seen[way].add(tuple(sorted(one.names())))
            one.stop()
    wanted = {tuple(sorted([*expected, "IO"]))}
    assert seen == {"plain": wanted, "guarded": wanted}


def test_stopped_and_continued_from_outside(probe):
    """Whoever is stopped or continued by whatever way: outer process and command agree, as one process would."""
    one = probe("guarded")
    both = [one.pid, one.command]
    for send, whom, sig, wanted in [
        (os.kill, one.pid, signal.SIGSTOP, "TT"),
        (os.kill, one.pid, signal.SIGCONT, "SS"),
        (os.kill, one.command, signal.SIGSTOP, "TT"),
        (os.kill, one.command, signal.SIGCONT, "SS"),
        (os.killpg, one.pid, signal.SIGSTOP, "TT"),
        (os.kill, one.pid, signal.SIGCONT, "SS"),
        (os.killpg, one.pid, signal.SIGSTOP, "TT"),
        (os.killpg, one.pid, signal.SIGCONT, "SS"),
    ]:
        send(whom, sig)
        wait_states(both, wanted)
    one.fence(one.pid)
    assert set(one.names()) == {"CONT"}


def test_killed_while_stopped(probe):
    one = probe("guarded")
    os.kill(one.pid, signal.SIGSTOP)
    wait_states([one.pid, one.command], "TT")
    os.kill(one.command, signal.SIGKILL)
    assert one.process.wait(timeout=30) == -signal.SIGKILL


@adopts
def test_unread_stderr_is_no_trouble(tmp_path, marked_env, mark):
    """The pipe of standard error is full and nobody reads: the line about the dead supervisor is dropped, the run ends."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 65536)
    except BlockingIOError:
        os.set_blocking(writer, True)
    process = subprocess.Popen([program(), "sh", "-c", "read line; exit 3"], cwd=tmp_path, env=marked_env, stderr=writer,
                               stdin=subprocess.PIPE, text=True)
    inner = inner_of(process.pid)
    os.kill(inner, signal.SIGKILL)
    process.communicate("now\n", timeout=30)
    assert process.returncode == 3
    os.close(reader)
    os.close(writer)
    wait_for(lambda: not alive(mark))
