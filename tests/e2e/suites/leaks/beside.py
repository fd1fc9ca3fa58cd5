"""beside.py HOLDER_CWD COMMAND...: somebody else's program holds 127.0.0.1:1616 while two runs of COMMAND go on here at the same time."""
import os
import socket
import subprocess
import sys
import time

from role import role

HOLD = """
import socket
with socket.create_server(("127.0.0.1", 1616)):
    print("ready", flush=True)
    while True:
        __import__("time").sleep(600)
"""
holder = subprocess.Popen([sys.executable, "-c", HOLD], cwd=sys.argv[1], stdout=subprocess.PIPE, start_new_session=True)
assert holder.stdout.readline() == b"ready\n"
role("holder", holder.pid)
runs = [subprocess.Popen([*sys.argv[2:4], "--report", f"report{n}", *sys.argv[4:]], stdin=subprocess.DEVNULL) for n in range(2)]
codes = [run.wait() for run in runs]
print("holder", "alive" if holder.poll() is None else "gone")
holder.kill()
holder.wait()
sys.exit(max(codes))
