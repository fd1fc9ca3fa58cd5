"""Print all that a program can easily see of what it was given."""
import os
import resource
import signal
import sys

for name in sorted(os.environ):
    print(name, os.environ[name])
for fd in sorted(os.listdir("/proc/self/fd"), key=int):
    try:
        kind = os.readlink(f"/proc/self/fd/{fd}").partition(":")[0]
    except OSError:
        kind = "the folder just listed"
    print(fd, kind if kind in ("pipe", "socket") else os.path.basename(kind))
for line in open("/proc/self/status"):
    if line.startswith(("Sig", "Shd", "Umask", "Groups", "NoNewPrivs", "Seccomp:", "TracerPid")) and not line.startswith("SigQ"):
        print(line.rstrip())
print([resource.getrlimit(n) for n in range(16)])
print(os.getcwd() == os.path.dirname(os.path.abspath(__file__)), os.getpriority(os.PRIO_PROCESS, 0), sys.argv)
print([signal.getsignal(n) for n in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGUSR1)])
print([os.isatty(fd) for fd in (0, 1, 2)])
