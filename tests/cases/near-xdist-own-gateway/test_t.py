import threading
import execnet
import pytest
from facts import role, onset

@pytest.mark.parametrize("n", range(4))
def test_ok(n):
    pass

def test_callback():
    done = threading.Event()
    gateway = execnet.makegateway()
    channel = gateway.remote_exec("import time; time.sleep(7); channel.send(1)")
    channel.setcallback(lambda item: done.set())
    done.wait()
    gateway.exit()
