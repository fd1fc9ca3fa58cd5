"""Our decoder of line tables against PyCode_Addr2Line, over the standard library of each Python."""
import re
import shutil
import subprocess

import support
from support import HELPERS, TARGETS


def test_lines_of_the_standard_library(python):
    folder = support.scratch(python)
    shutil.copy(TARGETS / "tables.py", folder)
    script = f"/tmp/{folder.name}/tables.py" if python.root else str(folder / "tables.py")
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen([*python.words(python.path), script], stdout=subprocess.PIPE, env=env) as tables:
        done = subprocess.run([str(HELPERS / "lines")], stdin=tables.stdout, capture_output=True, text=True)
    assert tables.returncode == 0
    assert done.returncode == 0, done.stdout + done.stderr
    codes, instructions = map(int, re.match(r"(\d+) code objects, (\d+) instructions, 0 different", done.stdout).groups())
    assert codes > 3000 and instructions > 200000, done.stdout
    print(done.stdout)
