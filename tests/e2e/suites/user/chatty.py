"""Write N bytes in one call: to standard output, or to the file that is named."""
import os
import sys

from role import role

role("chatty")
fd = os.open(sys.argv[2], os.O_WRONLY) if len(sys.argv) > 2 else 1
os.write(fd, b"x" * int(sys.argv[1]))
