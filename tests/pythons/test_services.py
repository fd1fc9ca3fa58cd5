"""Helper threads of libraries: which are known by their stacks, and which descriptor they live from."""
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import LIMIT, TOP, read, run_helper

STANDARD = {"concurrent.futures thread without work", "multiprocessing fork server", "multiprocessing manager",
            "multiprocessing pool: results", "multiprocessing pool: tasks", "multiprocessing pool: workers", "multiprocessing queue feeder",
            "multiprocessing resource sharer", "multiprocessing resource tracker"}


def services(pids):
    """[(service, descriptor or None, the descriptor of its read(2) or recvfrom(2) or None)] of all threads that are known."""
    rows = []
    for process in run_helper("--locks", *pids):
        for thread in process["threads"]:
            call = read(f"/proc/{process['pid']}/task/{thread['tid']}/syscall").split()
            reads = int(call[1], 16) if call and call[0] in ("0", "45") else None
            if thread["service"]:
                rows.append((thread["service"], thread["service_fd"], reads))
    return rows


def check_descriptors(rows):
    for name, fd, reads in rows:
        one = "receiver" in name or "tracker" in name or "results" in name
        assert fd == (reads if one else None) and (not one or fd is not None), rows


def test_standard_library(start):
    target = start("services")
    rows = services(target.pids.values())
    check_descriptors(rows)
    assert {name for name, _, _ in rows} == STANDARD
    assert len(rows) == len(STANDARD)


def test_none_where_the_user_waits(start):
    """Events, queues, pipes and locks of the target's own functions: no helper thread, whatever library they wait through."""
    target = start("locks", "queues")
    assert services(target.pids.values()) == []


def venv(module):
    for folder in (os.environ.get("VENV"), TOP / "build/venv", TOP / "build/corpus-venv"):
        python = Path(folder) / "bin/python" if folder else None
        if python and python.exists() and subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0:
            return str(python)
    pytest.skip(f"{module} is not here")


@pytest.fixture
def program(tmp_path):
    """program(MODULE, NAME, TEXT, WORD...): a Python that has MODULE runs WORD... beside the file. A function that lists its pids."""
    running = []

    def begin(module, name, text, *words):
        (tmp_path / name).write_text(text)
        running.append(subprocess.Popen([venv(module), *words], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True))
        return lambda: support.descendants(running[-1].pid)
    yield begin
    for proc in running:
        for pid in reversed(support.descendants(proc.pid)):
            subprocess.run(["kill", "-KILL", str(pid)], capture_output=True)
        proc.wait()
    shutil.rmtree(tmp_path, ignore_errors=True)


def until(pids, names):
    """Read until NAMES, sorted, are found: the condition that the program is as far as it gets."""
    end = time.monotonic() + LIMIT
    rows = services(pids())
    while sorted(name for name, _, _ in rows) != names:
        assert time.monotonic() < end, rows
        time.sleep(0.05)
        rows = services(pids())
    return rows


def test_xdist(program):
    """Two receivers in the controller, one in each worker; their main threads run, or run a test, and are none."""
    hang = "import os\n\ndef test_a():\n    os.read(os.pipe()[0], 1)\n\ndef test_b():\n    os.read(os.pipe()[0], 1)\n"
    pids = program("xdist", "test_hang.py", hang, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "test_hang.py")
    check_descriptors(until(pids, ["execnet receiver"] * 4))


def test_execnet_without_a_task(program):
    text = "import execnet, os\ng = execnet.makegateway()\ng.remote_exec('pass').waitclose()\nos.read(os.pipe()[0], 1)\n"
    pids = program("execnet", "gateway.py", text, "gateway.py")
    check_descriptors(until(pids, ["execnet receiver"] * 2 + ["execnet worker without a task"]))


def test_trio_thread(program):
    text = "import trio\nasync def main():\n    await trio.to_thread.run_sync(int)\n    await trio.sleep_forever()\ntrio.run(main)\n"
    until(program("trio", "threads.py", text, "threads.py"), ["trio thread without work"])
