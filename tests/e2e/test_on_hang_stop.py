"""--on-hang stop: a proven hang is kept as it is, stopped, until somebody ends it or lets it go on. tracewrap itself stops for nobody."""
import os
import signal

import pexpect
import pytest
from support import PYTEST, TRACEWRAP, Run, marked, proves, status_of

pytestmark = proves
HANG = (*PYTEST, "-q", "test_pipes.py::test_wait_before_read")


def state(pid):
    return status_of(pid).get("State", "X")[0]


def held(run):
    """The pids of the tree, once all of it is stopped."""
    run.until_said("let them go on")
    finding = run.until_finding()
    pids = [row["pid"] for row in run.report()["processes"] if row["ended_s"] is None]
    assert set(finding["culprits"]) <= set(pids)
    run.until(lambda: all(state(pid) == "T" for pid in pids), "stopped tree")
    return pids


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_it(sig):
    with Run(*HANG, suite="hang", options=("--on-hang", "stop")) as r:
        pids = held(r)
        assert state(r.proc.pid) == "S"
        r.proc.send_signal(sig)
        result = r.finish()
    assert result.code == 124 and not result.left, result
    assert result.finding()["certainty"] == "proven" and result.report["outcome"] == "hang"
    signalled = {(row["pid"], row["signal"]) for row in result.report["cleanup"]["signalled"]}
    assert {(pid, "SIGSTOP") for pid in pids} <= signalled


def test_one_signal_lets_it_go_on():
    """The stop has cut the write short; pytest still waits, or not: what counts is that all of the tree runs again."""
    with Run(*HANG, suite="hang", options=("--on-hang", "stop")) as r:
        pids = held(r)
        r.proc.send_signal(signal.SIGCONT)
        r.until_said("the run goes on")
        r.until(lambda: all(state(pid) in "SRDXZ" for pid in pids), "tree that runs")
        for pid in pids:
            if pid in marked(r.mark):
                os.kill(pid, signal.SIGKILL)
        result = r.finish()
    assert not result.left, result
    assert result.code == -signal.SIGKILL


def test_the_shell_is_not_told_of_a_stop():
    """On a terminal, with job control: tracewrap stays in the foreground, and Ctrl-C ends what it holds."""
    with Run("true", wrap=False, suite="hang") as place:
        place.proc.wait()
        shell = pexpect.spawn("/bin/bash", ["--norc", "--noprofile", "-i"], cwd=str(place.folder), env=place.env | {"PS1": "$ "}, timeout=60)
        try:
            shell.sendline(" ".join([TRACEWRAP, "--on-hang", "stop", *HANG]))
            shell.expect_exact("let them go on")
            assert not any(state(pid) == "T" and pid == shell.pid for pid in marked(place.mark))
            shell.sendintr()
            shell.expect_exact("report   .tracewrap/last/report.json")
            shell.sendline("echo code=$?; jobs")
            shell.expect(r"code=(\d+)")
            assert shell.match[1] == b"124"
        finally:
            shell.close(force=True)
