"""Real actors, each a process, that find each other at the registry on 127.0.0.1:1616."""
import os

import pytest
import tractor
import trio
import work


def actors(main):
    """Run MAIN(nursery) as the root actor."""
    async def root():
        async with tractor.open_nursery() as nursery:
            return await main(nursery)
    return trio.run(root)


def test_rpc():
    async def main(nursery):
        portal = await nursery.start_actor("adder", enable_modules=["work"])
        results = [await portal.run(work.add, a=n, b=n) for n in range(20)]
        assert await portal.run(work.pid) != os.getpid()
        await portal.cancel_actor()
        return results
    assert actors(main) == [2 * n for n in range(20)]


def test_nested_nurseries():
    async def main(nursery):
        portal = await nursery.run_in_actor(work.sum_by_children, numbers=[1, 2, 3])
        return await portal.result()
    assert actors(main) == 6


def test_cancel():
    async def main(nursery):
        for n in range(3):
            await nursery.run_in_actor(work.wait_for_ever, name=f"sleeper_{n}")
        await nursery.cancel()
        return "cancelled"
    assert actors(main) == "cancelled"


def test_error_of_an_actor():
    async def main(nursery):
        portal = await nursery.start_actor("failer", enable_modules=["work"])
        try:
            await portal.run(work.fail)
        finally:
            await portal.cancel_actor()
    with pytest.raises(tractor.RemoteActorError) as error:
        actors(main)
    assert error.value.type is ValueError


def test_stream():
    async def main(nursery):
        portal = await nursery.start_actor("counter", enable_modules=["work"])
        async with portal.open_context(work.count, to=50) as (ctx, first):
            async with ctx.open_stream() as stream:
                numbers = [n async for n in stream]
        await portal.cancel_actor()
        return first, numbers
    assert actors(main) == (50, list(range(50)))


def test_registry():
    async def main(nursery):
        await nursery.start_actor("findable", enable_modules=["work"])
        async with tractor.wait_for_actor("findable") as portal:
            answer = await portal.run(work.add, a=20, b=22)
        await nursery.cancel()
        return answer
    assert actors(main) == 42
