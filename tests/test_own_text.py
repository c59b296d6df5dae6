"""The README's commands for training on your own text, typed as written."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# Words of the queues of a support desk, for generated tickets.
QUEUES = {
    "billing": "invoice charged refund payment card twice price money bank receipt",
    "login": "password account reset locked username email signin forgot code sms",
    "shipping": "parcel delivery late address courier tracking box broken arrived lost",
}
COMMON = ["i", "the", "my", "was", "is", "please", "help", "with", "a", "and", "it", "on", "today", "again", "cannot"]


def write_tickets(path: Path) -> None:
    """Write a table of tickets, some of them empty, repeated or without a queue."""
    generator = random.Random(0)
    rows = ["id,body,queue"]
    for number in range(600):
        queue = generator.choice(list(QUEUES))
        words = generator.choices(COMMON, k=6) + generator.choices(QUEUES[queue].split(), k=4)
        generator.shuffle(words)
        rows.append(f'{number},"{" ".join(words)}, thanks!",{queue}')
    rows += ["600,,billing", "601,no queue here,", rows[1]]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def commands(root: Path) -> list[str]:
    """Return the README's commands that train on, export or use a table of tickets."""
    lines = (root / "README.md").read_text("utf-8").splitlines()
    return [line.strip() for line in lines if re.match(r"\s*python .*\btickets\b", line)]


def test_walk_through(root: Path, tmp_path: Path) -> None:
    lines = commands(root)
    assert lines[0].startswith("python -m train ")
    assert any("export/" in line for line in lines)
    assert any("classify.py" in line for line in lines)
    for name in ("train", "export", "runtime", "benchmarks"):
        (tmp_path / name).symlink_to(root / name)
    write_tickets(tmp_path / "tickets.csv")
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    outputs = {}
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env={**os.environ, "PATH": binaries},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        outputs[line] = done.stdout
    training = outputs[lines[0]]
    assert "tickets.csv: 1 row left out: no word in the text (line 602)" in training
    assert "tickets.csv: 1 row kept as unlabelled text: no label (line 603)" in training
    assert "tickets.csv: 1 row kept: same words as an earlier row (line 604)" in training
    assert "wrote runs/tickets" in training
    for line, output in outputs.items():
        if "export/to_" in line:
            assert "wrote bundles/tickets" in output
        if "classify.py" in line:
            assert output.split("\t")[0] == "billing"
    assert {path.name for path in tmp_path.iterdir()} == {
        *("train", "export", "runtime", "benchmarks", "tickets.csv", "runs", "bundles", "report.html")
    }
