"""One way in: load a bundle, give it text, get a label with its score."""

from __future__ import annotations

from edgetext import engines
from edgetext.bundle.opening import Bundle
from edgetext.errors import BundleError, EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from edgetext.bundle.manifest import ModelFile
    from edgetext.engines.protocol import Engine
    from edgetext.text import Encoder

# Rows that classify_many hands to the engine at once. Against rows alone 32 bring about a tenth more texts a second
# with TFLite and a quarter more with ONNX Runtime; 256 bring at most a twentieth more than 32 (benchmarks/latency.py).
BATCH_SIZE = 32

# The label of a text whose most probable class is less probable than the threshold that was asked for.
UNCERTAIN = "uncertain"


class Prediction:
    """What a classifier says of one text.

    Attributes:
        label: The most probable class; where two are equally probable, the first in the bundle's order. ``UNCERTAIN``
            if its probability is below the classifier's threshold; ``top(1)`` names it all the same.
        score: The probability of the most probable class, 0 to 1.
        probabilities: The probability of every label, in the bundle's order. They sum to 1, but for rounding:
            a TensorFlow Lite model that computes in int8 to the end rounds each to 1/256, down to 0 where many share.
        engine: The name of the engine that computed them.
    """

    __slots__ = ("engine", "label", "probabilities", "score")

    def __init__(self, label: str, score: float, probabilities: dict[str, float], engine: str) -> None:
        """Keep the four values."""
        self.label = label
        self.score = score
        self.probabilities = probabilities
        self.engine = engine

    def top(self, k: int) -> list[tuple[str, float]]:
        """Give the ``k`` most probable classes with their probabilities, most probable first; all if there are fewer.

        Those that are equally probable are in the bundle's order.

        Raises:
            ValueError: ``k`` is less than 1.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        return sorted(self.probabilities.items(), key=lambda item: -item[1])[:k]

    def as_dict(self) -> dict[str, Any]:
        """Give the four values by name, ready for JSON."""
        return {name: getattr(self, name) for name in ("label", "score", "probabilities", "engine")}

    def __repr__(self) -> str:
        """Show the four values."""
        return (
            f"Prediction(label={self.label!r}, score={self.score:.4f}, "
            f"probabilities={self.probabilities!r}, engine={self.engine!r})"
        )

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return self.as_dict() == other.as_dict() if isinstance(other, Prediction) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by value, and holds a dict


class Classifier:
    """Scores texts with one model of a bundle, through one engine. Threads and forked processes may share it.

    Attributes:
        labels: The classes, in the order of the model's outputs.
        encoder: Text to rows of ids.
        prepare: Turns a text into what the engine takes: a row of ids, padded or not, or the text itself.
        engine: The engine object; ``engine.name`` and ``engine.runtime`` say what it is.
        model: The bundle's entry of the model file in use; None if the classifier was put together by hand.
        threshold: The least score with which a prediction has the label of a class; None for no such limit.
    """

    def __init__(
        self,
        labels: Sequence[str],
        encoder: Encoder,
        engine: Engine,
        model: ModelFile | None = None,
        *,
        threshold: float | None = None,
    ) -> None:
        """Put a classifier together from parts; ``Classifier.load`` is the usual way.

        Raises:
            BundleError: The engine's model has another number of outputs than there are labels, or of ids than the
                vocabulary; or it takes text, and its graph cannot do the preprocessing; or with a threshold, a class
                is called ``UNCERTAIN``.
            ValueError: ``threshold`` is not from 0 to 1.
        """
        if threshold is not None:
            if not 0.0 <= threshold <= 1.0:  # false for NaN too
                raise ValueError(f"threshold must be from 0 to 1, not {threshold}")
            if UNCERTAIN in labels:
                raise BundleError(f"there is a class called {UNCERTAIN!r}, so no threshold can be asked for")
        if engine.columns != len(labels) and (engine.columns, len(labels)) != (1, 2):
            raise BundleError(f"the model has {engine.columns} outputs for {len(labels)} labels")
        if engine.vocabulary_size is not None:
            try:
                encoder.check_vocabulary_size(engine.vocabulary_size)
            except ValueError as error:
                raise BundleError(str(error)) from None
        if engine.takes_text and encoder.preprocessing.lowercase != "ascii":
            raise BundleError("the model takes text and lower-cases A to Z alone, and its preprocessing all letters")
        self.labels = list(labels)
        self.encoder = encoder
        self.engine = engine
        self.model = model
        self.threshold = threshold
        self.prepare = _check_text if engine.takes_text else encoder.cut if engine.ragged else encoder.encode
        self._predict = engine.predict
        self._engine_name = engine.name

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        engine: str = "auto",
        *,
        recipe: str | None = None,
        threads: int = 1,
        threshold: float | None = None,
        quiet: bool = False,
    ) -> Classifier:
        """Load a bundle.

        Args:
            path: The bundle's folder, or a single ``.tflite`` or ``.onnx`` file that carries all that a bundle holds;
                None stands for the bundle that ships with the package.
            engine: ``"builtin"``, ``"tflite"``, ``"onnx"``: that engine or an error. ``"auto"``: the first, in the
                bundle's order of preference, that works on this machine.
            recipe: Use the model file of that recipe, such as ``"static_wi8_ai8"``; None takes the bundle's
                most preferred one for the engine.
            threads: Threads that the engine may use; these models are too small to gain from more than 1.
            threshold: Label a text ``UNCERTAIN`` if its score is below this, 0 to 1; None never does.
            quiet: Discard what native libraries write to the process's standard error while they load, as
                ``edgetext.engines.stderr.muted_stderr`` does: for commands.

        Raises:
            BundleError: The bundle is missing or damaged, or has no model for that engine and recipe; or with a
                threshold, a class is called ``UNCERTAIN``.
            EngineError: The engine is unknown, not installed or not working here; the message says how to
                install it.
            ValueError: ``threads`` is less than 1, or ``threshold`` not from 0 to 1.
        """
        if threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        bundle = Bundle.open(path)
        candidates = _candidates(bundle, engine, recipe)
        encoder = bundle.encoder()
        failures: dict[str, str] = {}
        for model in candidates:
            if model.engine in failures:
                continue
            if model.engine != "builtin":
                # Importing these engines takes far longer than a SHA-256, which protects native libraries better.
                bundle.verify(model)
            content = bundle.read(model)
            try:
                built = engines.create(
                    model.engine, content, max_length=bundle.preprocessing.max_length, threads=threads, quiet=quiet
                )
                return cls(bundle.labels, encoder, built, model, threshold=threshold)
            except EngineError as error:
                if engine != "auto":
                    raise
                failures[model.engine] = str(error)
            except BundleError as error:
                raise BundleError(f"{bundle.where(model)}: {error}") from None
        raise EngineError("no engine of this bundle works here; " + "; or ".join(failures.values()))

    def classify(self, text: str) -> Prediction:
        """Score one text; one without any word gets what the model answers to an empty row.

        Raises:
            TypeError: ``text`` is not a string.
            BundleError: The vocabulary, of which only the form is checked as long as few words are looked up, repeats a
                word or is not UTF-8.
        """
        return self._prediction(self._predict([self.prepare(text)])[0])

    def classify_many(self, texts: Iterable[str], batch_size: int = BATCH_SIZE) -> Iterator[Prediction]:
        """Score texts as they come, in order; holds one batch of them in memory at a time.

        Args:
            texts: Any iterable of strings, endless ones too.
            batch_size: Texts taken from ``texts`` before the first of their predictions is given back.

        Raises:
            TypeError: One of the texts is not a string (or ``texts`` is itself one).
            ValueError: ``batch_size`` is less than 1.
        """
        if isinstance(texts, str):
            raise TypeError("classify_many takes an iterable of texts; for one text there is classify")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        return self._stream(iter(texts), batch_size)

    def _stream(self, texts: Iterator[str], batch_size: int) -> Iterator[Prediction]:
        from itertools import islice  # a one-shot command does without

        while rows := list(map(self.prepare, islice(texts, batch_size))):
            outputs = self._predict(rows)
            if len(outputs) != len(rows):
                raise BundleError(f"the model gives {len(outputs)} answers to {len(rows)} texts: it takes no batches")
            yield from map(self._prediction, outputs)

    def _prediction(self, outputs: list[float]) -> Prediction:
        """Turn a row of outputs into a prediction."""
        if len(outputs) == 1:
            outputs = [1.0 - outputs[0], outputs[0]]
        score = max(outputs)
        if not 0.0 <= score <= 1.000001:  # false for NaN too
            raise EngineError(f"engine {self._engine_name} answered {score}, which is no probability")
        labels = self.labels
        label = labels[outputs.index(score)]
        if self.threshold is not None and score < self.threshold:
            label = UNCERTAIN
        return Prediction(label, score, dict(zip(labels, outputs)), self._engine_name)


def _check_text(text: str) -> str:
    """Give a text to an engine that takes text, as an encoder would be given it."""
    if not isinstance(text, str):
        raise TypeError(f"a text is a str, not {type(text).__name__}")
    return text


def _candidates(bundle: Bundle, engine: str, recipe: str | None) -> list[ModelFile]:
    """List the model files that fit what the caller asked for, most preferred first."""
    if engine != "auto" and engine not in engines.ENGINES:
        raise EngineError(f"no engine is called {engine!r}: there are auto, {', '.join(engines.ENGINES)}")
    found = [
        model
        for model in bundle.models
        if (model.engine == engine or (engine == "auto" and model.engine in engines.ENGINES))
        and recipe in (None, model.recipe)
    ]
    if not found:
        asked = " and ".join(
            f"{kind} {value}" for kind, value in (("engine", engine), ("recipe", recipe)) if value not in ("auto", None)
        )
        has = ", ".join(f"{model.recipe} ({model.engine})" for model in bundle.models) or "no model at all"
        raise BundleError(f"{bundle.folder}: no model for {asked or 'any known engine'}; it has {has}")
    return found
