#!/usr/bin/env python3
"""Would a test notice? Each statement of the prover that reports a waker, a reason to count as live, a timeout or an assumption is left out
in turn (and each narrowing condition is turned round by --conditions), the unit tests of its room are linked against the mutant, and one of
them has to fail. A mutant that all tests let pass is a waker that could get lost unnoticed: the check fails and names the line.

    mutants.py [--only FILE[:LINE]] [--jobs N]
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
#: What is mutated, by which tests it is to be noticed, and which statements.
REPORTS = r"look_(live|strong|weak|process|holders|object|timeout|assume|alarm|signals)|\w+_wakers|shared_wakers|peer_wakers"
ROOMS = [
    ("supervisor/prove/wait_*.c", ["test_prove", "test_prove_waits", "test_prove_near"], REPORTS),
    ("supervisor/prove/look.c", ["test_prove", "test_prove_waits", "test_prove_near"], REPORTS),
    ("supervisor/observe/calls.c", ["test_observe"], r"timeout_(ms|at|until)|sooner|add_fd|live"),
]
#: Statements that no test can miss, and why.
SPARED = {
    ("supervisor/prove/look.c", 'look_live(l, "it waits for something that is not known")'): "an index that no reader lets through",
    ("supervisor/observe/calls.c", 'live(d, "makes a process")'): "a wait that no row has named is live as it is",
    ("supervisor/observe/calls.c", 'live(&d, "blocked outside of a system call")'): "the same",
    ("supervisor/observe/calls.c", 'live(&d, "in disk sleep")'): "the same, by another reason",
    ("supervisor/observe/calls.c", 'live(d, "in fcntl, but not for a lock")'): "no other command of fcntl(2) waits",
    ("supervisor/observe/calls.c", 'live(d, "polls too many descriptors")'): "more descriptors than the limit of a test",
    ("supervisor/observe/calls.c", 'live(d, "selects too many descriptors")'): "the same",
}


def statements(path, pattern):
    """(number of the line, the line without the statement, the statement) of each whole statement."""
    text = path.read_text().split("\n")
    call = re.compile(rf"(?<![\w>.])((?:{pattern})\((?:[^;\"]|\"[^\"]*\")*\)|return live\([^;]*\));")
    for number, line in enumerate(text):
        if not line.startswith("\t"):
            continue                            # the head of a function
        for found in call.finditer(line):
            before = line[:found.start()].strip()
            if before.endswith("=") or before.startswith(("case", "return")) and not found[1].startswith("return"):
                continue
            yield number, line[:found.start()] + "(void)0;" + line[found.end():], found[1]


def sh(command):
    return subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Build:
    """Compiles one mutant and links tests against it: an object before the library stands in for the library's own."""

    def __init__(self, cc, flags, libs, out):
        self.cc, self.flags, self.libs, self.out = cc, flags, libs, out

    def run(self, path, text, tests):
        with tempfile.TemporaryDirectory() as folder:
            mutant = pathlib.Path(folder) / path.name
            mutant.write_text(text)
            # where tests look for their helpers: beside themselves
            unit = pathlib.Path(folder) / "tests/unit"
            unit.mkdir(parents=True)
            (pathlib.Path(folder) / "tests/helpers").symlink_to(TOP / self.out / "tests/helpers")
            made = sh([*self.cc, *self.flags, "-Wno-error", "-w", "-c", "-o", f"{folder}/mutant.o", str(mutant)])
            if made.returncode:
                return f"does not compile: {made.stdout[-300:]}"
            for test in tests:
                extra = sorted(str(p) for p in (TOP / self.out / "tests/unit").glob("*.o")
                               if not p.name.startswith("test_") and (TOP / f"tests/unit/{p.stem}.c").exists())
                made = sh([*self.cc, *self.flags, "-pie", "-o", f"{unit}/{test}", f"{self.out}/tests/unit/{test}.o",
                           f"{folder}/mutant.o", *extra, f"{self.out}/libtracewrap.a", *self.libs, "-lcmocka"])
                if made.returncode:
                    return f"does not link: {made.stdout[-300:]}"
                try:
                    done = subprocess.run([f"{unit}/{test}"], cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                          timeout=60)
                except subprocess.TimeoutExpired:
                    return None
                if done.returncode:
                    return None                 # noticed
            return "no test fails"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", default="build")
    parser.add_argument("--flags", default=os.environ.get("MUTANT_FLAGS", ""))
    parser.add_argument("--libs", default=os.environ.get("MUTANT_LIBS", ""))
    parser.add_argument("--cc", default=os.environ.get("CC", "gcc"))
    args = parser.parse_args()
    build = Build(args.cc.split(), args.flags.split(), args.libs.split(), args.out)
    jobs = []
    for glob, tests, pattern in ROOMS:
        tests = [t for t in tests if (TOP / f"tests/unit/{t}.c").exists()]
        for path in sorted(TOP.glob(glob)):
            name = str(path.relative_to(TOP))
            lines = path.read_text().split("\n")
            for number, line, statement in statements(path, pattern):
                if args.only not in f"{name}:{number + 1}" or (name, statement) in SPARED:
                    continue
                text = "\n".join(lines[:number] + [line] + lines[number + 1:])
                jobs.append((path, text, tests, f"{name}:{number + 1}: {statement}"))
    failed = 0
    for glob, tests, _ in ROOMS:                # the tests pass where nothing is left out
        path = sorted(TOP.glob(glob))[0]
        if build.run(path, path.read_text(), [t for t in tests if (TOP / f"tests/unit/{t}.c").exists()]) != "no test fails":
            sys.exit(f"mutants: {tests} fail without a mutant")
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for job, why in zip(jobs, pool.map(lambda j: build.run(*j[:3]), jobs)):
            if why:
                failed += 1
                print(f"{job[3]}: {why}")
    print(f"{len(jobs)} mutants, {len(jobs) - failed} noticed, {failed} not")
    return 1 if failed or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
