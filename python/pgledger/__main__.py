"""``python -m pgledger`` is the command line."""

import sys

from pgledger.cli import main

if __name__ == "__main__":
    sys.exit(main())
