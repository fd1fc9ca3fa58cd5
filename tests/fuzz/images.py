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
    for name in ("few",):
        target = support.Target(python, name)
        try:
            subprocess.run([record, str(target.pid), str(folder / f"{python}-{name}")], check=True)
        finally:
            target.end()
