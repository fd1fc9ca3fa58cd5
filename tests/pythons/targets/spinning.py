"""spinning.py N: threads that never rest. Each call stands on a line of its own, with the name of what it calls: so a stack shows whether it
is whole."""
import os
import sys

from _target import say, start


def leaf(n):
    x = 0
    for i in range(n):
        x += i
    return x


def left(n):
    return leaf(n)


def right(n):
    return left(n)


def numbers(n):
    for i in range(n):
        yield left(i)


def recurse(n):
    if n > 0:
        return recurse(n - 1)
    return right(n)


def spin():
    while True:
        recurse(5)
        right(3)
        for _ in numbers(3):
            left(1)


for number in range(int(sys.argv[1])):
    start(spin, name=f"spin {number}")
say(pid=os.getpid(), threads={}, last=True, spins=True)
os.read(0, 1)
