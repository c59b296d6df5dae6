"""``python -m edgetext``: the same command as ``edgetext`` and ``runtime/classify.py``."""

from edgetext.command.main import command

if __name__ == "__main__":
    command()
