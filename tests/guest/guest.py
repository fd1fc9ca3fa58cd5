#!/usr/bin/env python3
"""Do programs notice that they are watched? Other people's test suites are run plain and under tracewrap, and compared test by test.

A test whose outcome differs is run again, plain and wrapped in turn, and those runs alone judge it (see judge()). Exit status: 1 when a
test differs for another reason than those of UNAVOIDABLE, 2 when a suite could not be set up though it should have been. Suites
that can't be had here are skipped, with the reason.
"""
import argparse
import fnmatch
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runs import NOBODY, CPython, EmptyEnv, Go, Missing, Pytest

MODULES = """test_subprocess test_os test_posix test_signal test_threadsignals test_eintr test_socket test_threading test_fork1 test_wait3
    test_wait4 test_pty test_openpty test_faulthandler test_resource test_fcntl test_select test_selectors test_poll test_epoll
    test_httpservers test_popen test_platform test_site test_cmd_line test_sys test_ioctl test_mmap test_atexit
    test_file_eintr test_tempfile test_thread test_shutil test_multiprocessing_main_handling""".split()
QUICK = ("test_os", "test_posix", "test_pty", "test_atexit")
USERS = "test_subprocess test_os test_posix test_pty test_fcntl test_resource test_httpservers test_socket".split()
PSUTIL = ("psutil==6.1.1", "pytest<9")
TRIO = ("trio==0.35.0", "trustme", "pyopenssl", "pytest<9")

SUITES = [
    *(CPython("3.11", module, sets=("short", "long") if module in QUICK else ("long",)) for module in MODULES),
    CPython("3.11", "test_subprocess", "-m", "*POSIXProcessTestCase.test_[a-r]*", title="POSIX", sets=("short",)),
    CPython("3.11", "test_venv", "-m", "*test_defaults*"),
    CPython("3.11", "test_asyncio", "-m", "test.test_asyncio.test_subprocess*"),
    CPython("3.11", "test_asyncio", "-m", "test.test_asyncio.test_unix_events*"),
    CPython("3.11", "test_asyncio", "-m", "test.test_asyncio.test_events*"),
    CPython("3.11", "test_eintr", "-u", "walltime,network"),
    CPython("3.11", "test_socketserver", "-u", "walltime,network"),
    CPython("3.10", "test_multiprocessing_fork", "-m", "*WithProcessesTest*"),
    CPython("3.10", "test_concurrent_futures", "-m", "*ProcessPoolFork*"),
    *(CPython("3.13", module) for module in "test_subprocess test_os test_posix test_pty test_popen test_threading test_socket".split()),
    *(CPython("3.11", module, user=NOBODY) for module in USERS),
    EmptyEnv("3.11", ("short", "long")),
    Pytest("psutil", PSUTIL, ["--pyargs", *(f"psutil.tests.test_{part}" for part in ("process", "posix", "linux", "connections", "misc"))]),
    Pytest("psutil environ", PSUTIL, ["--pyargs", "psutil.tests.test_process", "-k", "environ"], sets=("short",)),
    Pytest("trio", TRIO, ["--pyargs", "trio", "-p", "trio._tests.pytest_plugin", "--continue-on-collection-errors"]),
    Pytest("execnet", ("execnet==2.1.2", "pytest<9"), ["testing"], sdist="execnet==2.1.2"),
    Pytest("pexpect", ("pexpect==4.9.0", "pytest<9"),
           [f"tests/test_{part}.py" for part in "winsize isalive ctrl_chars constructor destructor run popen_spawn interact misc env".split()],
           sdist="pexpect==4.9.0", path=(".", "tests")),
    Pytest("ptyprocess", ("ptyprocess==0.7.0", "pytest<9"), ["tests"], sdist="ptyprocess==0.7.0"),
    *(Go(package) for package in ("os/exec", "os/signal", "syscall", "os")),
]

#: (modes, suite, test, up to which share of the runs, why it can't be helped); the names are patterns.
UNAVOIDABLE = [
    ("auto preload", "psutil*", "*test_weird_environ", 1.0, "another process read the environment before the library could hide its variables"),
]


# Judging -----------------------------------------------------------------------------------------------------------------

REPEATS, MOST = 8, 24
CHANCE = 0.05


def fisher(odd, runs, odd_plain, runs_plain):
    """How likely is it that chance alone gives the wrapped runs ODD or more of all odd outcomes? (Fisher's exact test, one-sided)"""
    total, all_odd = runs + runs_plain, odd + odd_plain
    return sum(math.comb(runs, k) * math.comb(runs_plain, all_odd - k) for k in range(odd, min(runs, all_odd) + 1)) / math.comb(total, all_odd)


class Difference:
    """A test with another outcome when it was watched, and how its repeats went."""

    def __init__(self, name, plain, wrapped):
        self.name, self.first = name, (plain, wrapped)
        self.plain, self.wrapped = [], []

    def odd(self, outcomes):
        return sum(outcome != self.first[0] for outcome in outcomes)

    def chance(self):
        return fisher(self.odd(self.wrapped), len(self.wrapped), self.odd(self.plain), len(self.plain))

    def real(self):
        return self.chance() < CHANCE

    def open(self):
        """May more runs tell? It was seen again, and only wrapped."""
        return not self.real() and self.odd(self.wrapped) > self.odd(self.plain) and len(self.wrapped) < MOST

    def __str__(self):
        plain, wrapped = self.first
        return (f"{self.name}: {plain} plain, {wrapped} watched; not {plain} in {self.odd(self.wrapped)} of {len(self.wrapped)} further runs "
                f"watched, {self.odd(self.plain)} of {len(self.plain)} plain")


def judge(suite, plain, wrapped, wrap, say):
    """The differences between two runs, each repeated until it is told from chance or MOST runs have not told it."""
    found = [Difference(name, plain.get(name, "not run"), wrapped.get(name, "not run"))
             for name in sorted(plain.keys() | wrapped.keys()) if plain.get(name) != wrapped.get(name)]
    if len(found) > 1:
        found = [difference for difference in found if difference.name != "(exit status)"]
    names = [difference.name for difference in found]
    whole = len(names) > 40 or not all(name in plain for name in names)
    if names == ["(exit status)"]:
        whole = True
    waiting = found
    for count in range(MOST):
        if not waiting:
            break
        say(f"again, {count + 1}: {len(waiting)}")
        only = None if whole else [difference.name for difference in waiting]
        for words, which in (([], "plain"), (wrap, "wrapped")):
            outcomes, _ = suite.run(words, only)
            for difference in waiting:
                getattr(difference, which).append(outcomes.get(difference.name, "not run"))
        if count + 1 >= REPEATS:
            waiting = [difference for difference in waiting if difference.open()]
        elif whole:
            waiting = [difference for difference in waiting if not difference.real()]
    return found


def excuse(mode, suite, difference):
    share = difference.odd(difference.wrapped) / len(difference.wrapped)
    return next((why for modes, suites, names, most, why in UNAVOIDABLE
                 if mode in modes.split() and fnmatch.fnmatchcase(suite.name, suites)
                 and fnmatch.fnmatchcase(difference.name, names) and share <= most), None)


# Running ----------------------------------------------------------------------------------------------------------------

def wrapper(tracewrap, mode, suite, folder):
    """The words in front of a command."""
    program = tracewrap
    if suite.user is not None:
        program = folder / "tracewrap"
        shutil.copy(tracewrap, program)
        (folder / "user").mkdir(exist_ok=True)
        os.chown(folder / "user", suite.user, suite.user)
    report = folder / ("user" if suite.user is not None else "") / "report"
    return [str(program), *([] if mode == "auto" else [f"--mode={mode}"]), "--report", str(report)]


def works(tracewrap, mode):
    if mode == "auto":
        return True
    return subprocess.run([tracewrap, f"--mode={mode}", "true"], check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class Table:
    """What came of it, a line for each suite and mode."""

    def __init__(self, width):
        self.width, self.failed, self.totals = width, False, {}
        print(f"{'suite':{width}} {'mode':8} {'tests':>6} {'differ':>7} {'seldom':>7} {'seconds':>8}", flush=True)

    def skip(self, suite, why):
        print(f"{suite.name:{self.width}} skipped: {why}", flush=True)

    def broken(self, suite, why):
        self.failed = True
        print(f"{suite.name:{self.width}} FAILED to be set up: {why}", flush=True)

    def row(self, suite, mode, count, differences, spoken, seconds):
        real = [difference for difference in differences if difference.real()]
        seldom = [difference for difference in differences if not difference.real()]
        print(f"{suite.name:{self.width}} {mode:8} {count:6} {len(real):7} {len(seldom):7} {seconds:8.1f}")
        for difference in sorted(real, key=lambda difference: excuse(mode, suite, difference) is not None):
            why = excuse(mode, suite, difference)
            self.failed |= why is None
            print(f"    {'DIFFERENT' if why is None else 'unavoidable'}: {difference}{f' ({why})' if why else ''}")
        for difference in seldom:
            print(f"    seldom, not told from chance: {difference}")
        for line in spoken:
            print(f"    said: {line}")
        sys.stdout.flush()
        total = self.totals.setdefault(mode, [0, 0, 0])
        for at, number in enumerate((count, len(real), len(seldom))):
            total[at] += number

    def end(self):
        for mode, (count, real, seldom) in self.totals.items():
            print(f"{'all':{self.width}} {mode:8} {count:6} {real:7} {seldom:7}")


def say_to_terminal(words):
    if sys.stderr.isatty():
        print(f"\r\033[K{words[:100]}", end="", file=sys.stderr, flush=True)


def run_suite(suite, args, table, folder):
    try:
        suite.prepare(args.build)
    except Missing as why:
        table.skip(suite, why)
        return
    except RuntimeError as why:
        table.broken(suite, why)
        return
    log = args.build / "logs" / re.sub(r"[^\w.]+", "_", suite.name)
    say_to_terminal(f"{suite.name}: plain")
    plain, output = suite.run([], keep=log.with_suffix(log.suffix + ".plain"))
    if len(plain) <= 1 and "skipped" in output:
        table.skip(suite, "it skips itself, unwatched")
        return
    if len(plain) <= 1:
        table.broken(suite, f"it ran no test unwatched ({plain}): see {log}.plain")
        return
    for mode in args.modes:
        start = time.monotonic()
        wrap = wrapper(args.tracewrap, mode, suite, folder)
        say_to_terminal(f"{suite.name}: {mode}")
        wrapped, output = suite.run(wrap, keep=log.with_suffix(f"{log.suffix}.{mode}"))
        differences = judge(suite, plain, wrapped, wrap, lambda words, mode=mode: say_to_terminal(f"{suite.name}: {mode} {words}"))
        say_to_terminal("")
        spoken = [line[:110] for line in output.splitlines() if re.match(r"tracewrap: |== ", line)][:3]
        table.row(suite, mode, len(plain) - 1, differences, [line for line in spoken if "tracewrap" in line or "HANG" in line],
                  time.monotonic() - start)


def chosen(args):
    if args.only:
        return [suite for suite in SUITES if any(fnmatch.fnmatchcase(suite.name, f"{pattern}*") for pattern in args.only)]
    return [suite for suite in SUITES if ("short" if args.short else "long") in suite.sets]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracewrap", type=os.path.abspath, default="build/tracewrap")
    parser.add_argument("--build", type=Path, default=Path("build/guest"), help="where venvs, sources and logs are kept")
    parser.add_argument("--modes", type=lambda words: words.split(","), default=["auto"], help="auto (the default), proc, preload, ptrace, notify")
    parser.add_argument("--short", action="store_true", help="the part that takes seconds")
    parser.add_argument("--only", action="append", help="suites whose names begin so (a pattern)")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    args.build = args.build.resolve()
    suites = chosen(args)
    if args.list:
        print("\n".join(suite.name for suite in suites))
        return
    for mode in [mode for mode in args.modes if not works(args.tracewrap, mode)]:
        print(f"mode {mode} left out: it does not work here")
        args.modes.remove(mode)
    args.build.mkdir(parents=True, exist_ok=True)
    table = Table(max(len(suite.name[:60]) for suite in suites))
    for suite in suites:
        with tempfile.TemporaryDirectory(prefix="guest-") as folder:
            os.chmod(folder, 0o755)
            run_suite(suite, args, table, Path(folder))
    table.end()
    sys.exit(table.failed)


if __name__ == "__main__":
    main()
