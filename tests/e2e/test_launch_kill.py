"""SIGKILL and faults of each of the processes: nothing is left, no end is lost, and good work goes on."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from conftest import MARK, ROOT, alive, children, comm, end_all, gone, read, wait_for
from launching import PYTHON, WAYS, Log, Probe, adopts, guardrun, inner_of, is_guardrun, program, wait_states

SUITE = ROOT / "tests" / "e2e" / "suites" / "work"

# A child in the group, one in its own session, and a daemon that ignores what can be ignored.
TREE = r"""
import os, signal, subprocess, sys, time
subprocess.Popen(["sleep", "600"])
subprocess.Popen(["sleep", "601"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    for sig in (1, 2, 15): signal.signal(sig, signal.SIG_IGN)
    if os.fork(): os._exit(0)
    open(sys.argv[1] + ".daemon", "w").close()
    time.sleep(600)
os.wait()
while not os.path.exists(sys.argv[1] + ".daemon"): time.sleep(0.01)
print("ready", os.getpid(), file=open(sys.argv[1], "w"), flush=True)
time.sleep(600)
"""


def nothing_left(mark):
    wait_for(lambda: not alive(mark), what="the end of the tree")


@pytest.fixture
def tree(tmp_path, marked_env):
    """Starts TREE: process, pid of the command."""
    def start(way, stderr=subprocess.DEVNULL, **env):
        log = Log(tmp_path / way)
        process = subprocess.Popen([*WAYS[way], *PYTHON, "-c", TREE, str(log.path)], env={**marked_env, **env}, cwd=tmp_path,
                                   start_new_session=True, stderr=stderr, text=True)
        return process, log.ready()
    return start


def test_killed_outer(tree, mark):
    process, _ = tree("guarded")
    assert len(alive(mark)) == 7  # outer, witness, inner, command and three
    process.kill()
    assert process.wait() == -signal.SIGKILL
    nothing_left(mark)


def test_killed_plain_leaves_three(tree, mark):
    """What the row above is worth: the same without us."""
    process, _ = tree("plain")
    process.kill()
    process.wait()
    assert len(alive(mark)) == 3


def test_killed_group(tree, mark):
    process, _ = tree("guarded")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    nothing_left(mark)


def test_killed_by_name(tree, mark):
    """Only the outer process shows the program's name. A folder of that name is in the words of others, too."""
    process, _ = tree("guarded")
    name = os.path.basename(program())

    def shown(pid):
        return [comm(pid), *map(os.path.basename, read(f"/proc/{pid}/cmdline").split("\0"))]
    assert [pid for pid in alive(mark) if name in shown(pid)] == [process.pid]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    nothing_left(mark)


def test_killed_while_stopped(tree, mark):
    process, command = tree("guarded")
    os.kill(command, signal.SIGSTOP)
    wait_states([process.pid, command], "TT")
    process.kill()
    process.wait()
    nothing_left(mark)


@pytest.mark.parametrize("whom", ["pid", "group"])
def test_killed_in_the_first_milliseconds(tmp_path, marked_env, mark, whom):
    for step in range(20):
        process = subprocess.Popen([program(), "sh", "-c", "setsid sleep 600 & sleep 601"], env=marked_env, cwd=tmp_path,
                                   start_new_session=True, stderr=subprocess.DEVNULL)
        wait_a_moment(step * 0.00045)
        (os.kill if whom == "pid" else os.killpg)(process.pid, signal.SIGKILL)
        process.wait()
        nothing_left(mark)


def wait_a_moment(seconds):
    time.sleep(seconds)  # which moment it is does not matter; that there are many does


# The inner process dies -------------------------------------------------------------------------------------------

LINE = "tracewrap: the supervisor was killed by {}; {}\n"
RUNS_ON = "the command runs on unsupervised"


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT], ids=lambda sig: sig.name)
@adopts
def test_inner_dies_command_goes_on(tmp_path, marked_env, mark, sig):
    """A command in the middle of its work ends as without us; what it leaves is ended."""
    os.mkfifo(tmp_path / "fifo")
    script = "sleep 600 & setsid sleep 601 & echo begun; read line < fifo; echo $line; exit 6"
    process = subprocess.Popen([program(), "sh", "-c", script], cwd=tmp_path, env=marked_env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    assert process.stdout.readline() == "begun\n"
    inner = inner_of(process.pid)
    os.kill(inner, sig)
    wait_for(lambda: gone(inner), what="the end of the inner process")
    (tmp_path / "fifo").write_text("goes on\n")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (6, "goes on\n")
    assert err == LINE.format(sig.name, RUNS_ON)
    nothing_left(mark)


def suite(tmp_path, env, prefix, meanwhile=None):
    """A pytest suite of which MEANWHILE happens in the midst. @return exit code, standard output without times, standard error."""
    folder = shutil.copytree(SUITE, tmp_path / ("guarded" if prefix else "plain"))
    with subprocess.Popen([*prefix, sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", ".", "-c", os.devnull,
                           "test_work.py"],
                          cwd=folder, env={**env, "PYTHONDONTWRITEBYTECODE": "1"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        wait_for((folder / "begun").exists, what="the midst of the suite")
        if meanwhile:
            meanwhile(process)
        (folder / "word").touch()
        out, err = process.communicate(timeout=60)
    return process.returncode, re.sub(r"\d+\.\d+s|assert \d+ ==|where \d+ =", "", out).replace(str(folder), ""), err


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGSEGV], ids=lambda sig: sig.name)
@adopts
def test_inner_dies_in_the_midst_of_a_suite(tmp_path, marked_env, mark, sig):
    """A healthy pytest run notices nothing: the same tests, words and exit code; one line tells, and nothing is left."""
    def kill_inner(process):
        inner = inner_of(process.pid)
        os.kill(inner, sig)
        wait_for(lambda: gone(inner), what="the end of the inner process")

    env = {name: value for name, value in marked_env.items() if not name.startswith("PYTEST")}
    code, out, err = suite(tmp_path, env, [program()], kill_inner)
    nothing_left(mark)
    assert (code, out, "") == suite(tmp_path, env, [])
    assert code == 1 and "1 failed, 3 passed" in out
    assert err == LINE.format(sig.name, RUNS_ON)


@pytest.mark.parametrize("end, code", [("kill -TERM $$", -signal.SIGTERM), ("exit 0", 0), ("exec no-such-program", 127)])
@adopts
def test_inner_dies_end_is_passed_on(tmp_path, marked_env, mark, end, code):
    os.mkfifo(tmp_path / "fifo")
    process = subprocess.Popen([program(), "sh", "-c", f"echo begun; read line < fifo; {end}"], cwd=tmp_path, env=marked_env,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    process.stdout.readline()
    os.kill(inner_of(process.pid), signal.SIGKILL)
    (tmp_path / "fifo").write_text("now\n")
    assert process.wait(timeout=30) == code
    process.stdout.close()
    nothing_left(mark)


def test_inner_dies_at_any_moment(tmp_path, marked_env, mark):
    """However it dies: the end of the command, or 125 when it never began."""
    codes = set()
    for step in range(30):
        process = subprocess.Popen([program(), "sh", "-c", "exit 9"], env=marked_env, cwd=tmp_path, stderr=subprocess.DEVNULL)
        wait_a_moment(step * 0.0001)
        inner = next(iter(children(process.pid)[1:]), None)  # by then it may not have its name yet
        if inner and process.poll() is None:
            try:
                os.kill(inner, signal.SIGKILL)
            except ProcessLookupError:
                pass
        codes.add(process.wait(timeout=30))
        nothing_left(mark)
    assert codes <= {9, 125} and 9 in codes


@adopts
def test_adopted_command_gets_signals_and_leftovers_end(tmp_path, marked_env, mark):
    probe = Probe("guarded", tmp_path / "log", env=marked_env, cwd=tmp_path, stderr=subprocess.DEVNULL)
    os.kill(inner_of(probe.pid), signal.SIGKILL)
    wait_for(lambda: probe.command in children(probe.pid), what="the adoption")
    os.kill(probe.pid, signal.SIGHUP)
    probe.wait(signal.SIGHUP)
    os.killpg(probe.pid, signal.SIGINT)
    probe.fence(probe.pid)
    assert probe.names() == ["HUP", "INT"]
    assert probe.stop() == 0
    nothing_left(mark)


@adopts
def test_adopted_command_stops_and_continues(tmp_path, marked_env, mark):
    probe = Probe("guarded", tmp_path / "log", env=marked_env, cwd=tmp_path, stderr=subprocess.DEVNULL)
    os.kill(inner_of(probe.pid), signal.SIGKILL)
    wait_for(lambda: probe.command in children(probe.pid), what="the adoption")
    os.kill(probe.command, signal.SIGSTOP)
    wait_states([probe.pid, probe.command], "TT")
    os.killpg(probe.pid, signal.SIGCONT)
    wait_states([probe.pid, probe.command], "SS")
    assert probe.stop() == 0


@adopts
def test_adopted_while_stopped(tmp_path, marked_env, mark):
    """The command was stopped when the inner process died: nothing runs until somebody continues it."""
    probe = Probe("guarded", tmp_path / "log", env=marked_env, cwd=tmp_path, stderr=subprocess.DEVNULL)
    os.kill(probe.command, signal.SIGSTOP)
    wait_states([probe.pid, probe.command], "TT")
    os.kill(inner_of(probe.pid), signal.SIGKILL)
    os.kill(probe.pid, signal.SIGCONT)
    wait_states([probe.command], "S")
    assert probe.stop() == 0


@pytest.mark.parametrize("crash, words, code", [
    pytest.param("running", RUNS_ON, 6, marks=adopts),
    ("ended", "the command had ended", 6),
    ("verdict", "it had given its verdict, the command is ended", 124),
])
def test_inner_faults_in_each_stage(tmp_path, marked_env, mark, crash, words, code):
    os.mkfifo(tmp_path / "fifo")
    script = "setsid sleep 600 & echo begun; read line < fifo; exit 6"
    process = subprocess.Popen([guardrun(), "sh", "-c", script], cwd=tmp_path, env={**marked_env, "GUARDRUN_CRASH": crash},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    if crash == "verdict":
        process.send_signal(signal.SIGUSR1)
    else:
        (tmp_path / "fifo").write_text("now\n")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (code, "", LINE.format("SIGSEGV", words))
    nothing_left(mark)


@adopts
def test_exec_failure_with_a_dead_inner(tmp_path, marked_env):
    run = subprocess.run([guardrun(), "no-such-program"], env={**marked_env, "GUARDRUN_CRASH": "running"}, capture_output=True, text=True,
                         cwd=tmp_path)
    assert run.returncode == 127
    assert sorted(run.stderr.splitlines()) == ["tracewrap: no-such-program: No such file or directory", LINE.format("SIGSEGV", RUNS_ON).strip()]


def test_witness_is_replaced(tmp_path, marked_env, mark):
    probe = Probe("guarded", tmp_path / "log", env=marked_env, cwd=tmp_path)

    def witness():
        return next((pid for pid in children(probe.pid) if comm(pid) == "tw-witness"), None)
    old = wait_for(witness)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: witness() not in (None, old), what="a new witness")
    os.killpg(probe.pid, signal.SIGHUP)
    probe.fence(probe.pid)
    assert probe.names() == ["HUP"]
    assert probe.stop() == 0


# Others' processes ------------------------------------------------------------------------------------------------

@adopts
def test_children_from_before_are_spared(tmp_path, marked_env, mark):
    """bash leaves a child of ours when it execs us: it is nobody's business here, even when the inner process dies."""
    os.mkfifo(tmp_path / "fifo")
    script = f"exec {program()} sh -c 'echo begun; read line < fifo; exit 6' > >(trap '' TERM; cat; read line < fifo; echo $line > late)"
    process = subprocess.Popen(["bash", "-c", script], cwd=tmp_path, env=marked_env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    inner = inner_of(process.pid)
    os.kill(inner, signal.SIGKILL)
    wait_for(lambda: gone(inner))
    (tmp_path / "fifo").write_text("now\n")
    assert process.wait(timeout=30) == 6
    (tmp_path / "fifo").write_text("worked on\n")
    wait_for(lambda: read(tmp_path / "late") == "worked on\n", what="the child from before")


def test_pdeathsig_of_our_parent(tmp_path, marked_env, mark):
    """A parent that set PDEATHSIG means us by it: the command gets the signal when that parent dies."""
    script = ("import ctypes, os, sys, time\n"
              "if os.fork() == 0:\n"
              "  ctypes.CDLL(None).prctl(1, 15)\n"
              "  os.execvp(sys.argv[1], sys.argv[1:])\n"
              "time.sleep(600)")
    ends = {}
    for way, prefix in WAYS.items():
        out = tmp_path / way
        command = f"trap 'echo TERM > {out}; exit 0' TERM; echo ready $$ > {out}; while :; do sleep 0.05; done"
        parent = subprocess.Popen([*PYTHON, "-c", script, *prefix, "sh", "-c", command], cwd=tmp_path, env=marked_env, stderr=subprocess.DEVNULL)
        Log(out).ready()
        parent.kill()
        parent.wait()
        ends[way] = wait_for(lambda: read(out) == "TERM\n")
    assert ends == {"plain": True, "guarded": True}
    nothing_left(mark)


# As another user --------------------------------------------------------------------------------------------------

@pytest.fixture
def as_nobody(mark):
    """Runs the guard as user nobody, from a folder which that user may enter."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become nobody")
    folder = tempfile.mkdtemp(prefix="launch-")
    os.chmod(folder, 0o755)
    binary = os.path.join(folder, "guard")
    shutil.copy(program(), binary)

    def start(*command, **how):
        return subprocess.Popen([binary, *command], user=65534, group=65534, extra_groups=[], cwd="/tmp" if is_guardrun() else folder,
                                env={**os.environ, MARK: mark}, **how)
    yield start
    end_all(mark)
    shutil.rmtree(folder)


def test_nobody(as_nobody, mark):
    assert as_nobody("sh", "-c", "exit 5").wait(timeout=30) == 5
    process = as_nobody("sh", "-c", "setsid sleep 600 & echo begun; sleep 601", stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.kill()
    process.wait()
    nothing_left(mark)
    process.stdout.close()


@adopts
def test_nobody_inner_dies(as_nobody, mark):
    process = as_nobody("sh", "-c", "setsid sleep 600 & echo begun; read line; exit 4", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    os.kill(inner_of(process.pid), signal.SIGKILL)
    _, err = process.communicate("now\n", timeout=30)
    assert process.returncode == 4
    assert re.findall("killed by SIGKILL", err) == ["killed by SIGKILL"]
    nothing_left(mark)
