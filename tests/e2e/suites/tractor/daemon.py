"""A registry that lives on its own, with a log level as its only argument."""
import sys

import tractor

if __name__ == "__main__":
    tractor.run_daemon(["work"], loglevel=sys.argv[1])
