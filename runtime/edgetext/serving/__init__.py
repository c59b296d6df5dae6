"""``edgetext --serve``: answers texts over HTTP, with the standard library only. No other part imports this package.

A thread serves each connection. What a client may take is bounded: the connections, the bytes of a request, and the
seconds that are spent on waiting for the client.
"""

from __future__ import annotations

import signal

from edgetext.command import OK
from edgetext.command.messages import print_note
from edgetext.serving.address import SYSTEMD, describe, listen, remove
from edgetext.serving.answers import Answers
from edgetext.serving.server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from edgetext.command import Options


def serve(options: Options) -> int:
    """Serve until SIGTERM, SIGHUP or an interrupt, finish what has been received, and return the exit code.

    Raises:
        EdgetextError: If the model cannot be loaded, or the address cannot be used.
    """
    assert options.serve is not None
    classifier = options.load_classifier()
    _, ranking = options.set_up_output(classifier)
    listeners = listen(options.serve)
    server = Server(Answers(classifier, ranking))
    _stop_at_signals(server)
    try:
        for listener in listeners:
            print_note(f"listening on {describe(listener)}")
        server.accept_until_stopped(listeners, leave_waiting=options.serve == SYSTEMD)
    finally:
        for listener in listeners:
            remove(listener, options.serve)
    server.finish()
    return OK


def _stop_at_signals(server: Server) -> None:
    """Stop a server when a signal asks for the end; a second interrupt ends the process at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        server.stop()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, stop)
