"""Each test leaves one thing behind, or comes near it and does not. Run by name."""
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path

import pytest
from role import role

HERE = Path(__file__).parent
PY = sys.executable
SLEEP = "import time; time.sleep(600)"


def start(code, *words, **more):
    """A child that tells when it is ready."""
    child = subprocess.Popen([PY, "-c", code + "\n", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **more)
    assert child.stdout.readline() == b"ready\n"
    return child


def forget(child):
    child.returncode = 0     # keeps the destructor quiet, not the process


READY = "print('ready', flush=True)\n"


@pytest.fixture(scope="session")
def daemon():
    child = start(READY + SLEEP)
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def test_session_daemon(daemon):
    assert daemon.poll() is None


def test_process():
    child = start(READY + SLEEP)
    role("left", child.pid)
    forget(child)


def test_ends_soon():
    child = start(READY + "import time; time.sleep(0.4)")
    forget(child)


DAEMON = """
import os, socket, sys, signal
listener = socket.socket(socket.AF_INET, {type})
listener.bind(("127.0.0.1", 0))
if {type} == socket.SOCK_STREAM:
    listener.listen()
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
with open("daemon.pid.new", "w") as file:
    print(os.getpid(), listener.getsockname()[1], file=file)
os.rename("daemon.pid.new", "daemon.pid")
for fd in range(3):
    os.dup2(os.open(os.devnull, os.O_RDWR), fd)
while True:
    signal.pause()
"""


def run_daemon(kind, **more):
    subprocess.run([PY, "-c", DAEMON.format(type=kind)], check=True, **more)
    while not Path("daemon.pid").exists():
        time.sleep(0.01)
    role("left", int(Path("daemon.pid").read_text().split()[0]))


def test_daemon():
    run_daemon("socket.SOCK_STREAM")


def test_udp_daemon():
    run_daemon("socket.SOCK_DGRAM")


def test_daemon_of_another_network():
    run_daemon("socket.SOCK_STREAM", preexec_fn=lambda: ctypes.CDLL(None).unshare(0x40000000))


def test_daemon_without_environment():
    run_daemon("socket.SOCK_STREAM", env={})
    time.sleep(1)


def test_stopped():
    child = start(READY + SLEEP, start_new_session=True)
    os.kill(child.pid, signal.SIGSTOP)
    role("left", child.pid)
    forget(child)


def test_family():
    child = start("import subprocess, sys\nkid = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
                  "print('ready', flush=True)\nkid.wait()")
    role("left", child.pid)
    forget(child)


def test_zombie():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    role("left", pid)
    time.sleep(2.5)


def test_short_zombies():
    """Over before anybody looks."""
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        role("left", pid)


def test_lingers():
    time.sleep(2.5)


def test_waited_late():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    time.sleep(2)
    os.waitpid(pid, 0)


@pytest.fixture
def no_tracker(monkeypatch):
    for name in ("register", "unregister"):
        monkeypatch.setattr(resource_tracker, name, lambda *args: None)


def make_shm(name):
    with open("made", "a") as file:
        print(f"/dev/shm/{name}", file=file)
    return shared_memory.SharedMemory(name, create=True, size=4096)


def test_shm(no_tracker):
    shm = make_shm(f"tw_test_{os.getpid()}")
    time.sleep(1)      # an object that is closed at once may be anybody's
    shm.close()


def test_shm_unlinked(no_tracker):
    shm = make_shm(f"tw_test_{os.getpid()}")
    shm.close()
    shm.unlink()


def bind(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen()
    return sock


def test_socket():
    with bind("left.sock"):
        time.sleep(1)


KEPT = []


def test_short_socket():
    """The clock of files goes in ticks of up to 10 ms: only what lies this far from the test's ends is surely its own."""
    time.sleep(0.012)
    KEPT.append(bind("left.sock"))
    time.sleep(0.012)


def test_socket_unlinked():
    with bind("left.sock"):
        time.sleep(1)
    os.unlink("left.sock")


def test_socket_in_tmp_path(tmp_path):
    with bind(tmp_path / "left.sock"):
        time.sleep(1)


def test_address_in_use():
    with socket.create_server(("127.0.0.1", 0)) as first, socket.socket() as second:
        with pytest.raises(OSError) as caught:
            second.bind(first.getsockname())
        assert caught.value.errno == errno.EADDRINUSE


def test_registrar():
    with socket.create_server(("127.0.0.1", 1616)):
        pass


def test_all_and_hang(no_tracker):
    shm = make_shm(f"tw_test_{os.getpid()}")
    sock, port = bind("left.sock"), socket.create_server(("127.0.0.1", 1616))
    time.sleep(1)
    role("hangs")
    signal.pause()
    del shm, sock, port
