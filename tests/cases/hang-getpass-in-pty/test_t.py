import os, pty, sys
from facts import role, onset

def test_login():
    role("pytest")
    onset()
    pid, master = pty.fork()
    if pid == 0:
        role("login")
        os.execv(sys.executable, [sys.executable, "-c", "import getpass; getpass.getpass()"])
    os.waitpid(pid, 0)
