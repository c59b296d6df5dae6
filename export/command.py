"""The command that all exporters share."""

from __future__ import annotations

from collections.abc import Sequence

from export.block.header import check_header
from export.block.library import find_compiler
from export.bundle_folder import check_out
from export.options import parse
from train.command import finish
from train.tensorflow_setup import import_tensorflow


def main(engine: str, description: str, argv: Sequence[str] | None = None) -> int:
    """Run the exporter of an engine.

    Returns:
        The exit code: 0 if the bundle was written, 1 if a recipe differs too much from Keras, 2 for a mistake of the
        user's, 130 after an interruption. Nothing is written unless it is 0.
    """
    options = parse(engine, description, argv)

    def work() -> int:
        # Mistakes are found before TensorFlow is imported, which takes seconds.
        check_out(options.out, options.run, options.other_run)
        if engine == "c":
            find_compiler()
        if options.header is not None:
            check_header(options.header, options.out)
        import_tensorflow()  # with our settings, before a converter imports it without them
        from export.pipeline import export

        return export(options)

    return finish(work, extra="export", interrupted="interrupted: nothing was written")
