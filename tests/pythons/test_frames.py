"""Frames of blocked threads: function, file and line as sys._current_frames() of the target has them."""
import pytest
from support import look, python_frames, read, run_helper, wait_for


def test_every_wait_and_every_kind_of_frame(start):
    target = start("threads")
    assert len(target.told["threads"]) > 50
    target.check_frames(target.read())


def test_with_native_frames_too(start):
    """The same Python frames; what is native is between them or beside them."""
    target = start("threads")
    process = target.read("--native")
    target.check_frames(process)
    for row in process["threads"]:
        assert not any(frame["kind"] == "python" for frame in row["native"])


def test_a_deep_stack_is_cut_and_says_so(start):
    target = start("deep")
    process = target.read()
    for name, row in ((target.told["threads"][tid]["name"], process.thread(tid)) for tid in target.told["threads"]):
        told, got = next(one["frames"] for one in target.told["threads"].values() if one["name"] == name), python_frames(row["frames"])
        if name == "deep":
            assert got == told[:len(got)] and len(got) == 400 and len(told) > 1500
            assert row["quality"] == "partial" and "400" in row["why"]
        else:
            assert got == told and row["quality"] == "exact", name


def test_a_child_forked_in_a_thread(start):
    target = start("forked")
    assert len(target.lines) == 3
    for line in target.lines:
        target.check_frames(target.read(pid=line["pid"]), line)


def test_a_sub_interpreter(start, python):
    """Two thread states may claim one thread. Its stack is whole or says that it is not, and no other thread gets frames of it."""
    target = start("subinterpreter")
    if not target.told["has"]:
        return
    name = "<script>" if python.minor >= 14 else "<string>"     # what the module of sub-interpreters calls it
    sub = [["inner", name, 4], ["outer", name, 6], ["<module>", name, 7]]
    for options in ((), ("--native",)):
        process = target.read(*options)
        assert process["why"] is None
        for tid, told in target.told["threads"].items():
            row = process.thread(tid)
            got = python_frames(row["frames"])
            if told["name"] != "in_sub":
                assert got == told["frames"] and row["quality"] == "exact", (told["name"], row)
            elif row["quality"] == "exact":
                assert got == sub + told["frames"]
            else:
                assert got == told["frames"] and row["quality"] == "partial" and row["why"], row


def chain_is_whole(frames, lines):
    """Does each frame stand on a line that calls the next inner one?"""
    for inner, outer in zip(frames, frames[1:]):
        name, file, line = inner[0].rpartition(".")[2], *outer[1:]
        if file.endswith("spinning.py") and f"{name}(" not in lines[line - 1]:
            return False
    return True


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_that_run_are_moving_or_whole(start, threads):
    """A stack that is called exact was so at one moment; what is no such stack says "moving"."""
    target = start("spinning", threads)
    lines = read(target.top / "spinning.py").splitlines()
    seen = {}
    wait_for(lambda: look(target.pid)[target.pid][1].startswith("0 0x0 "), "main thread in its read")
    for process in run_helper("--repeat", 100, target.pid):
        assert process["why"] is None and process.thread(target.pid)["quality"] == "exact"
        for row in process["threads"]:
            frames = python_frames(row["frames"])
            seen[row["quality"]] = seen.get(row["quality"], 0) + 1
            assert row["quality"] in ("exact", "moving") or row["why"], row
            if row["quality"] == "exact":
                assert chain_is_whole(frames, lines), frames
                assert row["tid"] == target.pid or threads > 1, "who runs alone is never blocked"
    assert seen.get("moving"), seen
