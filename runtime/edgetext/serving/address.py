"""Addresses to listen on: ``[HOST:]PORT``, ``unix:PATH``, and ``systemd`` for the sockets that systemd passes."""

from __future__ import annotations

import contextlib
import os
import socket
import stat

from edgetext.errors import InputError
from edgetext.errors import describe as describe_error

UNIX, SYSTEMD = "unix:", "systemd"
# Connections that wait for the server to accept them.
BACKLOG = 128
# The first descriptor that systemd passes; see sd_listen_fds(3).
FIRST_PASSED = 3


def listen(address: str) -> list[socket.socket]:
    """Return the sockets that listen on an address: one, or those that systemd passes.

    Raises:
        InputError: If it is not an address, or cannot be used.
    """
    if address == SYSTEMD:
        return _take_passed()
    path = address[len(UNIX) :] if address.startswith(UNIX) else None
    try:
        return [_listen_on_path(path) if path is not None else _listen_on_port(*split(address))]
    except (OSError, UnicodeError) as error:  # UnicodeError: a host that no name server could know
        raise InputError(f"--serve {address}: {describe_error(error)}") from None


def split(address: str) -> tuple[str, int]:
    """Return the host and port of an address; the host is 127.0.0.1 unless it is named.

    Raises:
        InputError: If it is not an address.
    """
    host, colon, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    is_host = bool(bare) and (":" not in bare or bare != host) if colon else True
    if not (is_host and port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise InputError(
            f"--serve {address} is not an address: give a port such as 8080, a host and a port such as 0.0.0.0:8080 or "
            "[::1]:8080, unix:PATH, or systemd"
        )
    return bare or "127.0.0.1", int(port)


def _listen_on_port(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # on Windows it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _listen_on_path(path: str) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise InputError("this system has no unix sockets: give a port")
    if not path:
        raise InputError("--serve unix: needs a path: is a variable unset?")
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_stale(path: str) -> None:
    """Remove the socket that a server which did not end cleanly has left; InputError if it is in use, or a file."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise InputError(f"--serve unix:{path}: a file is there that is not a socket: choose another path")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)  # whoever has a full backlog is there, too
        try:
            client.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass
    raise InputError(f"--serve unix:{path}: another process listens there: stop it, or choose another path")


def _take_passed() -> list[socket.socket]:
    """Return the sockets that systemd passes to this process."""
    count = os.environ.pop("LISTEN_FDS", "")
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()) or not (count.isascii() and count.isdigit() and int(count)):
        raise InputError("--serve systemd: systemd passed no socket: start the .socket unit, or give an address")
    listeners = []
    for descriptor in range(FIRST_PASSED, FIRST_PASSED + int(count)):
        try:
            listener = socket.socket(fileno=descriptor)
            if listener.type != socket.SOCK_STREAM or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise InputError(f"--serve systemd: descriptor {descriptor} does not listen: use ListenStream=")
        except OSError as error:
            raise InputError(f"--serve systemd: descriptor {descriptor}: {describe_error(error)}") from None
        listeners.append(listener)
    return listeners


def remove(listener: socket.socket, address: str) -> None:
    """Close a socket, and remove it from the file system, unless another server has put its own there."""
    listener.close()
    if address.startswith(UNIX):
        with contextlib.suppress(OSError, InputError):
            _remove_stale(address[len(UNIX) :])


def describe(listener: socket.socket) -> str:
    """Return where a socket listens, as a URL if it has a port."""
    name = listener.getsockname()
    if not isinstance(name, tuple):
        return f"{UNIX}{os.fsdecode(name)}"
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
