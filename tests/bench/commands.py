#!/usr/bin/env python3
"""What the subcommands cost on a warm checkout: `tracewrap test` beside the plain pytest command, `last`, and the start of a run with and
without settings. Rounds run each once, in a rotating order; shown are medians, and the median of the differences within a round. Timing
never makes this fail."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTINGS = '[tool.tracewrap]\nvenv = "py{major}{minor}"\nports = ["127.0.0.1:1616"]\n'


def project(folder, python):
    (folder / "tests").mkdir(parents=True)
    (folder / "demo").mkdir()
    for n in range(200):
        (folder / "demo" / f"module{n}.py").write_text("x = 1\n")
        (folder / "tests" / f"test_{n}.py").write_text("def test_x(): pass\n")
    (folder / "pyproject.toml").write_text(SETTINGS)
    (folder / ".git").mkdir()
    name = subprocess.run([python, "-c", "import sys; print('py%d%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / name).symlink_to(Path(python).parent.parent)
    cache = folder / ".pytest_cache/v/cache"
    cache.mkdir(parents=True)
    (cache / "lastfailed").write_text(json.dumps({f"tests/test_{n}.py::test_x": True for n in range(200)}))
    return folder / name / "bin" / "python"


def once(words, folder):
    """Wall time, CPU time of it and its children, exit code."""
    begin = time.perf_counter()
    proc = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(proc.pid, 0)
    proc.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, proc.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracewrap", required=True, type=os.path.abspath)
    parser.add_argument("--python", required=True, type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="twb-") as top:
        folder, bare = Path(top) / "checkout", Path(top) / "bare"
        python = project(folder, args.python)
        (bare / ".git").mkdir(parents=True)
        (bare / "pyproject.toml").write_text("[project]\nname = 'x'\n")
        pytest = [python, "-m", "pytest", "tests/test_1.py", "-x", "--tb=short", "--no-header"]
        runs = {
            "pytest": (pytest, folder, 0), "tracewrap pytest": ([args.tracewrap, *pytest], folder, 0),
            "tracewrap test": ([args.tracewrap, "test", "test_1.py"], folder, 0), "tracewrap last": ([args.tracewrap, "last"], folder, 1),
            "true": (["true"], bare, 0), "tracewrap true, no settings": ([args.tracewrap, "true"], bare, 0),
            "tracewrap true, settings in TOML": ([args.tracewrap, "true"], folder, 0),
        }
        times = {name: [] for name in runs}
        for n in range(-1, args.rounds):
            names = list(runs)
            for name in names[n % len(names):] + names[:n % len(names)]:
                words, where, code = runs[name]
                *seconds, got = once(words, where)
                if got != code:
                    sys.exit(f"{name} ended with {got}")
                if n >= 0:
                    times[name].append(seconds)
    print(f"{'':34} {'wall':>10} {'to plain':>10} {'CPU':>10} {'to plain':>10}   (ms, medians)")
    for name, values in times.items():
        plain = times["pytest" if "pytest" in name or "test" in name else "true"]
        cells = []
        for k in range(2):
            more = statistics.median(a[k] - b[k] for a, b in zip(values, plain))
            cells += [f"{statistics.median(v[k] for v in values) * 1000:10.1f}", f"{more * 1000:+10.1f}" if name not in ("pytest", "true", "tracewrap last") else " " * 10]
        print(f"{name:34} {' '.join(cells)}")


if __name__ == "__main__":
    main()
