"""Where everybody stands, on the corpus: below each process of the screen comes a line of the case's own file, and below each lock who has it."""
import fnmatch
import json
import re
import shutil

import pytest
from support import Run, batch, of, result  # noqa: F401
from test_untouched_corpus import CASES, interpreter

KINDS = ("pipe-*", "lock-*", "asyncio-*", "actor-*", "trio-*")
ROW = re.compile(r"^  (\S+\[\d+\])  +\S")
PLACE = re.compile(r"^      (\S+?):(\d+) in \S")


def hangs():
    found = {}
    for path in sorted(CASES.glob("*/case.json")):
        case, name = json.loads(path.read_text()), path.parent.name
        python = interpreter(case["needs"])
        if case["truth"] == "hang" and any(fnmatch.fnmatch(name, kind) for kind in KINDS) and python:
            found[name] = [word.replace("{py}", python) for word in case["command"]]
    return found


def ended(name, command):
    def job():
        with Run(*command, inside=lambda run: shutil.copytree(CASES / name, run.folder, dirs_exist_ok=True)) as r:
            done = r.finish()
            return name, done, done.report
    return job


RUNS = {name: ended(name, command) for name, command in hangs().items()}
LOCKS = [name for name in RUNS if name.startswith("lock-threads")]


@pytest.mark.skipif(not RUNS, reason=f"no corpus at {CASES}")
def test_there_are_cases():
    assert len(RUNS) >= 9 and LOCKS


def rows(screen):
    """Of each process of the chain the lines below it, those of its threads too."""
    found, name = {}, None
    for line in screen.splitlines():
        if row := ROW.match(line):
            name = None if row[1].startswith(("pipe:", "socket:")) else row[1]
            if name:
                found[name] = []
        elif name and line.startswith("    "):
            found[name].append(line)
        else:
            name = None
    return found


@of(*RUNS)
def test_the_first_line_of_each_process_is_of_the_case(result):
    case, done, _ = result
    assert done.code == 124, done
    found = rows(done.screen)
    assert found, done.screen
    for name, lines in found.items():
        places = [place for line in lines if (place := PLACE.match(line))]
        assert places, (name, done.screen)
        file, line = places[0][1], int(places[0][2])
        path = CASES / case / file if "/" not in file else None
        assert path and path.exists(), (name, done.screen)
        source = path.read_text().splitlines()[line - 1].strip()
        shown = lines[lines.index(places[0].string)].partition(": ")[2]
        assert shown.removesuffix("...") and source.startswith(shown.removesuffix("...")), (name, source, done.screen)


@of(*LOCKS)
def test_both_holders_of_a_deadlock_are_named_with_file_and_line(result):
    _, done, report = result
    held = re.findall(r"^    thread (\d+) +waits for the \S+ held by thread (\d+) .*\n      \S+:\d+ in .*\n      taken at (test_\S+\.py:\d+) in \S+ \(inferred",
                      done.screen, re.M)
    assert len(held) == 2, done.screen
    (first, by_second, at), (second, by_first, at_other) = held
    assert (first, second) == (by_first, by_second)
    of_thread = {thread["tid"]: thread for process in report["findings"][0]["stacks"] for thread in process["threads"]}
    for tid, place in ((second, at), (first, at_other)):
        frames = of_thread[int(tid)]["frames"]
        assert any(f"{frame['file']}".endswith(place.partition(":")[0]) for frame in frames), (place, frames)
