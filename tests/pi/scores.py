"""Score texts on the machine on which this is started:

    python3 scores.py BUNDLE ENGINE RECIPE FILE

FILE holds a JSON list of texts. It prints the library that did the work, and the label and the probability of
"positive" of each text, as JSON; numbers are written with all their digits.
"""

import json
import sys

from edgetext import Classifier


def main() -> None:
    bundle, engine, recipe, file = sys.argv[1:]
    with open(file, encoding="utf-8") as texts:
        given = json.load(texts)
    classifier = Classifier.load(bundle, engine, recipe=recipe)
    answers = [(said.label, said.probabilities["positive"]) for said in map(classifier.classify, given)]
    print(json.dumps({"runtime": classifier.engine.runtime, "answers": answers}))


if __name__ == "__main__":
    main()
