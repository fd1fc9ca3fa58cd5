"""Below other programs that start, bound and end commands: timeout, xargs, parallel, make, setsid, unshare, su, pytest-xdist."""
import os
import shutil
import signal
import subprocess
import sys

import pexpect
import pytest

from conftest import alive, children, gone, parent, read, wait_for
from launching import MODE, PYTHON, WAYS, program

BOTH = pytest.mark.parametrize("way", list(WAYS))


def needs(name):
    if not shutil.which(name):
        pytest.skip(f"no {name} here")


def sh(line, way, tmp_path, env, **how):
    line = line.replace("WAY", " ".join(WAYS[way]))
    return subprocess.run(["bash", "-c", line + "; exit $?"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, **how)


def same(line, tmp_path, env, mark, needed="sh"):
    """Exit code and words of LINE, which must be the same plain and guarded; and the guarded one leaves nothing."""
    needs(needed)
    seen = {}
    for way in WAYS:
        run = sh(line, way, tmp_path, env)
        seen[way] = (run.returncode, run.stdout.split())
        if way == "guarded":
            wait_for(lambda: not alive(mark), what="the end of what it started")
    assert seen["guarded"] == seen["plain"]
    return seen["plain"]


SUB_MAKE = "x: 1 2 3\n1 2 3:\n\t@sleep .05\n"


@pytest.mark.parametrize("needed, line, expected", [
    ("timeout", "WAY timeout 0.3 WAY sleep 600", (124, [])),
    ("timeout", "timeout 0.3 WAY sleep 600", (124, [])),
    ("timeout", "timeout -s KILL 0.3 WAY sleep 600", (137, [])),
    ("xargs", "seq 4 | xargs -P1 -I{} WAY sh -c 'echo {}; test {} != 2 || exit 255'", (124, ["1", "2"])),
    ("parallel", "seq 4 | parallel -j1 --halt now,fail=1 \"WAY sh -c 'echo {}; test {} != 2 || exit 3'\"", (3, ["1", "2"])),
    ("parallel", "parallel --timeout 1 WAY sleep ::: 600", (1, [])),
    ("setsid", "setsid -w WAY sh -c 'exit 6'", (6, [])),
    ("setsid", "WAY setsid -w sh -c 'exit 6'", (6, [])),
    ("bash", "WAY bash -c 'kill -0 $PPID && echo yes'", (0, ["yes"])),
    ("bash", "WAY sh -c 'exec WAY sh -c \"exit 8\"'", (8, [])),
], ids=lambda value: value if isinstance(value, str) and "WAY" in value else "")
def test_same(tmp_path, marked_env, mark, needed, line, expected):
    if MODE in ("ptrace", "notify") and line.count("WAY") > 1:
        pytest.skip("a process has one tracer, and one listener: test_ptrace.py")
    assert same(line, tmp_path, marked_env, mark, needed) == expected


def test_setsid_does_not_fork(tmp_path, marked_env, mark):
    """The command is no group leader, so setsid(1) need not fork: it waits, where plain it does not (docs/launch.md)."""
    needs("setsid")
    assert sh("WAY setsid sh -c 'sleep 0.1; exit 6'", "guarded", tmp_path, marked_env).returncode == 6


@pytest.mark.parametrize("option", ["", "--foreground"])
def test_timeout_kill_after(tmp_path, marked_env, mark, option):
    """TERM is ignored, and a child has its own session: after the SIGKILL nothing is left, nobody holds standard output."""
    needs("timeout")
    line = f"timeout {option} -k 0.5 0.5 WAY sh -c \"trap '' TERM; setsid sleep 600 & sleep 601; sleep 602\""
    assert sh(line, "guarded", tmp_path, marked_env).returncode == 137
    wait_for(lambda: not alive(mark), what="the end of the tree")


def test_make_jobserver(tmp_path, marked_env, mark):
    needs("make")
    (tmp_path / "sub.mk").write_text(SUB_MAKE)
    for way, prefix in WAYS.items():
        rule = f"all: a b\na b:\n\t@+{' '.join(prefix)} sh -c 'echo $$MAKEFLAGS | grep -c jobserver; make -s -f sub.mk'\n"
        (tmp_path / "Makefile").write_text(rule)
        env = {key: value for key, value in marked_env.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        run = sh("make -s -j2", way, tmp_path, env)
        assert (run.returncode, run.stdout.split(), run.stderr) == (0, ["1", "1"], ""), way


def unshare(command, tmp_path, env):
    needs("unshare")
    if subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode:
        pytest.skip("may not unshare here")
    return sh(f"exec unshare --pid --fork --mount-proc WAY {command}", "guarded", tmp_path, env)


@pytest.mark.parametrize("command, code", [("sh -c 'exit 5'", 5), ("sh -c 'kill -TERM $$'", 143)])
def test_pid_1(tmp_path, marked_env, mark, command, code):
    assert unshare(command, tmp_path, marked_env).returncode == code


def test_pid_1_reaps(tmp_path, marked_env, mark):
    script = "sh -c '(sleep 0.05 &); (sh -c \"exit 1\" &); while ps -eo comm | grep -q sleep; do :; done; ps -eo stat | grep -c Z; true'"
    assert unshare(script, tmp_path, marked_env).stdout.split() == ["0"]


def test_pid_1_terminated_from_outside(tmp_path, marked_env, mark):
    """A plain pid 1 ignores the signal; ours passes it on."""
    needs("unshare")
    inside = subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", program(), "sh", "-c", "echo begun; sleep 600"], cwd=tmp_path,
                              env=marked_env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if inside.stdout.readline() != "begun\n":
        pytest.skip("may not unshare here")
    os.kill(children(inside.pid)[0], signal.SIGTERM)
    inside.communicate(timeout=30)
    assert inside.returncode == 143
    wait_for(lambda: not alive(mark))


def test_other_user_inside(tmp_path, marked_env, mark):
    needs("su")
    if os.geteuid() != 0:
        pytest.skip("needs root, for su without a password")
    assert same("WAY su -s /bin/sh nobody -c 'id -un'", tmp_path, marked_env, mark) == (0, ["nobody"])


def test_daemon_knows_its_parent(tmp_path, marked_env, mark):
    """What a program could notice: an orphan's parent is the supervisor, not init."""
    script = ("import os\nr, w = os.pipe()\n"
              "if os.fork() == 0:\n"
              "  middle = os.getpid()\n"
              "  if os.fork(): os._exit(0)\n"
              "  while os.getppid() == middle: pass\n"
              "  os.write(w, str(os.getppid()).encode()); os._exit(0)\n"
              "os.wait(); print(int(os.read(r, 9)) == os.getppid())")
    run = subprocess.run([program(), *PYTHON, "-c", script], cwd=tmp_path, env=marked_env, capture_output=True, text=True)
    assert run.stdout == "True\n"


# pytest -----------------------------------------------------------------------------------------------------------

SUITE = """
import os, time, pytest

def note(word):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(word + " ")

@pytest.fixture
def thing():
    yield
    note("teardown")

def test_long(thing):
    with open(os.environ["NOTES"] + ".pid", "w") as pid:
        pid.write(str(os.getpid()))
    note("in")
    time.sleep(float(os.environ["NAP"]))

@pytest.mark.parametrize("n", range(6))
def test_short(n):
    pass
"""
STUCK = """
import os, signal, subprocess, time

def test_stuck():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    with open(os.environ["NOTES"], "a") as notes:
        notes.write("in ")
    time.sleep(600)
"""
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


@pytest.fixture
def suite(tmp_path, marked_env):
    """Runs the suite on a terminal."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "stuck.py").write_text(STUCK)
    env = {key: value for key, value in marked_env.items() if not key.startswith(("PYTEST_", "COV_"))}

    def start(argv, nap="0", name="notes"):
        env.update(NOTES=str(tmp_path / name), NAP=nap)
        return pexpect.spawn(argv[0], argv[1:], cwd=tmp_path, env=env, timeout=60, encoding="utf8"), tmp_path / name
    return start


def finish(io):
    io.expect(pexpect.EOF)
    io.close()
    return io.exitstatus, io.signalstatus, io.before


@BOTH
@pytest.mark.parametrize("how, code, sig", [("Ctrl-C", 2, None), ("kill INT", 2, None), ("killpg INT", 2, None), ("kill TERM", None, 15)])
def test_pytest_is_interrupted_once(suite, way, how, code, sig):
    io, notes = suite([*WAYS[way], *PYTEST, "test_suite.py"], nap="600")
    wait_for(lambda: "in" in read(notes))
    {"Ctrl-C": lambda: io.send("\x03"), "kill INT": lambda: os.kill(io.pid, 2), "killpg INT": lambda: os.killpg(io.pid, 2),
     "kill TERM": lambda: os.kill(io.pid, 15)}[how]()
    status, signalled, printed = finish(io)
    assert (status, signalled) == (code, sig)
    assert read(notes).split() == (["in", "teardown"] if code else ["in"])
    assert printed.count("! KeyboardInterrupt !") == (1 if code else 0)


@pytest.mark.parametrize("options", [["-n", "2"], ["--dist", "load", "--tx", "2*popen//python=" + " ".join([program(), sys.executable])]],
                         ids=["inside", "workers"])
def test_xdist(suite, mark, options):
    prefix = WAYS["guarded"] if options[0] == "-n" else []
    io, _ = suite([*prefix, *PYTEST, *options, "test_suite.py"])
    status, _, printed = finish(io)
    assert status == 0 and "7 passed" in printed
    wait_for(lambda: not alive(mark))


def test_xdist_worker_is_killed(suite, mark):
    """Its wrapper's SIGKILL is its own end; xdist replaces it."""
    io, notes = suite([*PYTEST, "--dist", "load", "--tx", "2*popen//python=" + " ".join([program(), sys.executable]), "test_suite.py"], nap="600")
    wait_for(lambda: "in" in read(notes))
    busy = int(read(f"{notes}.pid"))
    killed = parent(parent(busy))
    assert killed in children(io.pid)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: gone(busy), what="the end of the worker")
    wait_for(lambda: len(children(io.pid)) == 2 and killed not in children(io.pid), what="a new worker")
    io.send("\x03")
    finish(io)
    wait_for(lambda: not alive(mark), what="the end of all workers")


def test_xdist_worker_that_will_not_end(suite, mark):
    """execnet waits 10 s, and then sends SIGKILL to the pid that it started: the worker and its daemon go with it."""
    io, notes = suite([*PYTEST, "--dist", "load", "--tx", "1*popen//python=" + " ".join([program(), sys.executable]), "stuck.py"])
    wait_for(lambda: "in" in read(notes))
    io.send("\x03")
    finish(io)
    wait_for(lambda: not alive(mark), what="the end of the worker and its child")
