"""Loops over a batch, taken out of a frozen TensorFlow graph that is only ever given a batch of one.

Front ends of SavedModels map a function of one clip over the batch (`tf.map_fn`), which becomes a loop over lists of tensors
that ONNX runtimes do not take. With one clip it runs once, so its body can stand in its place. Nothing here knows that a loop
runs once: the proof of agreement, at clips of several lengths, decides whether the graph is used.
"""

from __future__ import annotations

from typing import Any

LOOPS = ("While", "StatelessWhile")


def runs_once(tf: Any, frozen: Any) -> Any:
    """A frozen function with the body of each of its loops in the loop's place, and tensors instead of lists of one.

    Args:
        tf: TensorFlow.
        frozen: What `convert_variables_to_constants_v2` gives, with loops that are not lowered.
    """
    from tensorflow.python.eager import wrap_function
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    names = [tensor.name for tensor in frozen.inputs], [tensor.name for tensor in frozen.outputs]
    graph = frozen.graph.as_graph_def()
    for node in graph.node:
        if node.op in LOOPS:
            _call_body(node)
    opened = wrap_function.function_from_graph_def(graph, *names)
    inlined = convert_variables_to_constants_v2(opened, lower_control_flow=False)
    graph = inlined.graph.as_graph_def()
    names = [tensor.name for tensor in inlined.inputs], [tensor.name for tensor in inlined.outputs]
    _replace_lists(tf, graph)
    return wrap_function.function_from_graph_def(graph, *names)


def has_loops(frozen: Any) -> bool:
    """Whether a frozen function has loops at its top."""
    return any(node.op in LOOPS for node in frozen.graph.as_graph_def().node)


def _call_body(node: Any) -> None:
    """Make a loop one call of its body, whose outputs are in the order of its inputs."""
    body, kinds = node.attr["body"].func.name, node.attr["T"].list.type[:]
    node.op = "PartitionedCall"
    node.attr.clear()
    node.attr["f"].func.name = body
    for name in ("Tin", "Tout"):
        node.attr[name].list.type[:] = kinds


def _replace_lists(tf: Any, graph: Any) -> None:
    """Read and write tensors where one-element lists of them are read and written."""
    nodes = {node.name: node for node in graph.node}
    zero = graph.node.add()
    zero.name, zero.op = "noss/first", "Const"
    zero.attr["dtype"].type = tf.int32.as_datatype_enum
    zero.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(0, tf.int32))
    for node in nodes.values():
        if node.op == "TensorListGetItem":
            source = _origin(nodes, node.input[0], "TensorListFromTensor")
            if source is not None:
                _become(tf, node, "GatherV2", [source.input[0], node.input[1], zero.name], kinds=("Tindices", "Taxis"))
        elif node.op == "TensorListStack":
            written = _origin(nodes, node.input[0], "TensorListSetItem")
            if written is not None:
                _become(tf, node, "ExpandDims", [written.input[2], zero.name], kinds=("Tdim",))


def _origin(nodes: dict[str, Any], name: str, op: str) -> Any:
    """The node of that kind that a list comes from, behind any that pass it on; None where it is another."""
    node = nodes.get(name.partition(":")[0])
    while node is not None and node.op == "Identity":
        node = nodes.get(node.input[0].partition(":")[0])
    return node if node is not None and node.op == op else None


def _become(tf: Any, node: Any, op: str, inputs: list[str], *, kinds: tuple[str, ...]) -> None:
    element = node.attr["element_dtype"].type
    node.op = op
    node.input[:] = inputs
    node.attr.clear()
    node.attr["Tparams" if op == "GatherV2" else "T"].type = element
    for name in kinds:
        node.attr[name].type = tf.int32.as_datatype_enum
