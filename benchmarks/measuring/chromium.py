"""Headless Chromium, driven through Node.js, and the server of its pages."""

from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from benchmarks.measuring.results import BenchmarkError

DRIVER = Path(__file__).with_name("browser.mjs")


class Chromium:
    """A browser with one open page. Use it in a ``with`` statement.

    Args:
        node: A folder whose node_modules has puppeteer-core.

    Raises:
        BenchmarkError: If there is no Chromium, no Node.js or no puppeteer-core.
    """

    def __init__(self, node: Path) -> None:
        self._program = shutil.which("chromium") or ""
        for tool, found in (("chromium", self._program), ("node", shutil.which("node"))):
            if not found:
                raise BenchmarkError(f"no {tool} here; on Debian: apt install {tool if tool != 'node' else 'nodejs'}")
        if not (node / "node_modules" / "puppeteer-core").is_dir():
            raise BenchmarkError(f"{node}: no puppeteer-core there; `make test` installs it")
        self._node = node

    def __enter__(self) -> Chromium:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        words = ["node", str(DRIVER), str(self._node), self._program]
        self._driver = subprocess.Popen(words, encoding="utf-8", **pipes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._driver.communicate()  # closing its input ends it

    def ask(self, command: str, *arguments: Any) -> Any:
        """Have the driver run one of its commands and return the answer.

        Raises:
            BenchmarkError: If the command failed.
        """
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it died: there is no answer either
            self._driver.stdin.write(json.dumps([command, *arguments]) + "\n")
            self._driver.stdin.flush()
        answer = json.loads(self._driver.stdout.readline() or '{"error": "Chromium does not start"}')
        if "error" in answer:
            raise BenchmarkError(answer["error"])
        return answer["value"]

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or of its promise, in the open page."""
        return self.ask("evaluate", expression)


class Server:
    """A server of files on this machine.

    Attributes:
        url: Where it is, without a slash at the end.
        served: The files that were asked for, by path; clear it at will.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.served: dict[str, Path] = {}


@contextlib.contextmanager
def serve(folders: Mapping[str, Path], headers: Mapping[str, str]) -> Iterator[Server]:
    """Serve folders or files while the context is open.

    Args:
        folders: By the first part of the URL's path, such as ``"/edgetext"``; ``""`` is what is not below another.
        headers: Are sent with each response.
    """

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept
        disable_nagle_algorithm = True  # or the content of a small file follows its headers 40 ms later

        def translate_path(self, path: str) -> str:
            path = unquote(urlsplit(path).path)
            first, _, rest = path[1:].partition("/")
            known = f"/{first}" in folders
            place = folders[f"/{first}"] if known else folders.get("", Path("/nowhere"))
            file = (place / (rest if known else path[1:])).resolve()
            if file.is_file():
                server.served[path] = file
            return str(file)

        def end_headers(self) -> None:
            for name, value in headers.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server = Server(f"http://127.0.0.1:{listener.server_port}")
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
