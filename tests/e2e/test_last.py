"""`tracewrap last` reads what pytest and earlier runs have noted, and runs nothing."""
import json
import sqlite3
import subprocess

import pytest
from project import HANG, Project, complains
from support import TRACEWRAP

SETTINGS = "[tool.tracewrap]\nvenv = 'py{major}{minor}'\n[[tool.tracewrap.flaky]]\ntest = 'test_a.py::test_slow'\nerror = 'TooSlow'\nnote = 'race'\n"
TESTS = """import pytest
def test_good(): pass
def test_bad(): assert 0
def test_slow(): raise RuntimeError('TooSlow')
@pytest.mark.parametrize("x", ["a::b"])
def test_many(x): assert 0
"""


@pytest.fixture
def project(tmp_path):
    p = Project(tmp_path / "checkout", {"pyproject.toml": SETTINGS, "tests/test_a.py": TESTS})
    yield p
    p.close()


def pytest_plain(p, *words):
    return subprocess.run([next(p.folder.glob("py3*/bin/python")), "-m", "pytest", "-q", *words], cwd=p.folder, env=p.env, capture_output=True, check=False)


def note(p, cache=".pytest_cache", **tests):
    p.write({f"{cache}/v/cache/lastfailed": json.dumps(tests.get("ids") and dict.fromkeys(tests["ids"], True) or {})})


def failed(p, code=1):
    return [row["test"] for row in p.json("last", code=code)["failed"]]


def test_what_pytest_has_noted(project):
    pytest_plain(project)
    answer = project.json("last", code=1)
    assert [row["test"] for row in answer["failed"]] == ["tests/test_a.py::test_bad", "tests/test_a.py::test_many[a::b]", "tests/test_a.py::test_slow"]
    assert [row["known_flaky"] for row in answer["failed"]] == [False, False, True]
    assert answer["failed"][2]["note"] == "race" and answer["next"] == "tracewrap test --lf"
    done = project.run("last")
    assert done.returncode == 1 and "3 tests failed or hung" in done.stdout and "(known to come and go: race)" in done.stdout


def test_nothing(project):
    assert failed(project, 0) == []
    assert "nothing failed" in project.run("last").stdout
    note(project)
    assert failed(project, 0) == []


def test_junk_and_files_that_are_gone(project):
    note(project, ids=["tests/test_gone.py::test_x", "/usr/lib/x.py::test_x", "../../etc/passwd::x", "", "tests/test_a.py::test_bad", "tests/test_a.py"])
    assert failed(project) == ["tests/test_a.py", "tests/test_a.py::test_bad"]


@pytest.mark.parametrize(("file", "text"), [
    ("pytest.ini", "[pytest]\ncache_dir = other/cache\n"),
    ("pyproject.toml", "[tool.pytest.ini_options]\ncache_dir = \"other/cache\"\n"),
    ("tox.ini", "[tox]\ncache_dir = no\n[pytest]\ncache_dir=other/cache\n"),
    ("setup.cfg", "[tool:pytest]\ncache_dir = $CACHE_HERE/cache\n"),
])
def test_where_the_cache_is(tmp_path, file, text):
    p = Project(tmp_path / "checkout", {file: text, "tests/test_a.py": TESTS})
    p.env["CACHE_HERE"] = "other"
    pytest_plain(p)
    assert (p.folder / "other/cache/v/cache/lastfailed").exists()       # pytest itself sees it so
    assert len(failed(p)) == 3
    p.close()


def test_where_the_last_run_had_it(project):
    """An option of that run counts, too."""
    project.run("test", "--no-check", "--maxfail=9", "--", "-o", "cache_dir=elsewhere")
    assert (project.folder / "elsewhere/v/cache/lastfailed").exists() and not (project.folder / ".pytest_cache").exists()
    assert len(failed(project)) == 3


def test_from_below(project):
    note(project, ids=["tests/test_a.py::test_bad"])
    assert [row["test"] for row in project.json("last", code=1, cwd=project.folder / "tests")["failed"]] == ["tests/test_a.py::test_bad"]


def test_cut_off(project):
    project.write({".pytest_cache/v/cache/lastfailed": '{"tests/test_a.py::te'})
    complains(project.run("last"), ".pytest_cache/v/cache/lastfailed", "cut off")


def test_no_database(project):
    project.write({".tracewrap/history.sqlite": "this is no database, by far not, and longer than the header of one " * 9})
    complains(project.run("last"), ".tracewrap/history.sqlite", "not a database", "move it away")
    complains(project.run("last", "--flaky"), ".tracewrap/history.sqlite", "not a database")


def test_no_table(project):
    (project.folder / ".tracewrap").mkdir()
    sqlite3.connect(project.folder / ".tracewrap/history.sqlite").execute("CREATE TABLE other(x)").connection.close()
    complains(project.run("last", "--flaky"), ".tracewrap/history.sqlite", "no such table")


def test_hang_of_a_plain_run(tmp_path):
    """A pytest that was ended notes nothing: the report has it."""
    p = Project(tmp_path / "checkout", {"test_h.py": HANG})
    done = p.run(next(p.folder.glob("py3*/bin/python")), "-m", "pytest", "-q")
    assert done.returncode == 124, done
    answer = p.json("last", code=1)
    assert [(row["test"], row["hung"]) for row in answer["failed"]] == [("test_h.py::test_hangs", True)]
    p.close()


def test_is_cheap(project):
    """No Python, no pytest: what it reads are a few files. (Settings in TOML need a Python; in JSON they need none.)"""
    project.write({"pyproject.toml": "", "tracewrap.json": '{"leaks": "warn"}'})
    note(project, ids=[f"tests/test_a.py::test_{n}" for n in range(300)])
    trace = project.folder / "trace"
    subprocess.run(["strace", "-f", "-e", "trace=execve", "-o", trace, TRACEWRAP, "last"], cwd=project.folder, env=project.env, capture_output=True,
                   check=False)
    assert trace.read_text().count("execve(") == 1


@pytest.mark.parametrize("words", [["last", "x"], ["last", "--fix"], ["last", "-x"]])
def test_usage(project, words):
    complains(project.run(*words), "last")


# History -------------------------------------------------------------------------------------------------------------

def rows(p, query):
    db = sqlite3.connect(p.folder / ".tracewrap/history.sqlite")
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def test_flips_are_counted(project):
    project.write({"tests/test_a.py": "import os\ndef test_good(): pass\ndef test_flips(): assert 'GOOD' in os.environ\n"})
    for good in (True, False, True):
        project.run("test", env={"GOOD": "1"} if good else {})
    assert rows(project, "SELECT count(*) FROM runs") == [(3,)]
    assert rows(project, "SELECT outcome, phase FROM tests WHERE id LIKE '%flips' ORDER BY run") == [("passed", "call"), ("failed", "call"), ("passed", "call")]
    answer = project.json("last", "--flaky", code=0)
    assert [(row["test"], row["runs"], row["failed"], row["flips"]) for row in answer["flaky"]] == [("tests/test_a.py::test_flips", 3, 1, 2)]
    assert 'test = "tests/test_a.py::test_flips"' in project.run("last", "--flaky").stdout


def test_broken_history_stops_no_run(project):
    project.write({".tracewrap/history.sqlite": "no database" * 99, "tests/test_a.py": "def test_good(): pass\n"})
    done = project.run("test")
    assert done.returncode == 0 and "could not be used, and is now" in done.stderr, done
    assert len(list((project.folder / ".tracewrap").glob("history.sqlite.broken-*"))) == 1
    assert rows(project, "SELECT outcome FROM tests") == [("passed",)]
    assert "could not be used" not in project.run("test").stderr
