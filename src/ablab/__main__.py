"""Runs the command line: `python -m ablab`."""

import sys

from ablab.cli import main

if __name__ == "__main__":
    sys.exit(main())
