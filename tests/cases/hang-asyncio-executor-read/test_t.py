import asyncio, os
from facts import role, onset

async def main():
    loop = asyncio.get_running_loop()
    r, w = os.pipe()
    try:
        await asyncio.wait_for(loop.run_in_executor(None, os.read, r, 1), 0.2)
    except asyncio.TimeoutError:
        onset()

def test_timeout():
    role("pytest")
    asyncio.run(main())
