"""Interpreters, targets, and the comparison of what the readers of stacks say with what the targets tell. See README.md."""
import atexit
import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
TARGETS = HERE / "targets"
HELPERS = Path(os.environ.get("HELPERS") or TOP / "build" / "tests" / "helpers")
SID = Path(os.environ.get("SID_ROOT") or TOP / "build" / "sid")
KNOWN = range(8, 16)   # the minor versions of Python 3 that the readers know
LIMIT = 60             # seconds; generous, for a busy machine: a condition that does not come in that time never comes
MOST_TEXT = 1023       # bytes of a string
PROBE = """import json, os, sys, sysconfig
def var(name): return sysconfig.get_config_var(name) or ""
print(json.dumps({"version": list(sys.version_info[:3]), "path": os.path.realpath(sys.executable),
    "kind": getattr(getattr(sys, "implementation", None), "name", "cpython"), "prefix": getattr(sys, "base_prefix", sys.prefix),
    "free": bool(var("Py_GIL_DISABLED")), "library": var("INSTSONAME"), "libdir": var("LIBDIR")}))"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


# Interpreters -------------------------------------------------------------------------------------------------------

class Interpreter:
    """One Python: PATH as seen below ROOT, a folder that is the root of its processes (None: ours)."""

    def __init__(self, path, root, facts):
        self.path, self.root, self.facts = path, root, facts
        self.version = tuple(facts["version"])
        self.minor = self.version[1] if self.version[0] == 3 else 0
        self.text = ".".join(map(str, self.version))
        self.prefix, self.free_threaded = facts["prefix"], facts["free"]
        self.known = facts["kind"] == "cpython" and self.minor in KNOWN

    @property
    def id(self):
        where = "sid" if self.root else "system" if self.path.startswith("/usr/bin/") else Path(self.path).parts[-3]
        where = "" if where == self.text else "-" + where
        kind = "" if self.facts["kind"] == "cpython" else "-" + self.facts["kind"]
        return self.text + where + kind + ("t" if self.free_threaded else "")

    def __repr__(self):
        return self.id

    def names(self):
        """What it may be called: up to 3.10 the third number is nowhere but in a string of the file, which may be part of another."""
        return [self.text] + ([f"3.{self.minor}"] if self.minor < 11 else [])

    def outside(self, path):
        """A path of its processes as we see it."""
        return Path(f"{self.root}{path}") if self.root else Path(path)

    def words(self, path):
        """What runs PATH (None: what follows) where this interpreter is."""
        return [*(("chroot", str(self.root)) if self.root else ()), *([path] if path else ())]

    @property
    def library(self):
        """The shared libpython, as its processes see it; None: there is none."""
        names = [self.facts["library"], f"libpython3.{self.minor}.so.1.0"]
        folders = [self.facts["libdir"], f"{self.prefix}/lib", "/usr/lib/x86_64-linux-gnu"]
        paths = [f"{folder}/{name}" for folder in folders for name in names if ".so" in name]
        return next((path for path in paths if self.outside(path).exists()), None)


def probe(path, root=None):
    words = [*(("chroot", str(root)) if root else ()), path]
    # PATH for "chroot" itself
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        done = subprocess.run([*words, "-c", PROBE], stdin=subprocess.DEVNULL, capture_output=True, env=env, timeout=60, check=True)
        facts = json.loads(done.stdout)
        return Interpreter(facts["path"], root, facts)
    return None


def pyenv_versions():
    roots = [os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        roots.insert(0, subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True, timeout=20).stdout.strip())
    for root in filter(None, roots):
        for version in sorted(Path(root).glob("versions/*")):
            yield from (str(version / "bin" / name) for name in ("python3", "python2") if (version / "bin" / name).exists())


def candidates():
    """(path, root) of all that may be an interpreter."""
    for path in pyenv_versions():
        yield path, None
    folders = [*os.environ.get("PATH", "").split(":"), "/usr/bin", "/usr/local/bin"]
    for name in ["python3", "pypy3", *(f"python3.{minor}{suffix}" for minor in range(6, 20) for suffix in ("", "t"))]:
        for folder in folders:
            if folder and os.access(f"{folder}/{name}", os.X_OK):
                yield f"{folder}/{name}", None
        if os.geteuid() == 0 and (SID / "usr/bin" / name).exists():
            yield f"/usr/bin/{name}", SID.resolve()


@functools.lru_cache(maxsize=None)
def interpreters():
    """All that there are, each once, the oldest first."""
    found = {}
    for path, root in candidates():
        here = os.path.realpath(path) if root is None else path
        if "venv" not in here and "shims" not in path and (one := probe(here, root)):
            found.setdefault((one.path, one.root), one)
    return sorted(found.values(), key=lambda one: (one.version, str(one.root), one.path))


def known():
    return [one for one in interpreters() if one.known]


def scratch(python=None):
    """A new folder in /tmp (of PYTHON's processes), gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tracewrap-target-", dir=python.outside("/tmp") if python else "/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# Processes ----------------------------------------------------------------------------------------------------------

def read(path):
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def tids(pid):
    with contextlib.suppress(OSError):
        return sorted(map(int, os.listdir(f"/proc/{pid}/task")))
    return []


def look(pid):
    """What shows that a thread has moved: tid -> (state, system call, times it ran)."""
    rows = {}
    for tid in tids(pid):
        folder = f"/proc/{pid}/task/{tid}"
        state = (read(f"{folder}/stat").rpartition(")")[2].split() or [""])[0]
        rows[tid] = state, read(f"{folder}/syscall").strip(), (read(f"{folder}/schedstat").split() or ["", "", ""])[2]
    return rows


def still(rows):
    return bool(rows) and all(state == "S" and call and call != "running" for state, call, _ in rows.values())


def wait_for(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"no {what} within {LIMIT} s"
        time.sleep(0.01)


def settle(pids, same=3):
    """Wait until every thread of PIDS is blocked, and did not run from one look to the next SAME times. Who waits for the GIL runs
    every 5 ms (the switch interval), so a look that comes later sees it."""
    end, last, count = time.monotonic() + LIMIT, None, 0
    while count < same:
        now = [look(pid) for pid in pids]
        count = count + 1 if now == last and all(map(still, now)) else 0
        last = now
        assert time.monotonic() < end, f"not blocked within {LIMIT} s: {now}"
        time.sleep(0.02)
    return dict(zip(pids, last))


def namespace_ids(path):
    for line in read(path).splitlines():
        if line.startswith("NSpid:"):
            return list(map(int, line.split()[1:]))
    return []


def descendants(pid):
    found = [pid]
    for one in found:
        found += [int(child) for tid in tids(one) for child in read(f"/proc/{one}/task/{tid}/children").split()]
    return found


# Reading ------------------------------------------------------------------------------------------------------------

class Process(dict):
    """What the helper says of a process."""

    def thread(self, tid):
        rows = [row for row in self["threads"] if row["tid"] == tid]
        assert len(rows) == 1, (tid, [row["tid"] for row in self["threads"]])
        return rows[0]


def python_frames(frames):
    """[function, file, line] of the Python frames, as a target tells them."""
    return [[frame["function"], frame["file"], frame["line"]] for frame in frames if frame["kind"] == "python"]


def run_helper(*words, helper=None, **more):
    command = [str(helper or HELPERS / "stacks"), *map(str, words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, **more)
    assert done.returncode == 0, (done.returncode, done.stderr.decode(errors="replace")[-4000:])
    return [Process(json.loads(line)) for line in done.stdout.splitlines()]


def shown(name):
    """A string as it may be shown: neither what is no text nor control characters, and not without end."""
    return re.sub("[\ud800-\udfff\x00-\x1f\x7f]", "?", name).encode()[:MOST_TEXT].decode(errors="ignore")


class Target:
    """A program of targets/, running, with all of its threads blocked."""

    def __init__(self, python, name, *args, words=None, before=(), env=None, options=(), files=(), user=None):
        """WORDS instead of the interpreter's, "{folder}" is where copies of FILES lie; BEFORE: in front of them; OPTIONS: of the
        interpreter; USER: who runs it."""
        self.python = python
        self.top = Path(tempfile.mkdtemp(prefix="tracewrap-target-", dir=python.outside("/tmp")))
        self.folder = f"/tmp/{self.top.name}" if python.root else str(self.top)
        self.top.chmod(0o755)
        shutil.copytree(TARGETS, self.top, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        for file in files:
            shutil.copy(file, self.top)
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1",
                   "PYTHONDONTWRITEBYTECODE": "1", "TARGET_FOLDER": self.folder, **(env or {})}
        environ = {key: value.replace("{folder}", self.folder) for key, value in environ.items()}
        words = [*python.words(None if words else python.path), *(word.replace("{folder}", self.folder) for word in words or ())]
        command = [*before, *words, *options, f"{self.folder}/{name}.py", *map(str, args)]
        identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.errors = open(self.top / "stderr", "w+b")
        self.proc = subprocess.Popen(command, cwd=self.top, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                     env=environ, start_new_session=True, **identity)
        try:
            self.lines = self.hear()
        except BaseException:
            self.end()
            raise
        self.told = self.lines[-1]

    def hear(self):
        """The lines of all processes; the main one's is the last. Then all are blocked."""
        lines = []
        while not (lines and lines[-1].get("last")):
            line = self.proc.stdout.readline()
            assert line, f"the target ended: {self.proc.wait()} {read(self.top / 'stderr')[-3000:]}"
            lines.append(json.loads(line))
            if lines[-1].get("ready"):
                lines.pop()
                self.go()
        self.pids = {ids[-1]: pid for pid in descendants(self.proc.pid) if (ids := namespace_ids(f"/proc/{pid}/status"))}
        self.pid = self.pids[lines[-1]["pid"]]
        for line in lines:
            line["pid"] = self.pids[line["pid"]]
            line["threads"] = {self.host_tid(line["pid"], int(tid)): row for tid, row in line["threads"].items()}
        if not lines[-1].get("spins"):
            self.settled = settle([line["pid"] for line in lines])
        return lines

    def go(self):
        settle(descendants(self.proc.pid))
        self.proc.stdin.write(b"\n")
        self.proc.stdin.flush()

    def host_tid(self, pid, tid):
        """The thread that the target knows as TID."""
        for one in tids(pid):
            if namespace_ids(f"/proc/{pid}/task/{one}/status")[-1:] == [tid]:
                return one
        return tid

    def tid(self, name):
        """The thread of the main process with that name."""
        found = [tid for tid, row in self.told["threads"].items() if row["name"] == name]
        assert len(found) == 1, (name, found)
        return found[0]

    def read(self, *options, pid=None):
        """What the helper says of one process (the main one); and nobody has run for that."""
        pid = pid or self.pid
        process = run_helper(*options, pid)[0]
        assert look(pid) == self.settled[pid], "a thread ran because it was read"
        return process

    def check_frames(self, process, line=None, quality="exact", exact_threads=True):
        """Every thread of LINE (what the main process told) is as it was told: function, file and line of each frame."""
        line = line or self.told
        assert process["why"] is None and process["python"] in self.python.names(), (process["python"], process["why"])
        wrong = []
        for tid, row in line["threads"].items():
            want = [[shown(function), shown(file), number] for function, file, number in row["frames"]]
            thread = process.thread(tid)
            got = python_frames(thread["frames"])
            if got != want or thread["quality"] != quality:
                wrong.append(f"{row['name']}: {thread['quality']} ({thread['why']})\n  told: {want}\n  read: {got}")
        assert not wrong, "\n".join(wrong)
        if exact_threads:
            assert [row["tid"] for row in process["threads"]] == tids(process["pid"])

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.proc.pid, signal.SIGKILL)
        for pid in descendants(self.proc.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.proc.wait()
        self.proc.stdin.close()
        self.proc.stdout.close()
        self.errors.close()
        shutil.rmtree(self.top, ignore_errors=True)
