"""What a target knows of its own coroutines, by Python's own means: the expected side of test_tasks.py. Python 3.8 and later."""
import gc
import os

from _target import say


def rests_in(awaited):
    """The generator inside a wrapper such as async_generator_asend, or None: it is the one object that the wrapper refers to."""
    inside = [o for o in gc.get_referents(awaited) if hasattr(o, "ag_frame") or hasattr(o, "cr_frame")]
    return inside[0] if len(inside) == 1 else None


def step(what):
    """(frame, what it awaits) of a coroutine, generator or async generator; None for anything else."""
    for prefix, then in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await")):
        if hasattr(what, prefix + "_frame"):
            return getattr(what, prefix + "_frame"), getattr(what, then)
    return None


def frames(coro):
    """[qualified name, file, line] of each frame that CORO rests in, innermost first."""
    found = []
    while coro is not None:
        at = step(coro)
        if at is None:
            coro = rests_in(coro) if "async_generator" in type(coro).__name__ or type(coro).__name__ == "coroutine_wrapper" else None
            continue
        frame, awaited = at
        if frame is None:
            break
        found.insert(0, [getattr(frame.f_code, "co_qualname", coro.__qualname__), frame.f_code.co_filename, frame.f_lineno])
        coro = awaited
    return found


def tell(tasks):
    """The line that the test waits for; from then on nobody in this process runs."""
    say(pid=os.getpid(), threads={}, last=True, tasks=tasks)
