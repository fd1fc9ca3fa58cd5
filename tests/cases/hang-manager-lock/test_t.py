import multiprocessing as mp
import os
from facts import role, onset

def worker(lock):
    lock.acquire()
    os._exit(1)

def test_update():
    role("pytest")
    ctx = mp.get_context("spawn")
    with ctx.Manager() as manager:
        role("manager", manager._process.pid)
        lock = manager.Lock()
        child = ctx.Process(target=worker, args=(lock,))
        child.start()
        child.join()
        onset()
        lock.acquire()
