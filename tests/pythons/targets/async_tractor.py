"""Two tractor actors: the first has started the second and waits for what it does, which never ends. Each tells its actor's name."""
import os

import tractor
import trio

from _target import say


async def tell():
    say(pid=os.getpid(), threads={}, actor=tractor.current_actor().name)


async def waits():
    await trio.sleep_forever()


async def main():
    async with tractor.open_nursery() as nursery:
        portal = await nursery.start_actor("слуга", enable_modules=[__name__])
        await portal.run(tell)
        say(pid=os.getpid(), threads={}, actor=tractor.current_actor().name, last=True)
        await portal.run(waits)


if __name__ == "__main__":
    trio.run(main)
