"""Build the wheel's long description from README.md: a package index has no files beside it for links to lead to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class LongDescription(MetadataHookInterface):
    """A hook of hatchling's, which finds it by the name of this file."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README, where relative links are their text and path."""
        readme = (Path(self.root) / "README.md").read_text("utf-8")
        text = re.sub(r"\[([^\]]*)\]\((?![a-z]+:)([^)]*)\)", r"\1 (`\2`)", readme)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
