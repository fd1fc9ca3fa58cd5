"""Nine processes with 25 threads, all blocked for good in locks, pipes and epoll. Prints their pids once all have begun; ends with its
standard input."""
import os
import select
import subprocess
import sys
import threading

LOCK = threading.Lock()
R, W = os.pipe()


def in_lock():
    with LOCK:
        pass


def in_epoll():
    epoll = select.epoll()
    epoll.register(R, select.EPOLLIN)
    epoll.poll()


def child():
    LOCK.acquire()
    for function in (in_lock, in_epoll):
        threading.Thread(target=function, daemon=True).start()
    print(os.getpid(), flush=True)
    list(map(lambda fd: os.read(fd, 1), [R]))


def main():
    os.environ["PYTEST_CURRENT_TEST"] = "test_hung.py::test_hung (call)"
    children = [subprocess.Popen([sys.executable, __file__, "child"], stdout=subprocess.PIPE) for _ in range(8)]
    pids = [int(one.stdout.readline()) for one in children]
    print(os.getpid(), *pids, flush=True)
    os.read(0, 1)
    for one in children:
        one.kill()
        one.wait()


if sys.argv[1:]:
    child()
else:
    main()
