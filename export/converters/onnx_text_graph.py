"""The ONNX text graph: tokenisation, look-up and label around a graph that takes token ids.

All operators are of ONNX and ONNX-ML, except ``com.microsoft.Tokenizer``, which every standard build of ONNX Runtime
has: ONNX's StringSplit does not accept a set of separators. Lower-casing is StringNormalizer in the locale ``C``, which
exists on every machine and changes ASCII letters only. What else the rule set ``words-1`` replaces, such as typographic
apostrophes and other capitals, is only known in the spellings that the graph lists.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgetext.engines.onnx import STAND_IN
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import PAD_ID, RESERVED, START_ID, UNKNOWN_ID
from edgetext.vocabulary import Vocabulary
from train.encoding.expressions import find_token
from train.encoding.ports import number_variants
from train.run import Run
from train.run_folder import RunError

# Fills up the matrix of tokens where a text has fewer than the longest one; a space is never a token.
_NO_TOKEN = " "
# Stands before each text of the rule set words-1; no token is like it.
_START_WORD = "<start>"
_OPSETS = [helper.make_opsetid("ai.onnx.ml", 2), helper.make_opsetid("com.microsoft", 1)]


def add_text_input(model: onnx.ModelProto, run: Run) -> onnx.ModelProto:
    """Add tokenisation before a graph that takes ids, and the label after it.

    Args:
        model: A model with the input ``ids``, int32 (batch, max_length), and the output ``probabilities``.
        run: The run that it was converted from.

    Returns:
        A model with the input ``text``, strings of shape (batch,), and the outputs ``label``, strings of shape
        (batch,), and ``probabilities``, float32 (batch, labels).

    Raises:
        RunError: If a run with the rule set ``keras-imdb`` lower-cases more than ASCII letters, which StringNormalizer
            does according to the machine's locales; if the run has character n-grams; or if a token contains the
            character that the engine puts in the place of invalid UTF-8.
    """
    if isinstance(run.preprocessing.rules, KerasIMDB) and run.preprocessing.rules != KERAS_IMDB:
        raise RunError(
            f"{run.folder}: the run lower-cases all letters, which ONNX does not do alike on every machine; export the "
            "file that takes ids, with --input ids"
        )
    if run.preprocessing.characters is not None:
        raise RunError(
            f"{run.folder}: the run has character n-grams, which ONNX has no operator for; export the file that takes "
            "ids, with --input ids, or train with --characters off"
        )
    if any(STAND_IN in token for token in run.tokens):
        raise RunError(f"{run.folder}: a token in vocab.txt contains the character U+{ord(STAND_IN):X}")
    graph = model.graph
    label_nodes = [
        helper.make_node("ArgMax", ["probabilities"], ["text_best"], axis=1, keepdims=0),  # of equal ones the first
        helper.make_node("Gather", ["text_labels", "text_best"], ["label"], axis=0),
    ]
    constants = (numpy_helper.from_array(value, name) for name, value in _constants(run).items())
    joined = helper.make_graph(
        [*_tokenize_nodes(run), *_truncate_nodes(run), *graph.node, *label_nodes],
        graph.name,
        [_strings("text", "batch")],
        [_strings("label", "batch"), *graph.output],
        [*graph.initializer, *constants],
        # onnx 1.23 crashes in shape inference if the output of onnxruntime's own operator has no shape.
        value_info=[*graph.value_info, _strings("text_words", "batch", "words")],
    )
    return helper.make_model(
        joined,
        # The model names every domain that onnxruntime's tools know, but uses only ONNX's own.
        opset_imports=[*_OPSETS, *(entry for entry in model.opset_import if not entry.domain)],
        ir_version=model.ir_version,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
    )


def _strings(name: str, *shape: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.STRING, shape)


def _constants(run: Run) -> dict[str, npt.NDArray[Any]]:
    """Return the constants by name; the prefix keeps all names apart from the network's."""
    length = run.preprocessing.max_length
    positions = {"text_positions": np.arange(length, dtype=np.int64)} if run.preprocessing.truncating == "pre" else {}
    is_keras = isinstance(run.preprocessing.rules, KerasIMDB)
    return {
        "text_start": np.full((1,), START_ID, np.int32) if is_keras else np.array([_START_WORD], dtype=object),
        **({} if is_keras else {"text_flat": np.array([-1], np.int64)}),
        "text_pads": np.array([0, 0, 0, length], np.int64),
        "text_pad_id": np.array(PAD_ID, np.int32),
        "text_length": np.array([length], np.int64),
        "text_zero": np.zeros(1, np.int64),
        "text_one": np.ones(1, np.int64),
        **positions,
        "text_labels": np.array(run.config["labels"], dtype=object),
    }


def _tokenize_nodes(run: Run) -> list[onnx.NodeProto]:
    """Return the nodes from ``text`` to ``text_padded``: a start id, the ids, and enough padding for any text."""
    if isinstance(run.preprocessing.rules, KerasIMDB):
        nodes = [
            helper.make_node("StringNormalizer", ["text"], ["text_lower"], case_change_action="LOWER", locale="C"),
            _tokenizer(run, "text_lower"),
            _label_encoder(run, "text_words"),
            helper.make_node("Cast", ["text_word_ids"], ["text_word_ids_32"], to=TensorProto.INT32),
            *_start_nodes("text_word_ids_32", "text_all_ids"),
        ]
    else:
        # Of the emoticons one has a capital, so letters become lower case once the words are split. StringNormalizer
        # takes one row, which may not be empty: a start word comes first.
        nodes = [
            _tokenizer(run, "text"),
            *_start_nodes("text_words", "text_all_words"),
            helper.make_node("Shape", ["text_all_words"], ["text_shape"]),
            helper.make_node("Reshape", ["text_all_words", "text_flat"], ["text_row"]),
            helper.make_node("StringNormalizer", ["text_row"], ["text_lower"], case_change_action="LOWER", locale="C"),
            helper.make_node("Reshape", ["text_lower", "text_shape"], ["text_lower_words"]),
            _label_encoder(run, "text_lower_words"),
            helper.make_node("Cast", ["text_word_ids"], ["text_all_ids"], to=TensorProto.INT32),
        ]
    return [*nodes, helper.make_node("Pad", ["text_all_ids", "text_pads", "text_pad_id"], ["text_padded"])]


def _tokenizer(run: Run, text: str) -> onnx.NodeProto:
    """Return the node that splits texts into ``text_words``, shape (batch, words of the longest text)."""
    token = find_token(run.preprocessing.rules)
    splitting: dict[str, Any] = {"mark": 0, "mincharnum": 1, "pad_value": _NO_TOKEN, "tokenexp": token}
    return helper.make_node("Tokenizer", [text], ["text_words"], domain="com.microsoft", **splitting)


def _label_encoder(run: Run, words: str) -> onnx.NodeProto:
    """Return the node that looks words up; other spellings come after all the words."""
    rules = run.preprocessing.rules
    own = {_NO_TOKEN: PAD_ID} if isinstance(rules, KerasIMDB) else {_NO_TOKEN: PAD_ID, _START_WORD: START_ID}
    known = {word: index for index, word in enumerate(run.tokens) if index >= len(RESERVED)}
    ids = {**own, **known, **number_variants(Vocabulary(run.tokens, rules), run.spellings)}
    attributes: dict[str, Any] = {"keys_strings": list(ids), "values_int64s": list(ids.values())}
    return helper.make_node(
        "LabelEncoder", [words], ["text_word_ids"], domain="ai.onnx.ml", default_int64=UNKNOWN_ID, **attributes
    )


def _start_nodes(rest: str, joined: str) -> list[onnx.NodeProto]:
    """Return the nodes that put ``text_start`` before each row of another matrix."""
    return [
        helper.make_node("Shape", ["text"], ["text_batch"]),
        helper.make_node("Concat", ["text_batch", "text_one"], ["text_column"], axis=0),
        helper.make_node("Expand", ["text_start", "text_column"], ["text_starts"]),  # (batch, 1)
        helper.make_node("Concat", ["text_starts", rest], [joined], axis=1),
    ]


def _truncate_nodes(run: Run) -> list[onnx.NodeProto]:
    """Return the nodes that truncate ``text_padded`` to ``ids``, shape (batch, max_length)."""
    if run.preprocessing.truncating == "post":
        return [helper.make_node("Slice", ["text_padded", "text_zero", "text_length", "text_one"], ["ids"])]
    return [  # the last max_length ids of each text, or all of a shorter one
        helper.make_node("Greater", ["text_all_ids", "text_pad_id"], ["text_is_id"]),
        helper.make_node("Cast", ["text_is_id"], ["text_ones"], to=TensorProto.INT64),
        helper.make_node("ReduceSum", ["text_ones", "text_one"], ["text_lengths"], keepdims=1),  # axis 1: (batch, 1)
        helper.make_node("Sub", ["text_lengths", "text_length"], ["text_excess"]),
        helper.make_node("Max", ["text_excess", "text_zero"], ["text_begins"]),
        helper.make_node("Add", ["text_begins", "text_positions"], ["text_places"]),  # (batch, max_length)
        helper.make_node("GatherElements", ["text_padded", "text_places"], ["ids"], axis=1),
    ]
