"""ONNX that takes text: tokenisation, look-up and label put around a graph that takes ids.

Everything is done by operators of ONNX and of ONNX-ML, but for one of onnxruntime's own, ``com.microsoft.Tokenizer``,
which every plain build of it has: ONNX's own StringSplit knows no set of separators. Lower-casing is StringNormalizer
in the locale ``C``: it changes ASCII letters only, as ``edgetext.text`` does, and no machine lacks that locale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgetext.engines.onnx import STAND_IN
from edgetext.text import PAD_ID, RESERVED, START_ID, UNKNOWN_ID
from export.patterns import WORD
from train.run import Run, RunError

# Stands in the matrix of words where a text has no more of them; no word is a space.
_NO_WORD = " "
_ML_OPSET, _MICROSOFT_OPSET = 2, 1


def take_text(model: onnx.ModelProto, run: Run) -> onnx.ModelProto:
    """Put tokenisation before a graph of ids, and the label behind it.

    Args:
        model: Input ``ids``, int32 (batch, max_length); output ``probabilities``, float32 (batch, labels).
        run: Its vocabulary, preprocessing and labels.

    Returns:
        A model with the input ``text``, strings of shape (batch,), and the outputs ``label``, strings of shape
        (batch,), and ``probabilities``, float32 (batch, labels).

    Raises:
        RunError: The run lower-cases more than ASCII letters, which StringNormalizer does as each machine's locales
            have it; or a word of the vocabulary holds the character that stands in for what is not UTF-8.
    """
    if run.preprocessing.lowercase != "ascii":
        raise RunError(
            f"{run.folder}: the run lower-cases all letters, which ONNX does not do alike on every machine; "
            "export the file that takes ids, with --input ids"
        )
    if any(STAND_IN in token for token in run.tokens):
        raise RunError(f"{run.folder}: a word of vocab.txt holds the character U+{ord(STAND_IN):X}")
    graph = model.graph
    words = run.tokens[len(RESERVED) :]
    # The constants of the new nodes by name; the same name prefix keeps them apart from the network's.
    constants: dict[str, npt.NDArray[Any]] = {
        "text_start": np.full((1,), START_ID, np.int32),
        "text_pads": np.array([0, 0, 0, run.preprocessing.max_length], np.int64),
        "text_pad_id": np.array(PAD_ID, np.int32),
        "text_length": np.array([run.preprocessing.max_length], np.int64),
        "text_zero": np.zeros(1, np.int64),
        "text_one": np.ones(1, np.int64),
    }
    before = [
        helper.make_node("StringNormalizer", ["text"], ["text_lower"], case_change_action="LOWER", locale="C"),
        helper.make_node(
            "Tokenizer",
            ["text_lower"],
            ["text_words"],  # (batch, words of the longest text)
            domain="com.microsoft",
            mark=0,
            mincharnum=1,
            pad_value=_NO_WORD,
            tokenexp=WORD,
        ),
        helper.make_node(
            "LabelEncoder",
            ["text_words"],
            ["text_word_ids"],
            domain="ai.onnx.ml",
            keys_strings=[_NO_WORD, *words],
            values_int64s=[PAD_ID, *range(len(RESERVED), len(run.tokens))],
            default_int64=UNKNOWN_ID,
        ),
        helper.make_node("Cast", ["text_word_ids"], ["text_word_ids_32"], to=TensorProto.INT32),
        # A column of start marks, and enough padding for any text.
        helper.make_node("Shape", ["text"], ["text_batch"]),
        helper.make_node("Concat", ["text_batch", "text_one"], ["text_column"], axis=0),
        helper.make_node("Expand", ["text_start", "text_column"], ["text_starts"]),  # (batch, 1)
        helper.make_node("Concat", ["text_starts", "text_word_ids_32"], ["text_all_ids"], axis=1),
        helper.make_node("Pad", ["text_all_ids", "text_pads", "text_pad_id"], ["text_padded"]),
        *_cut(run, constants),
    ]
    behind = [
        helper.make_node(
            "ArgMax", ["probabilities"], ["text_best"], axis=1, keepdims=0
        ),  # the first, where two are equal
        helper.make_node("Gather", ["text_labels", "text_best"], ["label"], axis=0),
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    labels = helper.make_tensor(
        "text_labels",
        TensorProto.STRING,
        [len(run.config["labels"])],
        [label.encode() for label in run.config["labels"]],
    )
    joined = helper.make_graph(
        [*before, *graph.node, *behind],
        graph.name,
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["batch"])],
        [helper.make_tensor_value_info("label", TensorProto.STRING, ["batch"]), *graph.output],
        [*graph.initializer, *tensors, labels],
        # Without the shape of what onnxruntime's own operator gives, onnx 1.23 crashes when it infers the others.
        value_info=[
            *graph.value_info,
            helper.make_tensor_value_info("text_words", TensorProto.STRING, ["batch", "words"]),
        ],
    )
    opsets = {"ai.onnx.ml": _ML_OPSET, "com.microsoft": _MICROSOFT_OPSET}
    # Of the model's own only that of ONNX itself is in use; onnxruntime's tools name all that they know.
    opsets |= {entry.domain: entry.version for entry in model.opset_import if entry.domain == ""}
    return helper.make_model(
        joined,
        opset_imports=[helper.make_opsetid(domain, number) for domain, number in opsets.items()],
        ir_version=model.ir_version,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
    )


def _cut(run: Run, constants: dict[str, npt.NDArray[Any]]) -> list[onnx.NodeProto]:
    """Cut ``text_padded`` to ``ids``, of shape (batch, max_length); may add constants."""
    if run.preprocessing.truncating == "post":
        return [helper.make_node("Slice", ["text_padded", "text_zero", "text_length", "text_one"], ["ids"])]
    # Each text's own last ids: its row is read from where it has max_length ids left, or from its beginning.
    constants["text_positions"] = np.arange(run.preprocessing.max_length, dtype=np.int64)
    return [
        helper.make_node("Greater", ["text_all_ids", "text_pad_id"], ["text_is_id"]),
        helper.make_node("Cast", ["text_is_id"], ["text_ones"], to=TensorProto.INT64),
        helper.make_node(
            "ReduceSum", ["text_ones", "text_one"], ["text_lengths"], keepdims=1
        ),  # (batch, 1), over axis 1
        helper.make_node("Sub", ["text_lengths", "text_length"], ["text_excess"]),
        helper.make_node("Max", ["text_excess", "text_zero"], ["text_begins"]),
        helper.make_node("Add", ["text_begins", "text_positions"], ["text_places"]),  # (batch, max_length)
        helper.make_node("GatherElements", ["text_padded", "text_places"], ["ids"], axis=1),
    ]
