"""A child that a thread forked, which has threads of its own then; and a child of the child."""
import os
import threading
import warnings

from _target import empty_pipe, start, tell

warnings.simplefilter("ignore")
nothing = empty_pipe()
told_r, told_w = os.pipe()
grandchild_r, grandchild_w = os.pipe()
lock = threading.Lock()
lock.acquire()


def other():
    with lock:
        pass


def in_child():
    if os.fork() == 0:
        start(other)
        tell(last=False); os.write(grandchild_w, b"1"); os.read(nothing, 1)
    os.read(grandchild_r, 1)
    start(other, name="other of the child")
    tell(last=False); os.write(told_w, b"1"); os.read(nothing, 1)


def forker():
    if os.fork() == 0:
        in_child()
    os.read(nothing, 1)


start(other)
start(forker)
os.read(told_r, 1)
tell(); os.read(0, 1)
