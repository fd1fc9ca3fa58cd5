"""Every kind of call that a thread can be blocked in, and every kind of frame above it."""
import ctypes
import functools
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time

from _target import FOLDER, empty_pipe, narrow_pipe, start, tell

lock = threading.Lock()
rlock = threading.RLock()
lock.acquire()
rlock.acquire()
nothing = empty_pipe()


def plain_lock():
    lock.acquire()


def lock_with():
    with lock:
        pass


def reentrant_lock():
    with rlock:
        pass


def pipe_read():
    os.read(nothing, 1)


def pipe_write():
    w = narrow_pipe()
    os.write(w, b"y" * 131072)


def file_read():
    with os.fdopen(os.dup(nothing)) as file:
        file.readline()


def in_select():
    select.select([nothing], [], [])


def in_poll():
    poll = select.poll()
    poll.register(nothing, select.POLLIN)
    poll.poll()


def in_epoll():
    epoll = select.epoll()
    epoll.register(nothing, select.EPOLLIN)
    epoll.poll()


def in_accept():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        s.accept()


def in_recv():
    a, b = socket.socketpair()
    b.sendall(b"1")
    a.recv(1)
    a.recv(1)


def in_wait():
    child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    child.wait()


def in_sleep():
    time.sleep(1000000)


def in_event():
    threading.Event().wait()


def in_condition():
    with threading.Condition() as condition:
        condition.wait_for(lambda: False)


def in_join():
    waited_for.join()


def in_sorted():
    def key(x):
        return os.read(nothing, x)
    sorted([2, 1], key=key)


def in_reduce():
    functools.reduce(lambda a, b: (a + b, os.read(nothing, 1)), [1, 2, 3])


def in_map():
    for _ in map(lambda x: os.read(nothing, x), [1]):
        pass


def in_sub():
    re.sub("a", lambda m: os.read(nothing, 1), "banana")


def in_ctypes():
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    array = (ctypes.c_int * 3)(3, 2, 1)

    def compared(a, b):
        return len(os.read(nothing, 1))
    ctypes.CDLL(None).qsort(array, 3, 4, compare(compared))


def in_nested():
    """Python, C, Python, C, Python."""
    def outer(x):
        return sorted([x, x + 1], key=inner)

    def inner(x):
        return functools.reduce(lambda a, b: os.read(nothing, 1), [x, x])
    max([1, 2], key=outer)


def numbers():
    yield 1
    yield os.read(nothing, 1)


def in_generator():
    for _ in numbers():
        pass


def delegating():
    yield from numbers()


def in_yield_from():
    return sum(delegating())


async def innermost():
    os.read(nothing, 1)


async def middle():
    await innermost()


def in_coroutine():
    async def outer():
        async with Context():
            await middle()
    outer().send(None)


class Context:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


async def pieces():
    yield 1
    yield os.read(nothing, 1)


def in_async_generator():
    async def loop():
        async for _ in pieces():
            pass
    loop().send(None)


class Slow:
    def __init__(self):
        os.read(nothing, 1)

    @property
    def value(self):
        return os.read(nothing, 1)

    @staticmethod
    def static():
        class Inner:
            def method(self):
                os.read(nothing, 1)
        Inner().method()

    @classmethod
    def new(cls):
        return cls()

    def __getitem__(self, key):
        return os.read(nothing, 1)

    def __eq__(self, other):
        return bool(os.read(nothing, 1))

    def __del__(self):
        os.read(nothing, 1)


def in_init():
    Slow()


def in_property():
    object.__new__(Slow).value


def in_static():
    Slow.static()


def in_classmethod():
    Slow.new()


def in_getitem():
    object.__new__(Slow)[1:2]


def in_eq():
    [object.__new__(Slow)].index(1)


def in_del():
    object.__new__(Slow)
    return None


def in_comprehension():
    return [os.read(nothing, x) for x in [1]]


def in_set_comprehension():
    return {os.read(nothing, x) for y in [1] for x in [y]}


def in_generator_expression():
    return any(os.read(nothing, x) for x in [1])


def in_lambda():
    (lambda x: (lambda: os.read(nothing, x))())(1)


def in_class_body():
    class Body:
        x = os.read(nothing, 1)
    return Body


def in_exec():
    exec("import os\n\nos.read(nothing, 1)", {"nothing": nothing})


def in_eval():
    eval("[\nos.read(nothing, 1),\n2]")


def in_long_lines():
    """Big steps between lines, forward and back, and lines beyond 65,535."""
    gap = "\n" * 70000
    code = "def far(a, b):\n" + gap + " return (a,\n" + "\n" * 300 + "  b, (\n  os.read(nothing, 1)), a)\n"
    code += "\n" * 200 + "far(\n1, \n\n 2)\n"
    exec(compile(code, "far.py", "exec"), {"nothing": nothing, "os": os})


def in_multi_line():
    print(
        "a",
        os.path.join(
            "b",
            str(os.read(
                nothing,
                1)),
        ),
        sep="",
    )


def in_try():
    try:
        raise ValueError("x")
    except ValueError:
        try:
            1 / 0
        except ZeroDivisionError:
            pass
        finally:
            for _ in range(3):
                with Manager():
                    os.read(nothing, 1)


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.read(nothing, 1)


def in_exit():
    with Manager():
        pass


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper


@decorated
@decorated
def in_decorated():
    functools.partial(decorated(os.read), nothing)(1)


# Latin-1, 16 and 32 bits a character: the three widths of a string that is not ASCII.
def grüße():
    class Größe:
        def messen(self):
            os.read(nothing, 1)
    Größe().messen()


def ожидание():
    def 待つ():
        os.read(nothing, 1)
    待つ()


def 𐐷𐐩𐐻():
    os.read(nothing, 1)


def in_named_files():
    def run(name, then):
        code = "def f():\n    g()\nf()\n"
        exec(compile(code, name, "exec"), {"g": then})
    run("ascii.py", lambda: run("é.py", lambda: run("путь/файл.py", lambda: run("/𐐷/🦀.py", lambda: os.read(nothing, 1)))))


def in_hostile_files():
    """Names that are no UTF-8, that would act on a terminal, and that never end."""
    def run(name, then):
        exec(compile("def f():\n    g()\nf()\n", name, "exec"), {"g": then})
    run("bad\udcff\udcfe.py", lambda: run("\x1b[31m\n.py", lambda: run("x" * 5000 + ".py", lambda: os.read(nothing, 1))))


def in_module():
    """A module whose name is not ASCII, of a file whose name is not ASCII."""
    with open(os.path.join(FOLDER, "модуль_é.py"), "w", encoding="utf-8") as file:
        file.write("import os\n\n\ndef читать(fd):\n    os.read(fd, 1)\n")
    sys.path.insert(0, FOLDER)
    __import__("модуль_é").читать(nothing)


def in_import():
    """While a module is being imported: frames of importlib, whose files are not files."""
    with open(os.path.join(FOLDER, "imported.py"), "w", encoding="utf-8") as file:
        file.write("import os, sys\nos.read(sys.nothing, 1)\n")
    sys.path.insert(0, FOLDER)
    sys.nothing = nothing
    import imported  # noqa: F401


def in_trace():
    def tracer(frame, event, arg):
        os.read(nothing, 1)
    sys.settrace(tracer)
    plain_lock()


def in_many_locals():
    code = "def f():\n" + "".join(f"  v{i} = {i}\n" for i in range(600)) + "  os.read(nothing, 1)\nf()\n"
    exec(code, {"nothing": nothing, "os": os})


def in_cells(x=1):
    y = 2

    def closure():
        z = x + y

        def more():
            return os.read(nothing, z - 2 + x - x)
        return more()
    closure()


waited_for = start(plain_lock, name="waited for")
for name, function in sorted(globals().copy().items()):
    if callable(function) and (name.startswith("in_") or name in (
            "plain_lock", "lock_with", "reentrant_lock", "pipe_read", "pipe_write", "file_read", "grüße", "ожидание", "𐐷𐐩𐐻")):
        start(function)
tell(); os.read(0, 1)
