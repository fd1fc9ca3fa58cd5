import subprocess
from facts import role, onset, fact

def test_start():
    role("pytest")
    onset()
    subprocess.run("sleep infinity & echo role daemon $! >>$CASE_ROLES; echo started", shell=True, capture_output=True)
