import os, signal
from facts import role, onset

def test_reload():
    role("pytest")
    pid = os.fork()
    if pid == 0:
        role("child")
        os.kill(os.getpid(), signal.SIGUSR1) if False else None
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        onset()
        signal.sigwait({signal.SIGUSR1})
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
