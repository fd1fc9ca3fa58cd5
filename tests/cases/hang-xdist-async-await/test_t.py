import asyncio
import pytest
from facts import role, onset

@pytest.mark.parametrize("n", range(10))
def test_ok(n):
    pass

def test_future():
    role("worker")
    async def main():
        onset()
        await asyncio.get_running_loop().create_future()
    asyncio.run(main())
