"""A process that can't be ended by asking: see test_stubborn.py for the ways."""
import os
import signal
import sys
import time
from pathlib import Path

from role import role

way, words = sys.argv[1], "".join(sys.argv[2:])


def tidy(*_):
    time.sleep(1)
    Path("tidied").touch()
    os._exit(0)


def spin(*_):
    while True:
        pass


if way == "ignore":
    for word in words.split("-"):
        if word != "plain":
            signal.signal(getattr(signal, "SIG" + word.upper()), signal.SIG_IGN)
elif way == "daemon":
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.fork() == 0:
        role("grandchild")
elif way == "tidy":
    signal.signal(signal.SIGINT, tidy)
elif way == "spin":
    signal.signal(signal.SIGINT, spin)
    signal.signal(signal.SIGTERM, spin)
while True:
    signal.pause()
