"""A thread that runs Python in a sub-interpreter, and one of the main interpreter beside it."""
import os
import sys

from _target import empty_pipe, start, tell

nothing = empty_pipe()
CODE = """
import os
def inner(fd):
    os.read(fd, 1)
def outer(fd):
    inner(fd)
outer({})
"""


def runner():
    """A function that runs CODE in a new interpreter, by what this version has for it; None: it has nothing."""
    try:
        import _interpreters as module
    except ImportError:
        try:
            import _xxsubinterpreters as module
        except ImportError:
            return None
    try:
        new = module.create("legacy") if sys.version_info >= (3, 13) else module.create(isolated=False)
    except TypeError:  # 3.8
        new = module.create()
    return lambda code: module.run_string(new, code)


def reader():
    os.read(nothing, 1)


def in_sub():
    run(CODE.format(nothing))


run = runner()
start(reader)
if run:
    start(in_sub)
tell(has=bool(run)); os.read(0, 1)
