"""Async tasks: the trees that asyncio and trio have, as the targets themselves walk them before they come to rest."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support import TOP, Target, as_root, probe, python_frames, run_helper

TRIO = {"old": TOP / "build" / "trio-old", "new": TOP / "build" / "trio-new"}  # tests/setup.sh pythons makes them
TRACTOR = TOP / "build" / "venv-tractor" / "bin" / "python"


def seen(task):
    """A row of the helper in the form in which the targets tell."""
    return {**task, "frames": python_frames(task["frames"]), "writes": task["fd_writes"], "waits_for": sorted(task["waits_for"]),
            "functions": [frame["function"] for frame in task["frames"]]}


def take(left, want):
    """The row of LEFT that WANT speaks of, taken out; None: there is none."""
    for i, row in enumerate(left):
        if row["id"] == want["id"] if "id" in want else all(row[key] == want[key] for key in want):
            return left.pop(i)
    return None


def check(target, process):
    """All tasks that were told are there, as told, and no other."""
    assert process["tasks_cut"] is None
    left, wrong = [seen(task) for task in process["tasks"]], []
    for want in target.told["tasks"]:
        if want.get("child"):
            want["child"] = target.pids[want["child"]]
        got = take(left, want)
        if got is None:
            wrong.append(f"missing: {want}")
            continue
        wrong += [f"{want['name']}: {key}\n  told: {want[key]}\n  read: {got[key]}" for key in want if got[key] != want[key]]
    wrong += [f"not told: {row}" for row in left]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", ["all", "python", "derived", "blocking"])
def test_asyncio(start, kind):
    target = start("async_asyncio", kind)
    check(target, target.read("--tasks"))


def test_nobody_asked(start):
    process = start("async_asyncio", "blocking").read()
    assert process["tasks"] == [] and process["tasks_cut"] is None


def test_frozen(start):
    """gc.freeze() sets all objects aside: none is in the three generations."""
    target = start("async_asyncio", "frozen")
    check(target, target.read("--tasks"))


def test_in_a_sub_interpreter(start):
    target = start("async_inside")
    check(target, target.read("--tasks"))


@as_root
def test_in_a_namespace_of_its_own(start):
    """The process knows its child by another number than we do."""
    target = start("async_asyncio", before=("unshare", "--pid", "--fork", "--kill-child"))
    assert any(inner != pid for inner, pid in target.pids.items())
    check(target, target.read("--tasks"))


def test_cut_by_time(start):
    process = start("async_asyncio").read("--tasks", "--most-ns", 1)
    assert process["tasks_cut"] == "it took too long" and process["why"] is None


def test_cut_by_memory(start):
    """However little may be read: what is told is told whole, and the newest objects are looked at first."""
    target = start("async_asyncio")
    told = {task["id"]: task for task in target.told["tasks"] if "id" in task}
    whole, cut = False, 0
    for pages in range(4000, 200, -400):
        process = target.read("--tasks", "--most-pages", pages)
        named = [seen(task) for task in process["tasks"] if task["id"] in told]
        for task in named:
            assert {key: task[key] for key in told[task["id"]]} == told[task["id"]]
        if process["tasks_cut"] is None:
            whole = whole or len(named) == len(told)
        else:
            assert process["tasks_cut"] == "too much memory was to be read" and process["why"] is None
            cut = max(cut, len(named))
    assert whole and cut > 5


SPINS = """import asyncio
async def main():
    print(flush=True)
    while True:
        pass
asyncio.run(main())
"""


def test_a_process_that_runs(python):
    """What was read from one that did not stand still may be torn, and it is said so."""
    with subprocess.Popen([*python.words(python.path), "-c", SPINS], stdout=subprocess.PIPE) as target:
        try:
            assert target.stdout.readline() == b"\n"
            process, = run_helper("--tasks", target.pid)
        finally:
            target.kill()
    assert process["tasks_cut"] == "the process ran while they were looked for"


@pytest.fixture
def trio_folder(python, request):
    """A trio for this Python, where its processes can see it."""
    if request.param == "new" and python.minor < 10 or request.param == "old" and python.minor > 13:
        pytest.skip("that trio is for others")
    if not (TRIO[request.param] / "trio").exists():
        pytest.skip(f"{TRIO[request.param]} is not there")
    if not python.root:
        yield str(TRIO[request.param])
        return
    with tempfile.TemporaryDirectory(prefix="tracewrap-trio-", dir=python.outside("/tmp")) as top:
        shutil.copytree(TRIO[request.param], top, dirs_exist_ok=True)
        os.chmod(top, 0o755)
        yield f"/tmp/{Path(top).name}"


@pytest.mark.parametrize("trio_folder", ["old", "new"], indirect=True)
def test_trio(start, trio_folder):
    target = start("async_trio", env={"PYTHONPATH": trio_folder})
    check(target, target.read("--tasks"))


def asyncio_ps(python, pid):
    """[task id, its name, id of who awaits it] by `python -m asyncio ps`, run beside the process."""
    words = ["nsenter", "-t", str(pid), "-m", *python.words(python.path), "-m", "asyncio", "ps", str(pid)]
    done = subprocess.run(words, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, timeout=60)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(str(pid))]
    assert rows, done.stdout
    return [(row[1], row[-1]) for row in rows]


@as_root
def test_like_asyncio_ps(python, start):
    """3.14 has a reader of its own. It has to see /proc, and the process's paths as that has them."""
    if python.minor < 14:
        pytest.skip("there is none before 3.14")
    root = str(python.root or "/")
    inside = ("unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && exec "$@"', root)
    target = start("async_asyncio", before=inside if python.root else ())
    tasks = [task for task in target.read("--tasks")["tasks"] if task["library"] == "asyncio"]
    rows = asyncio_ps(python, target.pid)
    assert {task for task, _ in rows} == {task["id"] for task in tasks}
    assert {(waiter, task) for task, waiter in rows if waiter != "0x0"} == {(t["id"], other) for t in tasks for other in t["waits_for"]}


def one(rows):
    rows = list(rows)
    assert len(rows) == 1, rows
    return rows[0]


def task_in(process, function, file):
    """The one task whose own function is FUNCTION."""
    return one(task for task in process["tasks"] if task["library"] == "trio" and task["frames"] and
               any(f["function"] == function and f["file"].endswith(file) for f in task["frames"]))


@pytest.fixture
def tractor():
    if not TRACTOR.exists():
        pytest.skip(f"{TRACTOR} is not there")
    target = Target(probe(str(TRACTOR)), "async_tractor", words=[str(TRACTOR), "-W", "ignore"])
    yield target
    target.end()


def test_tractor(tractor):
    told = {line["actor"]: line["pid"] for line in tractor.lines}
    assert set(told) == {"root", "слуга"}
    root, servant = (tractor.read("--tasks", pid=told[name]) for name in ("root", "слуга"))
    assert (root["actor"], servant["actor"]) == ("root", "слуга")
    assert task_in(servant, "waits", "async_tractor.py")["awaits"] == "sleep_forever"
    main = task_in(root, "main", "async_tractor.py")
    assert main["awaits"] == "MemoryReceiveChannel.receive" and "Portal.run" in [f["function"] for f in main["frames"]]
    # Each reads what the other may send.
    for process in root, servant:
        assert any(task["awaits"] == "SocketStream.receive_some" and task["fd"] is not None and not task["fd_writes"] for task in process["tasks"])


@pytest.mark.parametrize("kind, name", [("struct", "имя"), ("uid", "имя"), ("odd", None), ("none", None), ("foreign", None)])
def test_actors_of_newer_releases(start, kind, name):
    assert start("async_actor", kind).read("--tasks")["actor"] == name
