"""Look without touching: whoever was blocked in a write, or in anything, is so afterwards, and has not run meanwhile."""
import os
import select
import signal

import pytest
from support import look, run_helper, settle

WRITE = "1"    # write(2) of x86-64
ALL = ("--native", "--locks", "--tasks")


def said(target):
    return bool(select.select([target.proc.stdout], [], [], 0)[0])


def writers(target):
    return [tid for tid, (_, call, _) in look(target.pid).items() if call.split()[0] == WRITE]


def test_writers_are_still_in_their_write(start):
    target = start("writer")
    assert len(writers(target)) == 3
    run_helper(*ALL, "--repeat", 5, target.pid)
    assert look(target.pid) == target.settled[target.pid] and not said(target)


@pytest.mark.parametrize("name", ["threads", "few", "forked", "subinterpreter"])
def test_nobody_ran(start, name):
    target = start(name)
    run_helper(*ALL, *target.settled)
    assert {pid: look(pid) for pid in target.settled} == target.settled


def test_a_stop_would_have_been_seen(start):
    """The check itself: a mere stop cuts the writes short."""
    target = start("writer")
    os.kill(target.pid, signal.SIGSTOP)
    os.kill(target.pid, signal.SIGCONT)
    assert b'"returned": 65536' in target.proc.stdout.readline()
    assert settle([target.pid])[target.pid] != target.settled[target.pid]
