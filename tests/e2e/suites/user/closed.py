"""Become unreadable for others of the same user, then write more than a pipe holds."""
import ctypes
import os

PR_SET_DUMPABLE = 4

assert ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
os.write(1, bytes(300_000))
