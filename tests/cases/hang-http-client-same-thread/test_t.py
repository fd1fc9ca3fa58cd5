import http.server, urllib.request
from facts import role, onset

def test_get():
    role("pytest")
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    onset()
    urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/")
    server.handle_request()
