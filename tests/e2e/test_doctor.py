"""`tracewrap doctor`: what is not fit is named with its remedy; what earlier runs of this checkout have left is cleared away, and nothing else."""
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from project import NAME, Project, complains
from support import SUITES, TRACEWRAP, VENV, VENV_TRACTOR, alive, as_root, end_marked, marked, read, status_of, wait_for

UV = next((str(p) for p in [VENV.parent / "venv-uv" / "bin" / "uv"] if os.access(p, os.X_OK)), None)
PR_SET_CHILD_SUBREAPER = 36
needs_uv = pytest.mark.skipif(UV is None, reason="no uv in build/venv-uv")

#: Starts a process that outlives its parent, in a session of its own, and says its pid.
LEAVE = """import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(child.pid)
"""
LISTEN = """import signal, socket, sys
if sys.argv[2:] == ["stubborn"]: signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True: s.accept()
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def project(tmp_path, port):
    settings = f'[tool.tracewrap]\nvenv = "py{{major}}{{minor}}"\nports = ["127.0.0.1:{port}"]\nsockets = ["$SOCKETS/*.sock", "$NOT_SET_AT_ALL/*"]\n' \
               'shm = ["psm_tw_*"]\ngrace = "1s"\n'
    p = Project(tmp_path / "checkout", {"pyproject.toml": settings, "listen.py": LISTEN, "tests/test_a.py": "def test_a(): pass\n"})
    p.env["SOCKETS"] = str(tmp_path / "sockets")
    (tmp_path / "sockets").mkdir()
    yield p
    p.close()


@contextlib.contextmanager
def orphans_go_to_init():
    """The test session takes orphans itself otherwise (conftest.py)."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def leave(p, *words, cwd=None, env=None, python=None):
    """An orphan of P; it is there when its parent has gone."""
    python = python or next(p.folder.glob("py3*/bin/python"))
    words = [str(python) if word == "PY" else str(word) for word in words]
    with orphans_go_to_init():
        done = subprocess.run([sys.executable, "-c", LEAVE, *words], cwd=cwd or p.folder, env=p.env | (env or {}), capture_output=True, text=True,
                              check=True)
        pid = int(done.stdout)
        wait_for(lambda: status_of(pid).get("PPid") == "1", "orphan")
    return pid


def listener(p, port, *more, **options):
    pid = leave(p, "PY", p.folder / "listen.py", port, *more, **options)
    wait_for(lambda: listens(port), "listener")
    return pid


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def left(answer, kind=None):
    return {(row["kind"], row["pid"] or row["name"]): row for row in answer["leftovers"] if kind in (None, row["kind"])}


def stale(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
    return path


# Fit ------------------------------------------------------------------------------------------------------------------

def test_fit(project, port):
    answer = project.json("doctor", "--collect", code=0)
    assert answer["fit"] and answer["leftovers"] == [] and answer["next"] == "tracewrap test"
    assert [(row["about"], row["state"]) for row in answer["checks"]] == [("python", "ok"), ("collect", "ok"), ("address", "ok")]
    done = project.run("doctor")
    assert done.returncode == 0 and done.stderr == "" and f"127.0.0.1:{port} is free" in done.stdout and done.stdout.endswith("next: tracewrap test\n")


def test_collect(project):
    project.write({"tests/test_b.py": "def broken(:\n"})
    answer = project.json("doctor", "--collect", code=1)
    assert "tests/test_b.py:1" in answer["next"]
    assert project.run("doctor").returncode == 0


def test_rotten_tables_are_told(project):
    project.write({"pyproject.toml": (project.folder / "pyproject.toml").read_text() + "[[tool.tracewrap.flaky]]\ntest = 'test_gone'\n"})
    notes = [row["what"] for row in project.json("doctor", code=0)["checks"] if row["state"] == "note"]
    assert notes == ['pyproject.toml:7: flaky: there is no test "test_gone"']


# The interpreter: cases A, B, C, uv -----------------------------------------------------------------------------------

def python_line(p, **more):
    return next(row["what"] for row in p.json("doctor", **more)["checks"] if row["about"] == "python")


def test_case_a(project):
    venv = project.folder / NAME
    assert "active (case A)" in python_line(project, env={"VIRTUAL_ENV": str(venv)})
    assert "not active" in python_line(project)


def test_an_environment_of_elsewhere_is_not_taken(project, tmp_path):
    other = Project(tmp_path / "other")
    assert f"{project.folder}/{NAME}/bin/python" in python_line(project, env={"VIRTUAL_ENV": str(other.folder / NAME)})
    other.close()


def test_greatest_version(project):
    project.venv("py39")
    assert f"/{NAME}/bin/python" in python_line(project)


def test_case_b(project):
    shutil.rmtree(project.folder / NAME)
    answer = project.json("doctor", code=1, env={"PATH": "/usr/bin:/bin"})
    assert "no virtual environment" in python_line(project, env={"PATH": "/usr/bin:/bin"}) and answer["next"] == "tracewrap doctor --sync"
    complains(project.run("test", env={"PATH": "/usr/bin:/bin"}), "no virtual environment", "python3 -m venv py3")
    complains(project.run("test", "--sync", env={"PATH": "/usr/bin:/bin"}), "no uv here")
    assert list(project.folder.glob("py3*")) == []        # nothing is created unasked


UV_PROJECT = {"pyproject.toml": '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["pytest"]\n'
              '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[tool.setuptools]\npackages = ["demo"]\n'
              '[tool.tracewrap]\nvenv = "py{major}{minor}"\n', "demo/__init__.py": "", "tests/test_a.py": "import demo\ndef test_a(): pass\n"}


def with_uv(p):
    return {"PATH": f"{Path(UV).parent}:{os.environ['PATH']}", "UV_CACHE_DIR": str(VENV.parent / "uv-cache"), "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never", "HOME": os.environ.get("HOME", "/root")}


@needs_uv
def test_uv(tmp_path):
    """--sync makes what is missing; a worktree needs an environment of its own (case C); without one, uv run."""
    p = Project(tmp_path / "checkout", UV_PROJECT, venv=None)
    env = with_uv(p)
    complains(p.run("test", env=env), "no virtual environment", f"UV_PROJECT_ENVIRONMENT={NAME} uv sync")
    assert not (p.folder / NAME).exists()
    done = p.run("test", "--sync", env=env)
    assert done.returncode == 0 and "1 passed" in done.stderr, done
    assert (p.folder / NAME / "bin/python").exists() and (p.folder / "uv.lock").exists()
    p.commit()
    # case C: a real worktree, and the environment of the main checkout, in which the package is the main checkout's
    p.git("worktree", "add", "-q", str(tmp_path / "tree"))
    tree = Project(tmp_path / "tree", git=False, venv=None)
    (tree.folder / NAME).symlink_to(p.folder / NAME)
    complains(tree.run("test", env=env), f"imports demo from {p.folder}/demo/__init__.py, outside of this worktree", f"UV_PROJECT_ENVIRONMENT={NAME} uv sync")
    assert tree.json("doctor", code=1, env=env)["checks"][1]["about"] == "package"
    (tree.folder / NAME).unlink()
    # uv run, as there is a lock file
    words = tree.run("test", "--dry-run", "test_a.py", env=env).stdout
    assert words == f"UV_PROJECT_ENVIRONMENT={NAME} uv run python -m pytest tests/test_a.py -x --tb=short --no-header\n"
    done = tree.run("test", env=env)
    assert done.returncode == 0 and "1 passed" in done.stderr, done
    assert str(tree.folder) in tree.json("doctor", code=0, env=env)["checks"][1]["what"]
    tree.close()
    p.close()


# Leftovers ------------------------------------------------------------------------------------------------------------

def test_orphan_with_an_address(project, port):
    pid = listener(project, port)
    answer = project.json("doctor", code=1)
    row = left(answer)["address", pid]
    assert row["clears"] and row["owner"] == "this checkout's, of an earlier run" and "listen.py" in row["command"]
    assert answer["next"] == "tracewrap doctor --fix"
    complains(project.run("test"), f"127.0.0.1:{port} is held by listen.py[{pid}]", "clear it away: tracewrap doctor --fix")
    assert project.json("doctor", "--fix", "--dry-run", code=1)["leftovers"] != [] and alive(pid)
    assert project.json("doctor", "-n", "--fix", code=1)["leftovers"] != [] and alive(pid)
    assert project.json("doctor", "--fix", code=0)["leftovers"] == []
    assert not alive(pid) and not listens(port)
    assert project.run("test").returncode == 0


def test_fix_before_a_test(project, port):
    pid = listener(project, port)
    assert project.run("test", "--fix").returncode == 0
    assert not alive(pid)


def test_stubborn(project, port):
    """Who does not end by SIGINT within --grace is killed, and the exit code says so."""
    pid = listener(project, port, "stubborn")
    assert project.run("doctor", "--fix", "--grace", "300ms").returncode == 2
    assert not alive(pid)


def test_holder_that_is_somebody_elses(project, port, tmp_path):
    other = Project(tmp_path / "other", {"listen.py": LISTEN})
    pid = listener(other, port)
    row = left(project.json("doctor", code=1))["address", pid]
    assert not row["clears"] and row["owner"] == "somebody else's"
    assert project.run("doctor", "--fix").returncode == 1 and alive(pid)
    complains(project.run("test"), f"127.0.0.1:{port}", "somebody else's", "end it yourself")
    other.close()


def test_holder_of_a_run_that_goes_on(project, port):
    """Its parent lives: another terminal's run of the same checkout."""
    python = next(project.folder.glob("py3*/bin/python"))
    runs = subprocess.Popen([python, "-c", "import subprocess, sys; subprocess.run([sys.executable, 'listen.py', sys.argv[1]])", str(port)],
                            cwd=project.folder, env=project.env)
    wait_for(lambda: listens(port), "listener")
    row, = left(project.json("doctor", code=1), "address").values()
    assert not row["clears"] and row["owner"] == "of a run of this checkout that goes on"
    assert project.run("doctor", "--fix").returncode == 1 and listens(port)
    complains(project.run("test"), "wait for its end")
    end_marked(project.mark)
    runs.wait()


@pytest.mark.parametrize("wrap", [(), (TRACEWRAP,)])
def test_run_in_the_background_whose_shell_has_gone(project, port, wrap):
    """An orphan that runs tests is no leftover, nor is what its test has started."""
    project.write({"tests/test_a.py": "import subprocess, sys\ndef test_a(): subprocess.run([sys.executable, 'listen.py', sys.argv[-1]])\n"})
    top = leave(project, *wrap, "PY", "-m", "pytest", "-p", "no:cacheprovider", "tests/test_a.py", "-k", "test_a", "--ignore", port)
    wait_for(lambda: listens(port), "listener")
    before = sorted(marked(project.mark))
    row, = left(project.json("doctor", code=1)).values()
    assert row["owner"] == "of a run of this checkout that goes on" and row["test"] == "tests/test_a.py::test_a" and not row["clears"]
    assert project.run("doctor", "--fix").returncode == 1
    assert alive(top) and sorted(marked(project.mark)) == before


def test_default_address_keeps_nobody(tmp_path):
    """An address that the settings do not name is none of the project's business."""
    p = Project(tmp_path / "checkout", {"tracewrap.json": json.dumps({"venv": NAME}), "tests/test_a.py": "def test_a(): pass\n"})
    assert [row for row in p.json("doctor", code=0)["checks"] if row["about"] == "address"] == []
    p.close()


def test_orphans_without_an_address(project, port):
    """One that a test has started goes; one that may be anybody's goes only when an address or a socket shows that a run went wrong."""
    of_test = leave(project, "PY", "-c", "import signal; signal.pause()", env={"PYTEST_CURRENT_TEST": "tests/test_a.py::test_a (call)"})
    other = leave(project, "PY", "-c", "import signal; signal.pause()")
    rows = left(project.json("doctor", code=1))
    assert rows["process", of_test]["clears"] and rows["process", of_test]["test"] == "tests/test_a.py::test_a"
    assert not rows["process", other]["clears"]
    assert project.run("doctor", "--fix").returncode == 0
    assert not alive(of_test) and alive(other)
    assert left(project.json("doctor", code=0))["process", other]["owner"] == "an orphan of this checkout"
    held = listener(project, port)
    assert project.run("doctor", "--fix").returncode == 0
    assert not alive(other) and not alive(held)


def test_a_shell_in_the_checkout_is_nobodys_orphan(project, port):
    shell = leave(project, "sh", "-c", "sleep 600 & wait")
    listener(project, port)
    answer = project.json("doctor", "--fix", code=0)
    assert answer["leftovers"] == [] and alive(shell)


def test_children_of_an_orphan_go_along(project, port):
    listener(project, port)
    parent = leave(project, "PY", "-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'])")
    child = wait_for(lambda: read(f"/proc/{parent}/task/{parent}/children").split(), "child")
    assert project.run("doctor", "--fix").returncode in (0, 2)
    assert not alive(parent) and not alive(int(child[0]))


def test_worktree_inside_of_the_checkout_is_another(project, port):
    project.commit()
    project.git("worktree", "add", "-q", str(project.folder / "trees" / "one"))
    tree = Project(project.folder / "trees" / "one", {"listen.py": LISTEN}, git=False)
    pid = listener(tree, port)
    assert left(project.json("doctor", code=1))["address", pid]["owner"] == "somebody else's"
    assert left(tree.json("doctor", code=1))["address", pid]["clears"]
    tree.close()


def test_descendants_of_a_process(project, tmp_path):
    """As tractor-reap does it: whoever is below that process, whatever it is."""
    parent = subprocess.Popen([sys.executable, "-c", "import subprocess; subprocess.run(['sleep', '600'])"], env=project.env, cwd=tmp_path)
    child = int(wait_for(lambda: read(f"/proc/{parent.pid}/task/{parent.pid}/children").split(), "child")[0])
    assert left(project.json("doctor", "--parent", parent.pid, code=1))["process", child]["clears"]
    assert project.run("doctor", "--fix", "--parent", parent.pid).returncode == 0
    assert not alive(child)
    parent.wait()
    complains(project.run("doctor", "--parent", "x"), "--parent", "no process id")


def test_stale_sockets(project, tmp_path):
    gone, used = stale(tmp_path / "sockets/gone.sock"), tmp_path / "sockets/used.sock"
    (tmp_path / "sockets/plain.sock").write_text("")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(used))
        s.listen()
        assert list(left(project.json("doctor", code=1))) == [("socket", str(gone))]
        complains(project.run("test"), str(gone), "doctor --fix")
        assert project.run("doctor", "--fix").returncode == 0
        assert not gone.exists() and used.exists() and (tmp_path / "sockets/plain.sock").exists()


@as_root
def test_socket_of_another_network_namespace(project, tmp_path):
    """sock_diag does not know it; whoever listens there does."""
    path = tmp_path / "sockets/inside.sock"
    inner = subprocess.Popen(["unshare", "-n", sys.executable, "-c", f"import signal, socket; s = socket.socket(socket.AF_UNIX); s.bind({str(path)!r}); "
                              "s.listen(); signal.pause()"], env=project.env)
    wait_for(path.exists, "socket")
    wait_for(lambda: project.run("doctor").returncode == 0, "listener")
    assert project.run("doctor", "--fix").returncode == 0 and path.exists()
    inner.kill()
    inner.wait()
    assert project.run("doctor", "--fix").returncode == 0 and not path.exists()


def test_shared_memory(project):
    mine, used = Path("/dev/shm") / f"psm_tw_{project.mark[:8]}", Path("/dev/shm") / f"psm_tw_{project.mark[8:16]}"
    other = Path("/dev/shm") / f"tw_{project.mark[:8]}"
    try:
        for path in (mine, used, other):
            path.write_bytes(b"x")
        with used.open("rb"):
            answer = project.json("doctor", code=1)
            assert [name for kind, name in left(answer) if project.mark[:8] in name or project.mark[8:16] in name] == [str(mine)]
            assert project.run("doctor", "--fix").returncode == 0
            assert not mine.exists() and used.exists() and other.exists()
    finally:
        for path in (mine, used, other):
            path.unlink(missing_ok=True)


def test_after_an_interrupted_run(project, port):
    """What is there then is told by the run itself, be it of this run or of another."""
    project.write({"tests/test_a.py": "import pathlib, time\ndef test_a():\n    pathlib.Path('waits').touch()\n    time.sleep(60)\n"})
    proc = project.start("test", "--json", "--no-check")
    wait_for((project.folder / "waits").exists, "test that waits")
    pid = listener(project, port)
    proc.send_signal(signal.SIGINT)
    answer = json.loads(proc.communicate(timeout=60)[0])
    assert answer["outcome"] == "interrupted" and alive(pid)
    note, = answer["notes"]
    assert note.startswith(f"127.0.0.1:{port} is held by listen.py[{pid}]") and note.endswith("tracewrap doctor --fix")


# tractor --------------------------------------------------------------------------------------------------------------

TRACTOR = {
    "tests/test_registry.py": """import os, signal, socket, subprocess, sys, time
def test_leaves_a_registry():
    subprocess.Popen([sys.executable, "-c", "import tractor; tractor.run_daemon([], arbiter_addr=('127.0.0.1', 1616))"], start_new_session=True,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while socket.socket().connect_ex(("127.0.0.1", 1616)): time.sleep(0.05)
    if "DIE" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
""",
    "tests/test_actors.py": """import socket, trio, tractor
async def hello(): return 42
def test_actor_runs():
    async def main():
        async with tractor.open_nursery(arbiter_addr=("127.0.0.1", 1616)) as n:
            portal = await n.run_in_actor(hello, name="worker")
            assert await portal.result() == 42
    assert socket.socket().connect_ex(("127.0.0.1", 1616)), "nobody is there yet"
    trio.run(main)
"""}


@as_root
@pytest.mark.skipif(not VENV_TRACTOR.exists(), reason="no venv with tractor")
def test_tractor(tmp_path):
    """A killed run leaves an actor on :1616 and a stale socket; both are named and cleared away, a look-alike of another checkout lives on,
    and the next run is green. In a network namespace of its own, for :1616 is one address of the machine."""
    site = next(VENV_TRACTOR.glob("lib/python3*/site-packages"))
    projects = [Project(tmp_path / name, TRACTOR | {"pyproject.toml": "[project]\nname = 'tractor'\n"}, venv=None) for name in ("ours", "theirs")]
    ours, theirs = projects
    for p in projects:
        subprocess.run([VENV_TRACTOR / "bin/python", "-m", "venv", "--without-pip", p.folder / "py311"], check=True, env=p.env)
        (next((p.folder / "py311").glob("lib/python3*/site-packages")) / "more.pth").write_text(f"import site; site.addsitedir({str(site)!r})\n")
        p.env |= {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
        assert p.run("config", "--init=tractor").returncode == 0
    (tmp_path / "run/tractor").mkdir(parents=True)
    space = subprocess.Popen([sys.executable, SUITES / "netns.py", "sleep", "600"], env=ours.env)
    inside = ("nsenter", "-t", str(space.pid), "-n")

    def go(p, *words, **env):
        return subprocess.run([*inside, *map(str, words)], cwd=p.folder, env=p.env | env, capture_output=True, text=True, timeout=120, check=False)

    def held():
        return "127.0.0.1:1616" in go(ours, "cat", "/proc/net/tcp").stdout or "0100007F:0650" in go(ours, "cat", "/proc/net/tcp").stdout

    def plain(p, test):
        with orphans_go_to_init():
            return go(p, p.folder / "py311/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{test}", DIE="1")

    wait_for(lambda: b"sleep" in read(f"/proc/{space.pid}/cmdline"), "network namespace")
    try:
        # a look-alike of another checkout, on another port
        text = (theirs.folder / "tests/test_registry.py").read_text().replace("1616", "1717")
        theirs.write({"tests/test_registry.py": text})
        assert plain(theirs, "test_registry.py").returncode == -signal.SIGKILL
        lookalike = [pid for pid in marked(theirs.mark) if b"1717" in read(f"/proc/{pid}/cmdline")]
        assert len(lookalike) == 1
        assert plain(ours, "test_registry.py").returncode == -signal.SIGKILL
        socket_file = stale(tmp_path / "run/tractor/registry@1616.sock")
        assert held()

        answer = json.loads(go(ours, TRACEWRAP, "doctor", "--json").stdout)
        rows = left(answer)
        registry, = [pid for pid in marked(ours.mark) if b"arbiter_addr" in read(f"/proc/{pid}/cmdline")]
        assert rows["address", registry]["clears"] and rows["address", registry]["test"] == "tests/test_registry.py::test_leaves_a_registry"
        assert rows["socket", str(socket_file)]["clears"]
        assert answer["next"] == "tracewrap doctor --fix"
        done = go(ours, TRACEWRAP, "test", "--no-check", "test_actors.py")        # what every test of the next run would say
        assert done.returncode == 1
        done = go(ours, TRACEWRAP, "test", "test_actors.py")
        assert done.returncode == 125 and "127.0.0.1:1616 is held by" in done.stderr, done

        done = go(ours, TRACEWRAP, "doctor", "--fix")
        assert done.returncode == 0, done
        assert not held() and not socket_file.exists() and not alive(registry)
        assert alive(lookalike[0])
        done = go(ours, TRACEWRAP, "test", "test_actors.py")
        assert done.returncode == 0 and "1 passed" in done.stderr, done
    finally:
        space.kill()
        space.wait()
        for p in projects:
            p.close()
