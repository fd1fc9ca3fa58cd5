"""How a program talks to the registry daemon that it started."""
import json
import socket


class Client:
    def __init__(self, daemon):
        """DAEMON is the process, with a pipe as its standard output."""
        self.daemon = daemon
        port = int(daemon.stdout.readline())
        self.stream = socket.create_connection(("127.0.0.1", port)).makefile("rw")

    def send(self, *request):
        self.stream.write(json.dumps(request) + "\n")
        self.stream.flush()

    def ask(self, *request):
        self.send(*request)
        return json.loads(self.stream.readline())

    def spawn(self, name):
        return self.ask("spawn", name)

    def names(self):
        return self.ask("names")

    def call(self, name, do, **arguments):
        return self.ask("tell", name, {"do": do, **arguments})

    def stop(self):
        """Have all actors cancelled, and wait until the daemon has ended."""
        self.send("stop")
        return self.daemon.wait()
