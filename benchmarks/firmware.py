"""Measure flash, RAM and instructions of the firmware example on emulated Cortex-M boards.

Usage, after `make mcu`, which exports the model:

    python benchmarks/firmware.py --json benchmarks/results/firmware.json

Flash is what the linker places there, by part. Stack is measured by painting, and instructions by a timer of the
emulated processor, in steps of 40, over real reviews.

Exit codes: 0; 2 for a mistake, or if a tool is missing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, firmware, results, texts
from benchmarks.measuring.layout import Part, Table
from edgetext import Bundle

# The parts of flash, by their name in a row.
PARTS = {
    "library": "`edgetext.c`: code",
    "characters": "`edgetext.c`: the table of Unicode's characters",
    "arithmetic": "the compiler's arithmetic of doubles",
    "c_library": "`memcpy` and others of the C library",
    "example": "the example: start-up, input and output",
    "words": "the model's words",
    "weights": "the model's weights",
    "model": "the model's labels and numbers",
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    bundle = command.ROOT / "build" / "c-model"
    parser.add_argument("--model", metavar="DIR", type=Path, default=bundle, help="a bundle (default: build/c-model)")
    texts.add_arguments(parser, "a file of texts", 200)
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure each layout of the model on every machine and return the content of the results file."""
    if missing := firmware.find_missing():
        raise results.BenchmarkError(missing)
    bundle = Bundle.open(args.model)
    blocks = [model for model in bundle.models if model.engine == "c"]
    if not blocks:
        raise results.BenchmarkError(f"{args.model}: no model file for C; `make mcu` exports one")
    found = texts.find(args.data, args.limit, fall_back=True)
    rows = []
    with command.open_folder(None) as folder:
        for machine in firmware.MACHINES:
            for model in blocks:
                block = Path(bundle.folder, model.file)
                command.say(f"{machine}: {model.file}", args)
                given = [text.text.encode(errors="replace") for text in found.texts]
                row = measure_machine(block, machine, folder / f"{machine}-{model.recipe}", given)
                rows.append({"machine": machine, "recipe": model.recipe, **row})
    described = found.describe(bundle.preprocessing.rules)
    return {"bundle": results.identify(bundle), "texts": described, "tools": firmware.versions(), "rows": rows}


def measure_machine(block: Path, machine: str, folder: Path, given: Sequence[bytes]) -> dict[str, Any]:
    """Measure one model on one machine."""
    opened, scores = firmware.score(block, machine, folder / "measuring", given)
    if opened.error:
        raise results.BenchmarkError(f"{block.name}: the firmware cannot open it")
    built = firmware.build(block, machine, folder / "example")
    counts = sorted(score.instructions for score in scores)
    return {
        "flash": firmware.flash_size(built),
        "parts": firmware.count_flash(built, block),
        "model_ram": opened.size,
        "stack": max(opened.stack, *(score.stack for score in scores)),
        "open_instructions": opened.instructions,
        "instructions": {"median": statistics.median(counts), "p95": counts[int(0.95 * len(counts))]},
    }


def tables(found: results.Results) -> list[Part]:
    """Lay the results out: a column for each machine and layout, a row for each part."""
    rows = found["rows"]
    lines = [[about, *(f"{row['parts'][part]:,} B" for row in rows)] for part, about in PARTS.items()]
    lines.append(["**flash, all of it**", *(f"**{row['flash']:,} B**" for row in rows)])
    lines.append(["RAM: the open model", *(f"{row['model_ram']:,} B" for row in rows)])
    lines.append(["RAM: the most stack", *(f"{row['stack']:,} B" for row in rows)])
    lines.append(["**RAM, all of it**", *(f"**{row['model_ram'] + row['stack']:,} B**" for row in rows)])
    lines.append(["instructions to open the model", *(f"{row['open_instructions'] / 1000:,.0f} k" for row in rows)])
    for name, about in (("median", "instructions for a text: median"), ("p95", "instructions for a text: p95")):
        lines.append([about, *(f"{row['instructions'][name] / 1000:,.0f} k" for row in rows)])
    head = [f"{firmware.MACHINES[row['machine']]}, `{row['recipe'].rpartition('_')[2]}`" for row in rows]
    note = (
        f"{texts.sentence(found['texts'])}. {found['tools']['compiler']}, `-Os`; {found['tools']['emulator']}. RAM is "
        "what the library needs; the text is in the caller's memory. The library has no static variables."
    )
    return [note, Table(["", *head], lines)]


main = command.make_main("firmware", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
