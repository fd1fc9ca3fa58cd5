import multiprocessing as mp
from facts import role, onset

def worker(cond, n):
    role("worker")
    with cond:
        cond.wait()

def test_notify_one():
    role("pytest")
    ctx = mp.get_context("spawn")
    cond = ctx.Condition()
    children = [ctx.Process(target=worker, args=(cond, n)) for n in range(3)]
    for child in children:
        child.start()
    while not cond._sleeping_count.get_value() == 3:
        pass
    with cond:
        cond.notify()
    onset()
    for child in children:
        child.join()
