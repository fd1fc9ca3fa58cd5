#!/usr/bin/env python3
"""images.py RECORD FOLDER CORPUS: images of processes of every Python found, for fuzz_python, and an input for each part of each of them to
begin with. RECORD: the program made of record.c."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pythons"))

import support  # noqa: E402

record, folder, corpus = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
for path in (folder, corpus):
    path.mkdir(parents=True, exist_ok=True)
for python in support.known():
    for words in (["few"], ["locks", "abba"], ["locks", "condition_of_lock"], ["async_asyncio"]):
        target = support.Target(python, *words)
        try:
            subprocess.run([record, str(target.pid), str(folder / f"{python}-{'-'.join(words)}")], check=True)
        finally:
            target.end()
for image in range(len(list(folder.iterdir()))):
    for part in range(4):
        (corpus / f"seed-{image}-{part}").write_bytes(bytes([image, part << 4, 1]) + bytes(8) + b"\xff" * 16)
