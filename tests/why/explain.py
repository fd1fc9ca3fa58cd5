#!/usr/bin/env python3
"""`tracewrap explain` on the snapshot of every hang of the corpus gives the finding of the run again, byte for byte.

    explain.py --corpus DIR --tracewrap FILE [--venv DIR] [--only GLOB ...]
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from corpus import load


def finding_text(report):
    """The first finding as it stands in the report."""
    rows = json.loads(report)["findings"]
    return json.dumps(rows[0], ensure_ascii=False) if rows else None


def one(corpus, args, folder, case, python):
    run = corpus.CaseRun({"case": case, "folder": folder, "python": python, "corpus": str(Path(args.corpus).resolve()), "keep": False})
    try:
        run.start_outside()
        snapshot, report = run.top / "s.json", run.top / "r.json"
        proc = run.start([args.tracewrap, "-q", "--timeout", "30s", "--save-snapshot", str(snapshot), "--report-json", str(report), *run.command])
        proc.wait(90)
        told = finding_text(report.read_text())
        done = subprocess.run([args.tracewrap, "explain", "--json", str(snapshot)], capture_output=True, text=True, timeout=60, cwd=run.home)
        again = finding_text(done.stdout)
        if told is None or told != again:
            if args.keep:
                Path(args.keep, f"{folder.name}.told").write_text(str(told))
                Path(args.keep, f"{folder.name}.again").write_text(str(again))
            return "no finding" if told is None else "differs"
        return None
    finally:
        run.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--tracewrap", required=True)
    parser.add_argument("--venv", default="build/corpus-venv")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--keep")
    args = parser.parse_args()
    args.tracewrap = os.path.abspath(args.tracewrap)
    corpus = load(Path(args.corpus) / "run-corpus")
    corpus.become_subreaper()
    cases = [c for c in corpus.load_cases(Path(args.corpus) / "cases", args.only) if c[2]["truth"] == "hang"]
    python = corpus.prepare_venv(args.venv, {need for _, _, case in cases for need in case.get("needs", [])})
    failed = 0
    for name, folder, case in cases:
        fault = one(corpus, args, folder, case, python)
        failed += fault is not None
        print(f"{'FAIL' if fault else 'ok':5} {name:32} {fault or ''}", flush=True)
    print(f"{len(cases)} cases, {len(cases) - failed} the same")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
