"""A plain user, who may not read the machine's timers: what the library hears makes the difference. The corpus's hangs are proven with it, and
only suspected without; and what an alarm will end is no hang, wherever it was armed."""
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from support import NOBODY, TOP, USER_PY, as_plain_user, batch, of, open_folder, result, run  # noqa: F401

CASES = Path(os.environ.get("CORPUS") or TOP.parent / "shared" / "corpus") / "cases"
KINDS = ("pipe-full", "pipe-eof", "lock")

pytestmark = as_plain_user


def hangs():
    """The cases of these kinds that need nothing but pytest and must be proven: name -> case."""
    found = {}
    for path in sorted(CASES.glob("*/case.json")):
        case = json.loads(path.read_text())
        if case["truth"] == "hang" and case["kinds"][0] in KINDS and not case["needs"] and case.get("certainty") != "any" \
                and case["command"][0] == "{py}" and not case["env"]:
            found[path.parent.name] = case
    return found


HANGS = hangs()


def as_user(*command, inside, options=()):
    return run(USER_PY, *command, inside=inside, options=options, user=NOBODY, env={"PYTHONPATH": str(open_folder() / "lib")})


def job(name, *options):
    def inside(r):
        shutil.copytree(CASES / name, r.folder, dirs_exist_ok=True)
        r.folder.chmod(0o755)      # the corpus may be read-only
        r.give_to(NOBODY)
    return lambda: as_user(*HANGS[name]["command"][1:], inside=inside, options=options)


ALARM = """
import os, signal, subprocess, sys, threading

def test_a_shell_sets_it_and_becomes_another():
    r, w = os.pipe()
    child = subprocess.Popen([sys.executable, "-c", "import os, signal; signal.alarm(3); os.execvp('cat', ['cat'])"], stdin=r)
    assert child.wait() == -signal.SIGALRM

def test_a_thread_sets_it():
    signal.signal(signal.SIGALRM, lambda *_: None)
    t = threading.Thread(target=lambda: signal.setitimer(signal.ITIMER_REAL, 3))
    t.start(); t.join()
    signal.pause()

def test_a_fork_sets_it():
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(3)
        os.read(os.pipe()[0], 1)
    assert os.waitpid(pid, 0)[1] == signal.SIGALRM
"""


def alarms():
    def inside(r):
        (r.folder / "test_alarm.py").write_text(ALARM)
        r.give_to(NOBODY)
    return as_user("-m", "pytest", "-q", inside=inside, options=("--report-json", "r.json"))


# its map says "(deleted)" from the beginning: sem_open(3) maps it by another name
SEMAPHORE = """
import ctypes, os, sys, tempfile
c = ctypes.CDLL(None)
c.sem_open.restype = ctypes.c_void_p
name = f"tw_test_{os.getpid()}"
sem = ctypes.c_void_p(c.sem_open(f"/{name}".encode(), os.O_CREAT | os.O_EXCL, 0o600, 0))
folder = tempfile.mkdtemp(dir="/dev/shm", prefix="tw_test_")
if sys.argv[1] == "kept":
    os.link(f"/dev/shm/sem.{name}", f"{folder}/kept")
c.sem_unlink(f"/{name}".encode())
c.sem_wait(sem)
"""


def semaphore(how):
    return lambda: as_user("-c", SEMAPHORE, how, inside=lambda r: r.give_to(NOBODY), options=("--timeout", "6s"))


@pytest.fixture(scope="module", autouse=True)
def nothing_stays_in_shm():
    yield
    for folder in Path("/dev/shm").glob("tw_test_*/"):
        shutil.rmtree(folder, ignore_errors=True)


PROVEN = {name: job(name) for name in HANGS}
RUNS = PROVEN | {"by /proc alone": job("pipe-popen-wait", "--mode", "proc", "--timeout", "6s") if HANGS else None, "alarms": alarms,
                 "kept": semaphore("kept"), "unlinked": semaphore("unlinked")}


@pytest.mark.skipif(not HANGS, reason=f"no corpus at {CASES}")
def test_there_are_hangs():
    assert len(HANGS) >= 10, sys.version


@of(*PROVEN)
def test_proven(result, request):
    case = HANGS[request.node.callspec.params["result"]]
    assert result.code == 124 and not result.left, result
    finding = result.finding()
    assert finding["certainty"] == "proven" and finding["kind"] in case["kinds"]
    if case["test"]:
        assert finding["test"] == case["test"]
    assert "C library" in result.screen      # what it rests on


@pytest.mark.skipif(not HANGS, reason=f"no corpus at {CASES}")
@of("by /proc alone")
def test_only_suspected_without_it(result):
    assert result.code == 124 and result.finding()["certainty"] == "suspected"


@of("alarms")
def test_what_an_alarm_will_end_is_no_hang(result):
    assert result.code == 0 and not result.left and result.err == b"", result
    assert json.loads((result.folder / "r.json").read_text())["findings"] == []


@of("kept")
def test_a_name_in_a_folder_is_one(result):
    assert result.code == 124 and result.finding()["certainty"] == "suspected", result


@of("unlinked")
def test_folders_are_no_names(result):
    assert result.code == 124 and result.finding()["certainty"] == "proven", result
