"""The line tables of the standard library and what the interpreter itself reads from them, as records for the helper `lines`."""
import array
import ctypes
import os
import struct
import sys
import warnings


MODULES = 260
LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "site-packages", "dist-packages", "turtledemo", "__pycache__", "ensurepip"}
MINOR = sys.version_info[1]
line_of = ctypes.pythonapi.PyCode_Addr2Line
line_of.argtypes = [ctypes.py_object, ctypes.c_int]
line_of.restype = ctypes.c_int


def modules():
    """Files of the standard library: all of them, or every n-th."""
    found = []
    for folder, folders, files in os.walk(os.path.dirname(os.__file__)):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        found += [os.path.join(folder, name) for name in sorted(files) if name.endswith(".py")]
    return found[::max(1, len(found) // MODULES)]


def codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from codes(constant)


#: What compilers rarely make: tables that are empty, negative and large steps, code without a line.
ODD = ["", "x = 1", "\n" * 70000 + "x = [\n" + "\n" * 1000 + "y for y in (\n1,\n2)]",
       "f(a,\n\n" + "\n" * 300 + "b,\n(c\n,\n" + "\n" * 140 + "d))\n",
       "def f():\n  try:\n    return g()\n  finally:\n    h()\n",
       "with a as b,\\\n  c as d:\n  pass\n" * 50, "x = " + "(\n" * 90 + "1" + "\n)" * 90]


def record(code):
    table = code.co_lnotab if MINOR < 10 else code.co_linetable
    n = len(code.co_code) // 2
    lines = array.array("i", [line_of(code, 2 * i) for i in range(n)])
    return struct.pack("iiii", MINOR, code.co_firstlineno, len(table), n) + table + lines.tobytes()


warnings.simplefilter("ignore")
out = os.fdopen(os.dup(1), "wb")
for path in modules():
    with open(path, "rb") as file:
        source = file.read()
    try:
        whole = compile(source, path, "exec")
    except (SyntaxError, ValueError, UnicodeDecodeError):
        continue
    for code in codes(whole):
        out.write(record(code))
for source in ODD:
    for code in codes(compile(source, "odd", "exec")):
        out.write(record(code))
out.close()
