#!/usr/bin/env python3
"""What tracewrap costs, beside the plain command and strace. Timing never makes this fail, only errors do.

Wall time: each round runs every variant once, in a rotating order. Shown are the ratio of the least times, and the median of the
ratios within a round, which a busy machine disturbs least. The supervisor's own cost: CPU time of its processes, as the scheduler
counts it, and resident memory, while a crowd of tasks sleeps.
"""
import argparse
import os
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
STRACE = ["strace", "-f", "--seccomp-bpf", "-e", "trace=bind,execve", "-o", "/dev/null"]


# Wall time --------------------------------------------------------------------------------------------------------

def workloads(args, folder):
    """(title, command, the ratio aimed at)"""
    (folder / "test_sums.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    pytest = [args.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(folder / "tmp"), str(folder)]
    return [("1000 posix_spawn", [args.load, "spawn", "1000"], 1.05),
            ("4000 threads", [args.load, "thread", "4000"], 1.02),
            ("300000 read + write", [args.load, "rw", "300000"], 1.02),
            ("300 tests of pytest", pytest, 1.02)]


def timed(command, folder):
    start = time.perf_counter()
    run = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         check=False)
    took = time.perf_counter() - start
    if run.returncode:
        sys.exit(f"bench: {' '.join(command)}: status {run.returncode}\n{run.stderr.decode(errors='replace')[-2000:]}")
    return took


def measure(command, variants, rounds, folder):
    """The times of each variant, by its name. The first round only fills caches."""
    times = {name: [] for name in variants}
    order = list(variants)
    for number in range(rounds + 1):
        for name in order:
            took = timed(variants[name] + command, folder)
            if number:
                times[name].append(took)
        order.append(order.pop(0))
    return times


def ratios(times, name):
    paired = [one / plain for one, plain in zip(times[name], times["plain"])]
    return min(times[name]) / min(times["plain"]), statistics.median(paired)


def wall_time(args, folder):
    variants = {"plain": [], "tracewrap": [args.tracewrap, "--report", str(folder / "report")]}
    if shutil.which("strace"):
        variants["strace"] = STRACE
    print(f"wall time as a ratio to the plain command, {args.rounds} interleaved rounds")
    print(f"{'':22} {'plain':>8} {'tracewrap':>16} {'':9} {'strace':>16}")
    print(f"{'':22} {'least':>8} {'of least':>9} {'median':>6} {'target':>9} {'of least':>9} {'median':>6}")
    for title, command, target in workloads(args, folder):
        times = measure(command, variants, args.rounds, folder)
        least, median = ratios(times, "tracewrap")
        line = f"{title:22} {min(times['plain']):6.3f} s {least:9.2f} {median:6.2f} {f'<= {target:.2f}':>9}"
        if "strace" in times:
            least, median = ratios(times, "strace")
            line += f" {least:9.2f} {median:6.2f}"
        print(line, flush=True)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracewrap", type=os.path.abspath, required=True)
    parser.add_argument("--load", type=os.path.abspath, required=True, help="the program made of load.c")
    parser.add_argument("--python", type=os.path.abspath, required=True, help="an interpreter with pytest")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=8, help="how long the supervisor is watched")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracewrap-bench-") as folder:
        wall_time(args, Path(folder))
        own_cost(args, Path(folder))


if __name__ == "__main__":
    main()
