"""Where an interpreter may lie, and who may read it."""
import os
import shutil
import subprocess

import pytest
import support
from support import HELPERS, as_root, run_helper, tids

NOBODY = 65534


def test_an_embedded_interpreter(start, python):
    if not python.library:
        pytest.skip("no shared libpython")
    target = start("few", words=["{folder}/embed", python.library], files=[HELPERS / "embed"], env={"PYTHONHOME": python.prefix})
    assert "libpython" in support.read(f"/proc/{target.pid}/maps")
    target.check_frames(target.read())


@as_root
def test_in_another_pid_namespace(start):
    target = start("few", before=("unshare", "--pid", "--fork", "--kill-child"))
    assert target.pid not in target.pids
    target.check_frames(target.read())


def copied(python):
    """What to copy of an interpreter so that all of its code is in copies, and how to run those."""
    files = [python.outside(python.path)]
    env = {"PYTHONHOME": python.prefix}
    linked = subprocess.run(["readelf", "-d", files[0]], capture_output=True, text=True, check=True).stdout
    if "libpython" in linked:
        files.append(python.outside(python.library))
        env["LD_PRELOAD"] = "{folder}/" + os.path.basename(python.library)   # has the name that the program asks for
    return {"files": files, "env": env, "words": ["{folder}/" + os.path.basename(python.path)]}


@as_root
def test_a_deleted_interpreter(start, python):
    """As an upgrade of its package leaves it."""
    how = copied(python)
    target = start("few", **how)
    for file in how["files"]:
        (target.top / file.name).unlink()
    assert "(deleted)" in support.read(f"/proc/{target.pid}/maps")
    target.check_frames(target.read())


@as_root
def test_another_file_at_the_path_of_the_interpreter(start, python):
    how = copied(python)
    target = start("few", **how)
    for file in how["files"]:
        (target.top / file.name).unlink()
        shutil.copy("/bin/true", target.top / file.name)
    target.check_frames(target.read())


@as_root
def test_a_stripped_interpreter(start, python):
    how = copied(python)
    target = start("few", **{**how, "files": [stripped(file) for file in how["files"]]})
    target.check_frames(target.read())


def stripped(file):
    folder = support.scratch()
    subprocess.run(["strip", "-o", folder / file.name, file], check=True)
    return folder / file.name


def test_a_process_of_another_user(python):
    """It says that it may not be read, and that is all."""
    if os.geteuid() != 0:
        pytest.skip("only root may do this")
    folder = support.scratch()
    folder.chmod(0o755)
    helper = shutil.copy(HELPERS / "stacks", folder)
    target = support.Target(python, "few")
    try:
        process = run_helper("--native", "--locks", "--tasks", target.pid, helper=helper, user=NOBODY, group=NOBODY, extra_groups=[])[0]
        assert process["why"], process
        assert not any(row["frames"] for row in process["threads"])
        assert all(row["quality"] == "none" for row in process["threads"]), process["threads"]
    finally:
        target.end()


def test_what_is_no_python():
    with subprocess.Popen(["sleep", "1000"]) as sleep:
        try:
            support.settle([sleep.pid])
            process = run_helper("--locks", "--tasks", sleep.pid)[0]
            assert process["python"] is None and process["why"] is None and process["tasks"] == []
            assert [row["tid"] for row in process["threads"]] == tids(sleep.pid)
        finally:
            sleep.kill()


def test_what_is_gone():
    with subprocess.Popen(["true"]) as true:
        true.wait()
        process = run_helper("--native", "--locks", "--tasks", true.pid)[0]
    assert process["python"] is None and process["why"] and process["threads"] == []


def test_what_goes_while_it_is_read(start, python):
    """Whatever is read of it: no crash, and each line is whole."""
    target = start("threads")
    words = [str(HELPERS / "stacks"), "--native", "--locks", "--tasks", "--repeat", "200", str(target.pid)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as helper:
        first = helper.stdout.readline()
        target.proc.kill()
        lines = helper.stdout.readlines()
    assert helper.returncode == 0 and first.startswith("{") and all(line.endswith("}\n") for line in lines)


@pytest.mark.parametrize("other", [one for one in support.interpreters() if not one.known] or [None], ids=str)
def test_interpreters_that_are_not_known(other):
    """2.7, 3.7, PyPy: said so, with no frame."""
    if other is None:
        pytest.skip("no such interpreter here")
    target = support.Target(other, "old")
    try:
        process = target.read("--locks", "--tasks")
        assert process["why"] and process["python"] is None, process["why"]
        assert not any(support.python_frames(row["frames"]) for row in process["threads"])
    finally:
        target.end()


@as_root
def test_a_version_that_is_not_known(start, python):
    """The block in which an interpreter describes itself says 3.16."""
    if python.minor < 13:
        pytest.skip("does not describe itself")
    how = copied(python)
    files, changed = [], 0
    for file in how["files"]:
        files.append(support.scratch() / file.name)
        code = file.read_bytes()
        at = code.find(b"xdebugpy")
        while at >= 0:
            if code[at + 10:at + 16] == bytes([python.minor, 3, 0, 0, 0, 0]):
                code = code[:at + 8] + (0x031000f0).to_bytes(8, "little") + code[at + 16:]
                changed += 1
            at = code.find(b"xdebugpy", at + 1)
        files[-1].write_bytes(code)
        files[-1].chmod(0o755)
    assert changed == 1
    target = start("few", **{**how, "files": files})
    process = target.read("--locks", "--tasks")
    assert process["why"] and "3.16" in process["why"] and "not known" in process["why"], process["why"]
    assert not any(support.python_frames(row["frames"]) for row in process["threads"])
