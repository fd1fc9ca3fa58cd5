"""Reports that people look at: the page in a real browser, the summary and the annotations of a CI job, JUnit, the timeline, and several runs
as one. SHOTS=DIR keeps pictures of the pages."""
import json
import os
import re
import shlex
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import PY, PYTEST, TOP, Run, TRACEWRAP, as_root, batch, of, proves, result, run  # noqa: F401

import browser

PAGES_PY = os.environ.get("VENV_PAGES", str(TOP / "build" / "venv-pages")) + "/bin/python"
SNAPSHOTS = TOP / "tests" / "fixtures" / "snapshots"
EVIL = "<script>alert(1)</script>##[error]::error::"
HUNG = f"test_pages.py::TestNames::test_hangs[{EVIL}]"
GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary-of-job.md"}

#: One of each shape; PAGES=all: every one (make check-pages).
RECORDED = (sorted(path.stem for path in SNAPSHOTS.glob("*.json") if path.stem != "index") if os.environ.get("PAGES") == "all" else
            ["actor-tree-pidfd", "child-wait-lost-signal", "lock-threads-abba", "mp-pool-dead-worker", "socketpair-full", "teardown-log-storm"])

needs_browser = pytest.mark.skipif(not browser.PROGRAM, reason="no Chromium here")
needs_pages = pytest.mark.skipif(not os.access(PAGES_PY, os.X_OK), reason="no venv-pages here: sh tests/setup.sh check")


def with_cache(*words, options=(), **more):
    return run(PY, "-m", "pytest", "-q", *words, options=options, suite="pages", **more)


def gateways():
    """Three workers of xdist, each behind a supervisor of its own; one of them hangs."""
    def inside(r):
        (r.folder / "test_suite.py").write_text(
            "import subprocess, sys, pytest\n"
            "@pytest.mark.parametrize('n', range(6))\n"
            "def test_quick(n):\n    pass\n"
            "def test_hangs():\n"
            "    proc = subprocess.Popen([sys.executable, '-c', \"print('x' * 200000)\"], stdout=subprocess.PIPE)\n"
            "    proc.wait()\n")
    spec = f"3*popen//python={TRACEWRAP} --worker --report reports --stall 8s --on-stall kill {PY}"
    return run(*PYTEST, "-q", "--tx", spec, "--dist", "load", "--junitxml=theirs.xml", wrap=False, inside=inside)


KEEPS = """
import os, subprocess, sys
secret = "--token=" + os.environ["SECRET"]
subprocess.run([sys.executable, "-c", "pass", secret])
if "HANG" not in os.environ:
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", secret])
else:
    hangs = subprocess.Popen([sys.executable, "-c", "print('x' * 200000)", secret], stdout=subprocess.PIPE)
    hangs.wait()
"""


def keeps(*options, **env):
    return run(PY, "-c", KEEPS, options=("--report", "reports", "-vv", "--events", "events.jsonl", "--junit", "ours.xml", *options),
               env={"SECRET": "geheim-4711"} | env)


RUNS = {
    "masked": lambda: keeps("--mask", "token=[^ ]*"),
    "masked, hang": lambda: keeps("--mask", "token=[^ ]*", HANG="1"),
    "masked, ptrace": lambda: keeps("--mask", "token=[^ ]*", "--mode", "ptrace"),
    "not masked": keeps,
    "hang": lambda: with_cache("--junitxml=theirs.xml", options=("--junit", "ours.xml"), env=GITHUB),
    "hang, one file": lambda: with_cache("--junitxml=same.xml", options=("--junit", "same.xml")),
    "hang, no file": lambda: with_cache(options=("--junit", "ours.xml")),
    "healthy": lambda: with_cache("-k", "before or never or neither", options=("--report", "reports", "--junit", "ours.xml"), env=GITHUB),
    "leaks": lambda: run(*PYTEST, "-q", "test_leaks.py::test_process", "test_leaks.py::test_shm", suite="leaks", env=GITHUB),
    "quiet": lambda: with_cache(options=("--annotate", "none"), env=GITHUB),
    "no summary": lambda: with_cache(env=GITHUB | {"GITHUB_STEP_SUMMARY": "/nowhere/at/all.md"}),
    "gateways": gateways,
}


def last(result, name):
    return result.folder / ".tracewrap" / "last" / name


def convert(*words, folder=None, code=0):
    done = subprocess.run([TRACEWRAP, "report", *map(str, words)], cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == code, done
    return done.stdout if code == 0 else done.stderr


# The page in a browser ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def chromium():
    it = browser.Browser()
    yield it
    it.close()


@pytest.fixture(scope="module")
def axe():
    found = list(Path(PAGES_PY).parents[1].glob("lib/python3*/site-packages/axe_playwright_python/axe.min.js"))
    return found[0].read_text() if found else None


#: Texts of the pictures that stick out of them, and boxes of the page that do.
OUTSIDE = """(() => {
    const wrong = [];
    for (const svg of document.querySelectorAll('svg.fig')) {
        if (!svg.getClientRects().length) continue;
        const box = svg.viewBox.baseVal;
        for (const text of svg.querySelectorAll('text')) {
            const b = text.getBBox();
            if (b.x < -1 || b.y < -1 || b.x + b.width > box.width + 1 || b.y + b.height > box.height + 1) wrong.push(text.textContent);
        }
    }
    for (const e of document.querySelectorAll('main *')) {
        const b = e.getBoundingClientRect();
        if (b.width && b.right > innerWidth + 1 && !e.closest('svg')) wrong.push(e.outerHTML.slice(0, 80));
    }
    return wrong;
})()"""
AXE = """axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r =>
    r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(' | ')))"""


def look(chromium, axe, page, name):
    """At each width, light and dark: no complaint, nothing that sticks out, nothing that a reader of screens would miss."""
    for width in (1200, 500):
        for dark in (False, True):
            assert chromium.open(page, width, dark) == []
            assert chromium.value("document.documentElement.scrollWidth <= innerWidth"), (name, width)
            assert chromium.value(OUTSIDE) == [], (name, width)
            assert chromium.value("document.scripts.length") == 0
            if os.environ.get("SHOTS"):
                chromium.picture(Path(os.environ["SHOTS"]) / f"{name}-{width}-{'dark' if dark else 'light'}.png")
            if axe and width == 1200:
                chromium.value(axe + "; 1")
                assert chromium.value(AXE) == [], (name, dark)


@needs_browser
@proves
@of("hang", "leaks")
def test_page_of_a_run(result, chromium, axe, request):
    name = request.node.callspec.params["result"]
    look(chromium, axe, last(result, "report.html"), name)
    words = chromium.value("document.body.innerText")
    if name == "hang":
        assert HUNG in words and "HANG PROVEN" in words and "test_pages.py:16" in words and "proc.wait()" in words
        assert "proc.communicate()" in words and "from onset to proof" in words
        assert "HANG proven" in chromium.value("document.title")


@needs_browser
@of("healthy")
def test_page_of_a_healthy_run(result, chromium, axe):
    look(chromium, axe, result.folder / "reports" / "last" / "report.html", "healthy")
    words = chromium.value("document.body.innerText")
    assert "PASSED" in words and "Nothing hung" in words and "test_pages.py::test_never_runs" in words


@needs_browser
@pytest.mark.parametrize("name", RECORDED)
def test_page_of_a_recorded_hang(name, chromium, axe, tmp_path):
    done = subprocess.run([TRACEWRAP, "explain", "--json", str(SNAPSHOTS / f"{name}.json")], capture_output=True)
    (tmp_path / "report.json").write_bytes(done.stdout)
    convert("-o", tmp_path / "report.html", tmp_path)
    look(chromium, axe, tmp_path / "report.html", name)
    assert chromium.value("document.querySelectorAll('svg.fig.wide .node').length") >= 1


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The folders of real runs of the corpus' hangs."""
    runner = Path(os.environ.get("CORPUS", "/nowhere")) / "run-corpus"
    if os.environ.get("PAGES") != "all" or not runner.exists():
        pytest.skip("only make check-pages does this, where the corpus is")
    folder = tmp_path_factory.mktemp("corpus")
    wrapper = folder / "tracewrap"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(TRACEWRAP)} --report {shlex.quote(str(folder))}/run-$$ "$@"\n')
    wrapper.chmod(0o755)
    only = [word for path in SNAPSHOTS.glob("*.json") if path.stem != "index" for word in ("--only", path.stem)]
    subprocess.run([PY, str(runner), "--tracewrap", str(wrapper), "--venv", str(TOP / "build" / "corpus-venv"), "--jobs", "2", *only],
                   stdout=subprocess.DEVNULL)
    return sorted(folder.glob("run-*/last"))


@needs_browser
def test_pages_of_the_corpus(corpus, chromium, axe):
    kinds = set()
    for folder in corpus:
        report = json.loads((folder / "report.json").read_text())
        for finding in report["findings"]:
            kinds.add(finding["kind"])
        if report["findings"]:
            look(chromium, axe, folder / "report.html", f"corpus-{report['findings'][0]['kind']}-{folder.parent.name}")
            check_trace(json.loads((folder / "trace.json").read_text()))
            assert (folder / "report.html").stat().st_size < 1 << 20
    assert len(corpus) >= 25 and len(kinds) >= 6, (len(corpus), kinds)


# A CI job -------------------------------------------------------------------------------------------------------------

def commands(screen):
    """The workflow commands in what was printed, as a runner reads them: not between stop-commands and its word."""
    found, stopped = [], None
    for line in screen.splitlines():
        match = re.fullmatch(r"\s*::([\w-]+)([^:]*)::(.*)", line)
        if stopped:
            stopped = None if line.strip() == f"::{stopped}::" else stopped
        elif match and match.group(1) == "stop-commands":
            stopped = match.group(3)
        else:
            assert "##[" not in line, line
            if match:
                found.append(match.groups())
    assert not stopped
    return found


def ours(screen):
    """Pytest prints the name of the test itself."""
    return "\n".join(line for line in screen.splitlines() if not line.startswith("test_pages.py"))


@proves
@of("hang")
def test_annotations(result):
    found = commands(ours(result.screen))
    assert [command for command, _, _ in found] == ["error"], found
    _, properties, message = found[0]
    assert "line=16,title=HANG proven%3A pipe-full" in properties and "file=" in properties
    assert message.startswith("Nobody reads the stdout of noisy.py[") and "%0Afix: " in message and HUNG.replace("##[", "## [") in message


@of("leaks")
def test_annotations_of_leaks(result):
    assert [command for command, _, _ in commands(result.screen)] == ["warning", "warning"]


@of("healthy")
def test_nothing_to_annotate(result):
    assert result.code == 0 and result.err == b"" and not (result.folder / "summary-of-job.md").exists()


@proves
@of("quiet")
def test_annotations_are_not_wanted(result):
    assert "::error" not in ours(result.screen).replace(EVIL, "") and "::stop-commands" not in result.screen
    assert not (result.folder / "summary-of-job.md").exists() and last(result, "summary.md").exists()


@proves
@of("no summary")
def test_summary_that_cant_be_written(result):
    assert result.code == 124
    assert result.screen.count("GITHUB_STEP_SUMMARY, /nowhere/at/all.md: No such file or directory") == 1
    assert last(result, "report.html").exists()


@proves
@of("hang")
def test_summary(result):
    summary = last(result, "summary.md").read_text()
    assert (result.folder / "summary-of-job.md").read_text() == summary + "\n"
    assert summary.startswith("### HANG proven: pipe-full\n") and "```mermaid\nflowchart LR\n" in summary
    assert "<script" not in summary and "&lt;script&gt;alert(1)&lt;/script&gt;" in summary
    assert not re.search(r"^\s*(::|##\[)", summary, re.M)


# What nobody read -----------------------------------------------------------------------------------------------------

@proves
@of("hang")
def test_log_that_nobody_read(result):
    report = result.report
    assert len(report["logs"]) == 1
    log = report["logs"][0]
    kept = last(result, log["file"]).read_text()
    assert log["object"] == report["findings"][0]["objects"][0]["name"] or log["object"] in {o["name"] for o in report["findings"][0]["objects"]}
    assert len(kept) == log["bytes"] > 32768
    first = ["<script>alert('log')</script> 0", "##[error]not from the runner 1", "::error::nor this 2"]
    assert kept.splitlines()[:3] == log["text"].splitlines()[:3] == first
    assert "more lines ..." in log["text"] and len(log["text"].splitlines()) == 19
    page = last(result, "report.html").read_text()
    assert "&lt;script&gt;alert(&#39;log&#39;)&lt;/script&gt; 0" in page and f'{log["bytes"]} bytes unread' in page


@proves
def test_nothing_is_taken_out_of_the_pipe():
    with Run(*PYTEST, "-q", "test_pages.py", options=("--on-hang", "report"), suite="pages") as r:
        finding = r.until_finding()
        full = next(o for o in finding["objects"] if o["type"] == "pipe")
        reader = next(h for h in full["holders"] if h["ends"] == "read")
        r.until(lambda: (r.report() or {}).get("logs"), "log")
        with open(f"/proc/{reader['pid']}/fd/{reader['fd']}", "rb") as pipe:
            lines = pipe.read().decode().splitlines()
        result = r.finish()
    assert [int(line.split()[-1]) for line in lines] == list(range(20000))
    assert result.code == 0 and not result.left, result


# Secrets --------------------------------------------------------------------------------------------------------------

def places_with(result, word):
    files = [path for path in result.folder.rglob("*") if path.is_file()]
    return [path.name for path in files if word in path.read_bytes()] + ["screen"] * (word in result.err)


@of("masked", "masked, hang", "masked, ptrace")
def test_what_is_masked_is_written_nowhere(result):
    assert places_with(result, b"geheim") == []
    assert b"--***" in (result.folder / "reports" / "last" / "report.json").read_bytes()


@of("not masked")
def test_command_lines_are_written_and_no_environment(result):
    found = places_with(result, b"geheim")
    assert "report.json" in found
    for path in (result.folder / "reports" / "last").iterdir():
        assert b"SECRET=" not in path.read_bytes()


def test_bad_mask():
    done = subprocess.run([TRACEWRAP, "--mask", "(", "true"], capture_output=True, text=True)
    assert done.returncode == 125 and done.stderr.count("\n") == 1 and "--mask" in done.stderr and "regular expression" in done.stderr


# JUnit ----------------------------------------------------------------------------------------------------------------

#: What Jenkins' schema (junit-10.xsd of its xunit plugin) wants: attributes that must and may be there, and children.
SCHEMA = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url", "group"},
                  {"testsuite", "properties", "testcase", "system-out", "system-err"}),
    "testcase": ({"name"}, {"time", "classname", "group"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "skipped": (set(), {"type", "message"}, set()), "error": (set(), {"type", "message"}, set()),
    "failure": (set(), {"type", "message"}, set()), "system-err": (set(), set(), set()), "system-out": (set(), set(), set()),
    "properties": (set(), set(), {"property"}), "property": ({"name", "value"}, set(), set()),
}


def check_schema(element):
    must, may, children = SCHEMA[element.tag]
    assert must <= set(element.attrib) <= must | may, (element.tag, element.attrib)
    if element.tag == "testsuite":
        assert re.fullmatch(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?", element.get("time", ""))
        cases = element.findall("testcase")
        assert int(element.get("tests")) == len(cases)
        assert int(element.get("errors")) == sum(len(case.findall("error")) for case in cases)
        assert int(element.get("skipped")) == sum(len(case.findall("skipped")) for case in cases)
    for child in element:
        assert child.tag in children, (element.tag, child.tag)
        check_schema(child)


def cases_of(path):
    root = ET.parse(path).getroot()
    check_schema(root)
    return {f"{case.get('classname')}::{case.get('name')}": case for case in root.iter("testcase")}


def check_hung(cases):
    hung = cases[f"test_pages.TestNames::test_hangs[{EVIL}]"]
    error = hung.find("error")
    assert error.get("type") == "tracewrap.hang" and error.get("message").startswith("Nobody reads the stdout of noisy.py[")
    assert "HANG proven" in error.text and HUNG in error.text


@proves
@of("hang", "hang, one file")
def test_junit_completed(result, request):
    one = "one file" in request.node.callspec.params["result"]
    cases = cases_of(result.folder / ("same.xml" if one else "ours.xml"))
    check_hung(cases)
    assert list(cases["test_pages::test_before"]) == []
    for name in ("test_never_runs", "test_neither_do_these[0]", "test_neither_do_these[1]"):
        assert cases[f"test_pages::{name}"].find("skipped").get("message") == "not run: the run hung"
    assert len(cases) == 5


@proves
@of("hang, no file")
def test_junit_written_whole(result):
    cases = cases_of(result.folder / "ours.xml")
    check_hung(cases)
    assert cases["test_pages::test_before"].find("skipped").get("message").startswith("it ran; how it ended is not known")
    assert cases["test_pages::test_never_runs"].find("skipped").get("message") == "not run: the run hung"


@of("healthy")
def test_junit_of_a_healthy_run(result):
    cases = cases_of(result.folder / "ours.xml")
    assert len(cases) == 4 and all(list(case) == [] for case in cases.values())


@needs_pages
@proves
@of("hang", "hang, no file")
def test_junit_is_read_by_junitparser(result):
    script = ("import sys, junitparser as j\n"
              "for s in j.JUnitXml.fromfile(sys.argv[1]):\n"
              "    for c in s:\n        print(repr(c.name), c.classname, *(type(r).__name__ for r in c.result))\n")
    done = subprocess.run([PAGES_PY, "-c", script, str(result.folder / "ours.xml")], capture_output=True, text=True)
    assert done.returncode == 0, done
    assert f"'test_hangs[{EVIL}]' test_pages.TestNames Error\n" in done.stdout
    assert done.stdout.count("Skipped") >= 3


# The timeline ---------------------------------------------------------------------------------------------------------

def check_trace(trace):
    """The rules of the format that Perfetto's importer holds on to."""
    slices, flows, last_of = {}, {}, {}
    for event in trace["traceEvents"]:
        assert event["ph"] in "XMsf" and isinstance(event["name"], str)
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int)
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name") and isinstance(event["args"]["name"], str)
            continue
        assert isinstance(event["ts"], (int, float)) and event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] >= 0
            slices.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"], event["name"]))
        else:
            flows.setdefault(event["id"], []).append(event)
    for track, of_track in slices.items():         # slices of a track nest, or do not touch
        for a in of_track:
            for b in of_track:
                assert a is b or a[1] <= b[0] or b[1] <= a[0] or a[0] <= b[0] <= b[1] <= a[1] or b[0] <= a[0] <= a[1] <= b[1], (track, a, b)
    for id, ends in flows.items():                 # an arrow has two ends, each within a slice
        assert [end["ph"] for end in ends] == ["s", "f"], (id, ends)
        for end in ends:
            assert any(begin <= end["ts"] <= finish for begin, finish, _ in slices[end["pid"], end["tid"]]), end
    return slices, flows


@proves
@of("hang")
def test_trace(result):
    trace = json.loads(last(result, "trace.json").read_text())
    slices, flows = check_trace(trace)
    names = {name for of_track in slices.values() for _, _, name in of_track}
    assert {HUNG, "setup", "call", "noisy.py"} <= names | {name.split()[0] for name in names}
    kinds = [ends[0]["name"] for ends in flows.values()]
    assert kinds.count("waits for") == 2 and kinds.count("fork") >= 1


# Several runs ---------------------------------------------------------------------------------------------------------

@needs_browser
@of("gateways")
def test_three_gateways_are_one_page(result, chromium, axe):
    assert b"INTERNALERROR" not in result.out and not result.left
    folders = sorted((result.folder / "reports" / "runs").iterdir())
    assert len(folders) >= 3        # xdist starts another worker for the one that was ended
    page = result.folder / "merged.html"
    convert("--html", "-o", page, *folders)
    look(chromium, axe, page, "gateways")
    words = chromium.value("document.body.innerText")
    assert words.index("test test_suite.py::test_hangs in its call") < words.index("at test_suite.py:7 proc.wait()") < words.index("The runs side by side")
    assert "The runs side by side" in words and words.count("test test_suite.py::test_hangs in its call") == 1, words
    assert f"in 1 of {len(folders)} runs, 1 host: {os.uname().nodename}" in words
    cases = {case.get("name") for case in ET.parse(result.folder / "theirs.xml").iter("testcase")}
    assert {f"test_quick[{n}]" for n in range(6)} <= cases            # pytest's own result is whole
    check_trace(json.loads(convert("--trace", *folders)))
    root = ET.fromstring(convert("--junit", *folders))
    check_schema(root)
    assert len(root.findall("testsuite")) == len(folders)


@proves
@of("hang")
def test_a_report_is_converted_to_itself(result):
    def plain(text):        # the file has milliseconds
        return re.sub(r"\d+(\.\d+)?", "N", text)

    assert convert("--json", last(result, "report.json")) == last(result, "report.json").read_text()
    assert plain(convert("--html", last(result, ""))) == plain(last(result, "report.html").read_text())
    assert convert("--md", last(result, "report.json")) == last(result, "summary.md").read_text()
    assert plain(convert("--trace", last(result, "report.json"))) == plain(last(result, "trace.json").read_text())
    assert convert("--github", last(result, "report.json")).startswith("::error file=")


# What is no report ----------------------------------------------------------------------------------------------------

@proves
@of("hang")
@pytest.mark.parametrize("change, words", [
    (lambda text: b"", "the file is empty"),
    (lambda text: text[:len(text) // 2], "cut off"),
    (lambda text: text.replace(b"tracewrap-report/1", b"tracewrap-report/2"), "this program reads"),
    (lambda text: text.replace(b"tracewrap-report/1", b"tracewrap-snapshot/1"), "not a tracewrap report"),
    (lambda text: text.replace(b'"pipe-full"', b'"new-kind"'), "is no kind of finding that this version knows"),
    (lambda text: b"\xff\xfe" + text, "not JSON"),
    (lambda text: b"\0" * 100, "not JSON"),
], ids=["empty", "cut off", "version", "snapshot", "kind", "no UTF-8", "zeros"])
def test_bad_files(result, change, words, tmp_path):
    file = tmp_path / "report.json"
    file.write_bytes(change(last(result, "report.json").read_bytes()))
    good = last(result, "report.json")
    for files in ((file,), (good, file)):
        said = convert("-o", tmp_path / "out.html", *files, code=125)
        assert words in said and said.count("\n") == 1 and str(file) in said
        assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json"]


@proves
@of("hang")
def test_bytes_that_are_no_utf8_are_shown_as_such(result, tmp_path):
    text = last(result, "report.json").read_bytes().replace(b'"noisy.py"', b'"no\xffisy.py"')
    (tmp_path / "report.json").write_bytes(text)
    assert "no?isy.py" in convert("--html", tmp_path)


@proves
@of("hang")
def test_a_run_that_never_ended(result, tmp_path):
    report = json.loads(last(result, "report.json").read_text())
    report["complete"] = False
    report["cleanup"] = {"signalled": [], "survivors": []}
    (tmp_path / "report.json").write_text(json.dumps(report))
    page = convert("--html", tmp_path)
    assert "not yet" in page and "under way" in page


@pytest.mark.parametrize("words, said", [
    ((), "report takes files"),
    (("--pdf", "x"), 'unknown option "--pdf"'),
    (("-o",), "needs a value"),
    (("/nowhere",), "No such file"),
    (("/",), "No such file"),
    (("/dev/null",), "the file is empty"),
])
def test_bad_words(words, said):
    answer = convert(*words, code=125)
    assert said in answer and answer.count("\n") == 1


@proves
@as_root
@of("hang")
def test_output_that_cant_be_written(result, tmp_path):
    good = last(result, "report.json")
    for output in ("/nowhere/x.html", tmp_path, "/dev/full"):
        said = convert("-o", output, good, code=125)
        assert said.count("\n") == 1 and str(output) in said
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TRACEWRAP, "report", good], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 125 and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_size_of_a_large_report(tmp_path):
    done = subprocess.run([TRACEWRAP, "explain", "--json", str(SNAPSHOTS / "teardown-log-storm.json")], capture_output=True)
    report = json.loads(done.stdout)
    finding = report["findings"][0]
    report["findings"] = [dict(finding, test=f"tests/test_x.py::test_{n}") for n in range(200)]
    report["processes"] = [{"pid": 1000 + n, "ppid": 1000, "cmdline": ["/usr/bin/python3", f"actor{n}.py"], "started_s": n / 100, "ended_s": None,
                            "exit": None, "test": None} for n in range(1000)]
    (tmp_path / "report.json").write_text(json.dumps(report))
    page = convert(tmp_path)
    assert len(page.encode()) <= 2 << 20 and page.endswith("</html>\n")
