"""What the actors do when they are asked to."""
import os

import tractor
import trio


async def add(a, b):
    return a + b


async def pid():
    return os.getpid()


async def echo(text):
    return text


async def sum_by_children(numbers):
    """Each addition in a child of this actor."""
    total = 0
    async with tractor.open_nursery() as nursery:
        portals = [await nursery.run_in_actor(add, a=n, b=0, name=f"adder_{n}") for n in numbers]
        for portal in portals:
            total += await portal.result()
    return total


async def fail():
    raise ValueError("as it should")


async def wait_for_ever():
    await trio.sleep_forever()


@tractor.context
async def count(ctx, to):
    await ctx.started(to)
    async with ctx.open_stream() as stream:
        for n in range(to):
            await stream.send(n)
