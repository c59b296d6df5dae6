"""Programs in C, each compiled once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.c.programs import MissingError, compile_static

Compiled = Callable[[str, Sequence[Path]], "list[str]"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """A function that compiles sources for a machine, and returns the words that run the program there."""
    folder = tmp_path_factory.mktemp("programs")
    known: dict[str, list[str]] = {}

    def find(machine: str, sources: Sequence[Path]) -> list[str]:
        name = f"{sources[0].stem}-{machine}"
        if name not in known:
            try:
                known[name] = compile_static(machine, sources, folder / name)
            except MissingError as error:
                pytest.skip(str(error))
        return known[name]

    return find
