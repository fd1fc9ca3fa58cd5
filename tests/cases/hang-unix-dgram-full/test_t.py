import os, socket
from facts import role, onset

def test_log():
    role("pytest")
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    pid = os.fork()
    if pid == 0:
        role("writer")
        b.close()
        onset()
        for n in range(10000):
            a.send(b"x" * 1000)
        os._exit(0)
    a.close()
    os.waitpid(pid, 0)
