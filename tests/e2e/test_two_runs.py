"""Two runs at the same time in one checkout, with the default report folder: each is about its own processes."""
import json
import os
import signal
import subprocess
import threading

import pytest

from support import PY, PYTEST, TRACEWRAP, Run, check_report, proves, read

HANG = ("-q", "test_pipes.py::test_wait_before_read")


class Beside:
    """A second tracewrap in the folder of a run, which tells its roles to a file of its own."""

    def __init__(self, r, *words):
        self.run, self.top = r, r.top
        env = r.env | {"TW_ROLES": str(r.top / "roles2")}
        with open(r.top / "err2", "wb") as err:
            self.proc = subprocess.Popen([TRACEWRAP, *words], cwd=r.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=err, start_new_session=True)

    def roles(self):
        return {name: int(pid) for name, pid in (line.split() for line in read(self.top / "roles2").decode().splitlines())}


def reports(folder):
    return [json.loads((run / "report.json").read_text()) for run in sorted((folder / ".tracewrap" / "runs").iterdir())]


def signalled(report):
    return {row["pid"] for row in report["cleanup"]["signalled"]}


@proves
def test_both_hang():
    with Run(*PYTEST, *HANG, suite="hang") as r:
        other = Beside(r, *PYTEST, *HANG)
        r.until(lambda: {"pytest", "writer"} <= set(other.roles()), "the second run's processes")
        code = other.proc.wait(r.limit)
        result = r.finish()
        first, second = {result.role(name) for name in ("pytest", "writer")}, set(other.roles().values())
        assert (result.code, code) == (124, 124) and not result.left, result
        both = reports(result.folder)
        assert len(both) == 2
        for report in both:
            check_report(report, 124)
            own, others = (first, second) if signalled(report) & first else (second, first)
            finding, = report["findings"]
            assert finding["certainty"] == "proven" and set(finding["culprits"]) < own
            assert own <= signalled(report) and not signalled(report) & others
            assert not {process["pid"] for process in report["processes"]} & others
        last = result.folder / ".tracewrap" / "last"
        assert json.loads((last / "report.json").read_text()) in both
        assert sorted(path.name for path in (result.folder / ".tracewrap").iterdir()) == [".gitignore", "last", "runs"]


@proves
@pytest.mark.parametrize("way", ["hang", "interrupt"])
def test_a_healthy_one_is_let_alone(way):
    """One is ended, by its verdict or by an interrupt; the other, which runs the same command line, goes on and ends well."""
    script = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    with Run(PY, "-c", script, "go", suite="hang") as r:
        healthy = r.proc
        if way == "hang":
            other = Beside(r, *PYTEST, *HANG)
            assert other.proc.wait(r.limit) == 124
        else:
            other = Beside(r, PY, "-c", script, "go")
            r.until(lambda: below(other.proc.pid), "the second command")
            other.proc.send_signal(signal.SIGINT)
            assert other.proc.wait(r.limit) == -signal.SIGINT
        assert healthy.poll() is None and len(below(healthy.pid)) == 1
        (r.folder / "go").touch()
        result = r.finish()
        assert result.code == 0 and not result.left and result.screen == "", result
        if way == "hang":
            both = reports(result.folder)
            assert {report["outcome"] for report in both} == {"hang", "pass"}
            passed, = (report for report in both if report["outcome"] == "pass")
            assert passed["findings"] == [] and signalled(passed) == set()


def below(outer):
    """The command of the tracewrap OUTER: what the supervisor has as child."""
    found = []
    for inner in read(f"/proc/{outer}/task/{outer}/children").split():
        if read(f"/proc/{int(inner)}/comm") == b"tw-inner\n":
            for task in os.listdir(f"/proc/{int(inner)}/task"):
                found += read(f"/proc/{int(inner)}/task/{task}/children").split()
    return found


def test_many_reports_at_once():
    """`last` is whole whenever it is read, and each run says where its own report lies."""
    broken, stop = [], threading.Event()
    with Run(PY, "-c", "", options=("--report", "reports")) as r:
        last = r.folder / "reports" / "last"

        def reader():
            seen = False
            while not stop.is_set():
                if seen and not os.path.exists(last):
                    broken.append("gone")
                seen = seen or os.path.exists(last)
        thread = threading.Thread(target=reader)
        thread.start()
        try:
            r.proc.wait(r.limit)
            started = [Beside(r, "--report", "reports", PY, "-c", "").proc for _ in range(8)]
            assert [proc.wait(r.limit) for proc in started] == [0] * 8
        finally:
            stop.set()
            thread.join()
        assert not broken
        runs = list((r.folder / "reports" / "runs").iterdir())
        assert len(runs) == 9 and all(json.loads((run / "report.json").read_text())["complete"] for run in runs)
        assert last.resolve() in [run.resolve() for run in runs]
