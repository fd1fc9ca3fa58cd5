"""A plain user's alarms, heard from the library: what they are going to end is no hang. What can't be heard is not called proven."""
import json
import subprocess

import pytest

from support import NOBODY, USER_PY, as_plain_user, batch, of, open_folder, result, run  # noqa: F401

pytestmark = as_plain_user

WAYS = ["over_exec", "over_shells", "in_a_thread", "by_number", "timer_by_number", "old_value_to_nowhere",
        "before_the_child_of_subprocess"]
#: It sets an alarm and reads from a pipe; nobody hears a static program.
PROGRAM = "#include <unistd.h>\nint main(void) { char c; alarm(3); return read(0, &c, 1) != 1; }"


def report_of(result):
    return json.loads((result.folder / "report.json").read_text())


def plain(way, *words):
    return run(USER_PY, "alarms.py", way, *words, suite="alarms", user=NOBODY, options=("--report-json", "report.json"))


def by_a_program(*flags):
    program = open_folder() / ("alarm-" + "-".join(flags))
    done = subprocess.run(["gcc", "-o", program, "-x", "c", "-", *flags], input=PROGRAM, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return plain("by_a_program", program)


RUNS = {way: lambda way=way: plain(way) for way in WAYS} | {
    "a program": lambda: by_a_program("-O1"), "a static program": lambda: by_a_program("-O1", "-static")}


@of(*WAYS, "a program", "a static program")
def test_no_hang_is_proven(result):
    assert result.code == 0 and not result.left, result
    assert report_of(result)["outcome"] == "pass"
    assert not [f for f in report_of(result)["findings"] if f["certainty"] == "proven"]


@of(*WAYS, "a program")
def test_nothing_is_said_of_an_alarm_that_is_heard(result):
    assert report_of(result)["findings"] == [] and result.screen == ""


@of(*WAYS, "a program", "a static program")
def test_it_lasted(result):
    """An alarm that is over at once misses nothing."""
    assert report_of(result)["duration_s"] > 2
