"""A plain user's run by /proc alone: alarms can't be heard, so hangs are suspected, with the reason, and end only when the time is over."""
import json
import os
import signal

from support import (NOBODY, USER_PY, Run, alive, as_plain_user, batch, check_report, of, open_folder, result, row_of,  # noqa: F401
                     user_pytest)

pytestmark = as_plain_user


def told_and_left():
    """Neither ended nor signalled, as long as nobody wants it: another SIGUSR1's worth of looks goes by."""
    with Run(USER_PY, "-m", "pytest", "-q", "test_user.py::test_hangs", suite="user", user=NOBODY, options=("--mode", "proc"),
             env={"PYTHONPATH": str(open_folder() / "lib")}) as r:
        finding = r.until_finding()
        writer = r.roles()["writer"][-1]
        for n in (1, 2, 3):
            r.proc.send_signal(signal.SIGUSR1)
            r.until(lambda: (r.top / "err").read_text().count("of them stuck") >= n, "picture")
        living = alive(writer), alive(r.proc.pid)
        r.proc.send_signal(signal.SIGTERM)
        result = r.finish()
        result.told, result.living = finding, living
        return result


RUNS = {
    "hang": lambda: user_pytest("-q", "test_user.py::test_hangs", suite="user", options=("--mode", "proc", "--timeout", "6s")),
    "unreadable": lambda: user_pytest("-q", "test_user.py::test_hangs_unreadable", suite="user", options=("--timeout", "6s")),
    "left": told_and_left,
    "healthy": lambda: user_pytest("-q", "test_user.py::test_passes", suite="user", options=("--report-json", "report.json")),
}


@of("hang")
def test_right_kind_but_suspected(result):
    assert result.code == 124 and not result.left, result
    finding = result.finding()
    assert (finding["kind"], finding["certainty"]) == ("pipe-full", "suspected")
    assert finding["test"] == "test_user.py::test_hangs"
    assert finding["culprits"] == [result.role("writer")]
    assert row_of(finding, result.role("writer"))["syscall"] == "write"
    assert result.report["outcome"] == "stall"
    assert 0 < finding["detected_s"] <= result.report["duration_s"] and result.report["duration_s"] >= 6


@of("hang")
def test_the_report_says_why(result):
    assert "alarm" in json.dumps(result.finding()).lower() or "alarm" in json.dumps(result.report).lower()
    assert "alarm" in result.screen.lower()
    assert "proven" not in result.screen.splitlines()[0]


@of("left")
def test_never_ended_by_a_suspicion(result):
    assert result.told["certainty"] == "suspected" and result.living == (True, True)
    assert result.code == -signal.SIGTERM and not result.left, result
    assert result.report["cleanup"]["survivors"] == []


@of("unreadable")
def test_who_can_not_be_read_counts_as_live(result):
    assert result.code == 124 and not result.left, result
    finding, report = result.finding(), result.report
    check_report(report, 124)
    assert finding["certainty"] == "suspected" and report["outcome"] == "stall"
    words = json.dumps(report).lower()
    assert "denied" in words or "refused" in words or "can't be read" in words or "not readable" in words or "permission" in words


@of("healthy")
def test_healthy(result):
    assert result.code == 0 and not result.left and result.err == b"", result
    report = json.loads((result.folder / "report.json").read_text())
    check_report(report, 0)
    assert report["outcome"] == "pass" and report["findings"] == []
    assert os.stat(result.folder / "report.json").st_uid == NOBODY
