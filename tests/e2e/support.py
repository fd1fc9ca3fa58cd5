"""Runs the real program on the small suites below suites/ and gathers what came of it.

A run has a folder, an environment mark by which its processes are found whatever became of their parents, and a hard limit. A
test module lists its runs in RUNS (name -> function); those that the selected tests want are started together, a few at a time.
"""
import atexit
import concurrent.futures
import contextlib
import functools
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
SUITES = HERE / "suites"
TRACEWRAP = os.path.abspath(os.environ.get("TRACEWRAP") or TOP / "build" / "tracewrap")
VENV = Path(os.environ.get("VENV") or TOP / "build" / "venv")
VENV_PYTEST8 = Path(os.environ.get("VENV_PYTEST8") or TOP / "build" / "venv-pytest8")
VENV_TRACTOR = Path(os.environ.get("VENV_TRACTOR") or TOP / "build" / "venv-tractor")
PY = str(VENV / "bin" / "python")
PYTEST = (PY, "-m", "pytest", "-p", "no:cacheprovider")
JOBS = 8          # hangs mostly wait
PAUSE = 0.02
LIMIT = 120.0    # generous, for a busy machine
SETTLE = 10.0      # a killed process needs a moment to leave

KINDS = {"pipe-full", "pipe-eof", "lock", "fork-lock", "socket", "child-wait", "tty", "stopped", "deadlock", "stall", "busy",
         "backpressure", "leaked-process", "zombie", "leaked-listener", "stale-socket", "leaked-shm", "port-held"}
OUTCOMES = {"pass", "fail", "hang", "stall", "interrupted", "error"}
DROP = re.compile("PYTEST|PYTHON|TRACEWRAP(?!_MODE$)|COV_|VENV|HELPERS|CI$|GITHUB_|(NO|FORCE|CLICOLOR_FORCE)_?COLOR|MAKE|MFLAGS|TW_")

#: As it was at the start: pytest writes the current test into os.environ while runs are started in threads.
ENVIRON = {name: value for name, value in os.environ.items() if not DROP.match(name)}

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
#: A plain user can't hear alarms in this mode: the same verdicts are only suspected, and nothing is ended by them.
proves = pytest.mark.skipif(os.geteuid() != 0, reason="only root's runs can prove")


# Processes ----------------------------------------------------------------------------------------------------------

def read(path):
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def status_of(pid):
    """The lines of /proc/PID/status by their names, {} when it is gone."""
    lines = read(f"/proc/{pid}/status").decode(errors="replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def alive(pid):
    return status_of(pid).get("State", "X")[0] not in "ZX"


def marked(mark):
    """The living processes with that mark in their environment."""
    word = f"TW_MARK={mark}".encode()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and word in read(f"/proc/{name}/environ").split(b"\0")]


def picture(pids):
    """What each process waits in, for the message of a failure."""
    lines = []
    for pid in pids:
        words = read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace")[:90]
        lines.append(f"  {pid} {status_of(pid).get('State')} syscall {read(f'/proc/{pid}/syscall').decode().strip()[:40]} {words}")
    return "\n".join(lines)


def wait_for(condition, what, limit=LIMIT):
    """The first true value of CONDITION; a failure when there is none within the limit."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} within {limit} s"
        time.sleep(PAUSE)
    return value


def end_marked(mark):
    for _ in range(100):
        left = marked(mark)
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE)


# A plain user -------------------------------------------------------------------------------------------------------

NOBODY = 65534
USER_PY = "/usr/bin/python3"     # the virtual environments' own may lie in a home that is closed to others


OPENING = threading.Lock()


def open_folder():
    """A folder that everybody may read, with the program and pytest in it."""
    with OPENING:
        return make_open_folder()


@functools.lru_cache(maxsize=None)
def make_open_folder():
    folder = Path(tempfile.mkdtemp(prefix="twt-open-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    shutil.copy(TRACEWRAP, folder / "tracewrap")
    for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "exceptiongroup", "tomli"):
        for found in VENV.glob(f"lib/python3*/site-packages/{name}"):
            shutil.copytree(found, folder / "lib" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pytest", "pluggy"):       # who is asked for his version
        for found in VENV.glob(f"lib/python3*/site-packages/{name}-*.dist-info"):
            shutil.copytree(found, folder / "lib" / found.name)
    for found in VENV.glob("lib/python3*/site-packages/*.py"):
        shutil.copy(found, folder / "lib")
    return folder


as_plain_user = pytest.mark.skipif(os.geteuid() != 0 or not os.access(USER_PY, os.X_OK),
                                   reason="only root can be a plain user for a while, with a Python that all may run")


def user_pytest(*words, **more):
    """pytest for a run of a plain user: the words of the command and the options for run()."""
    env = {"PYTHONPATH": str(open_folder() / "lib")}
    return run(USER_PY, "-m", "pytest", "-p", "no:cacheprovider", *words, env=env, **({"user": NOBODY} | more))


# One run ------------------------------------------------------------------------------------------------------------

class Result:
    """What a run left: exit code (negative: died of that signal), output, folder, processes that were still there."""

    def __init__(self, run, code, left):
        self.code, self.left, self.folder, self.pid = code, left, run.folder, run.proc.pid
        self.out, self.err = read(run.top / "out"), read(run.top / "err")
        self.roles = run.roles()

    @property
    def screen(self):
        return self.err.decode()

    @property
    def report(self):
        return json.loads((self.folder / ".tracewrap" / "last" / "report.json").read_text())

    def role(self, name):
        return self.roles[name][-1]

    def finding(self):
        """The report's only finding; the report is checked on the way."""
        report = self.report
        check_report(report, self.code)
        assert len(report["findings"]) == 1, (report["findings"], self.screen)
        return report["findings"][0]

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out.decode(errors='replace')[-2000:]}\nstderr: {self.err.decode(errors='replace')[-3000:]}"


class Run:
    """A command in a folder of its own, under tracewrap unless WRAP is false."""

    def __init__(self, *command, options=(), suite=None, env=None, stdin=subprocess.DEVNULL, user=None, wrap=True, before=(),
                 limit=LIMIT, inside=None, becomes_user=False):
        """USER: who runs all of it. BECOMES_USER: root runs BEFORE, which becomes a plain user."""
        self.mark, self.limit = uuid.uuid4().hex, limit
        self.top = Path(tempfile.mkdtemp(dir=FOLDERS.name))
        self.folder = self.top / "project"
        self.tracewrap = TRACEWRAP if user is None and not becomes_user else str(open_folder() / "tracewrap")
        if suite:
            shutil.copytree(SUITES / suite, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            self.folder.mkdir()
        shutil.copy(SUITES / "role.py", self.folder)
        (self.folder / "pytest.ini").write_text("[pytest]\n")
        (self.top / "tmp").mkdir()
        self.env = ENVIRON | {"TW_MARK": self.mark, "TW_ROLES": str(self.top / "roles"), "TMPDIR": str(self.top / "tmp"),
                     "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"} | (env or {})
        if user is not None or becomes_user:
            self.give_to(NOBODY)
        if inside:
            inside(self)
        words = [*before, *((self.tracewrap, *options) if wrap else ()), *map(str, command)]
        identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        assert wrap is False or os.access(self.tracewrap, os.X_OK), f"{self.tracewrap} is not there: run make"
        with open(self.top / "out", "wb") as out, open(self.top / "err", "wb") as err:
            self.deadline = time.monotonic() + limit
            self.proc = subprocess.Popen(words, cwd=self.folder, env=self.env, stdin=stdin, stdout=out, stderr=err,
                                         start_new_session=True, **identity)

    def give_to(self, user):
        for folder, folders, files in os.walk(self.top):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(folder, name), user, user)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_marked(self.mark)
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        shutil.rmtree(self.top, ignore_errors=True)

    def roles(self):
        roles = {}
        for line in read(self.top / "roles").decode().splitlines():
            name, pid = line.split()
            roles.setdefault(name, []).append(int(pid))
        return roles

    def until(self, condition, what):
        """The first true value of CONDITION while the run goes on."""
        while not (value := condition()):
            assert self.proc.poll() is None, f"the run ended before there was {what}: {Result(self, self.proc.returncode, [])}"
            assert time.monotonic() < self.deadline, self.overdue(f"no {what}")
            time.sleep(PAUSE)
        return value

    def overdue(self, what):
        err = read(self.top / "err").decode(errors="replace")[-2000:]
        return f"{what} within {self.limit} s; stderr: {err}\n{picture(marked(self.mark))}"

    def report(self):
        text = read(self.folder / ".tracewrap" / "last" / "report.json")
        return json.loads(text) if text else None

    def until_finding(self):
        return self.until(lambda: ((self.report() or {}).get("findings") or [None])[0], "finding in the report")

    def until_role(self, name):
        return self.until(lambda: self.roles().get(name), f"process {name}")[-1]

    def until_said(self, words):
        return self.until(lambda: words.encode() in read(self.top / "err"), f"{words!r} on standard error")

    def finish(self):
        try:
            code = self.proc.wait(max(0.0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(self.overdue("no end")) from None
        deadline = time.monotonic() + SETTLE
        while (left := marked(self.mark)) and time.monotonic() < deadline:
            time.sleep(PAUSE)
        result = Result(self, code, [(pid, read(f"/proc/{pid}/cmdline")) for pid in left])
        # The folder outlives the run: tests look into it.
        result.folder = KEPT / self.mark
        self.folder.rename(result.folder)
        return result


#: Of all runs; the folders of those that have ended are below KEPT. Both go with this process.
FOLDERS = tempfile.TemporaryDirectory(prefix="twt-")
os.chmod(FOLDERS.name, 0o711)
KEPT = Path(FOLDERS.name) / "kept"
KEPT.mkdir()


def run(*command, **options):
    """A whole run from its start to its end."""
    with Run(*command, **options) as r:
        return r.finish()


# Many runs at a time ------------------------------------------------------------------------------------------------

class Batch:
    """The runs of a few test modules in a row, all started at once; they are done when the last of these modules is."""

    def __init__(self, modules):
        self.modules = modules
        self.pool = concurrent.futures.ThreadPoolExecutor(JOBS)
        self.futures = {}

    def start(self, module, wanted):
        for name, job in module.RUNS.items():
            if (module, name) in wanted:
                self.futures[module, name] = self.pool.submit(job)

    def close(self):
        for future in self.futures.values():
            future.cancel()
        self.pool.shutdown()


def modules_in_a_row(items, module):
    """MODULE and those with runs that follow it directly: others may not like what goes on beside them."""
    order = list(dict.fromkeys(item.module for item in items))
    return list(itertools.takewhile(lambda m: hasattr(m, "RUNS"), order[order.index(module):]))


BATCHES = []       # the one that goes on, if any


@pytest.fixture(scope="module")
def batch(request):
    """The runs of this module that the selected tests want, and those of the modules that come next."""
    items, module = request.session.items, request.module
    if not BATCHES:
        wanted = {(item.module, item.callspec.params["result"]) for item in items
                  if "result" in getattr(getattr(item, "callspec", None), "params", ())}
        BATCHES.append(Batch(modules_in_a_row(items, module)))
        for each in BATCHES[0].modules:
            BATCHES[0].start(each, wanted)
    yield BATCHES[0]
    if module is BATCHES[0].modules[-1]:
        BATCHES.pop().close()


@pytest.fixture
def result(request, batch):
    return batch.futures[request.module, request.param].result()


def of(*names):
    """The test takes the result of a run in RUNS, once for each of NAMES."""
    return pytest.mark.parametrize("result", names, indirect=True)


# The report contract ------------------------------------------------------------------------------------------------

def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_report(report, code=None):
    """The report has all the keys of the contract, with values of the right types that fit together."""
    assert report["schema"] == "tracewrap-report/1"
    assert all(isinstance(word, str) for word in report["command"]) and report["command"]
    assert report["outcome"] in OUTCOMES
    assert isinstance(report["exit_code"], int)
    if code is not None:
        assert report["exit_code"] == (code if code >= 0 else 128 - code)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", report["started"])
    assert number(report["started_monotonic_s"]) and number(report["duration_s"]) and report["duration_s"] >= 0
    for finding in report["findings"]:
        check_finding(finding)
    for process in report["processes"]:
        check_process(process)
    pids = {process["pid"] for process in report["processes"]}
    for finding in report["findings"]:
        strangers = set(finding["culprits"]) if finding["kind"] == "port-held" else set()
        assert pids | strangers >= set(finding["culprits"]) | {row["pid"] for row in finding["blocked"]}
    for row in report["cleanup"]["signalled"]:
        assert row["signal"].startswith("SIG") and row["pid"] > 1
    assert isinstance(report["cleanup"]["survivors"], list)


def check_finding(finding):
    assert finding["kind"] in KINDS
    assert finding["certainty"] in ("proven", "suspected")
    assert finding["test"] is None or "::" in finding["test"]
    assert number(finding["onset_s"]) and number(finding["detected_s"])
    assert -0.5 <= finding["onset_s"] <= finding["detected_s"] + 0.5
    assert all(isinstance(pid, int) for pid in finding["culprits"])
    assert finding["summary"].strip() and finding["advice"].strip()
    for row in finding["blocked"]:
        assert isinstance(row["pid"], int) and isinstance(row["tid"], int) and isinstance(row["comm"], str)
        assert isinstance(row["syscall"], str)
        assert row["fd"] is None or isinstance(row["fd"], int)
        assert row["object"] is None or isinstance(row["object"], str)
        assert all(isinstance(tid, int) for tid in row["waits_for"])


def check_process(process):
    assert process["pid"] > 1 and process["ppid"] >= 0
    assert all(isinstance(word, str) for word in process["cmdline"])
    assert number(process["started_s"]) and (process["ended_s"] is None or number(process["ended_s"]))
    end = process["exit"]
    assert end is None or isinstance(end.get("code"), int) or end["signal"].startswith("SIG")
    assert process["test"] is None or "::" in process["test"]


def row_of(finding, pid):
    """The row of the explanation about that process's main thread, or its first."""
    rows = [row for row in finding["blocked"] if row["pid"] == pid]
    assert rows, (pid, finding["blocked"])
    return next((row for row in rows if row["tid"] == pid), rows[0])


sys.path.insert(0, str(HERE))
