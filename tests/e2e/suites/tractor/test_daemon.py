"""A registry of its own process, whose log goes to a pipe that nobody reads (DAEMON_LOG=pipe) or to a file."""
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import tractor
import trio
from role import python, role, wait_for

ADDRESS = "127.0.0.1", 1616


def listens():
    with suppress(ConnectionRefusedError), socket.create_connection(ADDRESS):
        return True


@pytest.fixture
def daemon():
    log = subprocess.PIPE if os.environ["DAEMON_LOG"] == "pipe" else Path("daemon.log").open("w")
    process = subprocess.Popen(python("daemon.py", "transport"), stderr=log)
    role("daemon", process.pid)
    wait_for(listens)
    yield process
    process.send_signal(signal.SIGINT)
    process.wait()


def test_many_requests(daemon):
    async def main():
        async with tractor.open_root_actor(), tractor.get_arbiter(*ADDRESS) as portal:
            return [len(await portal.run_from_ns("self", "get_registry")) >= 0 for _ in range(300)]
    assert len(trio.run(main)) == 300
