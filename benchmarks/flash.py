"""Train the largest models that firmware for a Cortex-M of some flash memory holds, program and vocabulary included.

Usage:

    python benchmarks/flash.py --json benchmarks/results/flash.json         # 64 to 512 KiB: about 25 minutes
    python benchmarks/flash.py --flash 96 --keep build/flash

Each model is trained by `python -m train --target c`, exported by export/to_c.py, and built into the example in
runtime/examples/firmware; that takes the tools of `make mcu`. Options after -- go to python -m train.

Exit codes: 0; 2 for a mistake, if a tool is missing or if a training fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import sweep
from benchmarks.measuring import command, firmware, results, texts
from benchmarks.measuring.layout import Part, Table, percent
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle
from edgetext.text import RESERVED

PROGRAM = 16  # KiB that the example takes without its model, at most
RECIPE = "wi8_afp64_small"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add, sizes = parser.add_argument, [64, 128, 256, 512]
    flash = command.at_least(PROGRAM + 1)
    add("--flash", metavar="N", nargs="+", type=flash, default=sizes, help="KiB of flash (default: 64 128 256 512)")
    add("--data", metavar="PATH", help="the reviews' archive or folder (default: as python -m train)")
    add("--keep", metavar="DIR", type=Path, help="keep runs, bundles and programs there")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train and build every size and return the content of the results file."""
    if missing := firmware.find_missing():
        raise BenchmarkError(missing)
    data = [] if args.data is None else ["--data", str(Path(args.data).absolute())]
    rows = []
    with command.open_folder(args.keep) as folder:
        for size in args.flash:
            command.say(f"training for {size} KiB", args)
            run = folder / f"run-{size}"
            target = ["--target-size", f"{size - PROGRAM}KiB", "--target", "c"]
            metrics = sweep.pick(sweep.train(run, [*target, *data, *args.options]))
            rows.append({"kibibytes": size, **metrics, **build(run, folder / f"bundle-{size}", args.data)})
            if rows[-1]["flash"] > 1024 * size:
                raise BenchmarkError(f"the program takes more than {PROGRAM} KiB without its model")
    return {"rows": rows}


def build(run: Path, out: Path, data: str | None) -> dict[str, Any]:
    """Export a run and build the firmware; return the accuracy of the block, what it holds, and the bytes of flash."""
    from benchmarks.measuring import scoring
    from train.run import load_run

    sweep.export(run, out, "c")
    bundle = Bundle.open(out)
    (model,) = command.choose_models(bundle, [RECIPE])
    (scored,) = scoring.score_bundle(bundle, [model], load_run(run), texts.find(data).texts)["rows"]
    if "error" in scored:
        raise BenchmarkError(scored["error"])
    block = out / model.file
    sizes = [
        firmware.flash_size(firmware.build(block, name, out.with_name(f"{out.name}-{name}")))
        for name in firmware.MACHINES
    ]
    return {
        "accuracy": scored["accuracy"],
        "words": len(bundle.vocabulary()) - len(RESERVED),
        "buckets": json.loads((run / "config.json").read_text("utf-8"))["network"]["buckets"],
        "parts": firmware.count_block(block.read_bytes()),
        "flash": max(sizes),
    }


def tables(found: results.Results) -> Sequence[Part]:
    """Lay the results out."""
    lines = []
    for row in found["rows"]:
        sizes = [f"{size / 1024:,.0f} KiB" for size in (row["flash"], row["parts"]["words"])]
        accuracies = (row["validation_accuracy"], row["sentences_accuracy"], row["accuracy"])
        counts = [f"{row['words']:,}", sizes[1], f"{row['buckets']:,}"]
        lines.append([f"{row['kibibytes']} KiB", sizes[0], *counts, *map(percent, accuracies)])
    head = ["flash", "used", "words", "they take", "buckets of bigrams", "validation", "its sentences", "test"]
    note = (
        "Used is what the whole program takes, model and vocabulary included. The accuracy on test reviews is that of "
        f"the block in the program, the others are those of the model in training. {texts.CAVEAT}"
    )
    return [Table(head, lines), note]


main = command.make_main("flash", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
