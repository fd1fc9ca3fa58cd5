"""Many ways to start processes, all of which end."""
import asyncio
import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from multiprocessing.pool import ThreadPool

import pytest

mp = multiprocessing.get_context("fork")


def square(n):
    return n * n


def sum_of_squares(n, queue):
    with ThreadPool(2) as pool:
        queue.put(sum(pool.map(square, range(n))))


def test_trees():
    queue = mp.Queue()
    workers = [mp.Process(target=sum_of_squares, args=(n, queue)) for n in range(1, 4)]
    for worker in workers:
        worker.start()
    assert sorted(queue.get() for _ in workers) == [0, 1, 5]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0


def test_pool():
    with mp.Pool(3) as pool:
        assert pool.map(square, range(50)) == [n * n for n in range(50)]


def test_spawned():
    worker = multiprocessing.get_context("spawn").Process(target=square, args=(2,))
    worker.start()
    worker.join()
    assert worker.exitcode == 0


async def echo(words):
    child = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = await child.communicate(words)
    return out, child.returncode


def test_asyncio():
    async def many():
        return await asyncio.gather(*(echo(b"%d" % n * 1000) for n in range(8)))
    assert asyncio.run(many()) == [(b"%d" % n * 1000, 0) for n in range(8)]


def test_large_output_both_ways():
    data = os.urandom(500_000)
    assert subprocess.run(["cat"], input=data, stdout=subprocess.PIPE, check=True).stdout == data


def test_many_short_ones():
    for n in range(150):
        assert subprocess.run(["/bin/true"]).returncode == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_death_of_a_child(sig):
    child = subprocess.Popen(["sleep", "300"])
    child.send_signal(sig)
    assert child.wait() == -sig


def test_alarm():
    rang = threading.Event()
    old = signal.signal(signal.SIGALRM, lambda *_: rang.set())
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    while not rang.is_set():
        signal.pause()
    signal.signal(signal.SIGALRM, old)


def test_faulthandler():
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback_later(0.05, file=file, exit=False)
        threading.Event().wait(0.2)
        faulthandler.cancel_dump_traceback_later()
        file.seek(0)
        assert b"test_faulthandler" in file.read()


NO_CHILDREN = """
import os, subprocess
assert subprocess.run(["sh", "-c", "(true &); exit 3"]).returncode == 3
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("none")
"""


def test_grandchildren_without_parent_do_not_become_ours():
    out = subprocess.run([sys.executable, "-c", NO_CHILDREN], stdout=subprocess.PIPE, check=True).stdout
    assert out == b"none\n"


def test_stdin():
    assert subprocess.run([sys.executable, "-c", "print(input())"], input=b"typed\n", stdout=subprocess.PIPE).stdout == b"typed\n"
