"""Score texts: python runtime/classify.py "great movie". All of it is in the package beside this file."""

if __name__ == "__main__":
    try:
        from edgetext.command.main import command

        command()
    except KeyboardInterrupt:  # while it was still importing
        raise SystemExit(130) from None
