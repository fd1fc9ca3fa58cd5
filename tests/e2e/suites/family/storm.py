"""Fork COUNT processes that end at once, WIDTH at a time, each with a code of its own; then print the codes' sum."""
import os
import sys

count, width = int(sys.argv[1]), int(sys.argv[2])
total = 0
for first in range(0, count, width):
    pids = []
    for i in range(first, min(first + width, count)):
        pid = os.fork()
        if pid == 0:
            os._exit(i % 7)
        pids.append(pid)
    total += sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)
print(total)
