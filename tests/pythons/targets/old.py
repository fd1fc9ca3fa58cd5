"""For interpreters that the readers do not know: nothing but a line, and a wait."""
import os

os.write(1, ('{"pid": %d, "threads": {}, "last": true}\n' % os.getpid()).encode())
os.read(0, 1)
