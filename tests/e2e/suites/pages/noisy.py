"""Writes more into its standard output than a pipe holds: text that others would take for commands and mark-up."""
import sys

LINES = ("<script>alert('log')</script>", "##[error]not from the runner", "::error::nor this", "::set-output name=x::y")

for number in range(20000):
    print(LINES[number % len(LINES)], number, flush=True)
sys.exit("nobody has stopped it")
