"""A thousand processes that end as soon as they have begun: where a mode claims to know each of them, not one is missing."""
import collections
import json
import subprocess

import pytest
from support import TRACEWRAP, read, run

STORMS = {"fork": 250, "vfork": 200, "spawn": 200, "threads": 200, "double": 100}     # "double" makes two of each


def works(*options):
    return subprocess.run([TRACEWRAP, *options, "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def wants(*options):
    return pytest.mark.skipif(not works(*options), reason=f"{' '.join(options)} does not work here")


def storm(helpers, *options):
    """@return (pids as the processes wrote them, pids of the report's processes), each with how often it came"""
    script = "; ".join(f'"$0" "$1" {way} {count} || exit 1' for way, count in STORMS.items())
    result = run("sh", "-c", script, helpers / "storm", "pids", options=(*options, "--report-json", "r.json"))
    assert result.code == 0 and not result.left, result
    written = collections.Counter(map(int, read(result.folder / "pids").split()))
    assert sum(written.values()) == 1050
    processes = json.loads(read(result.folder / "r.json"))["processes"]
    return written, collections.Counter(process["pid"] for process in processes), processes


@wants("--mode=ptrace")
def test_not_one_is_missing_under_ptrace(helpers):
    written, reported, processes = storm(helpers, "--mode=ptrace")
    assert not written - reported
    ended = {process["pid"] for process in processes if process["ended_s"] is not None}
    assert not written.keys() - ended


@wants("--mode=preload")
def test_not_one_is_missing_in_preload_mode(helpers):
    """Told by the library, and by the proc connector where there is one: both must have seen the same."""
    written, reported, _ = storm(helpers, "--mode=preload")
    assert not written - reported
