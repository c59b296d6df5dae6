"""The command: ``edgetext``, ``python -m edgetext`` and ``runtime/classify.py`` all run this."""

from __future__ import annotations

import os
import sys

from edgetext.command import DIFFERENT, INTERRUPTED, MISTAKE, OK, Arguments, Options
from edgetext.errors import EdgetextError, InputError, was_interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO


def command() -> None:
    """Run the command as a whole process, and end that process.

    Python's own cleanup at exit is skipped: it takes 1.7 ms, as long as loading a model, and has nothing to do here,
    because ``main`` has flushed its output.
    """
    import _signal  # type: ignore[import-not-found]  # loaded at every start, unlike ``signal``

    # Until something is written, an interrupt ends the process at once: an exception within an import can be lost.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    try:
        code = main()
    except SystemExit as end:  # argparse's
        code = end.code if isinstance(end.code, int) else OK
    except KeyboardInterrupt:  # during an import
        code = INTERRUPTED
    os._exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run the command with the given arguments, or else those of the process, and return the exit code.

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
        # The reader of the output has closed it, as `head` does; that is not an error.
        _discard_output()
        return OK
    except (EdgetextError, OSError) as error:
        if was_interrupted(error):
            return INTERRUPTED
        if os.environ.get("EDGETEXT_DEBUG"):
            raise
        import errno

        from edgetext.command.messages import print_error

        # What else is written has a name.
        if isinstance(error, OSError) and error.filename is None:
            if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                error.filename = "standard output"
        print_error(error)
        if isinstance(error, OSError):
            _discard_output()
        return MISTAKE
    except KeyboardInterrupt:
        _discard_output()
        return INTERRUPTED


def _parse(argv: Sequence[str]) -> Options:
    """Parse a command line; one that consists of texts without argparse, which takes longer than all the rest."""
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

        print_info(options.model, as_json=options.json, min_accuracy=options.min_accuracy)
        return OK
    if options.doctor:
        from edgetext.command.doctor import report

        return OK if report(options.model, as_json=options.json) else MISTAKE
    if options.verify:
        from edgetext.command.info import print_verification

        return OK if print_verification(options.model) else MISTAKE
    if options.drift is not None:
        from edgetext.command.summary import print_drift

        return OK if print_drift(options.drift, options.model) else DIFFERENT
    if options.top_words:
        from edgetext.command.top_words import print_top_words

        print_top_words(options)
        return OK
    if options.parquet is not None:
        from edgetext.command.parquet import label_files

        return label_files(options)
    if options.serve is not None:
        from edgetext.serving import serve

        return serve(options)
    return _score_arguments(options) if options.texts else _score_stream(options)


def _score_arguments(options: Options) -> int:
    """Score the texts that are arguments, and print the results in order; errors go to standard error."""
    classifier = options.load_classifier()
    form = Arguments(options.texts, options.json, *options.set_up_output(classifier), label_only=options.label_only)
    if options.explain:
        form.explain = classifier.explain
    if files := [text for text in options.texts if os.path.isfile(text)]:
        from shlex import quote

        from edgetext.command.messages import print_note

        print_note(f"note: {files[0]} is a file, and its name was scored: --file {quote(files[0])} scores its lines")
    code = OK
    for record in form:
        if isinstance(record, InputError):
            from edgetext.command.messages import print_error

            print_error(record)
            sys.stdout.write(form.unread)
            code = MISTAKE
        else:
            sys.stdout.write(form.write(record, classifier.classify(record.text)))
        sys.stdout.flush()
    return code


def _score_stream(options: Options) -> int:
    if options.file not in (None, "-"):
        with open(options.file, "rb") as file:
            return _score_named(options, file, options.file)
    if options.file is None and (sys.stdin is None or sys.stdin.isatty()):
        raise InputError('no text: give one as an argument ("great movie"), or --file, or pipe lines in')
    if sys.stdin is None:
        raise InputError("standard input is closed")
    return _score_named(options, sys.stdin.buffer, "standard input")


def _score_named(options: Options, stream: BinaryIO, name: str) -> int:
    from edgetext.command.streams import score

    try:
        return score(options, stream)
    except OSError as error:
        if error.filename is None:  # raised by reading
            error.filename = name
        raise


def _discard_output() -> None:
    """Discard what standard output still holds, so that Python does not fail over it again at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return  # it is closed, or was never there
