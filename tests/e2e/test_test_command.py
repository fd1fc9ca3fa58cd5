"""`tracewrap test`: the right command, run supervised, and what came of it."""
import json
import os
import re
import shlex
import signal
import subprocess
import sys

import pexpect
import pytest
from project import HANG, NAME, Project, complains
from support import TRACEWRAP, VENV_PYTEST8, alive, marked, read, wait_for

PYTHON = f"{NAME}/bin/python -m pytest"
USUAL = "-x --tb=short --no-header"
SETTINGS = """[project]
name = "demo"
[tool.tracewrap]
venv = "py{major}{minor}"
[tool.tracewrap.test.sets]
core = ["test_local.py", "discovery/test_registrar.py"]
[[tool.tracewrap.flaky]]
test = "test_local.py::test_slow"
error = "TooSlow"
note = "race"
[tool.tracewrap.affected]
"demo/ipc/**" = ["tests/ipc/", "test_local.py"]
"demo/{_context,_x}.py" = ["test_spawning.py"]
"""
FILES = {
    "pyproject.toml": SETTINGS, "demo/__init__.py": "", "demo/_context.py": "", "demo/ipc/__init__.py": "", "demo/other.py": "",
    "tests/test_local.py": "def test_a(): pass\ndef test_b(): pass\n", "tests/test_spawning.py": "def test_c(): pass\n",
    "tests/discovery/test_registrar.py": "def test_d(): pass\n", "tests/ipc/test_chan.py": "def test_e(): pass\n",
}


@pytest.fixture
def project(tmp_path):
    p = Project(tmp_path / "checkout", FILES)
    yield p
    p.close()


def dry(p, *words, **more):
    done = p.run("test", "--dry-run", *words, **more)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout.rstrip("\n")


# The command ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("words", "right"), [
    ([], f"tests {USUAL}"),
    (["test_local.py"], f"tests/test_local.py {USUAL}"),
    (["test_registrar", "-v"], f"tests/discovery/test_registrar.py {USUAL} -v"),
    (["-k", "cancel and not slow"], f"tests {USUAL} -k 'cancel and not slow'"),
    (["tests/ipc/", "--tpt-proto", "uds"], f"tests/ipc/ {USUAL} --tpt-proto uds"),
    (["ipc"], f"tests/ipc/ {USUAL}"),
    (["test_*spawn*"], f"tests/test_spawning.py {USUAL}"),
    (["test_registrar::test_d", "-s", "--tpdb", "--ll", "debug"], f"tests/discovery/test_registrar.py::test_d {USUAL} -s --tpdb --ll debug"),
    (["--spawn-backend", "mp_spawn", "test_local"], f"tests/test_local.py {USUAL} --spawn-backend mp_spawn"),
    (["@core"], f"tests/test_local.py tests/discovery/test_registrar.py {USUAL}"),
    (["test_local.py", "--", "--tb=long", "--maxfail=2"], "tests/test_local.py --no-header --tb=long --maxfail=2"),
    (["--lf"], f"{USUAL} --lf"),
    (["--lf", "test_local.py"], f"tests/test_local.py {USUAL} --lf"),
])
def test_command(project, words, right):
    assert dry(project, *words) == f"{PYTHON} {right}"


def test_command_is_for_a_shell(project):
    """What is printed does what would be done."""
    words = dry(project, "-k", "it's or test_a", "-q")
    done = subprocess.run(["sh", "-c", words], cwd=project.folder, env=project.env, capture_output=True, text=True, check=False)
    assert done.returncode == 4 or "1 passed" in done.stdout        # an expression that pytest refuses is handed over as it is


def test_from_below(project):
    assert dry(project, "test_chan.py", cwd=project.folder / "tests/ipc") == f"{PYTHON} tests/ipc/test_chan.py {USUAL}"


@pytest.mark.parametrize(("words", "told"), [
    (["test_lokal.py"], ["test_lokal.py", "the nearest: tests/test_local.py"]),
    (["nothing/like/it.py"], ["nothing/like/it.py", "names no test"]),
    (["core"], ["did you mean @core?"]),
    (["@gone"], ["no set", "@core"]),
    (["--of-a-plugin", "test_local.py"], ["--of-a-plugin", "test_local.py", "value"]),
    (["--changed", "no-such-commit"], ["no-such-commit", "no commit"]),
    (["--timeout", "soon"], ["--timeout", "soon"]),
    (["--collect"], ["--collect", "not for it"]),
    (["--python", "/no/such"], ["/no/such"]),
])
def test_what_is_wrong(project, words, told):
    complains(project.run("test", *words), *told)
    assert not (project.folder / ".tracewrap").exists()


def test_ambiguous(project):
    project.write({"tests/ipc/test_same.py": "", "tests/discovery/test_same.py": ""})
    complains(project.run("test", "test_same"), "tests/discovery/test_same.py, tests/ipc/test_same.py", "name one")


# What came of it -----------------------------------------------------------------------------------------------------

def test_success_is_one_line(project):
    done = project.run("test", "--no-check", "@core")
    assert done.returncode == 0
    assert re.fullmatch(r"tracewrap: 3 passed in \d+\.\d s; nothing to do\n", done.stderr), done
    assert "3 passed" in done.stdout        # pytest's own words stay its own


def test_failures(project):
    project.write({"tests/test_local.py": "def f(): assert 1 == 2, 'why'\ndef test_bad():\n    f()\ndef test_slow(): raise RuntimeError('TooSlow')\n"})
    answer = project.json("test", "--no-check", "test_local.py", "--maxfail=9", code=1)
    assert answer["outcome"] == "fail" and answer["exit_code"] == 1
    assert answer["counts"] | {"failed": 2, "passed": 0} == answer["counts"]
    bad, slow = answer["failed"]
    assert bad["test"] == "tests/test_local.py::test_bad" and (bad["file"], bad["line"]) == ("tests/test_local.py", 1) and "why" in bad["message"]
    assert "assert 1 == 2" in bad["traceback"] and not bad["known_flaky"]
    assert slow["known_flaky"] and slow["note"] == "race"
    assert answer["next"].startswith("fix tests/test_local.py:1 (AssertionError: why")
    done = project.run("test", "test_local.py", "--maxfail=9")
    assert done.returncode == 1
    assert "failed   tests/test_local.py::test_bad\n" in done.stderr and "flaky    tests/test_local.py::test_slow\n" in done.stderr
    assert "known to come and go (pyproject.toml:7): race" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("next     fix tests/test_local.py:1")


def test_place_is_the_users_own(project):
    """json raises; the line to look at is the one that called it."""
    project.write({"tests/test_local.py": "import json\ndef test_x():\n    y = 1\n    json.loads('nonsense')\n"})
    bad, = project.json("test", "--no-check", "test_local", code=1)["failed"]
    assert (bad["file"], bad["line"]) == ("tests/test_local.py", 4) and "JSONDecodeError" in bad["message"]


def test_flaky_row_wants_its_error(project):
    project.write({"tests/test_local.py": "def test_slow(): assert 0\n"})
    assert not project.json("test", "--no-check", "test_local", code=1)["failed"][0]["known_flaky"]


def test_only_flaky(project):
    project.write({"tests/test_local.py": "def test_slow(): raise RuntimeError('TooSlow')\n"})
    assert project.json("test", "--no-check", "test_local", code=1)["next"].startswith("nothing to fix")


@pytest.mark.parametrize(("text", "counts"), [
    ("import pytest\n@pytest.fixture\ndef f(): assert 0\ndef test_x(f): pass\n", {"errors": 1}),
    ("import pytest\n@pytest.fixture\ndef f():\n    yield\n    assert 0\ndef test_x(f): pass\n", {"errors": 1}),
    ("import pytest\ndef test_x(): pytest.skip()\n@pytest.mark.xfail\ndef test_y(): assert 0\n@pytest.mark.xfail\ndef test_z(): pass\n",
     {"skipped": 1, "xfailed": 1, "xpassed": 1}),
    ("def test_x(): assert 0\ndef test_y(): pass\ndef test_z(): pass\n", {"failed": 1, "not_run": 2}),
])
def test_counts(project, text, counts):
    project.write({"tests/test_local.py": text})
    answer = project.json("test", "--no-check", "test_local")
    assert {name: n for name, n in answer["counts"].items() if n} == counts


def test_json_leaves_standard_output_to_the_object(project):
    project.write({"tests/test_local.py": "def test_a(): print('noise')\n"})
    answer = project.json("test", "--no-check", "test_local", "-s", code=0)
    assert answer["next"] == "nothing to do" and answer["outcome"] == "pass"
    log = (project.folder / answer["log"]).read_text()
    assert "noise" in log and "1 passed" in log
    assert json.loads((project.folder / answer["report"]).read_text())["exit_code"] == 0
    assert {"outcomes.jsonl", "pytest.log", "report.json"} <= set(os.listdir(project.folder / ".tracewrap/last"))
    assert not list((project.folder / ".tracewrap").glob("test-*"))
    assert answer["command"] == f"{PYTHON} tests/test_local.py {USUAL} -s"


def test_twenty_runs_are_kept(project):
    for n in range(25):
        project.write({f".tracewrap/runs/20200101-0000{n:02}-{n + 10}/{name}": "x" for name in ("report.json", "pytest.log", "outcomes.jsonl")})
    project.json("test", "--no-check", "test_local", code=0)
    left = sorted(os.listdir(project.folder / ".tracewrap/runs"))
    assert len(left) == 20 and left[0].startswith("20200101-000006") and not left[-1].startswith("2020")


def test_hang(project):
    project.write({"tests/test_local.py": "def test_a(): pass\n" + HANG + "def test_b(): pass\n"})
    answer = project.json("test", "--no-check", "test_local", code=124)
    assert answer["outcome"] == "hang" and answer["counts"] | {"passed": 1, "hung": 1, "not_run": 1} == answer["counts"]
    hung, = answer["hung"]
    assert hung["test"] == "tests/test_local.py::test_hangs" and hung["kind"] == "pipe-full" and hung["certainty"] == "proven"
    assert hung["phase"] == "call" and not hung["known_flaky"]
    assert hung["at"] == "tests/test_local.py:5" and answer["next"] == "fix tests/test_local.py:5 (pipe-full), then: tracewrap test --lf"
    assert marked(project.mark) == []
    # what hung is run again by name, for pytest could not note it
    last = project.json("last", code=1)["failed"]
    assert [(row["test"], row["hung"]) for row in last] == [("tests/test_local.py::test_hangs", True)]
    assert dry(project, "--lf") == f"{PYTHON} tests/test_local.py::test_hangs {USUAL}"
    # and forgotten when it has passed
    project.write({"tests/test_local.py": "def test_a(): pass\ndef test_hangs(): pass\n"})
    assert project.run("test", "--no-check", "--lf").returncode == 0
    assert project.run("last").returncode == 0


def test_no_capture_pipe(project):
    """The document's first guess, where it is wrong: all wait in a poll, and nobody in a write."""
    project.write({"tests/test_local.py": "import asyncio\ndef test_lost():\n    async def main(): await asyncio.get_running_loop().create_future()\n"
                   "    asyncio.run(main())\n"})
    answer = project.json("test", "--no-check", "test_local", "--timeout", "5s")
    assert answer["exit_code"] == 124 and "no full pipe" in answer["hung"][0]["no_capture_pipe"]
    project.write({"tests/test_local.py": HANG})
    assert project.json("test", "--no-check", "test_local", code=124)["hung"][0]["no_capture_pipe"] is None


def test_time_is_over(project):
    project.write({"tests/test_local.py": "import time\ndef test_long():\n    while True: time.sleep(0.01)\n"})
    answer = project.json("test", "--no-check", "test_local", "--timeout", "1s", "--grace", "200ms", code=124)
    assert answer["outcome"] == "stall" and "1 s were over" in answer["next"] and answer["hung"][0]["test"].endswith("test_long")


@pytest.mark.parametrize(("words", "seconds"), [(["test_local.py"], 7), (["tests/"], 9), ([], 9), (["@core"], 7)])
def test_bounds(project, words, seconds):
    project.write({"pyproject.toml": SETTINGS.replace("[tool.tracewrap.test.sets]", "[tool.tracewrap.test]\ntimeout = { all = '9s', file = '7s' }\n"
                                                      "[tool.tracewrap.test.sets]"),
                   "tests/conftest.py": "import os, time\ndef pytest_sessionstart():\n    while 'GO' in os.environ: time.sleep(0.01)\n"})
    assert f"the {seconds} s were over" in project.json("test", "--no-check", *words, env={"GO": "1", "TRACEWRAP_GRACE": "100ms"}, code=124)["next"]


@pytest.mark.parametrize(("text", "words", "code", "told"), [
    ("def test_a(): pass\n", ["-k", "nothing"], 5, "no test was selected"),
    ("def test_a(): pass\n", ["--", "--no-such-option"], 4, "did not accept"),
    ("def test_a(): pass\n", ["tests/test_local.py::test_no"], 4, "found no such test"),
])
def test_other_ends(project, text, words, code, told):
    project.write({"tests/test_local.py": text})
    assert told in project.json("test", "--no-check", *words, code=code)["next"]


def test_pytest_dies(project):
    project.write({"tests/test_local.py": "import os\ndef test_a(): os.kill(os.getpid(), 9)\n"})
    done = project.run("test", "--no-check", "test_local")
    assert done.returncode == -signal.SIGKILL and "1 passed" not in done.stdout
    assert done.stderr.splitlines()[-1].startswith("next     ")


def test_xdist(project):
    project.write({"tests/test_local.py": "import os\ndef test_a(): pass\ndef test_b(): assert 0\n"
                   "def test_env(): assert 'TRACEWRAP_OUTCOMES' not in os.environ and 'PYTEST_PLUGINS' not in os.environ\n"})
    answer = project.json("test", "--no-check", "test_local", "-n", "2", "--maxfail=5", code=1)
    assert {name: n for name, n in answer["counts"].items() if n} == {"passed": 2, "failed": 1}


@pytest.mark.skipif(not VENV_PYTEST8.exists(), reason="no venv with pytest 8")
def test_pytest_8(project):
    project.write({"tests/test_local.py": "def test_a(): pass\ndef test_b(): assert 0\n"})
    answer = project.json("test", "--no-check", "test_local", "--python", VENV_PYTEST8 / "bin/python", code=1)
    assert {name: n for name, n in answer["counts"].items() if n} == {"passed": 1, "failed": 1}


# A good guest ---------------------------------------------------------------------------------------------------------

def test_what_tests_see(project):
    """Environment, import path, arguments and plug-ins are those of the plain command, but for our plug-in in the manager's own list."""
    project.write({"tests/test_local.py": """import json, os, sys
def test_a(request):
    skip = ("TRACEWRAP_", "LD_", "PYTEST_CURRENT", "_")
    seen = {"env": {k: v for k, v in os.environ.items() if not k.startswith(skip)}, "path": sys.path, "argv": sys.argv,
            "args": list(request.config.invocation_params.args), "cwd": os.getcwd(), "fds": sorted(os.listdir("/proc/self/fd"))[:3]}
    open(os.environ["SEEN"], "w").write(json.dumps(seen, sort_keys=True))
"""})
    words = dry(project, "test_local.py")
    for extra in ({}, {"PYTHONPATH": "/some/where", "PYTEST_PLUGINS": "pytester"}):
        env = extra | {"SEEN": str(project.folder.parent / "seen")}
        subprocess.run(shlex.split(words), cwd=project.folder, env=project.env | env, stdout=subprocess.DEVNULL, check=True)
        plain = json.loads(read(env["SEEN"]))
        assert project.run("test", "test_local.py", env=env).returncode == 0
        ours = json.loads(read(env["SEEN"]))
        assert ours == plain


def test_nothing_outside_the_report_folder(project):
    project.commit()
    project.write({"demo/other.py": "x = 1\n", "tests/test_local.py": "def test_a(): assert 0\n"})
    before = {path: path.stat().st_mtime_ns for path in project.folder.rglob("*") if ".git" not in path.parts and "__pycache__" not in path.parts}
    project.run("test", "test_local", "--", "-p", "no:cacheprovider")
    project.run("doctor")
    project.run("last")
    after = {path: path.stat().st_mtime_ns for path in project.folder.rglob("*") if ".git" not in path.parts and "__pycache__" not in path.parts}
    new = {path.relative_to(project.folder).parts[0] for path in after if path not in before}
    assert new == {".tracewrap"}
    changed = {path for path in before if before[path] != after.get(path)} - {project.folder}
    assert changed == set()
    assert project.git("status", "--porcelain") == " M demo/other.py\n M tests/test_local.py\n"      # nothing staged, nothing committed
    assert project.git("log", "--oneline").count("\n") == 1


# Signals and terminal -------------------------------------------------------------------------------------------------

WAITS = "import time, pathlib\ndef test_waits():\n    pathlib.Path('waits').touch()\n    for _ in range(6000): time.sleep(0.01)\n"


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_once(project, sig):
    project.write({"tests/test_local.py": WAITS})
    proc = project.start("test", "--no-check", "test_local", "--json")
    wait_for((project.folder / "waits").exists, "test that waits")
    proc.send_signal(sig)
    out, err = proc.communicate(timeout=60)
    answer = json.loads(out)
    assert answer["outcome"] == "interrupted" and "interrupted" in answer["next"], answer
    assert proc.returncode == (2 if sig == signal.SIGINT else -sig), err
    assert marked(project.mark) == []


def test_ignored_sigchld(project):
    """As some parents leave it: neither Python nor the run may be lost."""
    words = f"import os, signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv({TRACEWRAP!r}, ['tracewrap', 'test', 'test_local'])"
    done = subprocess.run([sys.executable, "-c", words], cwd=project.folder, env=project.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "2 passed" in done.stderr, done


def test_killed_it_takes_the_tree_along(project):
    project.write({"tests/test_local.py": WAITS})
    proc = project.start("test", "--no-check", "test_local")
    wait_for((project.folder / "waits").exists, "test that waits")
    proc.kill()
    proc.communicate()
    wait_for(lambda: not marked(project.mark), "end of the tree")


def terminal(p, *words):
    return pexpect.spawn(TRACEWRAP, ["test", "--no-check", *words], cwd=str(p.folder), env=p.env, timeout=60, encoding="utf-8")


@pytest.mark.parametrize("words", [["-s"], ["--pdb"], ["--trace"]])
def test_a_prompt_is_no_hang(project, words):
    """Nor does the bound of a file's run end it: there is none while somebody may sit at a prompt."""
    project.write({"pyproject.toml": SETTINGS.replace("[tool.tracewrap.test.sets]", "[tool.tracewrap.test]\ntimeout = '1s'\n[tool.tracewrap.test.sets]"),
                   "tests/test_local.py": "def test_a():\n    x = 41\n    " + ("breakpoint()\n" if words == ["-s"] else "assert x == 0\n")})
    child = terminal(project, "test_local", *words)
    child.expect_exact("(Pdb)")
    pids = marked(project.mark)
    before = sum(int(read(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()[11]) for pid in pids if read(f"/proc/{pid}/stat"))
    wait_for(lambda: os.times().elapsed and prompt_is_old(project), "two looks of the supervisor at the prompt")
    assert before >= 0
    child.sendline("p 1 + 1" if words == ["--trace"] else "p x + 1")
    child.expect_exact("2" if words == ["--trace"] else "42")
    child.sendline("q")
    child.expect(pexpect.EOF)
    child.close()
    assert "HANG" not in child.before and child.exitstatus in (1, 2), child.before


def prompt_is_old(p):
    """pytest has waited for longer than the bound of the run would be."""
    hertz = os.sysconf("SC_CLK_TCK")
    now = float(read("/proc/uptime").split()[0])
    pytests = [pid for pid in marked(p.mark) if b"pytest" in read(f"/proc/{pid}/cmdline") and b"-m" in read(f"/proc/{pid}/cmdline").split(b"\0")]
    return pytests and now - int(read(f"/proc/{pytests[0]}/stat").rsplit(b")", 1)[1].split()[19]) / hertz > 3


def test_ctrl_c(project):
    project.write({"tests/test_local.py": WAITS})
    child = terminal(project, "test_local")
    wait_for((project.folder / "waits").exists, "test that waits")
    child.sendintr()
    child.expect_exact("KeyboardInterrupt")
    child.expect_exact("the run was interrupted: start it again")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2


def test_ctrl_z(project):
    """The shell gets its terminal back, and `fg` goes on."""
    project.write({"tests/test_local.py": WAITS.replace("range(6000)", "range(6000 if not pathlib.Path('go').exists() else 1)")
                   .replace("time.sleep(0.01)", "(time.sleep(0.01), pathlib.Path('go').exists() and 1 / 0)")})
    child = pexpect.spawn("bash", ["--norc", "-i"], cwd=str(project.folder), env=project.env | {"PS1": "READY> "}, timeout=60, encoding="utf-8")
    child.expect_exact("READY> ")
    child.sendline(f"{TRACEWRAP} test --no-check test_local")
    wait_for((project.folder / "waits").exists, "test that waits")
    child.sendcontrol("z")
    child.expect_exact("Stopped")
    child.expect_exact("READY> ")
    (project.folder / "go").touch()
    child.sendline("fg; echo code=$?")
    child.expect_exact("next     fix tests/test_local.py")
    child.expect_exact("code=1")
    child.close(force=True)


# Before it ------------------------------------------------------------------------------------------------------------

def checked(p):
    return sorted(path.name for path in (p.folder / ".tracewrap").glob("checked-*"))


def test_package_that_does_not_import(project):
    project.write({"demo/__init__.py": "import sys\nimport no_such_module_at_all\n"})
    complains(project.run("test"), "import demo fails", "demo/__init__.py:2", "no_such_module_at_all", "correct that first")
    assert checked(project) == []


def test_collection_error(project):
    project.write({"tests/ipc/test_chan.py": "import os\nimport demo.gone\n"})
    complains(project.run("test", "test_local"), "tests/ipc/test_chan.py:2", "demo.gone", "correct that first")
    assert checked(project) == ["checked-import"]
    assert project.run("test", "--no-check", "test_local").returncode == 0


def test_collection_error_of_the_run_itself(project):
    project.write({"tests/ipc/test_chan.py": "import demo.gone\n"})
    answer = project.json("test", "--no-check")
    assert answer["collect_errors"][0]["file"] == "tests/ipc/test_chan.py" and answer["next"].startswith("fix tests/ipc/test_chan.py")


def test_checked_when_something_has_changed(project):
    """What was good is not looked at again: a second run starts one Python, not three."""
    def pythons(*words):
        trace = project.folder.parent / "trace"
        subprocess.run(["strace", "-f", "-e", "trace=execve", "-o", trace, TRACEWRAP, "test", "test_local", *words], cwd=project.folder, env=project.env,
                       capture_output=True, check=True)
        return len(re.findall(r'execve\("[^"]*python[^"]*", \[[^\]]*"-m", "pytest"|execve\("[^"]*python[^"]*", \[[^\]]*"-c", "import sys,json', trace.read_text()))
    assert pythons() == 3
    assert pythons() == 1
    project.write({"demo/other.py": "y = 2\n"})
    assert pythons() == 3
    assert pythons("--no-check") == 1


def test_no_pytest(tmp_path):
    p = Project(tmp_path / "checkout", FILES, venv=None)
    p.venv(NAME, packages=None)
    complains(p.run("test"), f"{NAME}/bin/python has no pytest", "pip install pytest", "uv sync")
    p.close()


def test_a_program_is_told_what_to_do_first(project):
    project.write({"demo/__init__.py": "import no_such_module_at_all\n"})
    answer = project.json("test", code=125)
    assert answer["outcome"] == "error" and answer["exit_code"] == 125 and "import demo fails" in answer["next"]


def test_broken_interpreter(project):
    python = project.folder / NAME / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    python.chmod(0o755)
    complains(project.run("test"), f"{NAME}/bin/python does not work", "broken")


# Changes --------------------------------------------------------------------------------------------------------------

def test_changed(project):
    project.commit()
    done = project.run("test", "--changed")
    assert done.returncode == 0 and "no test is affected" in done.stderr
    project.write({"demo/ipc/__init__.py": "a = 1\n"})
    assert dry(project, "--changed") == f"{PYTHON} tests/ipc/ tests/test_local.py {USUAL}"
    project.write({"demo/_context.py": "a = 1\n", "tests/discovery/test_new.py": "def test_n(): pass\n", "demo/other.py": "b = 1\n"})
    assert dry(project, "--changed") == f"{PYTHON} tests/test_spawning.py tests/ipc/ tests/test_local.py tests/discovery/test_new.py {USUAL}"
    answer = project.json("test", "--changed", code=0)
    assert answer["notes"] == ["demo/other.py has changed, and no row of [tool.tracewrap.affected] is for it"]
    project.git("add", "-A")
    project.git("commit", "-qm", "y")
    assert "no test is affected" in project.run("test", "--changed").stderr
    assert dry(project, "--changed", "HEAD~1").startswith(f"{PYTHON} tests/test_spawning.py")
    project.git("checkout", "-q", "--detach")
    assert dry(project, "--changed=main~1").startswith(f"{PYTHON} tests/test_spawning.py")
    (project.folder / "tests/discovery/test_new.py").unlink()
    assert "no test is affected" in project.run("test", "--changed").stderr


def test_changed_conftest(project):
    project.commit()
    project.write({"tests/ipc/conftest.py": ""})
    assert dry(project, "--changed") == f"{PYTHON} tests/ipc/ {USUAL}"


def test_changed_without_git(tmp_path):
    p = Project(tmp_path / "checkout", FILES, git=False)
    complains(p.run("test", "--changed"), "in no git repository", "name the tests")
    complains(p.run("test", "--changed", env={"PATH": "/nowhere"}), "no git in PATH")
    p.close()


def test_changed_before_the_first_commit(project):
    complains(project.run("test", "--changed"), '"HEAD" is no commit')


def test_bare_repository(tmp_path):
    p = Project(tmp_path / "bare.git", git=False, venv=None)
    p.git("init", "-q", "--bare")
    complains(p.run("test", "--changed", "--python", sys.executable), "bare repository")
    p.close()
