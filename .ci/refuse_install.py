"""Refuse `pip install .` at the repository's root, which would install nothing: the package is in runtime/."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RefuseInstall(BuildHookInterface):  # type: ignore[type-arg]
    """A hook of hatchling's, named in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """End the build of a wheel, unless it is an editable one."""
        if version != "editable":
            self.app.abort(
                "error: there is no package here. To install edgetext: pip install ./runtime. "
                "To train, export and test in this folder: pip install -e '.[dev]', or make setup"
            )
