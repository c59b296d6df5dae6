"""The command: ``edgetext``, ``python -m edgetext`` and ``runtime/classify.py`` are all this."""

from __future__ import annotations

import os
import sys

from edgetext.errors import EdgetextError, InputError, describe, was_interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetext.classifier import Classifier
    from edgetext.command.ranking import Ranking

# Exit codes: 2 is argparse's own for a wrong command line, 130 the shell's for an interrupt (128 + SIGINT).
OK, MISTAKE, INTERRUPTED = 0, 2, 130


class Options:
    """The options of a command line; the class holds the defaults. ``edgetext.command.arguments`` describes them."""

    texts: Sequence[str] = ()
    file: str | None = None
    jsonl: str | None = None
    csv: str | None = None
    delimiter: str = ","
    prefix: str = ""
    json: bool = False
    model: str | None = None
    engine: str = "auto"
    recipe: str | None = None
    threads: int = 1
    threshold: float | None = None
    top_k: int | None = None
    info: bool = False
    doctor: bool = False
    verify: bool = False


def command() -> None:
    """Run the command as the whole process that it is for users, and end that process.

    Python's own tidying up at the end is left out: it takes 1.7 ms, as much as loading a model, and has nothing to do
    here, for ``main`` has flushed what it wrote.
    """
    import _signal  # type: ignore[import-not-found]  # it is loaded at every start, unlike ``signal``

    # As long as nothing is written, an interrupt ends the process at once: raised within an import, it can be lost.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    try:
        code = main()
    except SystemExit as end:  # argparse's
        code = end.code if isinstance(end.code, int) else OK
    except KeyboardInterrupt:  # while it was still importing
        code = INTERRUPTED
    os._exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; None takes those of the process.

    Returns:
        The exit code.

    Raises:
        SystemExit: From argparse, for a wrong command line, ``--help`` and ``--version``.
    """
    try:
        try:
            return _run(_parse(sys.argv[1:] if argv is None else argv))
        finally:
            # Here and not at Python's exit, where a failure could only be shown, not handled.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; that is no mistake.
        _abandon_output()
        return OK
    except (EdgetextError, OSError) as error:
        if was_interrupted(error):
            return INTERRUPTED
        if os.environ.get("EDGETEXT_DEBUG"):
            raise
        complain(error)
        if isinstance(error, OSError):
            _abandon_output()
        return MISTAKE
    except KeyboardInterrupt:
        _abandon_output()
        return INTERRUPTED


def _parse(argv: Sequence[str]) -> Options:
    """Parse a command line; one of texts alone, without what takes most of the time."""
    if argv and not any(argument.startswith("-") for argument in argv):
        options = Options()
        options.texts = argv
        return options
    from edgetext.command.arguments import parse

    return parse(argv)


def _run(options: Options) -> int:
    if sys.stdout is None:
        raise InputError("standard output is closed")
    if options.info:
        from edgetext.command.info import print_info

        print_info(options.model, as_json=options.json)
        return OK
    if options.doctor:
        from edgetext.command.doctor import report

        return OK if report(options.model, as_json=options.json) else MISTAKE
    if options.verify:
        from edgetext.command.verify import print_verification

        return OK if print_verification(options.model) else MISTAKE
    if options.texts:
        return _score(options)
    from edgetext.command.streams import score

    if options.file in (None, "-"):
        if options.file is None and (sys.stdin is None or sys.stdin.isatty()):
            raise InputError('no text: give one as an argument ("great movie"), or --file, or pipe lines in')
        if sys.stdin is None:
            raise InputError("standard input is closed")
        return score(options, sys.stdin.buffer)
    with open(options.file, "rb") as file:
        return score(options, file)


def load(options: Options) -> Classifier:
    """Load what the options ask for."""
    from edgetext.classifier import Classifier

    return Classifier.load(
        options.model,
        options.engine,
        recipe=options.recipe,
        threads=options.threads,
        threshold=options.threshold,
        quiet=True,
    )


def set_up_output(options: Options, classifier: Classifier) -> tuple[int | None, Ranking | None]:
    """Set standard output up, and tell what there is to tell; give the columns of a terminal, and the next labels."""
    ranking = None
    if options.top_k is not None:
        from edgetext.command.ranking import Ranking

        ranking = Ranking(min(options.top_k, len(classifier.labels)), with_first=options.threshold is not None)
    output = sys.stdout
    if options.csv is not None or options.jsonl is not None or options.json:
        # Data for programs is UTF-8 with plain line ends, whatever the terminal is set to.
        output.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        width = None
    else:
        output.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        width = os.get_terminal_size(output.fileno()).columns if output.isatty() else None
    if classifier.encoder.note:
        tell(f"note: {classifier.encoder.note}")
    return width, ranking


def _score(options: Options) -> int:
    """Score the texts that are arguments, and print them in order; those that cannot be read go to standard error."""
    from edgetext.command.records import Arguments

    classifier = load(options)
    form = Arguments(options.texts, options.json, *set_up_output(options, classifier))
    code = OK
    for record in form:
        if isinstance(record, InputError):
            complain(record)
            code = MISTAKE
        else:
            sys.stdout.write(form.write(record, classifier.classify(record.text)))
        sys.stdout.flush()
    return code


def complain(error: Exception) -> None:
    """Print an error as one line."""
    tell(f"error: {describe(error)}")


def tell(line: str) -> None:
    """Print a line on standard error; where that is closed or full there is nobody to tell, and the work goes on."""
    if sys.stderr is not None:
        try:
            # A path may hold a line's end.
            print(line.replace("\n", "\\n"), file=sys.stderr, flush=True)
        except (OSError, ValueError):
            sys.stderr = None  # as Python sets it where it was closed from the start


def _abandon_output() -> None:
    """Throw away what standard output still holds, so that Python does not fail over it again at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return  # it is closed, or was never there
