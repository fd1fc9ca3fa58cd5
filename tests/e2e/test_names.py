"""Who waits at an address waits for whoever comes: somebody outside may be just who is waited for, so it is suspected and left alone, unless
the address is private to the tree. A listener that a victim's loop only watches besides takes no proof away."""
import json
import os
import socket
import sys

import pytest
from support import Run, batch, of, proves, result, run  # noqa: F401

#: One word behind the other: in a network namespace without a way out, that only this run is in.
ALONE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "alone")
alone = pytest.mark.skipif(os.geteuid() != 0 or os.system("unshare --net ip link set lo up 2>/dev/null") != 0,
                           reason="no network namespace of its own, or no ip(8)")

SERVER = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
pid = os.fork()
if pid == 0:
    with open("port.new", "w") as f:
        f.write(str(listener.getsockname()[1]))
    os.rename("port.new", "port")
    listener.accept()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""

# Pool threads that wait for work, which a client would bring.
THREADS = """
import concurrent.futures, selectors, socket
pool = concurrent.futures.ThreadPoolExecutor(2)
pool.submit(int).result()
s = selectors.DefaultSelector()
s.register(socket.create_server(("127.0.0.1", 0)), selectors.EVENT_READ)
mine, other = socket.socketpair()           # how a pool's threads wake a loop
s.register(mine, selectors.EVENT_READ)
s.select()
"""

# An actor: its loop watches a listener, and its child, which fills a pipe that nobody reads.
ACTOR = """
import os, selectors, socket
r, w = os.pipe()
child = os.fork()
if child == 0:
    while True:
        os.write(w, bytes(65536))
s = selectors.DefaultSelector()
s.register(socket.create_server(("127.0.0.1", 0)), selectors.EVENT_READ)
s.register(os.pidfd_open(child), selectors.EVENT_READ)
s.select()
"""

DATAGRAM = """
import socket
s = socket.socket({family}, socket.SOCK_DGRAM)
s.bind({name})
s.recv(1)
"""

# Two processes, each with the lock that the other one wants.
LOCKS = """
import multiprocessing, sys

def take(one, other, ready):
    with one:
        ready.wait()
        other.acquire()

if __name__ == "__main__":
    m = multiprocessing.get_context({method!r})
    a, b, ready = m.Lock(), m.Lock(), m.Barrier(2)
    p = m.Process(target=take, args=(a, b, ready))
    p.start()
    take(b, a, ready)
"""


def program(text, *options, before=()):
    return lambda: run(sys.executable, "-c", text, before=before, options=("--timeout", "6s", *options))


def script(text):
    """One that multiprocessing can import again."""
    return lambda: run(sys.executable, "locks.py", options=("--timeout", "8s"),
                       inside=lambda r: (r.folder / "locks.py").write_text(text))


def served_from_outside():
    """The client that the server waited for comes when everybody has given it up."""
    with Run(sys.executable, "-c", SERVER, options=("--report-json", "r.json")) as r:
        finding = r.until_finding()
        socket.create_connection(("127.0.0.1", int((r.folder / "port").read_text()))).close()
        result = r.finish()
        result.told = finding
        return result


RUNS = {
    "served": served_from_outside,
    "server alone": program(SERVER, before=ALONE),
    "server by assumption": program(SERVER, "--assume", "listener=1s"),
    "threads": program(THREADS),
    "actor": program(ACTOR),
    "actor, never": program(ACTOR, "--assume", "connect=never"),
    "udp": program(DATAGRAM.format(family="socket.AF_INET", name=("127.0.0.1", 0))),
    "udp alone": program(DATAGRAM.format(family="socket.AF_INET", name=("127.0.0.1", 0)), before=ALONE),
    "abstract": program(DATAGRAM.format(family="socket.AF_UNIX", name=r"'\0tw-names-%d' % __import__('os').getpid()")),
    "fork locks": script(LOCKS.format(method="fork")),
    "spawn locks": script(LOCKS.format(method="spawn")),
}


def told(result):
    finding = result.finding()
    return finding["kind"], finding["certainty"], json.dumps(finding["assumptions"])


@of("served")
def test_the_client_comes_after_all(result):
    assert result.code == 0 and not result.left, result
    assert (result.told["kind"], result.told["certainty"]) == ("socket", "suspected") or result.told["kind"] == "child-wait"
    assert result.told["certainty"] == "suspected"
    findings = json.loads((result.folder / "r.json").read_text())["findings"]
    assert [f for f in findings if f["certainty"] == "proven"] == []


@of("threads", "udp", "abstract")
def test_left_alone_until_the_time_is_over(result):
    assert result.code == 124 and not result.left, result
    kind, certainty, words = told(result)
    assert certainty == "suspected" and result.report["outcome"] == "stall"
    assert "waits for nobody outside this run" in words
    assert result.report["duration_s"] >= 6


@alone
@proves
@of("server alone", "udp alone")
def test_nobody_else_can_come(result):
    assert result.code == 124 and result.report["outcome"] == "hang", result
    kind, certainty, words = told(result)
    assert certainty == "proven" and "outside" not in words


@proves
@of("server by assumption")
def test_a_project_may_know_better(result):
    assert result.code == 124 and result.report["outcome"] == "hang", result
    assert told(result)[1] == "proven" and "waits for nobody outside" in told(result)[2]


@proves
@of("actor")
def test_a_listener_beside_the_cause(result):
    assert result.code == 124 and result.report["outcome"] == "hang", result
    kind, certainty, words = told(result)
    assert (kind, certainty) == ("pipe-full", "proven")
    assert "nobody outside this run connects" in words and "waits for nobody" not in words


@of("actor, never")
def test_unless_it_is_never_to_be_assumed(result):
    assert result.code == 124 and result.report["outcome"] == "stall", result
    assert told(result)[:2] == ("pipe-full", "suspected")


@proves
@of("fork locks")
def test_semaphores_without_a_name(result):
    assert result.code == 124 and result.report["outcome"] == "hang", result
    assert told(result)[:2] == ("lock", "proven")


@proves
@of("spawn locks")
def test_semaphores_with_a_random_name(result):
    assert result.code == 124 and result.report["outcome"] == "hang", result
    kind, certainty, words = told(result)
    assert (kind, certainty) == ("lock", "proven") and "by its random name" in words
