"""What test_events.py and test_history.py share."""
import functools
import json
import os
import subprocess
import sys

import pytest
from support import ENVIRON, PY, PYTEST, SUITES, TRACEWRAP

MODES = ("proc", "preload", "ptrace", "notify")
STORM = (PY, str(SUITES / "family" / "storm.py"))
FAMILY = (*PYTEST, "-q", str(SUITES / "family" / "test_family.py"))
#: No network namespace but the first has the proc connector (net/netlink, NETLINK_CONNECTOR is made for init_net alone).
ELSEWHERE = ("unshare", "-n")


@functools.cache
def works(mode):
    done = subprocess.run([TRACEWRAP, f"--mode={mode}", "true"], capture_output=True, env=ENVIRON, timeout=60)
    return done.returncode == 0 and not done.stderr


@pytest.fixture(params=MODES)
def mode(request):
    if not works(request.param):
        pytest.skip(f"mode {request.param} does not work here")
    return request.param


def watch(cwd, *words, before=(), **more):
    more.setdefault("capture_output", True)
    return subprocess.run([*before, TRACEWRAP, *map(str, words)], cwd=cwd, env=ENVIRON, text=True, stdin=subprocess.DEVNULL, timeout=120,
                          **more)


def report_of(folder):
    return json.loads((folder / "r.json").read_text())


def report(folder, *words, before=(), code=0):
    """The report of a run that says nothing, in FOLDER."""
    done = watch(folder, "--report-json", "r.json", "--leaks", "ignore", *words, before=before)
    assert (done.returncode, done.stderr) == (code, ""), done
    return report_of(folder)


#: Who asks for each event gets the kernel's word on them, where it can be had; others do not pay for it.
EACH = ("--events", "/dev/null")


@functools.cache
def has_connector():
    """Only with it does mode proc see every process."""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        from pathlib import Path
        return report(Path(folder), "--mode=proc", *EACH, "true")["processes_complete"]


needs_connector = pytest.mark.skipif("not __import__('live').has_connector()", reason="the proc connector can't be had here")
needs_namespaces = pytest.mark.skipif(
    subprocess.run([*ELSEWHERE, "true"], capture_output=True).returncode != 0, reason="a network namespace can't be made here")
assert sys.version_info >= (3, 9) and os.sep == "/"
