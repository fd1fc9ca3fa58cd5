"""Runs that hang: proven or suspected, explained, ended, and nothing left."""
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from support import (ENVIRON, PY, PYTEST, TRACEWRAP, VENV, VENV_PYTEST8, Run, alive, as_root, batch, check_report, marked,  # noqa: F401
                     of, proves, read, result, row_of, run, status_of)

WAIT_BEFORE_READ = "test_pipes.py::test_wait_before_read"


def hang(test, *options, file="test_pipes.py", command=PYTEST, **more):
    return lambda: run(*command, "-q", f"{file}::{test}", suite="hang", options=options, **more)


def others(test):
    return hang(test, file="test_others.py")


# Runs that are driven from outside ----------------------------------------------------------------------------------

def reported_then(sig):
    """--on-hang report: all is left as it is until somebody signals tracewrap."""
    def job():
        with Run(*PYTEST, "-q", WAIT_BEFORE_READ, suite="hang", options=("--on-hang", "report")) as r:
            finding = r.until_finding()
            roles = r.roles()
            r.before = {"report": r.report(), "living": [alive(roles[name][-1]) for name in ("pytest", "writer")]}
            assert finding["certainty"] == "proven"
            r.proc.send_signal(sig)
            result = r.finish()
            result.before = r.before
            return result
    return job


def freed_from_outside():
    """--on-hang report: somebody reads what the pipe of the hang holds, and all goes on."""
    with Run(*PYTEST, "-q", WAIT_BEFORE_READ, suite="hang", options=("--on-hang", "report")) as r:
        finding = r.until_finding()
        r.until_said("HANG")
        reader, writer = (r.roles()[name][-1] for name in ("pytest", "writer"))
        pipe = row_of(finding, writer)["object"]
        fd = next(path for path in Path(f"/proc/{reader}/fd").iterdir() if os.readlink(path) == pipe)
        with open(fd, "rb", buffering=0) as end:
            got = 0
            while part := end.read(65536):     # to the end of the file: the writer has ended
                got += len(part)
        result = r.finish()
        result.told, result.got = finding, got
        return result


def movements(pids):
    """What changes when a process runs, is signalled or stopped."""
    names = ("State", "SigPnd", "ShdPnd", "TracerPid", "voluntary_ctxt_switches")
    return {pid: [status_of(pid)[name] for name in names] + [read(f"/proc/{pid}/syscall")] for pid in pids}


def asked_for_a_state():
    with Run(*PYTEST, "-q", WAIT_BEFORE_READ, suite="hang", options=("--on-hang", "report")) as r:
        r.until_finding()
        r.until_said("HANG")
        pids = [pid for name in ("pytest", "writer") for pid in r.roles()[name]]
        before = movements(pids)
        said = len(read(r.top / "err"))
        r.proc.send_signal(signal.SIGUSR1)
        picture = r.until(lambda: (text := read(r.top / "err")[said:].decode()).count("stuck") > len(pids) and text, "picture")
        after = movements(pids)
        r.proc.send_signal(signal.SIGTERM)
        result = r.finish()
        result.before, result.after, result.picture, result.pids = before, after, picture, pids
        return result


def many_old_runs():
    def make(r):
        for n in range(25):
            folder = r.folder / ".tracewrap" / "runs" / f"202001{n + 1:02d}-120000-{n + 100}"
            folder.mkdir(parents=True)
            (folder / "report.json").write_text("{}")
        (r.folder / ".tracewrap" / "runs" / "mine").mkdir()
    return run(*PYTEST, "-q", WAIT_BEFORE_READ, suite="hang", inside=make)


def saved_and_explained():
    result = run(*PYTEST, "-q", WAIT_BEFORE_READ, suite="hang", options=("--save-snapshot", "saved.json"))
    explain = [subprocess.run([TRACEWRAP, "explain", *more, result.folder / "saved.json"], env=ENVIRON, capture_output=True,
                              timeout=60)
               for more in ([], ["--json"])]
    result.explained = explain
    return result


def plain_shell(script, *options, **more):
    return lambda: run("sh", "-c", script, suite="hang", options=options, **more)


RUNS = {
    "xdist": lambda: run(*PYTEST, "-q", "-n", "2", "-k", "workers", "test_pipes.py", suite="hang", options=("--timeout", "8s")),
    "fifo": hang("test_fifo", "--timeout", "8s"),
    "pytest 9, module": hang("test_wait_before_read"),
    "pytest 9, script": hang("test_wait_before_read", command=(VENV / "bin" / "pytest", "-p", "no:cacheprovider")),
    "pytest 8, module": hang("test_wait_before_read", command=(VENV_PYTEST8 / "bin" / "python", "-m", "pytest")),
    "pytest 8, script": hang("test_wait_before_read", command=(VENV_PYTEST8 / "bin" / "pytest",)),
    "class": hang("TestNames"),
    "non-ASCII": hang("TestNames::test_größe"),
    "whole file": lambda: run(*PYTEST, "-q", "-x", "-k", "quick or before_read", suite="hang"),
    "setup": hang("test_hangs_in_setup"),
    "teardown": hang("test_hangs_in_teardown"),
    "multiprocessing": hang("test_multiprocessing_child"),
    "fork": hang("test_forked_child"),
    "queue": hang("test_queue_joined_before_get"),
    "socketpair": hang("test_socketpair"),
    "terminal": hang("test_terminal"),
    "eof": hang("test_end_of_file"),
    "child": hang("test_child_that_waits_for_a_signal"),
    "threads": hang("test_beside_idle_threads"),
    "crowd": hang("test_crowd"),
    "long name": hang("test_long_name"),
    "shell": hang("test_unreadable_output_of_a_shell"),
    "alarm": hang("test_child_is_waited_for_and_would_be_killed"),
    "tcp": others("test_both_receive"),
    "flock": others("test_files_locked_crosswise"),
    "semaphores": others("test_semaphores_locked_crosswise"),
    "no pytest": plain_shell("echo hello; echo oops >&2; mkfifo gone; exec 3<>gone; rm gone; "
                             f"{PY} -c 'import os; os.write(3, bytes(300000))' & wait"),
    "busy": plain_shell(f"exec {PY} -c 'while True: pass'", "--timeout", "2s"),
    "sleep": plain_shell("sleep 300; echo never", "--timeout", "2s"),
    "report, SIGINT": reported_then(signal.SIGINT),
    "report, SIGTERM": reported_then(signal.SIGTERM),
    "report, timeout": hang("test_wait_before_read", "--on-hang", "report", "--timeout", "12s"),
    "report, freed": freed_from_outside,
    "SIGUSR1": asked_for_a_state,
    "old runs": many_old_runs,
    "snapshot": saved_and_explained,
    "stubborn": lambda: run(*PYTEST, "-q", "test_stubborn.py::test_all_kinds", suite="ladder", options=("--grace", "10s")),
    "tidy": lambda: run(*PYTEST, "-q", "test_stubborn.py::test_tidy", suite="ladder", options=("--grace", "20s")),
    "spin": lambda: run(*PYTEST, "-q", "test_stubborn.py::test_spins", suite="ladder", options=("--grace", "300ms")),
    "quiet": hang("test_wait_before_read", "-q"),
    "own folder": hang("test_wait_before_read", "--report", "deep/down", "--report-json", "here.json",
                       inside=lambda r: (r.folder / "deep").mkdir()),
}


def proven(result, kind, test, culprits, phase="call"):
    """The verdict is proven, right, attributed, and nothing is left of the run."""
    assert result.code == 124, result
    assert not result.left, result.left
    finding = result.finding()
    assert (finding["kind"], finding["certainty"]) == (kind, "proven"), result
    assert finding["test"] == test
    assert finding["phase"] == phase
    assert set(finding["culprits"]) == {pid for name in culprits for pid in result.roles[name]}, result
    report = result.report
    assert report["outcome"] == "hang" and report["exit_code"] == 124
    assert report["cleanup"]["survivors"] == []
    assert all(process["ended_s"] is not None for process in report["processes"])
    return finding


# The common hang, looked at closely -----------------------------------------------------------------------------------

@proves
@of("pytest 9, module", "pytest 9, script", "pytest 8, module", "pytest 8, script")
def test_every_pytest(result):
    proven(result, "pipe-full", WAIT_BEFORE_READ, ["writer"])


@proves
@of("pytest 9, module")
def test_report(result):
    finding, report = result.finding(), result.report
    pytest_pid, writer = result.role("pytest"), result.role("writer")
    row = row_of(finding, writer)
    assert row["syscall"] == "write" and row["fd"] == 1 and re.fullmatch(r"pipe:\[\d+\]", row["object"])
    assert pytest_pid in row["waits_for"]
    assert row_of(finding, pytest_pid)["syscall"] in ("wait4", "waitid") and writer in row_of(finding, pytest_pid)["waits_for"]
    assert 0 < finding["onset_s"] < finding["detected_s"]
    rows = {process["pid"]: process for process in report["processes"]}
    assert rows[writer]["ppid"] == pytest_pid and rows[writer]["cmdline"][1].endswith("chatty.py")
    assert rows[pytest_pid]["test"] == WAIT_BEFORE_READ
    assert rows[pytest_pid]["started_s"] <= rows[writer]["started_s"]
    assert (writer, "SIGINT") in {(row["pid"], row["signal"]) for row in report["cleanup"]["signalled"]}
    assert report["command"][-1] == WAIT_BEFORE_READ


@proves
@of("pytest 9, module")
def test_screen(result):
    screen, finding = result.screen, result.finding()
    lines = screen.splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) <= 30, screen
    pipe = re.search(r"\d+", row_of(finding, result.role("writer"))["object"]).group()
    for words in (WAIT_BEFORE_READ, f"[{result.role('pytest')}]", f"[{result.role('writer')}]", "chatty.py", pipe, "proven",
                  "pipe", ".tracewrap/last/report.html"):
        assert words in screen, (words, screen)
    assert re.search(r"\bfd ?1\b|descriptor 1\b|standard output", screen), screen
    assert "\033" not in screen


@proves
@of("pytest 9, module")
def test_what_to_do_is_said_on_the_screen_and_in_the_report(result):
    advice = result.finding()["advice"]
    assert "communicate" in advice or "read" in advice
    assert " ".join(advice.split()) in " ".join(result.screen.split()) or "communicate" in result.screen


@proves
@of("pytest 9, module")
def test_folder(result):
    top = result.folder / ".tracewrap"
    assert (top / ".gitignore").read_text() == "*\n"
    assert (top / "last").is_symlink() and len(list((top / "runs").iterdir())) == 1
    assert {re.sub(r"\d+", "N", path.name) for path in (top / "last").iterdir()} == {"pipe-N.log", "report.json",
                                                                                     "snapshot.json", "report.html", "summary.md", "trace.json"}
    assert re.fullmatch(r"runs/\d{8}-\d{6}-\d+", os.readlink(top / "last"))


@proves
@of("old runs")
def test_old_runs_go(result):
    runs = sorted(path.name for path in (result.folder / ".tracewrap" / "runs").iterdir())
    assert "mine" in runs
    runs.remove("mine")
    assert len(runs) == 20
    assert runs[0] == "20200107-120000-106"
    assert os.readlink(result.folder / ".tracewrap" / "last") == f"runs/{runs[-1]}"


@proves
@of("own folder")
def test_folder_of_ones_own(result):
    assert result.code == 124
    named = json.loads((result.folder / "here.json").read_text())
    check_report(named, 124)
    assert named == json.loads((result.folder / "deep" / "down" / "last" / "report.json").read_text())
    assert not (result.folder / ".tracewrap").exists()
    assert "deep/down/last/report.html" in result.screen


@proves
@of("quiet")
def test_quiet_still_tells_of_a_hang(result):
    proven(result, "pipe-full", WAIT_BEFORE_READ, ["writer"])
    assert "proven" in result.screen


@proves
@of("no pytest")
def test_output_of_the_command_is_untouched(result):
    assert result.code == 124
    assert result.out == b"hello\n"
    assert result.err.startswith(b"oops\n") and result.err.count(b"oops") == 1
    finding = result.finding()
    assert finding["kind"] == "pipe-full" and finding["test"] is None


# Which test -----------------------------------------------------------------------------------------------------------

@proves
@of("class")
def test_names_with_blanks_and_brackets(result):
    proven(result, "pipe-full", "test_pipes.py::TestNames::test_parametrized[[in] brackets]", ["writer"])


@proves
@of("non-ASCII")
def test_names_beyond_ascii(result):
    proven(result, "pipe-full", "test_pipes.py::TestNames::test_größe", ["writer"])
    assert "test_größe" in result.screen


@proves
@of("whole file")
def test_the_test_that_hangs_not_the_one_before(result):
    proven(result, "pipe-full", WAIT_BEFORE_READ, ["writer"])


@proves
@of("setup")
def test_setup_of_a_fixture(result):
    proven(result, "pipe-full", "test_pipes.py::test_hangs_in_setup", ["writer"], phase="setup")
    assert "(setup)" in result.screen


@proves
@of("teardown")
def test_teardown_of_a_fixture(result):
    proven(result, "pipe-full", "test_pipes.py::test_hangs_in_teardown", ["writer"], phase="teardown")
    assert "(teardown)" in result.screen


# What else can be full or stuck -----------------------------------------------------------------------------------------

@proves
@of("multiprocessing")
def test_multiprocessing(result):
    proven(result, "pipe-full", "test_pipes.py::test_multiprocessing_child", ["writer"])


@proves
@of("fork")
def test_fork(result):
    proven(result, "pipe-full", "test_pipes.py::test_forked_child", ["writer"])


@proves
@of("queue")
def test_queue(result):
    proven(result, "pipe-full", "test_pipes.py::test_queue_joined_before_get", ["writer"])


@proves
@of("socketpair")
def test_socketpair(result):
    finding = proven(result, "pipe-full", "test_pipes.py::test_socketpair", ["writer"])
    assert row_of(finding, result.role("writer"))["object"].startswith("socket:[")


@proves
@of("terminal")
def test_terminal(result):
    proven(result, "pipe-full", "test_pipes.py::test_terminal", ["writer"])


@proves
@of("threads")
def test_idle_threads_beside(result):
    proven(result, "pipe-full", "test_pipes.py::test_beside_idle_threads", ["writer"])


@proves
@of("crowd")
def test_a_crowd_fits_the_screen(result):
    finding = result.finding()
    assert (finding["kind"], finding["certainty"]) == ("pipe-full", "proven") and not result.left
    assert finding["culprits"] and set(finding["culprits"]) <= set(result.roles["chatty"])
    assert {row["pid"] for row in finding["blocked"]} >= set(result.roles["chatty"]), "the report has them all"
    lines = result.screen.splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) <= 30, result.screen


@proves
@of("long name")
def test_a_long_name_is_whole_in_the_report(result):
    name = f"test_pipes.py::test_long_name[{'x y ' * 60}]"
    proven(result, "pipe-full", name, ["writer"])
    assert len(result.screen.splitlines()) <= 30


@proves
@of("shell")
def test_a_shell_between(result):
    proven(result, "pipe-full", "test_pipes.py::test_unreadable_output_of_a_shell", ["chatty"])


@proves
@of("eof")
def test_end_of_file(result):
    proven(result, "pipe-eof", "test_pipes.py::test_end_of_file", ["daemon"])


@proves
@of("child")
def test_child_wait(result):
    proven(result, "child-wait", "test_pipes.py::test_child_that_waits_for_a_signal", ["daemon"])


@proves
@of("tcp")
def test_both_receive_on_loopback(result):
    proven(result, "socket", "test_others.py::test_both_receive", ["asker", "answerer"])


@proves
@of("flock")
def test_file_locks(result):
    proven(result, "lock", "test_others.py::test_files_locked_crosswise", ["locker"])


@proves
@of("semaphores")
def test_semaphores(result):
    proven(result, "lock", "test_others.py::test_semaphores_locked_crosswise", ["locker"])


# What is not proven, and what ends it -------------------------------------------------------------------------------------

@of("alarm")
def test_near_miss_a_timer_ends_it(result):
    """The same pipe, as full, but an alarm of the test kills the child: the run passes, and not a word was said."""
    assert result.code == 0 and not result.left, result
    assert result.err == b""
    assert not (result.folder / ".tracewrap").exists()


@of("fifo")
def test_fifo_anyone_may_open_by_name(result):
    assert result.code == 124 and not result.left, result
    finding = result.finding()
    assert (finding["kind"], finding["certainty"]) == ("pipe-full", "suspected")
    assert finding["culprits"] == [result.role("chatty")]
    assert result.report["outcome"] == "stall"
    assert result.screen.count("test_pipes.py::test_fifo") == 1, "the screen is shown once"


@of("xdist")
def test_xdist_is_never_proven_while_its_controller_ticks(result):
    assert result.code == 124 and not result.left, result
    report = result.report
    check_report(report, 124)
    assert report["outcome"] == "stall"
    assert [finding["certainty"] for finding in report["findings"]] == ["suspected"]


@of("busy", "sleep")
def test_time_over(result):
    assert result.code == 124 and not result.left, result
    finding = result.finding()
    assert (finding["kind"], finding["certainty"]) == ("stall", "suspected")
    assert result.report["outcome"] == "stall" and result.report["duration_s"] >= 2
    assert finding["blocked"], "what everybody did is told"
    assert "--timeout" in result.screen and max(map(len, result.screen.splitlines())) <= 80
    assert result.out == b""


@of("sleep")
def test_time_over_says_what_everybody_did(result):
    calls = {row["comm"]: row["syscall"] for row in result.finding()["blocked"]}
    assert calls["sleep"] in ("clock_nanosleep", "nanosleep") and calls["sh"] == "wait4"


# --on-hang report -------------------------------------------------------------------------------------------------------------

@proves
@of("report, SIGINT", "report, SIGTERM")
def test_only_told(result):
    before = result.before
    assert before["living"] == [True, True]
    assert before["report"]["cleanup"]["signalled"] == []
    assert not result.left
    finding = result.finding()
    assert (finding["kind"], finding["certainty"]) == ("pipe-full", "proven")
    assert finding == before["report"]["findings"][0]
    assert result.report["outcome"] == "hang"


@proves
@of("report, SIGINT")
def test_only_told_then_interrupted(result):
    assert result.code == 2, result
    assert b"KeyboardInterrupt" in result.out


@proves
@of("report, SIGTERM")
def test_only_told_then_terminated(result):
    assert result.code == -signal.SIGTERM, result


@proves
@of("report, timeout")
def test_only_told_until_the_time_is_over(result):
    finding = proven(result, "pipe-full", WAIT_BEFORE_READ, ["writer"])
    assert finding["detected_s"] < 12 <= result.report["duration_s"]


@proves
@of("report, freed")
def test_only_told_then_freed_from_outside(result):
    """The command ends as it likes, with its own exit code; that it was stuck meanwhile stays in the report."""
    assert result.code == 0 and not result.left, result
    assert result.got == 300_000 and b"1 passed" in result.out
    assert (result.told["kind"], result.told["certainty"], result.told["culprits"]) == ("pipe-full", "proven", [result.role("writer")])
    report = result.report
    check_report(report, 0)
    assert report["outcome"] == "pass" and report["findings"] == [result.told]
    assert report["cleanup"] == {"signalled": [], "survivors": []}


@proves
@of("SIGUSR1")
def test_state_on_request(result):
    assert result.before == result.after
    for pid in result.pids:
        assert f"[{pid}]" in result.picture
    assert "write" in result.picture and "wait" in result.picture
    assert result.code == -signal.SIGTERM and not result.left


# The saved snapshot --------------------------------------------------------------------------------------------------------------

@proves
@of("snapshot")
def test_explained_again(result):
    screen, report = result.explained
    assert screen.returncode == report.returncode == 124, (screen, report)
    assert screen.stderr == report.stderr == b""
    again, first = json.loads(report.stdout)["findings"][0], result.finding()
    assert {key: again[key] for key in ("kind", "certainty", "test", "culprits")} == \
        {key: first[key] for key in ("kind", "certainty", "test", "culprits")}
    assert [(row["tid"], row["syscall"], row["object"]) for row in again["blocked"]] == \
        [(row["tid"], row["syscall"], row["object"]) for row in first["blocked"]]
    assert WAIT_BEFORE_READ in screen.stdout.decode() and f"[{result.role('writer')}]" in screen.stdout.decode()
    assert read(result.folder / "saved.json") == read(result.folder / ".tracewrap" / "last" / "snapshot.json")


# Clean-up --------------------------------------------------------------------------------------------------------------------------

def signals_of(result):
    signals = {}
    for row in result.report["cleanup"]["signalled"]:
        signals.setdefault(row["pid"], []).append(row["signal"])
    return signals


@proves
@of("stubborn")
def test_all_kinds_of_stubborn_processes_go(result):
    assert result.code == 124 and not result.left, result
    signals = signals_of(result)
    assert result.finding()["kind"] == "pipe-full"
    assert signals[result.role("ignore-plain")] == ["SIGINT"]
    assert signals[result.role("ignore-int")] == ["SIGTERM"]
    for name in ("ignore-int-term", "ignore-int-term-hup-quit"):
        assert signals[result.role(name)][-1] == "SIGKILL"
    assert set(signals) >= {result.role("daemon"), result.role("grandchild"), result.role("stopped")}
    assert result.report["cleanup"]["survivors"] == []


@proves
@of("stubborn")
def test_teardown_of_the_tests_ran(result):
    assert (result.folder / "teardown-ran").exists()


@proves
@of("tidy")
def test_who_tidies_up_gets_the_time(result):
    assert result.code == 124 and not result.left, result
    assert (result.folder / "tidied").exists()
    assert signals_of(result)[result.role("tidy")] == ["SIGINT"]


@proves
@of("spin")
def test_who_never_ends_is_killed_after_the_grace(result):
    assert result.code == 124 and not result.left, result
    assert signals_of(result)[result.role("spin")] == ["SIGINT", "SIGKILL"]
