import threading
import pytest
from facts import role, onset

@pytest.mark.parametrize("n", range(20))
def test_ok(n):
    pass

def test_lock():
    role("worker")
    onset()
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
