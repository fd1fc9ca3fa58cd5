"""Writers that have written half of what they want to, and say so if ever they are let go on."""
import os

from _target import narrow_pipe, say, start, tell


def writer():
    w = narrow_pipe()
    say(returned=os.write(w, b"y" * 131072))


start(writer, name="one")
start(writer, name="two")
w = narrow_pipe()
tell(); say(returned=os.write(w, b"y" * 131072)); os.read(0, 1)
