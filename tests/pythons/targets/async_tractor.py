"""Two tractor actors, the second started by the first, that wait for each other for good. Each prints one line of JSON: its actor's name
and what it knows of its trio tasks."""
import os
import json

import tractor
import trio


def all_tasks(task):
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from all_tasks(child)


def tell():
    tasks = [{"name": t.name, "id": hex(id(t))} for t in all_tasks(trio.lowlevel.current_root_task())]
    line = json.dumps({"pid": os.getpid(), "actor": tractor.current_actor().name, "tasks": tasks}) + "\n"
    os.write(1, line.encode())


async def waits():
    tell()
    await trio.sleep_forever()


async def main():
    async with tractor.open_nursery() as nursery:
        portal = await nursery.start_actor("слуга", enable_modules=[__name__])
        tell()
        await portal.run(waits)


if __name__ == "__main__":
    trio.run(main)
