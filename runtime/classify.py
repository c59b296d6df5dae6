"""Classify texts: python runtime/classify.py "great movie". The code is in the package edgetext, next to this file."""

if __name__ == "__main__":
    try:
        import sys

        if sys.version_info < (3, 9):  # noqa: UP036  # this file can be parsed by any Python
            sys.stderr.write("error: edgetext needs Python 3.9 or later, and this is %d.%d\n" % sys.version_info[:2])  # noqa: UP031
            sys.exit(2)
        if getattr(sys.flags, "safe_path", sys.flags.isolated):  # python -P and -I leave the script's folder out
            import os

            sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
        from edgetext.command.main import command

        command()
    except KeyboardInterrupt:  # during an import
        sys.exit(130)
