"""Operators that keep something from one run for the next: answers depend on requests before.

Source: every model of the standard's node tests, run again after other inputs, with each output
used by another node: of all operators BatchNormalization in training mode alone gives another
answer, as ONNX Runtime writes its new statistics over those of the file. What is random is another
matter: it differs from run to run because it is asked to.
"""

from collections.abc import Iterable, Iterator

from modelserver.errors import ModelUnsupported
from modelserver.model.graph.parts import ModelFile, Node


def refuse(file: ModelFile) -> None:
    """Return if nothing in the file remembers.

    Raises:
        ModelUnsupported: A node does; the error names it.
    """
    for nodes in (file.graph.nodes, *(each.nodes for each in file.functions.values())):
        for node in _all_nodes(nodes):
            if _is_training(node):
                raise ModelUnsupported(
                    f"node {node.name or node.outputs[0]!r} is a BatchNormalization in training "
                    "mode, which keeps statistics of each request for the next; export the model "
                    "in inference mode (PyTorch: model.eval())"
                )


def _is_training(node: Node) -> bool:
    """Whether a node is a BatchNormalization that gives statistics: it says so, or has outputs."""
    if (node.domain, node.op_type) != ("", "BatchNormalization"):
        return False
    return node.attributes.get("training_mode", 0) != 0 or len(list(filter(None, node.outputs))) > 1


def _all_nodes(nodes: Iterable[Node]) -> Iterator[Node]:
    """Nodes, and those of the graphs in them."""
    for node in nodes:
        yield node
        for graph in node.graphs:
            yield from _all_nodes(graph.nodes)
