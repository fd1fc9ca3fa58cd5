#!/usr/bin/env python3
"""Does supervisor/ keep to tests/layers.txt?

    check-layers.py [--objects DIR] [--cc COMMAND]     check includes, headers, and (with --objects) symbols
    check-layers.py --self-test [--cc COMMAND]         are fabricated violations found?

Includes point down only, and a room's private headers stay inside; every header compiles on its own; no object calls into a
room that its own may not include; and the objects of pure rooms call nothing that has effects. Python's standard library only.
"""
import argparse
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)

# What a room without effects may call, fortified variants included.
PURE = re.compile(
    r"__(mem|str|st[rp])\w+_chk|(mem|rawmem|str|stp)\w+"
    r"|v?snprintf|__v?snprintf_chk|v?sscanf|__isoc(99|23)_v?sscanf"
    r"|(__isoc23_)?strto\w+|atoi|atol"
    r"|qsort|bsearch|cJSON_\w+"
    r"|__errno_location|__ctype_\w+_loc|is[a-z]+|to(upper|lower)"
    r"|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_")
# libelf on bytes that are in memory already; elf_begin() and its kin, which read files, are not among them.
PURE_ELF = {"elf_version", "elf_memory", "elf_end", "elf_kind", "elf_nextscn", "elf_getscn", "elf_getdata", "elf_getdata_rawchunk",
            "elf_getphdrnum", "elf_getshdrstrndx", "elf_strptr", "gelf_getclass", "gelf_getehdr", "gelf_getphdr", "gelf_getshdr",
            "gelf_getsym", "gelf_getnote"}
# These have the right beginning, but allocate or keep state.
IMPURE = {"strdup", "strndup", "__strdup", "strtok", "strerror", "strsignal", "isatty"}
BASE = re.compile(r"malloc|calloc|realloc|reallocarray|free|abort|stderr|fwrite|fputs|fputc|v?fprintf|__v?fprintf_chk")


# What the preload library writes and we read: its one header, for these rooms alone.
SHARED = {"preload/wire.h": {"parse", "hear"}}


class Layers:
    """The table: which rooms there are, which are pure, and what each may include."""

    def __init__(self, text):
        self.may, self.pure, self.errors = {}, set(), []
        for line in text.splitlines():
            line = line.partition("#")[0].strip()
            if not line:
                continue
            room, _, words = line.partition(":")
            words = words.split()
            if "pure" in words:
                words.remove("pure")
                self.pure.add(room)
            self.add(room, words)

    def add(self, room, below):
        for other in below:
            if other not in self.may:
                self.errors.append(f"layers.txt: {room} points to {other}, which does not stand above it in the table")
            elif room in self.pure and other not in self.pure:
                self.errors.append(f"layers.txt: {room} is pure, {other} is not")
        self.may[room] = {room, *below}


# Includes ---------------------------------------------------------------------------------------------------------

def sources(root):
    return sorted(path for path in (root / "supervisor").rglob("*.[ch]"))


def check_include(layers, room, name):
    """What is wrong with a file of ROOM including NAME, or None."""
    parts = name.split("/")
    if name in SHARED:
        return None if room in SHARED[name] else f'includes "{name}", which is for {", ".join(sorted(SHARED[name]))}'
    if len(parts) != 2 or parts[0] not in layers.may:
        return f'includes "{name}": write "room/room.h", or "{room}/NAME.h" for a private header'
    if parts[0] not in layers.may[room]:
        return f'includes "{name}": {room} may not know {parts[0]}'
    if parts[0] != room and parts[1] != parts[0] + ".h":
        return f'includes "{name}": a private header of {parts[0]}'
    return None


def check_includes(root, layers):
    errors, graph = [], {}
    for path in sources(root):
        name = path.relative_to(root / "supervisor").as_posix()
        room = name.split("/")[0]
        if name.count("/") != 1 or room not in layers.may:
            errors.append(f"{name}: in no room of the table")
            continue
        graph[name] = INCLUDE.findall(path.read_text())
        for included in graph[name]:
            wrong = check_include(layers, room, included)
            if not wrong and not any((root / top / included).is_file() for top in ("supervisor", ".")):
                wrong = f'includes "{included}", which is not there'
            if wrong:
                errors.append(f"{name}: {wrong}")
    return errors + cycles(graph)


def cycles(graph):
    errors, done = [], set()

    def visit(name, way):
        if name in way:
            errors.append("include cycle: " + " -> ".join([*way[way.index(name):], name]))
        elif name not in done:
            for other in graph.get(name, ()):
                visit(other, [*way, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return errors


def check_headers(root, cc):
    """Each header as a program of its own."""
    errors = []
    for path in sources(root):
        if path.suffix != ".h":
            continue
        run = subprocess.run([*cc, "-fsyntax-only", "-x", "c", "-"], cwd=root, capture_output=True, text=True,
                             input=f'#include "{path.relative_to(root / "supervisor")}"\n')
        if run.returncode:
            errors.append(f"{path.relative_to(root / 'supervisor')}: does not compile on its own:\n{run.stderr.strip()}")
    return errors


# Symbols ----------------------------------------------------------------------------------------------------------

def symbols(path, *options):
    run = subprocess.run(["nm", "-P", *options, str(path)], capture_output=True, text=True, check=True)
    return {line.split()[0].partition("@")[0] for line in run.stdout.splitlines() if line.strip()}


def check_symbols(root, objects, layers):
    """OBJECTS is the folder with ROOM/NAME.o; what is left there of removed sources does not count."""
    files = [objects / path.parent.name / (path.stem + ".o") for path in sources(root) if path.suffix == ".c"]
    files = [path for path in files if path.exists()]
    owner = {symbol: path.parent.name for path in files for symbol in symbols(path, "-g", "--defined-only")}
    errors = []
    for path in files:
        room = path.parent.name
        if room not in layers.may:
            continue
        for symbol in sorted(symbols(path, "-u")):
            wrong = check_symbol(layers, room, symbol, owner.get(symbol))
            if wrong:
                errors.append(f"{room}/{path.name}: {wrong}")
    return errors


def check_symbol(layers, room, symbol, owner):
    if owner:
        return None if owner in layers.may[room] else f"uses {symbol} of {owner}, which {room} may not know"
    if room not in layers.pure or (room == "base" and BASE.fullmatch(symbol)):
        return None
    if symbol in PURE_ELF or (PURE.fullmatch(symbol) and symbol not in IMPURE):
        return None
    return f"calls {symbol}: {room} is to have no effects"


# Self-test --------------------------------------------------------------------------------------------------------

TABLE = "low: pure\nmid: pure low\nhigh: low mid\n"
GOOD = {
    "low/low.h": "int low_one(const char *s);\n",
    "low/low.c": '#include "low/low.h"\n#include <string.h>\nint low_one(const char *s) { return (int)strlen(s); }\n',
    "mid/mid.h": '#include "low/low.h"\n',
    "mid/part.h": "struct part;\n",
    "mid/mid.c": '#include "mid/mid.h"\n#include "mid/part.h"\nint mid_one(void);\nint mid_one(void) { return low_one("x"); }\n',
    "mid/file.c": "#include <libelf.h>\nint mid_two(char *s); int mid_two(char *s) { return elf_memory(s, 9) != 0; }\n",
    "high/high.c": '#include "mid/mid.h"\n#include <unistd.h>\nint high_one(void);\nint high_one(void) { return getpid(); }\n',
}
# One change to the good tree each, and words of the complaint that it must lead to.
BAD = [
    ({"low/low.h": '#include "mid/mid.h"\n'}, "low may not know mid"),
    ({"high/high.c": '#include "mid/part.h"\n'}, "a private header of mid"),
    ({"mid/mid.c": '#include "part.h"\n'}, 'write "room/room.h"'),
    ({"mid/mid.c": '#include "low/gone.h"\n'}, "a private header of low"),
    ({"mid/part.h": '#include "mid/other.h"\n', "mid/other.h": '#include "mid/part.h"\n'}, "include cycle"),
    ({"mid/part.h": "struct part { size_t n; };\n"}, "does not compile on its own"),
    ({"attic/a.c": "int a;\n"}, "in no room of the table"),
    ({"low/low.c": "#include <unistd.h>\nint low_one(void); int low_one(void) { return getpid(); }\n"}, "calls getpid"),
    ({"mid/mid.c": "#include <stdlib.h>\nvoid *mid_one(void); void *mid_one(void) { return malloc(9); }\n"}, "calls malloc"),
    ({"mid/mid.c": "#include <string.h>\nchar *mid_one(char *s); char *mid_one(char *s) { return strdup(s); }\n"},
     "calls strdup"),
    ({"mid/mid.c": "#include <libelf.h>\nElf *mid_one(void); Elf *mid_one(void) { return elf_begin(0, ELF_C_READ, 0); }\n"},
     "calls elf_begin"),
    ({"low/low.c": "int high_one(void); int low_one(void); int low_one(void) { return high_one(); }\n"},
     "uses high_one of high"),
]


def try_tree(folder, files, cc):
    for name, text in files.items():
        path = folder / "supervisor" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    layers = Layers(TABLE)
    cc = [*cc, "-I" + str(folder / "supervisor")]
    errors = check_includes(folder, layers) + check_headers(folder, cc)
    for path in sources(folder):
        if path.suffix == ".c":
            target = folder / "objects" / path.parent.name / (path.stem + ".o")
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([*cc, "-c", "-o", str(target), str(path)], capture_output=True, check=False)
    return errors + check_symbols(folder, folder / "objects", layers)


def self_test(cc):
    failed = []
    for change, words in [({}, None), *BAD]:
        with tempfile.TemporaryDirectory() as folder:
            errors = try_tree(Path(folder), {**GOOD, **change}, cc)
        if words is None and errors:
            failed.append(f"a good tree: {errors}")
        if words and not any(words in error for error in errors):
            failed.append(f"not found: {words!r} in {change} (only {errors})")
    for table, words in [("a: b\nb:\n", "does not stand above"), ("a:\nb: pure a\n", "b is pure, a is not")]:
        if not any(words in error for error in Layers(table).errors):
            failed.append(f"not found: {words!r} in the table {table!r}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=Path, metavar="DIR", help="build folder, which holds supervisor/ROOM/NAME.o")
    parser.add_argument("--cc", default="cc", help="compiler with its options (default cc)")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    cc = shlex.split(args.cc)
    if args.self_test:
        errors = self_test(cc)
    else:
        layers = Layers((ROOT / "tests/layers.txt").read_text())
        errors = layers.errors + check_includes(ROOT, layers) + check_headers(ROOT, cc)
        if args.objects:
            errors += check_symbols(ROOT, args.objects / "supervisor", layers)
    for error in errors:
        print(f"check-layers: {error}", file=sys.stderr)
    if errors:
        sys.exit(1)
    if not args.self_test:
        print(f"{len(sources(ROOT))} files of supervisor/ keep to tests/layers.txt")


if __name__ == "__main__":
    main()
