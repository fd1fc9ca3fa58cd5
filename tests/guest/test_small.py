"""Small programs that would notice their being watched: each is run plain and in every mode, and must see and say the same.

What is different by nature (a tracer's tracee is woken by signals that the kernel would drop) is named in BY_NATURE.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TRACEWRAP = os.path.abspath(os.environ.get("TRACEWRAP") or HERE.parents[1] / "build" / "tracewrap")
MODES = ("proc", "preload", "ptrace", "notify")
LIMIT = 60       # seconds, for a busy machine
ENV = {name: value for name, value in os.environ.items() if not re.match("TRACEWRAP|PYTEST|ASAN|LSAN|LD_", name)} | {"LC_ALL": "C.UTF-8"}

#: (mode, program): why it differs there, always or at times.
BY_NATURE = {
    ("ptrace", "write"): "a tracee is woken by a signal that the kernel would drop, and the write returns short",
    ("ptrace", "leak"): "LeakSanitizer traces itself, and a task has one tracer",
    ("ptrace", "status"): "state, TracerPid and Seccomp of a tracee",
    ("notify", "status"): "Seccomp: the filter is there",
    ("ptrace", "traceme"): "a task has one tracer",
}

CONTINUED = """
import os, signal
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(5)
for flags in (os.WUNTRACED, os.WCONTINUED, 0):
    _, status = os.waitpid(pid, flags)
    print(os.WIFSTOPPED(status) and os.WSTOPSIG(status), os.WIFCONTINUED(status), os.WIFEXITED(status) and os.WEXITSTATUS(status))
    if os.WIFSTOPPED(status):
        os.kill(pid, signal.SIGCONT)
"""
TRACEME = "import ctypes; print(ctypes.CDLL(None, use_errno=True).ptrace(0, 0, 0, 0))"
ENVIRON = "import os; print(sorted(os.environ.items())); print(open('/proc/self/environ', 'rb').read().rstrip(b'\\0'))"
CHILD_ENVIRON = "import subprocess; print(subprocess.check_output(['env'], env={}), subprocess.check_output(['env'], env={'A': 'b'}))"
KEPT = "grep -E '^(State|TracerPid|Sig|Shd|Seccomp|NoNewPrivs|FDSize|Threads|Cpus_allowed)' /proc/self/status; ls -l /proc/self/fd | sed 's/.* //'"
PYTHON = [sys.executable, "-I"]

PROGRAMS = {
    "ldd": ["ldd", "/bin/true"],
    "env": ["env"],
    "env -i": ["env", "-i", "env"],
    "env -i, further down": ["env", "-i", "/bin/sh", "-c", "/usr/bin/env; /usr/bin/env -i /usr/bin/env"],
    "environ": [*PYTHON, "-c", ENVIRON],
    "env={}": [*PYTHON, "-c", CHILD_ENVIRON],
    "continued": [*PYTHON, "-c", CONTINUED],
    "limits": ["sh", "-c", "ulimit -a; ulimit -aH; umask; cat /proc/self/oom_score_adj; trap"],
    "status": ["sh", "-c", KEPT],
    "traceme": [*PYTHON, "-c", TRACEME],
    "dies": ["sh", "-c", "kill -SEGV $$"],
    "behind": ["{built}/behind"],
    "leak": ["{built}/leak"],
    "write": ["{built}/write"],
    "chroot": ["chroot", "{built}/root", "/true"],
}


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A folder with the programs, and one to chroot into, with no more than one of them and its libraries in it."""
    folder = tmp_path_factory.mktemp("built")
    compiler = shutil.which("gcc") or shutil.which("cc")
    for source in sorted((HERE / "small").glob("*.c")):
        flags = ["-fsanitize=address"] if source.stem == "leak" else []
        subprocess.run([compiler, "-O1", "-D_GNU_SOURCE", *flags, "-o", folder / source.stem, source], check=True, timeout=LIMIT)
    root = folder / "root"
    root.mkdir()
    shutil.copy("/bin/true", root / "true")
    for library in re.findall(r"(?:=> |^\s*)(/\S+) \(", subprocess.check_output(["ldd", "/bin/true"], text=True), re.M):
        (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, root / library[1:])
    return folder


def works(mode):
    done = subprocess.run([TRACEWRAP, f"--mode={mode}", "true"], env=ENV, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr.strip()


@pytest.fixture(scope="session", params=MODES)
def mode(request):
    there, why = works(request.param)
    if not there:
        pytest.skip(f"mode {request.param} does not work here: {why[-150:]}")
    return request.param


def seen(words, built, tmp_path, prefix=()):
    """What a run shows, without addresses and process ids."""
    words = [word.format(built=built) if "{built}" in word else word for word in words]
    done = subprocess.run([*prefix, *words], cwd=tmp_path, env=ENV, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=LIMIT, check=False)
    alike = [re.sub(r"0x[0-9a-f]+|==\d+==|/proc/\d+|pid \d+|\b(pipe|socket):\[\d+\]|BuildId: \w+", "X", text) for text in (done.stdout, done.stderr)]
    return done.returncode, *alike


@pytest.mark.parametrize("name", PROGRAMS)
def test_sees_and_says_the_same(name, mode, built, tmp_path):
    if name == "chroot" and os.geteuid() != 0:
        pytest.skip("only root may chroot")
    plain = seen(PROGRAMS[name], built, tmp_path)
    watched = seen(PROGRAMS[name], built, tmp_path, (TRACEWRAP, f"--mode={mode}"))
    if watched != plain and (mode, name) in BY_NATURE:
        pytest.xfail(BY_NATURE[mode, name])
    assert watched == plain


def test_programs_do_what_they_should(built, tmp_path):
    """What the comparison above is worth: the plain runs show what they are for."""
    assert seen(PROGRAMS["env -i"], built, tmp_path) == (0, "", "")
    assert seen(PROGRAMS["chroot"], built, tmp_path) == (0, "", "") or os.geteuid() != 0
    assert "(4096)" in seen(PROGRAMS["behind"], built, tmp_path)[1]
    assert seen(PROGRAMS["write"], built, tmp_path)[1] == "200000 of 200000\n200000 read, status 0\n"
    code, _, said = seen(PROGRAMS["leak"], built, tmp_path)
    assert code and "77 byte(s) leaked" in said
    assert seen(PROGRAMS["continued"], built, tmp_path)[1] == "19 False False\nFalse True False\nFalse False 5\n"
