"""Names that graphs give to sizes: which of them say that sizes are equal.

By the standard an equal name means an equal size, and ONNX Runtime plans its memory so. Exporters
that know no name write one all the same.
"""

import re
from collections import Counter
from collections.abc import Iterator

from modelserver.model.graph.parts import ModelFile, NodeGraph

# No letter at all (`?`), a word for nothing, or such a word with a number (`unk__7`,
# `x_dynamic_axes_1`), which is no better: files that were joined may have it twice.
_NOTHING = re.compile(
    r"[\W\d_]*|(?:\w*_)?(?:none|null|nan|any|unk|unknown|dyn|dynamic|dynamic_axes)[\W\d_]*",
    re.IGNORECASE,
)


def says_something(name: str) -> bool:
    """Whether a name is more than a word for a size that nobody knows."""
    return not _NOTHING.fullmatch(name)


def can_plan_memory(file: ModelFile) -> bool:
    """Whether no name that says nothing stands for several sizes of the file."""
    names = Counter(_names(file.graph))
    return all(says_something(name) for name, count in names.items() if count > 1)


def _names(graph: NodeGraph) -> Iterator[str]:
    for value in graph.declared.values():
        yield from (size for size in value.shape or () if isinstance(size, str))
    for node in graph.nodes:
        for inner in node.graphs:
            yield from _names(inner)
