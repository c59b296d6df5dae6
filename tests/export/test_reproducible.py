"""The same run exports to the same bytes, and the same source builds the same wheel."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.converters.onnx import canonicalize


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.slow
def test_bundles(
    run_python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, default_run: Path
) -> None:
    """Python's string hashes, and so the order of sets, differ from process to process."""
    code = (
        "import sys; from export.command import main\n"
        "sys.exit(max(main(engine, '', sys.argv[1:]) for engine in ('builtin', 'tflite', 'onnx')))"
    )
    found = []
    for seed in ("1", "2"):
        options = ("--run", default_run, "--out", tmp_path / seed)
        result = run_python("-c", code, *options, env={"PYTHONHASHSEED": seed})
        assert result.returncode == 0, result.stderr
        found.append(digests(tmp_path / seed))
    assert len(found[0]) == 8
    assert found[0] == found[1]


def test_wheels(root: Path, tmp_path: Path) -> None:
    """Built from two copies of the source whose files have other times and another order."""
    found = []
    for name in ("a", "b"):
        copy = tmp_path / name
        names = sorted(path.relative_to(root / "runtime") for path in (root / "runtime").rglob("*") if path.is_file())
        names = [path for path in names if "__pycache__" not in path.parts]
        for path in reversed(names) if name == "b" else names:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / "runtime" / path, copy / path)
            if name == "b":
                os.utime(copy / path, (1_600_000_000, 1_600_000_000))
                (copy / path).chmod(0o600)
        command = [
            sys.executable,
            "-m",
            "build",
            "--no-isolation",
            "--outdir",
            str(tmp_path / f"{name}-out"),
            str(copy),
        ]
        result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        found.append(digests(tmp_path / f"{name}-out"))
    assert sorted(Path(name).suffix for name in found[0]) == [".gz", ".whl"]
    assert found[0] == found[1]


def make_model(seed: int) -> onnx.ModelProto:
    """Return a small graph with random names, a random description and a random order of its parts."""
    draw = random.Random(seed)
    marks = draw.sample(range(1000), 7)
    table, axis, bias, rows, sums, more, twice = (f"t{mark}" for mark in marks)
    nodes = [
        helper.make_node("Gather", [table, "ids"], [rows], name=f"n{draw.random()}"),
        helper.make_node("ReduceSum", [rows, axis], [sums], name=f"n{draw.random()}", keepdims=0),
        helper.make_node("Add", [sums, bias], [more], name=f"n{draw.random()}"),
        helper.make_node("Mul", [more, sums], [twice], name=f"n{draw.random()}"),
        helper.make_node("Clip", [twice, "", bias], ["result"], name=f"n{draw.random()}"),
    ]
    if seed % 2:  # another valid order, and a node that no output needs
        nodes.insert(1, helper.make_node("Neg", [rows], ["unused"]))
    tensors = [
        numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(4, 3) / 7, table),
        numpy_helper.from_array(np.array([1], np.int64), axis),
        numpy_helper.from_array(np.array(0.25, np.float32), bias),
    ]
    draw.shuffle(tensors)
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", 2])],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, ["batch", 3])],
        tensors,
        doc_string=f"converted from f_{draw.random()}",
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


def run(model: onnx.ModelProto) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"ids": np.array([[0, 3], [1, 1], [2, 0]], np.int32)})[0]


def test_canonical_graphs() -> None:
    expected = run(make_model(0))
    found = set()
    for seed in range(6):
        model = make_model(seed)
        assert len(model.graph.value_info) > 3
        canonicalize(model)
        onnx.checker.check_model(model, full_check=True)
        np.testing.assert_array_equal(run(model), expected)
        found.add(model.SerializeToString(deterministic=True))
    assert len(found) == 1
    assert [node.name for node in model.graph.node] == ["Gather_0", "ReduceSum_0", "Add_0", "Mul_0", "Clip_0"]
    assert [list(node.input) for node in model.graph.node] == [
        ["Gather_0/0", "ids"],
        ["Gather_0:0", "ReduceSum_0/1"],
        ["ReduceSum_0:0", "Add_0/1"],
        ["Add_0:0", "ReduceSum_0:0"],
        ["Mul_0:0", "", "Add_0/1"],
    ]
    assert [tensor.name for tensor in model.graph.initializer] == ["Gather_0/0", "ReduceSum_0/1", "Add_0/1"]
