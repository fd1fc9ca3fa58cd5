import os, select, signal, time
from facts import role, onset

def test_poll():
    role("pytest")
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        role("child")
        p = select.poll()
        p.register(r, select.POLLIN)
        os.close(w)
        p.poll()
        os._exit(0)
    time.sleep(0.3)
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)
    os.kill(pid, signal.SIGCONT)
    time.sleep(0.1)
    onset()
    os.waitpid(pid, 0)
