"""``python -m edgetext``: the same command as ``edgetext`` and ``runtime/classify.py``."""

import sys

from edgetext.cli import main

if __name__ == "__main__":
    sys.exit(main())
