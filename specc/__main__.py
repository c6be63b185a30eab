"""`python -m specc`."""

import sys

from specc.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
