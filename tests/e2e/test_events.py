"""--events and -vv: each event while the run goes on, which never holds it up."""
import collections
import json
import os
import re
import subprocess

import pytest
from live import FAMILY, STORM, mode, needs_connector, report_of, watch  # noqa: F401
from support import ENVIRON, PY, TRACEWRAP, wait_for

LINE = re.compile(r"tracewrap: \d+\.\d{3} s  [^\n]+\[\d+\] [^\n]+\Z")


def events_in(path):
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def check_order(events):
    """Ends once, the moments of a source do not go back, and each process begins once and ends at most once."""
    assert [e["event"] for e in events].count("end") == 1 and events[-1]["event"] == "end"
    for kind in ("fork", "exit"):
        assert max(collections.Counter(e["pid"] for e in events if e["event"] == kind).values()) == 1
    begun = {e["pid"] for e in events if e["event"] == "fork"}
    assert begun >= {e["pid"] for e in events if "pid" in e}


def test_events_of_a_pytest_run(tmp_path, mode):  # noqa: F811
    done = watch(tmp_path, f"--mode={mode}", "--events", "e.jsonl", "--report-json", "r.json", *FAMILY)
    assert done.returncode == 0, done
    events, processes = events_in(tmp_path / "e.jsonl"), report_of(tmp_path)["processes"]
    check_order(events)
    assert events[-1]["dropped"] == 0
    assert {e["pid"] for e in events if e["event"] == "fork"} == {row["pid"] for row in processes}
    assert {e["pid"]: e["parent"] for e in events if e["event"] == "fork" and e["parent"]} == {
        row["pid"]: row["ppid"] for row in processes[1:]}
    assert {e["pid"] for e in events if e["event"] == "exit"} == {row["pid"] for row in processes if row["ended_s"] is not None}
    if mode == "proc":
        return
    binds = [e for e in events if e["event"] == "bind"]
    assert len(binds) == 2 and len([e for e in events if e["event"] == "listen"]) == 1
    assert [e["in_s"] for e in events if e["event"] == "alarm"] == [7, None]
    if mode != "notify":  # which is asked before the call
        assert [e["errno"] for e in binds] == [0, 98] and binds[0]["address"] == binds[1]["address"]
    if mode == "preload":
        names = [e["test"].rpartition("::")[2] for e in events if e["event"] == "test" and e["test"]]
        assert names == ["test_child", "test_killed", "test_socket", "test_fork"]


def test_lines_of_a_pytest_run(tmp_path, mode):  # noqa: F811
    done = watch(tmp_path, f"--mode={mode}", "-vv", *FAMILY)
    plain = subprocess.run(FAMILY, cwd=tmp_path, env=ENVIRON, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert re.sub(r"[\d.]+s", "", done.stdout) == re.sub(r"[\d.]+s", "", plain.stdout)
    lines = [line for line in done.stderr.splitlines() if LINE.match(line)]
    assert all(len(line) <= 80 for line in lines)
    assert any(line.endswith(" began") for line in lines) and any(" ended with code 0" in line for line in lines)
    if mode == "preload":
        for words in (" forked ", " ran ", " bound 127.0.0.1:", " listens on 127.0.0.1:", " can't bind, in use: 127.0.0.1:",
                      " alarm in 7.0 s", "::test_socket"):
            assert any(words in line for line in lines), (words, done.stderr)


def test_once_is_not_twice(tmp_path):
    done = watch(tmp_path, "-v", "true")
    assert not any(LINE.match(line) for line in done.stderr.splitlines()) and "watching process" in done.stderr


def test_events_come_while_it_runs(tmp_path):
    with subprocess.Popen([TRACEWRAP, "--events", "e", "sh", "-c", "sleep 0.01; read line"], cwd=tmp_path, env=ENVIRON,
                          stdin=subprocess.PIPE) as run:
        wait_for(lambda: (tmp_path / "e").exists() and '"exec"' in (tmp_path / "e").read_text(), "an event in the file")
        run.communicate(b"\n")
    assert run.returncode == 0


# Where they go --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("where", ["/no/such/folder/e", ".", "fd:99", "fd:", "fd:x", "fd:-1", "fd:3x", ""])
def test_nowhere(tmp_path, where):
    done = watch(tmp_path, "--events", where, "touch", "begun")
    assert done.returncode == 125 and done.stdout == ""
    assert done.stderr.startswith("tracewrap: --events") and done.stderr.count("\n") == 1
    assert not (tmp_path / "begun").exists()


def test_descriptor_that_is_only_read(tmp_path):
    with open("/dev/null") as null:
        done = watch(tmp_path, "--events", f"fd:{null.fileno()}", "touch", "begun", pass_fds=[null.fileno()])
    assert done.returncode == 125 and "not open for writing" in done.stderr and not (tmp_path / "begun").exists()


def test_descriptor(tmp_path):
    """The command has it as a shell would give it, and no other; we write beside it, behind what is there."""
    with open(tmp_path / "out", "a") as out:
        out.write("before\n")
        out.flush()
        done = watch(tmp_path, "--events", f"fd:{out.fileno()}", "ls", "/proc/self/fd", pass_fds=[out.fileno()])
        plain = subprocess.run(["ls", "/proc/self/fd"], env=ENVIRON, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               pass_fds=[out.fileno()])
    assert done.returncode == 0 and done.stdout == plain.stdout
    first, *rest = (tmp_path / "out").read_text().splitlines()
    assert first == "before" and json.loads(rest[-1])["event"] == "end"


def test_full_disk(tmp_path):
    done = watch(tmp_path, "--events", "/dev/full", "sh", "-c", "true; exit 3")
    assert done.returncode == 3
    assert done.stderr.count("--events") == 1 and done.stderr.count("\n") == 1


def test_reader_that_has_gone(tmp_path):
    read, write = os.pipe()
    os.close(read)
    done = watch(tmp_path, "--events", f"fd:{write}", *STORM, 20, 1, pass_fds=[write])
    os.close(write)
    assert done.returncode == 0 and done.stdout == f"{sum(i % 7 for i in range(20))}\n"
    assert done.stderr.count("\n") == 1 and "--events" in done.stderr


def test_fifo_that_nobody_reads(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    done = watch(tmp_path, "--events", "fifo", "sh", "-c", "exit 4")
    assert (done.returncode, done.stderr) == (4, "")


def test_fifo_with_a_reader(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(["cat", "fifo"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as cat:
        done = watch(tmp_path, "--events", "fifo", "true")
        lines = cat.communicate(timeout=60)[0].splitlines()
    assert done.returncode == 0 and json.loads(lines[-1])["event"] == "end"


def test_reader_that_sleeps(tmp_path):
    """A pipe that is full and stays so: the run goes on, what is in the pipe are whole lines but for the last."""
    read, write = os.pipe()
    done = watch(tmp_path, "--events", f"fd:{write}", *STORM, 2000, 50, pass_fds=[write])
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
    with open(read) as reader:
        lines = reader.read().split("\n")
    assert len(lines) > 100
    for line in lines[:-1]:
        json.loads(line)


def test_screen_that_nobody_reads(tmp_path):
    """Standard error is a pipe that is full: lines are lost, the run is not."""
    read, write = os.pipe()
    done = watch(tmp_path, "-vv", *STORM, 2000, 50, capture_output=False, stdout=subprocess.PIPE, stderr=write)
    os.close(write)
    assert (done.returncode, done.stdout) == (0, f"{sum(i % 7 for i in range(2000))}\n")
    with open(read) as reader:
        assert "forked" in reader.read()


def test_nothing_is_left_open(tmp_path):
    """The file is the supervisor's alone: the command does not inherit it."""
    done = watch(tmp_path, "--events", "e", "ls", "-l", "/proc/self/fd")
    assert done.returncode == 0 and str(tmp_path) not in done.stdout


@needs_connector
@pytest.mark.parametrize("mode", ["proc", "preload"], indirect=True)
def test_a_storm_is_told_once_each(tmp_path, mode):  # noqa: F811
    done = watch(tmp_path, f"--mode={mode}", "--events", "e", *STORM, 1000, 50)
    assert (done.returncode, done.stderr) == (0, "")
    events = events_in(tmp_path / "e")
    check_order(events)
    codes = collections.Counter(e["code"] for e in events if e["event"] == "exit")
    assert codes == collections.Counter([i % 7 for i in range(1000)] + [0])
    assert sum(e["event"] == "fork" for e in events) == 1001


def test_program_that_changes_hands(tmp_path, mode):  # noqa: F811
    """exec without fork: the same process, told as another program where that can be known."""
    done = watch(tmp_path, f"--mode={mode}", "--events", "e", PY, "-c", "import os; os.execv('/bin/sleep', ['sleep', '0.5'])")
    assert done.returncode == 0
    events = events_in(tmp_path / "e")
    check_order(events)
    assert [e["event"] for e in events].count("fork") == 1
    assert any("sleep" in (e["file"] or "") for e in events if e["event"] == "exec"), events
