"""An asyncio program in which every task waits for something of its own kind, for good. It prints what it knows of its tasks (one line
of JSON) once all of them have come to rest, and then its loop has nothing left to do. Python 3.8 and later.

    async_asyncio.py             all of the kinds below
    async_asyncio.py blocking    one task that blocks the whole loop in a read(2)
    async_asyncio.py python      all of the kinds, with the tasks and futures of asyncio that are written in Python
    async_asyncio.py derived     a few of the kinds, with a task class of the program's own
    async_asyncio.py frozen      all of the kinds, with all objects set aside by gc.freeze()
"""
import asyncio
import contextlib
import gc
import os
import socket
import subprocess
import sys

import async_chain

MODE = sys.argv[1] if len(sys.argv) > 1 else "all"
if MODE == "python":
    asyncio.Task = asyncio.tasks.Task = asyncio.tasks._PyTask
    asyncio.Future = asyncio.futures.Future = asyncio.futures._PyFuture
    for name in ("current_task", "all_tasks", "_enter_task", "_leave_task", "_swap_current_task", "_register_task", "_unregister_task"):
        written = getattr(asyncio.tasks, "_py_" + name, None)  # since 3.12, and all_tasks() since 3.14
        if written:
            setattr(asyncio.tasks, name, written)
            setattr(asyncio, name, written)


class OwnTask(asyncio.Task):
    pass


class Expected:
    """What each task is to be seen waiting for; KEEP holds what may not be collected."""

    def __init__(self):
        self.of = {}
        self.keep = []

    def start(self, name, coro, awaits, waits_for=(), fd=None, writes=False, child=None):
        task = asyncio.get_running_loop().create_task(coro)
        task.set_name(name)
        self.keep.append(task)
        self.of[name] = {"awaits": awaits, "waits_for": sorted(waits_for), "fd": fd, "writes": writes, "child": child}
        return task


async def forever(future):
    await future


async def outer(future):
    await forever(future)


async def holds(lock, event):
    async with lock:
        await event.wait()


async def had(lock, event):
    """Was in a block of it, and is in one that has nothing to do with it."""
    mine = asyncio.Lock()
    async with mine:
        pass
    async with contextlib.AsyncExitStack():
        await event.wait()
    await lock.acquire()


async def wants(lock):
    async with lock:
        raise AssertionError("nobody let go of it")


async def gathers(*tasks):
    await asyncio.gather(*tasks)


async def awaits(task):
    await task


async def yields(event):
    yield 1
    await event.wait()
    yield 2


async def iterates(event):
    async for _ in yields(event):
        pass


async def groups(start):
    async with asyncio.TaskGroup() as group:
        for name in ("in-group-1", "in-group-2"):
            start(name, group)


async def waits(*tasks):
    await asyncio.wait(tasks)


async def bounded(event):
    await asyncio.wait_for(event.wait(), 1e6)


async def bounded_task(task):
    await asyncio.wait_for(task, 1e6)


async def joins(queue):
    queue.put_nowait(1)
    await queue.join()


async def shielded(task):
    await asyncio.shield(task)


async def conditional(condition):
    async with condition:
        await condition.wait()


async def receives(sock):
    await asyncio.get_running_loop().sock_recv(sock, 10)


async def accepts(sock):
    await asyncio.get_running_loop().sock_accept(sock)


async def sends(sock):
    await asyncio.get_running_loop().sock_sendall(sock, b"x" * (16 << 20))


async def reads_line(reader):
    await reader.readline()


async def drains(writer):
    writer.write(b"x" * (16 << 20))
    await writer.drain()


async def reaps(process):
    await process.wait()


async def watches(fd, future):
    asyncio.get_running_loop().add_reader(fd, future.set_result, None)
    await future


async def executes(pipe):
    await asyncio.get_running_loop().run_in_executor(None, os.read, pipe, 1)


async def in_thread(pipe):
    await asyncio.to_thread(os.read, pipe, 1)


async def не_латиница(future):
    await future


def pair(expected):
    a, b = socket.socketpair()
    a.setblocking(False)
    b.setblocking(False)
    expected.keep += [a, b]
    return a, b


def pipe(expected):
    r, w = os.pipe()
    expected.keep += [r, w]
    return r


def start_plain(x, loop):
    never = loop.create_future()
    event, lock = asyncio.Event(), asyncio.Lock()
    x.keep += [never, event, lock]
    x.start("future", forever(never), "Future")
    x.start("outer", outer(never), "Future")
    x.start("event", event.wait(), "Event.wait")
    x.start("queue", asyncio.Queue().get(), "Queue.get")
    x.start("holder", holds(lock, event), "Event.wait")
    x.start("wanter", wants(lock), "Lock.acquire; in a block of it: Task 'holder'")
    x.start("had it", had(lock, event), "Event.wait")
    shared = asyncio.Condition()
    x.start("waits in it", conditional(shared), "Condition.wait")
    x.start("holds condition", holds(shared, event), "Event.wait")
    x.start("wants condition", wants(shared), "Lock.acquire; in a block of it: Task 'holds condition'")
    x.start("semaphore", asyncio.Semaphore(0).acquire(), "Semaphore.acquire")
    x.start("condition", conditional(asyncio.Condition()), "Condition.wait")
    x.start("joins", joins(asyncio.Queue()), "Queue.join")
    x.start("sleep", asyncio.sleep(1e6), "sleep")
    x.start("iterates", iterates(event), "Event.wait")
    x.start("кириллица 漢字 🐍", не_латиница(never), "Future")
    return event, never


def start_joins(x, event, never):
    parts = [x.start("part-%d" % i, forever(never), "Future") for i in range(3)]
    x.start("gathers", gathers(*parts), "gather of 3", ["part-0", "part-1", "part-2"])
    first = x.start("first", event.wait(), "Event.wait")
    x.start("second", awaits(first), "Task 'first'", ["first"])
    x.start("waits", waits(*parts), "wait", ["part-0", "part-1", "part-2"])
    x.start("shielded", shielded(first), "shield of Task 'first'", ["first"])
    inner = x.start("inner", event.wait(), "Event.wait")
    if sys.version_info >= (3, 12):
        x.start("bounded", bounded(event), "Event.wait")
        x.start("bounded task", bounded_task(inner), "Task 'inner'", ["inner"])
    else:
        x.start("bounded task", bounded_task(inner), "wait_for", ["inner"])
    if sys.version_info >= (3, 11):
        x.start("barrier", asyncio.Barrier(2).wait(), "Barrier.wait")
        def start(name, group):
            x.keep.append(group.create_task(forever(never), name=name))
            x.of[name] = {"awaits": "Future", "waits_for": [], "fd": None, "writes": False, "child": None}
        x.start("groups", groups(start), "TaskGroup.__aexit__", ["in-group-1", "in-group-2"])


async def start_descriptors(x, loop):
    a, _ = pair(x)
    x.start("receives", receives(a), "loop.sock_recv", fd=a.fileno())
    a, _ = pair(x)
    x.start("sends", sends(a), "loop.sock_sendall", fd=a.fileno(), writes=True)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)
    listening.setblocking(False)
    x.keep.append(listening)
    x.start("accepts", accepts(listening), "loop.sock_accept", fd=listening.fileno())
    a, _ = pair(x)
    reader, writer = await asyncio.open_connection(sock=a)
    x.keep += [reader, writer]
    x.start("reads line", reads_line(reader), "StreamReader.readline", fd=a.fileno())
    a, _ = pair(x)
    reader, writer = await asyncio.open_connection(sock=a)
    x.keep += [reader, writer]
    x.start("drains", drains(writer), "StreamWriter.drain", fd=a.fileno(), writes=True)
    r, future = pipe(x), loop.create_future()
    x.start("watches", watches(r, future), "Future", fd=r)


async def start_others(x):
    process = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    x.keep.append(process)
    x.start("reaps", reaps(process), "Process.wait", child=process.pid)
    pipe_of = process._transport.get_pipe_transport(1).get_extra_info("pipe")
    x.start("reads pipe", reads_line(process.stdout), "StreamReader.readline", fd=pipe_of.fileno())
    x.start("executes", executes(pipe(x)), "concurrent.futures.Future")
    if sys.version_info >= (3, 9):
        x.start("in thread", in_thread(pipe(x)), "to_thread")


def rests(task):
    waiter = getattr(task, "_fut_waiter", None)
    return waiter is not None and not waiter.done()


def describe(x, task):
    name = task.get_name()
    row = {"library": "asyncio", "name": name, "id": hex(id(task)), "parent": None, "state": "suspended",
           "frames": async_chain.frames(task.get_coro()), **x.of[name]}
    row["waits_for"] = sorted(hex(id(t)) for t in x.tasks if t.get_name() in row["waits_for"])
    return row


def tell_when_at_rest(x, loop, quiet=0):
    """QUIET: rounds of the loop in which nothing was left to do but this."""
    tasks = asyncio.all_tasks(loop)
    named = {t.get_name() for t in tasks}
    if all(rests(t) for t in tasks) and set(x.of) <= named:
        quiet += 1
    else:
        quiet = 0
    if quiet < 20:
        loop.call_soon(tell_when_at_rest, x, loop, quiet)
        return
    x.tasks = tasks
    if MODE == "frozen":
        gc.freeze()
        gc.disable()
    described = [describe(x, t) for t in tasks]
    described += [{"library": "", "name": "", "state": "created", "frames": async_chain.frames(c)} for c in x.coroutines]
    described += [{"library": "", "name": "", "state": "suspended", "frames": async_chain.frames(g)} for g in x.generators]
    async_chain.tell(described)


async def returns():
    return 1


async def main():
    loop = asyncio.get_running_loop()
    x = Expected()
    x.ended = loop.create_task(returns())  # stays, but is none of those that are told
    await x.ended
    asyncio.current_task().set_name("main")
    x.of["main"] = {"awaits": "Future", "waits_for": [], "fd": None, "writes": False, "child": None}
    if MODE == "derived":
        loop.set_task_factory(lambda loop, coro, **kw: OwnTask(coro, loop=loop, **kw))
    event, never = start_plain(x, loop)
    start_joins(x, event, never)
    if MODE != "derived":
        await start_descriptors(x, loop)
        await start_others(x)
    x.coroutines = [forever(never)]
    x.generators = [yields(event)]
    await x.generators[0].__anext__()
    loop.call_soon(tell_when_at_rest, x, loop)
    await never


async def reads(fd):
    os.read(fd, 1)


async def blocks(fd):
    await asyncio.sleep(0)
    main, me = sorted(asyncio.all_tasks(), key=lambda task: task.get_name() != "main")
    coro = reads(fd)
    async_chain.tell([
        {"library": "asyncio", "name": "main", "id": hex(id(main)), "state": "suspended", "frames": async_chain.frames(main.get_coro()),
         "awaits": "gather of 1", "waits_for": [hex(id(me))]},
        {"library": "asyncio", "name": "blocks", "id": hex(id(me)), "state": "running", "awaits": None,
         "waits_for": [], "functions": ["reads", "blocks"]}])
    await coro


async def blocking():
    r, _ = os.pipe()
    asyncio.current_task().set_name("main")
    task = asyncio.get_running_loop().create_task(blocks(r))
    task.set_name("blocks")
    await asyncio.gather(task)


asyncio.run(blocking() if MODE == "blocking" else main())
