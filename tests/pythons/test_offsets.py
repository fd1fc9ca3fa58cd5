"""The table of offsets (supervisor/python/table.h) against the headers that are installed with each Python."""
import shutil
import subprocess

import pytest
from support import HELPERS, HERE


def lines(words):
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def test_the_table_is_what_the_headers_say(python, tmp_path):
    include = python.outside(f"{python.prefix}/include/python3.{python.minor}")
    if not (include / "internal").is_dir():
        pytest.skip("no internal headers")
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler
    program = tmp_path / "offsets_of"
    subprocess.run([compiler, "-w", "-I", include, "-I", include / "internal", HERE / "offsets_of.c", "-o", program], check=True)
    headers, table = lines([program]), lines([HELPERS / "offsets", str(python.minor)])
    same_release = headers["hex"] == table["hex"]
    assert headers.keys() == table.keys() and len(table) > 70
    # From 3.13 on patch releases move what the interpreter itself tells of, and the lists of the garbage collector.
    moving = () if same_release or python.minor < 13 else ("rt_", "is_", "ts_", "gc_gen0")
    different = {name: (headers[name], table[name]) for name in table
                 if name != "hex" and headers[name] != table[name] and not name.startswith(moving)}
    assert not different
