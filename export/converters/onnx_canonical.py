"""Canonical form of an ONNX graph, so that equal models are equal bytes.

tf2onnx iterates over sets, so the names and the order of its nodes depend on the process's string hash seed.
"""

from __future__ import annotations

from collections import Counter

import onnx


def canonicalize(model: onnx.ModelProto) -> None:
    """Sort a graph's nodes and tensors and rename them, in place; the graph's inputs and outputs keep their names.

    Nodes are sorted in the order in which the outputs need them and named after their operation: ``Gather_0``. A node's
    output is named after the node, ``Gather_0:0``, and a stored tensor after the first node input that reads it,
    ``Gather_0/0``. Nodes and tensors that no output needs are removed, and so are the recorded types and shapes of
    intermediate values, which readers infer.

    Args:
        model: The model, whose nodes have no subgraphs.
    """
    graph = model.graph
    producers = {output: node for node in graph.node for output in node.output}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = _in_order(graph, producers)
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    counts: Counter[str] = Counter()
    for node in nodes:
        node.name = f"{node.op_type}_{counts[node.op_type]}"
        counts[node.op_type] += 1
        for position, name in enumerate(node.input):
            if name in stored:
                names.setdefault(name, f"{node.name}/{position}")
        for position, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}:{position}")
    names[""] = ""  # an optional input or output that is not used
    for node in nodes:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    tensors = [stored[name] for name in names if name in stored]
    for tensor in tensors:
        tensor.name = names[tensor.name]
    nodes, tensors = ([type(part).FromString(part.SerializeToString()) for part in parts] for parts in (nodes, tensors))
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)


def _in_order(graph: onnx.GraphProto, producers: dict[str, onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Return the nodes that the outputs need, each after the nodes that it needs, in the order of its inputs."""
    nodes: dict[str, onnx.NodeProto] = {}  # by their first output

    def add(name: str) -> None:
        node = producers.get(name)
        if node is not None and node.output[0] not in nodes:
            for value in node.input:
                add(value)
            nodes[node.output[0]] = node

    for value in graph.output:
        add(value.name)
    return list(nodes.values())
