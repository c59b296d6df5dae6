"""Score texts: python runtime/classify.py "great movie". All of it is in the package beside this file."""

import sys

from edgetext.cli import main

if __name__ == "__main__":
    sys.exit(main())
