"""Trains model_maker.tflite with MediaPipe Model Maker: a test fixture, a real file of another tool's.

The file is what Model Maker's text classifier (average word embedding) exports, with its metadata, labels and
vocabulary inside, only small. The opinions it learns from are made below, from a few templates and word lists: it knows
those words and no others, so it is of use to tests alone.

Model Maker requires TensorFlow 2.15, so it needs a separate environment with Python 3.11 or earlier:

    python3.11 -m venv .venv-model-maker
    .venv-model-maker/bin/pip install REQUIREMENTS
    .venv-model-maker/bin/python make_model_maker.py model_maker.tflite

where the requirements are these (left to itself, pip picks a mediapipe and a tensorflow-metadata that fail to import):

    mediapipe-model-maker==0.2.1.4 mediapipe==0.10.21 tensorflow==2.15.1 tensorflow-text==2.15.0
    tensorflow-metadata==1.16.1 protobuf==4.25.9 numpy==1.26.4 setuptools==65.5.0

The weights come out the same each time on one machine; the file does not, to the byte, for the archive of labels and
vocabulary at its end carries the time.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from mediapipe_model_maker import text_classifier

SEED = 7
SEQ_LEN = 32
WORDVEC_DIM = 8
VOCAB_SIZE = 300  # at most: the lists below hold fewer words
EPOCHS = 30
BATCH_SIZE = 16
OPINIONS_PER_LABEL = 1200
VALIDATION_SHARE = 0.1


def words(text: str) -> list[str]:
    """Returns the words of a list; an underscore in one stands for a space."""
    return [word.replace("_", " ") for word in text.split()]


# The words that distinguish the labels. Everything else is drawn in the same way for both.
ADJECTIVES = {
    "negative": words("""
        awful bad bland boring cheap clumsy confused dreadful dull empty flat forgettable hollow horrible incoherent
        lame lazy lifeless mediocre messy painful pathetic pointless poor predictable ridiculous shallow silly sloppy
        stale stupid tedious terrible tiresome unfunny unwatchable wooden worst worthless wretched
    """),
    "positive": words("""
        amazing beautiful best brilliant charming clever compelling delightful elegant excellent exciting fantastic fine
        fresh funny gentle gorgeous great gripping heartfelt honest hilarious imaginative inspired lovely magnificent
        memorable moving outstanding perfect powerful rich stunning superb sweet tender thrilling touching warm
        wonderful
    """),
}
THINGS = {
    "negative": words("bore disaster disappointment failure fiasco flop letdown mess mistake waste"),
    "positive": words("achievement classic delight gem joy marvel masterpiece pleasure treasure triumph"),
}
VERDICTS = {
    "negative": [
        "avoid it",
        "don't bother",
        "i hated it",
        "i want my money back",
        "i walked out",
        "it doesn't work at all",
        "it's a waste of time",
        "skip this one",
    ],
    "positive": [
        "don't miss it",
        "go and see it",
        "i loved it",
        "i would see it again",
        "i cried and i laughed",
        "it works from start to finish",
        "it's worth every minute",
        "highly recommended",
    ],
}
FILMS = words("""
    adaptation comedy drama fantasy feature film movie musical mystery picture remake romance sequel story thriller
""")
PARTS = words("""
    acting camera cast costumes dialogue direction editing ending humour lead music opening performance photography plot
    script second_half soundtrack supporting_cast writing
""")
PEOPLE = words("actors children critics director everyone's_parents friends hero heroine villain writer")
ADVERBS = words("completely deeply just quite rather really simply so thoroughly truly utterly very")
OPENERS = ["", "", "", "honestly", "in the end", "to be fair", "what can i say", "i saw this last night and", "for me"]
TEMPLATES = [
    "a {adjective} {film}",
    "{adjective} {film}",
    "a {adjective} {adjective2} {film}",
    "a {adjective} {adjective2} {thing}",
    "the {part} is {adverb} {adjective}",
    "the {part} is {adjective} and the {part2} is {adjective2}",
    "this {film} is a {adjective} {thing}",
    "what a {thing}, {verdict}",
    "{verdict}: the {part} was {adverb} {adjective}",
    "the {people} thought it was {adjective}, and {verdict}",
    "it's {adverb} {adjective}, with a {adjective2} {part} and a {adjective} {part2}",
    "one of the {adjective} films of the year. {verdict}!",
]


def opinion(rng: random.Random, label: str) -> str:
    """Returns one made-up opinion of the given label."""
    adjective, adjective2 = rng.sample(ADJECTIVES[label], 2)
    part, part2 = rng.sample(PARTS, 2)
    text = rng.choice(TEMPLATES).format(
        adjective=adjective,
        adjective2=adjective2,
        adverb=rng.choice(ADVERBS),
        film=rng.choice(FILMS),
        part=part,
        part2=part2,
        people=rng.choice(PEOPLE),
        thing=rng.choice(THINGS[label]),
        verdict=rng.choice(VERDICTS[label]),
    )
    return f"{rng.choice(OPENERS)} {text}".strip()


def dataset(rows: list[tuple[str, str]], path: Path) -> text_classifier.Dataset:
    """Returns Model Maker's data set of (text, label) rows, which it reads from a CSV file, written to path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(rows)
    columns = text_classifier.CSVParams(text_column="text", label_column="label")
    return text_classifier.Dataset.from_csv(str(path), columns, shuffle=False, cache_dir=str(path.parent))


def make(output: Path) -> None:
    """Trains the model and writes it to output."""
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    rng = random.Random(SEED)
    rows = [(opinion(rng, label), label) for label in ADJECTIVES for _ in range(OPINIONS_PER_LABEL)]
    rng.shuffle(rows)
    held_out = int(len(rows) * VALIDATION_SHARE)

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        validation = dataset(rows[:held_out], work / "validation.csv")
        training = dataset(rows[held_out:], work / "training.csv")
        # The classifier trains with RMSprop at its own rate: the one given here is required, and ignored.
        options = text_classifier.TextClassifierOptions(
            supported_model=text_classifier.SupportedModels.AVERAGE_WORD_EMBEDDING_CLASSIFIER,
            hparams=text_classifier.AverageWordEmbeddingHParams(
                learning_rate=0, batch_size=BATCH_SIZE, epochs=EPOCHS, export_dir=folder
            ),
            model_options=text_classifier.AverageWordEmbeddingModelOptions(
                seq_len=SEQ_LEN, wordvec_dim=WORDVEC_DIM, vocab_size=VOCAB_SIZE
            ),
        )
        classifier = text_classifier.TextClassifier.create(training, validation, options)
        classifier.export_model("model.tflite")
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(work / "model.tflite", output)
    print(f"{output}: {output.stat().st_size} bytes")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Train a tiny text classifier with MediaPipe Model Maker.")
    parser.add_argument("output", type=Path, help="where to write the .tflite file")
    make(parser.parse_args().output)


if __name__ == "__main__":
    main()
