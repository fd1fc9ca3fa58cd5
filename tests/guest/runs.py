"""How the suites of tests/guest are run, and what is read from them: outcomes by the names of the tests.

Each kind of suite has `prepare` (raises Missing), `command` and `outcomes`. Nothing here knows of tracewrap but as words that stand in
front of a command.
"""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOBODY = 65534
LIMIT = 1800     # seconds for one run of one suite: a bound, not an expectation
END = "(exit status)"
DROP = re.compile("PYTEST|PYTHON|TRACEWRAP|COV_|VENV|VIRTUAL_ENV|HELPERS|CI$|MAKE|MFLAGS|GUEST_|GITHUB_")


class Missing(Exception):
    """A suite can't be had here; says why."""


def environment(**more):
    """One for plain and wrapped runs alike."""
    kept = {name: value for name, value in os.environ.items() if not DROP.match(name)}
    return kept | {"LC_ALL": "C.UTF-8", "TERM": "dumb"} | more


class Suite:
    """What all kinds have in common. `user`: who runs it, None for whoever runs this."""

    user = None

    def __init__(self, name, sets=("long",)):
        self.name, self.sets = name, sets

    def prepare(self, build):
        """Get what the suite needs, once."""

    def command(self, folder, only):
        """(words, folder to run in, environment); ONLY: names of tests, None for all."""
        raise NotImplementedError

    def outcomes(self, folder, output):
        """{name of a test: outcome}; a test that ran several times has its outcomes in a row."""
        raise NotImplementedError

    def run(self, wrap, only=None, keep=None):
        """Run it with the words WRAP in front. @return (outcomes, what was written to stdout and stderr)"""
        with tempfile.TemporaryDirectory(prefix="guest-") as top:
            folder = Path(top)
            (folder / "tmp").mkdir()
            if self.user is not None:
                for path in (folder, folder / "tmp"):
                    os.chown(path, self.user, self.user)
            words, cwd, env = self.command(folder, only)
            code, output = self.execute([*wrap, *words], cwd, env | {"TMPDIR": str(folder / "tmp")}, folder)
            found = self.outcomes(folder, output)
            if only is None or not found:
                found[END] = str(code)
            if keep:
                keep.parent.mkdir(parents=True, exist_ok=True)
                keep.write_text(output)
            return found, output

    def execute(self, words, cwd, env, folder):
        """@return (exit status or what happened, output). The session's leader is a shell: a leader that opens a terminal gets it as its
        controlling terminal, and the command of a wrapped run never is one."""
        identity = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        with open(folder / "output", "wb") as out:
            process = subprocess.Popen(["sh", "-c", '"$@"; exit $?', "sh", *words], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       start_new_session=True, **identity)
            try:
                code = process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)     # the session is of our making
                process.wait()
                code = f"no end within {LIMIT} s"
        return code, (folder / "output").read_text(errors="replace")


def joined(pairs):
    """{name: outcome}, with the outcomes of a name that comes more than once in a row."""
    found = collections.defaultdict(list)
    for name, outcome in pairs:
        found[name].append(outcome)
    return {name: " ".join(sorted(outcomes)) for name, outcomes in found.items()}


# CPython's own tests ------------------------------------------------------------------------------------------------

def interpreter(version, openly=False):
    """A CPython of that version with its test package; OPENLY: one that every user may run."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [] if openly else sorted(map(str, pyenv.glob(f"versions/{version}.*/bin/python{version}")))
    for candidate in (*found, *([] if openly else [shutil.which(f"python{version}")]), f"/usr/bin/python{version}"):
        if not candidate or not os.access(candidate, os.X_OK):
            continue
        asked = subprocess.run([candidate, "-c", "import sys, test.test_subprocess; print(sys.executable)"], text=True, check=False,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
        if asked.returncode == 0:
            return asked.stdout.strip()
    raise Missing(f"no Python {version} with its test package{' that all users may run' if openly else ''} "
                  f"(Debian: libpython{version}-testsuite)")


class CPython(Suite):
    """One module of `python -m test`."""

    def __init__(self, version, module, *words, user=None, title="", sets=("long",)):
        words_shown = title or " ".join(words) + ("" if user is None else "as a plain user")
        super().__init__(f"cpython{version} {module} {words_shown}".strip(), sets)
        self.version, self.module, self.words, self.user = version, module, words, user

    def prepare(self, build):
        if self.user is not None and os.geteuid() != 0:
            raise Missing("only root can be a plain user for a while")
        self.python = interpreter(self.version, openly=self.user is not None)
        there = subprocess.run([self.python, "-c", f"import importlib.util, sys\n"
                                f"sys.exit(not importlib.util.find_spec('test.{self.module}'))"], check=False, env=environment())
        if there.returncode:
            raise Missing(f"{self.python} has no test.{self.module}")

    def command(self, folder, only):
        chosen = self.words if only is None else [word for name in only for word in ("-m", name)]
        if only is not None and "-u" in self.words:
            at = self.words.index("-u")
            chosen = [*self.words[at:at + 2], *chosen]
        if "-m" not in chosen:      # 3.11 forgets -m when there is a -i. VSOCK's tests use a fixed port
            chosen = [*chosen, "-i", "*VSOCK*"]
        return [self.python, "-m", "test", "-v", "--timeout", "120", "--junit-xml", str(folder / "xml"), self.module, *chosen], folder, environment()

    def outcomes(self, folder, output):
        try:
            cases = list(ElementTree.parse(folder / "xml").iter("testcase"))
        except (OSError, ElementTree.ParseError):
            return {}
        return joined((case.get("name"), " ".join(sorted({child.tag for child in case if child.tag in ("skipped", "failure", "error")})) or "passed")
                      for case in cases)


class EmptyEnv(CPython):
    """test_empty_env, which skips itself where libpython is shared: told that it is not."""

    def __init__(self, version, sets):
        super().__init__(version, "test_subprocess", sets=sets)
        self.name = f"cpython{version} test_empty_env"

    def command(self, folder, only):
        return [self.python, str(HERE / "empty_env.py")], folder, environment()

    def outcomes(self, folder, output):
        return joined((f"{case}.{name}", outcome.split()[0])
                      for name, case, outcome in re.findall(r"^(test_\w+) \((\S+)\)(?:\n.*)? \.\.\. (.+)$", output, re.M))


# pytest -----------------------------------------------------------------------------------------------------------------

def quiet(words, **how):
    return subprocess.run(words, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment(), **how)


PIP = ("-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2", "--timeout", "60")


def pip(python, what, *words):
    """Fails for good only when the index answers others."""
    done = quiet([python, *PIP, *words])
    if done.returncode == 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        if quiet([python, *PIP, "download", "--no-deps", "--no-cache-dir", "--dest", folder, "iniconfig==2.0.0"]).returncode == 0:
            raise RuntimeError(f"pip has not got {what}, though it gets other packages:\n{done.stdout[-2000:]}")
    raise Missing(f"no {what}: PyPI can't be reached")


class Pytest(Suite):
    """A suite of pytest in a virtual environment of its own. SDIST: name==version of what to unpack, for tests that are not installed."""

    def __init__(self, name, packages, words, sdist=None, path=(), sets=("long",)):
        super().__init__(name, sets)
        self.packages, self.words, self.sdist, self.path = packages, words, sdist, path

    def prepare(self, build):
        python = os.environ.get("GUEST_PYTHON") or interpreter_for_venvs()
        plugin = (HERE / "guest_outcomes.py").read_text()
        key = "-".join(re.sub("[^A-Za-z0-9.]+", "", package) for package in self.packages)[:80]
        self.venv = build / f"venv-{key}"
        stamp = self.venv / "stamp"
        made_of = f"{self.venv} {python} {self.packages}\n{plugin}"
        if not stamp.exists() or stamp.read_text() != made_of:
            shutil.rmtree(self.venv, ignore_errors=True)
            made = quiet([python, "-m", "venv", str(self.venv)])
            if made.returncode:
                raise Missing(f"{python} can't make a virtual environment: {made.stdout[-300:]}")
            pip(str(self.venv / "bin" / "python"), " ".join(self.packages), "install", *self.packages)
            for site in self.venv.glob("lib/python3*/site-packages"):
                (site / "guest_outcomes.py").write_text(plugin)
            stamp.write_text(made_of)
        self.folder = self.unpacked(build) if self.sdist else None

    def unpacked(self, build):
        name = self.sdist.replace("==", "-")
        folder = build / "sdist" / name
        if not (folder / "stamp").exists():
            shutil.rmtree(folder, ignore_errors=True)
            with tempfile.TemporaryDirectory() as got:
                pip(str(self.venv / "bin" / "python"), f"source of {self.sdist}", "download", "--no-binary", ":all:", "--no-deps",
                    "--dest", got, self.sdist)
                archive = next(Path(got).glob("*.tar.gz"))
                shutil.unpack_archive(archive, got)
                folder.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(next(path for path in Path(got).iterdir() if path.is_dir()), folder)
            (folder / "stamp").touch()
        return folder

    def command(self, folder, only):
        env = environment(GUEST_OUT=str(folder / "outcomes"), PYTHONDONTWRITEBYTECODE="1")
        if only is not None:
            env["GUEST_ONLY"] = json.dumps(only)
        if self.path:
            env["PYTHONPATH"] = os.pathsep.join(str(self.folder / part) for part in self.path)
        words = [str(self.venv / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "guest_outcomes",
                 "--basetemp", str(folder / "basetemp"), "-o", "addopts=", *self.words]
        return words, self.folder or folder, env

    def outcomes(self, folder, output):
        try:
            lines = (folder / "outcomes").read_text().splitlines()
        except OSError:
            return {}
        return joined(map(json.loads, lines))


def interpreter_for_venvs():
    return interpreter("3.11")


# Go -----------------------------------------------------------------------------------------------------------------------

class Go(Suite):
    """The tests of a package of Go's library, as a program that is linked dynamically."""

    def __init__(self, package):
        super().__init__(f"go {package}")
        self.package = package

    def prepare(self, build):
        go = shutil.which("go") or next((path for path in ("/usr/local/go/bin/go",) if os.access(path, os.X_OK)), None)
        if not go:
            raise Missing("no Go here")
        self.source = Path(quiet([go, "env", "GOROOT"]).stdout.strip()) / "src" / self.package
        self.program = build / "go" / (self.package.replace("/", "_") + ".test")
        self.program.parent.mkdir(parents=True, exist_ok=True)
        # Go has a cache of its own.
        built = subprocess.run([go, "test", "-c", "-o", str(self.program), "."], cwd=self.source, check=False, text=True,
                               env=environment(CGO_ENABLED="1", GOFLAGS="", GOTOOLCHAIN="local"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if built.returncode:
            raise Missing(f"{self.package}'s tests can't be built: {built.stdout.strip()[-300:]}")
        self.path = os.pathsep.join([str(Path(go).parent), os.environ.get("PATH", "")])

    def command(self, folder, only):
        words = [str(self.program), "-test.v", "-test.short"]
        if only is not None:
            words += ["-test.run", "^(" + "|".join(sorted({re.escape(name.split("/")[0]) for name in only})) + ")$"]
        return words, self.source, environment(PATH=self.path)

    def outcomes(self, folder, output):
        return joined((name, outcome.lower()) for outcome, name in re.findall(r"--- (PASS|FAIL|SKIP): (\S+) \(", output))
