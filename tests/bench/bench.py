#!/usr/bin/env python3
"""What tracewrap costs, beside the plain command and strace. Timing never makes this fail, only errors do.

Wall and CPU time: each round runs every variant once, in an order of its own (who comes behind whom matters: caches). Shown are the
ratio of the least times, and the median of the ratios within a round, which a busy machine disturbs least. CPU time is that of the tree and of the supervisor's processes.
The supervisor's own cost: CPU time of its processes, as the scheduler counts it, and resident memory, while a crowd of tasks sleeps.
Stacks: wall time of the whole reader, started anew each time, beside py-spy on the same hung processes.
"""
import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUITE = """import pytest

@pytest.mark.parametrize("n", range(300))
def test_sum(n, tmp_path):
    (tmp_path / "numbers").write_text("\\n".join(map(str, range(n))))
    assert sum(map(int, (tmp_path / "numbers").read_text().split())) == n * (n - 1) // 2
"""
STRACE = ["strace", "-f", "-o", "/dev/null", "-e", "trace=bind,execve"]
MODES = ("proc", "preload", "ptrace", "notify")
OTHERS = ("strace", "strace bpf")


# What the command costs -------------------------------------------------------------------------------------------

class Load:
    """Something to run, with the ratios to the plain command that are aimed at: {mode: ratio} of wall time, of CPU time."""

    def __init__(self, title, command, wall, cpu=None):
        self.title, self.command, self.wall, self.cpu = title, command, wall, cpu or {}


def workloads(args, folder):
    (folder / "test_sums.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    pytest = [args.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(folder / "tmp"), str(folder)]
    all_loads = [
        Load("1000 posix_spawn", [args.load, "spawn", "1000"], {"proc": 1.05, "preload": 1.10, "ptrace": 1.10}),
        Load("5000 fork", [args.load, "fork", "5000"], {"proc": 1.02}),
        Load("15000 vfork", [args.load, "vfork", "15000"], {"proc": 1.02}),
        Load("16000 threads", [args.load, "thread", "16000"], {"proc": 1.02, "preload": 1.02, "ptrace": 2.0}),
        Load("80000 bind", [args.load, "bind", "80000"], {"proc": 1.02}),
        Load("5000000 getppid", [args.load, "getppid", "5000000"], {"proc": 1.02}),
        Load("300000 read + write", [args.load, "rw", "300000"], {"proc": 1.02}),
        Load("300 tests of pytest", pytest, {"proc": 1.02, "preload": 1.02}, {"ptrace": 1.01}),
    ]
    return [load for load in all_loads if not args.only or any(word in load.title for word in args.only)]


def variants(args, folder):
    """{name: words in front of the command}; what this machine or this build does not have is left out with a line."""
    found = {"plain": []}
    for name in args.modes:
        words = [args.tracewrap, f"--mode={name}", "--report", str(folder / "report")]
        if name in OTHERS:
            words = [*STRACE, *(["--seccomp-bpf"] if name == "strace bpf" else [])]
        tried = None
        if shutil.which(words[0]):
            tried = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if tried and tried.returncode == 0:
            found[name] = words
        else:
            why = f"status {tried.returncode}: {tried.stderr.strip()[-200:]}" if tried else "not installed"
            print(f"left out: {name} ({why})")
    return found


def ended(pid):
    """(exit status, CPU seconds of PID and of all that it has waited for)"""
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def timed(command, folder):
    """(wall seconds, CPU seconds). The CPU time is that of the whole tree that was waited for: a supervisor waits for its tree, and the
    outer process of tracewrap for the supervisor, so theirs is in it."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        process.returncode, cpu = ended(process.pid)
        took = time.perf_counter() - start
        if process.returncode:
            said.seek(0)
            sys.exit(f"bench: {' '.join(command)}: status {process.returncode}\n{said.read().decode(errors='replace')[-2000:]}")
    return took, cpu


def measure(command, ways, rounds, folder):
    """[(wall, CPU)] of each variant, by its name. The first round only fills caches."""
    times = {name: [] for name in ways}
    order, chance = list(ways), random.Random(0)
    for number in range(rounds + 1):
        chance.shuffle(order)
        for name in order:
            took = timed(ways[name] + command, folder)
            if number:
                times[name].append(took)
    return times


def ratios(times, name, what):
    """(ratio of the least, median of the ratios within a round) of WHAT, 0: wall time, 1: CPU time."""
    mine, plain = [one[what] for one in times[name]], [one[what] for one in times["plain"]]
    return min(mine) / min(plain), statistics.median(one / other for one, other in zip(mine, plain))


def cost_row(load, name, times):
    line = f"  {name:20}"
    for what, targets in ((0, load.wall), (1, load.cpu)):
        least, median = ratios(times, name, what)
        target = f"<= {targets[name]:.2f}" if name in targets else ""
        line += f" {least:9.2f} {median:7.2f} {target:>8}"
    return line


def costs(args, folder):
    ways = variants(args, folder)
    print(f"ratios to the plain command, {args.rounds} interleaved rounds; CPU time is that of the command's tree and of who watches it")
    print(f"{'':22} {'wall time':^26} {'CPU time':^26}")
    print(f"{'':22} {'of least':>9} {'median':>7} {'target':>8} {'of least':>9} {'median':>7} {'target':>8}")
    for load in workloads(args, folder):
        times = measure(load.command, ways, args.rounds, folder)
        wall, cpu = (min(one[what] for one in times["plain"]) for what in (0, 1))
        print(f"{load.title} (plain: {wall:.3f} s wall, {cpu:.3f} s CPU)")
        for name in list(ways)[1:]:
            print(cost_row(load, name, times), flush=True)


# The supervisor's own cost ----------------------------------------------------------------------------------------

def children(pid):
    return [int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()]


def cpu_ns(pid):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def memory_kib(pid, file, key):
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    sys.exit(f"bench: no {key} in /proc/{pid}/{file}")


def supervisor(args, processes, threads, folder):
    """(share of a core in percent, KiB resident in the inner process, KiB of all guards by Pss)"""
    command = [args.tracewrap, "--report", str(folder / "report"), args.load, "crowd", str(processes), str(threads),
               str(args.seconds + 3)]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as outer:
        if outer.stdout.readline() != b"ready\n":
            sys.exit(f"bench: {' '.join(command)}: no crowd")
        guards = [outer.pid, *children(outer.pid)]
        inner = next(pid for pid in guards[1:] if children(pid))
        time.sleep(1)                           # until the sampler has seen that nothing moves
        start, before = time.monotonic_ns(), sum(map(cpu_ns, guards))
        time.sleep(args.seconds)
        share = 100 * (sum(map(cpu_ns, guards)) - before) / (time.monotonic_ns() - start)
        resident = memory_kib(inner, "status", "VmRSS")
        pss = sum(memory_kib(pid, "smaps_rollup", "Pss") for pid in guards)
    if outer.returncode:
        sys.exit(f"bench: {' '.join(command)}: status {outer.returncode}")
    return share, resident, pss


def own_cost(args, folder):
    print(f"\nthe supervisor while the tasks sleep, over {args.seconds} s")
    print(f"{'':22} {'of a core':>10} {'target':>9} {'resident':>10} {'target':>9} {'Pss, all':>10}")
    for title, processes, threads, share_target, memory_target in [("100 processes", 100, 1, 0.5, 8), ("1000 processes", 1000, 1, 2.5, None),
                                                                   ("100 x 10 threads", 100, 10, 2.5, 8)]:
        share, resident, pss = supervisor(args, processes, threads, folder)
        memory = f"<= {memory_target} MiB" if memory_target else ""
        print(f"{title:22} {share:8.2f} % {f'<= {share_target} %':>9} {resident / 1024:6.1f} MiB {memory:>9} {pss / 1024:6.1f} MiB",
              flush=True)


# Stacks -----------------------------------------------------------------------------------------------------------

STACKS_TARGET = 1 / 8


class Hung:
    """Nine Python processes with 25 threads, none of which can go on."""

    def __init__(self, python):
        self.proc = subprocess.Popen([python, str(Path(__file__).with_name("hung.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pids = list(map(int, self.proc.stdout.readline().split()))

    def __enter__(self):
        while not all(map(self.blocked, self.pids)):
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()                 # who reads it ends its children and itself
        self.proc.wait()
        self.proc.stdout.close()

    @staticmethod
    def blocked(pid):
        return all((task / "syscall").read_text().split()[0] in ("0", "1", "61", "202", "232") for task in Path(f"/proc/{pid}/task").iterdir())

    def threads(self):
        return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in self.pids)


def readers(args, hung):
    root = str(hung.pids[0])
    own = [args.stacks, "--test"]
    found = {
        "own": [*own, "--locks", *map(str, hung.pids)],
        "own, native too": [*own, "--locks", "--native", *map(str, hung.pids)],
        "own, tasks too": [*own, "--locks", "--tasks", *map(str, hung.pids)],
    }
    if args.py_spy and os.access(args.py_spy, os.X_OK):
        found["py-spy"] = [args.py_spy, "dump", "--nonblocking", "--subprocesses", "--pid", root]
    else:
        print("left out: py-spy (not installed)")
    return found


def frames_seen(name, command):
    """How many Python frames a reader prints; with one that sees nothing there would be nothing to compare."""
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if name == "py-spy":
        return sum(line.startswith("    ") for line in said.splitlines())
    return said.count('"kind":"python"')


def stacks(args):
    with Hung(args.python) as hung:
        ways = readers(args, hung)
        print(f"\nstacks of {len(hung.pids)} hung processes with {hung.threads()} threads, {args.rounds} interleaved rounds")
        for name, command in ways.items():
            print(f"  {name}: {frames_seen(name, command)} Python frames")
        times = measure([], ways, args.rounds, None)
        print(f"{'':22} {'least':>9} {'median':>9} {'of least':>9} {'median':>7} {'target':>8}")
        for name, rows in times.items():
            walls = [wall for wall, _ in rows]
            line = f"  {name:20} {1000 * min(walls):6.1f} ms {1000 * statistics.median(walls):6.1f} ms"
            if "py-spy" in times and name != "py-spy":
                others = [wall for wall, _ in times["py-spy"]]
                line += f" {min(walls) / min(others):9.3f} {statistics.median(a / b for a, b in zip(walls, others)):7.3f}"
                line += f" {f'<= {STACKS_TARGET:.3f}' if name == 'own' else '':>8}"
            print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracewrap", type=os.path.abspath, required=True)
    parser.add_argument("--load", type=os.path.abspath, required=True, help="the program made of load.c")
    parser.add_argument("--python", type=os.path.abspath, required=True, help="an interpreter with pytest")
    parser.add_argument("--stacks", type=os.path.abspath, help="the helper of that name")
    parser.add_argument("--py-spy", type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", action="append", help="loads with this in their title; \"idle\": the supervisor's own cost; \"stacks\"")
    parser.add_argument("--modes", type=lambda words: words.split(","), default=[*MODES, *OTHERS],
                        help=f"some of {','.join((*MODES, *OTHERS))}")
    parser.add_argument("--seconds", type=int, default=8, help="how long the supervisor is watched")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracewrap-bench-") as folder:
        if not args.only or set(args.only) - {"idle", "stacks"}:
            costs(args, Path(folder))
        if not args.only or "idle" in args.only:
            own_cost(args, Path(folder))
        if args.stacks and (not args.only or "stacks" in args.only):
            stacks(args)


if __name__ == "__main__":
    main()
