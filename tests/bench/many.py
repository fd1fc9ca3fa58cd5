#!/usr/bin/env python3
"""How soon a tree of many hung processes is told: each is blocked in a write to a full pipe that its parent would read. From the moment at
which the last of them stands still."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = """
import os, sys
pids = []
for n in range({processes}):
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 1)
        os.closerange(3, w + 1)     # else the last one would hold a thousand ends
        os.write(1, bytes(200000))
        os._exit(0)
    os.close(w)
    pids.append(pid)
for pid in pids:
    os.waitpid(pid, 0)
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tracewrap", required=True)
    parser.add_argument("--processes", type=int, default=1000)
    # a filter knows whose alarms are whose; the table of timers that root reads has those of the whole machine, which put a proof off
    parser.add_argument("--mode", default="notify")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "r.json")
            code = subprocess.run([os.path.abspath(args.tracewrap), "-q", "--mode", args.mode, "--report-json", report, sys.executable, "-c",
                                   PROGRAM.format(processes=args.processes)], cwd=folder, stderr=subprocess.DEVNULL).returncode
            (finding,) = json.loads(report.read_text())["findings"]
        print(f"{args.processes} hung processes: exit {code}, {finding['kind']} {finding['certainty']}, "
              f"{finding['detected_s'] - finding['onset_s']:.2f} s after onset, {len(finding['culprits'])} culprits", flush=True)


if __name__ == "__main__":
    main()
