"""Joins all threads, those that trio keeps for later too."""
import threading

import trio


async def main():
    await trio.to_thread.run_sync(lambda: None)


trio.run(main)
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join()
