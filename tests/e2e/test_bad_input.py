"""What is wrong is said in one line, with the right exit code, and never harms the command."""
import json
import os
import subprocess

import pytest
from support import (NOBODY, PYTEST, SUITES, TRACEWRAP, Run, as_plain_user, as_root, batch, check_report, of, open_folder,  # noqa: F401
                     proves, read, result, run, user_pytest)

PRIVATE = ("unshare", "-m", "sh", str(SUITES / "private.sh"))


def tracewrap(*words, cwd, **more):
    return subprocess.run([TRACEWRAP, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL, **more)


def complains(done, code, *words):
    """One line on standard error that begins with our name and has WORDS in it; nothing on standard output."""
    assert done.returncode == code, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and done.stderr.endswith("\n"), done
    assert lines[0].startswith("tracewrap: ")
    for word in words:
        assert word in lines[0], (word, lines[0])


# The command line -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("words", "told"), [
    ([], "no command"),
    (["--"], "no command"),
    (["run"], "no command"),
    (["--timeout", "5s"], "no command"),
    (["--no-such-option", "true"], "--no-such-option"),
    (["-x", "true"], "-x"),
    (["--timeout", "abc", "true"], "abc"),
    (["--timeout", "-3", "true"], "-3"),
    (["--timeout", "", "true"], "--timeout"),
    (["--timeout", "5 parsecs", "true"], "parsecs"),
    (["--timeout", "99999999999999999999s", "true"], "--timeout"),
    (["--grace", "soon", "true"], "soon"),
    (["--timeout"], "--timeout"),
    (["--on-hang", "panic", "true"], "panic"),
    (["--mode", "magic", "true"], "magic"),
    (["--color", "blue", "true"], "blue"),
    (["--quiet=yes", "true"], "--quiet"),
    (["--report", "", "true"], "--report"),
    (["explain"], "explain"),
    (["explain", "a", "b"], "explain"),
])
def test_usage(words, told, tmp_path):
    complains(tracewrap(*words, cwd=tmp_path), 125, told)


@pytest.mark.parametrize(("name", "value"), [("TRACEWRAP_TIMEOUT", "abc"), ("TRACEWRAP_ON_HANG", "panic"), ("TRACEWRAP_QUIET", "maybe")])
def test_environment(name, value, tmp_path):
    complains(tracewrap("touch", "started", cwd=tmp_path, env={**os.environ, name: value}), 125, name, value)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("word", ["--help", "--version", "-h", "-V"])
def test_help_goes_to_standard_output(word, tmp_path):
    done = tracewrap(word, cwd=tmp_path)
    assert done.returncode == 0 and "tracewrap" in done.stdout and done.stderr == ""


# The command -----------------------------------------------------------------------------------------------------------------

def test_not_found(tmp_path):
    complains(tracewrap("no-such-command", cwd=tmp_path), 127, "no-such-command")


def test_not_found_by_path(tmp_path):
    complains(tracewrap("./no/such/command", cwd=tmp_path), 127, "./no/such/command")


def test_not_executable(tmp_path):
    (tmp_path / "text").write_text("just text\n")
    complains(tracewrap("./text", cwd=tmp_path), 126, "./text")


def test_folder_as_command(tmp_path):
    complains(tracewrap(tmp_path, cwd=tmp_path), 126, str(tmp_path))


def test_interpreter_not_found(tmp_path):
    (tmp_path / "script").write_text("#!/no/such/interpreter\n")
    (tmp_path / "script").chmod(0o755)
    assert tracewrap("./script", cwd=tmp_path).returncode in (126, 127)


def test_report_of_a_command_that_never_began(tmp_path):
    complains(tracewrap("--report-json", "r.json", "no-such-command", cwd=tmp_path), 127)
    report = json.loads((tmp_path / "r.json").read_text())
    check_report(report, 127)
    assert report["outcome"] == "error" and report["findings"] == []


# Where reports can't go, and were wanted by name: nothing is started ---------------------------------------------------------------

@pytest.mark.parametrize("words", [
    ("--report", "/proc/no-such-folder"), ("--report", "a-file"), ("--report", "a-file/below"), ("--report-json", "no/such/folder/r.json"),
    ("--report-json", "."), ("--save-snapshot", "/proc/snapshot.json"), ("--report-json", "a-file/r.json")])
def test_unusable_place(words, tmp_path):
    (tmp_path / "a-file").touch()
    complains(tracewrap(*words, "touch", "started", cwd=tmp_path), 125, words[0], words[1])
    assert not (tmp_path / "started").exists()


@as_plain_user
def test_place_that_is_not_ours(tmp_path):
    with Run("touch", "started", options=("--report", "closed/below"), user=NOBODY,
             inside=lambda r: (r.folder / "closed").mkdir(mode=0o555)) as r:
        result = r.finish()
    assert result.code == 125 and len(result.err.splitlines()) == 1 and result.err.startswith(b"tracewrap: "), result
    assert not (result.folder / "started").exists()


# Saved snapshots -----------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """A real one, small, as bytes."""
    folder = tmp_path_factory.mktemp("snapshot")
    done = tracewrap("--timeout", "1s", "--grace", "0", "--save-snapshot", "s.json", "sleep", "60", cwd=folder)
    assert done.returncode == 124, done
    return (folder / "s.json").read_bytes()


def explain(folder, content):
    (folder / "bad.json").write_bytes(content)
    return tracewrap("explain", "bad.json", cwd=folder)


def test_whole_snapshot(snapshot, tmp_path):
    done = explain(tmp_path, snapshot)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout, done


def test_cut_off_anywhere(snapshot, tmp_path):
    """All short prefixes, some of each length after that, and each of the last ones: never taken for whole."""
    end = len(snapshot.rstrip())
    for cut in [*range(40), *range(40, end, max(1, end // 150)), *range(end - 20, end)]:
        complains(explain(tmp_path, snapshot[:cut]), 125, "bad.json")


@pytest.mark.parametrize("content", [
    b"{}", b"[]", b"null", b"7", b'"text"', b"not json at all", b"\0" * 100, b"\xff\xfe\x00", b"[" * 5000, b'{"schema":' * 2000,
    b'{"schema": "tracewrap-report/1", "findings": []}', b'{"schema": "tracewrap-snapshot/99"}', b'{"schema": 1}',
    b'{"schema": "tracewrap-snapshot/1"}'], ids=range(14))
def test_not_ours(content, tmp_path):
    complains(explain(tmp_path, content), 125, "bad.json")




def test_values_of_the_wrong_type(snapshot, tmp_path):
    """Each key of the snapshot, with a value of another type in its place: taken or refused, in one line, never a crash."""
    whole = json.loads(snapshot)

    def places(value, path=()):
        items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
        for key, below in items:
            yield (*path, key)
            yield from places(below, (*path, key))

    seen = set()
    for n, path in enumerate(places(whole)):
        if (kind := tuple(key for key in path if isinstance(key, str))) in seen:
            continue
        seen.add(kind)
        data = json.loads(snapshot)
        at = data
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = ["x", -7, {"a": []}, None][n % 4]
        done = explain(tmp_path, json.dumps(data).encode())
        assert done.returncode in (0, 3, 124, 125), (path, done)
        if done.returncode == 125:
            complains(done, 125, "bad.json")
    assert len(seen) > 10


def test_no_such_snapshot(tmp_path):
    complains(tracewrap("explain", "no-such-file", cwd=tmp_path), 125, "no-such-file")


def test_folder_for_a_snapshot(tmp_path):
    complains(tracewrap("explain", tmp_path, cwd=tmp_path), 125, str(tmp_path))


@as_plain_user
def test_snapshot_that_may_not_be_read():
    result = run("explain", "closed.json", wrap=False, user=NOBODY, before=[open_folder() / "tracewrap"],
                 inside=lambda r: os.close(os.open(r.folder / "closed.json", os.O_CREAT, 0)))
    assert result.code == 125 and len(result.err.splitlines()) == 1, result
    assert result.err.startswith(b"tracewrap: closed.json: ")


# A machine on which something is wrong -----------------------------------------------------------------------------------------------------

HANG = (*PYTEST, "-q", "test_pipes.py::test_wait_before_read")
QUICK = ("sh", "-c", "echo out; echo err >&2; exit 3")


def private(what, *command, **more):
    return lambda: run(*command, before=(*PRIVATE, *what), **more)


def user_hang(*what, **more):
    return lambda: user_pytest("-q", "test_user.py::test_hangs", suite="user", options=("--timeout", "5s"), user=None,
                               becomes_user=True, before=(*PRIVATE, *what), **more)


def read_only_for_a_user():
    return user_pytest("-q", "test_user.py::test_hangs", suite="user", options=("--timeout", "5s"),
                       inside=lambda r: (r.give_to(0), r.folder.chmod(0o555), r.top.chmod(0o777)))


RUNS = {
    "full": private(("full", ".tracewrap"), *HANG, suite="hang"),
    "full, but a file elsewhere": private(("full", ".tracewrap"), *HANG, suite="hang", options=("--report-json", "r.json")),
    "full, the file too": private(("full", "there"), *HANG, suite="hang", options=("--report", "there", "--report-json", "there/r.json")),
    "full, healthy": private(("full", ".tracewrap"), *QUICK),
    "full by name": private(("full", "there"), *HANG, suite="hang", options=("--report", "there")),
    "read-only": private(("read-only",), *HANG, suite="hang"),
    "read-only, healthy": private(("read-only",), *QUICK),
    "read-only, user": read_only_for_a_user,
    "hidepid": user_hang("hidepid", str(NOBODY)),
    "hidepid, healthy": private(("hidepid", str(NOBODY)), *QUICK, becomes_user=True),
}


def lines_about_reports(result):
    return [line for line in result.screen.splitlines() if line.startswith("tracewrap:") and "report" in line]


@as_root
@of("full", "read-only", "full by name", "full, but a file elsewhere", "full, the file too")
def test_verdict_without_a_report(result):
    assert result.code == 124 and not result.left, result
    assert "proven" in result.screen and "test_pipes.py::test_wait_before_read" in result.screen
    assert len(lines_about_reports(result)) == 1, result.screen
    assert "last/report." not in result.screen


@as_root
@of("full", "read-only", "full by name", "full, the file too")
def test_no_report_is_named_that_is_not_there(result):
    assert not any(line.startswith("report") for line in result.screen.splitlines()), result.screen


@as_root
@of("full, but a file elsewhere")
def test_the_other_report_is_there(result):
    report = json.loads(read(result.folder / "r.json"))
    check_report(report, 124)
    assert report["findings"][0]["certainty"] == "proven"
    assert "r.json" in result.screen


@as_plain_user
@of("read-only, user")
def test_verdict_without_a_report_as_a_plain_user(result):
    assert result.code == 124 and not result.left, result
    assert "pipe" in result.screen and len(lines_about_reports(result)) == 1, result.screen


@as_root
@of("full, healthy", "read-only, healthy", "hidepid, healthy")
def test_healthy_command_is_not_harmed(result):
    assert (result.code, result.out, result.err) == (3, b"out\n", b"err\n")


@as_plain_user
@of("hidepid")
def test_hidepid(result):
    """The tree is the user's own and can be seen; what others hold can't, with hidepid or without."""
    assert result.code == 124 and not result.left, result
    report = result.report
    check_report(report, 124)
    assert report["outcome"] == "hang" and [f["certainty"] for f in report["findings"]] == ["proven"]
