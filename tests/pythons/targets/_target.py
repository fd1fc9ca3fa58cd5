"""What the targets share. They run under Python 3.8 and later; see ../README.md."""
import json
import os
import sys
import threading

HERE = __file__
FOLDER = os.environ.get("TARGET_FOLDER", ".")  # to write files into


def frames_of(frame):
    """[function, file, line], innermost first, without those of this file."""
    while frame is not None and frame.f_code.co_filename == HERE:
        frame = frame.f_back
    rows = []
    while frame is not None:
        code = frame.f_code
        rows.append([getattr(code, "co_qualname", code.co_name), code.co_filename, frame.f_lineno or 0])
        frame = frame.f_back
    return rows


def say(**what):
    """One line; ASCII, so that lone surrogates get through as well."""
    left = (json.dumps(what) + "\n").encode()
    while left:
        left = left[os.write(1, left):]


def row(thread, frame):
    return {"name": thread.name, "frames": frames_of(frame)}


def tell(last=True, **more):
    """Wait until the test has seen all others blocked, then tell the stack of every thread. LAST: nobody else will tell of a process."""
    say(ready=True)
    os.read(0, 1)
    frames = sys._current_frames()
    here = threading.current_thread()  # whose native_id some versions do not renew in a forked child
    threads = {threading.get_native_id() if thread is here else thread.native_id: row(thread, frames[thread.ident])
               for thread in threading.enumerate() if thread.ident in frames}
    say(pid=os.getpid(), threads=threads, last=last, **more)


def tell_alone(**more):
    """Tell the stack of this thread alone."""
    say(pid=os.getpid(), threads={threading.get_native_id(): row(threading.current_thread(), sys._getframe())}, **more)


def start(function, *args, name=None):
    """A daemon thread, named after its function, that has begun to run."""
    thread = threading.Thread(target=function, args=args, name=name or function.__name__, daemon=True)
    thread.start()
    return thread


def narrow_pipe():
    """The writing end of a pipe whose reading end stays open. A write of 128 KiB blocks with half of it done: if anything interrupts it,
    it returns a short count."""
    return os.pipe()[1]


def empty_pipe():
    """The reading end of a pipe that nobody writes to."""
    return os.pipe()[0]
