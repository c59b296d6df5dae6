"""What the runtime should make of any text, said again and simply: for property tests and for the fuzz targets."""

from __future__ import annotations

from edgetext import Classifier

# Written out, not imported: these part words and are dropped.
SEPARATORS = ' \t\n!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'


def words_of(text: str, lowercase: str = "ascii") -> list[str]:
    """Split a text into its words, one character at a time."""
    words, word = [], ""
    for char in (text.lower() if lowercase == "unicode" else text) + " ":
        if char in SEPARATORS:
            words += [word] if word else []
            word = ""
        else:
            word += chr(ord(char) + 32) if "A" <= char <= "Z" else char
    return words


def row_of(text: str, ids: dict[str, int], length: int, end: str, lowercase: str = "ascii") -> list[int]:
    """Return the ids of a text by a plain dictionary: start mark, words, truncation at one end, and padding."""
    row = [1] + [ids.get(word, 2) for word in words_of(text, lowercase)]
    row = row[max(len(row) - length, 0) :] if end == "pre" else row[:length]
    return row + [0] * (length - len(row))


def check(classifier: Classifier, text: str) -> None:
    """Check what must be true of a text's prediction.

    Raises:
        AssertionError: It is not.
    """
    prediction = classifier.classify(text)
    values = prediction.probabilities
    assert list(values) == classifier.labels, "other labels"
    assert all(0.0 <= value <= 1.0 for value in values.values()), f"no probabilities: {values}"
    assert abs(sum(values.values()) - 1.0) < 1e-9, f"the sum is not 1: {values}"
    assert prediction.score == values[prediction.label] == max(values.values()), f"not the most probable: {prediction}"
    # All that counts is the words: in lower case, with single spaces between, the text is the same one.
    again = classifier.classify(" ".join(words_of(text)))
    assert again == prediction, f"its words alone are {again}, and it is {prediction}"
    assert list(classifier.classify_many([text, "great", text])) == [
        prediction,
        classifier.classify("great"),
        prediction,
    ]
