#!/usr/bin/env python3
"""`tracewrap why` on every hang of the corpus, started without tracewrap: the same kind, and the same culprits, as a supervised run has to
give; the processes are none the worse for it. Slow and clean cases, asked while they run, must not be proven.

    corpus.py --corpus DIR --tracewrap FILE [--venv DIR] [--only GLOB ...]
"""
import argparse
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

LIMIT_S = 40


def load(path):
    loader = importlib.machinery.SourceFileLoader("run_corpus", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_corpus", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def ask(tracewrap, pid, home):
    done = subprocess.run([tracewrap, "why", "--json", str(pid)], capture_output=True, text=True, timeout=60, cwd=home)
    report = json.loads(done.stdout) if done.stdout.startswith("{") else {"findings": []}
    return done.returncode, report["findings"], done.stderr


def faults_of_hang(case, roles, code, findings, stderr):
    if code not in (124, 3) or stderr:
        return f"exit {code} {stderr}"
    if not findings:
        return "no finding"
    finding = findings[0]
    if finding["kind"] not in case["kinds"]:
        return f"{finding['kind']}, not one of {case['kinds']}"
    named = set(finding["culprits"])
    missing = [name for name in case["culprit"] if not named & roles.pids.get(name, set())]
    if missing:
        return f"not named: {missing}"
    if case.get("test") and finding.get("test") != case["test"]:
        return f"test {finding.get('test')}"
    return None


def one(corpus, args, name, folder, case, python):
    run = corpus.CaseRun({"case": case, "folder": folder, "python": python, "corpus": str(Path(args.corpus).resolve()), "keep": False})
    hang = case["truth"] == "hang"
    try:
        run.start_outside()
        proc = run.start(run.command)
        deadline = time.monotonic() + LIMIT_S
        while corpus.Roles(run.roles_path).onset is None and proc.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        code, findings, stderr = ask(args.tracewrap, proc.pid, run.top)
        roles = corpus.Roles(run.roles_path)
        if hang:
            if code == 0:               # the onset is written just before the hang begins
                code, findings, stderr = ask(args.tracewrap, proc.pid, run.top)
            fault = faults_of_hang(case, roles, code, findings, stderr)
            if not fault and proc.poll() is not None:
                fault = "it has ended, looked at from outside"
        else:
            fault = "proven" if code == 124 else None
        certainty = findings[0]["certainty"] if findings else "-"
        return fault, certainty, findings[0]["kind"] if findings else "-"
    finally:
        run.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--tracewrap", required=True)
    parser.add_argument("--venv", default="build/corpus-venv")
    parser.add_argument("--only", action="append", default=[])
    args = parser.parse_args()
    args.tracewrap = os.path.abspath(args.tracewrap)
    corpus = load(Path(args.corpus) / "run-corpus")
    corpus.become_subreaper()
    failed = total = proven = 0
    cases = [c for c in corpus.load_cases(Path(args.corpus) / "cases", args.only) if c[2]["truth"] in ("hang", "slow", "clean")]
    python = corpus.prepare_venv(args.venv, {need for _, _, case in cases for need in case.get("needs", [])})
    for name, folder, case in cases:
        fault, certainty, kind = one(corpus, args, name, folder, case, python)
        total += 1
        failed += fault is not None
        proven += certainty == "proven"
        print(f"{'FAIL' if fault else 'ok':5} {name:32} {case['truth']:6} {certainty:10} {kind:12} {fault or ''}", flush=True)
    print(f"{total} cases, {total - failed} right, {proven} proven")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
