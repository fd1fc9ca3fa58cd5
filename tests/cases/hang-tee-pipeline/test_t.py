import subprocess, sys
from facts import role, onset

PIPELINE = 'for i in 1 2 3; do seq 1 20000; done 2>&1 | tee build.log'

def test_small():
    assert subprocess.run("seq 1 10 | tee x.log", shell=True, stdout=subprocess.PIPE).stdout.endswith(b"10\n")

def test_build():
    role("pytest")
    onset()
    proc = subprocess.Popen("sleep 0.1; " + PIPELINE, shell=True, stdout=subprocess.PIPE)
    role("shell", proc.pid)
    assert proc.wait() == 0
