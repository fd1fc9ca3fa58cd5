"""SIGKILL at random moments, in every mode: no process, no listener, no file of ours is left. KILL_SEED repeats a row of moments.

Where it can, each run has folders /tmp, /var/tmp and /dev/shm of its own, so that files of ours can be told from other runs'.
"""
import concurrent.futures
import os
import random
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from conftest import MARK, ROOT, alive, children, comm, end_all, read, wait_for
from launching import PYTHON, program

MODES = ("proc", "preload", "ptrace", "notify")
ROUNDS, JOBS = 50, 4
LATEST = 0.25    # seconds after the start: by then the tree below has long been there, even under a tracer
SEED = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1 << 32))
FOLDERS = ("tmp", "var/tmp", "dev/shm")

# A listener here, another one with a daemon that ignores what can be ignored, and an end when standard input ends.
TREE = r"""
import os, signal, socket, sys
def listen(name):
    s = socket.create_server(("127.0.0.1", 0))
    with open(sys.argv[1], "a") as out:
        print(s.getsockname()[1], file=out)
    return s
here = listen("here")
if os.fork() == 0:
    os.setsid()
    for sig in (1, 2, 15): signal.signal(sig, signal.SIG_IGN)
    if os.fork(): os._exit(0)
    here.close(); kept = listen("daemon")
    while True: signal.pause()
os.wait()
sys.stdin.read()
"""


@pytest.fixture(scope="module", params=MODES)
def mode(request):
    tried = subprocess.run([program(), f"--mode={request.param}", "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"mode {request.param} does not work here: {tried.stderr.strip()[-150:]}")
    return request.param


class Place:
    """Mount namespace with own folders for passing files. Without the right to have one (`own` False) files are not looked for."""

    def __init__(self, mark):
        mounts = "; ".join(f"mount -t tmpfs -o mode=1777 tmpfs /{folder}" for folder in FOLDERS)
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", f"{mounts}; test -x {program()} && echo ready; exec sleep 600"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, MARK: mark}, text=True)
        self.own = os.geteuid() == 0 and self.holder.stdout.readline() == "ready\n"

    def prefix(self):
        return ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", f"--wdns={os.getcwd()}"] if self.own else []

    def files(self):
        """All that is left in there, but for folders of ours that hold nothing."""
        found = []
        for folder in FOLDERS if self.own else ():
            top = Path(f"/proc/{self.holder.pid}/root") / folder
            found += [str(path.relative_to(top.parent)) for path in top.rglob("*") if not path.is_dir() or path.parent.name.startswith("tracewrap")]
        return found

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


@pytest.fixture
def folder():
    """Outside /tmp, which the runs do not see."""
    (ROOT / "build").mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="kill-any-", dir=ROOT / "build"))
    yield path
    shutil.rmtree(path)


def listening():
    """The TCP ports that somebody listens at."""
    rows = [line.split() for line in read("/proc/net/tcp").splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}


def kill(process, whom):
    """@return was there what is to be killed?"""
    if whom == "group":
        os.killpg(process.pid, signal.SIGKILL)
        return True
    pid = process.pid
    if whom == "inner":
        pid = next((child for child in children(pid) if comm(child) == "tw-inner"), None)
        if pid is None:
            return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def one_run(mode, whom, moment, folder, place):
    """@return what was wrong, "" if nothing; was anything killed; did the tree listen by then?"""
    mark = uuid.uuid4().hex
    ports = folder / mark
    process = subprocess.Popen([*place.prefix(), program(), f"--mode={mode}", *PYTHON, "-c", TREE, str(ports)], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env={**os.environ, MARK: mark},
                               start_new_session=True)
    try:
        try:
            process.wait(moment)     # it does not end by itself
        except subprocess.TimeoutExpired:
            pass
        killed, began = kill(process, whom), ports.exists()
        process.stdin.close()
        process.wait(30)
        wait_for(lambda: not alive(mark), what=f"the end of the tree: {[read(f'/proc/{pid}/cmdline') for pid in alive(mark)]}")
        left = listening() & {int(port) for port in read(ports).split()}
        return (f"listeners {left}" if left else ""), killed, began
    except (pytest.fail.Exception, subprocess.TimeoutExpired) as why:
        return str(why), True, True
    finally:
        end_all(mark)
        process.kill()
        process.wait()


@pytest.mark.parametrize("whom", ["outer", "inner", "group"])
def test_nothing_is_left(mode, whom, folder, mark):
    chance = random.Random(f"{SEED} {mode} {whom}")
    moments = [chance.uniform(0, LATEST) for _ in range(ROUNDS // 3 + 1)]
    print(f"KILL_SEED={SEED}")
    place = Place(mark)
    try:
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            runs = list(pool.map(lambda moment: one_run(mode, whom, moment, folder, place), moments))
        wrong = [(moment, why) for moment, (why, _, _) in zip(moments, runs) if why]
        assert not wrong
        if place.own:
            wait_for(lambda: not place.files(), what=f"the end of files of ours: {place.files()}")
        assert any(began for _, killed, began in runs if killed), "no moment was late enough to show anything"
    finally:
        place.close()
