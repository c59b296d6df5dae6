"""What the archive of the movie reviews contains."""

from __future__ import annotations

# The labels in the order of the model's outputs: a single output is the probability of the second.
LABELS = ("negative", "positive")
UNSUP = "unsup"
SPLITS = ("train", "test", UNSUP)
# Folder in the archive: split, label, and the number of reviews published in it.
FOLDERS: dict[str, tuple[str, str | None, int]] = {
    **{
        f"{split}/{short}": (split, label, 12_500)
        for split in SPLITS[:2]
        for short, label in zip(("neg", "pos"), LABELS)
    },
    "train/unsup": (UNSUP, None, 50_000),
}
# Files in the archive whose line n is the address of the movie of review n of a folder.
ADDRESSES = {f"{split}/urls_{short}.txt": f"{split}/{short}" for split in SPLITS[:2] for short in ("neg", "pos")}
