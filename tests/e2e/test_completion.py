"""Completions, the manual page and --help all have every option, for they come from one table."""
import re
import shutil
import subprocess

import pytest
from project import complains
from support import TOP, TRACEWRAP


def tracewrap(*words):
    return subprocess.run([TRACEWRAP, *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def options():
    """{long name: the words that it takes}, as --help has them."""
    found = dict(re.findall(r"^  (?:-\w, |    )--([\w-]+)(?:\S* ([a-z]+(?:\|[a-z]+)+))?", tracewrap("--help").stdout, re.M))
    assert {"on-hang", "json", "changed", "fix", "flaky", "init"} <= set(found) and found["leaks"] == "warn|fail|ignore"
    return found


def complete(shell, tmp_path, line):
    """What the shell offers behind LINE."""
    script = tmp_path / "completion"
    script.write_text(tracewrap("completion", shell).stdout)
    if shell == "bash":
        words = line.split(" ")
        run = f'source {script}; COMP_WORDS=({" ".join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}; _tracewrap; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "--norc", "-c", run], capture_output=True, text=True, check=True)
    else:
        done = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C {line!r}"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return {row.split("\t")[0].rstrip("=") for row in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_shell_offers_every_option(shell, tmp_path, options):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    assert complete(shell, tmp_path, "tracewrap --") >= {f"--{name}" for name in options}
    assert {"test", "doctor", "last", "config", "explain", "completion", "run"} <= complete(shell, tmp_path, "tracewrap ")
    for name, words in options.items():
        if words:
            assert complete(shell, tmp_path, f"tracewrap --{name} ") >= set(words.split("|")), name
    assert {"bash", "zsh", "fish"} <= complete(shell, tmp_path, "tracewrap completion ")


def test_zsh(tmp_path, options):
    if not shutil.which("zsh"):
        pytest.skip("no zsh")
    script = tmp_path / "_tracewrap"
    script.write_text(tracewrap("completion", "zsh").stdout)
    # _arguments stands in for zsh's own, and says what it is asked for
    run = f"autoload -Uz compinit; compinit -D -d {tmp_path}/dump; _arguments() {{ print -l -- \"$@\"; }}; source {script}; _tracewrap"
    done = subprocess.run(["zsh", "-f", "-c", run], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    rows = re.findall(r"^--([\w-]+)(=-?)?\[[^\]\n]*\](?::[\w-]*:(?:\(([^)]*)\)|\w*))?$", done.stdout, re.M)
    assert {name for name, *_ in rows} == set(options)
    for name, _, words in rows:
        assert words.split() == (options[name].split("|") if options[name] else []), name


@pytest.mark.parametrize("words", [[], ["tcsh"], ["bash", "zsh"]])
def test_usage(words):
    complains(tracewrap("completion", *words), "bash, zsh or fish")


def test_manual_page(tmp_path, options):
    if not shutil.which("scdoc"):
        pytest.skip("no scdoc")
    head, marker, tail = (TOP / "docs/tracewrap.1.scd").read_text().partition("\n@OPTIONS@\n")
    assert marker
    source = f"{head}\n{tracewrap('completion', 'scdoc').stdout}{tail}"
    done = subprocess.run(["scdoc"], input=source, capture_output=True, text=True, check=True)
    page = done.stdout.replace("\\-", "-").replace("\\fR", "").replace("\\fB", "").replace("\\fI", "").replace("\\&", "")
    assert set(options) <= set(re.findall(r"^(?:-\w, )?--([\w-]+)", page, re.M))
    for name, words in options.items():
        assert not words or f"--{name} {words}" in page
    for word in ("NAME", "SYNOPSIS", "EXIT STATUS", "doctor", "122", "124", "125"):
        assert word in page
