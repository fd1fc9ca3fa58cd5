"""Settings come from files, the environment and the command line, in this order, for runs as well; what is wrong is told with file and line."""
import os
import subprocess

import pytest
from project import Project, complains
from support import TRACEWRAP

TABLE = '[project]\nname = "demo"\n\n[tool.tracewrap]\ngrace = "2s"\nports = ["127.0.0.1:1617", "1618"]\nquiet = true\n'


@pytest.fixture
def project(tmp_path):
    p = Project(tmp_path / "checkout", {"pyproject.toml": TABLE, "tests/test_a.py": "def test_a(): pass\n"})
    yield p
    p.close()


def settings(p, *words, **more):
    return {row["key"]: (row["value"], row["from"]) for row in p.json("config", *words, code=0, **more)["settings"]}


# Where values come from ---------------------------------------------------------------------------------------------

def test_sources(project):
    found = settings(project, "--leaks", "fail", env={"TRACEWRAP_GRACE": "1s", "TRACEWRAP_KEEP_SIGINT": "1"})
    assert found["leaks"] == ("fail", "--leaks")
    assert found["grace"] == ("1s", "TRACEWRAP_GRACE")
    assert found["keep-sigint"] == ("true", "TRACEWRAP_KEEP_SIGINT")
    assert found["ports"] == ("127.0.0.1:1617,1618", "pyproject.toml:6")
    assert found["quiet"] == ("true", "pyproject.toml:7")
    assert found["mode"] == ("auto", "default")
    assert found["test.timeout.all"] == ("600s", "default")


def test_command_line_wins_over_environment(project):
    found = settings(project, "--grace", "4s", env={"TRACEWRAP_GRACE": "1s"})
    assert found["grace"] == ("4s", "--grace")


def test_screen(project):
    done = project.run("config")
    assert done.returncode == 0 and done.stderr == ""
    line = next(line for line in done.stdout.splitlines() if line.startswith("grace "))
    assert line.split() == ["grace", "2s", "pyproject.toml:5"]


def test_found_from_below(project):
    assert settings(project, cwd=project.folder / "tests")["grace"] == ("2s", "pyproject.toml:5")


def test_not_found_above_the_checkout(project):
    inner = Project(project.folder / "inner", venv=None)
    assert settings(inner)["grace"] == ("3s", "default")
    inner.close()


def test_nearest_folder_wins(project):
    project.write({"part/pyproject.toml": '[tool.tracewrap]\ngrace = "9s"\n', "other/pyproject.toml": "[tool.other]\n"})
    assert settings(project, cwd=project.folder / "part")["grace"] == ("9s", "pyproject.toml:2")
    assert settings(project, cwd=project.folder / "other")["grace"] == ("2s", "pyproject.toml:5")


def test_json_and_toml_files(tmp_path):
    p = Project(tmp_path / "checkout", {"tracewrap.json": '{\n "grace": "5s",\n "timeout": 7}\n', "tracewrap.toml": 'leaks = "fail"\n'})
    found = settings(p)
    assert found["grace"] == ("5s", "tracewrap.json:2") and found["timeout"] == ("7", "tracewrap.json:3")
    assert found["leaks"] == ("fail", "tracewrap.toml:1")
    p.close()


def test_unknown_variable_is_told(project):
    warnings = project.json("config", env={"TRACEWRAP_TIMOUT": "3"})["warnings"]
    assert warnings == ["TRACEWRAP_TIMOUT: there is no option --timout"]


# A plain run ---------------------------------------------------------------------------------------------------------

def test_settings_hold_for_a_run(tmp_path):
    p = Project(tmp_path / "checkout", {"pyproject.toml": '[tool.tracewrap]\ntimeout = "200ms"\ngrace = "100ms"\n'})
    done = p.run("sleep", "60")
    assert done.returncode == 124 and "the time of the run is over" in done.stderr
    assert p.run("--timeout", "0", "sleep", "0.4").returncode == 0
    p.close()


def test_a_run_without_settings_starts_no_python(tmp_path):
    """Every interpreter in PATH would leave a mark."""
    p = Project(tmp_path / "checkout", {"pyproject.toml": "[project]\nname = 'x'\n[tool.pytest.ini_options]\n"}, venv=None)
    for name in ("python3", "python"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexec /usr/bin/env -i /usr/bin/python3 \"$@\"\n")
        path.chmod(0o755)
    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    assert p.run("true", env=path).returncode == 0
    assert not (tmp_path / "started").exists()
    p.write({"pyproject.toml": "[tool.tracewrap]\nleaks = 'warn'\n"})
    assert p.run("true", env=path).returncode == 0
    assert (tmp_path / "started").exists()
    p.close()


def test_what_a_python_has_read_is_kept(project):
    """Where runs have left a folder; good for the very text alone, and a broken note is no answer."""
    def pythons(*words):
        trace = project.folder.parent / "trace"
        done = subprocess.run(["strace", "-f", "-e", "trace=execve", "-o", trace, TRACEWRAP, *words], cwd=project.folder, env=project.env,
                              capture_output=True, text=True, check=False)
        return done.returncode, trace.read_text().count(" execve(") - 1
    assert pythons("last") == (0, 1) and pythons("last") == (0, 1)
    (project.folder / ".tracewrap").mkdir()
    assert pythons("last") == (0, 1) and pythons("last") == (0, 0)
    assert settings(project)["grace"] == ("2s", "pyproject.toml:5")
    note = project.folder / ".tracewrap/settings-pyproject.toml.json"
    note.write_text(note.read_text()[:40])
    assert pythons("last") == (0, 1) and pythons("last") == (0, 0)
    project.write({"pyproject.toml": TABLE.replace('"2s"', '"4s"')})
    assert settings(project)["grace"] == ("4s", "pyproject.toml:5")
    project.write({"pyproject.toml": TABLE + "broken"})
    complains(project.run("last"), "pyproject.toml:8")


def test_wrong_settings_start_nothing(project):
    project.write({"pyproject.toml": '[tool.tracewrap]\ngrace = "soon"\n'})
    complains(project.run("touch", "started"), "pyproject.toml:2: grace", '"soon" is no duration')
    assert not (project.folder / "started").exists()


def test_a_program_of_the_same_name(tmp_path):
    p = Project(tmp_path / "checkout", venv=None)
    path = tmp_path / "bin" / "doctor"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho program\n")
    path.chmod(0o755)
    done = p.run("run", "doctor", env={"PATH": f"{path.parent}:{os.environ['PATH']}"})
    assert done.stdout == "program\n"
    done = p.run("--", "doctor", env={"PATH": f"{path.parent}:{os.environ['PATH']}"})
    assert done.stdout == "program\n"
    p.close()


# What is wrong -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "told"), [
    ('[tool.tracewrap]\ngrase = "2s"\n', ["pyproject.toml:2", "grase", 'nearest known one is "grace"']),
    ('[tool.tracewrap]\n\ngrace = "soon"\n', ["pyproject.toml:3", "grace", "soon"]),
    ('[tool.tracewrap]\nmode = "magic"\n', ["pyproject.toml:2", "magic"]),
    ('[tool.tracewrap]\nports = ["nonsense"]\n', ["pyproject.toml:2", "nonsense"]),
    ("[tool.tracewrap]\nworker = 3\n", ["pyproject.toml:2", "worker"]),
    ("[tool.tracewrap.test]\nargz = []\n", ["pyproject.toml:2", "argz", '"args"']),
    ("[[tool.tracewrap.flaky]]\ntest = 'a'\n[[tool.tracewrap.flaky]]\nerror = 'b'\n", ["pyproject.toml:3", "no test"]),
    ("[tool.tracewrap]\ngrace = \n", ["pyproject.toml:2", "Invalid value"]),
    ("[tool.tracewrap]\nx = 1\nx = 2\n", ["pyproject.toml"]),
    ("[tool.tracewrap]\ngrace = '\xff'\n".encode("latin-1"), ["pyproject.toml"]),
])
def test_wrong_file(project, text, told):
    (project.folder / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    for words in (["config"], ["test"], ["last"], ["doctor"], ["true"]):
        complains(project.run(*words), *told)


def test_two_files_disagree(project):
    project.write({"tracewrap.json": '{\n"grace": "3s"}\n'})
    complains(project.run("config"), "pyproject.toml:5", "grace = 2s", "tracewrap.json:2", "3s")
    project.write({"tracewrap.json": '{"grace": "2s", "leaks": "fail"}\n'})
    assert settings(project)["leaks"][0] == "fail"


def test_wrong_json(project):
    project.write({"tracewrap.json": '{\n"grace": nonsense}\n'})
    complains(project.run("config"), "tracewrap.json:2", "no JSON")


@pytest.mark.parametrize("words", [["config", "extra"], ["config", "--nonsense"], ["config", "--lf"], ["config", "--fix"]])
def test_usage(project, words):
    complains(project.run(*words), "config")


# Tables rot ----------------------------------------------------------------------------------------------------------

def test_rows_that_match_nothing(project):
    project.write({"pyproject.toml": '[tool.tracewrap.test.sets]\ncore = ["test_a.py", "test_gone.py"]\n'
                   '[[tool.tracewrap.flaky]]\ntest = "test_a.py::test_a"\n[[tool.tracewrap.flaky]]\ntest = "test_a.py::test_moved"\n'
                   '[tool.tracewrap.affected]\n"tests/**" = ["test_a.py"]\n"src/**" = ["test_b.py"]\n'})
    warnings = project.json("config")["warnings"]
    assert [w.partition(": ")[0] for w in warnings] == ["pyproject.toml:2", "pyproject.toml:5", "pyproject.toml:9", "pyproject.toml:9"]
    assert "test_gone.py" in warnings[0] and "test_moved" in warnings[1] and "src/**" in warnings[2] and "test_b.py" in warnings[3]
    lines = [line for line in project.run("config").stdout.splitlines() if line.startswith("warning")]
    assert len(lines) == 4


# --init --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["", "tractor"])
@pytest.mark.parametrize("file", ["pyproject.toml", "tracewrap.toml"])
def test_init(tmp_path, name, file):
    p = Project(tmp_path / "checkout", {"pyproject.toml": "[project]\nname = 'x'\n"} if file == "pyproject.toml" else {})
    words = ["config", "--init" + (f"={name}" if name else "")]
    dry = p.run(*words, "--dry-run")
    assert dry.returncode == 0 and "args" in dry.stdout
    assert settings(p)["test.args"][1] == "default"
    done = p.run(*words)
    assert done.returncode == 0 and file in done.stdout, done
    found = settings(p)
    assert found["test.args"][1].startswith(file)
    if name:
        assert found["ports"][0] == "127.0.0.1:1616" and found["venv"][0] == "py{major}{minor}"
        assert found["sockets"][0] == "$XDG_RUNTIME_DIR/tractor/*.sock /tmp/registry@*.sock"
        rows = [row["value"] for row in p.json("config")["settings"] if row["key"] in ("flaky", "affected")]
        assert len(rows) == 4 + 11
    complains(p.run(*words), "has settings already")
    p.close()


def test_init_of_an_unknown_name(project):
    complains(project.run("config", "--init=unheard"), "unheard", "tractor")
