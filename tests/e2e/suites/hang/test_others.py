"""Hangs on sockets and locks."""
import fcntl
import multiprocessing
import os
import socket

from role import role

mp = multiprocessing.get_context("fork")


def fork(work, *words):
    pid = os.fork()
    if pid == 0:
        try:
            work(*words)
        finally:
            os._exit(0)
    return pid


def test_both_receive():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        child = fork(answer, server, address)
        ours, _ = server.accept()
    role("asker")
    role("answerer", child)
    ours.recv(1)


def answer(server, address):
    server.close()
    theirs = socket.create_connection(address)
    theirs.recv(1)


def take_both(first, second, ready, go):
    """Lock FIRST, say so, and lock SECOND once the other has its own."""
    with open(first, "r+") as one, open(second, "r+") as two:
        fcntl.flock(one, fcntl.LOCK_EX)
        os.write(ready, b".")
        os.read(go, 1)
        fcntl.flock(two, fcntl.LOCK_EX)


def test_files_locked_crosswise(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.touch()
    b.touch()
    (ready_read, ready), (go, go_write) = os.pipe(), os.pipe()
    pids = [fork(take_both, a, b, ready, go), fork(take_both, b, a, ready, go)]
    for pid in pids:
        role("locker", pid)
    for _ in pids:
        os.read(ready_read, 1)
    os.write(go_write, b"..")
    for pid in pids:
        os.waitpid(pid, 0)


def acquire_both(first, second, barrier):
    role("locker")
    with first:
        barrier.wait()
        with second:
            pass


def test_semaphores_locked_crosswise():
    a, b, barrier = mp.Lock(), mp.Lock(), mp.Barrier(2)
    workers = [mp.Process(target=acquire_both, args=locks + (barrier,)) for locks in ((a, b), (b, a))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
