"""``Classifier``: load a bundle, and get labels with scores for texts."""

from __future__ import annotations

from edgetext import engines
from edgetext.bundle import Bundle
from edgetext.errors import BundleError, EngineError
from edgetext.prediction import SHOWN, UNCERTAIN, Prediction, as_count, check_share, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from edgetext.bundle.manifest import ModelFile
    from edgetext.encoder import Encoder
    from edgetext.engines.protocol import Engine
    from edgetext.explaining import Explanation
    from edgetext.explaining.top_words import TopWord
    from edgetext.validation.thresholds import Limits


# The number of texts that classify_many passes to the engine at once. Compared with single texts, 32 raise the texts a
# second by about a tenth with TFLite and a quarter with ONNX Runtime; 256 are at most a twentieth better than 32.
BATCH_SIZE = 32
# More than the cores of any device; a hundred thousand threads can bring a machine down.
MAX_THREADS = 256


class Classifier:
    """Classifies texts with one model of a bundle, through one engine. Threads and forked processes may share it.

    It can be copied by ``copy`` and every kind of pickle, with its engine, threads and threshold. The copy carries the
    bytes of the model and the vocabulary, and raises BundleError where it arrives damaged, EngineError where the
    engine's library is missing. One that was built from parts can be copied if they can.

    Attributes:
        labels: The labels, in the order of the model's outputs.
        encoder: Encodes texts.
        engine: The engine; ``engine.name`` and ``engine.runtime`` describe it.
        model: The bundle's entry of the model file in use; None if the classifier was built from parts.
        threshold: The lowest score at which a prediction gets a label; None for no such limit.
        limits: What ``min_accuracy`` chose: the lowest score of each label, and the least share of known words; None
            for no such limits.
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
        """Build a classifier from parts; use ``Classifier.load`` instead where there is a bundle.

        Raises:
            BundleError: If the model's number of outputs is not that of the labels, or its number of ids not that of
                the vocabulary; or if there is a threshold and a label is called ``UNCERTAIN``.
            TypeError: If ``threshold`` is not a number.
            ValueError: If ``threshold`` is not from 0 to 1.
        """
        check_share("threshold", threshold)
        if threshold is not None and UNCERTAIN in labels:
            raise BundleError(f"a label is called {UNCERTAIN!r}, so no threshold can be used")
        if engine.num_outputs != len(labels) and (engine.num_outputs, len(labels)) != (1, 2):
            raise BundleError(f"the model has {engine.num_outputs} outputs for {len(labels)} labels")
        if engine.vocabulary_size is not None:
            try:
                encoder.check_vocabulary_size(engine.vocabulary_size)
            except ValueError as error:
                raise BundleError(str(error)) from None
        self.labels = list(labels)
        self.encoder = encoder
        self.engine = engine
        self.model = model
        self.threshold = threshold
        self.limits: Limits | None = None
        self._bundle: Bundle | None = None
        self._ngrams: list[str] | None = None
        self._predict = engine.predict
        self._score = getattr(engine, "score", None)
        self._engine_name = engine.name

    def __getstate__(self) -> dict[str, Any]:
        from edgetext.copying import checksum

        try:
            ngrams = self.ngrams
        except BundleError:  # the bundle was removed
            ngrams = None
        state = {**self.__dict__, "_bundle": None, "_ngrams": ngrams}
        return {**state, "_checksum": checksum([self.labels, self.threshold, self.limits, ngrams])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from edgetext.copying import check_copy

        expected = state.pop("_checksum")
        check_copy([state[name] for name in ("labels", "threshold", "limits", "_ngrams")], expected)
        self.__dict__.update(state)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        engine: str = "auto",
        *,
        recipe: str | None = None,
        threads: int = 1,
        threshold: float | None = None,
        min_accuracy: float | None = None,
        quiet: bool = False,
    ) -> Classifier:
        """Load a bundle; if another is put in its place meanwhile, that one.

        Args:
            path: The bundle's folder, or a single ``.tflite`` or ``.onnx`` file that carries everything a bundle holds;
                None loads the bundle that ships with the package.
            engine: ``"builtin"``, ``"native"``, ``"tflite"`` or ``"onnx"``: that engine or an error. ``"auto"``: the
                first, in the bundle's order of preference, that works on this machine.
            recipe: Use the model file of that recipe, such as ``"static_wi8_ai8"``; None uses the bundle's most
                preferred one for the engine.
            threads: Threads that the engine may use; these models are too small to gain from more than 1.
            threshold: Label a text ``UNCERTAIN`` if its score is below this, 0 to 1; None never does.
            min_accuracy: Label a text ``UNCERTAIN`` unless at least this share of the validation texts with its label
                and such scores were right, with 95 % confidence, and the model knows about as many of its words as of
                theirs; see ``edgetext.validation.thresholds``. Above 0 and below 1; None never does.
            quiet: Discard what native libraries write to the process's standard error while they load, as
                ``edgetext.engines.process.muted_stderr`` does, and do not log which engines ``"auto"`` passes over,
                nor which labels ``min_accuracy`` rules out: for commands. Otherwise the logger ``edgetext`` gets a
                warning for each.

        Raises:
            BundleError: If the bundle is missing or damaged, or has no model for that engine and recipe; if a label is
                called ``UNCERTAIN`` and there is a threshold or ``min_accuracy``; or if there is ``min_accuracy`` and
                the bundle does not hold what was measured in validation.
            EngineError: If the engine is unknown, not installed or not working here; the message says how to install
                it.
            TypeError: If an argument is of another type.
            ValueError: If ``threads`` is not from 1 to 256, ``threshold`` not from 0 to 1, or ``min_accuracy`` not
                between 0 and 1; or if there is a threshold as well as ``min_accuracy``.
        """
        threads = as_count("threads", threads)
        if threads > MAX_THREADS:
            raise ValueError(f"threads must be at most {MAX_THREADS}, not {threads}")
        bundle = Bundle.open(path)
        settings: dict[str, Any] = {"recipe": recipe, "threads": threads, "threshold": threshold, "quiet": quiet}
        try:
            return cls._load(bundle, engine, **settings)._limited(min_accuracy, quiet)
        except BundleError:
            again = Bundle.open(path)
            if again.manifest == bundle.manifest:
                raise
            return cls._load(again, engine, **settings)._limited(min_accuracy, quiet)

    @classmethod
    def _load(
        cls, bundle: Bundle, engine: str, *, recipe: str | None, threads: int, threshold: float | None, quiet: bool
    ) -> Classifier:
        """Load a bundle whose manifest was read."""
        candidates = engines.find_models(bundle, engine, recipe)
        encoder = bundle.encoder()
        failures: dict[str, str] = {}
        for model in candidates:
            if model.engine in failures:
                continue
            if model.engine != "builtin":
                # Importing these engines takes far longer than a SHA-256, and damage may crash them.
                bundle.verify(model)
            content, name = bundle.read(model), model.engine
            try:
                if engine == "native":
                    from edgetext.engines.native import make_native_block

                    content, name = make_native_block(bundle, content), engine
                loaded = engines.create(
                    name, content, max_length=bundle.preprocessing.width, threads=threads, quiet=quiet
                )
                classifier = cls(bundle.labels, encoder, loaded, model, threshold=threshold)
                classifier._bundle = bundle
                return classifier
            except EngineError as error:
                if engine != "auto":
                    raise
                failures[model.engine] = str(error)
                if not quiet:
                    from logging import getLogger  # slow to import, and rarely needed

                    getLogger("edgetext").warning("auto passes over %s", error)
            except BundleError as error:
                raise BundleError(f"{bundle.path_of(model)}: {error}") from None
        raise EngineError("no engine of this bundle works here; " + "; or ".join(failures.values()))

    def _limited(self, min_accuracy: float | None, quiet: bool) -> Classifier:
        """Set the limits that this accuracy needs, and return the classifier."""
        if min_accuracy is not None:
            from edgetext.validation.thresholds import load_limits  # not needed without

            assert self._bundle is not None
            self.limits = load_limits(self._bundle, min_accuracy, self.threshold, quiet=quiet)
        return self

    def classify(self, text: str) -> Prediction:
        """Classify one text; a text without words gets the model's answer to an empty input.

        Raises:
            TypeError: If ``text`` is not a string.
            BundleError: If the vocabulary repeats a word or is not UTF-8, which is checked when more than a few words
                have been looked up.
        """
        if self._score is not None:
            return self._to_prediction(*self._score(text))
        prepared, known = self.prepare(text)
        return self._to_prediction(self._predict([prepared])[0], known)

    def explain(self, text: str, label: str | None = None) -> Explanation:
        """Explain why a text gets its label: the effect of each word, pair of words and so on, which is exact.

        Args:
            text: The text.
            label: The label to explain, compared with the most probable other one; None explains the most probable.

        Raises:
            EngineError: If the engine is not builtin, or the network has no weights of words: preset tutorial.
            TypeError: If ``text`` is not a string.
            ValueError: If the model has no such label.
        """
        from edgetext.explaining.effects import explain  # not needed to classify

        return explain(self.engine, self.encoder, self.labels, text, label)

    @property
    def ngrams(self) -> list[str] | None:
        """The pairs and triples of words that ``top_words`` looks at; None if it looks at single words only.

        A model cannot list them, because it hashes them, so training puts those with the largest weights into a file of
        the bundle. Bundles of older versions and single files do not have it.

        Raises:
            BundleError: If that file is missing or damaged.
        """
        if self._ngrams is None and self._bundle is not None:
            self._ngrams = self._bundle.read_ngrams()
        return self._ngrams

    def top_words(self, label: str | None = None, count: int = 20) -> dict[str, list[TopWord]]:
        """Return the words, pairs and triples with the largest weights for each label: the model read as a whole.

        Args:
            label: The only label to return them for; None returns them for all.
            count: The most of them for a label.

        Returns:
            For each label those that speak for it, the largest weight first. What speaks against one of two labels
            speaks for the other.

        Raises:
            BundleError: As for ``ngrams``.
            EngineError: If the engine is not builtin, or the network has no weights of words: preset tutorial.
            TypeError: If ``count`` is not a whole number.
            ValueError: If the model has no such label, or ``count`` is less than 1.
        """
        from edgetext.explaining.top_words import find_top_words  # not needed to classify

        count = as_count("count", count)
        return find_top_words(self.engine, self.encoder, self.labels, self.ngrams or [], label, count)

    def prepare(self, text: str) -> tuple[Any, float]:
        """Return what the engine takes, a text's ids, padded or not, its words or itself; and the share of known words.

        Raises:
            TypeError: If ``text`` is not a string.
            BundleError: As for ``classify``.
        """
        if self._score is not None:
            return text, self._score(text)[1]
        ids = self.encoder.truncate(text)
        known = self.encoder.known(ids)
        if self.engine.accepts_unpadded:
            return ids, known
        return self.encoder.kept(text) if self.engine.takes_text else self.encoder.pad(ids), known

    def classify_many(self, texts: Iterable[str], batch_size: int = BATCH_SIZE) -> Iterator[Prediction]:
        """Classify texts as they arrive, in order; one batch at a time is held in memory.

        Args:
            texts: Any iterable of strings, endless ones too.
            batch_size: The number of texts taken from ``texts`` before the first of their predictions is yielded.

        Raises:
            TypeError: If ``texts`` is a string, a table of columns or no iterable; while iterating, if one of the texts
                is not a string; the message says at which position, counted from 0.
            ValueError: If ``batch_size`` is less than 1.
        """
        if isinstance(texts, (str, bytes)):
            raise TypeError("classify_many takes an iterable of texts; for one text there is classify")
        if isinstance(texts, dict) or hasattr(texts, "columns"):  # iterating would give the names of the columns
            raise TypeError("classify_many takes an iterable of texts, not a table: give it one column")
        try:
            iterator = iter(texts)
        except TypeError:
            raise TypeError(f"classify_many takes an iterable of texts, not {type(texts).__name__}") from None
        return self._classify_batches(iterator, as_count("batch_size", batch_size))

    def _classify_batches(self, texts: Iterator[str], batch_size: int) -> Iterator[Prediction]:
        from itertools import islice  # not needed by a one-shot command
        from sys import maxsize

        position = 0
        while batch := list(islice(texts, min(batch_size, maxsize))):
            try:
                prepared, known = zip(*map(self._score or self.prepare, batch))
            except TypeError:
                for number, text in enumerate(batch, position):
                    if not isinstance(text, str):
                        raise TypeError(f"texts[{number}] is a {type(text).__name__}, not a str") from None
                raise
            position += len(batch)
            outputs = prepared if self._score is not None else self._predict(prepared)
            if len(outputs) != len(prepared):
                raise BundleError(
                    f"the model gives {len(outputs)} answers to {len(prepared)} texts: it takes no batches"
                )
            yield from map(self._to_prediction, outputs, known)

    def __repr__(self) -> str:
        labels = shorten([repr(label) for label in self.labels[:SHOWN]], len(self.labels))
        recipe = f", recipe={self.model.recipe!r}" if self.model else ""
        threshold = "" if self.threshold is None else f", threshold={self.threshold}"
        if self.limits is not None:
            threshold = f", min_accuracy={self.limits.min_accuracy}"
        return f"Classifier(labels=[{labels}], engine={self._engine_name!r}{recipe}{threshold})"

    def _to_prediction(self, outputs: list[float], known: float) -> Prediction:
        """Turn the model's outputs for one text, and the share of its words that are known, into a prediction."""
        if len(outputs) == 1:
            outputs = [1.0 - outputs[0], outputs[0]]
        score = max(outputs)
        if not 0.0 <= score <= 1.000001:  # false for NaN too
            raise EngineError(f"engine {self._engine_name} answered {score}, which is no probability")
        labels = self.labels
        label = labels[outputs.index(score)]
        is_low = self.threshold is not None and score < self.threshold
        if is_low or (self.limits is not None and not self.limits.allow(label, score, known)):
            label = UNCERTAIN
        return Prediction(label, score, dict(zip(labels, outputs)), self._engine_name, known)
