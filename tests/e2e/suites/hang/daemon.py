"""Leave a process behind that holds standard output and waits for a signal; with "stay": wait for one itself."""
import os
import signal
import sys

from role import role

if sys.argv[1:] == ["stay"] or os.fork() == 0:
    role("daemon")
    signal.pause()
