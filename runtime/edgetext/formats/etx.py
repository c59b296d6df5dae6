"""Writing the block, the form in which ``runtime/c/edgetext.c`` reads a model: see ``runtime/guides/block-format.md``.

A block holds the labels, the words and the tables of a model of the engine ``builtin``. In the layout ``fast`` the
words are a hash table; in ``small`` they are sorted and front-coded, which takes less memory and more time.
"""

from __future__ import annotations

import sys
from array import array
from itertools import accumulate
from struct import pack, unpack

from edgetext.engines.builtin import BuiltinEngine
from edgetext.engines.safetensors import read_safetensors
from edgetext.formats.etx_words import hash_words, sort_words
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import RESERVED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetext.encoder import Preprocessing
    from edgetext.engines.safetensors import Tensor
    from edgetext.text import RuleSet
    from edgetext.vocabulary import Vocabulary

LAYOUTS = ("fast", "small")

# The header: 32 numbers of 32 bits, of which the flags are one.
_MAGIC, _HEADER_BYTES, _ALIGNMENT = b"ETX1", 128, 16
_KERAS_IMDB, _MARKS, _TRUNCATE_PRE, _AVERAGE, _ALL_IDS, _TRIPLES, _CHARACTERS, _FAST = (1 << bit for bit in range(8))

# The library keeps the values of a layer on the stack.
_MOST_VALUES, _MOST_LAYERS = 64, 8
_MOST_TOKENS = 2**24


def make_block(
    labels: Sequence[str], preprocessing: Preprocessing, vocabulary: Vocabulary, model: bytes, layout: str
) -> bytes:
    """Return the block of a model.

    Args:
        labels: The labels.
        preprocessing: How a text becomes ids.
        vocabulary: The tokens.
        model: The content of a ``.safetensors`` file of the engine ``builtin``.
        layout: One of ``LAYOUTS``.

    Raises:
        edgetext.BundleError: If the engine refuses the model.
        ValueError: If a block cannot hold the model, or the parts do not fit together.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"the layout must be 'fast' or 'small', not {layout!r}")
    engine = BuiltinEngine(model, max_length=preprocessing.width)  # checks the model
    vocabulary.check_size(engine.vocabulary_size or 0)
    outputs = engine.num_outputs
    if outputs != len(labels) and (outputs, len(labels)) != (1, 2):
        raise ValueError(f"the model has {outputs} outputs for {len(labels)} labels")
    if len(vocabulary) > _MOST_TOKENS:
        raise ValueError(f"a block holds at most {_MOST_TOKENS:,} tokens, and the vocabulary has {len(vocabulary):,}")
    metadata, tensors = read_safetensors(model)
    is_average = metadata["network"] == "average"
    settings, numbers, *tables = (_read_average if is_average else _read_ngrams)(preprocessing, metadata, tensors)
    words = vocabulary.to_bytes().split(b"\n")[len(RESERVED) : -1]
    parts, reads, words_section = hash_words(words) if layout == "fast" else sort_words(words)
    header = [_flags(preprocessing, metadata["network"]) | (layout == "fast") * _FAST, outputs, len(labels)]
    header += [len(vocabulary), preprocessing.max_length, 0, *settings]
    ending = [parts, max(map(len, words), default=0), reads, len(words_section)]
    return _join(header, [_label_section(labels), words_section, numbers, *tables], ending)


def _flags(preprocessing: Preprocessing, network: str) -> int:
    """Return the header's flags but for the layout; raise ValueError for rules that a block cannot name."""
    rules: RuleSet = preprocessing.rules
    if isinstance(rules, KerasIMDB) and rules != KERAS_IMDB:
        raise ValueError(f"a block cannot hold lowercase={rules.lowercase!r}: train with --lowercase ascii")
    has_characters = network.endswith("characters")
    if has_characters != (preprocessing.characters is not None):
        raise ValueError(f"the network {network!r} and the preprocessing do not agree about characters")
    set_flags = (
        (_KERAS_IMDB, isinstance(rules, KerasIMDB)),
        (_MARKS, rules.variant.get("marks")),
        (_TRUNCATE_PRE, preprocessing.truncating == "pre"),
        (_AVERAGE, network == "average"),
        (_ALL_IDS, network == "bigrams"),
        (_TRIPLES, network.startswith("trigrams")),
        (_CHARACTERS, has_characters),
    )
    return sum(flag for flag, is_set in set_flags if is_set)


def _read_ngrams(
    preprocessing: Preprocessing, metadata: dict[str, str], tensors: dict[str, Tensor]
) -> tuple[list[int], bytes, bytes, bytes, bytes]:
    """Return the header's numbers from the exponent to the layers, the numbers section, and the tables by id."""
    outputs, buckets = tensors["bigrams"].shape
    multipliers = list(map(int, metadata["multipliers"].split()))
    settings = [*unpack("<2I", pack("<d", float(metadata["exponent"]))), buckets, *multipliers]
    settings += [0] * (3 - len(multipliers))
    zeros, characters = bytes(4 * outputs), preprocessing.characters
    numbers = b"".join(tensors[name].data for name in ("unigrams.scale", "bigrams.scale", "bias"))
    numbers += tensors["prior"].data if "prior" in tensors else zeros
    tables = [_transpose(tensors[name]) for name in ("unigrams", "bigrams")]
    if characters is None or "characters" not in tensors:
        return [*settings, 0, 0, 0, 0, 0, 0], numbers + zeros, tables[0], tables[1], b""
    if tensors["characters"].shape[1] != characters.buckets:
        raise ValueError("the model's table of characters and the preprocessing have other numbers of buckets")
    settings += [characters.shortest, characters.longest, characters.buckets, characters.most, 0, 0]
    numbers += tensors["characters.scale"].data
    return settings, numbers, tables[0], tables[1], _transpose(tensors["characters"])


def _read_average(
    preprocessing: Preprocessing, metadata: dict[str, str], tensors: dict[str, Tensor]
) -> tuple[list[int], bytes, bytes, bytes, bytes]:
    """Return the same as ``_read_ngrams`` for the network of averages."""
    embedding = tensors["embedding"]
    width = embedding.shape[1]
    names = [f"dense.{number}" for number in range((len(tensors) - 2) // 2)]
    sizes = [tensors[f"{name}.bias"].shape[0] for name in names]
    if not 1 <= len(names) <= _MOST_LAYERS or max([width, *sizes[:-1]]) > _MOST_VALUES:
        raise ValueError(
            f"a block holds embeddings of at most {_MOST_VALUES} values and 1 to {_MOST_LAYERS} dense layers, all but "
            f"the last of at most {_MOST_VALUES}; the model has {', '.join(map(str, (width, *sizes)))}"
        )
    layers = [tensors[f"{name}.{part}"].data for name in names for part in ("kernel", "bias")]
    numbers = pack(f"<{len(sizes)}I", *sizes) + tensors["embedding.scale"].data + b"".join(layers)
    return [0] * 10 + [width, len(sizes)], numbers, bytes(embedding.data), b"", b""


def _transpose(table: Tensor) -> bytes:
    """Return an int8 matrix, shape (outputs, ids), as (ids, outputs): what belongs to an id is contiguous."""
    outputs, size = table.shape
    data = bytearray(outputs * size)
    for output in range(outputs):
        data[output::outputs] = table.data[output * size : (output + 1) * size]
    return bytes(data)


def _label_section(labels: Sequence[str]) -> bytes:
    """Return the labels' offsets, from the start of the block, whose first section this is, and the labels."""
    try:
        encoded = [label.encode() + b"\0" for label in labels]
    except UnicodeEncodeError:
        raise ValueError("a label is not Unicode text: it has a lone surrogate") from None
    if any(label.count(b"\0") > 1 for label in encoded):
        raise ValueError("a label contains a NUL")
    sizes = [len(label) for label in encoded]
    starts = accumulate(sizes[:-1], initial=_HEADER_BYTES + 4 * len(labels))
    return pack(f"<{len(labels)}I", *starts) + b"".join(encoded)


def _join(header: Sequence[int], sections: Sequence[bytes], ending: Sequence[int]) -> bytes:
    """Return the block of these sections, with the header's numbers before and after their offsets."""
    offsets: list[int] = []
    end = _HEADER_BYTES
    for section in sections:
        offsets.append(end if section or len(offsets) <= 1 else 0)  # there may be no words, but their section
        end += len(section) + -len(section) % _ALIGNMENT
    padded = b"".join(section + bytes(-len(section) % _ALIGNMENT) for section in sections)
    content = pack("<28I", *header, *offsets, *ending) + padded
    return _MAGIC + pack("<3I", end, *_checksum(content)) + content


def _checksum(content: bytes) -> tuple[int, int]:
    """Return the sum of the numbers of 32 bits, and the sum of these sums, as Fletcher's checksum has them."""
    numbers = array("I", content)
    if sys.byteorder == "big":
        numbers.byteswap()
    return sum(numbers) & 0xFFFFFFFF, sum(accumulate(numbers)) & 0xFFFFFFFF
