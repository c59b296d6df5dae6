"""One way to write down an ONNX graph, so that the same model is the same bytes.

tf2onnx walks over sets, so names and the order of nodes differ from process to process, with the seed of Python's
string hashes.
"""

from __future__ import annotations

from collections import Counter

import onnx


def canonicalize(model: onnx.ModelProto) -> None:
    """Sort and name what is within a graph by what computes its outputs; inputs and outputs keep their names.

    Nodes are called after their operation and counted in the order in which the outputs need them: ``Gather_0``. What a
    node gives is called after the node, and a stored tensor after the first input that takes it: ``Gather_0/0``. Types
    and shapes that were noted for values in between are dropped; readers infer them.

    Args:
        model: The model, which is changed. Its nodes hold no graphs of their own.
    """
    graph = model.graph
    makers = {output: node for node in graph.node for output in node.output}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = _in_order(graph, makers)
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    counts: Counter[str] = Counter()
    for node in nodes:
        node.name = f"{node.op_type}_{counts[node.op_type]}"
        counts[node.op_type] += 1
        for place, name in enumerate(node.input):
            if name in stored:
                names.setdefault(name, f"{node.name}/{place}")
        for place, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}:{place}")
    names[""] = ""  # an input or output that is left out
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


def _in_order(graph: onnx.GraphProto, makers: dict[str, onnx.NodeProto]) -> list[onnx.NodeProto]:
    """List the nodes that the outputs need, each behind those that it needs itself, which come by its inputs."""
    nodes: list[onnx.NodeProto] = []
    done: set[str] = set()
    waiting = [value.name for value in reversed(graph.output)]
    while waiting:
        name = waiting[-1]
        node = makers.get(name)
        lacking = [] if node is None else [one for one in reversed(node.input) if one in makers and one not in done]
        if node is None or name in done or not lacking:
            waiting.pop()
            if node is not None and name not in done:
                nodes.append(node)
                done.update(node.output)
        else:
            waiting += lacking
    return nodes
