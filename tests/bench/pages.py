"""What a large page costs: python3 tests/bench/pages.py TRACEWRAP. 1000 processes and 200 findings, read from report.json and written as HTML."""
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SNAPSHOT = TOP / "tests" / "fixtures" / "snapshots" / "teardown-log-storm.json"
ROUNDS = 11


def large_report(tracewrap):
    done = subprocess.run([tracewrap, "explain", "--json", str(SNAPSHOT)], capture_output=True, check=False)
    report = json.loads(done.stdout)
    finding = report["findings"][0]
    report["findings"] = [dict(finding, test=f"tests/test_x.py::test_{n}") for n in range(200)]
    report["processes"] = [{"pid": 1000 + n, "ppid": 1000, "cmdline": ["/usr/bin/python3", f"actor{n}.py"], "started_s": n / 100,
                            "ended_s": None, "exit": None, "test": None} for n in range(1000)]
    return report


def timed(*words):
    begin = time.perf_counter()
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - begin, len(done.stdout)


def main():
    tracewrap = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        file.write_text(json.dumps(large_report(tracewrap)))
        start = statistics.median(timed(tracewrap, "--version")[0] for _ in range(ROUNDS))
        print(f"report.json of 1000 processes and 200 findings: {file.stat().st_size / 1024:.0f} KiB")
        for name in ("html", "md", "junit", "trace"):
            times, sizes = zip(*(timed(tracewrap, "report", f"--{name}", str(file)) for _ in range(ROUNDS)))
            print(f"  --{name:<6} {sizes[0] / 1024:6.0f} KiB  {1000 * statistics.median(times):5.0f} ms"
                  f"  (best {1000 * min(times):.0f} ms; a start alone: {1000 * start:.0f} ms)")


main()
