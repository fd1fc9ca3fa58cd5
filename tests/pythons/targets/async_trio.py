"""A trio program in which every task waits for something of its own kind, for good. It prints what it knows of its tasks (one line of
JSON) once all of them have come to rest. Python 3.8 and later; trio 0.22 and later."""
import os
import subprocess

import trio
import trio.testing

import async_chain

EXPECTED = {}
KEEP = []
LOCKS = []


def expect(name, awaits, fd=None, writes=False, child=None):
    EXPECTED[name] = {"awaits": awaits, "fd": fd, "writes": writes, "child": child}


async def nested():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever, name="leaf-1")
        nursery.start_soon(trio.Event().wait, name="leaf-2")


async def receives(channel):
    async for _ in channel:
        pass


async def yields(event):
    yield 1
    await event.wait()


async def iterates(event):
    async for _ in yields(event):
        pass


async def holds(lock):
    async with lock:
        await trio.sleep_forever()


async def wants(lock):
    async with lock:
        raise AssertionError("nobody let go of it")


async def reads(stream):
    await stream.receive_some(1)


async def sends(stream):
    await stream.send_all(b"x" * (16 << 20))


async def readable(fd):
    await trio.lowlevel.wait_readable(fd)


async def reaps(process):
    await process.wait()


async def in_thread(fd):
    await trio.to_thread.run_sync(os.read, fd, 1)


async def receives_from(sock):
    await sock.recv(1)


async def bounded(event):
    with trio.move_on_after(1e6):
        await event.wait()


async def start_locks(nursery):
    event, lock = trio.Event(), trio.Lock()
    send, receive = trio.open_memory_channel(0)
    KEEP.extend([event, send, receive])
    LOCKS.append(lock)

    def start(name, awaits, function, *args, **kw):
        expect(name, awaits, **kw)
        nursery.start_soon(function, *args, name=name)
    start("event", "Event.wait", event.wait)
    start("channel", "MemoryReceiveChannel.receive", receives, receive)
    start("iterates", "Event.wait", iterates, event)
    start("bounded", "Event.wait", bounded, event)
    start("holder", "sleep_forever", holds, lock)
    await trio.testing.wait_all_tasks_blocked()
    start("wanter", "Lock.acquire", wants, lock)
    start("nested", None, nested)
    expect("leaf-1", "sleep_forever")
    expect("leaf-2", "Event.wait")
    start("имя 漢字", "Semaphore.acquire", trio.Semaphore(0).acquire)


async def start_descriptors(nursery):
    def start(name, awaits, function, *args, **kw):
        expect(name, awaits, **kw)
        nursery.start_soon(function, *args, name=name)
    a, b = trio.socket.socketpair()
    c, d = trio.socket.socketpair()
    r, w = os.pipe()
    r2, w2 = os.pipe()
    e, f = trio.socket.socketpair()
    KEEP.extend([a, b, c, d, e, f, w, w2])
    start("receives from", "SocketType.recv", receives_from, e, fd=e.fileno())
    start("reads", "SocketStream.receive_some", reads, trio.SocketStream(a), fd=a.fileno())
    start("sends", "SocketStream.send_all", sends, trio.SocketStream(c), fd=c.fileno(), writes=True)
    start("readable", "wait_readable", readable, r, fd=r)
    process = await trio.lowlevel.open_process(["cat"], stdin=subprocess.PIPE)
    KEEP.append(process)
    pidfd = getattr(process, "_pidfd", None)  # where there is none, a thread waits
    start("reaps", "Process.wait", reaps, process, child=process.pid, fd=pidfd.fileno() if pidfd else None)
    process = await trio.lowlevel.open_process(["cat"], stdin=subprocess.PIPE)
    KEEP.append(process)
    process._pidfd = None  # as on a kernel that has none
    start("reaps by thread", "Process.wait", reaps, process, child=process.pid)
    expect("trio._subprocess_platform.waitid._waitid_system_task", "to_thread_run_sync", child=process.pid)
    start("in thread", "to_thread_run_sync", in_thread, r2)


def all_tasks(task):
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from all_tasks(child)


def nursery_waited_for(task):
    """The nursery at whose end TASK stands."""
    coro = task.coro
    while coro is not None and hasattr(coro, "cr_frame"):
        if coro.__qualname__ == "Nursery._nested_child_finished":
            return coro.cr_frame.f_locals["self"]
        coro = coro.cr_await
    return None


def describe(task):
    parent = task.parent_nursery.parent_task if task.parent_nursery else None
    row = {"library": "trio", "name": task.name, "id": hex(id(task)), "parent": hex(id(parent)) if parent else None,
           "state": "suspended", "frames": async_chain.frames(task.coro), "waits_for": []}
    row.update(EXPECTED.get(task.name, {}))
    if task.name == "wanter":
        row["waits_for"] = [hex(id(LOCKS[0].statistics().owner))]
    nursery = nursery_waited_for(task)
    if nursery:
        row["awaits"] = "nursery of %d" % len(nursery.child_tasks)
        row["waits_for"] = sorted(hex(id(t)) for t in nursery.child_tasks)
    return row


class TellAtRest(trio.abc.Instrument):
    """Tells once, when the loop is about to wait and no task is left to run."""

    def __init__(self):
        self.armed = False

    def before_io_wait(self, timeout):
        if self.armed and timeout > 1:
            self.armed = False
            async_chain.tell([describe(t) for t in all_tasks(trio.lowlevel.current_root_task())])


async def main():
    async with trio.open_nursery() as nursery:
        await start_locks(nursery)
        await start_descriptors(nursery)
        await trio.testing.wait_all_tasks_blocked()
        INSTRUMENT.armed = True


INSTRUMENT = TellAtRest()
trio.run(main, instruments=[INSTRUMENT])
