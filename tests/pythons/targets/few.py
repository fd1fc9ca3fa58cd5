"""A few threads, for what is tested about the process rather than about its frames."""
import os
import threading

from _target import empty_pipe, narrow_pipe, start, tell

nothing = empty_pipe()
lock = threading.Lock()
lock.acquire()


def reader():
    os.read(nothing, 1)


def writer():
    w = narrow_pipe()
    os.write(w, b"y" * 131072)


def locked():
    def inner():
        with lock:
            pass
    sorted([1], key=lambda _: inner())


for function in (reader, writer, locked):
    start(function)
tell(); os.read(0, 1)
