"""PYTEST_DONT_REWRITE

tracewrap's ear in a run of `tracewrap test`: one JSON line for each thing that pytest tells, written at once, so that a run which is
ended from outside has told all that it knew. What has brought it here is taken away again at once: tests and their children find the environment and the import path that they would have had.
"""
import json
import os
import re
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "tracewrap_outcomes"
TEXT_MOST = 4000


def take_away():
    def cut(variable, word, separator):
        words = os.environ.get(variable, "").split(separator)
        if words[:1] == [word]:
            if len(words) == 1:
                del os.environ[variable]
            else:
                os.environ[variable] = separator.join(words[1:])

    cut("PYTEST_PLUGINS", NAME, ",")
    cut("PYTHONPATH", HERE, os.pathsep)
    if HERE in sys.path:
        sys.path.remove(HERE)
    return os.environ.pop("TRACEWRAP_OUTCOMES", None)


FILE = take_away()
PID = os.getpid()
FOLDER = os.getcwd()


def shown(path):
    """As the user would write it."""
    path = os.path.normpath(os.path.join(FOLDER, str(path)))
    return path[len(FOLDER) + 1:] if path.startswith(FOLDER + os.sep) else path


def tell(**what):
    if FILE is None or os.getpid() != PID:      # a fork of this process tells nothing
        return
    try:
        fd = os.open(FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(fd, (json.dumps(what) + "\n").encode())
        finally:
            os.close(fd)
    except OSError:
        pass


PLACES = re.compile(r'^(?P<a>\S[^\n]*?):(?P<b>\d+): in |^E? *File "(?P<c>[^"\n]+)", line (?P<d>\d+)', re.M)


def is_own(path):
    """In this folder, and none of an environment in it."""
    return not os.path.isabs(path) and "site-packages" not in path


def own_place(longrepr):
    """The last line of the traceback that is the user's: the error itself may have been raised in a library."""
    entries = getattr(getattr(longrepr, "reprtraceback", None), "reprentries", ())
    places = [entry.reprfileloc for entry in entries if getattr(entry, "reprfileloc", None)]
    return next(((place.path, place.lineno) for place in reversed(places) if is_own(shown(place.path))), None)


def place_in(text):
    """The last place that a traceback names, in this folder if there is one."""
    places = [(shown(m["a"] or m["c"]), int(m["b"] or m["d"])) for m in PLACES.finditer(text)]
    own = [place for place in places if is_own(place[0])]
    return (own or places or [None])[-1]


def place_of(report):
    """File, line and message of the failure, as far as pytest says them."""
    crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
    if crash is not None:
        file, line = own_place(report.longrepr) or (crash.path, crash.lineno)
        return file, line, crash.message
    text = str(getattr(report, "longrepr", "") or "").strip()
    lines = [re.sub("^E +", "", line) for line in text.splitlines()]
    file, line = place_in(text) or (report.nodeid.partition("::")[0], None)
    return file, line, lines[-1] if lines else ""


def failure_of(report):
    """A report of some plug-in may be unlike pytest's own: then less is told, and the run goes on."""
    try:
        file, line, message = place_of(report)
        text = getattr(report, "longreprtext", "") or ""
        return {"file": shown(file) if file else "", "line": line, "message": str(message or "")[:TEXT_MOST], "text": text[-TEXT_MOST:]}
    except Exception:
        return {"file": "", "line": None, "message": "", "text": ""}


def pytest_configure(config):
    cache = getattr(config, "cache", None)
    tell(event="begin", rootdir=str(getattr(config, "rootpath", "")), cache=str(getattr(cache, "_cachedir", "") or ""))


def pytest_collection_finish(session):
    tell(event="collected", n=len(getattr(session, "items", None) or ()))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node, ids):
    tell(event="collected", n=len(ids))


def pytest_collectreport(report):
    if report.failed:
        tell(event="collect", id=report.nodeid, **failure_of(report))


def pytest_runtest_logstart(nodeid, location):
    tell(event="start", id=nodeid)


def pytest_runtest_logreport(report):
    more = failure_of(report) if report.failed else {}
    tell(event="report", id=report.nodeid, when=report.when, outcome=report.outcome, xfail=hasattr(report, "wasxfail"),
         seconds=round(report.duration, 6), **more)


def pytest_keyboard_interrupt(excinfo):
    tell(event="interrupted")


def pytest_sessionfinish(session, exitstatus):
    tell(event="end", code=int(exitstatus))
