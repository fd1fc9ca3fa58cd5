"""--reaper off: orphans have the parent that they would have without tracewrap; who was seen is followed and ended all the same."""
import os
import signal

import pytest
from conftest import children
from support import PY, Run, marked, status_of

ORPHAN = """
import os, time
from role import role, wait_for
if os.fork() == 0:
    os.setsid()
    first = os.getpid()
    if os.fork():
        os._exit(0)
    wait_for(lambda: os.getppid() != first)
    role("parent", os.getppid())
    role("orphan")
    time.sleep(1000)
os.wait()
wait_for(lambda: os.path.exists("go"))
"""


def orphaned(*options, wrap=True):
    def inside(r):
        (r.folder / "orphan.py").write_text(ORPHAN)
    return Run(PY, "orphan.py", inside=inside, options=options, wrap=wrap)


def parent_of_orphan(run):
    run.until_role("orphan")
    return run.roles()["parent"][-1]


def test_parent_is_as_without_us():
    with orphaned(wrap=False) as plain:
        expected = parent_of_orphan(plain)
    for options in [("--reaper", "off"), ("--reaper", "off", "--mode", "proc")]:
        with orphaned(*options) as r:
            assert parent_of_orphan(r) == expected
    with orphaned("--reaper", "on") as r:
        parent = parent_of_orphan(r)
        assert parent in children(r.proc.pid)


@pytest.mark.parametrize("mode", ["preload", "ptrace"])
def test_who_was_heard_of_is_ended(mode):
    with orphaned("--reaper", "off", "--mode", mode) as r:
        orphan = r.until_role("orphan")
        (r.folder / "go").touch()
        result = r.finish()
    assert result.code == 0 and not result.left, result
    assert result.report["reaper"] is False
    assert any(orphan in finding["culprits"] and finding["kind"] == "leaked-process" for finding in result.report["findings"])


def test_outer_is_killed():
    with orphaned("--reaper", "off", "--mode", "preload") as r:
        r.until_role("orphan")
        r.proc.kill()
        result = r.finish()
    assert result.code == -signal.SIGKILL and not result.left


def test_inner_is_killed():
    """The command goes on, but its end is told to another; whoever it leaves is not ours any more."""
    with orphaned("--reaper", "off", "--mode", "preload") as r:
        orphan = r.until_role("orphan")
        inner = next(pid for pid in children(r.proc.pid) if children(pid))
        os.kill(inner, signal.SIGKILL)
        r.until_said("its end can't be passed on")
        assert status_of(orphan)
        (r.folder / "go").touch()
        result = r.finish()
        assert result.code == 125
        assert [pid for pid, _ in result.left] == [orphan]
        assert orphan in marked(r.mark)
