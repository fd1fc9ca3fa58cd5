"""A checkout with a virtual environment, settings and tests, made for one test; and running tracewrap's subcommands in it."""
import atexit
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from support import ENVIRON, TRACEWRAP, VENV, end_marked

GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
       "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
SITE = next(iter(VENV.glob("lib/python3*/site-packages")), None)
#: Nobody reads the pipe while the child is waited for.
HANG = """import subprocess, sys
def test_hangs():
    child = subprocess.Popen([sys.executable, "-c", "print('x' * 200000)"], stdout=subprocess.PIPE)
    child.wait()
"""
NAME = f"py{sys.version_info[0]}{sys.version_info[1]}"


@functools.lru_cache(maxsize=None)
def made_venv():
    """A real one, made once and copied: it knows only where its base is."""
    folder = Path(tempfile.mkdtemp(prefix="twt-venv-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    return folder / "venv"


class Project:
    """A folder with files; environment and processes are marked, so that none outlives the test."""

    def __init__(self, folder, files=None, git=True, venv=NAME):
        self.folder, self.mark = Path(folder), uuid.uuid4().hex
        self.folder.mkdir(parents=True, exist_ok=True)
        self.env = ENVIRON | GIT | {"TW_MARK": self.mark, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
        self.write(files or {})
        if git:
            self.git("init", "-q", "-b", "main")
        if venv:
            self.venv(venv)

    def write(self, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def git(self, *words):
        return subprocess.run(["git", *words], cwd=self.folder, env=self.env, check=True, capture_output=True, text=True).stdout

    def commit(self):
        self.write({".gitignore": f"{NAME}\n.pytest_cache\n__pycache__\n"})
        self.git("add", "-A")
        self.git("commit", "-qm", "x")

    def venv(self, name, packages=SITE):
        """It finds pytest in that of the tests."""
        shutil.copytree(made_venv(), self.folder / name, symlinks=True)
        if packages:
            (next((self.folder / name).glob("lib/python3*/site-packages")) / "more.pth").write_text(f"{packages}\n")

    def start(self, *words, cwd=None, env=None, **more):
        return subprocess.Popen([TRACEWRAP, *map(str, words)], cwd=cwd or self.folder, env=self.env | (env or {}), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def run(self, *words, **more):
        proc = self.start(*words, **more)
        out, err = proc.communicate(timeout=120)
        return subprocess.CompletedProcess(words, proc.returncode, out, err)

    def json(self, *words, code=None, **more):
        done = self.run(words[0], "--json", *words[1:], **more)
        assert code is None or done.returncode == code, done
        assert done.stdout, done
        answer = json.loads(done.stdout)
        assert next(iter(answer)) == "next" and answer["next"]
        return answer

    def close(self):
        end_marked(self.mark)


def complains(done, *words, code=125):
    """One line on standard error, that begins with our name and has WORDS in it; nothing on standard output."""
    assert done.returncode == code, done
    assert done.stdout == "", done
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("tracewrap: "), done
    for word in words:
        assert word in done.stderr, (word, done.stderr)
