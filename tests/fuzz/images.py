#!/usr/bin/env python3
"""images.py RECORD FOLDER: images of processes of every Python found, for fuzz_python. RECORD: the program made of record.c."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pythons"))

import support  # noqa: E402

record, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
for python in support.known():
    for words in (["few"], ["locks", "abba"], ["locks", "condition_of_lock"], ["async_asyncio"]):
        target = support.Target(python, *words)
        try:
            subprocess.run([record, str(target.pid), str(folder / f"{python}-{'-'.join(words)}")], check=True)
        finally:
            target.end()
