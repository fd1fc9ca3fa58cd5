"""The registry: keeps actors by name and passes requests to them. Prints its port when it is ready."""
import json
import socket
import subprocess
import sys


class Registry:
    def __init__(self, level):
        self.level = level
        self.actors = {}

    def spawn(self, name):
        self.actors[name] = subprocess.Popen([sys.executable, "-m", "crew.actor", name, self.level],
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self.actors[name].pid

    def tell(self, name, message):
        actor = self.actors[name]
        actor.stdin.write(json.dumps(message) + "\n")
        actor.stdin.flush()
        return actor

    def request(self, what, *args):
        if what == "names":
            return sorted(self.actors)
        if what == "spawn":
            return self.spawn(*args)
        return json.loads(self.tell(*args).stdout.readline())

    def cancel(self):
        """Tell all actors to end, then wait for each."""
        for name in self.actors:
            self.tell(name, {"do": "cancel"})
        for actor in self.actors.values():
            actor.wait()


def main():
    registry = Registry(sys.argv[1])
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
    with connection, connection.makefile("rw") as stream:
        for line in stream:
            request = json.loads(line)
            if request == ["stop"]:
                break
            stream.write(json.dumps(registry.request(*request)) + "\n")
            stream.flush()
    registry.cancel()


if __name__ == "__main__":
    main()
