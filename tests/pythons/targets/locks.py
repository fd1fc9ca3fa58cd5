"""Threads that are blocked on locks: locks.py SCENARIO.

What they wait for goes out with tell(waits=[...]): what a reader from outside must find. "line" is that of the comment
"# at: NAME", or "# with: NAME", in this file, None where it does not matter. A wait of which "owners" is [] has none:
whoever is named there is a wrong answer.
"""
import concurrent.futures
import contextlib
import ctypes
import multiprocessing
import os
import queue
import re
import sys
import threading
import time

from _target import FOLDER, empty_pipe, start
from _target import tell as tell_all

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def lines(mark):
    with open(__file__) as f:
        return [n for n, line in enumerate(f, 1) if line.rstrip().endswith("# " + mark)]


def owner(tid, exact, name=None, pid=None):
    """From 3.11 on, inferred owners come with the line of their `with`."""
    found = lines("with: " + name) if name and not exact and sys.version_info >= (3, 11) else None
    found = found or (lines("at: " + name) if name else [None])
    return {"pid": pid or os.getpid(), "tid": tid, "exact": exact, "line": found[0]}


SIGNALS = re.compile(r"Condition|Event|Barrier|Queue|Future")


def wait(tid, kind, type, owners=(), gone=False, only=False, pid=None):
    return {"pid": pid or os.getpid(), "tid": tid, "kind": kind, "type": type, "owners": list(owners),
            "signal": bool(SIGNALS.search(type or "")), "gone": gone, "only": only}


def tell(*waits):
    tell_all(waits=waits)


def block():
    """In a pipe that nobody writes to."""
    os.read(NEVER, 1)  # at: block


def run(function, *args):
    """A thread that runs FUNCTION. @return its tid, once it has called its first argument."""
    ready = []
    said = os.pipe()

    def here():
        ready.append(threading.get_native_id())
        os.write(said[1], b".")

    start(function, here, *args)
    os.read(said[0], 1)
    return ready[0]


reached = []
NEVER = empty_pipe()
ME = threading.get_native_id


# ---- the targets' own functions: what holds, and what waits ----


def wait_with(here, lock):
    here()
    with lock:
        pass


def hold_with(here, lock):
    with lock:  # with: hold_with
        here()
        block()  # at: hold_with


def hold_plain(here, lock):
    lock.acquire()
    here()
    block()


# ---- locks of threads ----


@scenario
def abba():
    a, b = threading.Lock(), threading.Lock()
    meet = threading.Barrier(2)

    def one(here):
        with a:  # with: one
            here()
            meet.wait()
            with b:  # at: one
                pass

    def two(here):
        with b:  # with: two
            here()
            meet.wait()
            with a:  # at: two
                pass

    t1, t2 = run(one), run(two)
    joined = next(t for t in threading.enumerate() if t.native_id == t1)
    tell(wait(t1, "Lock", "_thread.lock", [owner(t2, False, "two")]),
         wait(t2, "Lock", "_thread.lock", [owner(t1, False, "one")]),
         wait(ME(), "join", "threading.Thread", [owner(t1, True)], only=True))
    joined.join()


@scenario
def rlock():
    lock = threading.RLock()
    lock.acquire()
    waiter = run(wait_with, lock)
    tell(wait(waiter, "RLock", "_thread.RLock", [owner(ME(), True, "block")], only=True))
    block()


@scenario
def rlock_twice():
    lock = threading.RLock()

    def twice(here):
        with lock:
            with lock:
                here()
                block()  # at: twice

    holder = run(twice)
    waiter = run(wait_with, lock)
    tell(wait(waiter, "RLock", "_thread.RLock", [owner(holder, True, "twice")], only=True))
    block()


@scenario
def twice_plain():
    """A thread waits for what it has itself."""
    lock = threading.Lock()

    def again(here):
        with lock:  # with: again
            here()
            with lock:  # at: again
                pass

    tid = run(again)
    tell(wait(tid, "Lock", "_thread.lock", [owner(tid, False, "again")]))
    block()


@scenario
def holder_is_deep():
    """It holds the lock in a frame far out, and stands somewhere else."""
    lock = threading.Lock()

    def inner(n):
        if n:
            inner(n - 1)
        else:
            reached[0]()
            block()

    def outer(here):
        reached.append(here)
        with lock:  # with: outer
            try:
                inner(30)  # at: outer
            finally:
                pass

    holder = run(outer)
    waiter = run(wait_with, lock)
    tell(wait(waiter, "Lock", "_thread.lock", [owner(holder, False, "outer")]))
    block()


@scenario
def three_locks_held():
    """Among other blocks, loops, and what comes afterwards; the thread stands where an error is handled."""
    locks = [threading.Lock() for _ in range(3)]
    done = threading.Lock()

    def all_of_them(here):
        with done:
            pass
        with locks[0], \
                locks[1]:
            for _ in range(1):
                try:
                    with locks[2]:
                        try:
                            raise KeyError
                        except KeyError:
                            with done:
                                here()
                                block()  # at: all_of_them
                finally:
                    done.locked()
        with done:
            pass

    def held(line):
        if sys.version_info < (3, 11):
            return [owner(holder, False, "all_of_them")]
        return [dict(owner(holder, False), line=line)]

    holder = run(all_of_them)
    first = next(n for n, text in enumerate(open(__file__), 1) if text.strip() == "with locks[0], \\")
    tell(wait(run(wait_with, locks[0]), "Lock", "_thread.lock", held(first)),
         wait(run(wait_with, locks[1]), "Lock", "_thread.lock", held(first + (sys.version_info >= (3, 13)))),
         wait(run(wait_with, locks[2]), "Lock", "_thread.lock", held(first + 4)))
    block()


@contextlib.contextmanager
def managed(lock):
    with lock:
        yield


@contextlib.contextmanager
def managed_twice(lock):
    with managed(lock):
        yield


@scenario
def context_managers():
    once, twice, left = threading.Lock(), threading.Lock(), threading.Lock()

    def hold(here):
        with managed(left):
            pass
        with managed(once), managed_twice(twice):  # with: managers
            here()
            block()  # at: managers

    holder = run(hold)
    left.acquire()
    tell(wait(run(wait_with, once), "Lock", "_thread.lock", [owner(holder, False, "managers")]),
         wait(run(wait_with, twice), "Lock", "_thread.lock", [owner(holder, False, "managers")]),
         wait(run(wait_with, left), "Lock", "_thread.lock"))
    block()


@scenario
def join():
    def sleeper(here):
        here()
        block()

    tid = run(sleeper)
    thread = next(t for t in threading.enumerate() if t.native_id == tid)

    def joiner(here):
        here()
        thread.join()

    tell(wait(run(joiner), "join", "threading.Thread", [owner(tid, True, "block")], only=True))
    block()


@scenario
def shutdown():
    """The main thread is done, and the interpreter waits for another."""
    said = os.pipe()

    def last():
        os.write(said[1], b".")
        os.read(NEVER, 1)  # at: last

    thread = threading.Thread(target=last)
    thread.start()
    os.read(said[0], 1)
    tell(wait(ME(), "join", "threading.Thread", [owner(thread.native_id, True, "last")], only=True))


# ---- what is built on locks ----


def condition_of(lock):
    condition = threading.Condition(lock)

    def waits(here):
        with condition:
            here()
            condition.wait()

    waiting = run(waits)
    with condition:  # ... so that it is in wait(), which has let go of the lock
        pass
    holder = run(hold_with, condition)
    return waiting, holder, run(wait_with, condition)


@scenario
def condition():
    waiting, holder, waiter = condition_of(None)
    tell(wait(waiting, "Lock", "threading.Condition"),
         wait(waiter, "RLock", "_thread.RLock", [owner(holder, True, "hold_with")], only=True))
    block()


@scenario
def condition_of_lock():
    waiting, holder, waiter = condition_of(threading.Lock())
    tell(wait(waiting, "Lock", "threading.Condition"),
         wait(waiter, "Lock", "_thread.lock", [owner(holder, False, "hold_with")]))
    block()


@scenario
def condition_let_go():
    """The only one in the `with` waits in it: whoever has the lock took it otherwise."""
    lock = threading.Lock()
    condition = threading.Condition(lock)

    def waits(here):
        with condition:
            here()
            condition.wait()

    waiting = run(waits)
    lock.acquire()
    tell(wait(waiting, "Lock", "threading.Condition"), wait(run(wait_with, lock), "Lock", "_thread.lock"))
    block()


@scenario
def condition_waits_for():
    """As above, through wait_for(), and with the lock itself in the `with`."""
    lock = threading.Lock()
    condition = threading.Condition(lock)

    def waits(here):
        with lock:
            here()
            condition.wait_for(lambda: False)

    waiting = run(waits)
    lock.acquire()
    tell(wait(waiting, "Lock", "threading.Condition"), wait(run(wait_with, lock), "Lock", "_thread.lock"))
    block()


@scenario
def event():
    e = threading.Event()

    def waits(here):
        here()
        e.wait()

    tell(wait(run(waits), "Lock", "threading.Event"))
    block()


@scenario
def semaphore():
    s, other = threading.Semaphore(1), threading.BoundedSemaphore(1)
    holder = run(hold_with, s)
    other.acquire()
    tell(wait(run(wait_with, s), "Lock", "threading.Semaphore", [owner(holder, False, "hold_with")]),
         wait(run(wait_with, other), "Lock", "threading.BoundedSemaphore"))
    block()


@scenario
def timed():
    """Waits that will end, some time."""
    lock, rlock, e = threading.Lock(), threading.RLock(), threading.Event()
    rlock.acquire()
    lock.acquire()

    def calls(here, function, *args):
        here()
        function(*args)

    tell(wait(run(calls, lock.acquire, True, 100000), "Lock", "_thread.lock"),
         wait(run(calls, rlock.acquire, True, 100000), "RLock", "_thread.RLock", [owner(ME(), True, "block")], only=True),
         wait(run(calls, e.wait, 100000), "Lock", "threading.Event"),
         wait(run(calls, threading.Thread.join, threading.main_thread(), 100000), "join", "threading.Thread",
              [owner(ME(), True, "block")], only=True))
    block()


@scenario
def barrier():
    b = threading.Barrier(2)

    def waits(here):
        here()
        b.wait()

    tell(wait(run(waits), "Lock", "threading.Barrier"))
    block()


@scenario
def queues():
    empty, full, lifo, undone = queue.Queue(), queue.Queue(1), queue.LifoQueue(), queue.PriorityQueue()
    simple = queue.SimpleQueue()
    full.put(1)
    undone.put(1)

    def calls(here, function, *args):
        here()
        function(*args)

    tell(wait(run(calls, empty.get), "Lock", "queue.Queue"),
         wait(run(calls, full.put, 2), "Lock", "queue.Queue"),
         wait(run(calls, lifo.get), "Lock", "queue.LifoQueue"),
         wait(run(calls, undone.join), "Lock", "queue.PriorityQueue"),
         wait(run(calls, simple.get), "Lock", "_queue.SimpleQueue"))
    block()


@scenario
def future():
    f = concurrent.futures.Future()

    def waits(here):
        here()
        f.result()

    tell(wait(run(waits), "Lock", "concurrent.futures.Future"))
    block()


@scenario
def importing():
    """A module of which the import does not end, and somebody else who wants it."""
    with open(os.path.join(FOLDER, "endless.py"), "w") as f:
        f.write("import __main__\n__main__.reached[0]()\n__main__.block()\n")

    def imports(here):
        reached.append(here)
        import endless  # noqa: F401

    def imports_too(here):
        here()
        import endless  # noqa: F401

    importer = run(imports)
    tell(wait(run(imports_too), "Lock", "import lock of endless", [owner(importer, True, "block")]))
    block()


# ---- traps: nobody can be named ----


def unowned(lock, *others):
    """Everybody who matters stands; LOCK was taken by acquire() alone."""
    assert lock.locked()
    tell(wait(run(wait_with, lock), "Lock", "_thread.lock"))
    block()


@scenario
def plain_acquire():
    lock = threading.Lock()
    run(hold_plain, lock)
    unowned(lock)


@scenario
def left_before():
    lock = threading.Lock()

    def left(here):
        with lock:
            pass
        here()
        block()

    run(left)
    lock.acquire()
    unowned(lock)


@scenario
def finally_after():
    lock, other = threading.Lock(), threading.Lock()

    def left(here):
        with lock:
            pass
        try:
            with other:
                here()
                block()
        finally:
            pass

    run(left)
    lock.acquire()
    unowned(lock)


@scenario
def try_finally():
    lock = threading.Lock()

    def holds(here):
        lock.acquire()
        try:
            here()
            block()
        finally:
            lock.release()

    run(holds)
    unowned(lock)


@scenario
def released_inside():
    lock = threading.Lock()

    def lets_go(here):
        with lock:
            lock.release()
            here()
            block()

    run(lets_go)
    lock.acquire()
    unowned(lock)


@scenario
def still_entering():
    """Two who wait in the same `with`: neither holds."""
    lock = threading.Lock()
    lock.acquire()
    run(wait_with, lock)
    run(wait_with, lock)
    unowned(lock)


@scenario
def handled_error():
    """The `with` was left by an exception that is being handled."""
    lock = threading.Lock()

    def left(here):
        try:
            with lock:
                raise KeyError
        except KeyError:
            here()
            block()

    run(left)
    lock.acquire()
    unowned(lock)


@scenario
def exit_stack():
    lock = threading.Lock()

    def holds(here):
        with contextlib.ExitStack() as stack:
            stack.enter_context(lock)
            here()
            block()

    run(holds)
    unowned(lock)


@scenario
def suspended_generator():
    lock = threading.Lock()

    def generator():
        with lock:
            yield

    g = generator()
    next(g)
    unowned(lock, g)


@scenario
def own_class():
    lock = threading.Lock()

    class Guard:
        def __enter__(self):
            lock.acquire()

        def __exit__(self, *error):
            lock.release()

    run(hold_with, Guard())
    unowned(lock)


# ---- processes ----


def semlock(make, start, kind, only):
    context = multiprocessing.get_context(start)
    lock = getattr(context, make)()
    ours, theirs = context.Pipe(False)
    child = context.Process(target=hold_in_child, args=(lock, theirs), daemon=True)
    child.start()
    tid = ours.recv()
    waiter = run(wait_with, lock)
    tell(wait(waiter, kind, "multiprocessing.synchronize." + make, [owner(tid, True, "hold_in_child", child.pid)], only=only))
    block()


def hold_in_child(lock, ready):
    with lock:
        ready.send(threading.get_native_id())
        time.sleep(100000)  # at: hold_in_child


@scenario
def semlock_forked():
    semlock("Lock", "fork", "multiprocessing lock", False)


@scenario
def semlock_spawned():
    semlock("Lock", "spawn", "multiprocessing lock", False)


@scenario
def semlock_rlock():
    semlock("RLock", "fork", "multiprocessing lock", True)


def take_in_child(lock, ready):
    lock.acquire()
    ready.send(threading.get_native_id())
    time.sleep(100000)  # at: take_in_child


@scenario
def semlock_acquired():
    """Held by acquire(): the count in its own process tells, no `with` is needed."""
    context = multiprocessing.get_context("fork")
    lock = context.Lock()
    ours, theirs = context.Pipe(False)
    child = context.Process(target=take_in_child, args=(lock, theirs), daemon=True)
    child.start()
    tid = ours.recv()
    tell(wait(run(wait_with, lock), "multiprocessing lock", "multiprocessing.synchronize.Lock",
              [owner(tid, True, "take_in_child", child.pid)]))
    block()


@scenario
def semlock_semaphore():
    """Its count tells who took it, not who will give it back."""
    context = multiprocessing.get_context("fork")
    lock = context.Semaphore(0)
    tell(wait(run(wait_with, lock), "multiprocessing lock", "multiprocessing.synchronize.Semaphore"))
    block()


@scenario
def semlock_event():
    event = multiprocessing.get_context("fork").Event()

    def waits(here):
        here()
        event.wait()

    tell(wait(run(waits), "multiprocessing lock", "multiprocessing.synchronize.Event"))
    block()


def get_in_child(q, ready):
    ready.send(threading.get_native_id())
    q.get()  # at: get_in_child


@scenario
def semlock_queue():
    """The first who wants something has the queue's lock, and reads; the second waits for that lock."""
    context = multiprocessing.get_context("fork")
    q = context.Queue()
    ours, theirs = context.Pipe(False)
    child = context.Process(target=get_in_child, args=(q, theirs), daemon=True)
    child.start()
    tid = ours.recv()
    while q._rlock.acquire(False):
        q._rlock.release()

    def waits(here):
        here()
        q.get()

    tell(wait(run(waits), "multiprocessing lock", "multiprocessing.queues.Queue", [owner(tid, True, None, child.pid)]))
    block()


def fork_while_held(lock):
    """The child of a process where another thread holds LOCK. Its pid and that of its only thread."""
    ours, theirs = os.pipe()
    run(hold_plain, lock)
    pid = os.fork()
    if pid == 0:
        os.write(theirs, b".")
        lock.acquire()
    os.read(ours, 1)
    return pid


@scenario
def fork_rlock():
    pid = fork_while_held(threading.RLock())
    tell(wait(pid, "RLock", "_thread.RLock", gone=True, pid=pid))
    block()


@scenario
def fork_lock():
    pid = fork_while_held(threading.Lock())
    tell(wait(pid, "Lock", "_thread.lock", pid=pid))
    block()


@scenario
def fork_mutex():
    library = ctypes.CDLL(None)
    lock = ctypes.create_string_buffer(128)

    class Mutex:
        def acquire(self):
            library.pthread_mutex_lock(lock)

    pid = fork_while_held(Mutex())
    tell(wait(pid, "mutex", None, gone=True, pid=pid))
    block()


# ---- what no Python object stands for ----


@scenario
def gil():
    """The main thread wants it back as soon as it is written to."""
    library = ctypes.PyDLL(None)

    def holds(here):
        library.read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
        buffer = ctypes.create_string_buffer(1)
        here()
        os.read(go[0], 1)
        library.read(NEVER, ctypes.addressof(buffer), 1)  # at: gil

    go = os.pipe()
    tell(wait(ME(), "GIL", None, [owner(run(holds), True, "gil")], only=True))
    os.read(0, 1)
    os.write(go[1], b".")
    while True:
        time.sleep(0.001)


def mutex(kind):
    library = ctypes.CDLL(None)
    attributes, lock = ctypes.create_string_buffer(64), ctypes.create_string_buffer(128)
    library.pthread_mutexattr_init(attributes)
    library.pthread_mutexattr_settype(attributes, kind)
    library.pthread_mutex_init(lock, attributes)

    def holds(here):
        library.pthread_mutex_lock(lock)
        here()
        block()

    def waits(here):
        here()
        library.pthread_mutex_lock(lock)

    holder, waiter = run(holds), run(waits)
    tell(wait(waiter, "mutex", None, [owner(holder, True, "block")], only=kind != 0))
    block()


@scenario
def mutex_plain():
    mutex(0)


@scenario
def mutex_recursive():
    mutex(1)


@scenario
def parked():
    """3.13 on: a lock of C code."""
    lock = ctypes.c_uint8()

    def holds(here):
        ctypes.pythonapi.PyMutex_Lock(ctypes.byref(lock))
        here()
        block()

    def waits(here):
        here()
        ctypes.pythonapi.PyMutex_Lock(ctypes.byref(lock))

    run(holds)
    tell(wait(run(waits), "parked", None))
    block()


@scenario
def handle():
    """3.13 on: a thread that is joined without a Thread object."""
    import _thread

    def runs():
        tids.append(threading.get_native_id())
        os.write(said[1], b".")
        block()

    def joins(here, handle):
        here()
        handle.join()

    tids, said = [], os.pipe()
    joinable = _thread.start_joinable_thread(runs)
    os.read(said[0], 1)
    tell(wait(run(joins, joinable), "join", "threading.Thread", [owner(tids[0], True, "block")], only=True))
    block()


if __name__ == "__main__":
    SCENARIOS[sys.argv[1]]()
