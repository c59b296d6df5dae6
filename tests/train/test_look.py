"""Looking at the data."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from train import look

pytestmark = pytest.mark.usefixtures("tiny")


def sections(shown: str) -> dict[str, str]:
    """Cut what was printed of a review into its parts, by the first word of each part's heading."""
    parts = re.split(r"\n\n(text|ids, .*|ids decoded|padded to .*)\n", shown)
    return {heading.split(",")[0]: part for heading, part in zip(parts[1::2], parts[2::2])}


def test_the_first_review(capsys: pytest.CaptureFixture[str], tiny_reviews: dict[str, str]) -> None:
    assert look.main([]) == 0
    shown = capsys.readouterr().out
    assert "train: 40 reviews, 20 negative, 20 positive\n" in shown
    assert "test: 40 reviews, 20 negative, 20 positive\n" in shown
    assert "\ntrain/neg/0_2.txt: negative\n\ntext\n" + tiny_reviews["train/neg/0_2.txt"] + "\n" in shown
    assert tiny_reviews["train/neg/0_2.txt"] == "A awful film. The plot was Boring, and I'd see it twice!"
    (words,) = (part for heading, part in sections(shown).items() if heading == "ids decoded")
    assert words.strip() == "<START> a awful film the plot was boring and i'd see it twice"


def test_lengths(capsys: pytest.CaptureFixture[str], tiny_reviews: dict[str, str]) -> None:
    look.main(["--preset", "tutorial"])
    shown = capsys.readouterr().out.splitlines()
    for split, known in (("train", "100.0%"), ("test", r"\d\d\.\d%")):
        lengths = sorted(
            len(re.findall(r"""[^!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~\t\n ]+""", text))
            for name, text in tiny_reviews.items()
            if name.startswith(split)
        )
        place = next(number for number, text in enumerate(shown) if text.startswith(f"{split}: "))
        line = shown[place + 1]
        assert re.fullmatch(rf"  known words: {known} of a review", shown[place + 2])
        numbers = dict(re.findall(r"(\d+) % have at most ([\d,]+)", line))
        assert f"mean {sum(lengths) / 40:.0f};" in line
        assert {name: int(value.replace(",", "")) for name, value in numbers.items()} == {
            "10": lengths[3],
            "50": lengths[19],
            "90": lengths[35],
            "99": lengths[39],
            "100": lengths[39],
        }


@pytest.mark.parametrize("number", [1, 2, 4, 7])
def test_a_review_by_name(number: int, capsys: pytest.CaptureFixture[str], tiny_reviews: dict[str, str]) -> None:
    name = f"test/pos/{number}_9.txt"
    assert look.main(["--review", name, "--preset", "tutorial"]) == 0
    shown = capsys.readouterr().out
    assert f"\n{name}: positive\n\ntext\n{tiny_reviews[name]}\n" in shown
    ids = [int(word) for word in re.findall(r"\nids, \d+ of them[^\n]*\n([\d ]+)\n", shown)[0].split(" ")]
    count, padding, row = re.findall(r"\npadded to (\d+) ids, (\d+) of them padding[^\n]*\n([\d ]+)\n", shown)[0]
    row = [int(word) for word in row.split(" ")]
    assert f"\nids, {len(ids)} of them" in shown
    assert ids[0] == 1
    assert (int(count), len(row)) == (256, 256)
    assert row == (ids[-256:] if len(ids) > 256 else ids + [0] * (256 - len(ids)))
    assert int(padding) == max(0, 256 - len(ids))
    assert (len(ids) > 256) == (number == 7)


def test_unknown_review(capsys: pytest.CaptureFixture[str], error_line: Callable[[str], str]) -> None:
    assert look.main(["--review", "train/pos/999_9.txt"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "'train/pos/999_9.txt'" in error_line(captured.err)


def test_no_data(capsys: pytest.CaptureFixture[str], error_line: Callable[[str], str], tmp_path: Path) -> None:
    assert look.main(["--data", str(tmp_path / "none")]) == 2
    assert error_line(capsys.readouterr().err).startswith("no reviews at")


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("train.reviews.dataset.load_split", interrupt)
    assert look.main([]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_needs_no_framework(
    run_python: Callable[..., subprocess.CompletedProcess[str]], tiny_env: dict[str, str]
) -> None:
    code = "import sys; from train import look; assert look.main([]) == 0; print('tensorflow' in sys.modules)"
    result = run_python("-c", code, env=tiny_env)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "False"


@pytest.mark.data
def test_real_reviews(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, real_env: dict[str, str]
) -> None:
    for name, value in real_env.items():
        monkeypatch.setenv(name, value)
    if "EDGETEXT_CACHE" not in real_env:
        monkeypatch.delenv("EDGETEXT_CACHE")
    assert look.main([]) == 0
    shown = capsys.readouterr().out
    assert "train: 25,000 reviews, 12,500 negative, 12,500 positive\n" in shown
    assert "unsup: 50,000 reviews, unlabelled\n" in shown
    assert "vocabulary: 19,900 ids; the most frequent words are the, and, a, of, to, is, br, in, it, i\n" in shown
