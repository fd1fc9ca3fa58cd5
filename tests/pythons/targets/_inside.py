"""Runs code in a new interpreter, by what this version has for it."""
import sys


def run(code):
    if sys.version_info >= (3, 13):
        import _interpreters as module
        new = module.create("legacy")
    else:
        import _xxsubinterpreters as module
        new = module.create(isolated=False) if sys.version_info >= (3, 9) else module.create()
    module.run_string(new, code)
