"""Who waits for which lock, and who has it. targets/locks.py says for each scenario what must be found, and where nobody may
be named."""
import re
import time

import pytest

from support import LIMIT, TARGETS, as_root, run_helper

SCENARIOS = re.findall(r"^@scenario\ndef (\w+)\(", (TARGETS / "locks.py").read_text(), re.M)


def found(processes, wait):
    """What the helper says of one of the waits, in the shape of what the target says."""
    process = next(p for p in processes if p["pid"] == wait["pid"])
    lock = process.thread(wait["tid"])["lock"]
    if not lock:
        return None
    lines = {(o["pid"], o["tid"]): o["line"] for o in wait["owners"]}
    owners = [{"pid": o["pid"], "tid": o["tid"], "exact": o["exact"],
               "line": o["line"] if lines.get((o["pid"], o["tid"])) else None} for o in lock["owners"]]
    return {"pid": wait["pid"], "tid": wait["tid"], "kind": lock["kind"], "type": lock["type"], "owners": owners,
            "signal": lock["signal"], "gone": lock["owner_gone"], "only": lock["only_owners"]}


def read(target):
    return run_helper("--locks", *target.pids.values())


def test_there_are_scenarios():
    assert len(SCENARIOS) > 30


SINCE_13 = {"parked", "handle"}


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "gil"])
def test_locks(start, scenario, python):
    if scenario in SINCE_13 and python.minor < 13:
        pytest.skip("3.13 on")
    target = start("locks", scenario)
    processes = read(target)
    waits = target.told["waits"]
    assert waits and [found(processes, wait) for wait in waits] == waits
    for wait in waits:
        lock = next(p for p in processes if p["pid"] == wait["pid"]).thread(wait["tid"])["lock"]
        assert lock["address"] and bool(lock["shared"]) == (lock["kind"] == "multiprocessing lock")
        for o in lock["owners"]:
            assert o["file"] and o["line"], o


@as_root
@pytest.mark.parametrize("scenario", ["mutex_plain", "rlock_twice", "join", "semlock_forked"])
def test_in_another_pid_namespace(start, scenario):
    """The locks have the numbers of that namespace in them; what comes out has ours."""
    target = start("locks", scenario, before=("unshare", "--pid", "--fork", "--kill-child"))
    processes = read(target)
    for wait in target.told["waits"]:
        for one in (wait, *wait["owners"]):
            inner, one["pid"] = one["pid"], target.pids[one["pid"]]
            one["tid"] = target.host_tid(one["pid"], one["tid"])
            assert inner != one["pid"]
        assert found(processes, wait) == wait


def test_same_lock_same_address(start):
    target = start("locks", "still_entering")
    locks = [thread["lock"] for thread in read(target)[0]["threads"] if thread["lock"]]
    assert len(locks) == 3 and len({lock["address"] for lock in locks}) == 1


def test_gil(start):
    """Who waits for it runs every 5 ms, so nothing is exact; its holder is."""
    target = start("locks", "gil")
    wait = target.told["waits"][0]
    target.proc.stdin.write(b".")
    target.proc.stdin.flush()
    end = time.monotonic() + LIMIT
    while found(read(target), wait) != wait:
        assert time.monotonic() < end, (wait, read(target))
        time.sleep(0.02)
