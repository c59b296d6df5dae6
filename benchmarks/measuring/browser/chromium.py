"""Headless Chromium, driven through Node.js."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

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
