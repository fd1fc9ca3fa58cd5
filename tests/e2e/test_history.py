"""report.json has every process that ever lived: parent, times, end, command line, test."""
import collections
import subprocess

import pytest
from live import EACH, ELSEWHERE, FAMILY, STORM, mode, needs_connector, needs_namespaces, report, report_of, watch  # noqa: F401
from support import ENVIRON, PY, TRACEWRAP, check_process

COUNT = 1000


def children(run):
    """The rows that the command has made itself; all rows are sound."""
    rows = run["processes"]
    for row in rows:
        check_process(row)
    root = rows[0]["pid"]
    return [row for row in rows if row["ppid"] == root]


def codes(rows):
    return collections.Counter(row["exit"] and row["exit"].get("code") for row in rows)


EXPECTED = collections.Counter(i % 7 for i in range(COUNT))


@pytest.mark.parametrize("width", [1, 50])
@pytest.mark.parametrize("mode", ["preload", "ptrace"], indirect=True)
def test_a_storm_is_told_to_the_last_process(tmp_path, mode, width):  # noqa: F811
    run = report(tmp_path, f"--mode={mode}", *STORM, COUNT, width)
    rows = children(run)
    assert len(rows) == COUNT and run["processes_dropped"] == 0
    assert len({row["pid"] for row in rows}) == COUNT
    assert codes(rows) == EXPECTED
    assert all(row["ended_s"] is not None for row in run["processes"])


@needs_connector
@needs_namespaces
@pytest.mark.parametrize("width", [1, 50])
def test_the_library_counts_as_many_as_the_kernel(tmp_path, width):
    library = report(tmp_path, "--mode=preload", *STORM, COUNT, width, before=ELSEWHERE)
    kernel = report(tmp_path, "--mode=proc", *EACH, *STORM, COUNT, width)
    assert kernel["processes_complete"] and not library["processes_complete"]
    assert len(children(library)) == len(children(kernel)) == COUNT
    assert codes(children(library)) == codes(children(kernel)) == EXPECTED


def test_a_mode_says_whether_it_sees_all(tmp_path, mode):  # noqa: F811
    run = report(tmp_path, f"--mode={mode}", "true")
    assert run["processes_complete"] in ((True,) if mode == "ptrace" else (True, False))
    assert [row["exit"] for row in run["processes"]] == [{"code": 0}]
    assert run["processes"][0]["cmdline"] in (["true"], ["/usr/bin/true"], ["/bin/true"])


@needs_namespaces
def test_killed_before_anybody_looked(tmp_path):
    """Without the kernel's word nobody tells of such an end: that it is over is known, and how is not."""
    script = "import os\npid = os.fork()\nif pid == 0: os.kill(os.getpid(), 9)\nos.waitpid(pid, 0)"
    run = report(tmp_path, "--mode=preload", PY, "-c", script, before=ELSEWHERE)
    row, = children(run)
    assert row["exit"] is None and row["ended_s"] is not None


@needs_connector
@pytest.mark.parametrize("mode", ["proc", "preload", "ptrace"], indirect=True)
def test_the_last_thread_ends_the_process(tmp_path, mode):  # noqa: F811
    """The main thread ends first, by itself, which is not the end of the process; that comes with another code."""
    script = ("import ctypes, os, threading, time\n"
              "pid = os.fork()\n"
              "if pid == 0:\n"
              "    threading.Thread(target=lambda: (time.sleep(0.3), os._exit(5))).start()\n"
              "    ctypes.CDLL(None).syscall(60, 9)\n"  # exit(2), of this thread alone
              "os.waitpid(pid, 0)")
    row, = children(report(tmp_path, f"--mode={mode}", *EACH, PY, "-c", script))
    assert row["exit"] == {"code": 5}
    assert row["ended_s"] - row["started_s"] >= 0.29


@pytest.mark.parametrize("mode", ["preload"], indirect=True)
def test_processes_have_their_test(tmp_path, mode):  # noqa: F811
    run = report(tmp_path, f"--mode={mode}", *FAMILY)
    made = {row["test"].rpartition("::")[2]: row for row in children(run) if row["test"]}
    assert set(made) == {"test_child", "test_killed", "test_fork"}, run["processes"]
    assert made["test_fork"]["exit"] == {"code": 5}
    assert made["test_killed"]["cmdline"][0].endswith("sleep")
    assert run["processes"][0]["test"] is None


@needs_connector
def test_ends_are_exact(tmp_path):
    run = report(tmp_path, "--mode=preload", *EACH, *FAMILY)
    assert {row["test"].rpartition("::")[2]: row["exit"] for row in children(run)} == {
        "test_child": {"code": 3}, "test_killed": {"signal": "SIGKILL"}, "test_fork": {"code": 5}}


def test_failed_exec_is_no_other_program(tmp_path, mode):  # noqa: F811
    script = ("import os\npid = os.fork()\nif pid == 0:\n    try: os.execv('/no/such/program', ['x'])\n    except OSError: os._exit(4)\n"
              "os.waitpid(pid, 0)")
    run = report(tmp_path, f"--mode={mode}", PY, "-c", script)
    for row in children(run):
        assert "/no/such/program" not in row["cmdline"]


def test_rows_are_dropped_with_their_count(tmp_path):
    run = report(tmp_path, "--mode=preload", *STORM, 3000, 50)
    assert run["processes_dropped"] > 0
    assert len(run["processes"]) + run["processes_dropped"] == 3001


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_closed_streams(tmp_path, closed):
    done = subprocess.run(["sh", "-c", f'exec "$0" --mode=proc --report-json r.json sh -c "true & wait; exit 3" {closed}', TRACEWRAP],
                          cwd=tmp_path, env=ENVIRON, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    run = report_of(tmp_path)
    assert len(run["processes"]) == 2 or not run["processes_complete"]


def test_a_command_that_is_not_there(tmp_path):
    done = watch(tmp_path, "--report-json", "r.json", "-vv", "--events", "e", "/no/such/command")
    assert done.returncode == 127 and done.stdout == ""
