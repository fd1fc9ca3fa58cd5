import os, socket
from facts import role, onset

def test_ring():
    role("pytest")
    pairs = [socket.socketpair() for _ in range(20)]
    pids = []
    for n in range(20):
        pid = os.fork()
        if pid == 0:
            role("actor")
            left, right = pairs[n][0], pairs[(n + 1) % 20][1]
            for a, b in pairs:
                for s in (a, b):
                    if s is not left and s is not right:
                        s.close()
            right.sendall(left.recv(1))
            os._exit(0)
        pids.append(pid)
    for a, b in pairs:
        a.close()
        b.close()
    onset()
    for pid in pids:
        os.waitpid(pid, 0)
