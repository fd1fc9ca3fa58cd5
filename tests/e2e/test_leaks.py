"""What a run leaves behind is told with the test that made it, ended or removed; what only looks like it is none; and nothing that is
somebody else's is touched."""
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from support import PY, PYTEST, SUITES, TRACEWRAP, Run, as_root, batch, check_report, of, read, result, run  # noqa: F401

#: 127.0.0.1:1616 is one address of the machine, so each run gets a network namespace of its own.
NETNS = tuple(map(str, ("/usr/bin/env", "python3", SUITES / "netns.py")))
LEAKS = {
    "test_process": "leaked-process", "test_stopped": "leaked-process", "test_family": "leaked-process",
    "test_daemon": "leaked-listener", "test_udp_daemon": "leaked-listener",
    "test_daemon_without_environment": "leaked-listener", "test_daemon_of_another_network": "leaked-listener",
    "test_zombie": "zombie", "test_shm": "leaked-shm", "test_socket": "stale-socket",
}
#: The modes in which a test is told of by looks alone. (Without a library to load, preload is one, too.)
SAMPLED = ("proc", "ptrace", "notify")
SHORT = ("test_short_zombies", "test_lingers")
NEAR = ("test_session_daemon", "test_ends_soon", "test_waited_late", "test_shm_unlinked", "test_socket_unlinked",
        "test_socket_in_tmp_path", "test_address_in_use")

pytestmark = as_root


def made(folder):
    return read(folder / "made").decode().split()


def leaks(*tests, options=(), before=(), **more):
    def job():
        words = [*PYTEST, "-q", *(f"test_leaks.py::{name}" for name in tests)]
        result = run(*words, suite="leaks", options=("--report", ".tracewrap", *options), before=(*NETNS, *before), **more)
        result.made = [path for path in made(result.folder) if os.path.exists(path)]
        for path in result.made:
            os.unlink(path)
        return result
    return job


def birth_is_exact(helpers):
    """May a process be put in a time namespace here? Else the start of another is known to 10 ms alone."""
    return subprocess.run([helpers / "birth", str(os.getpid())], capture_output=True, check=True).stdout.startswith(b"exact")


def cut_short(how):
    """A run that has made a socket, shared memory and a listener, and hangs: that is proven, or it is interrupted."""
    def job():
        with Run(*PYTEST, "test_leaks.py::test_all_and_hang", suite="leaks", before=NETNS) as r:
            r.until_role("hangs")
            outer = r.proc.pid # netns.py has become tracewrap
            if how == "interrupt":
                os.kill(outer, signal.SIGINT)
            return with_made(r.finish())
    return job


def with_made(result):
    result.made = [path for path in made(result.folder) if os.path.exists(path)]
    return result


def beside(cwd):
    """beside.py takes the place of tracewrap, and starts it."""
    def job():
        with Run(PY, "beside.py", cwd, TRACEWRAP, "--verbose", *PYTEST, "-q", "test_leaks.py::test_process", "test_leaks.py::test_shm",
                 "test_leaks.py::test_registrar", suite="leaks", wrap=False, before=NETNS) as r:
            result = r.finish()
        result.made = [path for path in made(result.folder) if os.path.exists(path)]
        for path in result.made:
            os.unlink(path)
        result.reports = [json.loads((result.folder / f"report{n}/last/report.json").read_text()) for n in range(2)]
        return result
    return job


RUNS = {name: leaks(name) for name in (*LEAKS, *NEAR)} | {
    "two": leaks("test_process", "test_shm"),
    "fail": leaks("test_process", options=("--leaks", "fail")),
    "fail, healthy": leaks("test_ends_soon", options=("--leaks", "fail")),
    "ignore": leaks("test_process", "test_shm", options=("--leaks=ignore",)),
    "quiet": leaks("test_process", options=("-q",)),
    "hang": cut_short("hang"),
    "interrupt": cut_short("interrupt"),
    "beside": beside("/"),
}
RUNS["short socket"] = leaks("test_short_socket", "test_lingers", options=("--mode", "proc"))
for mode in SAMPLED:
    RUNS[f"short, {mode}"] = leaks(*SHORT, options=("--mode", mode))
    for when in ("collection", "between"):
        RUNS[f"{when}, {mode}"] = leaks(*SHORT, options=("--mode", mode), env={"WHEN": when, "PYTEST_PLUGINS": "between"})


@of(*LEAKS)
def test_told(result, request):
    name = request.node.callspec.params["result"]
    finding = result.finding()
    assert result.code == 0 and not result.left
    assert (finding["kind"], finding["certainty"]) == (LEAKS[name], "proven")
    # Looks that are 50 ms apart can't tell the test of what it did at its very beginning: then there is none, never another.
    assert finding["test"] == f"test_leaks.py::{name}"
    if "left" in result.roles:
        assert result.role("left") in finding["culprits"]
    assert "LEFT BEHIND" in result.screen and (finding["test"] or "") in result.screen
    assert max(map(len, result.screen.splitlines())) <= 80


@of(*(f"short, {mode}" for mode in SAMPLED))
def test_pytest_tells_of_a_test_that_no_look_saw(result, helpers):
    assert result.code == 0 and not result.left
    tests = {finding["test"] for finding in result.report["findings"]}
    assert {finding["kind"] for finding in result.report["findings"]} == {"zombie"}
    if birth_is_exact(helpers):
        assert tests == {"test_leaks.py::test_short_zombies"}
    assert tests <= {"test_leaks.py::test_short_zombies", None}


@of("short socket")
def test_pytest_tells_of_a_socket(result):
    finding = result.finding()
    assert (finding["kind"], finding["test"]) == ("stale-socket", "test_leaks.py::test_short_socket")


@of(*(f"{when}, {mode}" for when in ("collection", "between") for mode in SAMPLED))
def test_what_no_test_made_is_none_s(result):
    named = {finding["test"]: finding["culprits"] for finding in result.report["findings"]}
    assert result.code == 0 and not result.left
    assert result.role("none") in named[None], named


@of("test_daemon", "test_udp_daemon", "test_daemon_of_another_network")
def test_listeners_are_named(result):
    port = (result.folder / "daemon.pid").read_text().split()[1]
    assert [thing["name"] for thing in result.finding()["leak"]["things"]] == [f"127.0.0.1:{port}"]
    assert f"127.0.0.1:{port}" in result.screen


@of(*NEAR)
def test_near_misses_are_none(result):
    assert result.code == 0 and not result.left and not result.made
    assert result.report["findings"] == [] and result.screen == ""


@of("test_family")
def test_a_family_is_one_finding(result):
    finding = result.finding()
    assert len(finding["culprits"]) == 2 and finding["culprits"][0] == result.role("left")
    assert {row["pid"] for row in result.report["cleanup"]["signalled"]} >= set(finding["culprits"])


@of("test_shm", "test_socket")
def test_what_a_run_left_that_ended_by_itself_stays(result):
    name = result.finding()["leak"]["things"][0]["name"]
    assert name in result.made or Path(name).name == "left.sock" and (result.folder / "left.sock").is_socket()


@of("two")
def test_several_in_one_block(result):
    assert sorted(finding["kind"] for finding in result.report["findings"]) == ["leaked-process", "leaked-shm"]
    assert result.screen.count("LEFT BEHIND") == 1


@of("fail")
def test_fail(result):
    assert result.code == 122 and result.report["exit_code"] == 122 and result.report["outcome"] == "pass"


@of("fail, healthy")
def test_fail_is_for_leaks_only(result):
    assert result.code == 0 and result.screen == ""


@of("ignore")
def test_ignore_ends_and_says_no_more(result):
    assert result.code == 0 and not result.left and result.report["findings"] == []
    assert "ended what outlived" in result.screen and "LEFT" not in result.screen


@of("quiet")
def test_quiet(result):
    assert result.code == 0 and result.screen == "" and result.finding()["kind"] == "leaked-process"


@of("hang", "interrupt")
def test_cut_short(result):
    """What it made is removed, a line for each, and its address is free."""
    assert not result.left and not result.made and not (result.folder / "left.sock").exists()
    assert re.search(r"removed /dev/shm/tw_test_\d+, which this run had made", result.screen), result
    assert re.search(r"removed \S+/left.sock, which this run had made", result.screen), result
    report = result.report if (result.folder / ".tracewrap").exists() else {"findings": []}
    assert not [f for f in report["findings"] if f["leak"]]


@of("hang")
def test_the_address_is_free_again(result):
    assert "127.0.0.1:1616 is free again" in result.screen


@of("beside")
def test_nothing_of_others_is_touched(result):
    assert b"holder alive" in result.out and not result.left
    assert len(result.made) == 2 # what each has left in /dev/shm, for both ended by themselves
    ours = [{p["pid"] for p in report["processes"]} for report in result.reports]
    assert not ours[0] & ours[1]
    things = []
    for report, pids in zip(result.reports, ours):
        check_report(report)
        kinds = {finding["kind"]: finding for finding in report["findings"]}
        assert set(kinds) == {"leaked-process", "leaked-shm", "port-held"}
        assert len(report["findings"]) == 3
        assert set(kinds["leaked-process"]["culprits"]) <= pids
        assert {row["pid"] for row in report["cleanup"]["signalled"]} <= pids
        held = kinds["port-held"]
        assert held["culprits"] == [result.role("holder")] and held["leak"]["whose"] == "other"
        things += [thing["name"] for thing in kinds["leaked-shm"]["leak"]["things"]]
    assert sorted(things) == sorted(result.made)


def test_a_wrong_address_is_an_error(tmp_path):
    for value in ("x", "127.0.0.1", "127.0.0.1:0", "1616,", "[::1:80", "1.2.3.4.5:1", ""):
        if value == "1616,":
            continue
        done = subprocess.run([TRACEWRAP, "--ports", value, "true"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 125 and "--ports" in done.stderr and len(done.stderr.splitlines()) == 1
