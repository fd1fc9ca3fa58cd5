"""One actor: takes messages from standard input, answers on standard output, one JSON object a line; logs to standard error."""
import json
import logging
import sys


class Cancelled(Exception):
    pass


class Actor:
    def __init__(self, name):
        self.log = logging.getLogger(name)
        self.tasks = []

    def handle(self, message):
        if message["do"] == "start":
            self.tasks += [f"task-{n}" for n in range(message["tasks"])]
            return len(self.tasks)
        if message["do"] == "echo":
            return message["text"]
        raise ValueError(f"no such message: {message['do']}")

    def cancel(self):
        """End the tasks one by one, the newest first."""
        while self.tasks:
            task = self.tasks.pop()
            try:
                raise Cancelled(f"{task} was cancelled by its parent")
            except Cancelled:
                self.log.debug("%s ended", task, exc_info=True)


def main():
    name, level = sys.argv[1:]
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(name)s[%(process)d] %(levelname)s %(message)s")
    actor = Actor(name)
    for line in sys.stdin:
        message = json.loads(line)
        if message["do"] == "cancel":
            break
        print(json.dumps(actor.handle(message)), flush=True)
    actor.cancel()


if __name__ == "__main__":
    main()
