"""Helper threads and processes of the standard library, each without work."""
import concurrent.futures
import multiprocessing.resource_sharer
import os

from _target import empty_pipe, tell


def main():
    pool = multiprocessing.get_context("fork").Pool(1)
    server = multiprocessing.get_context("forkserver").Process(target=int)
    server.start()
    server.join()
    lock = multiprocessing.get_context("spawn").Lock()  # ... has a resource tracker started
    queue = multiprocessing.get_context("fork").Queue()
    queue.put(1)
    queue.get()
    threads = concurrent.futures.ThreadPoolExecutor(1)
    threads.submit(int).result()
    manager = multiprocessing.get_context("fork").Manager()
    shared = multiprocessing.resource_sharer.DupFd(empty_pipe())
    tell(); os.read(0, 1)
    del pool, lock, manager, shared


if __name__ == "__main__":
    main()
