"""async_asyncio.py in a sub-interpreter, with the tasks of the kinds that need no descriptor."""
import _inside

_inside.run("""
import runpy, sys
sys.path.insert(0, {folder!r})
sys.argv = ["async_asyncio.py", "derived"]
runpy.run_path({folder!r} + "/async_asyncio.py", run_name="__main__")
""".format(folder=__file__.rpartition("/")[0]))
