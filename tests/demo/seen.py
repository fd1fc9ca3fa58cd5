"""What the demonstration showed, in two sentences: seen.py REPORT STATUS. Exit status 1 when it is not what it should be."""
import json
import os
import sys
import textwrap

TEST = "tests/test_cancel.py::test_cancel_verbosely[debug]"


def fail(why):
    print(f"This is not what should have been seen: {why}.", file=sys.stderr)
    sys.exit(1)


def running(process):
    """Is it still there, and no other process with its number?"""
    try:
        with open(f"/proc/{process['pid']}/cmdline") as cmdline:
            return cmdline.read().split("\0")[:-1] == process["cmdline"]
    except OSError:
        return False


def hang_of(report):
    found = [f for f in report["findings"] if f["kind"] == "pipe-full" and f["test"] == TEST]
    if not found:
        fail(f"no finding pipe-full in {TEST}, but {report['findings']}")
    if os.geteuid() == 0 and found[-1]["certainty"] != "proven":
        fail("the hang is suspected, not proven")
    return found[-1]


def main():
    path, status = sys.argv[1], int(sys.argv[2])
    if status != 124:
        fail(f"exit status {status}, not 124")
    try:
        with open(path) as file:
            report = json.load(file)
    except (OSError, ValueError) as error:
        fail(f"no report: {error}")
    hang = hang_of(report)
    left = [p["pid"] for p in report["processes"] if running(p)]
    if left:
        fail(f"processes {left} are still there")

    took = f"{hang['detected_s'] - hang['onset_s']:.1f} s"
    seen = "had proven it" if hang["certainty"] == "proven" else "suspected it (run by root, it could have proven it)"
    print(textwrap.fill(
        f"The last test hung for good; {took} after that began, tracewrap {seen} and named the full pipe behind it. "
        f"None of the {len(report['processes'])} processes is left, the exit status was 124, and {path} says it all to programs.",
        width=79))


main()
