"""A pytest plug-in, copied into the virtual environments of tests/guest: writes each outcome into $GUEST_OUT, a line of JSON for each,
and runs only the tests named in $GUEST_ONLY (JSON), if it is set."""
import json
import os

SEEN = {}


def note(name, outcome):
    with open(os.environ["GUEST_OUT"], "a", encoding="utf8") as out:
        print(json.dumps([name, outcome]), file=out)


def pytest_collection_modifyitems(config, items):
    only = os.environ.get("GUEST_ONLY")
    if only:
        wanted = set(json.loads(only))
        kept = [item for item in items if item.nodeid in wanted]
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
        items[:] = kept


def pytest_collectreport(report):
    if report.failed:
        note(f"{report.nodeid} (collection)", "failed")


def pytest_runtest_logreport(report):
    if report.when == "setup" or SEEN.get(report.nodeid) == "passed":
        SEEN[report.nodeid] = ("x" if hasattr(report, "wasxfail") else "") + report.outcome
    if report.when == "call":
        SEEN[report.nodeid] = ("x" if hasattr(report, "wasxfail") else "") + report.outcome
    elif report.when == "teardown":
        if report.failed:
            SEEN[report.nodeid] = "failed at its end"
        note(report.nodeid, SEEN.pop(report.nodeid))
