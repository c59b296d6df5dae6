"""The error of this stage. Mistakes raise it, or another EdgetextError of the stage that found them."""

from edgetext import EdgetextError


class BenchmarkError(EdgetextError):
    """Something that the caller gave cannot be used. The message is one line, or empty if it was printed already."""
