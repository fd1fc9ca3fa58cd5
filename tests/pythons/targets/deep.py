"""Recursion deeper than what is shown of a stack."""
import os
import sys

from _target import empty_pipe, start, tell

nothing = empty_pipe()
sys.setrecursionlimit(100000)


def down(n):
    if n:
        down(n - 1)
    os.read(nothing, 1)


def through_c(n):
    if n:
        sorted([n - 1], key=through_c)
    os.read(nothing, 1)


start(down, 1500, name="deep")
start(down, 300, name="not so deep")
start(through_c, 120, name="through C")
tell(); os.read(0, 1)
