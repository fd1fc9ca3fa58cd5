"""Actors as newer releases of tractor keep them: in tractor.runtime._state, the name in a struct `_aid`. That tractor is on no index, so
this is a stand-in with its names: `struct` has the name in a slot, as msgspec's structs have, `uid` in a tuple alone."""
import os
import sys
import types

from _target import say

HOME = "tractor.runtime._state"
state = types.ModuleType(HOME)


class Aid:
    __slots__ = ("name", "uuid", "pid")

    def __init__(self, name):
        self.name, self.uuid, self.pid = name, "1", os.getpid()


class Actor:
    def __init__(self, kind):
        if kind == "struct":
            self._aid = Aid("имя")
        elif kind == "uid":
            self.uid = ("имя", "1")
        elif kind == "odd":
            self.name, self.uid, self._aid = 7, [], None


Actor.__module__ = "elsewhere" if sys.argv[1] == "foreign" else "tractor.runtime._runtime"
state._current_actor = None if sys.argv[1] == "none" else Actor("struct" if sys.argv[1] == "foreign" else sys.argv[1])
sys.modules[HOME] = state
say(pid=os.getpid(), threads={}, last=True)
os.read(0, 1)
