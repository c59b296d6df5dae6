"""The front matter of a model card in the format of Hugging Face: licence, task and results."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from export.card.markdown import quote
from train.run import Run

_LICENSE = re.compile(r'\A---\nlicense: (".*")\n')


def describe_front_matter(run: Run, manifest: Mapping[str, Any], license_: str) -> str:
    """Return the front matter; its results are those of the preferred model file, on texts that were not fitted."""
    lines = [
        *([f"license: {quote(license_.lower())}"] if license_ else []),
        "library_name: edgetext",
        "pipeline_tag: text-classification",
        "tags:",
        "- text-classification",
        "- on-device",
    ]
    results = _describe_result(run, manifest["models"][0])
    if results:
        lines += ["model-index:", f"- name: {quote(manifest['name'])}", "  results:", *results]
    return "\n".join(["---", *lines, "---"])


def find_license(card: str) -> str:
    """Return the licence that a card names; an empty string if it names none."""
    found = _LICENSE.match(card)
    return json.loads(found[1]) if found else ""


def _describe_result(run: Run, record: Mapping[str, Any]) -> list[str]:
    """Return a model file's entry of ``results``: on the test texts, or else on those that the run holds back.

    There is none if these were fitted.
    """
    found, split = record.get("test"), "test"
    if found is None:
        found, split = record["agreement"], "held-back"
        if found.get("fitted"):
            return []
    name = run.config.get("data", {}).get("name", run.config["name"])
    metrics = [("accuracy", "accuracy", found["accuracy"])]
    if "macro_f1" in found:
        metrics.append(("f1", "macro F1", found["macro_f1"]))
    return [
        "  - task:",
        "      type: text-classification",
        "    dataset:",
        f"      name: {quote(name)}",
        f"      type: {quote(re.sub(r'[^0-9a-z.]+', '-', name.lower()).strip('-') or 'table')}",
        f"      split: {quote(split)}",
        "    metrics:",
        *(
            line
            for kind, shown, value in metrics
            for line in (
                f"    - type: {kind}",
                f"      name: {quote(shown + ' of ' + record['file'])}",
                f"      value: {value}",
            )
        ),
    ]
