import http.client, http.server, threading
import pytest
from facts import role, onset

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False

@pytest.fixture(scope="module")
def server():
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    role("pytest")
    onset()
    server.shutdown()
    server.server_close()
    thread.join()

CONNS = []

@pytest.mark.parametrize("n", range(5))
def test_get(server, n):
    conn = http.client.HTTPConnection(*server.server_address)
    conn.request("GET", "/")
    assert conn.getresponse().read() == b"ok"
    CONNS.append(conn)
