"""Classify texts: python runtime/classify.py "great movie". The code is in the package edgetext, next to this file."""

if __name__ == "__main__":
    try:
        from edgetext.command.main import command

        command()
    except KeyboardInterrupt:  # during an import
        raise SystemExit(130) from None
