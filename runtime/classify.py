"""Classify texts: python runtime/classify.py "great movie". The code is in the package edgetext, next to this file."""

if __name__ == "__main__":
    try:
        import sys

        if getattr(sys.flags, "safe_path", sys.flags.isolated):  # python -P and -I leave the script's folder out
            import os

            sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
        from edgetext.command.main import command

        command()
    except KeyboardInterrupt:  # during an import
        raise SystemExit(130) from None
