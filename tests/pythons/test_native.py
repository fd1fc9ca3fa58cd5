"""Native frames between the Python ones, over every Python: whole, in the right places, and as a debugger has them that stops the process."""
import shutil
import subprocess

import pytest
from support import LIMIT, python_frames

FROM_GDB = """
import gdb
gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frame, out = gdb.newest_frame(), []
    while frame is not None:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            out.append("%x" % frame.pc())
        frame = frame.older()
    print("STACK", thread.ptid[1], *out)
"""


def has_gdb():
    with_python = shutil.which("gdb") and subprocess.run(["gdb", "-nx", "-batch", "-ex", "python print(1)"], capture_output=True, text=True)
    return bool(with_python) and with_python.stdout.strip() == "1"


def kinds(row):
    """A letter a frame, innermost first."""
    return "".join(frame["kind"][0] for frame in row["frames"])


def functions(row):
    return [frame["function"] for frame in row["frames"]]


def test_every_stack_is_whole_and_joined(start):
    """Each of more than fifty ways to block: the system call first, the beginning of the thread last, and the Python frames as told."""
    target = start("threads")
    process = target.read("--native")
    target.check_frames(process)
    for row in process["threads"]:
        assert row["quality"] == "exact" and row["native"] == [], row
        assert kinds(row)[0] == kinds(row)[-1] == "n", row
        assert all(frame["file"] and frame["address"] for frame in row["frames"] if frame["kind"] == "native")
    main = process.thread(target.pid)
    assert functions(main)[-1] == "_start"


def test_c_code_lies_between_the_functions_that_it_joins(start):
    """Python that C calls has a group of its own, and what called it stands below."""
    target = start("threads")
    process = target.read("--native")

    def between(name, inner, outer):
        row = process.thread(target.tid(name))
        names = functions(row)
        first = max(i for i, one in enumerate(names) if one and one.endswith(inner) and row["frames"][i]["kind"] == "python")
        last = max(i for i, one in enumerate(names) if one == outer and row["frames"][i]["kind"] == "python")
        part = row["frames"][first + 1:last]
        assert part and all(frame["kind"] == "native" for frame in part), (name, names)
        return part
    between("in_sorted", "key", "in_sorted")
    between("in_reduce", "<lambda>", "in_reduce")
    between("in_sub", "<lambda>", "sub")
    through_c = between("in_ctypes", "compared", "in_ctypes")
    assert any("libffi" in frame["file"] for frame in through_c) and any("libc" in frame["file"] for frame in through_c)


def test_a_deep_stack_is_joined_as_far_as_it_is_read(start):
    target = start("deep")
    process = target.read("--native")
    row = process.thread(target.tid("deep"))
    assert row["quality"] == "partial" and "400" in row["why"] and row["native"] == []
    assert kinds(row)[0] == "n" and kinds(row)[-1] == "p" and kinds(row).count("p") == 400
    told = next(one["frames"] for one in target.told["threads"].values() if one["name"] == "deep")
    assert python_frames(row["frames"]) == told[:400]


def test_owners(start):
    """The target's own code is its user's; the rest of each stack is not."""
    target = start("few")
    process = target.read("--native")
    for row in process["threads"]:
        for frame in row["frames"]:
            if frame["kind"] == "native":
                assert frame["owner"] in ("library", "glue"), frame
            else:
                assert frame["owner"] == ("own" if frame["file"].startswith(target.folder) else "library"), frame
    assert any(frame["owner"] == "glue" for row in process["threads"] for frame in row["frames"])


def ask_gdb(python, pid, folder):
    script = folder / "stacks.py"
    script.write_text(FROM_GDB)
    root = ["-ex", f"set sysroot {python.root}"] if python.root else []
    done = subprocess.run(["gdb", "-nx", "-batch", *root, "-p", str(pid), "-x", str(script)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=2 * LIMIT)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("STACK ")]
    return {int(words[1]): [int(word, 16) for word in words[2:]] for words in lines}


def in_page(address):
    return address & 0xfff


@pytest.mark.skipif(not has_gdb(), reason="no gdb that knows Python here")
def test_as_gdb_has_it(start, python, tmp_path):
    """Frame by frame, but for those of the interpreter's loop, in whose places the Python frames are. Files are mapped by whole pages, so the
    place in the page is the same in the file and in the process."""
    target = start("threads")
    process = target.read("--native")
    theirs = ask_gdb(python, target.pid, tmp_path)
    assert sorted(theirs) == sorted(row["tid"] for row in process["threads"])
    for row in process["threads"]:
        wanted = iter(map(in_page, theirs[row["tid"]]))
        groups = 0
        frames = iter(row["frames"])
        previous = None
        for frame in frames:
            if frame["kind"] == "python":
                groups += previous != "python"
            else:
                while (one := next(wanted, None)) != in_page(int(frame["address"], 16)):
                    assert one is not None and previous == "python", (row, [hex(pc) for pc in theirs[row["tid"]]])
            previous = frame["kind"]
        assert next(wanted, None) is None, row
        native = kinds(row).count("n")
        entered = len(theirs[row["tid"]]) - native
        assert groups <= entered <= len(python_frames(row["frames"])), (row, entered, groups)
