"""--worker: tracewrap between an xdist controller and its workers. Descriptors 0 and 1 are the protocol: nothing of ours goes there, and the
controller, who holds their other ends, is outside."""
import json
import os
import re

from support import PY, PYTEST, TRACEWRAP, batch, of, result, run  # noqa: F401

SUITE = """
import subprocess, sys, time
import pytest

@pytest.mark.parametrize("n", range(6))
def test_quick(n):
    subprocess.run([sys.executable, "-c", "print('x' * 1000)"], check=True)

def test_maybe_hangs(request):
    if "HANG" in __import__("os").environ:
        proc = subprocess.Popen([sys.executable, "-c", "print('x' * 200000)"], stdout=subprocess.PIPE)
        proc.wait()
"""


def xdist(*options, env=None, **more):
    spec = f"2*popen//python={TRACEWRAP} --worker {' '.join(options)} {PY}"

    def inside(r):
        (r.folder / "test_suite.py").write_text(SUITE)
    return run(*PYTEST, "-q", "--tx", spec, "--dist", "load", wrap=False, inside=inside, env=env, **more)


RUNS = {
    "passes": xdist,
    "reports": lambda: xdist("--report", "reports"),
    "hangs": lambda: xdist("--report", "reports", "--timeout", "12s", env={"HANG": "1"}),
    "stdout": lambda: run("sh", "-c", "echo from the command", options=("--worker", "-v")),
}


@of("passes", "reports")
def test_xdist_runs_through_it(result):
    assert result.code == 0 and not result.left, result
    assert b"7 passed" in result.out and b"INTERNALERROR" not in result.out
    assert result.err == b"" and not (result.folder / ".tracewrap").exists()


@of("stdout")
def test_not_a_byte_on_stdout(result):
    assert result.out == b"from the command\n" and b"tracewrap" in result.err


@of("reports")
def test_each_worker_has_its_own_report(result):
    runs = sorted((result.folder / "reports" / "runs").iterdir())
    assert len(runs) == 2 and not (result.folder / "reports" / "last").exists()
    for folder in runs:
        assert re.fullmatch(rf"\d{{8}}-\d{{6}}-{re.escape(os.uname().nodename.replace('/', '_'))}-\d+", folder.name)
        assert json.loads((folder / "report.json").read_text())["outcome"] == "pass"


@of("hangs")
def test_a_worker_that_hangs_beside_a_living_controller_is_suspected(result):
    assert result.code != 0 and not result.left, result
    reports = [json.loads(path.read_text()) for path in (result.folder / "reports" / "runs").glob("*/report.json")]
    findings = [finding for report in reports for finding in report["findings"]]
    assert findings and all(finding["certainty"] == "suspected" for finding in findings)
    assert any(finding["kind"] == "pipe-full" and finding["test"] == "test_suite.py::test_maybe_hangs" for finding in findings), findings
    assert (result.folder / "reports" / "last").is_symlink()
