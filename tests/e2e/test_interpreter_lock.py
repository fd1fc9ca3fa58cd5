"""A thread that blocks with the interpreter's lock held keeps its whole process; the others wake 200 times a second, and can't move."""
import json

from support import PY, batch, of, proves, result, run  # noqa: F401

#: PyDLL keeps the lock during the call. `{wait}` is what the second thread does with it.
HELD = """
import ctypes, os, threading
lib, (r, w), began = ctypes.PyDLL(None), os.pipe(), threading.Event()
def hold():
    began.set()
    {wait}
def count():
    while True:
        sum(range(1000))
for job in (count, count):
    threading.Thread(target=job, daemon=True).start()
t = threading.Thread(target=hold)
t.start()
{main}
"""
READ = "lib.read(r, ctypes.create_string_buffer(8), 1)"


def program(wait, main="t.join()", *options):
    return lambda: run(PY, "-c", HELD.format(wait=wait, main=main), suite="hang", options=options)


RUNS = {
    "held for ever": program(READ),
    "main wants it": program(READ, "while True: sum(range(1000))"),
    # near-misses: the holder's call ends by itself; somebody ends it; the lock is not held
    "held for a while": program("lib.usleep(3000000); os._exit(7)", "t.join()", "--report-json", "r.json"),
    "woken": lambda: run("sh", "-c", 'mkfifo f && { sleep 3 >f & } && exec "$0" -c "$1" <f', PY,
                         HELD.format(wait="lib.read(0, ctypes.create_string_buffer(8), 1); os._exit(7)", main="t.join()"), suite="hang", options=("--report-json", "r.json")),
    "not held": program("os.read(r, 1)", "t.join()", "--timeout", "4s"),
}


@proves
@of("held for ever", "main wants it")
def test_proven(result):
    assert result.code == 124 and not result.left, result
    finding = result.finding()
    assert finding["certainty"] == "proven"
    assert finding["detected_s"] - finding["onset_s"] < 5
    roles = [b for b in finding["blocked"] if b["syscall"] == "read"]
    assert len(roles) == 1 and "interpreter's lock" in result.screen


@of("held for a while", "woken")
def test_it_ends_by_itself(result):
    assert result.code == 7 and not result.left, result
    findings = json.loads((result.folder / "r.json").read_text())["findings"]
    assert [f for f in findings if f["certainty"] == "proven"] == []


@of("not held")
def test_threads_that_compute_are_live(result):
    finding = result.finding()
    assert finding["certainty"] == "suspected", finding
