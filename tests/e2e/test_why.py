"""`tracewrap why PID`: the verdict on something that was started without us; nothing of it changes."""
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from support import ENVIRON, NOBODY, PY, TRACEWRAP, USER_PY, alive, as_plain_user, as_root, open_folder, read, status_of, wait_for

HANGS = "import subprocess, sys\np = subprocess.Popen([sys.executable, '-c', 'print(chr(120) * 200000)'], stdout=subprocess.PIPE)\np.wait()"
PAUSES = "import signal\nsignal.pause()"


def why(pid, *words, **more):
    return subprocess.run([TRACEWRAP, "why", *words, str(pid)], capture_output=True, text=True, timeout=60, env=ENVIRON, cwd="/", **more)


def children(pid):
    return [int(word) for word in read(f"/proc/{pid}/task/{pid}/children").split()]


def in_call(pid, number):
    return read(f"/proc/{pid}/syscall").startswith(b"%d " % number)


@pytest.fixture
def program():
    started = []

    def start(text, python=PY, **more):
        proc = subprocess.Popen([python, "-c", text], env=ENVIRON, start_new_session=True, **more)
        started.append(proc)
        return proc
    yield start
    for proc in started:
        for pid in [*children(proc.pid), proc.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        proc.wait()


def test_a_hang_is_told_and_left_as_it_is(program):
    proc = program(HANGS)
    child = wait_for(lambda: (kids := children(proc.pid)) and in_call(kids[0], 1) and in_call(proc.pid, 61) and kids[0], "hang")
    before = [status_of(pid)[name] for pid in (proc.pid, child) for name in ("voluntary_ctxt_switches", "State", "SigPnd")]
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "s.json")
        done = why(proc.pid, "--json", "--snapshot", saved)
        again = subprocess.run([TRACEWRAP, "explain", "--json", saved], capture_output=True, text=True, timeout=60, env=ENVIRON)
    (finding,) = json.loads(done.stdout)["findings"]
    assert done.returncode == (124 if finding["certainty"] == "proven" else 3) and done.stderr == ""
    assert (finding["kind"], finding["culprits"]) == ("pipe-full", [child])
    assert [status_of(pid)[name] for pid in (proc.pid, child) for name in ("voluntary_ctxt_switches", "State", "SigPnd")] == before
    assert json.loads(again.stdout)["findings"][0]["kind"] == "pipe-full" and again.returncode == done.returncode


@as_root
def test_what_nobody_outside_could_hold_is_proven(program):
    proc = program(PAUSES)
    wait_for(lambda: in_call(proc.pid, 34), "pause")
    # an alarm that somebody else on this machine has armed could be its own, and leaves a doubt until it is over
    done = wait_for(lambda: (d := why(proc.pid)).returncode == 124 and d, "proof")
    assert "signal" in done.stdout and alive(proc.pid)


def test_who_lives_is_told_why(program):
    proc = program("import time; time.sleep(300)")
    wait_for(lambda: in_call(proc.pid, 230), "sleep")
    done = why(proc.pid)
    assert done.returncode == 0 and "times out in" in done.stdout
    proc = program("while True: pass")
    assert why(proc.pid).returncode == 0


@as_plain_user
def test_a_plain_user_may_only_suspect(program):
    proc = program(HANGS, python=USER_PY, user=NOBODY, group=NOBODY, cwd="/")
    wait_for(lambda: (kids := children(proc.pid)) and in_call(kids[0], 1), "hang")
    done = subprocess.run([open_folder() / "tracewrap", "why", "--json", str(proc.pid)], capture_output=True, text=True, timeout=60, env=ENVIRON,
                          user=NOBODY, group=NOBODY, cwd="/")
    (finding,) = json.loads(done.stdout)["findings"]
    assert (done.returncode, finding["kind"], finding["certainty"]) == (3, "pipe-full", "suspected")


@as_plain_user
def test_who_can_not_be_looked_at(program):
    proc = program(PAUSES, python=USER_PY)
    done = subprocess.run([open_folder() / "tracewrap", "why", str(proc.pid)], capture_output=True, text=True, timeout=60, env=ENVIRON,
                          user=NOBODY, group=NOBODY, cwd="/")
    assert done.returncode == 3 and done.stdout.startswith("Can't tell"), done


@pytest.mark.parametrize("word", ["abc", "0", "-1", "99999999999", "2147483646"])
def test_no_process(word):
    done = why(word) if word != "-1" else why("--", "-1")
    assert done.returncode == 125 and done.stdout == "" and done.stderr.startswith("tracewrap: ")
